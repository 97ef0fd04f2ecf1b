"""The classifiers that an experiment may name, and how each is built.

Building one imports scikit-learn, and torch for a network; the names come without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from napari_celltype.errors import LabelError
from napari_celltype.protocol.experiment import Condition

PROBE = "probe: "


@dataclass(frozen=True)
class Contestant:
    """A classifier of the paper.

    Attributes
    ----------
    title : str
        As a table of the paper would head it.
    kind : str
        "network", "baseline" with the paper's parameters, or "search", whose parameters
        are found inside each training set.
    """

    title: str
    kind: str


CLASSIFIERS: Mapping[str, Contestant] = {
    "cnn": Contestant("1D-CNN", "network"),
    "rnn": Contestant("RNN", "network"),
    "lstm": Contestant("LSTM", "network"),
    "svm-rbf": Contestant("SVM, Gaussian", "baseline"),
    "svm-linear": Contestant("SVM, linear", "baseline"),
    "svm-poly": Contestant("SVM, polynomial", "baseline"),
    "adaboost": Contestant("AdaBoost", "baseline"),
    "svm-rbf-search": Contestant("SVM, Gaussian, grid search", "search"),
    "svm-linear-search": Contestant("SVM, linear, grid search", "search"),
    "svm-poly-search": Contestant("SVM, polynomial, grid search", "search"),
    "adaboost-search": Contestant("AdaBoost, grid search", "search"),
}


def require_known(names: Iterable[str]) -> None:
    """Make sure that every name is one of `CLASSIFIERS`.

    Raises
    ------
    LabelError
        If one is not.
    """
    for name in names:
        if name not in CLASSIFIERS:
            raise LabelError(
                f"The classifier {name!r} is not known; choose of "
                f"{', '.join(CLASSIFIERS)}."
            )


def is_network(condition: Condition) -> bool:
    """Return whether a condition trains a network, which may be stopped and resumed."""
    contestant = CLASSIFIERS.get(condition.classifier)
    return contestant is not None and contestant.kind == "network"


def is_probe(condition: Condition) -> bool:
    """Return whether a condition sees a single number instead of traces."""
    return condition.classifier.startswith(PROBE)


def fold_option(condition: Condition) -> str | None:
    """Return the option of `fit` that takes the groups of the inner folds, if any."""
    if is_probe(condition):
        return None if condition.classifier == f"{PROBE}session" else "groups"
    contestant = CLASSIFIERS.get(condition.classifier)
    searches = contestant is not None and contestant.kind == "search"
    return "model__groups" if searches else None


def build(condition: Condition, seed: int) -> Any:
    """Return the scikit-learn classifier of a condition, not yet trained.

    All but the probes z-score by the training set (Section IV-B) unless the condition
    has another `normalization`.

    Parameters
    ----------
    condition : Condition
    seed : int
        Of weights, order of examples, dropout, AdaBoost and inner folds.

    Raises
    ------
    LabelError
        If nobody knows the classifier.
    """
    name = condition.classifier
    if is_probe(condition):
        from napari_celltype.protocol.probes import probe_model

        return probe_model(name.removeprefix(PROBE), seed)
    require_known([name])
    if is_network(condition):
        from napari_celltype.classifiers import TraceClassifier

        parameters = {"normalization": "training-set", **condition.parameters}
        return TraceClassifier(name, random_state=seed, **parameters)
    from napari_celltype.protocol.baselines import baseline, search

    if CLASSIFIERS[name].kind == "search":
        return search(name.removesuffix("-search"), seed, **condition.parameters)
    return baseline(name, seed, **condition.parameters)
