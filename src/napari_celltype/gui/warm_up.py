"""Import what the first classification needs while the user looks around."""

from __future__ import annotations

import sys
from importlib import import_module
from threading import Thread


def import_torch_in_background() -> None:
    """Import torch in a thread of its own, where that was not done yet."""
    if "torch" not in sys.modules:
        Thread(target=import_module, args=("torch",), name="import torch").start()
