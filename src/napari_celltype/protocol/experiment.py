"""What an experiment is made of: data, conditions, splits, tasks and classifiers.

Building a classifier imports scikit-learn, and torch for a network; names come without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_celltype.labels import Targets, TraceSet
from napari_celltype.models import NETWORKS

Role = Literal["classifier", "probe", "shuffled", "curve"]
# What the names of controls add to those of their classifiers.
PROBE, SHUFFLED = "probe: ", ", shuffled labels"


@dataclass(frozen=True, eq=False)
class ExperimentData:
    """Labelled examples, ready for every classifier: finite traces of one length."""

    traces: TraceSet
    targets: Targets
    # Single numbers (n_examples,) that compete with the classifiers.
    probes: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    # A second data set over the same classes, only tested on (Section IV-F).
    new: TraceSet | None = None
    new_targets: Targets | None = None


@dataclass(frozen=True)
class Condition:
    """One row of a table: a classifier and how it is trained."""

    # Unique in its experiment, such as "cnn" or "CNN [C C P C D]".
    name: str
    # One of `known`, or "probe: NAME".
    classifier: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    # How the splits are drawn, one of `splits.WAYS`.
    way: str = "paper"
    # Traces are cut to their first frames; None takes all (Table V).
    n_frames: int | None = None
    # Examples of each class; None for the protocol's (Table III).
    train_counts: Mapping[str, int] | None = None
    test_counts: Mapping[str, int] | None = None
    # Only the first splits; None for all.
    n_splits: int | None = None
    # Score the test set after each epoch (Fig. 3).
    by_epoch: bool = False
    # Also score what the trained model says about surrogates of the test traces.
    surrogates: bool = False
    # Train on permuted labels: what is then right is luck or a leak.
    shuffled: bool = False
    # Of a learning curve: "animals", "sessions", "cells" or "frames", and how many of
    # them the classifier learns from.
    learned: tuple[str, int] | None = None

    @property
    def title(self) -> str:
        """The name for readers, the same under every way of splitting."""
        return self.name.removesuffix(f" ({self.way})")

    @property
    def role(self) -> Role:
        """A classifier, one of its learning curve, a probe, or a shuffled control."""
        if self.shuffled:
            return "shuffled"
        if self.learned is not None:
            return "curve"
        return "probe" if self.is_probe else "classifier"

    @property
    def is_network(self) -> bool:
        """Whether a network is trained, which may be stopped and resumed."""
        return self.classifier in NETWORKS

    @property
    def is_probe(self) -> bool:
        """Whether the classifier sees a single number instead of traces."""
        return self.classifier.startswith(PROBE)

    @property
    def fold_option(self) -> str | None:
        """The option of `fit` that takes the groups of the inner folds, if any."""
        if self.is_probe:
            return None if self.classifier == f"{PROBE}session" else "groups"
        return "model__groups" if self.classifier.endswith(_SEARCH) else None


def bare_name(name: str) -> str:
    """Return the name of a classifier, or of the number that a probe sees, alone."""
    return name.removeprefix(PROBE).removesuffix(SHUFFLED)


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of the data set in one train-test split, numbered from 0."""

    number: int
    train: NDArray[np.int64]
    # Examples with one class and ground truth only.
    test: NDArray[np.int64]
    # Test examples whose label is a parent or a negation; scored apart.
    partial: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))


@dataclass(frozen=True, eq=False)
class Task:
    """One classifier on one split: the unit of work that is done or not done."""

    condition: Condition
    split: Split
    seed: int

    @property
    def key(self) -> tuple[str, int]:
        """What tells the task from all others of its run."""
        return self.condition.name, self.split.number


@dataclass(frozen=True)
class Outcome:
    """What one task gave, in plain values: one line of a run's `results.jsonl`."""

    condition: str
    split: int
    # Wall-clock time of the fit alone.
    train_seconds: float
    # Test rows of the data set and the class index that each was given.
    rows: list[int]
    guess: list[int]
    # The same of examples with a parent or a negation as label.
    partial_rows: list[int] = field(default_factory=list)
    partial_guess: list[int] = field(default_factory=list)
    # Class index for each example of the new data set.
    new_guess: list[int] | None = None
    # Guesses for surrogates of the test rows.
    surrogates: Mapping[str, list[int]] = field(default_factory=dict)
    # One row per epoch: epoch, loss, accuracy, seconds and, by epoch, test_accuracy.
    history: list[Mapping[str, float]] = field(default_factory=list)
    # Parameters that a nested grid search found.
    chosen: Mapping[str, Any] = field(default_factory=dict)
    # Threads, processor and versions that the numbers depend on.
    environment: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, int]:
        """The key of the task that it belongs to."""
        return self.condition, self.split


@dataclass(frozen=True, eq=False)
class Plan:
    """What a run computes: an experiment on data, whose splits are drawn."""

    data: ExperimentData
    # "evaluate", "table1" ... "table5", "epochs", "fig3" or "new-dataset".
    name: str
    title: str
    conditions: tuple[Condition, ...]
    # In the order in which they are done.
    tasks: tuple[Task, ...]
    # What is to be known about the splits, and what was left out or chosen.
    notes: tuple[str, ...]


# Section IV-D. The parameters are the paper's; NAME-search finds them itself.
BASELINES: Mapping[str, str] = {
    "adaboost": "AdaBoost",
    "svm-linear": "Support vector machine, linear",
    "svm-rbf": "Support vector machine, Gaussian",
    "svm-poly": "Support vector machine, polynomial",
}
FEATURES = "features"
# What `evaluate` compares unless it is told.
COMPARED = (*NETWORKS, FEATURES)
_SEARCH = "-search"


def known() -> tuple[str, ...]:
    """Return the names of all classifiers."""
    return (*NETWORKS, *BASELINES, *(f"{n}{_SEARCH}" for n in BASELINES), FEATURES)


def build(
    condition: Condition, seed: int, sampling_frequency: float | None = None
) -> Any:
    """Return the scikit-learn classifier of a condition, not yet trained."""
    # Networks and baselines z-score by the training set (Section IV-B) unless the
    # condition has another `normalization`.
    from napari_celltype.protocol import rivals

    name = condition.classifier
    if condition.is_probe:
        of_session = name == f"{PROBE}session"
        return rivals.CommonestOfSession() if of_session else rivals.ProbeTree(seed)
    if condition.is_network:
        from napari_celltype.models import TraceClassifier

        parameters = {"normalization": "training-set", **condition.parameters}
        return TraceClassifier(name, random_state=seed, **parameters)
    if name == FEATURES:
        from napari_celltype.protocol.features import boosted_trees

        return boosted_trees(seed, sampling_frequency)
    plain = name.removesuffix(_SEARCH)
    searched = plain != name
    return rivals.baseline(plain, seed, searched=searched, **condition.parameters)
