"""Classifiers compared on the same splits."""

import numpy as np
import pytest

from napari_celltype.protocol.intervals import corrected_interval


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
    assert difference.mean == pytest.approx(expected.mean)
    assert (difference.low, difference.high) == pytest.approx(
        (expected.low, expected.high)
    )
    assert difference.p == pytest.approx(expected.p)


def test_sizes_of_the_training_set_are_not_compared(make_run):
    report = make_run("table3", epochs=20).report
    sizes = {s.name: s.n_train for s in report.asked}
    asked = [d for d in report.differences if d.way == "paper"]
    assert asked
    assert all(sizes[d.one] == sizes[d.other] for d in asked)


def test_whole_animals_make_sizes_vary_and_their_means_count(make_run, make_traces):
    run = make_run(traces=make_traces({"PV": 30, "PY": 22}, n_subjects=3))
    score = run.report.of("classifier", "by-subject")[0]
    sizes = {
        len(t.split.train) for t in run.tasks if t.condition.name == score.condition
    }
    assert len(sizes) > 1
    assert min(sizes) <= score.n_train <= max(sizes)
    assert any(d.way == "by-subject" for d in run.report.differences)


def test_one_split_allows_no_comparison(make_run):
    from napari_celltype.protocol import PaperProtocol

    report = make_run(protocol=PaperProtocol(n_splits=1)).report
    assert report.differences == ()
    assert np.isnan(report.asked[0].accuracy.sd)
