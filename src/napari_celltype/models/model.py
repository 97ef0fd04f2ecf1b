"""A trained model: loaded from its file, and asked about the traces of a recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import ArrayLike, NDArray

from napari_celltype.errors import ModelError
from napari_celltype.models.calibration import probabilities_of
from napari_celltype.models.card import ModelCard
from napari_celltype.models.domain import RecordingProperties
from napari_celltype.models.estimator import STRUCTURE, TraceClassifier
from napari_celltype.models.model_file import COPY_AGAIN, ModelBytes
from napari_celltype.models.networks import build_network
from napari_celltype.models.registry import Notice, warn_notice
from napari_celltype.models.windows import (
    NORMALIZATIONS,
    Normalization,
    blocks_of,
    plan_windows,
)
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.recording import Segment, Traces
from napari_celltype.recording.windows import damaged, lively

# Parameters of a card beside those that shape the network.
_TRAINING = ("epochs", "batch_size", "learning_rate", "random_state")


@dataclass(frozen=True, eq=False)
class CellTypeModel:
    """A trained classifier of windows, its card, and the digest over card and weights.

    `predict_recording_traces` asks it about whole recordings.
    """

    classifier: TraceClassifier
    card: ModelCard
    sha256: str

    @property
    def classes_(self) -> NDArray[np.str_]:
        """Names of the classes, in the order of `predict_proba`'s columns."""
        return self.classifier.classes_

    def predict(self, X: ArrayLike) -> NDArray[np.str_]:
        """Return the most probable type of each window, (n_windows,)."""
        return self.classifier.predict(X)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return calibrated probabilities of windows, (n_windows, n_classes)."""
        logs = self.classifier.predict_log_proba(X)
        one_each = np.ones(len(logs), dtype=np.int64)
        return probabilities_of(logs, one_each, self.card.calibration)


def build_model(file: ModelBytes) -> CellTypeModel:
    """Build the classifier of a verified file, if it fits its card."""
    card = file.card
    try:
        tensors = safetensors.torch.load(file.content)
        normalization = _normalization(card, tensors)
        weights = {
            key.removeprefix("network."): value
            for key, value in tensors.items()
            if not key.startswith("normalization.")
        }
        classifier = restore_classifier(
            _constructor_parameters(card),
            card.classes,
            card.window_frames,
            weights,
            normalization,
        )
    except (
        safetensors.SafetensorError,
        ValueError,
        TypeError,
        OverflowError,
        RuntimeError,
    ) as error:
        raise ModelError(
            f"The model file {file.path} does not hold a network that fits its card "
            f"({str(error).splitlines()[0][:200]}); {COPY_AGAIN}."
        ) from error
    return CellTypeModel(classifier, card, file.sha256)


def restore_classifier(
    parameters: Mapping[str, Any],
    classes: Sequence[str],
    n_frames: int,
    weights: Mapping[str, torch.Tensor],
    normalization: Normalization,
) -> TraceClassifier:
    """Build a fitted classifier from weights, or raise `ValueError` if none fits."""
    classifier = TraceClassifier(**parameters)
    network = build_network(
        classifier.architecture, n_frames, len(classes), classifier._structure()
    )
    expected = {name: tuple(t.shape) for name, t in network.state_dict().items()}
    found = {name: tuple(t.shape) for name, t in weights.items()}
    if expected != found or any(t.dtype != torch.float32 for t in weights.values()):
        raise ValueError("the weights do not have the shapes that the card says")
    if not all(bool(t.isfinite().all()) for t in weights.values()):
        raise ValueError("some weights are NaN or infinite")
    network.load_state_dict(dict(weights), assign=True)
    classifier.network_ = network.to(memory_format=torch.channels_last).eval()
    classifier.classes_ = np.asarray(classes)
    classifier.n_features_in_ = n_frames
    classifier.normalization_ = normalization
    classifier.history_ = []
    return classifier


def _constructor_parameters(card: ModelCard) -> dict[str, Any]:
    """Return the constructor's parameters if they are plain and of sane size."""
    parameters = dict(card.parameters)
    if strange := set(parameters) - {*STRUCTURE, *_TRAINING}:
        raise ValueError(f"unknown parameter {min(strange)[:60]!r}")
    for key in parameters.keys() & set(STRUCTURE):
        value, most = parameters[key], 100 if key == "layers" else 10**5
        if isinstance(value, str | list) and len(value) > 100:
            raise ValueError(f"{key} has {len(value)} parts")
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, int | float) and abs(item) > most:
                raise ValueError(f"{key} is out of all proportion")
    if isinstance(parameters.get("filters"), list):
        parameters["filters"] = tuple(parameters["filters"])
    parameters["architecture"] = card.architecture
    parameters["normalization"] = card.normalization
    return parameters


def _normalization(
    card: ModelCard, tensors: Mapping[str, torch.Tensor]
) -> Normalization:
    if card.normalization not in NORMALIZATIONS:
        raise ValueError(f"normalization {card.normalization!r} is not known")
    if card.normalization == "trace":
        return Normalization("trace")
    mean = tensors.get("normalization.mean")
    deviation = tensors.get("normalization.deviation")
    if (
        mean is None
        or deviation is None
        or mean.shape != deviation.shape
        or not (mean.isfinite() & deviation.isfinite()).all()
    ):
        raise ValueError("the statistics of the training set are missing or infinite")
    return Normalization(card.normalization, mean.numpy(), deviation.numpy())


