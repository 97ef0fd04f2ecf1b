"""The same neuron on several days, as Track2p or ROICaT found it.

Track2p: `track_ops.npy` and `planeN_suite2p_indices.npy`. Rows are cells, columns days;
a value is the row in that day's stat.npy, or None. Older versions write
`planeN_match_mat.npy` only, which counts the ROIs that passed the threshold: those with
``iscell[:, 1] > iscell_thr``, or with ``iscell[:, 0] == 1`` where it is None.

ROICaT: `NAME.tracking.results_clusters.json`. Its `labels_bySession` holds, for each
recording, one number per row of stat.npy: ROIs with the same number are one cell, -1 is
none. `NAME.tracking.params_used.json` beside it names the recordings. Its pickles and
richfiles are not read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.errors import LabelError, RecordingError
from napari_celltype.labels.table import Label, LabelTable
from napari_celltype.recording import Recording, load_npy, session_folder

_RESULTS = ".tracking.results_clusters.json"
_OPTIONS = ".tracking.params_used.json"
_MAX_BYTES = 512 << 20


@dataclass(frozen=True, eq=False)
class MatchedCells:
    """Which ROIs of several recordings are one neuron."""

    program: str
    path: Path
    # Paths as that program noted them; empty where it noted none.
    days: tuple[str, ...]
    # For each day roi_id -> cell_id, of cells found on two days at least.
    rows: tuple[Mapping[int, str], ...]
    # For each day, where the files tell.
    n_rois: tuple[int | None, ...]
    notes: tuple[str, ...] = ()

    def day_of(self, recording: Recording) -> int:
        """Return which day a recording is, from 0: by the end of its path."""
        where = _session_parts(str(recording.path or ""))
        shared = [_shared_end(where, _session_parts(day)) for day in self.days]
        best = max(shared, default=0)
        found = [i for i, n in enumerate(shared) if n == best and n > 0]
        if not any(self.days):
            found = [i for i, n in enumerate(self.n_rois) if n == recording.n_rois]
        if len(found) == 1:
            return found[0]
        this = recording.path or "this recording"
        if not found:
            known = ", ".join(Path(d.replace("\\", "/")).name for d in self.days if d)
            raise LabelError(
                f"{self.path} does not name {this}; it is about "
                f"{known or f'{len(self.rows)} recordings of other sizes'}."
            )
        numbers = ", ".join(str(i + 1) for i in found)
        raise LabelError(
            f"{self.path}: {this} may be any of its recordings {numbers}; open it from "
            "a path that ends as it did then."
        )

    def for_recording(self, recording: Recording) -> dict[int, str]:
        """Return roi_id -> cell_id of one recording."""
        day = self.day_of(recording)
        n_rois, rows = self.n_rois[day], self.rows[day]
        largest = max(rows, default=-1)
        if n_rois not in (None, recording.n_rois) or largest >= recording.n_rois:
            made_on = n_rois or f"at least {largest + 1}"
            raise LabelError(
                f"{self.path} was made on {made_on} ROIs of "
                f"{recording.path or 'this recording'}, which has {recording.n_rois} "
                f"now; run {self.program} again."
            )
        return dict(rows)


def carried_labels(
    recording: Recording,
    cell_ids: Mapping[int, str],
    others: Sequence[tuple[str, LabelTable, Mapping[int, str]]],
) -> LabelTable:
    """Propose the labels that the same cells have on other days."""
    known: dict[str, list[tuple[str, Label]]] = {}
    tree = DEFAULT_TYPES
    for name, table, ids in others:
        tree = tree.with_types_of(table.tree)
        for row in table:
            cell_id = ids.get(row.roi_id)
            if cell_id is not None and row.is_ground_truth:
                known.setdefault(cell_id, []).append((name, row))
    rows = []
    for roi_id, cell_id in sorted(cell_ids.items()):
        labels = known.get(cell_id, [])
        # A cell with different labels on different days gets none.
        if len({row.label for _, row in labels}) != 1:
            continue
        name, row = labels[0]
        rows.append(
            replace(
                row,
                roi_id=roi_id,
                plane=recording.plane,
                source="imported",
                cell_id=cell_id,
                note=f"from {name}, ROI {row.roi_id} ({row.source})",
            )
        )
    return LabelTable(tuple(rows), tree)


def track2p_folder(path: Path) -> Path | None:
    """Return the folder with Track2p's files at or in a folder; None without."""
    for folder in (path, path / "track2p"):
        if (folder / "track_ops.npy").is_file():
            return folder
    return None


