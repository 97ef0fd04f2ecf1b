from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.errors import LabelError
from napari_celltype.labels import Reading, Targets

OWN = DEFAULT_TYPES.with_type("NDNF", color="#112233")
OWN = OWN.with_type("NDNF-NPY", color="#445566", parent="NDNF")
OWN = OWN.with_type("glia", color="#778899", parent=None)


def _allowed(targets, row):
    return {
        c for c, may in zip(targets.classes, targets.allowed[row], strict=True) if may
    }


def _drawn(seed):
    """Draw labels of a deep tree; the targets are None where they are refused."""
    rng = np.random.default_rng(seed)
    names = [*(t.name for t in OWN.types), "an unknown type"]
    names += [f"!{name}" for name in names]
    chosen = rng.choice(names, size=rng.integers(1, len(names)), replace=False)
    labels = rng.choice(chosen, size=30).tolist()
    try:
        return labels, Targets.of(labels, OWN)
    except LabelError:
        return labels, None


DRAWN = [_drawn(seed) for seed in range(300)]
READ = [(labels, targets) for labels, targets in DRAWN if targets is not None]


def test_types_are_classes_in_sorted_order():
    targets = Targets.of(["VIP", "PY", "SOM", "PY"])
    assert targets.classes == ("PY", "SOM", "VIP")
    assert targets.index.tolist() == [2, 0, 1, 0]
    assert targets.single.all()


def test_a_parent_allows_its_children_and_is_a_class_without_any():
    assert Targets.of(["PY", "IN"]).classes == ("IN", "PY")
    targets = Targets.of(["PY", "PV", "SOM", "IN"])
    assert targets.classes == ("PV", "PY", "SOM")
    assert _allowed(targets, 3) == {"PV", "SOM"}
    assert targets.index.tolist() == [1, 0, 2, -1]


def test_a_negation_allows_all_but_what_it_names():
    targets = Targets.of(["PY", "PV", "SOM", "!PV", "!IN"])
    assert _allowed(targets, 3) == {"PY", "SOM"}
    assert _allowed(targets, 4) == {"PY"}


def test_types_of_the_user_stand_where_the_tree_has_them():
    targets = Targets.of(["NDNF-NPY", "PV", "glia", "NDNF", "IN", "!NDNF"], OWN)
    assert targets.classes == ("NDNF-NPY", "PV", "glia")
    assert _allowed(targets, 3) == {"NDNF-NPY"}
    assert _allowed(targets, 4) == {"NDNF-NPY", "PV"}
    assert _allowed(targets, 5) == {"PV", "glia"}


def test_names_that_the_tree_does_not_know_stand_alone():
    targets = Targets.of(["a", "b", "!a", "IN", "PV", "!IN"])
    assert targets.classes == ("PV", "a", "b")
    assert _allowed(targets, 2) == {"PV", "b"}
    assert _allowed(targets, 3) == {"PV"}
    assert _allowed(targets, 5) == {"a", "b"}


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (["!PV", "!SOM"], "only say what cells are not"),
        (["PV", "!PV"], "'!PV' leaves none of the classes PV possible"),
        (["PV", "SOM", "!IN"], "'!IN' leaves none of the classes PV, SOM"),
    ],
)
def test_labels_that_leave_nothing_are_refused(labels, sentence):
    with pytest.raises(LabelError, match=sentence):
        Targets.of(labels)


def test_taking_rows_keeps_the_classes():
    targets = Targets.of(["VIP", "PY", "SOM"]).take(np.array([1, 1]))
    assert targets.classes == ("PY", "SOM", "VIP")
    assert targets.index.tolist() == [0, 0]


# --- whatever the labels are


def test_classes_are_sorted_and_none_lies_below_another():
    assert len(READ) > 100
    for _, targets in READ:
        assert list(targets.classes) == sorted(set(targets.classes))
        known = [c for c in targets.classes if c != "an unknown type"]
        for one, other in itertools.permutations(known, 2):
            assert not OWN.is_within(one, other)


def test_each_class_is_a_label_that_allows_itself_alone():
    for labels, targets in READ:
        for name in targets.classes:
            assert _allowed(targets, labels.index(name)) == {name}


def test_every_type_that_is_no_class_has_one_below():
    for labels, targets in READ:
        for name in set(labels) - set(targets.classes):
            if not name.startswith("!"):
                assert any(OWN.is_within(c, name) for c in targets.classes)


def test_a_type_and_its_negation_share_the_classes_out():
    for labels, targets in READ:
        for name in {n for n in labels if f"!{n}" in labels}:
            yes = _allowed(targets, labels.index(name))
            no = _allowed(targets, labels.index(f"!{name}"))
            assert not yes & no
            assert yes | no == set(targets.classes)


def test_a_parent_allows_what_its_children_allow():
    for labels, targets in READ:
        types = [n for n in set(labels) if n in {t.name for t in OWN.types}]
        for one, other in itertools.permutations(types, 2):
            if OWN.is_within(one, other):
                above = _allowed(targets, labels.index(other))
                assert _allowed(targets, labels.index(one)) <= above


def test_the_order_of_the_labels_does_not_matter():
    for labels, targets in READ:
        turned = Targets.of(labels[::-1], OWN)
        assert turned.classes == targets.classes
        np.testing.assert_array_equal(turned.allowed[::-1], targets.allowed)


@pytest.mark.parametrize("left_out", [("VIP",), ("IN",), ("IN", "VIP")])
def test_choices_about_types_mean_one_thing(labelled, left_out):
    session = labelled("m1", {0: "PV", 1: "PY", 2: "VIP"})
    data = Reading().open(session)
    data = replace(data, merged={"VIP": "IN"}, left_out=left_out)
    read = Reading.of(data).load(data)
    cells = data.chosen_cells()
    assert cells is not None
    counts = {"PV": 1, "PY": 1}
    assert [read.traces.counts(), cells.counts(), data.counts()] == [counts] * 3
    assert read.notes[-1] == f"Left out, as chosen: 1 trace of {left_out[-1]}."
