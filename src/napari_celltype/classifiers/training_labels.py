"""What `fit` makes of its y: the classes, and which of them each label allows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets

from napari_celltype.labels import Targets


def read_labels(
    y: NDArray[Any], targets: Targets | None
) -> tuple[NDArray[Any], Targets]:
    """Return the classes in the type of y, and the targets.

    Parameters
    ----------
    y : ndarray, shape (n_traces,)
        Names of types, parents and negations are read as in `Targets.of`; numbers are
        classes.
    targets : Targets, optional
        Instead of what y says.

    Raises
    ------
    ValueError
        If there is a single class, or `targets` has another length than y.
    LabelError
        If the labels name no class, or one of them leaves none possible.
    """
    if targets is not None:
        if len(targets.allowed) != len(y):
            raise ValueError(
                f"targets holds {len(targets.allowed)} labels and y {len(y)}; give "
                "one of each per trace."
            )
        classes = np.array(targets.classes)
    else:
        check_classification_targets(y)
        if all(isinstance(label, str) for label in y):
            targets = Targets.of(y.tolist())
            classes = np.array(targets.classes, dtype=y.dtype)
        else:
            classes, index = np.unique(y, return_inverse=True)
            allowed = np.eye(len(classes), dtype=bool)[index]
            targets = Targets(tuple(str(c) for c in classes), allowed)
    if len(classes) < 2:
        raise ValueError(
            f"Training needs at least two classes, but the labels hold only one class, "
            f"{classes[0]!r}."
        )
    return classes, targets
