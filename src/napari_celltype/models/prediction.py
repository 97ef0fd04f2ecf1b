"""Predict the cell types of a recording's traces, of any length and frame rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_celltype.models.calibration import probabilities_of
from napari_celltype.models.device import log_probabilities
from napari_celltype.models.estimator import TraceClassifier
from napari_celltype.models.notices import Notice, warn_notice
from napari_celltype.models.saved_model import CellTypeModel
from napari_celltype.models.windows import blocks_of, plan_windows
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.recording import Segment, Traces
from napari_celltype.recording.windows import lively


@dataclass(frozen=True, eq=False)
class TracePredictions:
    """Class probabilities of each ROI.

    Attributes
    ----------
    probabilities : ndarray of float64, shape (n_rois, n_classes)
        Columns follow ``model.card.classes``; NaN for ROIs that cannot be classified
        (NaN, infinite or constant traces).
    n_windows : ndarray of int64, shape (n_rois,)
        Windows that were averaged.
    n_frames_used : ndarray of int64, shape (n_rois,)
        Frames of the original recording that these windows span.
    notices : tuple of str
        Sentences about the computation, such as a GPU whose memory was too small.
    """

    probabilities: NDArray[np.float64]
    n_windows: NDArray[np.int64]
    n_frames_used: NDArray[np.int64]
    notices: tuple[str, ...] = ()


def predict_recording_traces(
    model: CellTypeModel,
    traces: Traces,
    sampling_frequency: float,
    segments: Sequence[Segment],
    *,
    device: str = "auto",
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
    block_rois: int | None = None,
) -> TracePredictions:
    """Classify every ROI of a recording.

    Inside each segment the traces are down-sampled to the model's rate by area
    averaging and cut into non-overlapping windows. What the network says about a ROI's
    windows (see `log_probabilities_by_roi`) is divided by the temperature for their
    number and brought back to probabilities.

    Parameters
    ----------
    model : CellTypeModel
    traces : Traces, shape (n_rois, n_frames)
        In memory or read in blocks; neuropil already as the model wants it.
    sampling_frequency : float
        Of the traces, Hz.
    segments : sequence of Segment
        Frame ranges between which nothing is continuous; empty means all frames.
    device : str
        auto, cpu, cuda, cuda:N or mps.
    on_progress, should_stop : callable
        Told and asked once per block of ROIs.
    block_rois : int, optional
        ROIs per block; the result does not depend on it.

    Returns
    -------
    TracePredictions

    Raises
    ------
    SamplingFrequencyError
        If the recording is slower than the model.
    RecordingError
        If no segment is as long as one window.
    ModelError
        If the card has no frame rate.
    CellTypeError
        If the device is not there.
    Stopped
        If `should_stop` answered True.
    """
    n_rois, n_frames = traces.shape
    plan = plan_windows(model.card, n_frames, sampling_frequency, segments)
    notices: list[str] = []
    probabilities = np.full((n_rois, len(model.card.classes)), np.nan)
    counts = np.zeros(n_rois, dtype=np.int64)
    for rows, block in blocks_of(traces, block_rois):
        raise_if_stopped(should_stop)
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
        on_progress(Progress("Classifying", rows.stop, n_rois))
    return TracePredictions(
        probabilities,
        counts,
        np.rint(counts * (plan.window_frames * plan.ratio)).astype(np.int64),
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
    """Return what a network says about each ROI, given its windows.

    A network that takes traces of any length sees the windows of a ROI as one trace;
    of others the log-probabilities of the windows are averaged.

    Parameters
    ----------
    classifier : TraceClassifier
        Fitted.
    windows : ndarray of float32, shape (n_windows, n_frames)
    roi : ndarray of int, shape (n_windows,)
        Row of the ROI that each window belongs to.
    n_rois : int
    device : str, optional
        Instead of the classifier's.
    on_notice : callable
        Takes a sentence when the GPU's memory was too small for a batch.

    Returns
    -------
    ndarray of float64, shape (n_rois, n_classes)
        Without any temperature; NaN for ROIs without a window.
    """
    counts = np.bincount(roi, minlength=n_rois)
    found = np.full((n_rois, len(classifier.classes_)), np.nan)
    if not classifier.network_.any_length:
        if len(windows):
            logs = classifier.predict_log_proba(
                windows, device=device, on_notice=on_notice
            )
            total = np.zeros(found.shape)
            np.add.at(total, roi, logs)
            some = counts > 0
            found[some] = total[some] / counts[some, None]
        return found
    in_order = np.argsort(roi, kind="stable")
    for count in np.unique(counts[counts > 0]):
        rows = np.flatnonzero(counts == count)
        own = in_order[np.isin(roi[in_order], rows)]
        traces = windows[own].reshape(len(rows), -1)
        found[rows] = log_probabilities(
            classifier, traces, traces.shape[1], device or classifier.device, on_notice
        )
    return found
