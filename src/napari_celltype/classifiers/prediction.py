"""Predict the cell types of a recording's traces, of any length and frame rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_celltype.classifiers.calibration import probabilities_of
from napari_celltype.classifiers.models import RATE_TOLERANCE
from napari_celltype.classifiers.preparation import (
    area_average,
    cut_windows,
    frames_after_averaging,
)
from napari_celltype.classifiers.saved_model import CellTypeModel
from napari_celltype.errors import ModelError, RecordingError, SamplingFrequencyError
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.recording import Segment, Traces

# Samples of one block of ROIs: 4 MB as float32, a few times that while averaging. On
# two cores a block takes less than a second, and Cancel waits no longer than that.
BLOCK_SAMPLES = 2**20


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


@dataclass(frozen=True)
class _Piece:
    """Where one segment's windows come from: frames `start` to `stop`."""

    start: int
    stop: int
    n_windows: int


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
    ratio = _ratio(model, sampling_frequency)
    segments = segments or [Segment(0, n_frames)]
    pieces = _pieces(model, segments, ratio, sampling_frequency)
    notices: list[str] = []
    probabilities = np.full((n_rois, len(model.card.classes)), np.nan)
    counts = np.zeros((n_rois, len(pieces)), dtype=np.int64)
    step = block_rois or max(1, BLOCK_SAMPLES // max(n_frames, 1))
    for start in range(0, n_rois, step):
        raise_if_stopped(should_stop)
        block = np.asarray(traces[start : start + step], dtype=np.float32)
        rows = slice(start, start + len(block))
        probabilities[rows], counts[rows] = _predict_block(
            model, block, pieces, ratio, device, notices
        )
        on_progress(Progress("Classifying", rows.stop, n_rois))
    n_frames_used = np.rint(counts * (model.card.window_frames * ratio)).sum(axis=1)
    return TracePredictions(
        probabilities,
        counts.sum(axis=1),
        n_frames_used.astype(np.int64),
        tuple(dict.fromkeys(notices)),
    )


def _predict_block(
    model: CellTypeModel,
    block: NDArray[np.float32],
    pieces: Sequence[_Piece],
    ratio: float,
    device: str,
    notices: list[str],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return probabilities and windows per piece of one block of ROIs."""
    size = model.card.window_frames
    usable: NDArray[np.bool_] = np.asarray(np.isfinite(block).all(axis=1))
    if not usable.all():
        block = np.where(usable[:, None], block, np.float32(0))
    log_sum = np.zeros((len(block), len(model.card.classes)))
    counts = np.zeros((len(block), len(pieces)), dtype=np.int64)
    for i, piece in enumerate(pieces):
        part = block[:, piece.start : piece.stop]
        windows = cut_windows(area_average(part, ratio, piece.n_windows * size), size)
        # A window without any change says nothing, whichever network looks at it.
        lively = (windows != windows[:, :, :1]).any(axis=2) & usable[:, None]
        if not lively.any():
            continue
        log_p = model.classifier.predict_log_proba(
            windows[lively], device=device, on_notice=notices.append
        )
        owner = np.nonzero(lively)[0]
        np.add.at(log_sum, owner, log_p)
        counts[:, i] = lively.sum(axis=1)
    total = counts.sum(axis=1)
    probabilities = np.full(log_sum.shape, np.nan)
    some = total > 0
    probabilities[some] = probabilities_of(
        log_sum[some] / total[some, None], total[some], model.card.calibration
    )
    return probabilities, counts


def _ratio(model: CellTypeModel, sampling_frequency: float) -> float:
    """Return frames of the recording per frame of the model; 1 within the tolerance."""
    wanted = model.card.sampling_frequency
    if wanted is None:
        raise ModelError(
            f"The model {model.name!r} does not say at which frame rate it was "
            "trained; save it again with its sampling_frequency."
        )
    if not (math.isfinite(sampling_frequency) and sampling_frequency > 0):
        raise SamplingFrequencyError(
            f"The frame rate {sampling_frequency!r} Hz is impossible; give the "
            "recording's rate per plane with --fs."
        )
    ratio = sampling_frequency / wanted
    if ratio < 1 - RATE_TOLERANCE:
        raise SamplingFrequencyError(
            f"The recording has {sampling_frequency:g} frames per second, but the "
            f"model {model.name!r} needs {wanted:g} Hz and traces are never "
            "up-sampled; check the frame rate (--fs) or choose a slower model."
        )
    return ratio if ratio > 1 + RATE_TOLERANCE else 1.0


def _pieces(
    model: CellTypeModel,
    segments: Sequence[Segment],
    ratio: float,
    sampling_frequency: float,
) -> list[_Piece]:
    """Return the segments that hold at least one window."""
    size = model.card.window_frames
    pieces = []
    for segment in segments:
        n_out = frames_after_averaging(segment.stop - segment.start, ratio)
        if n_out >= size:
            pieces.append(_Piece(segment.start, segment.stop, n_out // size))
    if not pieces:
        longest = max(s.stop - s.start for s in segments)
        need = math.ceil(size * ratio - 1e-6)
        raise RecordingError(
            f"The longest stretch without a join or bad frame has {longest} frames "
            f"({longest / sampling_frequency:.1f} s at {sampling_frequency:g} Hz), but "
            f"the model {model.name!r} needs {need} frames "
            f"({need / sampling_frequency:.1f} s); use a longer recording, or correct "
            "the frame rate with --fs if it is wrong."
        )
    return pieces
