"""Matches of Track2p: `track_ops.npy` and `planeN_suite2p_indices.npy`.

Rows are cells, columns days; a value is the row in that day's stat.npy, or None. Older
versions write `planeN_match_mat.npy` only, which counts the ROIs that passed the
threshold: those with ``iscell[:, 1] > iscell_thr``, or with ``iscell[:, 0] == 1`` where
the threshold is None.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import LabelError, RecordingError
from napari_celltype.labels.matched_cells import MatchedCells, on_two_days
from napari_celltype.recording import Recording, load_npy


def track2p_folder(path: Path) -> Path | None:
    """Return the folder with Track2p's files at or in a folder; None without."""
    for folder in (path, path / "track2p"):
        if (folder / "track_ops.npy").is_file():
            return folder
    return None


def read_track2p(path: str | Path, recording: Recording) -> MatchedCells:
    """Read the matches of one plane.

    Parameters
    ----------
    path : str or Path
        The folder ``track2p``, or the one that holds it.
    recording : Recording
        Its plane is read. For the output of older versions its iscell.npy is, too.

    Raises
    ------
    LabelError
        If the files are missing, or contradict one another.
    RecordingError
        If a file is damaged or asks for code to be run.
    """
    folder = track2p_folder(Path(path))
    if folder is None:
        raise LabelError(
            f"{path} holds no track_ops.npy; choose the folder 'track2p' that Track2p "
            f"has written."
        )
    plane = recording.plane
    options = _options(folder / "track_ops.npy")
    days = tuple(str(day) for day in options["all_ds_path"])
    notes: tuple[str, ...] = ()
    rows_file = folder / f"plane{plane}_suite2p_indices.npy"
    direct = rows_file.is_file()
    if not direct:
        rows_file = folder / f"plane{plane}_match_mat.npy"
    if not rows_file.is_file():
        raise LabelError(
            f"{folder} holds no matches of plane {plane} ({rows_file.name}); run "
            f"Track2p on that plane."
        )
    table = _table(rows_file, len(days))
    table = table[_not_thrown_out(table, options.get(f"vector_curation_plane_{plane}"))]
    cells = [f"t2p-p{plane}-{number}" for number in range(len(table))]
    found = [
        {int(table[i, day]): cells[i] for i in np.flatnonzero(table[:, day] >= 0)}
        for day in range(len(days))
    ]
    matched = MatchedCells(
        "Track2p", folder, days, on_two_days(found), (None,) * len(days)
    )
    if direct:
        return matched
    return _with_iscell(matched, recording, options.get("iscell_thr"), notes)


def _with_iscell(
    matched: MatchedCells,
    recording: Recording,
    threshold: Any,
    notes: tuple[str, ...],
) -> MatchedCells:
    """Turn the numbers of one day, counted among the cells, into rows of stat.npy."""
    day = matched.day_of(recording)
    if recording.path is None:
        raise LabelError("Traces without a folder have no iscell.npy to count by.")
    iscell = load_npy(recording.path / "iscell.npy").reshape(recording.n_rois, -1)
    if threshold is None:
        passed = np.flatnonzero(iscell[:, 0] == 1)
        notes = (
            *notes,
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
    return MatchedCells(
        matched.program, matched.path, matched.days, tuple(rows), matched.n_rois, notes
    )


def _options(path: Path) -> dict[str, Any]:
    content = load_npy(path)
    options = content.item() if content.shape == () else None
    if not isinstance(options, dict) or "all_ds_path" not in options:
        raise LabelError(
            f"{path} does not name the recordings (all_ds_path); check that it is "
            f"Track2p's file."
        )
    return options


def _table(path: Path, n_days: int) -> NDArray[np.int64]:
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
    """Leave out what the user called "not a cell" in Track2p's window.

    There is one verdict for each cell that was found on all days.
    """
    kept = np.ones(len(table), dtype=bool)
    complete = np.flatnonzero((table >= 0).all(axis=1))
    if verdicts is None or np.shape(verdicts) != complete.shape:
        return kept
    kept[complete[np.asarray(verdicts, dtype=float) == 0]] = False
    return kept
