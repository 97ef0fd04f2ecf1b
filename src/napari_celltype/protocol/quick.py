"""A quick look: fewer splits, epochs and classifiers, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from napari_celltype.protocol.contestants import is_network
from napari_celltype.protocol.experiment import Experiment
from napari_celltype.protocol.experiments import EPOCHS, Training
from napari_celltype.protocol.paper_protocol import PaperProtocol

# With fewer splits, a rare type or animal may never be tested.
QUICK_SPLITS = 3
QUICK_EPOCHS = 5
# In two time steps a recurrent network is trained in a fraction of the CNN's time.
QUICK_CLASSIFIERS = ("rnn", "svm-rbf")


def quick_look(
    protocol: PaperProtocol, training: Training
) -> tuple[tuple[str, ...], PaperProtocol, Training]:
    """Return the classifiers and settings of a quick look, never more than asked for.

    Parameters
    ----------
    protocol : PaperProtocol
    training : Training
    """
    n_splits = min(QUICK_SPLITS, protocol.n_splits)
    n_epochs = min(QUICK_EPOCHS, training.epochs or EPOCHS[0])
    return (
        QUICK_CLASSIFIERS,
        replace(protocol, n_splits=n_splits),
        replace(training, epochs=n_epochs),
    )


def how_quick(experiment: Experiment, protocol: PaperProtocol) -> tuple[str, ...]:
    """Return a sentence where an evaluation did as little as a quick look, or less.

    Parameters
    ----------
    experiment : Experiment
    protocol : PaperProtocol
    """
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
