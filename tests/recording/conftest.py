"""A plane folder that a test may damage."""

import numpy as np
import pytest


@pytest.fixture
def plane(suite2p_folder, tmp_path):
    """Plane 0 of 12 ROIs, 900 frames of 64 x 72 pixels at 30 Hz."""
    return suite2p_folder(tmp_path) / "plane0"


@pytest.fixture
def set_ops():
    """Change entries of a plane's ops.npy."""

    def change(plane, **entries):
        ops = np.load(plane / "ops.npy", allow_pickle=True).item()
        np.save(plane / "ops.npy", np.array(ops | entries, dtype=object))

    return change
