"""Parameters: draws, sources, and the page that shows them."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_celltype.simulation.parameters import NUISANCES, PARAMETERS

DOCS = Path(__file__).parents[2] / "docs"


def test_draws_keep_to_the_range_and_a_share_has_the_opposite_sign():
    range_ = replace(NUISANCES["noise"], low=1.0, high=4.0)
    drawn = range_.draw(np.random.default_rng(0), 20000)
    # Ends of a log-normal range are its 5 and 95 percent points.
    np.testing.assert_allclose(np.quantile(drawn, [0.05, 0.95]), [1, 4], rtol=0.05)
    mixed = replace(NUISANCES["artefact"], low=1.0, high=2.0, share_reversed=0.3)
    drawn = mixed.draw(np.random.default_rng(0), 20000)
    np.testing.assert_allclose((drawn < 0).mean(), 0.3, atol=0.02)


@pytest.mark.parametrize("group", PARAMETERS)
def test_every_parameter_has_a_source_and_a_range(group):
    for parameters in PARAMETERS[group].values():
        for parameter in parameters.values():
            assert parameter.source
            assert parameter.low <= parameter.high
            assert (parameter.low == parameter.high) == (
                parameter.distribution == "fixed"
            )


def test_the_page_on_the_simulator_is_up_to_date():
    spec = importlib.util.spec_from_file_location(
        "render", DOCS / "render_simulation.py"
    )
    assert spec is not None
    assert spec.loader is not None
    render = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(render)
    page = (DOCS / "simulation.md").read_text(encoding="utf-8")
    assert page == render.rendered(page), "run python docs/render_simulation.py"
