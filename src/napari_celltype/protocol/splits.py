"""Train-test splits: the paper's way and the ways that keep groups on one side.

A split depends on the data, the protocol's `random_state`, the way and its number, not
on the classifier nor on how many splits are drawn. In the paper's way the test is drawn
first, so training sets of different sizes share their tests (Table III), and the
smaller lies within the larger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import CellTypeError, LabelError
from napari_celltype.labels import Targets, TraceSet
from napari_celltype.labels.notes import counted
from napari_celltype.parameters import parameter, seed_parameter
from napari_celltype.protocol.experiment import Split
from napari_celltype.protocol.groups import (
    COLUMNS,
    codes,
    draw_test_groups,
    names_of,
    split_groups,
)

Rows = NDArray[np.int64]
Counts = Mapping[str, int]
# From the paper's own to the others; the last three keep groups on one side.
WAYS = ("paper", "random", "by-session", "by-subject", "by-cell")


@dataclass(frozen=True)
class PaperProtocol:
    """How often and how the data are split (Sections IV-B and IV-C)."""

    split: str = parameter(
        "paper",
        "How train and test examples are told apart: paper (random, with fixed counts "
        "of each type) and random may put traces of one cell or animal on both sides, "
        "so the strictest possible of the others runs beside them.",
        choices=WAYS,
    )
    n_splits: int = parameter(
        10,
        "Train-test splits, for each way of splitting (10 in the paper).",
        label="Splits",
        option="--splits",
        minimum=1,
        maximum=10_000,
    )
    train_size: int | None = parameter(
        None, "Training examples in all (80 % of each type).", minimum=1
    )
    test_size: int | None = parameter(
        None, "Test examples in all (the rest).", minimum=1
    )
    random_state: int = seed_parameter()

    def __post_init__(self) -> None:
        if self.split not in WAYS:
            raise CellTypeError(
                f"{self.split!r} is no way to split; use one of {', '.join(WAYS)}."
            )
        for name in ("n_splits", "train_size", "test_size", "random_state"):
            value, least = getattr(self, name), int(name != "random_state")
            if value is not None and value < least:
                raise CellTypeError(f"{name} is {value}; give {least} or more.")


def stratified_counts(counts: Counts, size: int) -> dict[str, int]:
    """Divide `size` examples among classes in proportion to their counts."""
    total = sum(counts.values())
    if size > total:
        raise LabelError(
            f"{size} examples are asked for and there are {total}; ask for fewer."
        )
    shares = {name: size * count // total for name, count in counts.items()}
    left = size - sum(shares.values())
    # Largest remainder, the first of equals first.
    by_loss = sorted(counts, key=lambda name: -(size * counts[name] % total))
    for name in by_loss[:left]:
        shares[name] += 1
    return shares


def split_counts(
    available: Counts,
    protocol: PaperProtocol,
    train_counts: Counts | None = None,
    test_counts: Counts | None = None,
) -> tuple[dict[str, int], dict[str, int]]:
    """Return the training and the test examples of each class (Section IV-B)."""
    # What is given explicitly comes first, then the sizes of the protocol, then what
    # the other side leaves, then floor(0.8 n) of each class for training.
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
        if min(train[name], test[name]) < 1 or train[name] + test[name] > n:
            raise LabelError(
                f"{n} examples of {name} cannot give {max(train[name], 0)} to train on "
                f"and {max(test[name], 0)} to test; each side needs one or more, so "
                f"add examples, ask for other sizes or leave {name} out."
            )
    return train, test


def _asked(
    available: Counts, explicit: Counts | None, size: int | None
) -> dict[str, int] | None:
    if explicit is not None:
        # In the order of the classes.
        return {name: explicit[name] for name in available}
    return None if size is None else stratified_counts(available, size)


def named(traces: TraceSet, targets: Targets) -> NDArray[np.bool_]:
    """Tell which labels are a class themselves, shape (n_examples,)."""
    # Among PY and PV, IN leaves PV alone possible, but nobody has seen that the cell
    # is PV.
    return np.isin(traces.labels, targets.classes)


def ground_truth(traces: TraceSet, targets: Targets) -> Rows:
    """Return the class of each example that may be tested, -1 for the others.

    The label has to be the class itself, and no accepted prediction.

    Returns
    -------
    ndarray of int64, shape (n_examples,)
    """
    usable = named(traces, targets) & (traces.label_source != "prediction")
    return np.where(usable, targets.index, -1)


def draw_splits(
    traces: TraceSet,
    targets: Targets,
    protocol: PaperProtocol,
    *,
    way: str | None = None,
    train_counts: Counts | None = None,
    test_counts: Counts | None = None,
    trained: Rows | None = None,
) -> tuple[list[Split], list[str]]:
    """Draw the splits of a protocol (Sections IV-B and IV-C), with notes about them.

    Only examples with one class, whose label is no accepted prediction, are counted and
    can be tested. Parents and negations join the training set beside the counts, unless
    their group is in the test; they are then in `Split.partial`. Predictions only
    train. Groups may allow fewer different splits than are asked for.

    Parameters
    ----------
    traces : TraceSet
    targets : Targets
        Of the same examples.
    protocol : PaperProtocol
    way : str or None
        One of `WAYS`; None for the protocol's.
    train_counts, test_counts : mapping of str to int or None
        Examples of each class; None for the protocol's sizes. Grouped ways keep whole
        groups, so there counts are upper limits, and without them all examples are
        used.
    trained : ndarray of int64 or None
        Examples whose whole groups are trained on in every grouped split.

    Raises
    ------
    LabelError
        If the data hold one class only, too few examples, or no or too few groups.
    """
    way = way or protocol.split
    truth = ground_truth(traces, targets)
    available = tested_counts(traces, targets)
    train, test = split_counts(available, protocol, train_counts, test_counts)
    if way in COLUMNS:
        given = (train_counts, test_counts, protocol.train_size, protocol.test_size)
        asked = None if given == (None,) * 4 else (train, test)
        return _grouped(traces, targets, protocol, way, asked, trained)
    others = np.flatnonzero(truth < 0)
    draw = _of_each_class if way == "paper" else _at_random
    splits = []
    for number in range(protocol.n_splits):
        generator = _generator(protocol, way, number)
        tested, learned = draw(truth, train, test, generator)
        learned = np.concatenate([learned, others])
        splits.append(Split(number, np.sort(learned), np.sort(tested)))
    return splits, []


def strictest_way(
    traces: TraceSet, targets: Targets
) -> tuple[str | None, tuple[str, ...]]:
    """Return the strictest way that the groups allow, and what stays unknown."""
    tested_counts(traces, targets)
    sentences = []
    for way, (_, word) in COLUMNS.items():
        unknown = f"Whether the score holds for a new {word} is unknown."
        try:
            draw_splits(traces, targets, PaperProtocol(way, n_splits=1))
        except LabelError as error:
            sentences.append(f"{error} {unknown}")
        else:
            return way, tuple(sentences)
    return None, tuple(sentences)


def tested_counts(traces: TraceSet, targets: Targets) -> dict[str, int]:
    """Return how many examples of each class may be tested, at least two of two."""
    truth = ground_truth(traces, targets)
    counts = np.bincount(truth[truth >= 0], minlength=len(targets.classes))
    available = dict(zip(targets.classes, counts.tolist(), strict=True))
    if len(available) < 2:
        raise LabelError(
            f"All labels say {targets.classes[0]}; label cells of two types or more."
        )
    for name, n in available.items():
        if n < 2:
            raise LabelError(
                f"{name} has {n or 'no'} example{'s' * (n != 1)} that may be tested, "
                f"and a split needs two or more; add examples or leave {name} out."
            )
    return available


def _generator(protocol: PaperProtocol, way: str, number: int) -> np.random.Generator:
    key = (WAYS.index(way), number)
    return np.random.default_rng(
        np.random.SeedSequence(protocol.random_state, spawn_key=key)
    )


def _of_each_class(
    truth: Rows, train: Counts, test: Counts, generator: np.random.Generator
) -> tuple[Rows, Rows]:
    tested, trained = [], []
    for index, (n_train, n_test) in enumerate(
        zip(train.values(), test.values(), strict=True)
    ):
        rows = generator.permutation(np.flatnonzero(truth == index))
        tested.append(rows[:n_test])
        trained.append(rows[n_test : n_test + n_train])
    return np.concatenate(tested), np.concatenate(trained)


# Of a purely random split in which a class is missing on one side.
_REDRAWS = 1000


def _at_random(
    truth: Rows, train: Counts, test: Counts, generator: np.random.Generator
) -> tuple[Rows, Rows]:
    n_train, n_test = sum(train.values()), sum(test.values())
    rows = np.flatnonzero(truth >= 0)
    for _ in range(_REDRAWS):
        rows = generator.permutation(rows)
        tested, trained = rows[:n_test], rows[n_test : n_test + n_train]
        if all(len(np.unique(truth[side])) == len(train) for side in (tested, trained)):
            return tested, trained
    raise LabelError(
        f"{_REDRAWS} random splits of {n_train} training and {n_test} test examples "
        f"all left a type out on one side; add examples or use the paper's way."
    )


def _grouped(
    traces: TraceSet,
    targets: Targets,
    protocol: PaperProtocol,
    way: str,
    asked: tuple[Counts, Counts] | None,
    trained_anyway: Rows | None,
) -> tuple[list[Split], list[str]]:
    """Draw whole groups; `asked` are the most training and test examples per class."""
    # The notes say where whole groups did not give what was asked for.
    groups = split_groups(traces, way)
    truth = ground_truth(traces, targets)
    eligible = truth >= 0
    table = np.zeros((groups.max() + 1, len(targets.classes)), dtype=np.int64)
    np.add.at(table, (groups[eligible], truth[eligible]), 1)
    share = 0.2
    if asked is not None:
        n_train, n_test = (sum(counts.values()) for counts in asked)
        share = n_test / (n_train + n_test)
    generators = [_generator(protocol, way, k) for k in range(protocol.n_splits)]
    kept = () if trained_anyway is None else np.unique(groups[trained_anyway]).tolist()
    drawn = draw_test_groups(table, targets.classes, way, share, generators, kept)
    splits = []
    for number, chosen in enumerate(drawn):
        in_test = np.isin(groups, chosen)
        tested = np.flatnonzero(in_test & eligible)
        learned = np.flatnonzero(~in_test & eligible)
        if asked is not None:
            generator = generators[number]
            tested = _limited(tested, truth, asked[1], generator)
            learned = _limited(learned, truth, asked[0], generator)
        others = np.flatnonzero(~in_test & ~eligible)
        partial = np.flatnonzero(
            in_test & ~eligible & (traces.label_source != "prediction")
        )
        learned = np.sort(np.concatenate([learned, others]))
        splits.append(Split(number, learned, np.sort(tested), partial))
    notes = []
    if len(splits) < protocol.n_splits:
        notes.append(
            f"Only {counted(len(splits), f'different {way} split')} could be found, "
            f"not {protocol.n_splits}."
        )
    if way == "by-cell" and (unknown := np.count_nonzero(traces.cell_id == "")):
        notes.append(
            f"{unknown} of {len(traces)} examples have no cell_id and were taken for a "
            "cell each."
        )
    sides = {"training": [s.train for s in splits], "test": [s.test for s in splits]}
    for (side, rows), counts in zip(sides.items(), asked or (), strict=False):
        wanted = sum(counts.values())
        sizes = {np.count_nonzero(truth[r] >= 0) for r in rows}
        if min(sizes) < wanted:
            given = " to ".join(str(size) for size in sorted({min(sizes), max(sizes)}))
            notes.append(
                f"{wanted} {side} examples were asked for, and {way} splits of whole "
                f"groups give {given}."
            )
    return splits, notes


def _limited(
    rows: Rows, truth: Rows, counts: Counts, generator: np.random.Generator
) -> Rows:
    """Keep at most as many rows of each class as asked for, at random."""
    kept = []
    for index, most in enumerate(counts.values()):
        kept.append(generator.permutation(rows[truth[rows] == index])[:most])
    return np.concatenate(kept)


def joining_order(traces: TraceSet, split: Split, column: str, seed: int) -> Rows:
    """Return when each training row joins a training set that grows, from 0.

    What is counted are animals, sessions or cells, by their column, so training sets of
    all sizes are nested. The next one holds the label that is behind the most.
    """
    names = names_of(traces, column)
    units, labels = codes(names[split.train]), codes(traces.labels[split.train])
    table = np.zeros((units.max() + 1, labels.max() + 1), dtype=np.int64)
    np.add.at(table, (units, labels), 1)
    generator = np.random.default_rng([seed, split.number])
    drawn = generator.permutation(len(table))
    waiting = [iter(drawn[counts[drawn] > 0].tolist()) for counts in table.T]
    joined = np.full(len(table), -1, dtype=np.int64)
    held, total = np.zeros(table.shape[1]), table.sum(axis=0)
    for place in range(len(table)):
        # A label all of whose units have joined is ahead of all others.
        unit = next(u for u in waiting[np.argmin(held / total)] if joined[u] < 0)
        joined[unit] = place
        held += table[unit]
    return joined[units]


# Section IV-C: training examples of each type; the test set is the same for all.
_TRAINING_SIZES: tuple[Mapping[str, int], ...] = (
    {"PY": 640, "SOM": 640, "VIP": 640, "PV": 640},
    {"PY": 800, "SOM": 800, "VIP": 800, "PV": 757},
    {"PY": 1600, "SOM": 1180, "VIP": 1600, "PV": 757},
    {"PY": 2400, "SOM": 1180, "VIP": 2400, "PV": 757},
)
_TEST_SIZE = 640


def training_sizes(
    counts: Mapping[str, int],
) -> tuple[list[dict[str, int]], dict[str, int], list[str]]:
    """Return the training sets that the data can give, and their test set."""
    # In proportion to the counts, also where there are fewer than the test takes.
    test = stratified_counts({n: _TEST_SIZE * c for n, c in counts.items()}, _TEST_SIZE)
    sizes = [
        dict(wanted)
        for wanted in _TRAINING_SIZES
        if set(wanted) == set(counts)
        and all(wanted[name] + test[name] <= n for name, n in counts.items())
    ]
    totals = [sum(wanted.values()) for wanted in _TRAINING_SIZES]
    left_out = ", ".join(map(str, totals[len(sizes) :]))
    notes = []
    if left_out:
        notes.append(
            f"{left_out} training and {_TEST_SIZE} test examples are left out, because "
            "these data have not enough of the paper's types."
        )
    if not sizes:
        kept = {name: n * 4 // 5 for name, n in counts.items()}
        test = {name: n - kept[name] for name, n in counts.items()}
        for total in totals:
            share = total / totals[-1]
            size = {name: max(1, int(share * n)) for name, n in kept.items()}
            # Of few examples, two shares may be the same number.
            if size not in sizes:
                sizes.append(size)
        notes.append(
            "In their place stand the same shares of 80 % of these data: "
            f"{', '.join(str(sum(s.values())) for s in sizes)} training examples, "
            f"tested on the same number, {sum(test.values())}."
        )
    return sizes, test, notes
