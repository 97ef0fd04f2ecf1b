"""The page on the simulator shows the numbers of the simulator."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from napari_celltype.simulation import parameters

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_up_to_date():
    spec = importlib.util.spec_from_file_location(
        "render", DOCS / "render_simulation.py"
    )
    assert spec is not None
    assert spec.loader is not None
    render = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(render)
    page = (DOCS / "simulation.md").read_text(encoding="utf-8")
    assert page == render.rendered(page), "run python docs/render_simulation.py"


@pytest.mark.parametrize("name", ["NUISANCES", "KINETICS", "DRIFT", "REGIMES"])
def test_every_parameter_has_a_source(name):
    for parameter in getattr(parameters, name).values():
        assert parameter.source
        assert parameter.low <= parameter.high