def read_track2p(path: Path, recording: Recording) -> MatchedCells:
    """Read the matches of a recording's plane at or in a folder of Track2p's."""
    folder = track2p_folder(path)
    if folder is None:
        raise LabelError(
            f"{path} holds no track_ops.npy; choose the folder 'track2p' that Track2p "
            f"has written."
        )
    plane = recording.plane
    options = _track2p_options(folder / "track_ops.npy")
    days = tuple(str(day) for day in options["all_ds_path"])
    rows_file = folder / f"plane{plane}_suite2p_indices.npy"
    direct = rows_file.is_file()
    if not direct:
        rows_file = folder / f"plane{plane}_match_mat.npy"
    if not rows_file.is_file():
        raise LabelError(
            f"{folder} holds no matches of plane {plane} ({rows_file.name}); run "
            f"Track2p on that plane."
        )
    table = _track2p_table(rows_file, len(days))
    table = table[_not_thrown_out(table, options.get(f"vector_curation_plane_{plane}"))]
    cells = [f"t2p-p{plane}-{number}" for number in range(len(table))]
    found = [
        {int(table[i, day]): cells[i] for i in np.flatnonzero(table[:, day] >= 0)}
        for day in range(len(days))
    ]
    matched = MatchedCells(
        "Track2p", folder, days, _on_two_days(found), (None,) * len(days)
    )
    if direct:
        return matched
    return _with_iscell(matched, recording, options.get("iscell_thr"))


def _with_iscell(
    matched: MatchedCells, recording: Recording, threshold: Any
) -> MatchedCells:
    """Turn the numbers of one day, counted among the cells, into rows of stat.npy."""
    day = matched.day_of(recording)
    if recording.path is None:
        raise LabelError("Traces without a folder have no iscell.npy to count by.")
    iscell = load_npy(recording.path / "iscell.npy").reshape(recording.n_rois, -1)
    notes: tuple[str, ...] = ()
    if threshold is None:
        passed = np.flatnonzero(iscell[:, 0] == 1)
        notes = (
            f"{matched.path} counts the ROIs that iscell.npy calls cells; if cells "
            f"were sorted after Track2p ran, the matches are wrong: Track2p 0.6.2 or "
            f"newer counts all ROIs.",
        )
    else:
        passed = np.flatnonzero(iscell[:, -1] > float(threshold))
    largest = max(matched.rows[day], default=-1)
    if largest >= passed.size:
        raise LabelError(
            f"{matched.path} was made on at least {largest + 1} cells of "
            f"{recording.path}, where {passed.size} pass Track2p's threshold now; run "
            f"Track2p again."
        )
    rows = list(matched.rows)
    rows[day] = {int(passed[n]): cell for n, cell in matched.rows[day].items()}
    return replace(matched, rows=tuple(rows), notes=notes)


def _track2p_options(path: Path) -> dict[str, Any]:
    content = load_npy(path)
    options = content.item() if content.shape == () else None
    if not isinstance(options, dict) or "all_ds_path" not in options:
        raise LabelError(
            f"{path} does not name the recordings (all_ds_path); check that it is "
            f"Track2p's file."
        )
    return options


def _track2p_table(path: Path, n_days: int) -> NDArray[np.int64]:
    """Return the matches, (n_cells, n_days), -1 where a cell was not found."""
    content = load_npy(path)
    if content.ndim != 2 or content.shape[1] != n_days:
        raise LabelError(
            f"{path} has the shape {content.shape} and track_ops.npy names {n_days} "
            f"recordings; they are of different runs, so copy the whole folder again."
        )
    try:
        numbers = np.array(
            [[np.nan if n is None else float(n) for n in row] for row in content]
        ).reshape(content.shape)
    except (TypeError, ValueError):
        raise RecordingError(
            f"{path} holds something else than numbers; run Track2p again."
        ) from None
    return np.where(np.isfinite(numbers), numbers, -1).astype(np.int64)


