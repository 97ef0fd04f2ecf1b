"""How many examples of each class a split takes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import LabelError
from napari_celltype.protocol.paper_protocol import PaperProtocol

Counts = NDArray[np.int64]


def stratified_counts(counts: Mapping[str, int], size: int) -> dict[str, int]:
    """Divide `size` examples among classes in proportion to their counts.

    Shares are rounded down; what is left goes, one each, to the classes that lost most
    by it, the first of equals first (largest remainder).

    Parameters
    ----------
    counts : mapping of str to int
        Examples of each class.
    size : int
        Examples in all.

    Raises
    ------
    LabelError
        If there are fewer examples than `size`.
    """
    total = sum(counts.values())
    if size > total:
        raise LabelError(
            f"{size} examples are asked for and there are {total}; ask for fewer."
        )
    shares = {name: size * count // total for name, count in counts.items()}
    left = size - sum(shares.values())
    by_loss = sorted(counts, key=lambda name: -(size * counts[name] % total))
    for name in by_loss[:left]:
        shares[name] += 1
    return shares


def split_counts(
    available: Mapping[str, int],
    protocol: PaperProtocol,
    train_counts: Mapping[str, int] | None = None,
    test_counts: Mapping[str, int] | None = None,
) -> tuple[dict[str, int], dict[str, int]]:
    """Return the training and the test examples of each class (Section IV-B).

    What is given explicitly comes first, then the sizes of the protocol. Where only one
    side is given the other is what remains; where none is, training takes
    floor(0.8 n) of each class and the test the rest.

    Raises
    ------
    LabelError
        If a class has fewer examples than asked for, or none on one side.
    """
    test = _asked(available, test_counts, protocol.test_size)
    left = dict(available)
    if test is not None:
        left = {name: n - test[name] for name, n in available.items()}
    train = _asked(left, train_counts, protocol.train_size)
    if train is None and test is None:
        train = {name: 4 * n // 5 for name, n in available.items()}
    if train is None:
        train = left
    if test is None:
        test = {name: n - train[name] for name, n in available.items()}
    for name, n in available.items():
        if train[name] + test[name] > n:
            raise LabelError(
                f"{train[name]} training and {test[name]} test examples of {name} are "
                f"asked for and there are {n}; ask for fewer or add recordings."
            )
        if train[name] < 1 or test[name] < 1:
            raise LabelError(
                f"{n} examples of {name} leave {max(train[name], 0)} for training and "
                f"{max(test[name], 0)} for the test; each side needs one or more, so "
                f"add examples, ask for other sizes or leave {name} out."
            )
    return train, test


def _asked(
    available: Mapping[str, int], explicit: Mapping[str, int] | None, size: int | None
) -> dict[str, int] | None:
    if explicit is None:
        return None if size is None else stratified_counts(available, size)
    unknown = sorted(set(explicit) - set(available))
    if unknown:
        raise LabelError(
            f"Examples of {', '.join(unknown)} are asked for and the data hold "
            f"{', '.join(available)}; correct the counts."
        )
    return {name: explicit.get(name, 0) for name in available}
