"""What the recordings of one table are called."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def recording_names(planes: Sequence[Path | None]) -> list[str]:
    """Name each plane folder by its session folder, relative to the common folder.

    ``/data/m1/day1/suite2p/plane0`` and ``/data/m2/day1/suite2p/plane0`` are called
    ``m1/day1`` and ``m2/day1``; a single one goes by its session folder's own name.

    Parameters
    ----------
    planes : sequence of Path or None
        Plane folders; None for traces from elsewhere.
    """
    sessions = [None if p is None else _session_folder(p.resolve()) for p in planes]
    known = {s for s in sessions if s is not None}
    if len(known) < 2:
        return ["traces" if s is None else s.name for s in sessions]
    common = Path(os.path.commonpath([str(s) for s in known]))
    return [
        "traces"
        if s is None
        else (common.name if s == common else s.relative_to(common).as_posix())
        for s in sessions
    ]


def _session_folder(plane: Path) -> Path:
    folder = plane.parent if plane.name.startswith("plane") else plane
    return folder.parent if folder.name == "suite2p" else folder
