"""The benchmark scripts, importable as they are when one of them is run."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from known_cells import RealCell


@pytest.fixture(scope="session")
def make_cell():
    """Return a maker of synthetic cells: noise with a slow wave."""

    def make(
        number: int,
        cell_type: str = "PY",
        *,
        slow: float = 0.0,
        batch: str = "",
        indicator: str = "OGB1",
        rate: float = 20.0,
        seconds: int = 90,
    ) -> RealCell:
        random = np.random.default_rng(number)
        time = np.arange(int(seconds * rate)) / rate
        trace = random.normal(size=time.size) + slow * np.sin(2 * np.pi * 0.02 * time)
        return RealCell(
            file=f"cell{number}",
            cell_type=cell_type,
            indicator=indicator,
            preparation="in vivo",
            sampling_frequency=rate,
            trials=(trace.astype(np.float32),),
            dataset="DS00",
            batch=batch or f"cell{number}",
        )

    return make
