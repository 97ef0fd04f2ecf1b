"""Traces that keep only a part of what a real trace says.

What a model still gets right on them it does not get from the part that is gone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from known_cells import RealCell
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

CUTOFF = 0.1  # Hz
BLOCK_SECONDS = 1.0


def high_passed(cell: RealCell) -> RealCell:
    """Return the cell without what is slower than 0.1 Hz.

    A Butterworth filter of second order, run forwards and backwards (no phase shift)
    over each trial at its native rate.
    """
    rate = cell.sampling_frequency
    filter_ = butter(2, CUTOFF, "highpass", fs=rate, output="sos")

    def filtered(trial: NDArray[np.float32]) -> NDArray[np.float32]:
        padding = min(trial.size - 1, round(rate / CUTOFF))
        values = sosfiltfilt(filter_, trial.astype(np.float64), padlen=padding)
        return values.astype(np.float32)

    return replace(cell, trials=tuple(filtered(trial) for trial in cell.trials))


def phase_randomised(cell: RealCell, random: np.random.Generator) -> RealCell:
    """Return the cell with the power spectrum of each trial and random phases.

    Rates of events stay in the spectrum; their shape in time, asymmetry and skewness go
    (Theiler et al. 1992).
    """

    def randomised(trial: NDArray[np.float32]) -> NDArray[np.float32]:
        spectrum = np.fft.rfft(trial.astype(np.float64))
        turn = np.exp(2j * np.pi * random.random(spectrum.size))
        # The mean and, of an even number of frames, the fastest wave are real.
        turn[0] = 1
        if trial.size % 2 == 0:
            turn[-1] = 1
        return np.fft.irfft(spectrum * turn, trial.size).astype(np.float32)

    return replace(cell, trials=tuple(randomised(trial) for trial in cell.trials))


def blocks_shuffled(cell: RealCell, random: np.random.Generator) -> RealCell:
    """Return the cell with the one-second blocks of each trial in random order.

    All values and single transients stay; everything slower than a second goes.
    """
    size = max(1, round(BLOCK_SECONDS * cell.sampling_frequency))

    def shuffled(trial: NDArray[np.float32]) -> NDArray[np.float32]:
        blocks = [trial[start : start + size] for start in range(0, trial.size, size)]
        return np.concatenate([blocks[i] for i in random.permutation(len(blocks))])

    return replace(cell, trials=tuple(shuffled(trial) for trial in cell.trials))
