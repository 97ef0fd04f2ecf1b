"""The simulator without some of the real cells."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
DATA = Path(os.environ.get("NAPARI_CELLTYPE_TEST_DATA", ROOT.parent / "shared/data"))
CELLS = DATA / "real_cells.csv"

REFIT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from refit import use_without
from napari_celltype.simulation.parameters import INDICATORS
use_without(sys.argv[2:])
decays = {name: table["decay"] for name, table in INDICATORS.items()}
print(json.dumps({n: [p.low, p.source] for n, p in decays.items()}))
"""


@pytest.fixture
def few_cells(tmp_path: Path) -> Path:
    """A folder with six real cells each of OGB-1 and GCaMP6f, in vivo."""
    if not CELLS.exists():
        pytest.skip(f"There are no real cells at {CELLS}.")
    with CELLS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    some = [
        row
        for dataset in ("DS02", "DS10")
        for row in [r for r in rows if r["dataset"] == dataset][:6]
    ]
    (tmp_path / "real_cells").symlink_to(DATA / "real_cells")
    with (tmp_path / "real_cells.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(some)
    return tmp_path


def _refit(folder: Path, *strata: str) -> subprocess.CompletedProcess[str]:
    """Refit in a process of its own: it changes the tables of the whole process."""
    return subprocess.run(
        [sys.executable, "-c", REFIT, str(SCRIPTS), *strata],
        env={**os.environ, "NAPARI_CELLTYPE_TEST_DATA": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_numbers_of_denied_cells_fall_back_to_the_literature(few_cells):
    done = _refit(few_cells, "in vivo, OGB1")
    assert done.returncode == 0, done.stderr
    decays = json.loads(done.stdout)
    assert decays["OGB-1"] == [0.7, "Kerr 2005"]
    assert decays["GCaMP6f"][1].startswith("measured on DS10")
    assert decays["GCaMP6s"] == [1.2, "Chen 2013"]


def test_a_stratum_without_cells_is_refused(few_cells):
    done = _refit(few_cells, "in vivo, Cal-520")
    assert done.returncode == 1
    assert "No real cell belongs to ['in vivo, Cal-520']" in done.stderr
