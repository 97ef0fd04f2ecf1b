"""The experiments of the paper (Section IV), and ours, as lists of conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from napari_celltype.errors import LabelError
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
    Experiment,
    ExperimentData,
    Task,
    is_network,
    require_known,
)
from napari_celltype.protocol.groups import COLUMNS, identity
from napari_celltype.protocol.splits import (
    PaperProtocol,
    ground_truth_counts,
    training_sizes,
)

SHUFFLED_SPLITS = 2


def with_controls(
    name: str,
    title: str,
    main: Sequence[Condition],
    best: Sequence[Condition],
    data: ExperimentData,
    protocol: PaperProtocol,
    notes: Iterable[str] = (),
) -> Experiment:
    """Make an experiment with what every score needs beside it.

    That is: the best classifiers under another way of splitting, single numbers as
    probes under both ways, and trainings on shuffled labels.

    Parameters
    ----------
    main : sequence of Condition
        What was asked for.
    best : sequence of Condition
        Those of which the counterparts are computed.
    """
    other, sentences = counterpart(data, protocol)
    probes = _probes(data, protocol.split)
    shuffled = [
        replace(
            one,
            name=f"{one.name}{SHUFFLED}",
            shuffled=True,
            surrogates=False,
            n_splits=min(SHUFFLED_SPLITS, protocol.n_splits),
        )
        for one in best
    ]
    others = []
    if other is not None:
        others = [
            replace(one, name=f"{one.name} ({other})", way=other)
            for one in (*best, *_probes(data, other))
        ]
    conditions = (*main, *probes, *shuffled, *others)
    return Experiment(name, title, conditions, (*notes, *sentences))


def counterpart(
    data: ExperimentData, protocol: PaperProtocol
) -> tuple[str | None, tuple[str, ...]]:
    """Return the way that runs beside the one asked for, and what is unknown.

    That is the strictest that the groups allow; beside the strictest, the paper's.
    """
    from napari_celltype.protocol.splits import strictest_way

    strictest, sentences = strictest_way(data.traces, data.targets)
    return "paper" if strictest == protocol.split else strictest, sentences


def _probes(data: ExperimentData, way: str) -> list[Condition]:
    """Return the probes that a way allows: an unseen session cannot be looked up."""
    names = list(data.probes)
    sessions = identity(data.traces, "session_id")
    if sessions is not None and way in ("paper", "random", "by-cell"):
        names.append("session")
    return [Condition(f"{PROBE}{name}", f"{PROBE}{name}", way=way) for name in names]


# Other networks stand beside them where no parameter of theirs is varied.
PAPER_NETWORKS = ("cnn", "rnn", "lstm")
# Section IV-B.
EPOCHS = (20, 60, 100)
# Section IV-E names 2000 and 4000; the body of Table V is not in the text.
LENGTHS = (500, 1000, 2000, 3000, 4000)
# Table I; the fifth is the paper's best.
CNN_LAYERS = ("C", "CC", "CCC", "CCPC", "CCPCD", "CDCPC", "CCPDC")
TIMESTEPS = (2, 5, 10)
DROPOUT = 0.5


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


Layout = Callable[[ExperimentData, PaperProtocol, Training], Experiment]


def evaluate_experiment(
    data: ExperimentData,
    classifiers: Sequence[str],
    protocol: PaperProtocol,
    training: Training,
) -> Experiment:
    """Score classifiers under one way of splitting and under its counterpart.

    Parameters
    ----------
    data : ExperimentData
    classifiers : sequence of str
        Of `contestants.known`.
    protocol : PaperProtocol
    training : Training

    Raises
    ------
    LabelError
        If no classifier is named, one twice, or one that is not known.
    """
    if not classifiers or len(set(classifiers)) < len(classifiers):
        raise LabelError(
            f"The classifiers are {', '.join(classifiers) or 'none'}; name at least "
            "one, and each once."
        )
    require_known(classifiers)
    main = [
        _condition(name, training, way=protocol.split, surrogates=name in NETWORKS)
        for name in classifiers
    ]
    if training.slow:
        main += _one_frame_per_step(data, protocol, training)
    return with_controls("evaluate", "Evaluation", main, main, data, protocol)


def table1(
    data: ExperimentData, protocol: PaperProtocol, training: Training
) -> Experiment:
    """Depth, pooling, dropout and time steps of the paper's networks (Table I).

    Other networks have a row each, with the parameters that they have when not told.
    """

    def row(name: str, classifier: str, **parameters: Any) -> Condition:
        plain = _condition(classifier, training, way=protocol.split)
        return replace(plain, name=name, parameters={**plain.parameters, **parameters})

    rows = [row(f"CNN [{' '.join(c)}]", "cnn", layers=c) for c in CNN_LAYERS]
    dropouts: tuple[tuple[str, dict[str, float]], ...] = (
        ("", {}),
        (", dropout", {"dropout": DROPOUT}),
        (", recurrent dropout", {"recurrent_dropout": DROPOUT}),
        (", both dropouts", {"dropout": DROPOUT, "recurrent_dropout": DROPOUT}),
    )
    for classifier in ("rnn", "lstm"):
        for timesteps in TIMESTEPS:
            for layers in (1, 2):
                rows += [
                    row(
                        f"{classifier.upper()} T={timesteps}, {layers} "
                        f"layer{'s' * (layers > 1)}{words}",
                        classifier,
                        timesteps=timesteps,
                        layers=layers,
                        **dropout,
                    )
                    for words, dropout in dropouts
                ]
    best = [_condition(name, training, way=protocol.split) for name in NETWORKS]
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
    return with_controls(
        "table1", "Table I: architectures", rows, best, data, protocol, notes
    )


def table2(
    data: ExperimentData, protocol: PaperProtocol, training: Training
) -> Experiment:
    """Precision, recall and specificity of each type by the best CNN (Table II)."""
    main = [_condition("cnn", training, way=protocol.split)]
    return with_controls(
        "table2", "Table II: the best CNN by cell type", main, main, data, protocol
    )


def table3(
    data: ExperimentData, protocol: PaperProtocol, training: Training
) -> Experiment:
    """Training sets of four sizes, one size of test set (Table III, Section IV-C).

    Sizes that the data cannot give are left out. If they can give none, the same
    shares of what they can give take their place. Whole groups make all of them upper
    limits.
    """
    sizes, test, notes = training_sizes(ground_truth_counts(data))
    most = "at most " if protocol.split in COLUMNS else ""
    main = [
        replace(
            _condition(name, training, way=protocol.split),
            name=f"{name}, {most}{sum(size.values())} training examples",
            train_counts=size,
            test_counts=test,
        )
        for name in NETWORKS
        for size in sizes
    ]
    best = [_condition(name, training, way=protocol.split) for name in NETWORKS]
    title = "Table III: size of the training set"
    return with_controls("table3", title, main, best, data, protocol, notes)


def table4(
    data: ExperimentData, protocol: PaperProtocol, training: Training
) -> Experiment:
    """Compare the paper's best networks with AdaBoost and SVMs (Table IV)."""
    names = (*PAPER_NETWORKS, *BASELINES, *(f"{name}-search" for name in BASELINES))
    main = [_condition(name, training, way=protocol.split) for name in names]
    notes = [
        "The baselines have the parameters that the paper reports; their -search "
        "counterparts find them inside each training set, so the difference between "
        "the two is selection."
    ]
    return with_controls(
        "table4", "Table IV: other classifiers", main, main, data, protocol, notes
    )


