"""Where the validation finds its data and keeps its numbers, and what made them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from napari_celltype import simulation

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("NAPARI_CELLTYPE_TEST_DATA", ROOT.parent / "shared/data"))
WORK = ROOT / "build" / "validation"

# Modules of the simulator that turn no random number into a trace or a movie.
_NO_TRACES = ("__init__.py", "documentation.py", "folder.py", "matching.py")


def simulator_digest() -> str:
    """Return a short digest of the code and the numbers that make traces and movies."""
    files = sorted(Path(simulation.__file__).parent.glob("*.py"))
    used = [file.read_bytes() for file in files if file.name not in _NO_TRACES]
    return hashlib.sha256(b"\0".join(used)).hexdigest()[:12]


def write_results(name: str, results: Mapping[str, Any], work: Path) -> Path:
    """Write results as `name`.json, with what made them."""
    made_by = {
        "napari-celltype": version("napari-celltype"),
        "simulator": simulator_digest(),
    }
    work.mkdir(parents=True, exist_ok=True)
    path = work / f"{name}.json"
    text = json.dumps({"made by": made_by, **results}, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path
