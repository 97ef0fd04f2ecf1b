"""Learning curves: nested training sets, the fit, what is said, runs that resume."""

import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import napari_celltype as nct
from napari_celltype.errors import PriorError, Stopped
from napari_celltype.labels import Targets
from napari_celltype.protocol.experiment import ExperimentData
from napari_celltype.protocol.experiments import Training, plan_experiment
from napari_celltype.protocol.figures import (
    confusion_figure,
    learning_figure,
    paper_figure,
)
from napari_celltype.protocol.learning import BALANCED, Fit, LearningCurve
from napari_celltype.protocol.report import render
from napari_celltype.protocol.splits import joining_order
from napari_celltype.protocol.words import needed_text

PROTOCOL = nct.PaperProtocol(n_splits=2)
SIZES = np.array([1, 2, 3, 4, 6, 8])


@pytest.fixture(scope="module")
def traces():
    """Two types that are told apart now and then; 96 cells of six animals."""
    rng = np.random.default_rng(0)
    labels = np.repeat(["PV", "PY"], 48)
    wave = np.sin(np.arange(240) / 3) * (labels == "PV")[:, None]
    animal = np.char.add("mouse-", (np.arange(96) % 6).astype(str))
    noise = rng.normal(size=(96, 240))
    return nct.TraceSet(0.25 * wave + noise, labels, animal, sampling_frequency=10.0)


def plan(traces, way="by-subject", **options):
    data = ExperimentData(traces, Targets.of(traces.labels))
    names = ("svm-rbf",)
    return plan_experiment(
        "evaluate", data, nct.PaperProtocol(way), Training(), names, **options
    )


def evaluate(traces, **options):
    options = {"learning_curve": True, **options}
    return nct.evaluate(traces, ["svm-rbf"], PROTOCOL, **options)


@pytest.mark.parametrize("way", ["by-subject", "paper"])
def test_training_sets_are_nested_and_share_no_animal_with_the_test(traces, way):
    found = plan(traces, way, learning_curve=True)
    curve = [task for task in found.tasks if task.condition.role == "curve"]
    full = {t.split.number: t.split for t in found.tasks if t.key[0] in _FULL}
    assert {t.condition.learned[0] for t in curve} == {"animals", "cells", "frames"}
    before = {}
    for task in curve:
        (unit, size), split = task.condition.learned, task.split
        assert task.condition.way == "by-subject"
        tested, learned = (traces.subject_id[r] for r in (split.test, split.train))
        assert not set(tested) & set(learned)
        np.testing.assert_array_equal(split.test, full[split.number].test)
        assert set(split.train) <= set(full[split.number].train)
        if unit == "frames":
            assert task.condition.n_frames == size < traces.n_frames
            continue
        assert len(set(learned) if unit == "animals" else split.train) == size
        key = unit, split.number
        assert set(before.get(key, ())) < set(split.train)
        before[key] = split.train
        assert min(np.unique(traces.labels[split.train], return_counts=True)[1]) >= 5


# The whole training set, as it is called under either way.
_FULL = ("svm-rbf", "svm-rbf (by-subject)")


def test_without_a_wish_nothing_is_added(traces):
    assert all(one.role != "curve" for one in plan(traces).conditions)


def test_where_each_animal_holds_one_type_the_first_hold_all(make_traces):
    traces = make_traces(one_type_per_subject=True)
    split = plan(traces).tasks[0].split
    joined = joining_order(traces, split, "subject_id", 0)
    for size in (4, 8):
        labels = traces.labels[split.train][joined < size]
        assert len(set(traces.subject_id[split.train][joined < size])) == size
        assert set(labels) == {"PV", "PY", "SOM", "VIP"}


@pytest.mark.parametrize(
    ("ceiling", "drop", "exponent"),
    [(0.95, 0.6, 0.5), (0.8, 0.3, 1.0), (1.0, 0.5, 0.3), (0.6, 0.0, 1.0)],
)
def test_a_known_curve_is_found_again(ceiling, drop, exponent):
    scores = ceiling - drop * SIZES**-exponent
    fit = Fit.of(SIZES, scores[None])
    assert fit.at(32)[0] == pytest.approx(ceiling - drop * 32**-exponent, abs=0.01)
    needed = fit.needed(0.9)[0]
    if ceiling <= 0.9:
        assert np.isinf(needed)
    else:
        true = (drop / (ceiling - 0.9)) ** (1 / exponent)
        assert needed == pytest.approx(true, rel=0.1)


