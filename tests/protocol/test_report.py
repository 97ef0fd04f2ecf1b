"""What a report says, and its files: complete, strict, safe, nothing from outside."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from napari_celltype.protocol.figures import figure_bytes, paper_figure
from napari_celltype.protocol.report import make_report, render, write_report


def test_scores_have_one_row_per_classifier_and_split(made_run):
    scores = made_run.report.scores
    assert list(zip(scores.classifier, scores.split, strict=True)) == [
        (name, split) for name in ("cnn", "svm-rbf") for split in range(3)
    ]
    names = ["classifier", "split", "accuracy", "balanced_accuracy", "train_seconds"]
    names += ["precision_PV", "recall_PV", "specificity_PV"]
    assert list(scores.columns[:8]) == names
    strictest = made_run.report.strictest
    assert list(strictest.columns) == list(scores.columns)
    assert not strictest.accuracy.equals(scores.accuracy)


def test_confusion_counts_all_splits_and_is_normalised_by_row(made_run):
    outcomes = [made_run.outcome("cnn", split) for split in range(3)]
    truth = np.concatenate([made_run.data.targets.index[o.rows] for o in outcomes])
    guess = np.concatenate([o.guess for o in outcomes])
    confusion = made_run.report.confusion("cnn")
    np.testing.assert_array_equal(confusion.counts, confusion_matrix(truth, guess))
    np.testing.assert_allclose(
        confusion.normalised, confusion_matrix(truth, guess, normalize="true")
    )


def test_without_groups_there_is_no_strictest_way(make_run, make_traces):
    traces = make_traces(subject_id=None, session_id=None, cell_id=None)
    report = make_run(traces=traces).report
    assert report.strictest is None
    assert all(s.n_cells is None for s in report.results)


def test_a_class_that_is_never_called_has_no_precision(make_run):
    run = make_run(skill={"cnn": 1.0})
    for outcome in run.outcomes:
        outcome.guess[:] = [1] * len(outcome.guess)
    report = run.report
    assert report.scores.precision_PV.isna().all()
    assert np.isnan(report.asked[0].per_class["PV"]["precision"].mean)
    assert (
        report.as_json()["results"][0]["per_class"]["PV"]["precision"]["mean"] is None
    )


def test_an_unknown_classifier_is_named_with_those_there_are(made_run):
    with pytest.raises(KeyError, match=r"no classifier 'lstm'.*cnn, svm-rbf"):
        made_run.report.confusion("lstm")


def test_partial_labels_are_right_where_the_label_allows_the_guess(
    make_run, make_traces
):
    traces = make_traces({"PV": 16, "PY": 24, "SOM": 16, "VIP": 16, "IN": 16})
    run = make_run(traces=traces)
    for outcome in run.outcomes:
        outcome.partial_guess[:] = [1] * len(outcome.partial_guess)  # PY
    (wrong,) = {s.partial.right for s in run.report.of("classifier", "by-subject")}
    assert wrong == 0


def test_new_old_and_pooled_scores_stand_apart(make_run, make_traces):
    new = make_traces({"PV": 6, "SOM": 14}, seed=3)
    run = make_run("new-dataset", skill={"cnn": 0.8}, new=new)
    score = run.report.asked[0]
    outcomes = [run.outcome("cnn", split) for split in range(3)]
    truth = run.data.targets.index
    new_truth = np.array([{"PV": 0, "SOM": 2}[name] for name in new.labels])
    new_right = [np.mean(o.new_guess == new_truth) for o in outcomes]
    pooled = [
        np.mean(np.r_[o.guess, o.new_guess] == np.r_[truth[o.rows], new_truth])
        for o in outcomes
    ]
    assert score.new.accuracy.mean == pytest.approx(np.mean(new_right))
    assert score.new.pooled_accuracy.mean == pytest.approx(np.mean(pooled))
    assert score.new.majority == pytest.approx(14 / 20)
    assert score.new.chance == pytest.approx(1 / 2)
    assert run.report.sentence.startswith("On the new data 0.")


def test_new_data_are_scored_where_somebody_saw_the_type(make_run, make_traces):
    two = {"PV": 16, "PY": 24}
    source = np.array(["manual"] * 9 + ["prediction"])
    new = make_traces({"PV": 6, "IN": 4}, label_source=source, seed=3)
    run = make_run("new-dataset", traces=make_traces(two), new=new)
    seen = (new.labels == "PV") & (source == "manual")
    assert run.report.asked[0].new.n_examples == seen.sum()
    assert run.report.asked[0].new.counts[1].tolist() == [0, 0]


def test_surrogates_are_scored_against_the_true_labels(make_run):
    run = make_run(skill={"cnn": 0.8})
    outcome = run.outcome("cnn", 0)
    outcome.surrogates["phase-randomised"][:] = run.data.targets.index[outcome.rows]
    run.outcomes[:] = [o for o in run.outcomes if o.split == 0]
    left = run.report.asked[0].surrogates["phase-randomised"]
    assert left["balanced_accuracy"].mean == 1


def test_a_run_that_went_on_with_another_version_says_so(make_run):
    run = make_run()
    for number, outcome in enumerate(run.outcomes):
        outcome.environment["torch"] = "2.9" if number else "2.8"
    assert run.report.notes[0].startswith(
        "The splits were not all computed alike (torch 2.8, 2.9), so scores may differ"
    )


@pytest.mark.parametrize(("devices", "said"), [("cuda", False), ("cuda cpu", True)])
def test_devices_are_compared_within_a_classifier(make_run, devices, said):
    run = make_run()
    names = devices.split()
    for outcome in run.outcomes:
        of_network = names[outcome.split % len(names)]
        network = outcome.condition == "cnn"
        outcome.environment["device"] = of_network if network else "cpu"
    assert any("device of cnn cuda, cpu" in note for note in run.report.notes) is said


@pytest.fixture(scope="module")
def folder(made_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_report(made_run.report, folder)
    return folder


def test_all_files_are_there_and_no_other(folder):
    assert sorted(path.name for path in folder.iterdir()) == [
        "confusion_cnn.png",
        "confusion_svm-rbf.png",
        "curves.png",
        "probes.csv",
        "report.html",
        "report.json",
        "scores.csv",
        "scores_strictest.csv",
    ]


def test_json_is_strict_and_holds_the_numbers(folder, made_run):
    def refuse(name):
        raise AssertionError(name)

    text = (folder / "report.json").read_text()
    report = json.loads(text, parse_constant=refuse)
    assert report["sentence"] == made_run.report.sentence
    (first, *_) = report["results"]
    assert first["counts"] == made_run.report.confusion("cnn").counts.tolist()
    assert first["interval"]["low"] is None
    assert len(first["splits"]) == 3


@pytest.fixture
def page(folder):
    return (folder / "report.html").read_text()


def test_the_page_loads_nothing_from_outside(page):
    assert not re.search(r"<(script|link|iframe|img)\b", page)
    assert not re.search(r"(src|href)\s*=\s*[\"']?http|@import|url\(http", page)


def test_the_page_opens_with_sentence_and_design(page):
    titles = re.findall(r"<h2>(.*?)</h2>", page)
    assert titles[0] == "What the data are"
    assert page.index('class="sentence"') < page.index("<h2>")
    assert {"Scores", "Confusion matrices", "Single numbers as rivals"} <= set(titles)


def test_tags_of_the_page_are_closed(page):
    class Checker(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open = []

        def handle_starttag(self, tag, attributes):
            if tag not in ("meta", "br"):
                self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

    checker = Checker()
    checker.feed(page)
    assert checker.open == []


def test_names_and_labels_of_users_are_escaped(make_run, make_traces):
    counts = {"<script>x": 16, "PY": 24}
    run = make_run(traces=make_traces(counts, n_subjects=8))
    page = render(
        make_report(
            run.plan,
            run.protocol,
            run.outcomes,
            name='"><img src=x>',
            notes=("<b>bold</b>",),
            command="evaluate <data>",
        )
    )
    assert not re.search("<script|<img|<b>", page)
    assert "&lt;script&gt;x" in page
    assert "evaluate &lt;data&gt;" in page


@pytest.mark.slow
@pytest.mark.parametrize("name", ["table2", "epochs", "fig3", "new-dataset"])
def test_each_experiment_of_the_paper_has_its_table_as_a_file(
    name, make_run, make_traces, tmp_path
):
    new = make_traces({"PV": 6, "SOM": 14}, seed=3) if name == "new-dataset" else None
    run = make_run(name, new=new, epochs=None, skill={"cnn": 0.5})
    write_report(run.report, tmp_path)
    files = {path.name for path in tmp_path.iterdir()}
    assert {f"{name}.csv", "report.html"} <= files
    assert ("fig3.png" in files) == (name == "fig3")
    assert len(pd.read_csv(tmp_path / f"{name}.csv")) > 0


def test_the_figure_has_scores_and_both_matrices_with_counts(made_run):
    report = made_run.report
    scores, strict, paper = paper_figure(report).axes
    names = [label.get_text() for label in scores.get_yticklabels()]
    assert names[:4] == ["cnn", "svm-rbf", "cnn", "svm-rbf"]
    assert names[-1].endswith("shuffled")
    legend = {text.get_text() for text in scores.get_legend().get_texts()}
    assert legend == {"the paper's way", "by animal", "chance"}
    for axes, way in ((strict, "by-subject"), (paper, "paper")):
        name = axes.get_title().split(",")[0]
        counts = report.confusion(name, way).counts.ravel().tolist()
        drawn = [text.get_text().split("\n")[-1] for text in axes.texts]
        assert drawn == [str(n) for n in counts]


@pytest.mark.parametrize(
    ("kind", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_the_figure_as_a_file(made_run, kind, start):
    assert figure_bytes(made_run.report, kind).startswith(start)


def test_a_score_card_holds_no_names_of_the_data(make_run, make_traces):
    secret = make_traces(subject_id=np.full(72, "secret"))
    report = make_run("evaluate", traces=secret, skill={"cnn": 0.8}).report
    card = json.dumps(report.score_card(), allow_nan=False)
    assert "secret" not in card
    assert report.name not in card
    assert len(card) < 20_000
    top = next(s for s in json.loads(card)["scores"] if s["name"] == "cnn")
    assert top["balanced_accuracy"]["mean"] == report.asked[0].balanced_accuracy.mean
