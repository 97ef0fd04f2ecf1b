"""How many examples of each class a split takes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_celltype.errors import CellTypeError, LabelError
from napari_celltype.labels import Targets, TraceSet
from napari_celltype.protocol.splits import (
    WAYS,
    PaperProtocol,
    draw_splits,
    split_counts,
    stratified_counts,
    strictest_way,
)

PAPER = {"PY": 1000, "SOM": 1000, "VIP": 1000, "PV": 947}


@pytest.mark.parametrize(
    ("counts", "sizes", "train", "test"),
    [
        (
            PAPER,
            {"train_size": 3157, "test_size": 790},
            {"PY": 800, "SOM": 800, "VIP": 800, "PV": 757},
            {"PY": 200, "SOM": 200, "VIP": 200, "PV": 190},
        ),
        (
            {"PV": 10, "PY": 20},
            {"test_size": 9},
            {"PV": 7, "PY": 14},
            {"PV": 3, "PY": 6},
        ),
    ],
)
def test_sizes_are_divided_in_proportion_and_leave_the_rest(counts, sizes, train, test):
    assert split_counts(counts, PaperProtocol(**sizes)) == (train, test)


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


@pytest.mark.parametrize(
    ("counts", "protocol", "explicit", "sentence"),
    [
        (PAPER, PaperProtocol(train_size=4000), (), "4000 examples are asked for and"),
        (
            PAPER,
            PaperProtocol(),
            ({**dict.fromkeys(PAPER, 700), "PV": 900}, dict.fromkeys(PAPER, 200)),
            "947 examples of PV cannot give 900 to train on and 200",
        ),
        ({"PV": 1, "PY": 9}, PaperProtocol(), (), "1 examples of PV cannot give 0 to"),
    ],
)
def test_what_cannot_be_given_is_one_sentence(counts, protocol, explicit, sentence):
    with pytest.raises(LabelError, match=sentence):
        split_counts(counts, protocol, *explicit)


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


def draw(*args, **options):
    return draw_splits(*args, **options)[0]


def labelled(labels, **columns):
    return TraceSet(np.zeros((len(labels), 2)), np.asarray(labels, str), **columns)


def random_data(seed):
    """Data with partial labels, predictions, and cells that lie in several sessions."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(60, 200))
    names = ["PY", "PV", "SOM", "IN", "!PV"]
    labels = rng.choice(names, n, p=[0.3, 0.3, 0.2, 0.1, 0.1])
    subject = rng.integers(0, rng.integers(4, 9), n)
    session = rng.integers(0, 3, n)
    return labelled(
        labels,
        subject_id=subject,
        session_id=session,
        cell_id=rng.integers(0, 40, n),
        label_source=rng.choice(["histology", "prediction"], n, p=[0.8, 0.2]),
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", range(8))
def test_every_split_keeps_the_rules(way, seed):
    traces = random_data(seed)
    targets = Targets.of(traces.labels)
    predicted = traces.label_source == "prediction"
    truth = targets.single & ~predicted
    for split in draw(traces, targets, PaperProtocol(way, 4, random_state=seed)):
        sides = np.concatenate([split.train, split.test, split.partial])
        assert len(np.unique(sides)) == len(sides)
        assert truth[split.test].all()
        assert not (targets.single | predicted)[split.partial].any()
        assert set(targets.index[split.test]) == {0, 1, 2}
        assert set(targets.index[split.train][truth[split.train]]) == {0, 1, 2}
        if way in ("paper", "random"):
            assert len(split.partial) == 0
            assert set(np.flatnonzero(~truth)) <= set(split.train)


@pytest.mark.parametrize("way", ["by-subject", "by-session", "by-cell"])
@pytest.mark.parametrize("seed", range(8))
def test_no_group_and_no_cell_is_on_both_sides(way, seed):
    traces = random_data(seed)
    targets = Targets.of(traces.labels)
    # Cell 7 of one animal is not cell 7 of another; the same holds for sessions.
    cell = np.char.add(np.char.add(traces.subject_id, "-"), traces.cell_id)
    session = np.char.add(np.char.add(traces.subject_id, "-"), traces.session_id)
    stays = {"by-subject": traces.subject_id, "by-session": session, "by-cell": cell}
    columns = [cell, stays[way]]
    for split in draw(traces, targets, PaperProtocol(way, 4)):
        tested = np.concatenate([split.test, split.partial])
        for column in columns:
            assert not set(column[split.train]) & set(column[tested])


@pytest.mark.parametrize("way", WAYS)
def test_splits_repeat_and_do_not_depend_on_how_many_are_drawn(way, make_traces):
    traces = make_traces(n_subjects=8)
    targets = Targets.of(traces.labels)
    few = draw(traces, targets, PaperProtocol(way, 3, random_state=5))
    many = draw(traces, targets, PaperProtocol(way, 6, random_state=5))
    other = draw(traces, targets, PaperProtocol(way, 6, random_state=6))
    assert [s.number for s in many] == [0, 1, 2, 3, 4, 5]
    for one, two in zip(few, many, strict=False):
        assert np.array_equal(one.train, two.train)
        assert np.array_equal(one.test, two.test)
    assert any(
        not np.array_equal(one.test, two.test)
        for one, two in zip(many, other, strict=True)
    )


def test_the_papers_way_draws_exact_counts():
    names = np.repeat(["PY", "SOM", "VIP", "PV"], [1000, 1000, 1000, 947])
    traces = labelled(names)
    targets = Targets.of(names)
    for split in draw(traces, targets, PaperProtocol()):
        assert (len(split.train), len(split.test)) == (3157, 790)
        assert np.bincount(targets.index[split.test]).tolist() == [190, 200, 200, 200]
        assert np.bincount(targets.index[split.train]).tolist() == [757, 800, 800, 800]


def test_training_sets_of_several_sizes_share_their_tests(small_traces, small_targets):
    test = {"PV": 3, "PY": 5, "SOM": 3, "VIP": 3}
    small, large = (
        draw(
            small_traces,
            small_targets,
            PaperProtocol(),
            train_counts=dict.fromkeys(test, n),
            test_counts=test,
        )
        for n in (5, 11)
    )
    for one, two in zip(small, large, strict=True):
        assert np.array_equal(one.test, two.test)
        assert set(one.train) < set(two.train)


def test_random_splits_have_the_papers_sizes_but_not_its_counts():
    names = np.repeat(["PY", "PV"], [300, 200])
    targets = Targets.of(names)
    splits = draw(labelled(names), targets, PaperProtocol("random"))
    assert {(len(s.train), len(s.test)) for s in splits} == {(400, 100)}
    assert len({int((targets.index[s.test] == 0).sum()) for s in splits}) > 1


def test_grouped_splits_come_near_to_four_fifths_of_each_class(make_traces):
    counts = {"PV": 120, "PY": 400, "SOM": 200}
    traces = make_traces(counts, n_subjects=20)
    targets = Targets.of(traces.labels)
    for split in draw(traces, targets, PaperProtocol("by-subject")):
        tested = np.bincount(targets.index[split.test]) / np.array([120, 400, 200])
        assert np.abs(tested - 0.2).max() < 0.06


def test_as_many_splits_as_differ(make_traces):
    traces = make_traces(n_subjects=3)
    splits, notes = draw_splits(
        traces, Targets.of(traces.labels), PaperProtocol("by-subject")
    )
    assert len(splits) == 3
    assert notes == ["Only 3 different by-subject splits could be found, not 10."]


@pytest.mark.parametrize("nested", [False, True])
def test_a_few_splits_test_every_animal(make_traces, nested):
    traces = make_traces(n_subjects=5, one_type_per_subject=nested)
    targets = Targets.of(traces.labels)
    splits = draw(traces, targets, PaperProtocol("by-subject", 5))
    tested = {animal for s in splits for animal in traces.subject_id[s.test]}
    assert tested == set(traces.subject_id)


def test_counts_are_upper_limits_of_whole_groups(small_traces, small_targets):
    protocol = PaperProtocol("by-subject", train_size=20, test_size=10)
    for split in draw(small_traces, small_targets, protocol):
        assert len(split.train) == 20
        assert len(split.test) == 10


def test_whole_groups_that_fall_short_of_the_size_are_said(make_traces):
    traces = make_traces(n_subjects=3)
    protocol = PaperProtocol("by-subject", 2, train_size=58, test_size=14)
    splits, notes = draw_splits(traces, Targets.of(traces.labels), protocol)
    assert notes == [
        "58 training examples were asked for, and by-subject splits of whole groups "
        f"give {min(len(s.train) for s in splits)} to "
        f"{max(len(s.train) for s in splits)}."
    ]


def test_cells_join_the_sessions_that_they_lie_in():
    names = ["PY", "PV"] * 12
    sessions = np.repeat(["a", "b", "c", "d"], 6)
    cells = np.arange(24).astype(str)
    cells[[0, 6]] = "same"
    traces = labelled(names, session_id=sessions, cell_id=cells)
    for split in draw(traces, Targets.of(names), PaperProtocol("by-session")):
        assert (0 in split.test) == (6 in split.test)


@pytest.mark.parametrize("way", ["by-subject", "by-session", "by-cell"])
def test_groups_that_are_not_given_are_one_sentence(way):
    refused(["PY", "PV"] * 5, way, f"so {way} splits cannot be drawn")


def refused(names, way, sentence, **columns):
    with pytest.raises(LabelError, match=sentence):
        draw(labelled(names, **columns), Targets.of(names), PaperProtocol(way))


@pytest.mark.parametrize(
    ("names", "subjects", "sentence"),
    [
        (["PY", "PV"] * 5, [*["m1"] * 5, *["m2"] * 4, ""], "1 of 10 examples have no"),
        (["PY", "PY", "PV", "PV"] * 3, ["m1", "m2", "m1", "m1"] * 3, "PV are of 1 an"),
        # Each animal lacks a type, so a test with all leaves a training without one.
        (list("ABBCCA") * 2, list("112233") * 2, "puts every type on both sides"),
        (["PY"] * 8, ["1", "2"] * 4, "All labels say PY"),
    ],
)
def test_animals_that_cannot_be_split_are_one_sentence(names, subjects, sentence):
    refused(names, "by-subject", sentence, subject_id=subjects)


def test_an_example_without_a_cell_is_a_cell_of_its_own():
    names = ["PY", "PV"] * 5
    traces = labelled(names, cell_id=["x", "x", *[""] * 8])
    _, notes = draw_splits(traces, Targets.of(names), PaperProtocol("by-cell", 2))
    assert notes == ["8 of 10 examples have no cell_id and were taken for a cell each."]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [(["PY"] * 8, "All labels say PY"), (["PY"] * 8 + ["PV"], "PV has 1 example that")],
)
def test_too_few_examples_are_one_sentence(names, sentence):
    refused(names, "paper", sentence)


def test_what_only_follows_from_the_other_classes_is_not_tested():
    # Among PY and PV the label IN leaves PV alone possible; nobody has seen it.
    names = ["PY", "PV", "IN", "!PY"] * 6
    traces = labelled(names, subject_id=np.repeat(["a", "b", "c"], 8))
    targets = Targets.of(names)
    for way in ("paper", "by-subject"):
        for split in draw(traces, targets, PaperProtocol(way)):
            assert set(traces.labels[split.test]) == {"PY", "PV"}
            assert set(traces.labels[split.partial]) <= {"IN", "!PY"}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"subject_id": None}, "No animal is given for these traces, so by-subject"),
        (
            {"n_subjects": 1, "one_type_per_subject": True},
            "All examples of PV are of 1 animal, so no by-subject split has PV on both",
        ),
    ],
)
def test_the_strictest_way_says_what_is_unknown(make_traces, options, why):
    traces = make_traces(**options)
    way, (sentence,) = strictest_way(traces, Targets.of(traces.labels))
    assert way == "by-session"
    assert sentence.startswith(why)
    assert sentence.endswith("Whether the score holds for a new animal is unknown.")