def test_a_score_that_is_not_known_is_left_out():
    scores = 0.9 - 0.5 / SIZES
    scores[1] = np.nan
    assert Fit.of(SIZES, scores[None]).at(16)[0] == pytest.approx(0.9 - 0.5 / 16)


def curve(recall, unit="animals", sizes=(2.0, 3.0, 4.0)):
    """A curve of two types; `recall` of each size is that of both."""
    called = np.array([[[r, 1000 - r], [1000 - r, r]] for r in recall])
    return LearningCurve(
        *("svm-rbf", "by-subject", unit, sizes, (0,) * len(sizes)),
        {"PV": 0.5, "PY": 0.5},
        np.stack([called] * 8),
        np.full((len(sizes), 2), 8000),
        (),
    )


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (curve([990, 990, 990]), "at most 2 animals [at most 2, at most 2]"),
        (curve([500, 667, 750]), "10 animals [10, 10]"),
        (curve([670, 753, 795]), "more than 16 animals [more than 16, more than 16]"),
        (curve([500, 667, 750], "minutes"), "10 minutes [10, 10]"),
        (curve([990] * 3, "cells", (800.0, 1600.0, 3200.5)), "at most 800 cells"),
    ],
)
def test_sizes_are_whole_and_none_is_said_below_what_was_tried(found, text):
    assert needed_text(found, "PV").startswith(text)


@pytest.mark.parametrize(("n_called", "known"), [(0, False), (4, False), (5, True)])
def test_of_a_type_that_few_tested_cells_are_called_nothing_is_said(n_called, known):
    found = curve([500, 667, 750])
    found.called[-1, 0] = n_called
    text = needed_text(found, "PV")
    assert (text == "unknown, as too few tested cells are called PV") is not known
    assert np.isfinite(found.fit("PV").at(8)).all() == known
    assert np.isfinite(found.scores[:, 1]).tolist() == [True, True, known]
    assert "animals" in needed_text(found, "PY")


@pytest.fixture(scope="module")
def report(traces, tmp_path_factory):
    folder = tmp_path_factory.mktemp("learning") / "run"
    return evaluate(traces, folder=folder), folder


def test_the_report_shows_curves_and_what_is_needed(report):
    found, folder = report
    assert [c.unit for c in found.learning] == ["animals", "cells", "minutes"]
    assert found.learning[0].sizes[-1] == 5
    assert found.learning[2].sizes[-1] == pytest.approx(0.4)
    page = (folder / "report.html").read_text()
    assert 'id="learning"' in page
    assert 'id="more-data"' in page
    # Long texts wrap, so that the last column is not cut off.
    assert re.search('class="long">(at most|more than|not reached|unknown)', page)
    assert (folder / "learning-curve.png").read_bytes().startswith(b"\x89PNG")
    table = pd.read_csv(folder / "learning-curve.csv")
    assert len(table) == sum(len(c.sizes) for c in found.learning)
    assert "90 % with" in pd.read_csv(folder / "more-data.csv")
    assert "cells called PV right, where 50 % are PV" in found.summary()
    assert "(now 5 animals)" in found.summary()
    # They stand beside the scores and are none of them.
    assert {s.role for s in found.results} == {"classifier", "probe", "shuffled"}
    assert set(found.scores.classifier) == {"svm-rbf"}


def test_precision_is_that_of_the_prevalence_without_another_training(report, traces):
    found, folder = report
    finished = (folder / "results.jsonl").read_bytes()
    rare = evaluate(traces, folder=folder, prior={"PV": 0.04})
    assert (folder / "results.jsonl").read_bytes() == finished
    counts = np.array(found.learning_of_top[0].scores)
    recall = found.confusion("svm-rbf", "by-subject").normalised
    hit, alarm = 0.04 * recall[0, 0], 0.96 * recall[1, 0]
    at = rare.learning[0].names.index("PV")
    assert rare.learning[0].scores[-1, at] == pytest.approx(hit / (hit + alarm))
    assert rare.learning[0].scores[-1, at] < counts[-1, at]


