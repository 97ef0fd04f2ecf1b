"""What an experiment is made of: data, conditions, splits, tasks and classifiers.

Building a classifier imports scikit-learn, and torch for a network; names come without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.labels import Targets, TraceSet
from napari_celltype.models import NETWORKS

# What the names of controls add to those of their classifiers.
PROBE, SHUFFLED = "probe: ", ", shuffled labels"


@dataclass(frozen=True, eq=False)
class ExperimentData:
    """Labelled examples, ready for every classifier.

    Attributes
    ----------
    traces : TraceSet
        Finite traces of one length.
    targets : Targets
        What the labels mean, row by row.
    probes : mapping of str to ndarray of float64, each (n_examples,)
        Single numbers that compete with the classifiers, see `probes`.
    new : TraceSet or None
        A second data set, only tested on (Section IV-F).
    new_targets : Targets or None
        Over the same classes.
    tree : TypeTree
    """

    traces: TraceSet
    targets: Targets
    probes: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    new: TraceSet | None = None
    new_targets: Targets | None = None
    tree: TypeTree = DEFAULT_TYPES


@dataclass(frozen=True)
class Condition:
    """One row of a table: a classifier and how it is trained.

    Attributes
    ----------
    name : str
        Unique in its experiment, such as "cnn" or "CNN [C C P C D]".
    classifier : str
        A name of `contestants.known`, or "probe: NAME".
    parameters : mapping
        Parameters of that classifier in plain values.
    way : str
        How the splits are drawn, one of `splits.WAYS`.
    n_frames : int or None
        Traces are cut to their first `n_frames`; None takes all (Table V).
    train_counts : mapping of str to int or None
        Training examples of each class; None for the protocol's (Table III).
    test_counts : mapping of str to int or None
        Test examples of each class; None for the protocol's.
    n_splits : int or None
        Only the first splits; None for all.
    by_epoch : bool
        Score the test set after each epoch (Fig. 3).
    surrogates : bool
        Also score what the trained model says about surrogates of the test traces.
    shuffled : bool
        Train on permuted labels: what is then right is luck or a leak.
    """

    name: str
    classifier: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    way: str = "paper"
    n_frames: int | None = None
    train_counts: Mapping[str, int] | None = None
    test_counts: Mapping[str, int] | None = None
    n_splits: int | None = None
    by_epoch: bool = False
    surrogates: bool = False
    shuffled: bool = False

    @property
    def title(self) -> str:
        """The name for readers, the same under every way of splitting."""
        return self.name.removesuffix(f" ({self.way})")


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of one train-test split.

    Attributes
    ----------
    number : int
        From 0.
    train, test : ndarray of int64
        Rows of the data set. `test` holds examples with one class and ground truth
        only, and partial labels of the test groups are in `partial`.
    partial : ndarray of int64
        Test examples whose label is a parent or a negation; scored apart.
    """

    number: int
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    partial: NDArray[np.int64] = field(
        default_factory=lambda: np.empty(0, dtype=np.int64)
    )


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
    """What one task gave, in plain values: one line of a run's `results.jsonl`.

    Attributes
    ----------
    condition : str
        Name of the condition.
    split : int
        Number of the split.
    train_seconds : float
        Wall-clock time of the fit alone.
    rows, guess : list of int
        Test rows of the data set and the class index that each was given.
    partial_rows, partial_guess : list of int
        The same of examples with a parent or a negation as label.
    new_guess : list of int or None
        Class index for each example of the new data set.
    surrogates : mapping of str to list of int
        Guesses for surrogates of the test rows.
    history : list of mapping
        One row per epoch: epoch, loss, accuracy, seconds and, by epoch,
        test_accuracy.
    chosen : mapping
        Parameters that a nested grid search found.
    environment : mapping
        Threads, processor and versions that the numbers depend on.
    """

    condition: str
    split: int
    train_seconds: float
    rows: list[int]
    guess: list[int]
    partial_rows: list[int] = field(default_factory=list)
    partial_guess: list[int] = field(default_factory=list)
    new_guess: list[int] | None = None
    surrogates: Mapping[str, list[int]] = field(default_factory=dict)
    history: list[Mapping[str, float]] = field(default_factory=list)
    chosen: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, int]:
        """The key of the task that it belongs to."""
        return self.condition, self.split


@dataclass(frozen=True)
class Experiment:
    """What a run computes and how its report is laid out.

    Attributes
    ----------
    name : str
        "evaluate", "table1" ... "table5", "epochs", "fig3" or "new-dataset".
    title : str
    conditions : tuple of Condition
    notes : tuple of str
        A sentence for each thing that was left out or chosen.
    """

    name: str
    title: str
    conditions: tuple[Condition, ...]
    notes: tuple[str, ...] = ()


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


def require_known(names: Iterable[str]) -> None:
    """Make sure that every name is one of a classifier.

    Raises
    ------
    LabelError
        If one is not.
    """
    for name in names:
        if name not in known():
            raise LabelError(
                f"The classifier {name!r} is not known; choose of {', '.join(known())}."
            )


def is_network(condition: Condition) -> bool:
    """Return whether a condition trains a network, which may be stopped and resumed."""
    return condition.classifier in NETWORKS


def is_probe(condition: Condition) -> bool:
    """Return whether a condition sees a single number instead of traces."""
    return condition.classifier.startswith(PROBE)


def fold_option(condition: Condition) -> str | None:
    """Return the option of `fit` that takes the groups of the inner folds, if any."""
    if is_probe(condition):
        return None if condition.classifier == f"{PROBE}session" else "groups"
    return "model__groups" if condition.classifier.endswith(_SEARCH) else None


def build(
    condition: Condition, seed: int, sampling_frequency: float | None = None
) -> Any:
    """Return the scikit-learn classifier of a condition, not yet trained.

    Networks and baselines z-score by the training set (Section IV-B) unless the
    condition has another `normalization`.

    Parameters
    ----------
    condition : Condition
    seed : int
        Of weights, order of examples, dropout, boosting and inner folds.
    sampling_frequency : float, optional
        Of the traces (Hz), where it is known; for the features.

    Raises
    ------
    LabelError
        If nobody knows the classifier.
    """
    name = condition.classifier
    if is_probe(condition):
        from napari_celltype.protocol.rivals import probe_model

        return probe_model(name.removeprefix(PROBE), seed)
    require_known([name])
    if is_network(condition):
        from napari_celltype.models import TraceClassifier

        parameters = {"normalization": "training-set", **condition.parameters}
        return TraceClassifier(name, random_state=seed, **parameters)
    if name == FEATURES:
        from napari_celltype.protocol.features import boosted_trees

        return boosted_trees(seed, sampling_frequency)
    from napari_celltype.protocol.rivals import baseline, search

    if name.endswith(_SEARCH):
        return search(name.removesuffix(_SEARCH), seed, **condition.parameters)
    return baseline(name, seed, **condition.parameters)
