"""How many examples of each class a split takes."""

from __future__ import annotations

import pytest

from napari_celltype.errors import CellTypeError, LabelError
from napari_celltype.protocol.splits import (
    PaperProtocol,
    split_counts,
    stratified_counts,
)

PAPER = {"PY": 1000, "SOM": 1000, "VIP": 1000, "PV": 947}


def test_the_papers_data_give_the_papers_counts():
    train, test = split_counts(PAPER, PaperProtocol())
    assert train == {"PY": 800, "SOM": 800, "VIP": 800, "PV": 757}
    assert test == {"PY": 200, "SOM": 200, "VIP": 200, "PV": 190}


def test_sizes_are_divided_in_proportion():
    train, test = split_counts(PAPER, PaperProtocol(train_size=3157, test_size=790))
    assert sum(train.values()) == 3157
    assert sum(test.values()) == 790
    assert train == {"PY": 800, "SOM": 800, "VIP": 800, "PV": 757}


def test_one_size_leaves_the_rest_to_the_other_side():
    train, test = split_counts({"PV": 10, "PY": 20}, PaperProtocol(test_size=9))
    assert test == {"PV": 3, "PY": 6}
    assert train == {"PV": 7, "PY": 14}


def test_explicit_counts_come_before_sizes():
    wanted = {"PY": 640, "SOM": 640, "VIP": 640, "PV": 640}
    train, test = split_counts(
        PAPER, PaperProtocol(train_size=5), wanted, stratified_counts(PAPER, 640)
    )
    assert train == wanted
    assert test == {"PY": 162, "SOM": 162, "VIP": 162, "PV": 154}


def test_the_largest_remainders_get_what_rounding_leaves():
    # 10 * (6, 3, 1) / 10 is exact; 7 of them are 4.2, 2.1 and 0.7.
    assert stratified_counts({"A": 6, "B": 3, "C": 1}, 7) == {"A": 4, "B": 2, "C": 1}
    # Equal remainders: the first class first.
    assert stratified_counts({"A": 1, "B": 1, "C": 1}, 2) == {"A": 1, "B": 1, "C": 0}


def test_more_examples_than_there_are_is_one_sentence():
    with pytest.raises(LabelError, match="4000 examples are asked for and there are"):
        split_counts(PAPER, PaperProtocol(train_size=4000))
    with pytest.raises(LabelError, match="900 training and 200 test examples of PV"):
        split_counts(
            PAPER,
            PaperProtocol(),
            {**dict.fromkeys(PAPER, 700), "PV": 900},
            dict.fromkeys(PAPER, 200),
        )


def test_sizes_that_fill_the_data_fit_however_they_are_rounded():
    train, test = split_counts(
        dict.fromkeys("ABCDE", 3), PaperProtocol(train_size=8, test_size=7)
    )
    assert all(train[name] + test[name] == 3 for name in "ABCDE")


def test_a_class_that_would_miss_on_one_side_is_one_sentence():
    with pytest.raises(LabelError, match="1 examples of PV leave 0 for training"):
        split_counts({"PV": 1, "PY": 9}, PaperProtocol())


def test_counts_of_an_unknown_class_are_refused():
    with pytest.raises(LabelError, match="Examples of ABC are asked for"):
        split_counts(PAPER, PaperProtocol(), {"ABC": 3})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"split": "by-moon"}, "'by-moon' is no way to split"),
        ({"n_splits": 0}, "n_splits is 0"),
        ({"train_size": -1}, "train_size is -1"),
        ({"random_state": -1}, "random_state is -1"),
    ],
)
def test_an_impossible_protocol_is_one_sentence(settings, sentence):
    with pytest.raises(CellTypeError, match=sentence):
        PaperProtocol(**settings)
