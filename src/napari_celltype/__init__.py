"""Tell pyramidal, PV, SOM and VIP neurons apart by their calcium traces.

Public names load on first use, so that importing the package stays quick and pulls in
neither Qt nor torch nor pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "Recording": "recording",
    "find_planes": "recording",
    "open_recording": "recording",
    "TraceSet": "labels",
    "load_traces": "labels",
    "TraceClassifier": "models",
    "list_models": "models",
    "load_model": "models",
    "simulate_recording": "simulation",
    "simulate_traces": "simulation",
    "PaperProtocol": "protocol",
    "classify": "answers",
    "evaluate": "protocol.evaluate",
    "watch": "online",
}

__all__ = [*_PUBLIC, "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("napari-celltype")
    if name in _PUBLIC:
        return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
