"""pynwb, where it is installed; it is imported only when an NWB file is written."""

from __future__ import annotations

import importlib
from typing import Any

from napari_celltype.errors import MissingDependencyError


def load_pynwb() -> Any:
    """Return the package pynwb.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    try:
        importlib.import_module("pynwb.ophys")
        return importlib.import_module("pynwb")
    except ImportError as error:
        raise MissingDependencyError(
            f"NWB files need the package pynwb ({error}); install it with: "
            "python -m pip install pynwb"
        ) from None
