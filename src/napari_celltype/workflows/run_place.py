"""Where the folder of a run goes when the user does not care."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path


def new_run_folder(data: Path, now: datetime | None = None) -> Path:
    """Return a folder that is not there yet: beside the data, if one can write there.

    Otherwise it is among the user's own data of this program. The folder is not made.

    Parameters
    ----------
    data : Path
        A trace set, a recording list or a suite2p folder.
    now : datetime, optional
    """
    import platformdirs

    data = data.expanduser().resolve()
    beside = data.parent
    if not os.access(beside, os.W_OK):
        beside = platformdirs.user_data_path("napari-celltype", appauthor=False)
        beside = beside / "evaluations"
    stem = data.stem if data.suffix in (".npz", ".csv") else data.name
    name = f"{stem}-evaluation-{now or datetime.now():%Y%m%d-%H%M}"
    folder, number = beside / name, 1
    while folder.exists():
        number += 1
        folder = beside / f"{name}-{number}"
    return folder
