"""Parameters: draws, measured numbers, and what a digest of the simulator covers."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np

from napari_celltype.simulation import parameters
from napari_celltype.simulation.parameters import TRACE_MODULES, Parameter

LITERATURE = Parameter("rate", 1.0, 4.0, "Hz", "Somebody 2000", "log-normal")


def test_ends_of_a_log_normal_range_are_its_5_and_95_percent_points():
    drawn = LITERATURE.draw(np.random.default_rng(0), 20000)
    np.testing.assert_allclose(np.quantile(drawn, [0.05, 0.95]), [1, 4], rtol=0.05)


def test_a_share_of_values_has_the_opposite_sign():
    mixed = Parameter("weight", 1, 2, "", "assumed", negative=0.3)
    drawn = mixed.draw(np.random.default_rng(0), 20000)
    np.testing.assert_allclose((drawn < 0).mean(), 0.3, atol=0.02)


def test_a_measured_number_remembers_the_literature():
    measured = LITERATURE.measured(2.0, 3.0, "DS01 (7 cells)")
    assert (measured.low, measured.high) == (2.0, 3.0)
    assert measured.source == "measured on DS01 (7 cells)"
    assert measured.literature == LITERATURE
    assert measured.measured(1.0, 1.5, "DS02 (9 cells)").literature == LITERATURE


def test_the_digest_covers_every_module_that_makes_traces():
    """What a listed module imports from the simulator must be listed too."""
    folder = Path(parameters.__file__).parent
    package = "napari_celltype.simulation."
    for name in TRACE_MODULES:
        tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
        imported = {
            node.module.removeprefix(package)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            and node.module is not None
            and node.module.startswith(package)
        }
        assert imported <= set(TRACE_MODULES)
