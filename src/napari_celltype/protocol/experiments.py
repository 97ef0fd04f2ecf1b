"""The experiments, ours and the paper's: conditions, their controls, and their tasks.

The paper is Troullinou et al., IEEE TETCI 2021 (arXiv 1911.09977), Section IV.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import CellTypeError, LabelError
from napari_celltype.labels.notes import counted
from napari_celltype.labels.trace_set import identity
from napari_celltype.models import NETWORKS
from napari_celltype.parameters import (
    device_parameter,
    normalization_parameter,
    parameter,
)
from napari_celltype.protocol.experiment import (
    BASELINES,
    FEATURES,
    PROBE,
    SHUFFLED,
    Condition,
    ExperimentData,
    Plan,
    Split,
    Task,
    known,
)
from napari_celltype.protocol.groups import COLUMNS, UNIT_COLUMNS
from napari_celltype.protocol.splits import (
    PaperProtocol,
    draw_splits,
    joining_order,
    named,
    strictest_way,
    tested_counts,
    training_sizes,
)

# Section IV-B.
EPOCHS = (20, 60, 100)
_SHUFFLED_SPLITS = 2


@dataclass(frozen=True)
class Training:
    """How the classifiers of a run are trained, beyond what their condition says."""

    epochs: int | None = parameter(
        None,
        f"How often a network sees the training cells ({EPOCHS[0]}, as in the paper).",
        minimum=1,
    )
    device: str = device_parameter()
    normalization: str = normalization_parameter("training-set")
    slow: bool = parameter(
        False,
        "Table I and evaluate: add RNN and LSTM with one frame per time step, which "
        "takes hours.",
    )


def condition(
    classifier: str, training: Training, protocol: PaperProtocol, **options: Any
) -> Condition:
    """Return a classifier as it is trained where no table says otherwise."""
    parameters: dict[str, Any] = {}
    # The features are of each trace, whatever the others are z-scored by.
    if training.normalization != "training-set" and classifier != FEATURES:
        parameters["normalization"] = training.normalization
    if classifier in NETWORKS:
        parameters["epochs"] = training.epochs or EPOCHS[0]
        if training.device != "auto":
            parameters["device"] = training.device
    return Condition(classifier, classifier, parameters, way=protocol.split, **options)


def _one_frame_per_step(
    data: ExperimentData, protocol: PaperProtocol, training: Training
) -> list[Condition]:
    """Return RNN and LSTM with as many time steps as frames (Section IV-B)."""
    n = data.traces.n_frames
    return [
        replace(
            one,
            name=f"{one.name.upper()} T={n}, one frame per step",
            parameters={**one.parameters, "timesteps": n},
        )
        for one in _each(("rnn", "lstm"), training, protocol)
    ]


# The networks of the paper's tables; all others stand beside them where no parameter
# of theirs is varied.
PAPER_NETWORKS = ("cnn", "rnn", "lstm")
# Section IV-E names 2000 and 4000; the body of Table V is not in the text.
LENGTHS = (500, 1000, 2000, 3000, 4000)
# Table I; the fifth is the paper's best.
_CNN_LAYERS = ("C", "CC", "CCC", "CCPC", "CCPCD", "CDCPC", "CCPDC")

# The rows of a table, the classifiers that controls run beside, and notes.
Rows = tuple[list[Condition], list[Condition], list[str]]
Layout = Callable[[ExperimentData, PaperProtocol, Training], Rows]


def _each(
    names: Iterable[str], training: Training, protocol: PaperProtocol, **options: Any
) -> list[Condition]:
    return [condition(name, training, protocol, **options) for name in names]


def _evaluate(
    classifiers: Sequence[str],
    data: ExperimentData,
    protocol: PaperProtocol,
    training: Training,
) -> Rows:
    if not classifiers or len(set(classifiers)) < len(classifiers):
        raise LabelError(
            f"The classifiers are {', '.join(classifiers) or 'none'}; name at least "
            "one, and each once."
        )
    unknown = ", ".join(repr(name) for name in classifiers if name not in known())
    if unknown:
        raise LabelError(
            f"There is no classifier {unknown}; choose of {', '.join(known())}."
        )
    main = [
        condition(name, training, protocol, surrogates=name in NETWORKS)
        for name in classifiers
    ]
    if training.slow:
        main += _one_frame_per_step(data, protocol, training)
    return main, main, []


def _table1(data: ExperimentData, protocol: PaperProtocol, training: Training) -> Rows:
    def row(name: str, classifier: str, **parameters: Any) -> Condition:
        plain = condition(classifier, training, protocol)
        return replace(plain, name=name, parameters={**plain.parameters, **parameters})

    rows = [row(f"CNN [{' '.join(c)}]", "cnn", layers=c) for c in _CNN_LAYERS]
    dropouts: list[tuple[str, dict[str, float]]] = [
        ("", {}),
        (", dropout", {"dropout": 0.5}),
        (", recurrent dropout", {"recurrent_dropout": 0.5}),
        (", both dropouts", {"dropout": 0.5, "recurrent_dropout": 0.5}),
    ]
    for name, steps, layers in product(("rnn", "lstm"), (2, 5, 10), (1, 2)):
        title = f"{name.upper()} T={steps}, {counted(layers, 'layer')}"
        rows += [
            row(f"{title}{words}", name, timesteps=steps, layers=layers, **dropout)
            for words, dropout in dropouts
        ]
    best = _each(NETWORKS, training, protocol)
    rows += [one for one in best if one.classifier not in PAPER_NETWORKS]
    notes = [
        "The rows are a declared grid: it holds every architecture that the text of "
        "the paper fixes (Section IV-B), and dropout is 0.5 wherever it is varied."
    ]
    if training.slow:
        rows += _one_frame_per_step(data, protocol, training)
    else:
        notes.append(
            "RNN and LSTM with one frame per time step (Section IV-B) are left out; "
            "--slow adds them."
        )
    return rows, best, notes


def _table2(data: ExperimentData, protocol: PaperProtocol, training: Training) -> Rows:
    main = _each(("cnn",), training, protocol)
    return main, main, []


def _table3(data: ExperimentData, protocol: PaperProtocol, training: Training) -> Rows:
    sizes, test, notes = training_sizes(tested_counts(data.traces, data.targets))
    # Whole groups make all sizes upper limits.
    most = "at most " if protocol.split in COLUMNS else ""
    best = _each(NETWORKS, training, protocol)
    main = [
        replace(
            one,
            name=f"{one.name}, {most}{sum(size.values())} training examples",
            train_counts=size,
            test_counts=test,
        )
        for one in best
        for size in sizes
    ]
    return main, best, notes


def _table4(data: ExperimentData, protocol: PaperProtocol, training: Training) -> Rows:
    names = (*PAPER_NETWORKS, *BASELINES, *(f"{name}-search" for name in BASELINES))
    main = _each(names, training, protocol)
    notes = [
        "The baselines have the parameters that the paper reports; their -search "
        "counterparts find them inside each training set, so the difference between "
        "the two is selection."
    ]
    return main, main, notes


def _table5(data: ExperimentData, protocol: PaperProtocol, training: Training) -> Rows:
    longest = data.traces.n_frames
    lengths = [n for n in LENGTHS if n < longest]
    longer = ", ".join(str(n) for n in LENGTHS if n > longest)
    notes = []
    if longer:
        notes.append(
            f"Traces of {longer} frames are left out, because these data have "
            f"{longest}."
        )
    best = _each(NETWORKS, training, protocol)
    main = [
        replace(one, name=f"{one.name}, {n} frames", n_frames=n)
        for one in best
        for n in (*lengths, longest)
    ]
    return main, best, notes


def _epochs(data: ExperimentData, protocol: PaperProtocol, training: Training) -> Rows:
    # From one training each: nothing in it depends on how many epochs are planned, so
    # the first 20 of 100 are the 20 of a training that ends there.
    most = training.epochs or EPOCHS[-1]
    longer, usual = (
        replace(training, epochs=number) for number in (most, min(most, EPOCHS[0]))
    )
    main = _each(PAPER_NETWORKS, longer, protocol, by_epoch=True)
    return main, _each(PAPER_NETWORKS, usual, protocol), []


def _fig3(data: ExperimentData, protocol: PaperProtocol, training: Training) -> Rows:
    best = _each((*PAPER_NETWORKS, "svm-rbf", "adaboost"), training, protocol)
    main = [replace(one, by_epoch=one.is_network) for one in best]
    return main, best, []


def _new_dataset(
    data: ExperimentData, protocol: PaperProtocol, training: Training
) -> Rows:
    if data.new is None:
        raise LabelError(
            "The experiment new-dataset tests on a second data set; give it with "
            "--new-data FILE."
        )
    main = _each(NETWORKS, training, protocol)
    return main, main, []


PAPER_EXPERIMENTS: Mapping[str, tuple[str, Layout]] = {
    "table1": ("Table I: architectures", _table1),
    "table2": ("Table II: the best CNN by cell type", _table2),
    "table3": ("Table III: size of the training set", _table3),
    "table4": ("Table IV: other classifiers", _table4),
    "table5": ("Table V: length of the traces", _table5),
    "epochs": ("Number of epochs", _epochs),
    "fig3": ("Fig. 3: learning curves", _fig3),
    "new-dataset": ("Section IV-F: a new data set", _new_dataset),
}


def plan_experiment(
    name: str,
    data: ExperimentData,
    protocol: PaperProtocol,
    training: Training,
    classifiers: Sequence[str] = (),
    *,
    learning_curve: bool = False,
) -> Plan:
    """Lay out "evaluate" of classifiers, or an experiment of the paper.

    Beside its conditions stands what every score needs: the best under another way of
    splitting, single numbers as probes under both ways, and shuffled labels. A learning
    curve is of the best, under the strictest way.
    """
    evaluation: tuple[str, Layout] = ("Evaluation", partial(_evaluate, classifiers))
    everything = {"evaluate": evaluation, **PAPER_EXPERIMENTS}
    if name not in everything:
        raise CellTypeError(
            f"There is no experiment {name!r}; choose {', '.join(everything)}."
        )
    title, layout = everything[name]
    main, best, notes = layout(data, protocol, training)
    # The strictest way that the groups allow; beside the strictest, the paper's.
    strictest, unknown = strictest_way(data.traces, data.targets)
    other = "paper" if strictest == protocol.split else strictest
    shuffled = [
        replace(
            one,
            name=f"{one.name}{SHUFFLED}",
            shuffled=True,
            surrogates=False,
            n_splits=min(_SHUFFLED_SPLITS, protocol.n_splits),
        )
        for one in best
    ]
    others = []
    if other is not None:
        others = [
            replace(one, name=f"{one.name} ({other})", way=other)
            for one in (*best, *_probes(data, other))
        ]
    curves: list[Condition] = []
    curve_notes: list[str] = []
    if learning_curve:
        full = [one for one in others if one.role == "classifier"]
        if strictest in (None, protocol.split):
            full = best
        curves, curve_notes = _learning_curves(full, data, protocol)
    conditions = (*main, *_probes(data, protocol.split), *shuffled, *others, *curves)
    tasks, found = _tasks(conditions, data, protocol)
    every_note = (*found, *notes, *unknown, *curve_notes)
    return Plan(data, name, title, conditions, tuple(tasks), every_note)


# Of a learning curve: sizes below that of the whole training set, the least share of it
# and the fewest examples of each class in one, and the fewest frames.
_SIZES, _LEAST_SHARE, _FEWEST_OF_A_CLASS, _FEWEST_FRAMES = 6, 1 / 16, 5, 100


def _learning_curves(
    full: Sequence[Condition], data: ExperimentData, protocol: PaperProtocol
) -> tuple[list[Condition], list[str]]:
    """Return conditions that learn from less, of each thing that may be added."""
    way = full[0].way
    splits, _ = draw_splits(data.traces, data.targets, protocol, way=way)
    # The rarest class decides where a curve begins.
    truth = np.where(named(data.traces, data.targets), data.targets.index, -1)
    ranges: dict[str, tuple[int, int]] = {}
    for unit, column in UNIT_COLUMNS.items():
        if unit != "cells" and COLUMNS.get(way, ("",))[0] != column:
            continue
        first, most = 0, len(truth)
        for split in splits:
            joined = joining_order(data.traces, split, column, protocol.random_state)
            most = min(most, int(joined.max()) + 1)
            for index in range(len(data.targets.classes)):
                of_class = np.sort(joined[truth[split.train] == index])
                first = max(first, int(of_class[:_FEWEST_OF_A_CLASS][-1]) + 1)
        ranges[unit] = first, most
    ranges["frames"] = _FEWEST_FRAMES, data.traces.n_frames
    conditions, notes = [], []
    for unit, (first, most) in ranges.items():
        start = max(first, most * _LEAST_SHARE)
        sizes = np.geomspace(start, max(start, most), _SIZES + 1).round().astype(int)
        sizes = np.unique(sizes[sizes < most])
        if len(sizes) < 2:
            notes.append(
                f"No learning curve by {unit}: training sets have {most}, too few for "
                "smaller ones."
            )
            continue
        for one in full:
            suffix = one.name.removeprefix(one.title)
            conditions += [
                replace(
                    one,
                    name=f"{one.title}, {counted(size, unit[:-1])}{suffix}",
                    learned=(unit, size),
                    n_frames=size if unit == "frames" else one.n_frames,
                    surrogates=False,
                )
                for size in sizes.tolist()
            ]
    return conditions, notes


def _probes(data: ExperimentData, way: str) -> list[Condition]:
    """Return the probes that a way allows: an unseen session cannot be looked up."""
    names = list(data.probes)
    sessions = identity(data.traces, "session_id")
    if sessions is not None and way in ("paper", "random", "by-cell"):
        names.append("session")
    return [Condition(f"{PROBE}{name}", f"{PROBE}{name}", way=way) for name in names]


def _tasks(
    conditions: Iterable[Condition], data: ExperimentData, protocol: PaperProtocol
) -> tuple[list[Task], dict[str, None]]:
    """Draw splits, which conditions of one way share; return notes about them, too."""
    drawn: dict[str, list[Split]] = {}
    orders: dict[tuple[str, str, int], NDArray[np.int64]] = {}
    notes: dict[str, None] = {}
    tasks = []
    for one in conditions:
        key = repr((one.way, one.train_counts, one.test_counts))
        if key not in drawn:
            drawn[key], found = draw_splits(
                data.traces,
                data.targets,
                protocol,
                way=one.way,
                train_counts=one.train_counts,
                test_counts=one.test_counts,
            )
            notes.update(dict.fromkeys(found))
        for split in drawn[key][: one.n_splits]:
            # Of the protocol and the number of the split alone, so that a condition
            # gives the same scores in whatever company it runs.
            state = np.random.SeedSequence([protocol.random_state, split.number])
            unit, size = one.learned or ("", 0)
            if unit in UNIT_COLUMNS:
                order = (one.way, unit, split.number)
                if order not in orders:
                    orders[order] = joining_order(
                        data.traces, split, UNIT_COLUMNS[unit], protocol.random_state
                    )
                split = replace(split, train=split.train[orders[order] < size])
            tasks.append(Task(one, split, int(state.generate_state(1)[0] >> 1)))
    return tasks, notes


# With fewer splits, a rare type or animal may never be tested.
_QUICK_SPLITS = 3
_QUICK_EPOCHS = 5
# In two time steps a recurrent network is trained in a fraction of the CNN's time.
QUICK_CLASSIFIERS = ("rnn", "svm-rbf")


def quick_look(
    protocol: PaperProtocol, training: Training
) -> tuple[tuple[str, ...], PaperProtocol, Training]:
    """Return classifiers and settings of a quick look, at most what was asked."""
    return (
        QUICK_CLASSIFIERS,
        replace(protocol, n_splits=min(_QUICK_SPLITS, protocol.n_splits)),
        replace(training, epochs=min(_QUICK_EPOCHS, training.epochs or EPOCHS[0])),
    )


def quick_caution(found: Plan, n_splits: int) -> str:
    """Say of an evaluation with few splits or epochs that it is a quick look."""
    epochs = [c.parameters["epochs"] for c in found.conditions if c.is_network]
    few = n_splits <= _QUICK_SPLITS or min(epochs, default=EPOCHS[0]) <= _QUICK_EPOCHS
    if found.name != "evaluate" or not few:
        return ""
    size = [counted(n_splits, "split"), *(counted(n, "epoch") for n in epochs[:1])]
    return (
        f"A quick look: {' and '.join(size)} (the paper has 10 splits and {EPOCHS[0]} "
        "epochs), so the scores are less certain."
    )
