"""The sentences of a report, case by case."""

from dataclasses import replace
from pathlib import Path

import pytest

from napari_celltype.labels.reading import Reading
from napari_celltype.protocol import PaperProtocol
from napari_celltype.protocol.experiments import Training, plan_experiment
from napari_celltype.protocol.scores import above_chance, leaks
from napari_celltype.protocol.task import PACKAGES
from napari_celltype.protocol.words import caption

SKILLED = {"cnn": 0.9, "cnn (by-subject)": 0.6, "svm-rbf": 0.5}


@pytest.fixture
def many(make_traces):
    """Enough animals for an interval."""
    counts = {"PV": 40, "PY": 60, "SOM": 40, "VIP": 40}
    return make_traces(counts, n_subjects=8)


def test_by_animal_stands_first_with_chance_interval_and_the_papers_way(make_run, many):
    report = make_run(skill=SKILLED, traces=many).report
    top = next(s for s in report.results if s.condition == "cnn (by-subject)")
    low, high = f"{top.interval.low:.2f}", f"{top.interval.high:.2f}"
    assert report.sentence.startswith(
        f"By animal {top.interval.value:.2f} [{low}-{high}], chance 0.25; "
        "the paper's way 0."
    )
    assert report.sentence.endswith("; balanced accuracy of cnn, the best of 2.")


def test_the_basis_names_animals_cells_and_spread(make_run, many):
    report = make_run(skill=SKILLED, traces=many).report
    top = next(s for s in report.results if s.condition == "cnn (by-subject)")
    assert report.basis == (
        f"Brackets: 95 % bootstrap interval over {top.interval.n} animals; "
        f"{top.n_examples} examples of {top.n_cells} cells tested in 3 splits, "
        f"standard deviation over splits {top.balanced_accuracy.sd:.3f}."
    )


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (dict.fromkeys(("subject_id", "session_id", "cell_id")), "name no animals"),
        (
            {"n_subjects": 1, "one_type_per_subject": True},
            "do not allow a split by animal",
        ),
    ],
)
def test_without_animals_to_split_a_new_one_is_unknown(
    make_run, make_traces, options, why
):
    report = make_run(traces=make_traces(**options)).report
    assert report.sentence.startswith(f"For a new animal: unknown, these data {why}; ")


def test_a_grouped_way_that_was_asked_for_is_the_strict_one(make_run, many):
    protocol = PaperProtocol("by-subject", 3)
    report = make_run(skill={"cnn": 0.6}, traces=many, protocol=protocol).report
    assert report.sentence.startswith("By animal 0.")
    assert "the paper's way 0." in report.sentence


def test_with_too_few_animals_a_model_has_to_beat_luck(made_run):
    score = made_run.report.of("classifier", "by-subject")[0]
    assert score.interval.too_few
    level = replace(score.interval, value=score.luck)
    assert not above_chance(replace(score, interval=level))
    assert above_chance(
        replace(score, interval=replace(level, value=score.luck + 0.01))
    )


def test_a_leak_shows_in_every_split_and_raises_doubt(make_run, many):
    skill = {"cnn": 0.9, "svm-rbf": 0.9, "cnn, shuffled labels": 0.6}
    report = make_run(skill=skill, traces=many).report
    (score,) = (s for s in report.of("shuffled") if s.classifier == "cnn")
    assert leaks(score)
    once = {**score.splits[0], "balanced_accuracy": 0.2}
    assert not leaks(replace(score, splits=[once, *score.splits[1:]]))
    (doubt,) = report.doubts
    assert doubt.startswith("Trained on shuffled labels, cnn still reaches 0.")
    assert "test labels leak into the training" in doubt


def test_too_few_animals_have_no_interval(make_run):
    report = make_run(skill=SKILLED).report
    top = max(s.interval.value for s in report.of("classifier", "by-subject"))
    assert report.sentence.startswith(f"By animal {top:.2f}, chance 0.25; ")
    assert " animals: too few for an interval; " in report.basis


def test_inseparable_type_and_animal_is_the_first_doubt(make_run, make_traces):
    traces = make_traces(one_type_per_subject=True)
    assert make_run(traces=traces).report.doubts[0] == (
        "Type and animal cannot be separated in these data."
    )


@pytest.mark.parametrize(
    ("skill", "said"),
    [
        (
            {"cnn": 0.7, "probe: noise level": 0.7},
            "one number (noise level) alone reaches 0.",
        ),
        ({"cnn": 0.7, "probe: session": 0.8}, "the session alone reaches 0."),
    ],
)
def test_a_probe_near_the_model_raises_doubt(make_run, many, skill, said):
    doubts = " ".join(make_run(skill=skill, traces=many).report.doubts)
    assert said in doubts
    assert "a model that is right may be reading the rig, not the cell." in doubts


def test_a_probe_of_the_activity_says_nothing_of_the_rig(make_run, many):
    report = make_run(skill={"probe: noise level": 0.9}, traces=many).report
    renamed = tuple(
        replace(s, name=s.name.replace("noise level", "skewness"))
        for s in report.results
        if s.way == "paper"
    )
    (doubt,) = (d for d in replace(report, results=renamed).doubts if "(skewness)" in d)
    assert doubt.endswith("the model has shown no more than this number.")


