"""The paper's own numbers, as its text prints them, and where they may stand."""

import os
import re
from pathlib import Path

import pytest

from napari_celltype.protocol.paper import (
    ACCURACY_BY_EPOCHS,
    ONE_FRAME_PER_STEP,
    POOLED_WITH_NEW,
    TRAIN_SECONDS,
    is_best,
    printed_accuracy,
    trained_alike,
)

# Where the text of the paper lies, for whoever has it.
PAPER = os.environ.get("NAPARI_CELLTYPE_PAPER_TEXT", "../shared/paper.txt")


def test_the_text_of_the_paper_prints_each_of_them():
    path = Path(__file__).parents[2] / PAPER
    if not path.exists():
        pytest.skip(f"the text of the paper is not at {PAPER}")
    text = re.sub(r"\s+", " ", path.read_text(errors="replace"))
    for by_epochs in ACCURACY_BY_EPOCHS.values():
        assert all(f"{value:g}" in text for value in by_epochs.values())
    for by_size in TRAIN_SECONDS.values():
        assert all(f"{value:g}" in text for value in by_size.values())
    assert all(f"{100 * value:g}%" in text for value in POOLED_WITH_NEW.values())
    assert "around 45%" in text
    for count in ("119 timeseries", "210 new examples", "just 28", "191 newly added"):
        assert count in text


def test_the_best_networks_have_their_accuracy_in_the_papers_way_alone():
    assert printed_accuracy("cnn", {"epochs": 20}, "paper") == 0.8867
    assert printed_accuracy("rnn", {"epochs": 60}, "paper") == 0.8188
    assert printed_accuracy("cnn", {"layers": "CCPCD", "epochs": 20}, "paper") == 0.8867
    assert printed_accuracy("cnn", {"epochs": 20}, "by-subject") is None
    assert printed_accuracy("cnn", {"epochs": 20}, "random") is None


@pytest.mark.parametrize(
    ("classifier", "parameters"),
    [
        ("cnn", {"layers": "CC"}),
        ("rnn", {"timesteps": 5}),
        ("lstm", {"dropout": 0.5}),
        ("cnn", {"normalization": "trace"}),
        ("svm-rbf", {}),
    ],
)
def test_other_networks_have_none(classifier, parameters):
    assert not is_best(classifier, parameters)
    assert printed_accuracy(classifier, parameters, "paper") is None


def test_one_frame_per_step_has_its_own():
    steps = {"timesteps": 4000}
    assert printed_accuracy("lstm", steps, "paper") == ONE_FRAME_PER_STEP
    assert printed_accuracy("lstm", {"timesteps": 400}, "paper") is None


def test_training_times_are_of_the_best_networks_with_20_epochs():
    assert trained_alike("rnn", {"epochs": 20}, "paper")
    assert not trained_alike("rnn", {"epochs": 60}, "paper")
    assert not trained_alike("rnn", {}, "by-subject")
