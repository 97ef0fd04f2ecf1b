"""How recordings of different length and frame rate become traces of one shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import LabelError
from napari_celltype.labels.notes import first_few
from napari_celltype.recording import (
    SAME_RATE,
    Traces,
    area_average,
    frames_after_averaging,
)

# Samples that are read at once: 16 MB as float32, a few times that while averaging.
_BLOCK_SAMPLES = 1 << 22


@dataclass(frozen=True)
class CommonFrames:
    """The frames of several recordings that go into one data set.

    Attributes
    ----------
    n_frames : int
        Of every trace.
    sampling_frequency : float or None
        Of every trace, Hz.
    ratios : tuple of float
        Frames of each recording per frame of its traces, at least 1.
    kept : tuple of bool
        The recordings that are long enough.
    notes : tuple of str
        A sentence for whatever was dropped, cut or brought down.
    """

    n_frames: int
    sampling_frequency: float | None
    ratios: tuple[float, ...]
    kept: tuple[bool, ...]
    notes: tuple[str, ...]

    def native_frames(self, number: int) -> int:
        """Return how many frames of a recording its traces are made of."""
        return math.ceil(self.n_frames * self.ratios[number] - 1e-6)

    def read(
        self,
        number: int,
        traces: Traces,
        rows: NDArray[np.int64],
        target: NDArray[np.float32],
    ) -> NDArray[np.bool_]:
        """Read some traces of a recording and write the usable ones to a target.

        Parameters
        ----------
        number : int
            Of the recording.
        traces : Traces, shape (n_rois, n_frames of the recording)
        rows : ndarray of int64
        target : ndarray of float32, shape (at least n_rows, n_frames)
            Its first rows are filled.

        Returns
        -------
        ndarray of bool, shape (n_rows,)
            The rows that were written: finite, and not the same value in all frames.
        """
        used = slice(0, self.native_frames(number))
        usable = np.zeros(len(rows), dtype=bool)
        step = max(1, _BLOCK_SAMPLES // max(1, traces.shape[1]))
        n_written = 0
        for start in range(0, len(rows), step):
            values = traces[rows[start : start + step]][:, used]
            good = np.isfinite(values).all(axis=1)
            good &= (values != values[:, :1]).any(axis=1)
            usable[start : start + step] = good
            end = n_written + int(good.sum())
            target[n_written:end] = area_average(
                values[good], self.ratios[number], self.n_frames
            )
            n_written = end
        return usable


def plan_frames(
    names: Sequence[str],
    n_frames: Sequence[int],
    rates: Sequence[float | None],
    *,
    timesteps: int | None = None,
    resample: float | None = None,
) -> CommonFrames:
    """Choose one length and one frame rate for several recordings.

    Parameters
    ----------
    names : sequence of str
        Of the recordings, for sentences.
    n_frames : sequence of int
    rates : sequence of float or None
        Frames per second, Hz.
    timesteps : int or None
        Frames of every trace; None for those of the shortest recording.
    resample : float or None
        The frame rate of every trace (Hz), by averaging; None for the recordings' own.

    Raises
    ------
    LabelError
        If frame rates differ or are unknown, a recording is slower than `resample`, or
        none is as long as `timesteps`.
    """
    if timesteps is not None and timesteps < 2:
        raise LabelError(f"{timesteps} timesteps are no trace; use at least 2.")
    ratios = [_ratio(n, r, resample) for n, r in zip(names, rates, strict=True)]
    lengths = [
        frames_after_averaging(n, ratio)
        for n, ratio in zip(n_frames, ratios, strict=True)
    ]
    kept = [n >= (timesteps or 1) for n in lengths]
    if not any(kept):
        longest = int(np.argmax(lengths))
        raise LabelError(
            f"No recording has {timesteps or 1} frames; the longest, {names[longest]}, "
            f"has {lengths[longest]}, so use fewer timesteps."
        )
    shortest = min(n for n, keep in zip(lengths, kept, strict=True) if keep)
    notes = []
    if not all(kept):
        short = [name for name, keep in zip(names, kept, strict=True) if not keep]
        notes.append(
            f"{len(short)} of {len(names)} recordings have fewer than {timesteps} "
            f"frames and were dropped: {first_few(short)}."
        )
    frames = shortest if timesteps is None else timesteps
    if max(lengths) > frames:
        why = "those of the shortest recording" if timesteps is None else "as asked"
        notes.append(
            f"Traces of up to {max(lengths)} frames were cut to their first {frames}, "
            f"{why}."
        )
    if resample is None:
        rate = _common_rate(
            [(n, r) for n, r, k in zip(names, rates, kept, strict=True) if k]
        )
    else:
        rate = resample
        faster = [n for n, ratio in zip(names, ratios, strict=True) if ratio > 1]
        if faster:
            notes.append(
                f"Brought down to {resample:g} Hz by averaging: {first_few(faster)}."
            )
    return CommonFrames(frames, rate, tuple(ratios), tuple(kept), tuple(notes))


def _ratio(name: str, rate: float | None, resample: float | None) -> float:
    if resample is None:
        return 1.0
    if not (math.isfinite(resample) and resample > 0):
        raise LabelError(
            f"A frame rate of {resample:g} Hz is impossible; use such as 10."
        )
    if rate is None:
        raise LabelError(
            f"{name} does not say its frame rate, so it cannot be brought down to "
            f"{resample:g} Hz; give its rate (terminal: --fs)."
        )
    ratio = rate / resample
    if ratio < 1 - SAME_RATE:
        raise LabelError(
            f"{name} has {rate:g} frames per second and traces are never up-sampled to "
            f"{resample:g} Hz; choose {rate:g} Hz or less."
        )
    return ratio if ratio > 1 + SAME_RATE else 1.0


def _common_rate(rates: Sequence[tuple[str, float | None]]) -> float | None:
    """Return the one frame rate that recordings have, None where nobody knows it."""
    known = [(name, rate) for name, rate in rates if rate is not None]
    if not known:
        return None
    if len(known) < len(rates):
        unknown = next(name for name, rate in rates if rate is None)
        raise LabelError(
            f"{unknown} does not say its frame rate and {known[0][0]} has "
            f"{known[0][1]:g} Hz; give the rate in the column sampling_frequency of a "
            "recording list (terminal: --fs)."
        )
    slow, fast = (choose(known, key=lambda pair: pair[1]) for choose in (min, max))
    if fast[1] > slow[1] * (1 + SAME_RATE):
        raise LabelError(
            f"Frame rates differ: {slow[0]} has {slow[1]:g} Hz and {fast[0]} "
            f"{fast[1]:g} Hz; bring all down to one, such as {slow[1]:g} Hz (terminal: "
            f"--resample {slow[1]:g})."
        )
    return float(np.median([rate for _, rate in known]))
