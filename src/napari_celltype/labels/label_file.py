"""The autosaved label file `celltype_labels.json` beside a recording.

It carries the fingerprint of the ROIs that the labels were made on and the mask of each
labelled ROI. suite2p renumbers its rows when ROIs are drawn or merged by hand; then the
labels follow their masks, and one whose ROI is gone is set aside, never shifted.

Two windows, or two people on one share, may have the same recording open. A file that
is not the one that was last read or written here is never replaced unasked.

Version 1 is a JSON object: `format`, `version`, `plane`, `rois` (fingerprint), `types`
(the user's own), `labels` and `set_aside` (lists of objects with the fields of `Label`
and `runs`, see `matching`).
"""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any, get_type_hints

from napari_celltype.celltypes import DEFAULT_TYPES, CellType, TypeTree
from napari_celltype.errors import CellTypeError, LabelConflict, LabelError
from napari_celltype.files import (
    file_sha256,
    locked,
    write_atomically,
    write_text_atomically,
)
from napari_celltype.labels.matching import Runs, find_again, mask_runs
from napari_celltype.labels.notes import counted, first_few
from napari_celltype.labels.table import (
    SOURCES,
    Label,
    LabelTable,
    SetAside,
    canonical_label,
)
from napari_celltype.recording import Recording, file_of, fingerprint

FILE_NAME = "celltype_labels.json"
FORMAT = "napari-celltype labels"
VERSION = 1

_MAX_PIXEL = 1 << 16

# Seconds that a save waits for another one of the same file.
_PATIENCE = 10.0

# What the file says of a label (the plane is that of the recording), and what holds
# where it says nothing.
_TYPES = {n: hint for n, hint in get_type_hints(Label).items() if n != "plane"}
_UNSAID = asdict(Label(0, "")) | {"roi_id": None, "label": None}


