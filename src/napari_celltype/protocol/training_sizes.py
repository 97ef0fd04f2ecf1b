"""How many examples of each class Table III trains and tests on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from napari_celltype.protocol.counts import stratified_counts
from napari_celltype.protocol.experiment import ExperimentData
from napari_celltype.protocol.splits import ground_truth

# Section IV-C: training examples of each type; the test set is the same for all.
TRAINING_SIZES: tuple[Mapping[str, int], ...] = (
    {"PY": 640, "SOM": 640, "VIP": 640, "PV": 640},
    {"PY": 800, "SOM": 800, "VIP": 800, "PV": 757},
    {"PY": 1600, "SOM": 1180, "VIP": 1600, "PV": 757},
    {"PY": 2400, "SOM": 1180, "VIP": 2400, "PV": 757},
)
TEST_SIZE = 640


def training_sizes(
    counts: Mapping[str, int],
) -> tuple[list[dict[str, int]], dict[str, int], list[str]]:
    """Return the training sets that the data can give, and their test set.

    Parameters
    ----------
    counts : mapping of str to int
        Examples of each class.

    Returns
    -------
    sizes : list of dict
        Training examples of each class; where the data can give no size of the paper's,
        the same shares of what they can give.
    test : dict
        Test examples of each class.
    notes : list of str
        A sentence for each size that is left out.
    """
    # In proportion to the counts, also where there are fewer than the test takes.
    test = stratified_counts({n: TEST_SIZE * c for n, c in counts.items()}, TEST_SIZE)
    sizes, notes = [], []
    for wanted in TRAINING_SIZES:
        short = [
            f"{wanted.get(name, 0) + test.get(name, 0)} {name} "
            f"(there are {counts.get(name, 0)})"
            for name in sorted({*counts, *wanted})
            if name not in counts
            or name not in wanted
            or wanted[name] + test[name] > counts[name]
        ]
        if short:
            notes.append(
                f"{sum(wanted.values())} training and {TEST_SIZE} test examples are "
                f"left out, because that takes {', '.join(short)}."
            )
        else:
            sizes.append(dict(wanted))
    if not sizes:
        kept = {name: n * 4 // 5 for name, n in counts.items()}
        test = {name: n - kept[name] for name, n in counts.items()}
        largest = sum(TRAINING_SIZES[-1].values())
        for wanted in TRAINING_SIZES:
            share = sum(wanted.values()) / largest
            sizes.append({name: max(1, int(share * n)) for name, n in kept.items()})
        notes.append(
            "In their place stand the same shares of 80 % of these data: "
            f"{', '.join(str(sum(s.values())) for s in sizes)} training examples, "
            f"tested on the same number, {sum(test.values())}."
        )
    return sizes, test, notes


def ground_truth_counts(data: ExperimentData) -> dict[str, int]:
    """Return how many examples of each class may stand in a test set."""
    truth = ground_truth(data.traces, data.targets)
    counts = np.bincount(truth[truth >= 0], minlength=len(data.targets.classes))
    return dict(zip(data.targets.classes, counts.tolist(), strict=True))
