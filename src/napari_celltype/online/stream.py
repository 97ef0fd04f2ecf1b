"""Traces as they arrive, in memory that does not grow, and what a model says of them.

A window is looked at once, after its last frame has come. So after any number of frames
the answer is that of `models.predict_recording_traces` on all of them.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from napari_celltype.models.calibration import probabilities_of
from napari_celltype.models.model import (
    CellTypeModel,
    TracePredictions,
    log_probabilities_by_roi,
)
from napari_celltype.models.windows import BLOCK_SAMPLES, plan_windows
from napari_celltype.recording import Segment, frames_after_averaging
from napari_celltype.recording.windows import BRIDGED, WindowPlan, damaged, lively

_SAMPLES_AT_ONCE = 2**18  # a few tenths of a second, for which nothing else is done
# Of a network that sees the windows of a ROI as one trace, only so much is kept.
MOST_KEPT = 600.0  # s


class TraceStream:
    """The last window of every ROI, and the sums over the windows before it.

    `SamplingFrequencyError` or `ModelError` if the model does not fit the frame rate,
    Hz, of the traces.
    """

    def __init__(
        self,
        model: CellTypeModel,
        n_rois: int,
        sampling_frequency: float,
        *,
        device: str = "auto",
    ) -> None:
        self._model, self._device = model, device
        self.n_rois, self.sampling_frequency = n_rois, sampling_frequency
        card = model.card
        most = 2 + 2 * math.ceil(
            card.window_frames * sampling_frequency / (card.sampling_frequency or 1)
        )
        self._ratio = plan_windows(card, most, sampling_frequency, ()).ratio
        self.window_frames = card.window_frames * self._ratio  # of the recording
        # So much before and after a window can lie in a gap that is bridged.
        self._margin = max(1, int(BRIDGED * sampling_frequency))
        room = math.ceil(self.window_frames) + 2 * self._margin + 1
        self._buffer = np.empty((room, n_rois), dtype=np.float32)
        self.n_frames = 0
        self.n_windows = 0  # that the answer is made of
        self._asked: tuple[NDArray[np.float32], int] | None = None
        self._n_damaged = np.zeros(n_rois, dtype=np.int64)
        self._sums = np.zeros((n_rois, len(card.classes)))
        self._counts = np.zeros(n_rois, dtype=np.int64)
        self._kept: deque[NDArray[np.float32]] | None = None
        if model.classifier.network_.any_length:
            seconds = self.window_frames / sampling_frequency
            self._kept = deque(maxlen=max(1, round(MOST_KEPT / seconds)))
        self._notices: dict[str, None] = {}
        self._begin()

    def _begin(self) -> None:
        """Begin a stretch of frames that go on from each other."""
        self._n_held = self._n_dropped = self._window = 0

    def join(self) -> None:
        """Take note that the next frame does not go on from the last one."""
        self.finish()
        self._begin()

    def add(self, frames: NDArray[np.float32]) -> None:
        """Take in frames, (n, n_rois), and look at the windows that they complete."""
        while len(frames):
            free = len(self._buffer) - self._n_held
            part, frames = frames[:free], frames[free:]
            self._buffer[self._n_held : self._n_held + len(part)] = part
            self._n_held += len(part)
            self.n_frames += len(part)
            if (spoilt := damaged(part)) is not None:
                self._n_damaged += spoilt.sum(axis=0)
            while self._is_complete() and not self._waits():
                self._look()

    def work(self, seconds: float = math.inf) -> None:
        """Ask the model about the ROIs of a window, for about so long at most."""
        ends = time.monotonic() + seconds
        while self._asked is not None:
            windows, start = self._asked
            rows = slice(start, start + max(1, _SAMPLES_AT_ONCE // windows.shape[1]))
            logs, counts = self._ask([windows[rows]])
            self._sums[rows][counts > 0] += logs[counts > 0]
            self._counts[rows] += counts
            self._asked = windows, rows.stop
            if rows.stop >= self.n_rois:
                self._asked = None
                self.n_windows += 1
            if time.monotonic() >= ends:
                break

    def finish(self) -> None:
        """Look at a window that waits for the end of a gap, and ask about all."""
        if self._is_complete():
            self._look()
        self.work()

    def _is_complete(self) -> bool:
        n = self._n_dropped + self._n_held
        size = self._model.card.window_frames
        return frames_after_averaging(n, self._ratio) // size > self._window

    def _waits(self) -> bool:
        """Tell whether a gap at the end of the window may still be bridged."""
        end = math.ceil((self._window + 1) * self.window_frames - 1e-6)
        end -= self._n_dropped
        if self._n_held >= min(end + self._margin, len(self._buffer)):
            return False
        return damaged(self._buffer[end - 1 : end]) is not None

    def _look(self) -> None:
        """Cut the window, to be asked about, and make room for the next one."""
        begin = self._window * self.window_frames
        first = math.floor(begin) - self._n_dropped
        held = Segment(0, self._n_held)
        # The plan's piece ends with the window: the next one is not complete.
        end = math.ceil(begin + self.window_frames - 1e-6) - self._n_dropped
        plan = WindowPlan(
            (Segment(first, min(end, self._n_held)),),
            self._ratio,
            self._model.card.window_frames,
            (held,),
            self.sampling_frequency,
            begin - math.floor(begin),
        )
        size = self._model.card.window_frames
        windows = np.empty((self.n_rois, size), dtype=np.float32)
        step = max(1, BLOCK_SAMPLES // self._n_held)
        for start in range(0, self.n_rois, step):
            rows = slice(start, start + step)
            traces = np.ascontiguousarray(self._buffer[: self._n_held, rows].T)
            windows[rows] = plan.cut(traces)[:, 0]
        if self._kept is None:
            self.work()
            self._asked = windows, 0
        else:
            self._kept.append(windows)
            self.n_windows += 1
        self._window += 1
        following = math.floor(self._window * self.window_frames)
        drop = following - self._margin - self._n_dropped
        if drop > 0:
            rest = self._buffer[drop : self._n_held].copy()
            self._buffer[: len(rest)] = rest
            self._n_held -= drop
            self._n_dropped += drop

    def _ask(
        self, kept: Collection[NDArray[np.float32]]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return what the model says of windows (n_rois, frames), and how many."""
        n_rois = len(next(iter(kept)))
        logs = np.full((n_rois, self._sums.shape[1]), np.nan)
        counts = np.zeros(n_rois, dtype=np.int64)
        step = max(1, BLOCK_SAMPLES // (len(kept) * self._model.card.window_frames))
        for start in range(0, n_rois, step):
            rows = slice(start, start + step)
            windows = np.stack([each[rows] for each in kept], axis=1)
            alive = lively(windows)
            counts[rows] = alive.sum(axis=1)
            logs[rows] = log_probabilities_by_roi(
                self._model.classifier,
                windows[alive],
                np.nonzero(alive)[0],
                len(alive),
                device=self._device,
                on_notice=lambda notice: self._notices.update({notice: None}),
            )
        return logs, counts

    def predicted(self) -> TracePredictions:
        """Return what the model says so far; NaN before a first window."""
        self.work()
        counts = self._counts
        if self._kept:
            logs, counts = self._ask(self._kept)
        else:
            with np.errstate(invalid="ignore"):
                logs = self._sums / np.where(counts > 0, counts, np.nan)[:, None]
        return TracePredictions(
            probabilities_of(logs, counts, self._model.card.calibration),
            counts.copy(),
            np.rint(counts * self.window_frames).astype(np.int64),
            self._n_damaged.copy(),
            {},
            tuple(self._notices),
        )