def test_without_a_curve_precision_at_the_prevalence_stands_beside_the_others(traces):
    found = nct.evaluate(traces, ["svm-rbf"], PROTOCOL, prior={"PV": 0.04})
    (table,) = (t.frame for t in found.tables if t.key == "classes")
    row = table[(table["cell type"] == "PV") & (table["split"] == "by animal")].iloc[0]
    recall = found.confusion("svm-rbf", "by-subject").normalised
    hit, alarm = 0.04 * recall[0, 0], 0.96 * recall[1, 0]
    assert row["share of all"] == 0.04
    assert row["precision at this share"] == pytest.approx(hit / (hit + alarm))
    lines = found.summary().splitlines()[-2:]
    assert [line.split()[:2] for line in lines] == [["PV", "0.040"], ["PY", "0.960"]]


def test_a_prevalence_of_no_type_is_refused_before_any_training(traces, tmp_path):
    with pytest.raises(PriorError, match="VIP"):
        evaluate(traces, folder=tmp_path / "run", prior={"VIP": 0.1})
    assert not (tmp_path / "run").exists()


def test_chance_is_not_reached_by_more_of_the_same(traces):
    noise = np.random.default_rng(1).normal(size=traces.traces.shape)
    blind = nct.TraceSet(noise, traces.labels, traces.subject_id)
    found = evaluate(blind)
    assert found.learning[-1].unit == "frames"
    for curve in found.learning:
        assert curve.names == (BALANCED,)
        assert np.isinf(curve.fit(BALANCED).needed(0.9)[0])
        assert needed_text(curve, BALANCED).startswith("not reached by more")
    # Nothing is said of single types.
    assert "right, where" not in found.summary()
    tables = {t.key: t.frame for t in found.tables}
    assert set(tables["more-data"]["score"]) == {BALANCED}
    assert not [c for c in tables["learning-curve"] if "precision" in c]
    assert "Precision: of svm-rbf" not in render(found)


def test_a_stopped_run_goes_on_to_the_same_curves(report, traces, tmp_path):
    folder, steps = tmp_path / "run", []
    evaluate(traces, folder=folder, learning_curve=False)
    files = sorted(path.name for path in folder.iterdir())
    before = (folder / "results.jsonl").read_bytes()
    with pytest.raises(Stopped):
        evaluate(
            traces,
            folder=folder,
            on_progress=steps.append,
            should_stop=lambda: len(steps) > 12,
        )
    stopped = (folder / "results.jsonl").read_bytes()
    assert len(before) < len(stopped)
    resumed = evaluate(traces, folder=folder)
    # What was trained before the curve was asked for is not trained again.
    assert (folder / "results.jsonl").read_bytes().startswith(stopped)
    for one, other in zip(report[0].learning, resumed.learning, strict=True):
        np.testing.assert_array_equal(one.counts, other.counts)
    assert (folder / "learning-curve.png").exists()
    evaluate(traces, folder=folder, learning_curve=False)
    assert sorted(path.name for path in folder.iterdir()) == files


def test_a_dollar_sign_in_a_name_is_no_formula(report):
    names = (r"$\foo$", "PY")
    curves = [replace(c, shares=dict.fromkeys(names, 0.5)) for c in report[0].learning]
    found = replace(report[0], classes=names, learning=tuple(curves))
    matrix = confusion_figure(found.confusion("svm-rbf"), names[0])
    for figure in (matrix, learning_figure(found), paper_figure(found)):
        figure.savefig(io.BytesIO())


def test_too_little_data_have_no_curve_and_a_note(traces):
    few = traces.take(np.arange(0, 96, 6)[:16])
    short = nct.TraceSet(
        few.traces[:, :90],
        few.labels,
        np.char.add("m", (np.arange(16) % 3).astype(str)),
    )
    found = evaluate(short)
    assert [c.unit for c in found.learning] == []
    assert sum(note.startswith("No learning curve by") for note in found.notes) == 3
