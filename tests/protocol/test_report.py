"""What a report says equals what scikit-learn computes from the same answers."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    precision_score,
    recall_score,
)

from napari_celltype.protocol import PaperProtocol


def test_scores_have_one_row_per_classifier_and_split(made_run):
    scores = made_run.report.scores
    assert list(zip(scores.classifier, scores.split, strict=True)) == [
        (name, split) for name in ("cnn", "svm-rbf") for split in range(3)
    ]
    assert list(scores.columns[:5]) == [
        "classifier",
        "split",
        "accuracy",
        "balanced_accuracy",
        "train_seconds",
    ]
    assert list(scores.columns[5:8]) == ["precision_PV", "recall_PV", "specificity_PV"]


def test_scores_of_a_split_are_those_of_scikit_learn(made_run):
    outcome = made_run.outcome("cnn", 1)
    truth = made_run.data.targets.index[outcome.rows]
    row = made_run.report.scores.query("classifier == 'cnn' and split == 1").iloc[0]
    assert row.accuracy == pytest.approx(accuracy_score(truth, outcome.guess))
    assert row.balanced_accuracy == pytest.approx(
        balanced_accuracy_score(truth, outcome.guess)
    )
    assert row.recall_PY == pytest.approx(
        recall_score(truth, outcome.guess, labels=[1], average=None)[0]
    )
    assert row.precision_PY == pytest.approx(
        precision_score(truth, outcome.guess, labels=[1], average=None)[0]
    )


def test_confusion_counts_all_splits_and_is_normalised_by_row(made_run):
    outcomes = [made_run.outcome("cnn", split) for split in range(3)]
    truth = np.concatenate([made_run.data.targets.index[o.rows] for o in outcomes])
    guess = np.concatenate([o.guess for o in outcomes])
    confusion = made_run.report.confusion("cnn")
    np.testing.assert_array_equal(confusion.counts, confusion_matrix(truth, guess))
    np.testing.assert_allclose(
        confusion.normalised, confusion_matrix(truth, guess, normalize="true")
    )


def test_precision_is_the_mean_over_the_splits_that_define_it(made_run):
    score = made_run.report.asked[0]
    values = []
    for split in range(3):
        outcome = made_run.outcome("cnn", split)
        truth = made_run.data.targets.index[outcome.rows]
        values.append(
            precision_score(truth, outcome.guess, labels=[0], average=None)[0]
        )
    assert score.per_class["PV"]["precision"].mean == pytest.approx(np.mean(values))
    assert score.per_class["PV"]["precision"].sd == pytest.approx(
        np.std(values, ddof=1)
    )


def test_the_strictest_way_has_the_same_columns(made_run):
    report = made_run.report
    assert list(report.strictest.columns) == list(report.scores.columns)
    assert not report.strictest.accuracy.equals(report.scores.accuracy)


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


def test_trainings_that_are_missing_are_counted(make_run):
    run = make_run()
    run.outcomes.pop(0)
    report = run.report
    n = len(run.tasks)
    assert report.notes[0] == f"1 of {n} trainings are not finished."
    assert report.asked[0].n_splits == 2
    assert report.asked[0].n_planned == 3


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
        np.mean(
            np.r_[o.guess, o.new_guess] == np.r_[truth[o.rows], new_truth],
        )
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
    assert run.report.asked[0].new.counts[1] == [0, 0]


def test_surrogates_are_scored_against_the_true_labels(make_run):
    run = make_run(skill={"cnn": 0.8})
    outcome = run.outcome("cnn", 0)
    outcome.surrogates["phase-randomised"][:] = run.data.targets.index[outcome.rows]
    run.outcomes[:] = [o for o in run.outcomes if o.split == 0]
    left = run.report.asked[0].surrogates["phase-randomised"]
    assert left["balanced_accuracy"].mean == 1


def test_environments_are_listed_once_each(make_run):
    run = make_run()
    run.outcomes[0].environment["threads"] = 2
    assert run.report.environments == ({"threads": 2}, {"threads": 1})


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
    assert any("device cuda, cpu" in note for note in run.report.notes) is said


def test_table_3_of_whole_animals_has_a_row_for_each_size(make_run):
    report = make_run("table3", protocol=PaperProtocol("by-subject", 3)).report
    (table,) = (t for t in report.tables if t.key == "table3")
    asked = [row[0] for row in table.rows]
    assert table.columns[:2] == ("training examples asked for", "cnn trained on")
    assert len(asked) == len(set(asked)) == 4
    assert all(row[1] <= row[0] for row in table.rows)
    assert report.asked[0].name == f"cnn, at most {asked[0]} training examples"


def test_only_networks_count_labels_that_name_no_type(make_run, make_traces):
    traces = make_traces({"PV": 16, "PY": 24, "SOM": 16, "IN": 12})
    cnn, svm = make_run(traces=traces).report.asked
    assert cnn.n_train - svm.n_train == 12


def test_methods_state_facts_and_no_score(made_run):
    text = made_run.report.methods()
    assert "16 PV, 24 PY, 16 SOM, 16 VIP" in text
    assert "with all traces of an animal on one side" in text
    assert "0.8" not in text
