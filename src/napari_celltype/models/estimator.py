"""The scikit-learn estimator around the networks."""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from napari_celltype.errors import ModelError
from napari_celltype.files import write_atomically
from napari_celltype.labels import Targets
from napari_celltype.models.card import ModelCard
from napari_celltype.models.device import (
    choose_device,
    in_batches,
    keep_freed_memory,
    traces_at_once,
)
from napari_celltype.models.model_file import require_suffix, signed
from napari_celltype.models.networks import (
    Network,
    network_class,
    new_network,
)
from napari_celltype.models.registry import Notice, warn_notice
from napari_celltype.models.training import (
    Checkpoint,
    History,
    Rank,
    best_epoch,
    read_labels,
    start_from,
    train,
    training_key,
)
from napari_celltype.models.windows import Normalization, pad_frames
from napari_celltype.progress import (
    OnProgress,
    ShouldStop,
    ignore_progress,
    never_stop,
)

NOT_FOR = (
    "Anything that has not been checked against labelled cells of the same kind; a "
    "predicted label is no histology."
)
# Constructor parameters that shape the network; None means the paper's value.
STRUCTURE = (
    *("layers", "filters", "kernel_size", "dropout"),
    *("timesteps", "units", "recurrent_dropout"),
)


_CHECKED: dict[str, Any] = {"dtype": np.float32, "ensure_all_finite": "allow-nan"}


