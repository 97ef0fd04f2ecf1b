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

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.errors import LabelError, RecordingError
from napari_celltype.labels.label_file import read_json
from napari_celltype.labels.table import Label, LabelTable
from napari_celltype.recording import Recording, load_npy, session_folder

_RESULTS = "tracking.results_clusters.json"
_OPTIONS = "tracking.params_used.json"


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
            known = ", ".join(PureWindowsPath(d).name for d in self.days if d)
            raise LabelError(
                f"{self.path} does not name {this}; it is about "
                f"{known or f'{len(self.rows)} recordings of other sizes'}."
            )
        numbers = ", ".join(str(i + 1) for i in found)
        raise LabelError(
            f"{self.path}: {this} may be any of its recordings {numbers}; open it from "
            "a path that ends as it did then."
        )

    def for_recording(self, recording: Recording) -> Mapping[int, str]:
        """Return roi_id -> cell_id of one recording."""
        day = self.day_of(recording)
        n_rois, largest = self.n_rois[day], max(self.rows[day], default=-1)
        if n_rois not in (None, recording.n_rois) or largest >= recording.n_rois:
            made_on = n_rois or f"at least {largest + 1}"
            raise LabelError(
                f"{self.path} was made on {made_on} ROIs of "
                f"{recording.path or 'this recording'}, which has {recording.n_rois} "
                f"now; run {self.program} again."
            )
        return self.rows[day]


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
            if row.roi_id in ids and row.is_ground_truth:
                known.setdefault(ids[row.roi_id], []).append((name, row))
    rows = []
    for roi_id, cell_id in sorted(cell_ids.items()):
        labels = known.get(cell_id, [])
        # A cell with different labels on different days gets none.
        if len({row.label for _, row in labels}) == 1:
            name, row = labels[0]
            carried = replace(
                row,
                roi_id=roi_id,
                plane=recording.plane,
                source="imported",
                cell_id=cell_id,
                note=f"from {name}, ROI {row.roi_id} ({row.source})",
            )
            rows.append(carried)
    return LabelTable(tuple(rows), tree)


def track2p_folder(path: Path) -> Path | None:
    """Return the folder with Track2p's files at or in a folder; None without."""
    for folder in (path, path / "track2p"):
        if (folder / "track_ops.npy").is_file():
            return folder
    return None


def read_track2p(folder: Path, recording: Recording) -> MatchedCells:
    """Read the matches of a recording's plane in a folder of Track2p's."""
    plane, file = recording.plane, folder / "track_ops.npy"
    content = load_npy(file)
    options: Any = content.item() if content.shape == () else None
    noted: Any = options.get("all_ds_path") if isinstance(options, dict) else None
    if not isinstance(noted, list | tuple) and getattr(noted, "ndim", 0) != 1:
        raise LabelError(
            f"{file} does not name the recordings (all_ds_path); check that it is "
            f"Track2p's file."
        )
    days = tuple(map(str, noted))
    direct, older = (
        folder / f"plane{plane}_{name}.npy" for name in ("suite2p_indices", "match_mat")
    )
    if not direct.is_file() and not older.is_file():
        raise LabelError(
            f"{folder} holds no matches of plane {plane} ({older.name}); run Track2p "
            f"on that plane."
        )
    table = _track2p_table(direct if direct.is_file() else older, len(days))
    # "Not a cell" in Track2p's window: a verdict for each cell of all days.
    verdicts = options.get(f"vector_curation_plane_{plane}")
    complete = np.flatnonzero((table >= 0).all(axis=1))
    if verdicts is not None:
        is_cell = _numbers(verdicts, file, 1)
        if is_cell.shape == complete.shape:
            table = np.delete(table, complete[is_cell == 0], 0)
    found = [
        {int(row): f"t2p-p{plane}-{n}" for n, row in enumerate(column) if row >= 0}
        for column in table.T
    ]
    matched = MatchedCells(
        "Track2p", folder, days, _on_two_days(found), (None,) * len(days)
    )
    if direct.is_file():
        return matched
    return _with_iscell(matched, recording, options.get("iscell_thr"))


