"""Where the validation finds its data and keeps its numbers, and what made them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from napari_celltype.simulation import SIMULATOR_VERSION

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("NAPARI_CELLTYPE_TEST_DATA", ROOT.parent / "shared/data"))
WORK = ROOT / "build" / "validation"


def write_results(name: str, results: Mapping[str, Any], work: Path) -> Path:
    """Write results as `name`.json, with what made them."""
    made_by = {
        "napari-celltype": version("napari-celltype"),
        "simulator": SIMULATOR_VERSION,
    }
    work.mkdir(parents=True, exist_ok=True)
    path = work / f"{name}.json"
    text = json.dumps({"made by": made_by, **results}, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path
