"""The experiments of the paper, and the numbers that its text prints.

Troullinou et al., IEEE TETCI 2021 (arXiv 1911.09977), Section IV. The bodies of its
tables are not repeated here. None of its numbers can be expected on other recordings:
they stand beside ours only under `HEADING`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from napari_celltype.errors import CellTypeError, LabelError
from napari_celltype.labels.notes import counted
from napari_celltype.models import NETWORKS
from napari_celltype.protocol.experiment import (
    BASELINES,
    Condition,
    ExperimentData,
    Plan,
)
from napari_celltype.protocol.experiments import (
    EPOCHS,
    Training,
    condition,
    one_frame_per_step,
    plan,
)
from napari_celltype.protocol.groups import COLUMNS
from napari_celltype.protocol.splits import (
    PaperProtocol,
    tested_counts,
    training_sizes,
)

HEADING = "the paper, on its own recordings"
# The networks of its tables; all others that there are stand beside them where no
# parameter of theirs is varied.
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
        rows += one_frame_per_step(data, protocol, training)
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


def paper_experiment(
    name: str, data: ExperimentData, protocol: PaperProtocol, training: Training
) -> Plan:
    """Return an experiment of the paper with the controls that a score needs."""
    if name not in PAPER_EXPERIMENTS:
        raise CellTypeError(
            f"There is no experiment {name!r}; choose evaluate, "
            f"{', '.join(PAPER_EXPERIMENTS)}."
        )
    title, layout = PAPER_EXPERIMENTS[name]
    main, best, notes = layout(data, protocol, training)
    return plan(name, title, main, best, data, protocol, notes)


# Section IV-B: accuracy of the best architectures by number of epochs.
ACCURACY_BY_EPOCHS: Mapping[str, Mapping[int, float]] = {
    "cnn": {20: 0.8867, 60: 0.8787, 100: 0.881},
    "rnn": {20: 0.8205, 60: 0.8188, 100: 0.8169},
    "lstm": {20: 0.7915, 60: 0.7911, 100: 0.7894},
}
# Section IV-B: the best that RNN and LSTM reached with 4000 time steps of one frame.
ONE_FRAME_PER_STEP = 0.45
ONE_FRAME_SENTENCE = (
    "With one frame per time step the paper gives about 0.45 as the best of both "
    "networks, without a mean."
)
FRAMES = 4000
# Section IV-C: seconds of training by number of training examples, GTX 750 Ti.
TRAIN_SECONDS: Mapping[str, Mapping[int, float]] = {
    "cnn": {2560: 132.46, 6737: 361.155},
    "rnn": {2560: 20.078, 6737: 51.643},
    "lstm": {2560: 52.257, 6737: 129.973},
}
# Section IV-F: accuracy on old and new examples together.
POOLED_WITH_NEW: Mapping[str, float] = {"cnn": 0.8165, "rnn": 0.783, "lstm": 0.7328}
NEW_DATA_SENTENCE = (
    "The paper adds its new traces to 790 old ones and prints one accuracy for both. "
    "It gives the number of new traces as 119 (91 SOM, the rest PV), then as 210, then "
    "as 191 SOM and 28 PV, which are 219."
)
# What the best architecture of each network is made of (Section IV-B).
_BEST: Mapping[str, Mapping[str, Any]] = {
    "cnn": {"normalization": "training-set", "layers": "CCPCD"},
    "rnn": {"normalization": "training-set", "layers": 1, "timesteps": 2},
    "lstm": {"normalization": "training-set", "layers": 2, "timesteps": 2},
}


def is_best(classifier: str, parameters: Mapping[str, Any]) -> bool:
    """Tell whether these are the paper's best parameters of one of its networks."""
    best = _BEST.get(classifier)
    return best is not None and all(
        # These two do not make it another network.
        name in ("epochs", "device") or best.get(name) == value
        for name, value in parameters.items()
    )


def printed_accuracy(
    classifier: str, parameters: Mapping[str, Any], way: str, epochs: int | None = None
) -> float | None:
    """Return the accuracy that the paper prints for a row, None for most."""
    if way != "paper":
        return None
    if classifier in ("rnn", "lstm") and parameters.get("timesteps") == FRAMES:
        return ONE_FRAME_PER_STEP
    if not is_best(classifier, parameters):
        return None
    by_epochs = ACCURACY_BY_EPOCHS[classifier]
    return by_epochs.get(epochs or int(parameters.get("epochs", EPOCHS[0])))


def trained_alike(classifier: str, parameters: Mapping[str, Any], way: str) -> bool:
    """Tell whether the paper's seconds and pooled accuracies are of such a row."""
    usual = parameters.get("epochs", EPOCHS[0]) == EPOCHS[0]
    return way == "paper" and usual and is_best(classifier, parameters)