def _with_iscell(
    matched: MatchedCells, recording: Recording, threshold: Any
) -> MatchedCells:
    """Turn the numbers of one day, counted among the cells, into rows of stat.npy."""
    day = matched.day_of(recording)
    assert recording.path is not None
    path = recording.path / "iscell.npy"
    iscell = _numbers(load_npy(path), path, 1, 2)
    if not iscell.size or len(iscell) != recording.n_rois:
        raise RecordingError(
            f"{path} has the shape {iscell.shape}, expected a row for each of "
            f"{recording.n_rois} ROIs; copy the whole folder again."
        )
    iscell = iscell.reshape(recording.n_rois, -1)
    notes: tuple[str, ...] = ()
    if threshold is None:
        passed = np.flatnonzero(iscell[:, 0] == 1)
        notes = (
            f"{matched.path} counts the ROIs that iscell.npy calls cells; if cells "
            f"were sorted after Track2p ran, the matches are wrong: Track2p 0.6.2 or "
            f"newer counts all ROIs.",
        )
    else:
        limit = _numbers(threshold, matched.path / "track_ops.npy", 0)
        passed = np.flatnonzero(iscell[:, -1] > float(limit))
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


def _track2p_table(path: Path, n_days: int) -> NDArray[np.int64]:
    """Return the matches, (n_cells, n_days), -1 where a cell was not found."""
    content = load_npy(path)
    if content.ndim != 2 or content.shape[1] != n_days:
        raise LabelError(
            f"{path} has the shape {content.shape} and track_ops.npy names {n_days} "
            f"recordings; they are of different runs, so copy the whole folder again."
        )
    numbers = _numbers(content, path, 2)
    # No recording has as many ROIs as that.
    rows = np.clip(np.where(np.isfinite(numbers), numbers, -1), -1, 2**31)
    return rows.astype(np.int64)


def _numbers(values: Any, path: Path, *ndim: int) -> NDArray[np.float64]:
    """Return the numbers of a file in an array of so many axes, NaN for None."""
    with suppress(TypeError, ValueError, OverflowError):
        numbers = np.asarray(values)
        if numbers.ndim in ndim and numbers.dtype.kind in "biufO":
            return numbers.astype(np.float64)
    raise RecordingError(
        f"{path} holds something else than numbers; run Track2p again."
    )


def roicat_file(path: Path) -> Path | None:
    """Return ROICaT's results at or in a folder; None without, or with several."""
    if path.name.endswith(_RESULTS):
        return path
    found = [*path.glob(f"*{_RESULTS}")]
    return found[0] if len(found) == 1 else None


def read_roicat(file: Path, recording: Recording) -> MatchedCells:
    """Read the matches in a file of ROICaT's results."""
    content = read_json(file)
    clusters = content.get("clusters", content) if isinstance(content, dict) else None
    sessions: Any = (
        clusters.get("labels_bySession") if isinstance(clusters, dict) else None
    )
    if not isinstance(sessions, list) or not all(
        isinstance(session, list) and all(type(n) is int for n in session)
        for session in sessions
    ):
        raise LabelError(
            f"{file} has no labels_bySession, a list of whole numbers for each "
            f"recording; check that it is the result of ROICaT's tracking."
        )
    # ROICaT counts each plane anew, so that the plane is part of the cell_id.
    cells = [
        {i: f"roicat-p{recording.plane}-{n}" for i, n in enumerate(session) if n >= 0}
        for session in sessions
    ]
    options = file.with_name(file.name.removesuffix(_RESULTS) + _OPTIONS)
    try:
        paths = read_json(options)["data"]["__init__"]["paths_statFiles"]
    except (LabelError, KeyError, TypeError):
        paths = None
    named = isinstance(paths, list) and len(paths) == len(sessions)
    note = (
        f"ROICaT's results do not say which recordings they are of (no {_OPTIONS} "
        "beside them); this one was found by its number of ROIs."
    )
    return MatchedCells(
        "ROICaT",
        file,
        tuple(map(str, paths)) if named else ("",) * len(sessions),
        _on_two_days(cells),
        tuple(len(session) for session in sessions),
        () if named else (note,),
    )


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
    return tuple(part.casefold() for part in session.parts if part != "/")


def _shared_end(first: Sequence[str], second: Sequence[str]) -> int:
    pairs = zip(reversed(first), reversed(second), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