class LabelFile:
    """The label file of one recording, as one window reads and writes it.

    Use it from one thread at a time.

    Attributes
    ----------
    labels_dir : str or Path or None
        A folder of the user's choice, for data that is read-only; see `label_path`.
    saved : LabelTable
        The labels as they were last read or written here; empty before.
    copy : Path or None
        Where `save_copy` has put labels that are not in the file.
    """

    def __init__(
        self, recording: Recording, labels_dir: str | Path | None = None
    ) -> None:
        self.recording = recording
        self.labels_dir = labels_dir
        self.saved = LabelTable()
        self.copy: Path | None = None
        self._digest: str | None = None

    @property
    def path(self) -> Path:
        """Where the labels are saved."""
        return label_path(self.recording, self.labels_dir)

    def load(self, tree: TypeTree = DEFAULT_TYPES) -> LabelTable | None:
        """Read the labels, as `load_labels`; the file may be replaced from now on."""
        if self.recording.path is None:
            return None
        # First: what is changed while it is read is then noticed at the next save.
        digest = self._digest_on_disk()
        labels = load_labels(self.recording, self.labels_dir, tree)
        self._digest, self.saved = digest, labels or LabelTable(tree=tree)
        self.copy = None
        return labels

    def is_changed(self) -> bool:
        """Tell whether the file is not the one that was last read or written here."""
        return (
            self.recording.path is not None and self._digest_on_disk() != self._digest
        )

    def save(self, labels: LabelTable, *, overwrite: bool = False) -> Path | None:
        """Save labels, unless somebody else has changed the file; see `save_labels`.

        With `overwrite` also then; the copy that is made of theirs is returned.

        Raises
        ------
        LabelConflict
            If the file is not the one that was last read or written here; nothing is
            written. A file that is gone is written again.
        """
        theirs, path = None, self.path
        self._require_folder()
        with locked(path.with_name(f".{path.name}.lock"), _PATIENCE):
            # Where there is no file, nothing can be lost.
            if path.exists() and self.is_changed():
                if not overwrite:
                    when = datetime.fromtimestamp(path.stat().st_mtime)
                    raise LabelConflict(
                        f"{path} was saved by another window or program "
                        f"({when:%Y-%m-%d %H:%M:%S}) and is not what was last read or "
                        f"saved here; load it again, or write over it (a copy of it "
                        f"stays)."
                    )
                _parse(path)
                theirs = _copy_to(path, _beside(path, "theirs"))
            save_labels(self.recording, labels, self.labels_dir)
            self._digest = self._digest_on_disk()
            self.saved = labels.for_plane(self.recording.plane)
        if self.copy is not None:
            with suppress(OSError):
                self.copy.unlink(missing_ok=True)
            self.copy = None
        return theirs

    def save_copy(self, labels: LabelTable, otherwise: Path) -> Path:
        """Keep labels that could not be saved in their place, and return where.

        Beside the label file, or in the labels folder `otherwise`:
        ``celltype_labels.mine-*.json``. The next copy replaces it; it goes when the
        labels are saved, and stays when those of the file are loaded.
        """
        text = _file_text(self.recording, labels)
        try:
            self._require_folder()
            place = self.copy or _beside(self.path, "mine")
            self.copy = write_text_atomically(place, text)
        except CellTypeError:
            place = _beside(label_path(self.recording, otherwise), "mine")
            self.copy = write_text_atomically(place, text)
        return self.copy

    def move_to(self, labels_dir: str | Path | None) -> None:
        """Save to another labels folder from now on (None: beside the recording).

        A label file that is there already is somebody else's until it is read.
        """
        self.labels_dir = labels_dir
        self._digest, self.saved = None, LabelTable(tree=self.saved.tree)

    def _require_folder(self) -> None:
        # A disk that is not connected shall not become a folder with labels in it.
        files = self.recording.files
        if self.labels_dir is None and not any(f.parent.is_dir() for f in files):
            raise LabelError(
                f"{self.recording.path} is not there any more; connect its disk, or "
                f"choose another folder for the labels."
            )

    def _digest_on_disk(self) -> str | None:
        """Return the digest of the file; None where there is none."""
        try:
            return file_sha256(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unreadable(self.path, error) from None


def label_path(recording: Recording, labels_dir: str | Path | None = None) -> Path:
    """Return where the labels of a recording are kept."""
    if recording.path is None:
        raise LabelError(
            "These traces have no recording folder, so labels cannot be kept beside "
            "them; keep them in a label table (CSV) or a trace set (.npz)."
        )
    return _places(recording.path, labels_dir)[0]


def _places(folder: Path, labels_dir: str | Path | None) -> list[Path]:
    """Return where the labels of a plane may be, the first choice first."""
    beside = folder / FILE_NAME
    if (file := file_of(folder)) is not None:
        # Beside a file, never inside, and a plane of it has its own.
        names = (file.name, *folder.relative_to(file).parts, FILE_NAME)
        beside = file.with_name(".".join(names))
    if labels_dir is None:
        return [beside]
    # The whole path is repeated, so that no two recordings share a file.
    full = folder.resolve()
    parts = (*re.findall(r"\w+", full.drive), *full.parts[1:])
    return [Path(labels_dir).joinpath(*parts) / FILE_NAME, beside]


def find_label_file(folder: Path, labels_dir: str | Path | None = None) -> Path | None:
    """Return the label file that `load_labels` reads for a plane folder, if any."""
    return next((p for p in _places(folder, labels_dir) if p.exists()), None)


def load_labels(
    recording: Recording,
    labels_dir: str | Path | None = None,
    tree: TypeTree = DEFAULT_TYPES,
) -> LabelTable | None:
    """Read the labels that were saved for a recording, else those that it came with.

    `LabelTable.warnings` says which labels followed their ROI to another row, and which
    were set aside because their ROI is gone.

    Parameters
    ----------
    labels_dir : str or Path, optional
        Looked in first; then the recording's own folder.
    tree : TypeTree
        Vocabulary, extended by the user's types that the file names.

    Raises
    ------
    LabelError
        If the file is damaged, written by a newer version, or none of its labels fits
        the ROIs of the recording.
    """
    if recording.path is None:
        return None
    path = find_label_file(recording.path, labels_dir)
    if path is None:
        return labels_of_file(recording, tree)
    return read_label_file(path, recording, tree)


def labels_of_file(
    recording: Recording,
    tree: TypeTree = DEFAULT_TYPES,
    meaning: Mapping[str, str] | None = None,
) -> LabelTable | None:
    """Return the types that the recording's own file gives its ROIs; None without any.

    `meaning` gives the label of a type in the words of the file, where the vocabulary
    does not know it; an empty one for what is no type.
    """
    texts = recording.roi_texts
    if not texts:
        return None
    empty = ("",) * recording.n_rois
    labels, sources, cells = (
        texts.get(name, empty) for name in ("label", "label_source", "cell_id")
    )
    names, unknown = dict[str, str](), Counter[str]()
    for text, n in Counter(filter(None, labels)).items():
        try:
            names[text] = canonical_label((meaning or {}).get(text, text), tree)
        except LabelError:
            unknown[text] = n
    rows = tuple(
        Label(
            roi_id,
            names.get(label, ""),
            recording.plane,
            source if source in SOURCES else "imported",
            cell_id=cell_id,
        )
        for roi_id, (label, source, cell_id) in enumerate(
            zip(labels, sources, cells, strict=True)
        )
        if names.get(label) or cell_id
    )
    warnings: tuple[str, ...] = ()
    if unknown:
        each = first_few(f"{text!r:.40} ({n})" for text, n in unknown.most_common())
        warnings = (
            f"The file names types that the vocabulary does not know ({each}); their "
            f"ROIs have no label.",
        )
    return LabelTable(rows, tree, warnings) if rows or warnings else None


def save_labels(
    recording: Recording, labels: LabelTable, labels_dir: str | Path | None = None
) -> Path:
    """Save labels beside a recording (or in a labels folder), in one step.

    Labels that are there and were made on other ROIs are first copied to
    ``celltype_labels.<fingerprint>.json``.

    Raises
    ------
    LabelError
        If the recording has no folder, a label is of a row that does not exist, or the
        file that is there was not written by this program or by a newer version of it.
    OutputError
        If the file cannot be written; for read-only data choose a labels folder.
    """
    path = label_path(recording, labels_dir)
    text = _file_text(recording, labels)
    if path.exists():
        # The first bytes tell, because a label is saved with each key.
        start = _json(_head(recording)).removesuffix("}").encode() + b","
        with path.open("rb") as file:
            is_same = file.read(len(start)) == start
        if not is_same:
            rois = _parse(path).get("rois")
            digest = rois.get("masks_sha256", "") if isinstance(rois, dict) else ""
            former = path.with_name(f"{path.stem}.{str(digest)[:8]}.json")
            if not former.exists():
                _copy_to(path, former)
    return write_text_atomically(path, text)


def read_label_file(
    path: Path, recording: Recording, tree: TypeTree = DEFAULT_TYPES
) -> LabelTable:
    """Read the labels of a label file that may lie anywhere, such as a copy."""
    content = _parse(path)
    try:
        tree = _with_own_types(content, tree)
        plane = recording.plane
        if content.get("plane", plane) != plane:
            raise LabelError(
                f"it is of plane {content['plane']!r:.60}, and this is plane {plane}."
            )
        labels = [_stored(e, tree, plane) for e in _objects(content, "labels")]
        aside = [_stored(e, tree, plane) for e in _objects(content, "set_aside")]
        if content.get("rois") == fingerprint(recording):
            rows = tuple(item.label for item in labels)
            require_rows([row.roi_id for row in rows], recording)
            table = LabelTable(rows, tree, set_aside=tuple(aside))
        else:
            table = _follow_masks(labels, aside, recording, tree)
        return table.on_merged(recording.merged_into)
    except LabelError as error:
        raise _unusable(path, error) from None


def own_types(path: Path) -> tuple[CellType, ...]:
    """Return the user's own types that a label file names, parents first."""
    content = _parse(path)
    try:
        own = _with_own_types(content, DEFAULT_TYPES)
    except LabelError as error:
        raise _unusable(path, error) from None
    return own.types[len(DEFAULT_TYPES.types) :]


def _with_own_types(content: Mapping[str, Any], tree: TypeTree) -> TypeTree:
    for entry in _objects(content, "types"):
        name, parent, color = entry.get("name"), entry.get("parent"), entry.get("color")
        if not (
            isinstance(name, str)
            and isinstance(color, str)
            and isinstance(parent, str | None)
        ):
            raise LabelError("one of the user's own types has no name or no colour.")
        # Somebody else may spell it otherwise.
        if not tree.knows(name):
            tree = tree.with_type(name, color=color, parent=parent)
    return tree


def _objects(content: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    entries = content.get(name, [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise LabelError(f"{name!r} is no list of objects.")
    return entries


def _stored(entry: Mapping[str, Any], tree: TypeTree, plane: int) -> SetAside:
    values = {name: entry.get(name, _UNSAID[name]) for name in _TYPES}
    for name, value in values.items():
        # A bool is an int in Python, and no row.
        is_bool = _TYPES[name] is int and isinstance(value, bool)
        if is_bool or not isinstance(value, _TYPES[name]):
            raise LabelError(f"a label has the {name} {value!r:.60}.")
    runs = entry.get("runs", [])
    if not isinstance(runs, list) or not all(_is_run(run) for run in runs):
        raise LabelError(f"the mask of ROI {values['roi_id']} is damaged.")
    values["label"] = canonical_label(values["label"], tree)
    return SetAside(Label(plane=plane, **values), runs)


def _is_run(run: object) -> bool:
    return (
        isinstance(run, list)
        and len(run) == 3
        and all(type(n) is int and 0 <= n < _MAX_PIXEL for n in run)
    )


def _follow_masks(
    labels: Sequence[SetAside],
    aside: Sequence[SetAside],
    recording: Recording,
    tree: TypeTree,
) -> LabelTable:
    """Give each label to the ROI that has its mask now."""
    stored = [*labels, *aside]
    found = find_again(dict(enumerate(item.runs for item in stored)), recording.rois)
    if labels and not any(i < len(labels) for i in found):
        raise LabelError(
            f"its {len(labels)} labels were made on other ROIs than the "
            f"{recording.n_rois} of this recording, and no mask fits."
        )
    rows = [replace(stored[i].label, roi_id=roi_id) for i, roi_id in found.items()]
    left = [item for i, item in enumerate(stored) if i not in found]
    was = [item.label.roi_id for item in labels]
    moved = sum(found.get(i, roi_id) != roi_id for i, roi_id in enumerate(was))
    gone = [str(roi_id) for i, roi_id in enumerate(was) if i not in found]
    warnings = []
    if moved:
        warnings.append(
            f"suite2p changed its rows after the labels were made; {moved} of "
            f"{counted(len(labels), 'label')} followed their ROI to another row."
        )
    if gone:
        warnings.append(
            f"{counted(len(gone), 'label')} set aside, because the ROI is not there "
            f"any more (formerly row {first_few(gone, 10)}); label these cells again."
        )
    rows.sort(key=lambda row: row.roi_id)
    return LabelTable(tuple(rows), tree, tuple(warnings), tuple(left))


def _file_text(recording: Recording, labels: LabelTable) -> str:
    """Return the content of a label file."""
    rows = labels.for_plane(recording.plane).by_roi()
    require_rows(rows, recording)
    runs = mask_runs(recording.rois, list(rows)) if len(recording.rois) else {}
    known = {t.name for t in DEFAULT_TYPES.types}
    content = {
        **_head(recording),
        "types": [
            {"name": t.name, "parent": t.parent, "color": t.color}
            for t in labels.tree.types
            if t.name not in known
        ],
        "labels": [_entry(row, runs.get(i, [])) for i, row in rows.items()],
        "set_aside": [_entry(item.label, item.runs) for item in labels.set_aside],
    }
    return _json(content) + "\n"


def _head(recording: Recording) -> dict[str, Any]:
    """Return what a label file begins with."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "plane": recording.plane,
        "rois": fingerprint(recording),
    }


def _entry(label: Label, runs: Runs) -> dict[str, Any]:
    return {**{name: getattr(label, name) for name in _TYPES}, "runs": runs}


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def require_rows(roi_ids: Iterable[int], recording: Recording) -> None:
    """Raise `LabelError` if an ROI is no row of the recording."""
    outside = [roi_id for roi_id in roi_ids if roi_id >= recording.n_rois]
    if outside:
        raise LabelError(
            f"ROI {outside[0]} does not exist: the recording has {recording.n_rois} "
            f"ROIs, counted from 0; check that the labels are of this recording."
        )


def read_json(path: Path) -> Any:
    """Return what a JSON file holds."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise unreadable(path, error) from None
    except (ValueError, RecursionError):
        raise LabelError(
            f"{path} is damaged: it is no JSON; put a good copy there or move it away."
        ) from None


def _parse(path: Path) -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise LabelError(
            f"{path} was not written by napari-celltype; move it away or use a labels "
            f"folder."
        )
    version = content.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise LabelError(
            f"{path} has the version {version!r} and this program reads up to "
            f"{VERSION}; update napari-celltype."
        )
    return dict(content)


def _copy_to(path: Path, copy: Path) -> Path:
    content = path.read_bytes()
    return write_atomically(copy, lambda file: file.write(content))


def _beside(path: Path, whose: str) -> Path:
    """Return a name beside a file that no other copy has."""
    return path.with_name(f"{path.stem}.{whose}-{uuid.uuid4().hex[:8]}.json")


def unreadable(path: Path, error: OSError) -> LabelError:
    """Return the sentence about a file that cannot be read."""
    return LabelError(
        f"{path} cannot be read ({error.strerror or error}); check its name and "
        f"permissions, and that its disk is connected."
    )


def _unusable(path: Path, error: LabelError) -> LabelError:
    return LabelError(
        f"{path} cannot be used: {error} Move it away to start anew, or put a good "
        f"copy there."
    )