def table5(
    data: ExperimentData, protocol: PaperProtocol, training: Training
) -> Experiment:
    """Shorter traces (Table V, Section IV-E)."""
    longest = data.traces.n_frames
    lengths = [n for n in LENGTHS if n <= longest]
    longer = [str(n) for n in LENGTHS if n > longest]
    notes = [
        f"Traces of {', '.join(longer)} frames are left out, because these data have "
        f"{longest}."
        for _ in longer[:1]
    ]
    if longest not in lengths:
        lengths.append(longest)
    best = [_condition(name, training, way=protocol.split) for name in NETWORKS]
    main = [
        replace(one, name=f"{one.name}, {n} frames", n_frames=n)
        for one in best
        for n in lengths
    ]
    return with_controls(
        "table5", "Table V: length of the traces", main, best, data, protocol, notes
    )


def epochs(
    data: ExperimentData, protocol: PaperProtocol, training: Training
) -> Experiment:
    """Accuracy after 20, 60 and 100 epochs (Section IV-B), from one training each.

    Nothing in a training depends on how many epochs are planned, so the first 20 of
    100 are the 20 of a training that ends there.
    """
    most = training.epochs or EPOCHS[-1]
    longer, usual = (
        replace(training, epochs=number) for number in (most, min(most, EPOCHS[0]))
    )
    main = [
        _condition(name, longer, way=protocol.split, by_epoch=True)
        for name in PAPER_NETWORKS
    ]
    best = [_condition(name, usual, way=protocol.split) for name in PAPER_NETWORKS]
    return with_controls("epochs", "Number of epochs", main, best, data, protocol)


