"""Predict the cell types of a recording's traces, of any length and frame rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_celltype.classifiers.calibration import Calibration, probabilities_of
from napari_celltype.classifiers.notices import Notice, warn_notice
from napari_celltype.classifiers.saved_model import CellTypeModel
from napari_celltype.classifiers.windows import blocks_of, lively, plan_windows
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.recording import Segment, Traces


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
    averaging and cut into non-overlapping windows; the log-probabilities of a ROI's
    windows are averaged, divided by the temperature for that number of windows, and
    brought back to probabilities.

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
        logs, alive = window_log_probabilities(
            model, plan.cut(block), device, notices.append
        )
        probabilities[rows] = mean_probabilities(logs, alive, model.card.calibration)
        counts[rows] = alive.sum(axis=1)
        on_progress(Progress("Classifying", rows.stop, n_rois))
    return TracePredictions(
        probabilities,
        counts,
        np.rint(counts * (plan.window_frames * plan.ratio)).astype(np.int64),
        tuple(dict.fromkeys(notices)),
    )


def window_log_probabilities(
    model: CellTypeModel,
    windows: NDArray[np.float32],
    device: str,
    on_notice: Notice = warn_notice,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return what the network says about each window, and whether it could be asked.

    Parameters
    ----------
    model : CellTypeModel
    windows : ndarray, shape (n_rois, n_windows, card.window_frames)
    device : str
        auto, cpu, cuda, cuda:N or mps.
    on_notice : callable
        Takes a sentence when the GPU's memory was too small for a batch.

    Returns
    -------
    log_probabilities : ndarray of float64, shape (n_rois, n_windows, n_classes)
        Without any temperature; 0 for windows without change.
    alive : ndarray of bool, shape (n_rois, n_windows)
        Windows with change.
    """
    alive = lively(windows)
    logs = np.zeros((*windows.shape[:2], len(model.card.classes)))
    if alive.any():
        logs[alive] = model.classifier.predict_log_proba(
            windows[alive], device=device, on_notice=on_notice
        )
    return logs, alive


def mean_probabilities(
    log_probabilities: NDArray[np.float64],
    alive: NDArray[np.bool_],
    calibration: Calibration | None,
) -> NDArray[np.float64]:
    """Return the probabilities (n_rois, n_classes) of ROIs; NaN without any window.

    The log-probabilities of a ROI's windows that are `alive` are averaged and divided
    by the temperature for their number.
    """
    total = alive.sum(axis=1)
    some = total > 0
    logs = np.where(alive[:, :, None], log_probabilities, 0)[some].sum(axis=1)
    probabilities = np.full((len(total), log_probabilities.shape[2]), np.nan)
    probabilities[some] = probabilities_of(
        logs / total[some, None], total[some], calibration
    )
    return probabilities
