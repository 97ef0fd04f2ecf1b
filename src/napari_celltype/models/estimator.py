"""The scikit-learn estimator around the networks."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from napari_celltype.labels import Targets
from napari_celltype.models.card import ModelCard, card_for
from napari_celltype.models.checkpoint import Checkpoint, History, training_key
from napari_celltype.models.device import choose_device, log_probabilities
from napari_celltype.models.fine_tuning import FineTuning
from napari_celltype.models.networks import Network, network_class, new_network
from napari_celltype.models.notices import Notice, warn_notice
from napari_celltype.models.preparation import Normalization, pad_frames
from napari_celltype.models.training import Rank, best_epoch, read_labels, train
from napari_celltype.progress import (
    OnProgress,
    ShouldStop,
    ignore_progress,
    never_stop,
)

# Constructor parameters that shape the network; None means the paper's value.
STRUCTURE = (
    "layers",
    "filters",
    "kernel_size",
    "timesteps",
    "units",
    "dropout",
    "recurrent_dropout",
)


class TraceClassifier(ClassifierMixin, BaseEstimator):
    """Classify neurons by their calcium traces with a network of the paper.

    Parameters
    ----------
    architecture : str
        The network (Sections III-A and IV-B), a key of `classifiers.NETWORKS`.
    epochs, batch_size, learning_rate : int, int, float
        Adam with betas (0.9, 0.99) on the cross-entropy.
    normalization : {"trace", "training-set", "training-set-per-timestep"}
        Z-score by each trace's own statistics, or by the training set's (Section IV-B).
    layers : str, sequence of str, int or None
        CNN: letters of Table I, such as "CCPCD" (C convolution, P pooling, D dropout).
        RNN and LSTM: number of stacked layers. None, here and below, means the best
        model of Table I: "CCPCD", 1 and 2.
    filters : pair of int or None
        CNN: filters of the first and of every later convolution, (32, 64).
    kernel_size : int or None
        CNN: frames that a filter spans, 10.
    timesteps : int or None
        RNN and LSTM: T, the parts that a trace is cut into (Section III-C), 2.
    units : int or None
        RNN and LSTM: size of the hidden state, 100.
    dropout : float or None
        Probability of dropping a value; 0.5 for the CNN, else 0.
    recurrent_dropout : float or None
        RNN and LSTM: the same between time steps, 0.
    random_state : int, numpy.random.RandomState or None
        Seed of the weights, the shuffling and the dropout; global seeds stay untouched.
    device : str
        auto, cpu, cuda, cuda:N or mps.

    Attributes
    ----------
    class_counts_ : ndarray of int, shape (n_classes,)
        Training examples labelled as just that class; only after `fit`, not in a loaded
        model.
    classes_ : ndarray, shape (n_classes,)
        Sorted class names.
    n_features_in_ : int
        Frames per trace.
    network_ : napari_celltype.models.networks.Network
        The trained network, on the processor.
    normalization_ : napari_celltype.models.preparation.Normalization
        The z-score with its statistics.
    best_epoch_ : int
        The epoch whose weights these are, from 1; only after `fit`.
    history_ : list of dict
        One row per epoch: epoch, loss, accuracy (share of guesses that the labels
        allow), seconds, and what `after_epoch` returned.

    References
    ----------
    Troullinou et al., IEEE TETCI 2021, arXiv 1911.09977.
    """

    classes_: NDArray[Any]
    class_counts_: NDArray[np.int64]
    normalization_: Normalization
    network_: Network
    history_: History
    best_epoch_: int

    def __init__(
        self,
        architecture: str = "cnn",
        *,
        epochs: int = 20,
        batch_size: int = 32,
        learning_rate: float = 1e-3,
        normalization: str = "trace",
        layers: str | Sequence[str] | int | None = None,
        filters: Sequence[int] | None = None,
        kernel_size: int | None = None,
        timesteps: int | None = None,
        units: int | None = None,
        dropout: float | None = None,
        recurrent_dropout: float | None = None,
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        self.architecture = architecture
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.normalization = normalization
        self.layers = layers
        self.filters = filters
        self.kernel_size = kernel_size
        self.timesteps = timesteps
        self.units = units
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.random_state = random_state
        self.device = device

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        targets: Targets | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        after_epoch: Callable[[TraceClassifier], Mapping[str, float]] | None = None,
        start: FineTuning | None = None,
        rank: Rank | None = None,
        scored_on: str = "",
        should_finish: ShouldStop = never_stop,
        on_progress: OnProgress = ignore_progress,
        should_stop: ShouldStop = never_stop,
    ) -> Self:
        """Train on labelled traces (Section IV-B of Troullinou et al. 2021).

        Parameters
        ----------
        X : array-like, shape (n_traces, n_frames)
            Traces, all of one frame rate and length.
        y : array-like, shape (n_traces,)
            Class names such as "PV". Parents ("IN") and negations ("!PV") count as any
            of the classes that they leave possible. Numbers are classes, too.
        targets : Targets, optional
            What the labels mean, when y is not to be read; gives the classes, of which
            some may have no example here.
        checkpoint : path, optional
            A ``.safetensors`` file that is written as the training goes on, after an
            epoch and at most every few seconds. If it is there and belongs to the same
            data, parameters and number of threads, training goes on from it and ends as
            if it had never been interrupted, to the last bit; it may also hold fewer
            epochs than are asked for. Any other file there is not read, and is
            replaced. With ``random_state=None`` no two trainings are the same.
        after_epoch : callable, optional
            Takes a classifier that can predict, as trained so far; the numbers that it
            returns by name join the epoch's row of `history_`.
        start : FineTuning, optional
            A fitted classifier whose weights are taken over, and of which only the
            last layers are trained; its z-score is taken over, too.
        rank : callable, optional
            Takes an epoch's row of `history_`; the weights of the epoch with the
            largest answer are kept, the first of equals. None keeps the last epoch's.
        scored_on : str
            A digest of what else `after_epoch` and `rank` depend on; a checkpoint of
            another one is not gone on from.
        should_finish : callable
            Asked as `should_stop` is; True ends the training, but not without an epoch.
        on_progress : callable
            Takes a `Progress` after each epoch.
        should_stop : callable
            Asked before each batch; True ends the training.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X holds NaN or infinity, y a single class, or a parameter does not fit.
        napari_celltype.errors.LabelError
            If the labels name no class, or one of them leaves none possible.
        napari_celltype.errors.CellTypeError
            If the device is not there.
        napari_celltype.errors.OutputError
            If the checkpoint cannot be written; what it held before stays.
        napari_celltype.errors.Stopped
            If `should_stop` answered True; the last checkpoint stays on disk.
        """
        traces, labels = validate_data(self, X, y, dtype=np.float32)
        classes, targets = read_labels(labels, targets)
        for name in ("epochs", "batch_size"):
            if (value := getattr(self, name)) < 1:
                raise ValueError(f"{name} must be at least 1, got {value!r}.")
        device = choose_device(self.device)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        generator = torch.Generator().manual_seed(seed)
        network = new_network(
            self.architecture,
            traces.shape[1],
            len(classes),
            self._structure(),
            generator,
        )
        traces = pad_frames(traces, self._minimum_frames())
        learnt = copy.copy(self)
        learnt.classes_ = classes
        learnt.class_counts_ = targets.allowed[targets.single].sum(axis=0)
        if start is None:
            learnt.normalization_ = Normalization.fit(self.normalization, traces)
        else:
            start.start(network, targets.classes)
            learnt.normalization_ = start.base.normalization_

        def ask_after_epoch(ready: Network, history: History) -> Mapping[str, float]:
            assert after_epoch is not None
            learnt.network_, learnt.history_ = ready, history
            return after_epoch(learnt)

        kept = None
        if checkpoint is not None:
            settings = {
                "architecture": self.architecture,
                "structure": network.settings,
                "classes": targets.classes,
                "normalization": self.normalization,
                "batch_size": self.batch_size,
                "learning_rate": self.learning_rate,
                "seed": seed,
                "device": device.type,
                "after_epoch": after_epoch is not None,
                "ranked": rank is not None,
                "scored_on": scored_on,
                "start": None if start is None else start.digest(),
            }
            key = training_key(traces, targets.allowed, settings)
            kept = Checkpoint(Path(checkpoint), key)
        history = train(
            network,
            learnt.normalization_.apply(traces),
            targets.index if targets.single.all() else targets.allowed,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            generator=generator,
            device=device,
            on_progress=on_progress,
            should_stop=should_stop,
            on_notice=warn_notice,
            checkpoint=kept,
            after_epoch=None if after_epoch is None else ask_after_epoch,
            rank=rank,
            should_finish=should_finish,
        )
        self.classes_ = classes
        self.class_counts_ = learnt.class_counts_
        self.normalization_ = learnt.normalization_
        self.network_ = network
        self.history_ = history
        self.best_epoch_ = best_epoch(history, rank)
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each trace.

        Parameters
        ----------
        X : array-like, shape (n_traces, n_frames)

        Returns
        -------
        ndarray, shape (n_traces,)
            Class names.

        Raises
        ------
        ValueError
            If X holds NaN or infinity or traces of another length.
        """
        best = self.predict_log_proba(X).argmax(axis=1)
        names: NDArray[Any] = self.classes_[best]
        return names

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each class (the softmax of equation 1).

        Parameters
        ----------
        X : array-like, shape (n_traces, n_frames)

        Returns
        -------
        ndarray of float64, shape (n_traces, n_classes)
            Columns follow `classes_`.

        Raises
        ------
        ValueError
            If X holds NaN or infinity or traces of another length.
        """
        probabilities: NDArray[np.float64] = np.exp(self.predict_log_proba(X))
        return probabilities

    def predict_log_proba(
        self,
        X: ArrayLike,
        *,
        device: str | None = None,
        on_notice: Notice = warn_notice,
    ) -> NDArray[np.float64]:
        """Return the logarithm of each class's probability.

        Parameters
        ----------
        X : array-like, shape (n_traces, n_frames)
        device : str, optional
            Instead of the one of the constructor.
        on_notice : callable
            Takes a sentence when the GPU's memory was too small for a batch.

        Returns
        -------
        ndarray of float64, shape (n_traces, n_classes)

        Raises
        ------
        ValueError
            If X holds NaN or infinity or traces of another length.
        """
        check_is_fitted(self)
        traces: NDArray[np.float32] = validate_data(
            self, X, dtype=np.float32, reset=False
        )
        n_frames = max(traces.shape[1], self._minimum_frames())
        return log_probabilities(
            self, traces, n_frames, device or self.device, on_notice
        )

    def save(self, path: str | os.PathLike[str], card: ModelCard | None = None) -> str:
        """Write the fitted classifier to a ``.safetensors`` file with a card.

        Parameters
        ----------
        path : path
            Ends in ``.safetensors``.
        card : ModelCard, optional
            From `card_for`; without one a card named as the file is made, which knows
            no frame rate, so that it cannot classify recordings.

        Returns
        -------
        str
            SHA-256 of the model.

        Raises
        ------
        napari_celltype.errors.ModelError
            If the card describes another classifier.
        napari_celltype.errors.OutputError
            If the file cannot be written.
        """
        from napari_celltype.models.saved_model import save_model

        check_is_fitted(self)
        if card is None:
            card = card_for(self, name=Path(path).stem, sampling_frequency=None)
        return save_model(self, card, path)

    def _structure(self) -> dict[str, Any]:
        """Return the parameters of the network that were given."""
        given = {name: getattr(self, name) for name in STRUCTURE}
        return {name: value for name, value in given.items() if value is not None}

    def _minimum_frames(self) -> int:
        return network_class(self.architecture).minimum_frames(**self._structure())