def fig3(
    data: ExperimentData, protocol: PaperProtocol, training: Training
) -> Experiment:
    """Accuracy by epoch beside the best baseline and AdaBoost (Fig. 3)."""
    names = (*PAPER_NETWORKS, "svm-rbf", "adaboost")
    best = [_condition(name, training, way=protocol.split) for name in names]
    main = [replace(one, by_epoch=one.name in NETWORKS) for one in best]
    return with_controls("fig3", "Fig. 3: learning curves", main, best, data, protocol)


def new_dataset(
    data: ExperimentData, protocol: PaperProtocol, training: Training
) -> Experiment:
    """Train on one data set, test on it and on a new one (Section IV-F, Fig. 4).

    Raises
    ------
    LabelError
        If there is no new data set.
    """
    if data.new is None:
        raise LabelError(
            "The experiment new-dataset tests on a second data set; give it with "
            "--new-data FILE."
        )
    main = [_condition(name, training, way=protocol.split) for name in NETWORKS]
    title = "Section IV-F: a new data set"
    return with_controls("new-dataset", title, main, main, data, protocol)


PAPER_EXPERIMENTS: Mapping[str, Layout] = {
    "table1": table1,
    "table2": table2,
    "table3": table3,
    "table4": table4,
    "table5": table5,
    "epochs": epochs,
    "fig3": fig3,
    "new-dataset": new_dataset,
}


class Tasks(tuple[Task, ...]):
    """The tasks of an experiment, and a sentence for each thing about their splits.

    Attributes
    ----------
    notes : tuple of str
    """

    notes: tuple[str, ...]

    def __new__(cls, tasks: Iterable[Task], notes: Iterable[str] = ()) -> Self:
        """Keep the notes beside the tuple."""
        self = super().__new__(cls, tasks)
        self.notes = tuple(notes)
        return self


def plan(
    experiment: Experiment, data: ExperimentData, protocol: PaperProtocol
) -> Tasks:
    """Return the tasks of an experiment; conditions of one way share their splits.

    The seed of a task depends on the protocol's and on the number of the split alone,
    so a condition gives the same scores in whatever company it runs.

    Raises
    ------
    LabelError
        If the data cannot be split as asked.
    """
    from napari_celltype.protocol.splits import Splits, draw_splits

    drawn: dict[str, Splits] = {}
    tasks = []
    for condition in experiment.conditions:
        key = repr((condition.way, condition.train_counts, condition.test_counts))
        if key not in drawn:
            drawn[key] = draw_splits(
                data.traces,
                data.targets,
                protocol,
                way=condition.way,
                train_counts=condition.train_counts,
                test_counts=condition.test_counts,
            )
        for split in drawn[key][: condition.n_splits]:
            state = np.random.SeedSequence([protocol.random_state, split.number])
            seed = int(state.generate_state(1)[0] >> 1)
            tasks.append(Task(condition, split, seed))
    notes = dict.fromkeys(note for splits in drawn.values() for note in splits.notes)
    return Tasks(tasks, notes)


