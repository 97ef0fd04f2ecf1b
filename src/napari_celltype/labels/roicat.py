"""Matches of ROICaT: `NAME.tracking.results_clusters.json`.

Its `labels_bySession` holds, for each recording, one number per row of stat.npy: ROIs
with the same number are one cell, -1 is none. `NAME.tracking.params_used.json` beside
it names the recordings. Its pickles and richfiles are not read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from napari_celltype.errors import LabelError
from napari_celltype.labels.matched_cells import MatchedCells, on_two_days
from napari_celltype.recording import Recording

_RESULTS = ".tracking.results_clusters.json"
_OPTIONS = ".tracking.params_used.json"
_MAX_BYTES = 512 << 20


def roicat_file(path: Path) -> Path | None:
    """Return ROICaT's results at or in a folder; None without, or with several."""
    if path.is_file():
        return path if path.suffix == ".json" else None
    found = [*path.glob(f"*{_RESULTS}"), *path.glob(_RESULTS.removeprefix("."))]
    return found[0] if len(found) == 1 else None


def read_roicat(path: str | Path, recording: Recording) -> MatchedCells:
    """Read the matches of ROICaT.

    Parameters
    ----------
    path : str or Path
        ``NAME.tracking.results_clusters.json``, or the folder with it.
    recording : Recording
        Its plane becomes part of the cell_id, since ROICaT counts each plane anew.

    Raises
    ------
    LabelError
        If the file is missing, or is no result of ROICaT's tracking.
    """
    file = roicat_file(Path(path))
    if file is None:
        raise LabelError(
            f"{path} is no result that can be read; choose ROICaT's "
            f"NAME{_RESULTS} (pickles and richfiles are not read)."
        )
    content = _json(file)
    clusters = content.get("clusters", content) if isinstance(content, dict) else {}
    sessions: Any = None
    if isinstance(clusters, dict):
        sessions = clusters.get("labels_bySession")
    if not _is_table(sessions):
        raise LabelError(
            f"{file} has no labels_bySession, a list of whole numbers for each "
            f"recording; check that it is the result of ROICaT's tracking."
        )
    cells = [
        {i: f"roicat-p{recording.plane}-{n}" for i, n in enumerate(session) if n >= 0}
        for session in sessions
    ]
    days = _paths(file, len(sessions))
    notes = (
        ()
        if days
        else (
            "ROICaT's results do not say which recordings they are of (no "
            f"{_OPTIONS.removeprefix('.')} beside them); this one was found by its "
            "number of ROIs.",
        )
    )
    return MatchedCells(
        "ROICaT",
        file,
        days or ("",) * len(sessions),
        on_two_days(cells),
        tuple(len(session) for session in sessions),
        notes,
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


def _paths(file: Path, n_sessions: int) -> tuple[str, ...]:
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
