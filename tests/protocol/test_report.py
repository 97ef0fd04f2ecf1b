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
