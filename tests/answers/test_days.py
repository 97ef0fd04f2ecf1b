"""Agreement over days: matched cells against shuffled matches."""

import numpy as np
import pandas as pd
import pytest

from napari_celltype.answers import agreement_over_days


def day(recording, types, cells=None, plane=0):
    return pd.DataFrame(
        {
            "recording": recording,
            "plane": plane,
            "roi_id": range(len(types)),
            "cell_id": [f"c{i}" for i in range(len(types))] if cells is None else cells,
            "predicted": types,
        }
    )


TYPES = np.array(["PY", "PV", "SOM", "VIP"] * 25, dtype=object)


def test_matched_cells_agree_as_often_as_they_do_and_shuffled_ones_by_chance():
    second = TYPES.copy()
    second[:20] = np.roll(second[:20], 1)  # 20 of 100 are called otherwise
    second[20] = "unsure"
    rows = [day("m1/day1", TYPES), day("m1/day2", second[::-1])]
    rows[1]["cell_id"] = rows[0]["cell_id"].to_numpy()[::-1]
    found = agreement_over_days(pd.concat(rows))
    assert (found.n_cells, found.n_pairs) == (99, 99)
    assert found.same == pytest.approx(79 / 99)
    assert found.interval[0] < found.same < found.interval[1]
    assert found.shuffled == pytest.approx(0.25, abs=0.03)
    assert found.shuffled < found.interval[0]
    assert str(found).startswith("same type on another day: 80 % [")
    assert found == agreement_over_days(pd.concat(rows))


def test_each_pair_of_days_counts():
    days = [day(f"day{i}", TYPES[: 8 + i]) for i in range(3)]
    found = agreement_over_days(pd.concat(days))
    assert (found.n_cells, found.n_pairs, found.same) == (9, 8 * 3 + 1, 1)


@pytest.mark.parametrize(
    "rows",
    [
        [day("mouse1/day1", TYPES), day("mouse2/day1", TYPES)],
        [day("day1", TYPES), day("day2", TYPES, cells="")],
        [day("day1", TYPES), day("day1", TYPES, plane=1)],
    ],
    ids=["two animals", "no names of cells", "two planes of one day"],
)
def test_without_a_cell_on_two_days_there_is_none(rows):
    assert agreement_over_days(pd.concat(rows)) is None
