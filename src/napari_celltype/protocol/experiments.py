"""Experiments as lists of conditions, their controls, and the tasks of both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from napari_celltype.errors import LabelError
from napari_celltype.labels.notes import counted
from napari_celltype.models import NETWORKS
from napari_celltype.parameters import (
    device_parameter,
    normalization_parameter,
    parameter,
)
from napari_celltype.protocol.experiment import (
    FEATURES,
    PROBE,
    SHUFFLED,
    Condition,
    ExperimentData,
    Plan,
    Split,
    Task,
    require_known,
)
from napari_celltype.protocol.groups import identity
from napari_celltype.protocol.splits import PaperProtocol, draw_splits, strictest_way

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


def one_frame_per_step(
    data: ExperimentData, protocol: PaperProtocol, training: Training
) -> list[Condition]:
    """Return RNN and LSTM with as many time steps as frames (Section IV-B)."""
    timesteps = data.traces.n_frames
    rows = []
    for name in ("rnn", "lstm"):
        plain = condition(name, training, protocol)
        parameters = {**plain.parameters, "timesteps": timesteps}
        title = f"{name.upper()} T={timesteps}, one frame per step"
        rows.append(replace(plain, name=title, parameters=parameters))
    return rows


def evaluate_experiment(
    data: ExperimentData,
    classifiers: Sequence[str],
    protocol: PaperProtocol,
    training: Training,
) -> Plan:
    """Score classifiers under one way of splitting and under its counterpart."""
    if not classifiers or len(set(classifiers)) < len(classifiers):
        raise LabelError(
            f"The classifiers are {', '.join(classifiers) or 'none'}; name at least "
            "one, and each once."
        )
    require_known(classifiers)
    main = [
        condition(name, training, protocol, surrogates=name in NETWORKS)
        for name in classifiers
    ]
    if training.slow:
        main += one_frame_per_step(data, protocol, training)
    return plan("evaluate", "Evaluation", main, main, data, protocol)


def plan(
    name: str,
    title: str,
    main: Sequence[Condition],
    best: Sequence[Condition],
    data: ExperimentData,
    protocol: PaperProtocol,
    notes: Iterable[str] = (),
) -> Plan:
    """Add to `main` what every score needs beside it, and draw the splits of all.

    That is: the `best` under another way of splitting, single numbers as probes under
    both ways, and trainings on shuffled labels.
    """
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
    conditions = (*main, *_probes(data, protocol.split), *shuffled, *others)
    tasks, found = _tasks(conditions, data, protocol)
    every_note = (*found, *notes, *unknown)
    return Plan(data, name, title, conditions, tuple(tasks), every_note)


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
        f"A quick look: {' and '.join(size)} (the paper has 10 and {EPOCHS[0]}), so "
        "the scores are less certain."
    )