class TraceClassifier(ClassifierMixin, BaseEstimator):
    """Classify neurons by their calcium traces with a network of the paper.

    Parameters
    ----------
    architecture : str
        The network (Sections III-A and IV-B), a key of `models.NETWORKS`.
    epochs, batch_size, learning_rate : int, int, float
        Adam with betas (0.9, 0.99) on the cross-entropy.
    normalization : {"trace", "training-set", "training-set-per-timestep"}
        Z-score by each trace's own statistics, or by the training set's (Section IV-B).
    layers : str, sequence of str, int or None
        CNN: letters of Table I, such as "CCPCD" (C convolution, P pooling, D dropout).
        RNN and LSTM: number of stacked layers. None, here and below, means the best
        model of Table I: "CCPCD", 1 and 2.
    filters, kernel_size : pair of int or None, int or None
        CNN: filters of the first and of every later convolution, (32, 64), and the
        frames that a filter spans, 10.
    timesteps, units : int or None
        RNN and LSTM: T, the parts that a trace is cut into (Section III-C), 2, and the
        size of the hidden state, 100.
    dropout, recurrent_dropout : float or None
        Probability of dropping a value; 0.5 for the CNN, else 0. RNN and LSTM: the same
        between time steps, 0.
    random_state : int, numpy.random.RandomState or None
        Seed of the weights, the shuffling and the dropout; global seeds stay untouched.
    device : str
        auto, cpu, cuda, cuda:N or mps.

    Attributes
    ----------
    classes_, n_features_in_ : ndarray, shape (n_classes,), int
        Sorted class names, and frames per trace.
    network_, normalization_ : networks.Network, windows.Normalization
        The trained network, on the processor, and the z-score with its statistics.
    class_counts_, best_epoch_ : ndarray of int, shape (n_classes,), int
        Training examples labelled as just that class, and the epoch whose weights these
        are, from 1; only after `fit`, not in a loaded model.
    history_ : list of dict
        One row per epoch: epoch, loss, accuracy (share of guesses that the labels
        allow), seconds, and what the scoring found.

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
        start: FineTuning | None = None,
        scoring: EpochScoring | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        should_finish: ShouldStop = never_stop,
        on_progress: OnProgress = ignore_progress,
        should_stop: ShouldStop = never_stop,
    ) -> Self:
        """Train on labelled traces (Section IV-B of Troullinou et al. 2021).

        Parameters
        ----------
        X : array-like, shape (n_traces, n_frames)
            Traces, all of one frame rate and length; NaN where a trace has gaps.
        y : array-like, shape (n_traces,)
            Class names such as "PV". Parents ("IN") and negations ("!PV") count as any
            of the classes that they leave possible. Numbers are classes, too.
        targets : Targets, optional
            What the labels mean, when y is not to be read; gives the classes, of which
            some may have no example here.
        start : FineTuning, optional
            A fitted classifier whose weights and z-score are taken over, and of which
            only the last layers are trained.
        scoring : EpochScoring, optional
            What is measured after each epoch, and which epoch's weights are kept.
        checkpoint : path, optional
            A ``.safetensors`` file that is written as the training goes on, after an
            epoch and at most every few seconds. If it is there and belongs to the same
            data, parameters and number of threads, training goes on from it and ends as
            if it had never been interrupted, to the last bit; it may also hold fewer
            epochs than are asked for. Any other file there is replaced. With
            ``random_state=None`` no two trainings are the same.
        should_finish : callable
            Asked as `should_stop` is; True ends the training, but not without an epoch.
        on_progress : callable
            Takes a `Progress` after each epoch.
        should_stop : callable
            Asked before each batch; True ends the training.

        Raises
        ------
        ValueError
            If X holds infinity, y a single class, or a parameter does not fit.
        LabelError
            If the labels name no class, or one of them leaves none possible.
        CellTypeError, OutputError
            If the device is not there, or the checkpoint cannot be written.
        Stopped
            If `should_stop` answered True; the last checkpoint stays on disk.
        """
        before = vars(self).copy()
        traces, labels = validate_data(self, X, y, **_CHECKED)
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
        if start is None:
            normalization = Normalization.fit(self.normalization, traces)
        else:
            start_from(
                start.base.network_,
                start.base.classes_,
                network,
                targets.classes,
                start.layers,
            )
            normalization = start.base.normalization_
        rank = None if scoring is None else scoring.rank
        kept = None
        if checkpoint is not None:
            given = {"epochs": None, "random_state": seed, "device": device.type}
            key = training_key(
                traces,
                targets.allowed,
                self.get_params() | given,
                targets.classes,
                (rank is not None, scoring and scoring.digest),
                start and start.digest(),
            )
            kept = Checkpoint(Path(checkpoint), key)
        self.classes_ = classes
        self.class_counts_ = targets.allowed[targets.single].sum(axis=0)
        self.normalization_ = normalization
        self.network_ = network

        def score(history: History) -> Mapping[str, float]:
            self.history_ = history
            return {} if scoring is None else scoring.score(self)

        try:
            self.history_ = train(
                network,
                normalization.apply(traces),
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
                after_epoch=score,
                rank=rank,
                should_finish=should_finish,
            )
        except BaseException:
            self.__dict__ = before  # The earlier model, if there is one.
            raise
        self.best_epoch_ = best_epoch(self.history_, rank)
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each trace, (n_traces,)."""
        best = self.predict_log_proba(X).argmax(axis=1)
        names: NDArray[Any] = self.classes_[best]
        return names

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the softmax of equation 1, (n_traces, n_classes) as `classes_`."""
        probabilities: NDArray[np.float64] = np.exp(self.predict_log_proba(X))
        return probabilities

    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the logarithm of each class's probability, (n_traces, n_classes)."""
        check_is_fitted(self)
        return self.log_probabilities(validate_data(self, X, **_CHECKED, reset=False))

    def log_probabilities(
        self,
        traces: NDArray[np.float32],
        device: str | None = None,
        on_notice: Notice = warn_notice,
    ) -> NDArray[np.float64]:
        """Do what `predict_log_proba` does with traces of any length, unchecked."""
        # `device` is used instead of the constructor's; `on_notice` takes a sentence
        # when the GPU's memory was too small for a batch.
        target = choose_device(device or self.device)
        n_frames = max(traces.shape[1], self._minimum_frames())
        network = self.network_
        if next(network.parameters()).device != target:
            network = copy.deepcopy(network).to(target)

        def logits(start: int, stop: int) -> NDArray[np.float64]:
            padded = pad_frames(traces[start:stop], n_frames)
            scored = torch.from_numpy(self.normalization_.apply(padded))
            with torch.inference_mode():
                out = network(scored.to(target))
            values: NDArray[np.float64] = out.cpu().numpy().astype(np.float64)
            return values

        keep_freed_memory()
        batch = traces_at_once(target, n_frames, network.cached_frames)
        found = list(in_batches(logits, len(traces), batch, on_notice))
        # Equation 1, in logarithms.
        return log_softmax(np.concatenate(found), axis=1)

    def save(self, path: str | os.PathLike[str], card: ModelCard | None = None) -> str:
        """Write the fitted classifier to a ``.safetensors`` file; return its SHA-256.

        Without a card (see `card_for`) one named as the file is made, which knows no
        frame rate, so that it cannot classify recordings. `ModelError` if the card
        describes another classifier, `OutputError` if the file cannot be written or
        does not end in ``.safetensors``; what was there stays.
        """
        check_is_fitted(self)
        target = Path(path)
        require_suffix(target)
        if card is None:
            card = card_for(self, name=target.stem, sampling_frequency=None)
        for name, stated, found in (
            ("classes", card.classes, tuple(str(c) for c in self.classes_)),
            ("window_frames", card.window_frames, self.n_features_in_),
            ("architecture", card.architecture, self.architecture),
            ("normalization", card.normalization, self.normalization),
        ):
            if stated != found:
                raise ModelError(
                    f"The card of {card.name!r} says {name} = {stated!r}, but the "
                    f"classifier has {found!r}; make the card of this classifier with "
                    "`card_for`."
                )
        tensors = {
            f"network.{key}": value.contiguous()
            for key, value in self.network_.state_dict().items()
        }
        statistics = self.normalization_
        if statistics.mean is not None and statistics.deviation is not None:
            tensors["normalization.mean"] = torch.from_numpy(statistics.mean)
            tensors["normalization.deviation"] = torch.from_numpy(statistics.deviation)
        content, sha256 = signed(tensors, "card", card.to_json(), target)
        write_atomically(target, lambda file: file.write(content))
        return sha256

    def __sklearn_tags__(self) -> Tags:
        """Tell scikit-learn that traces may have gaps."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _structure(self) -> dict[str, Any]:
        """Return the parameters of the network that were given."""
        given = {name: getattr(self, name) for name in STRUCTURE}
        return {name: value for name, value in given.items() if value is not None}

    def _minimum_frames(self) -> int:
        return network_class(self.architecture).minimum_frames(**self._structure())


@dataclass(frozen=True, eq=False)
class EpochScoring:
    """What is measured after each epoch of a training.

    `score` takes the classifier as trained so far; the numbers that it returns by name
    join the epoch's row of `history_`. `rank` takes such a row; the weights of the
    epoch with the largest answer are kept (without it, the last epoch's). `digest` is
    that of the data that the score depends on, for a checkpoint.
    """

    score: Callable[[TraceClassifier], Mapping[str, float]]
    rank: Rank | None = None
    digest: str = ""


@dataclass(frozen=True, eq=False)
class FineTuning:
    """Where a training starts.

    Of a fitted `base` of the same architecture and length of traces the last `layers`
    are trained; those before them keep its weights to the last bit.
    """

    base: TraceClassifier
    layers: int = 1

    def digest(self) -> str:
        """Return what the start depends on, for the key of a checkpoint."""
        sha256 = hashlib.sha256(f"{self.layers} {list(self.base.classes_)}".encode())
        for value in self.base.network_.state_dict().values():
            sha256.update(value.contiguous().numpy().tobytes())
        return sha256.hexdigest()


def card_for(
    classifier: TraceClassifier,
    *,
    name: str,
    sampling_frequency: float | None,
    **facts: Any,
) -> ModelCard:
    """Make the card of a fitted classifier.

    `facts` are fields of `ModelCard` that the classifier does not know; without them it
    is a user's own model of raw F, of the family of its architecture. `ModelError` if a
    value is impossible.
    """
    seed = classifier.random_state
    training_data = dict(facts.pop("training_data", None) or {})
    if hasattr(classifier, "class_counts_"):
        counts = classifier.class_counts_.tolist()
        names = [str(c) for c in classifier.classes_]
        training_data.setdefault("class_counts", dict(zip(names, counts, strict=True)))
    of_user = {
        "family": classifier.architecture,
        "neuropil": "none",
        "trained_on": "Traces that a user labelled.",
        "origin": "user",
        "subtypes_proven": False,
        "intended_use": (
            "Recordings that resemble those it was trained on: the same indicator, "
            "region, preparation and processing."
        ),
        "not_for": NOT_FOR,
    }
    return ModelCard(
        name=name,
        sampling_frequency=sampling_frequency,
        classes=tuple(str(c) for c in classifier.classes_),
        architecture=classifier.architecture,
        window_frames=int(classifier.n_features_in_),
        normalization=classifier.normalization,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        parameters={
            "epochs": int(classifier.epochs),
            "batch_size": int(classifier.batch_size),
            "learning_rate": float(classifier.learning_rate),
            "random_state": int(seed) if isinstance(seed, int | np.integer) else None,
            **{
                key: list(value) if isinstance(value, tuple) else value
                for key, value in classifier.network_.settings.items()
            },
        },
        training_data=training_data,
        versions={p: version(p) for p in ("napari-celltype", "torch", "numpy")},
        **{**of_user, **facts},
    )
