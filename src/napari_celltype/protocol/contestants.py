"""The classifiers that an experiment may name, and how each is built.

Building one imports scikit-learn, and torch for a network; the names come without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from napari_celltype.classifiers import NETWORKS
from napari_celltype.errors import LabelError
from napari_celltype.protocol.experiment import Condition

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
PROBE = "probe: "
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
        from napari_celltype.protocol.probes import probe_model

        return probe_model(name.removeprefix(PROBE), seed)
    require_known([name])
    if is_network(condition):
        from napari_celltype.classifiers import TraceClassifier

        parameters = {"normalization": "training-set", **condition.parameters}
        return TraceClassifier(name, random_state=seed, **parameters)
    if name == FEATURES:
        from napari_celltype.protocol.features import boosted_trees

        return boosted_trees(seed, sampling_frequency)
    from napari_celltype.protocol.baselines import baseline, search

    if name.endswith(_SEARCH):
        return search(name.removesuffix(_SEARCH), seed, **condition.parameters)
    return baseline(name, seed, **condition.parameters)