def test_a_model_at_chance_is_said_to_be_so_and_not_to_read_the_rig(make_run, many):
    doubts = " ".join(make_run(traces=many).report.doubts)
    assert "no classifier is shown to be better than chance" in doubts
    assert "rig" not in doubts


@pytest.mark.slow
@pytest.mark.parametrize(("skill", "said"), [(0.0, True), (0.95, False)])
def test_new_data_at_chance_raise_doubt(make_run, many, make_traces, skill, said):
    new = make_traces({"PV": 20, "SOM": 20}, subject_id=None, seed=3)
    skills = dict.fromkeys(("cnn", "rnn", "lstm"), skill)
    report = make_run("new-dataset", skill=skills, traces=many, new=new).report
    doubts = [d for d in report.doubts if d.startswith("On the new data, no class")]
    assert bool(doubts) is said


@pytest.mark.slow
def test_a_summary_has_five_to_twelve_plain_lines(make_run, many):
    names = ("cnn", "rnn", "lstm", "svm-rbf", "adaboost")
    report = make_run(classifiers=names, traces=many).report
    lines = report.summary().splitlines()
    assert 5 <= len(lines) <= 12
    n_doubts = len(report.doubts)
    heading, *rows = lines[3 + n_doubts :]
    assert {"chance", "cells"} <= set(heading.split())
    for row, score in zip(rows, report.shown_everywhere, strict=False):
        assert row.split()[0] == score.name
        assert row.split()[-1] == str(score.n_cells)
        assert f"{score.interval.value:.3f} [" in row


def test_every_score_has_its_spread_chance_and_numbers_beside_it(made_run):
    text = caption(made_run.report)
    first, second = made_run.report.top
    assert (first.way, second.way) == ("by-subject", "paper")
    assert first.name == second.name
    for score in made_run.report.of("classifier"):
        assert f"{score.name} {score.interval.value:.2f}, SD " in text
    for score in made_run.report.top:
        assert f"of {score.n_cells} cells from {score.interval.n} animals" in text
    # Of both ways, of the best single number of each, and of shuffled labels.
    assert text.count("(chance 0.25)") == 5
    assert "animals" in text
    assert "Without brackets: too few groups for an interval." in text
    assert "the best of 2 chosen after the fact" in text
    assert "Trained on shuffled labels: the paper's way, cnn " in text


def test_brackets_are_explained_where_there_are_some(make_run, many):
    text = caption(make_run(traces=many, skill={"cnn": 0.8}).report)
    assert "Brackets and bars: 95 % bootstrap over animals." in text
    assert "[" in text


def test_doubts_and_a_quick_look_are_part_of_it(make_run):
    report = make_run(skill={"cnn": 0.0}).report
    text = caption(report)
    assert report.doubts
    (quick,) = report.cautions
    assert quick.code == "quick"
    cautions = f"{quick} Caution: {' '.join(report.doubts)}"
    assert text.endswith(cautions)


def test_methods_state_facts_and_no_score(made_run):
    text = made_run.report.methods()
    assert "16 PV, 24 PY, 16 SOM, 16 VIP" in text
    assert "with all traces of one animal on one side" in text
    assert "0.8" not in text


def report_of(made_run, normalization):
    """The same answers, as if the traces had been normalised another way."""
    training = Training(epochs=2, normalization=normalization)
    plan = plan_experiment(
        "evaluate", made_run.data, made_run.protocol, training, ("cnn", "svm-rbf")
    )
    return replace(made_run, plan=plan).report


def test_the_normalisation_is_the_one_of_the_run(made_run):
    assert "training set of each split." in made_run.report.methods()
    text = report_of(made_run, "trace").methods()
    assert "mean and standard deviation of each trace." in text
    assert "of the training set" not in text


def test_what_the_traces_are_and_what_was_done_to_them_is_said(made_run):
    done = ["Traces were suite2p's raw fluorescence F.", "Merged: 2 traces."]
    settings = {**made_run.report.settings, "preparation": done}
    text = replace(made_run.report, settings=settings).methods()
    assert f"{' '.join(done)} The classifiers were" in text
    folder, set_of_traces = Path("mouse"), Path("mice.npz")
    assert Reading().traces_are(folder) == (done[0],)
    (said,) = Reading(neuropil=0.7).traces_are(folder)
    assert said == "Traces were F - 0.7 Fneu of suite2p."
    # Whoever made the arrays knows.
    assert Reading().traces_are(set_of_traces) == ()


def test_every_version_that_was_used_is_named(made_run):
    assert "Software" not in made_run.report.methods()
    both = ({"python": "3.11", "torch": "2.1"}, {"python": "3.11", "torch": "2.2"})
    text = replace(made_run.report, environments=both).methods()
    assert text.endswith("Software: Python 3.11; PyTorch 2.1, 2.2.")
    assert {"numpy", "scikit-learn", "torch"} <= set(PACKAGES)
