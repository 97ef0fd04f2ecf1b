"""Import what the next click needs while the user looks around."""

from __future__ import annotations

import sys
from importlib import import_module
from threading import Thread


def import_torch_in_background() -> None:
    """Import torch in a thread of its own, where that was not done yet."""
    if "torch" not in sys.modules:
        Thread(target=import_module, args=("torch",), name="import torch").start()


def prepare_for_layers() -> None:
    """Import what the first layer and its table of features need; call it in a thread.

    pandas takes a second, and napari's first layer reads a table of all units.
    """
    import numpy as np
    from napari.layers import Labels

    import_module("pandas")
    Labels(np.zeros((1, 1), dtype=np.uint8))