def _condition(
    classifier: str,
    training: Training,
    *,
    way: str,
    surrogates: bool = False,
    by_epoch: bool = False,
) -> Condition:
    parameters: dict[str, Any] = {}
    # The features are of each trace, whatever the others are z-scored by.
    if training.normalization != "training-set" and classifier != FEATURES:
        parameters["normalization"] = training.normalization
    if classifier in NETWORKS:
        parameters["epochs"] = training.epochs or EPOCHS[0]
        if training.device != "auto":
            parameters["device"] = training.device
    return Condition(
        classifier,
        classifier,
        parameters,
        way=way,
        surrogates=surrogates,
        by_epoch=by_epoch,
    )


def _one_frame_per_step(
    data: ExperimentData, protocol: PaperProtocol, training: Training
) -> list[Condition]:
    timesteps = data.traces.n_frames
    rows = []
    for name in ("rnn", "lstm"):
        plain = _condition(name, training, way=protocol.split)
        parameters = {**plain.parameters, "timesteps": timesteps}
        words = f"{name.upper()} T={timesteps}, one frame per step"
        rows.append(replace(plain, name=words, parameters=parameters))
    return rows


# With fewer splits, a rare type or animal may never be tested.
QUICK_SPLITS = 3
QUICK_EPOCHS = 5
# In two time steps a recurrent network is trained in a fraction of the CNN's time.
QUICK_CLASSIFIERS = ("rnn", "svm-rbf")


def quick_look(
    protocol: PaperProtocol, training: Training
) -> tuple[tuple[str, ...], PaperProtocol, Training]:
    """Return the classifiers and settings of a quick look, at most what was asked."""
    n_splits = min(QUICK_SPLITS, protocol.n_splits)
    n_epochs = min(QUICK_EPOCHS, training.epochs or EPOCHS[0])
    return (
        QUICK_CLASSIFIERS,
        replace(protocol, n_splits=n_splits),
        replace(training, epochs=n_epochs),
    )


def how_quick(experiment: Experiment, protocol: PaperProtocol) -> tuple[str, ...]:
    """Return a sentence where an evaluation did as little as a quick look, or less."""
    if experiment.name != "evaluate":
        return ()
    epochs = [
        c.parameters.get("epochs", EPOCHS[0])
        for c in experiment.conditions
        if is_network(c)
    ]
    return quick_sentence(protocol.n_splits, min(epochs, default=None))


def quick_sentence(n_splits: int, epochs: int | None) -> tuple[str, ...]:
    """Return what few splits and epochs mean for the scores; nothing where they do not.

    Parameters
    ----------
    n_splits : int
    epochs : int or None
        Of the networks; None without any.
    """
    few: Sequence[str] = [
        f"{number} {noun}{'s' * (number != 1)} instead of the paper's {usual}"
        for number, noun, most, usual in (
            (n_splits, "split", QUICK_SPLITS, PaperProtocol().n_splits),
            (epochs, "epoch", QUICK_EPOCHS, EPOCHS[0]),
        )
        if number is not None and number <= most
    ]
    if not few:
        return ()
    meaning = []
    if n_splits <= QUICK_SPLITS:
        meaning.append("the scores are less certain")
    if epochs is not None and epochs <= QUICK_EPOCHS:
        meaning.append("the networks may have learnt less than they could")
    return (f"A quick look: {' and '.join(few)}, so {', and '.join(meaning)}.",)
