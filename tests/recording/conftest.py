"""A plane folder that a test may damage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def plane(suite2p_folder: Callable[..., Path], tmp_path: Path) -> Path:
    """Plane 0 of 12 ROIs, 900 frames of 64 x 72 pixels at 30 Hz."""
    return suite2p_folder(tmp_path) / "plane0"


@pytest.fixture
def set_ops() -> Callable[..., None]:
    """Change entries of a plane's ops.npy."""

    def change(plane: Path, **entries: Any) -> None:
        ops = np.load(plane / "ops.npy", allow_pickle=True).item()
        np.save(plane / "ops.npy", np.array(ops | entries, dtype=object))

    return change
