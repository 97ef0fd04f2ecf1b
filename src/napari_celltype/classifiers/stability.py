"""Whether a label holds when something about the recording is otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_celltype.classifiers.notices import Notice, warn_notice
from napari_celltype.classifiers.prediction import (
    mean_probabilities,
    window_log_probabilities,
)
from napari_celltype.classifiers.saved_model import CellTypeModel
from napari_celltype.classifiers.windows import blocks_of, plan_windows
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.recording import Segment, Traces

# In deviations of a ROI's own windows.
NOISE = (0.25, 0.5)
DRIFT = 0.5
GAIN = 0.3
NEUROPIL = 0.3  # of the neuropil trace
DRIFT_PERIOD = 200.0  # s; below what calcium does in the model's windows of a minute
# Swaps of so many windows, spread evenly over the recording, tell what all would, and
# long recordings do not take nine times as long.
MOST_WINDOWS = 5
SWAPS = (
    *(f"noise of {level:g} deviations more" for level in NOISE),
    *(f"a drift of {sign}{DRIFT:g} deviations" for sign in "+-"),
    f"a gain that varies by {GAIN:g}",
    *(f"{sign}{NEUROPIL:g} of the neuropil" for sign in "+-"),
    "the first half",
    "the second half",
)


def stability(
    model: CellTypeModel,
    traces: Traces,
    neuropil: Traces | None,
    sampling_frequency: float,
    segments: Sequence[Segment],
    *,
    weights: ArrayLike | None = None,
    device: str = "auto",
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
    on_notice: Notice = warn_notice,
    block_rois: int | None = None,
) -> NDArray[np.float64]:
    """Return the share of `SWAPS` that leave each ROI's best guess as it is.

    The swaps are made at the model's frame rate, before the z-score. The neuropil is
    only swapped where it is given, the halves only where a ROI has two windows. Of long
    recordings `MOST_WINDOWS` windows are swapped, and the best guess that has to hold
    is that of these windows; the halves, and theirs, are of all windows. The noise of a
    ROI is always the same, in whichever block it is.

    Parameters
    ----------
    model : CellTypeModel
    traces : Traces, shape (n_rois, n_frames)
        As they are classified.
    neuropil : Traces or None, shape (n_rois, n_frames)
    sampling_frequency : float
        Of the traces, Hz.
    segments : sequence of Segment
        Frame ranges between which nothing is continuous; empty means all frames.
    weights : array-like, shape (n_classes,), optional
        Share that is assumed of each class over its share in training, in the order of
        the card's classes; all 1 when not given.
    device : str
        auto, cpu, cuda, cuda:N or mps.
    on_progress : callable
        Told after each block of ROIs.
    should_stop : callable
        Asked before each swap of each block.
    on_notice : callable
        Takes a sentence when the GPU's memory was too small for a batch.
    block_rois : int, optional
        ROIs per block; the result does not depend on it.

    Returns
    -------
    ndarray of float64, shape (n_rois,)
        From 0 to 1; NaN for ROIs that cannot be classified.

    Raises
    ------
    SamplingFrequencyError, RecordingError, ModelError, CellTypeError
        As `predict_recording_traces` does.
    Stopped
        If `should_stop` answered True.
    """
    n_rois, n_frames = traces.shape
    card = model.card
    plan = plan_windows(card, n_frames, sampling_frequency, segments)
    odds = np.ones(len(card.classes)) if weights is None else np.asarray(weights)

    def guesses(
        logs: NDArray[np.float64], alive: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Return each ROI's best guess, -1 without any window."""
        shares = mean_probabilities(logs, alive, card.calibration) * odds
        best: NDArray[np.int64] = np.nan_to_num(shares).argmax(axis=1)
        return np.where(alive.any(axis=1), best, -1)

    share = np.full(n_rois, np.nan)
    for rows, block in blocks_of(traces, block_rois):
        raise_if_stopped(should_stop)
        windows = plan.cut(block)
        logs, alive = window_log_probabilities(model, windows, device, on_notice)
        before = guesses(logs, alive)
        held = np.zeros(len(block))
        made = np.zeros(len(block))
        for part in _halves(alive):
            fits = part.any(axis=1)
            held += fits & (guesses(logs, part) == before)
            made += fits
        chosen = _spread(windows.shape[1])
        windows, alive_there = windows[:, chosen], alive[:, chosen]
        before = guesses(logs[:, chosen], alive_there)
        around = None
        if neuropil is not None:
            beside = np.nan_to_num(neuropil[rows], nan=0, posinf=0, neginf=0)
            around = plan.cut(np.asarray(beside, dtype=np.float32))[:, chosen]
        frames = plan.first_frames()[chosen, None] + np.arange(plan.window_frames)
        seconds = frames * plan.ratio / sampling_frequency
        there = alive_there.any(axis=1)
        for swapped in _swaps(windows, around, rows.start, seconds):
            raise_if_stopped(should_stop)
            # A stretch without change stays one.
            swapped[~alive_there] = 0
            new, _ = window_log_probabilities(model, swapped, device, on_notice)
            held += there & (guesses(new, alive_there) == before)
            made += there
        usable = made > 0
        share[rows][usable] = held[usable] / made[usable]
        on_progress(Progress("Checking stability", rows.stop, n_rois))
    return share


def _spread(n_windows: int) -> NDArray[np.int64]:
    """Return which windows are swapped."""
    return np.linspace(0, n_windows - 1, min(n_windows, MOST_WINDOWS)).astype(np.int64)


def _halves(alive: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    """Return the first and the second half of each ROI's windows, if it has two."""
    count = alive.cumsum(axis=1)
    total = count[:, -1:]
    several = total >= 2
    yield alive & several & (count <= total // 2)
    yield alive & several & (count > total // 2)


def _swaps(
    windows: NDArray[np.float32],
    neuropil: NDArray[np.float32] | None,
    first_roi: int,
    seconds: NDArray[np.float64],
) -> Iterator[NDArray[np.float32]]:
    """Yield the windows (n_rois, n_windows, window_frames) after each swap.

    `seconds`, shape (n_windows, window_frames), is when their frames were recorded.
    """
    # Inside windows: between two segments the baseline may have jumped.
    deviation = np.sqrt(windows.var(axis=2).mean(axis=1))[:, None, None]
    randoms = [np.random.default_rng([7, first_roi + i]) for i in range(len(windows))]
    phase = np.array([rng.uniform(0, 2 * np.pi) for rng in randoms])[:, None, None]
    noise = np.stack(
        [rng.standard_normal(windows.shape[1:], dtype=np.float32) for rng in randoms]
    )
    noise *= deviation
    for level in NOISE:
        yield windows + np.float32(level) * noise
    del noise
    wave = np.sin(2 * np.pi * seconds / DRIFT_PERIOD + phase).astype(np.float32)
    for sign in (1, -1):
        yield windows + np.float32(sign * DRIFT) * deviation * wave
    # Of what rises above the ROI's baseline: raw F has an offset of unknown size.
    baseline = np.quantile(windows, 0.1, axis=2, keepdims=True).astype(np.float32)
    yield baseline + (windows - baseline) * (1 + np.float32(GAIN) * wave)
    del wave
    if neuropil is not None:
        for sign in (1, -1):
            yield windows + np.float32(sign * NEUROPIL) * neuropil
