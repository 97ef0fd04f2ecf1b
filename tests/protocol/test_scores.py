"""Classifiers compared on the same splits."""

import numpy as np
import pytest

from napari_celltype.protocol.metrics import corrected_interval
from napari_celltype.protocol.scores import split_row


def test_a_row_says_what_the_report_will_say_of_the_split(made_run):
    rows = [
        split_row(task, outcome, made_run.data)
        for task, outcome in zip(made_run.tasks, made_run.outcomes, strict=True)
    ]
    assert {row.role for row in rows} == {"classifier", "probe", "shuffled"}
    scores = made_run.report.scores.set_index(["classifier", "split"])
    mine = [r for r in rows if r.role == "classifier" and r.way == "paper"]
    assert len(mine) == len(scores)
    for row in mine:
        told = scores.loc[(row.name, row.split)]
        assert row.balanced_accuracy == pytest.approx(told["balanced_accuracy"])
        assert row.accuracy == pytest.approx(told["accuracy"])
        assert row.chance == 0.25
    other = [r for r in rows if r.role == "classifier" and r.way != "paper"]
    assert {row.name for row in other} == {row.name for row in mine}


def test_a_difference_is_the_corrected_interval_of_both_scores(made_run):
    report = made_run.report
    frame = report.scores
    difference = next(d for d in report.differences if d.way == "paper")
    values = {
        name: frame[frame.classifier == name].balanced_accuracy.to_numpy()
        for name in ("cnn", "svm-rbf")
    }
    task = made_run.tasks[0].split
    expected = corrected_interval(
        values[difference.one] - values[difference.other],
        len(task.train),
        len(task.test),
    )
    found = (difference.mean, difference.low, difference.high, difference.p)
    assert found == pytest.approx(expected)


def test_sizes_of_the_training_set_are_not_compared(make_run):
    report = make_run("table3", epochs=20).report
    sizes = {s.name: s.n_train for s in report.asked}
    asked = [d for d in report.differences if d.way == "paper"]
    assert asked
    assert all(sizes[d.one] == sizes[d.other] for d in asked)


def test_one_split_allows_no_comparison(make_run):
    from napari_celltype.protocol import PaperProtocol

    report = make_run(protocol=PaperProtocol(n_splits=1)).report
    assert report.differences == ()
    assert np.isnan(report.asked[0].accuracy.sd)
