"""Folds inside a training set."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import StratifiedKFold

from napari_celltype.protocol.rivals import InnerFolds

Y = np.repeat(["PV", "PY"], [10, 20])


def test_without_groups_they_are_those_of_scikit_learn():
    ours = list(InnerFolds(5, random_state=3).split(Y, Y))
    theirs = StratifiedKFold(5, shuffle=True, random_state=3).split(Y, Y)
    for (_, test), (_, expected) in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(test, expected)


def test_a_small_class_makes_fewer_folds():
    y = np.repeat(["PV", "PY"], [3, 20])
    assert InnerFolds(5).get_n_splits(y, y) == 3


def test_the_only_member_of_a_class_is_always_trained_on():
    y = np.repeat(["PV", "PY"], [1, 6])
    folds = list(InnerFolds(5).split(y, y))
    assert len(folds) == 5
    assert all(0 in train and 0 not in test for train, test in folds)


def test_where_all_classes_have_one_member_nothing_is_left_out():
    y = np.array(["PV", "PY"])
    ((train, test),) = InnerFolds(5).split(y, y)
    assert train.tolist() == test.tolist() == [0, 1]


def test_groups_stay_on_one_side():
    groups = np.tile(np.arange(5), 6)
    for train, test in InnerFolds(5).split(Y, Y, groups):
        assert not set(groups[train]) & set(groups[test])


def test_the_number_of_folds_is_that_of_the_groups():
    groups = np.tile(np.arange(3), 10)
    assert InnerFolds(5).get_n_splits(Y, Y, groups) == 3


def test_a_class_of_one_group_is_still_trained_on():
    groups = np.where(Y == "PV", 0, np.arange(30))
    for train, _ in InnerFolds(5).split(Y, Y, groups):
        assert set(Y[train]) == {"PV", "PY"}