def _not_thrown_out(table: NDArray[np.int64], verdicts: Any) -> NDArray[np.bool_]:
    """Leave out "not a cell" of Track2p's window: a verdict per cell of all days."""
    kept = np.ones(len(table), dtype=bool)
    complete = np.flatnonzero((table >= 0).all(axis=1))
    if verdicts is None or np.shape(verdicts) != complete.shape:
        return kept
    kept[complete[np.asarray(verdicts, dtype=float) == 0]] = False
    return kept


def roicat_file(path: Path) -> Path | None:
    """Return ROICaT's results at or in a folder; None without, or with several."""
    if path.is_file():
        return path if path.suffix == ".json" else None
    found = [*path.glob(f"*{_RESULTS}"), *path.glob(_RESULTS.removeprefix("."))]
    return found[0] if len(found) == 1 else None


def read_roicat(path: Path, recording: Recording) -> MatchedCells:
    """Read the matches of ROICaT at or in a folder."""
    file = roicat_file(path)
    if file is None:
        raise LabelError(
            f"{path} is no result that can be read; choose ROICaT's "
            f"NAME{_RESULTS} (pickles and richfiles are not read)."
        )
    content = _json(file)
    clusters = content.get("clusters", content) if isinstance(content, dict) else None
    sessions: Any = (
        clusters.get("labels_bySession") if isinstance(clusters, dict) else None
    )
    if not _is_table(sessions):
        raise LabelError(
            f"{file} has no labels_bySession, a list of whole numbers for each "
            f"recording; check that it is the result of ROICaT's tracking."
        )
    cells = [
        {i: f"roicat-p{recording.plane}-{n}" for i, n in enumerate(session) if n >= 0}
        for session in sessions
    ]
    # ROICaT counts each plane anew, so that the plane is part of the cell_id.
    days = _roicat_paths(file, len(sessions))
    note = (
        "ROICaT's results do not say which recordings they are of (no "
        f"{_OPTIONS.removeprefix('.')} beside them); this one was found by its number "
        "of ROIs."
    )
    return MatchedCells(
        "ROICaT",
        file,
        days or ("",) * len(sessions),
        _on_two_days(cells),
        tuple(len(session) for session in sessions),
        () if days else (note,),
    )


def _is_table(sessions: Any) -> bool:
    return (
        isinstance(sessions, list)
        and len(sessions) > 0
        and all(
            isinstance(session, list) and all(type(n) is int for n in session)
            for session in sessions
        )
    )


def _roicat_paths(file: Path, n_sessions: int) -> tuple[str, ...]:
    """Return the recordings that ROICaT's options name, none if they do not fit."""
    options = file.with_name(file.name.removesuffix(_RESULTS) + _OPTIONS)
    if file.name == _RESULTS.removeprefix("."):
        options = file.with_name(_OPTIONS.removeprefix("."))
    if not options.is_file() or options == file:
        return ()
    found: Any = _json(options)
    for key in ("data", "__init__", "paths_statFiles"):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, list) or len(found) != n_sessions:
        return ()
    return tuple(str(path) for path in found)


def _json(path: Path) -> Any:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise LabelError(f"{path} is too large to be a result of ROICaT.")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabelError(
            f"{path} cannot be read ({error.strerror}); check its permissions."
        ) from None
    except (ValueError, RecursionError):
        raise LabelError(f"{path} is no JSON, or damaged; copy it again.") from None


def _on_two_days(days: Sequence[Mapping[int, str]]) -> tuple[dict[int, str], ...]:
    """Keep the cells that are there on two days at least, as one ROI each."""
    counts = [Counter(day.values()) for day in days]
    seen = Counter(cell for day in counts for cell, n in day.items() if n == 1)
    return tuple(
        {
            roi_id: cell
            for roi_id, cell in day.items()
            if seen[cell] > 1 and count[cell] == 1
        }
        for day, count in zip(days, counts, strict=True)
    )


def _session_parts(path: str) -> tuple[str, ...]:
    """Return the folders of a path of any system, down to the session."""
    session = session_folder(Path(PureWindowsPath(path).as_posix()))
    return tuple(part for part in session.parts if part != "/")


def _shared_end(first: Sequence[str], second: Sequence[str]) -> int:
    n = 0
    for a, b in zip(reversed(first), reversed(second), strict=False):
        if a.casefold() != b.casefold():
            break
        n += 1
    return n
