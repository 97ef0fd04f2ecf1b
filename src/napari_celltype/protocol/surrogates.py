"""Traces that keep only a part of what a real trace says.

What a trained model still gets right on them does not come from the part that is gone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK_SECONDS = 1.0
# Of traces whose frame rate nobody knows: a second of the usual 30 Hz.
BLOCK_FRAMES = 30
# Traces whose spectra are in memory at once.
TRACES_AT_ONCE = 256


def phase_randomised(
    traces: NDArray[np.float32], random: np.random.Generator
) -> NDArray[np.float32]:
    """Return traces with the same power spectrum and random phases.

    Mean, deviation and rhythms stay; the shape of transients, their asymmetry and the
    skewness go (Theiler et al. 1992).

    Returns
    -------
    ndarray of float32, shape (n_traces, n_frames)
    """
    n_traces, n_frames = traces.shape
    randomised = np.empty((n_traces, n_frames), dtype=np.float32)
    for start in range(0, n_traces, TRACES_AT_ONCE):
        block = slice(start, start + TRACES_AT_ONCE)
        spectrum = np.fft.rfft(traces[block].astype(np.float64))
        turn = np.exp(2j * np.pi * random.random(spectrum.shape))
        # The mean and, of an even number of frames, the fastest wave are real.
        turn[:, 0] = 1
        if n_frames % 2 == 0:
            turn[:, -1] = 1
        randomised[block] = np.fft.irfft(spectrum * turn, n_frames)
    return randomised


def blocks_shuffled(
    traces: NDArray[np.float32], block_frames: int, random: np.random.Generator
) -> NDArray[np.float32]:
    """Return traces whose blocks are in a random order, another one for each trace.

    All values and most single transients stay; everything slower than a block goes.

    Parameters
    ----------
    traces : ndarray, shape (n_traces, n_frames)
    block_frames : int
        Frames of a block; the last block may be shorter.

    Returns
    -------
    ndarray of float32, shape (n_traces, n_frames)
    """
    n_frames = traces.shape[1]
    block = np.arange(n_frames) // block_frames
    n_blocks = int(block[-1]) + 1
    shuffled = np.empty(traces.shape, dtype=np.float32)
    for row, trace in enumerate(traces):
        rank = random.permutation(n_blocks)
        shuffled[row] = trace[np.argsort(rank[block], kind="stable")]
    return shuffled


def block_frames(sampling_frequency: float | None) -> int:
    """Return the frames of one second, or `BLOCK_FRAMES` without a frame rate (Hz)."""
    if sampling_frequency is None:
        return BLOCK_FRAMES
    return max(1, round(BLOCK_SECONDS * sampling_frequency))


def surrogates_of(
    traces: NDArray[np.float32], sampling_frequency: float | None, seed: int
) -> dict[str, NDArray[np.float32]]:
    """Return each kind of surrogate of all traces.

    Parameters
    ----------
    traces : ndarray, shape (n_traces, n_frames)
    sampling_frequency : float or None
        Hz.
    seed : int

    Returns
    -------
    dict of str to ndarray of float32, shape (n_traces, n_frames)
        "phase-randomised" and "shuffled blocks".
    """
    random = np.random.default_rng(seed)
    return {
        "phase-randomised": phase_randomised(traces, random),
        "shuffled blocks": blocks_shuffled(
            traces, block_frames(sampling_frequency), random
        ),
    }


def surrogate_note(sampling_frequency: float | None) -> str:
    """Return the sentence that says what the surrogates of a report are."""
    block = (
        f"blocks of {BLOCK_FRAMES} frames, because the frame rate is not known"
        if sampling_frequency is None
        else f"blocks of one second ({block_frames(sampling_frequency)} frames)"
    )
    return (
        "Surrogates of the test traces: phases of the spectrum at random (power "
        f"spectrum and mean stay), and {block} in random order (all values stay)."
    )
