"""Networks of one structure trained at once, their weights stacked along a new axis.

The splits of an experiment train the same network on different rows. One after the
other, each of them is too small to keep a GPU busy; stacked, a step of all of them is
one step of wider operations. The gradient of the summed losses by each network's
weights is the gradient of its own loss, and Adam works number by number, so each
network learns what it would have learnt alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from napari_celltype.classifiers.estimator import STRUCTURE, TraceClassifier
from napari_celltype.classifiers.networks import Network, network_class, new_network
from napari_celltype.classifiers.preparation import Normalization, pad_frames
from napari_celltype.classifiers.stacked_training import (
    StackedExamples,
    tf32,
    train_stacked,
)
from napari_celltype.classifiers.training_labels import read_labels
from napari_celltype.labels import Targets
from napari_celltype.progress import (
    OnProgress,
    ShouldStop,
    ignore_progress,
    never_stop,
)


def fit_together(
    classifiers: Sequence[TraceClassifier],
    traces: ArrayLike,
    targets: Sequence[Targets],
    rows: Sequence[NDArray[np.int64]],
    *,
    device: torch.device,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> None:
    """Fit classifiers that differ in their rows and seeds, all at once.

    Each is left as `TraceClassifier.fit` on its own rows would leave it, but for
    rounding: weights, order of the examples and dropout come from its own seed. On a
    GPU products and convolutions are computed in TF32.

    Parameters
    ----------
    classifiers : sequence of TraceClassifier
        With the same parameters but `random_state`.
    traces : array-like, shape (n_traces, n_frames)
        Of which all classifiers take their rows; on the device only once.
    targets : sequence of Targets
        For each classifier, what the labels of its rows mean; over the same classes.
    rows : sequence of ndarray of int64, each (n_training,)
        For each classifier, what it learns from.
    device : torch.device
    on_progress : callable
        Takes a `Progress` after each epoch.
    should_stop : callable
        Asked before each batch; True ends the training.

    Raises
    ------
    ValueError
        If the classifiers, classes or numbers of rows are not alike, or for what
        `TraceClassifier.fit` refuses.
    torch.OutOfMemoryError
        If the device cannot hold all of them at once; none of them is fitted then.
    napari_celltype.errors.Stopped
        If `should_stop` answered True; none of them is fitted then.
    """
    first = classifiers[0]
    _require_alike(classifiers, targets, rows)
    checked: NDArray[np.float32] = np.asarray(traces, dtype=np.float32)
    for classifier in classifiers:
        checked = validate_data(classifier, checked, dtype=np.float32)
    structure = {
        name: getattr(first, name)
        for name in STRUCTURE
        if getattr(first, name) is not None
    }
    shortest = network_class(first.architecture).minimum_frames(**structure)
    padded = pad_frames(checked, shortest)
    networks: list[Network] = []
    generators: list[torch.Generator] = []
    scores: list[Normalization] = []
    for classifier, learned, of_rows in zip(classifiers, rows, targets, strict=True):
        classes, _ = read_labels(learned, of_rows)
        seed = int(check_random_state(classifier.random_state).randint(2**31 - 1))
        generators.append(torch.Generator().manual_seed(seed))
        networks.append(
            new_network(
                first.architecture,
                checked.shape[1],
                len(classes),
                structure,
                generators[-1],
            )
        )
        scores.append(Normalization.fit(first.normalization, padded[learned]))
    examples = StackedExamples(padded, targets, rows, scores, device)
    with tf32():
        histories = train_stacked(
            networks,
            examples,
            generators,
            epochs=first.epochs,
            batch_size=first.batch_size,
            learning_rate=first.learning_rate,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    for s, classifier in enumerate(classifiers):
        classifier.classes_ = classes
        classifier.class_counts_ = targets[s].allowed[targets[s].single].sum(axis=0)
        classifier.normalization_ = scores[s]
        classifier.network_ = networks[s]
        classifier.history_ = histories[s]


def _require_alike(
    classifiers: Sequence[TraceClassifier],
    targets: Sequence[Targets],
    rows: Sequence[NDArray[np.int64]],
) -> None:
    parameters = [{**c.get_params(), "random_state": None} for c in classifiers]
    if (
        any(p != parameters[0] for p in parameters)
        or len({of_rows.classes for of_rows in targets}) != 1
        or len({len(learned) for learned in rows}) != 1
    ):
        raise ValueError(
            "Only classifiers of the same parameters, classes and number of training "
            "rows can be fitted together; fit the others on their own."
        )
    for name in ("epochs", "batch_size"):
        if parameters[0][name] < 1:
            raise ValueError(f"{name} must be at least 1, got {parameters[0][name]!r}.")
