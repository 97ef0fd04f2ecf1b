import new_types
import numpy as np
import pytest
from new_types import Cells, five, unknown


@pytest.fixture
def cells() -> Cells:
    types = np.tile(new_types.TYPES, 225)
    kinds = types.astype("U20")
    for kind in new_types.KINDS:
        kinds[np.flatnonzero(types == kind.split()[0])[::2]] = kind
    nothing = np.zeros((900, 1), np.float32)
    return Cells(nothing, nothing, types, kinds, np.repeat(np.arange(15), 60))


def planted(cells: Cells, apart: float) -> np.ndarray:
    features = np.random.default_rng(0).normal(size=(900, 6))
    features[:, :4] += apart * np.array([cells.types == n for n in new_types.TYPES]).T
    return features


@pytest.mark.parametrize(("apart", "low", "high"), [(0.0, 0.4, 0.6), (12.0, 0.99, 1.0)])
def test_types_are_told_if_they_differ_and_only_then(
    cells: Cells, apart: float, low: float, high: float, monkeypatch
) -> None:
    monkeypatch.setattr(new_types, "DRAWS", 3)
    monkeypatch.setattr(new_types, "DRAWS_OF_FIVE", 8)
    features = planted(cells, apart)
    for _, n, by_gaussians, false, found, by_neighbours, *_ in unknown(features, cells):
        assert n == "225"
        assert low <= float(by_gaussians.split()[0]) <= high
        assert low <= float(by_neighbours.split()[0]) <= high
        assert 2 <= float(false.split()[0]) <= 9
        assert (float(found.split()[0]) > 95) == (apart > 0)
    for name, _, area, lost, found in five(features, cells):
        differ = apart > 0 and name in new_types.TYPES
        assert (low if differ else 0.4) <= float(area.split()[0]) <= max(0.6, differ)
        assert float(lost.split()[0]) <= 6
        assert (float(found.split()[0]) > 95) == differ


def test_no_session_is_in_two_parts(cells: Cells) -> None:
    parts = cells.parts(0)
    assert np.sum(parts, axis=0).tolist() == [1] * 900
    assert sum(len(np.unique(cells.session[part])) for part in parts) == 15