@dataclass(frozen=True, eq=False)
class TracePredictions:
    """Class probabilities of each ROI.

    Attributes
    ----------
    probabilities : ndarray of float64, shape (n_rois, n_classes)
        Columns follow ``model.card.classes``; NaN for ROIs that cannot be classified
        (constant traces, and those with too few values).
    n_windows, n_frames_used : ndarray of int64, shape (n_rois,)
        Windows that were averaged, and the frames of the recording that they span.
    n_damaged : ndarray of int64, shape (n_rois,)
        Frames whose value is not finite, or larger than any that can be measured.
    properties : mapping of str to ndarray, shape (n_rois,)
        The `domain.PROPERTIES`; empty where the card has no domain to
        compare them with.
    notices : tuple of str
        Sentences about the computation, such as a GPU whose memory was too small.
    """

    probabilities: NDArray[np.float64]
    n_windows: NDArray[np.int64]
    n_frames_used: NDArray[np.int64]
    n_damaged: NDArray[np.int64]
    properties: Mapping[str, NDArray[np.float64]]
    notices: tuple[str, ...]


def predict_recording_traces(
    model: CellTypeModel,
    traces: Traces,
    sampling_frequency: float,
    segments: Sequence[Segment],
    *,
    neuropil: Traces | None = None,
    device: str = "auto",
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> TracePredictions:
    """Classify every ROI of a recording.

    Inside each segment the traces are down-sampled to the model's rate by area
    averaging and cut into non-overlapping windows; what they hold at bad frames and
    where a value is not finite, see `recording.windows`. What the network says about a
    ROI's windows (see `log_probabilities_by_roi`) is divided by the temperature for
    their number and brought back to probabilities.

    Parameters
    ----------
    model : CellTypeModel
    traces : Traces, shape (n_rois, n_frames)
        In memory or read in blocks; neuropil already as the model wants it.
    sampling_frequency : float
        Of the traces, Hz.
    segments : sequence of Segment
        Frame ranges between which nothing is continuous; empty means all frames.
    neuropil : Traces, optional
        Beside raw traces, to be compared with them.
    device, on_progress, should_stop : str, callable, callable
        auto, cpu, cuda, cuda:N or mps; told and asked once per block of ROIs.

    Raises
    ------
    SamplingFrequencyError, RecordingError, ModelError
        If the recording is slower than the model, joins or bad frames leave no window,
        or the card has no frame rate.
    CellTypeError, Stopped
        If the device is not there, or `should_stop` answered True.
    """
    n_rois, n_frames = traces.shape
    plan = plan_windows(model.card, n_frames, sampling_frequency, segments)
    measured = None
    if model.card.domain is not None:
        measured = RecordingProperties(plan, sampling_frequency, n_rois, neuropil)
    notices: list[str] = []
    probabilities = np.full((n_rois, len(model.card.classes)), np.nan)
    counts, n_damaged = np.zeros((2, n_rois), dtype=np.int64)
    for rows, block in blocks_of(traces):
        raise_if_stopped(should_stop)
        if (spoilt := damaged(block)) is not None:
            n_damaged[rows] = spoilt.sum(axis=1)
        windows = plan.cut(block)
        alive = lively(windows)
        logs = log_probabilities_by_roi(
            model.classifier,
            windows[alive],
            np.nonzero(alive)[0],
            len(block),
            device=device,
            on_notice=notices.append,
        )
        counts[rows] = alive.sum(axis=1)
        probabilities[rows] = probabilities_of(
            logs, counts[rows], model.card.calibration
        )
        if measured is not None:
            measured.add(rows, windows, alive)
        on_progress(Progress("Classifying", rows.stop, n_rois))
    return TracePredictions(
        probabilities,
        counts,
        np.rint(counts * (plan.window_frames * plan.ratio)).astype(np.int64),
        n_damaged,
        {} if measured is None else measured.values(),
        tuple(dict.fromkeys(notices)),
    )


def log_probabilities_by_roi(
    classifier: TraceClassifier,
    windows: NDArray[np.float32],
    roi: NDArray[np.int64],
    n_rois: int,
    *,
    device: str | None = None,
    on_notice: Notice = warn_notice,
) -> NDArray[np.float64]:
    """Return what a network says about each ROI, (n_rois, n_classes).

    A network that takes traces of any length sees the windows of a ROI as one trace; of
    others the log-probabilities of the windows are averaged. Without any temperature;
    NaN for ROIs without a window.
    """
    counts = np.bincount(roi, minlength=n_rois)
    found = np.full((n_rois, len(classifier.classes_)), np.nan)
    if not len(windows):
        return found
    if not classifier.network_.any_length:
        logs = classifier.log_probabilities(windows, device, on_notice)
        some = counts > 0
        for column, of_class in zip(found.T, logs.T, strict=True):
            total = np.bincount(roi, of_class, minlength=n_rois)
            column[some] = total[some] / counts[some]
        return found
    in_order = np.argsort(roi, kind="stable")
    for count in np.unique(counts[counts > 0]):
        rows = np.flatnonzero(counts == count)
        own = in_order[np.isin(roi[in_order], rows)]
        traces = windows[own].reshape(len(rows), -1)
        found[rows] = classifier.log_probabilities(traces, device, on_notice)
    return found
