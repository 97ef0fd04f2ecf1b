"""How a neuron fires: intervals, bursts, responses to stimuli."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from paired_cells import Array, PairedCell

SHORT_INTERVAL = 0.015  # s; spikes closer than this are one burst


def intervals(cell: PairedCell) -> Iterator[Array]:
    """Yield the intervals between the spikes of each trial, s."""
    for trial in cell.trials:
        if trial.spikes.size > 2:
            yield np.diff(trial.spikes)


def local_variation(cell: PairedCell) -> float:
    """Return LV (Shinomoto 2003): 1 for Poisson, 3 / (2 k + 1) for gamma order k."""
    parts = []
    for between in intervals(cell):
        total = between[1:] + between[:-1]
        parts.append(3 * np.square(np.diff(between) / np.maximum(total, 1e-9)))
    return float(np.mean(np.concatenate(parts))) if parts else float("nan")


def burst_lengths(cell: PairedCell) -> NDArray[np.int64]:
    """Return the spikes of each event; intervals < `SHORT_INTERVAL` join spikes."""
    lengths = []
    for trial in cell.trials:
        if trial.spikes.size:
            ends = np.flatnonzero(np.diff(trial.spikes) >= SHORT_INTERVAL)
            edges = np.concatenate([[-1], ends, [trial.spikes.size - 1]])
            lengths.append(np.diff(edges))
    return np.concatenate(lengths) if lengths else np.zeros(0, np.int64)


@dataclass(frozen=True)
class Episodes:
    """Responses of a slowly firing cell to stimuli, as its spikes show them."""

    resting: float  # rate outside them, Hz
    intervals: Array  # between onsets, s
    decays: Array  # from the peak to 1/e of it, s
    peaks: Array  # Hz


def episodes(cell: PairedCell) -> Episodes:
    """Find the stretches in which a cell fires far above its middle rate."""
    rates = []
    for trial in cell.trials:
        edges = np.arange(trial.times[0], trial.times[-1], 1.0)
        rates.append(np.histogram(trial.spikes, edges)[0].astype(np.float64))
    everything = np.concatenate(rates)
    threshold = max(0.25 * np.quantile(everything, 0.995), 5.0)
    between, decays, peaks, outside = [], [], [], []
    for rate in rates:
        onsets, ends = _crossings(rate, threshold, threshold / 2)
        between.append(np.diff(onsets))
        inside = np.zeros(rate.size, bool)
        for onset, end in zip(onsets, ends, strict=True):
            inside[onset:end] = True
            peak = onset + int(np.argmax(rate[onset:end]))
            below = np.flatnonzero(rate[peak:] < rate[peak] / np.e)
            if below.size:
                decays.append(float(below[0]))
            peaks.append(float(rate[peak]))
        outside.append(rate[~inside])
    silence = np.concatenate(outside)
    return Episodes(
        float(silence.mean()) if silence.size else float("nan"),
        np.concatenate(between).astype(np.float64),
        np.array(decays),
        np.array(peaks),
    )


def _crossings(rate: Array, up: float, down: float) -> tuple[list[int], list[int]]:
    onsets: list[int] = []
    ends: list[int] = []
    inside = False
    for second, value in enumerate(rate):
        if not inside and value > up:
            onsets.append(second)
        elif inside and value < down:
            ends.append(second)
        inside = len(onsets) > len(ends)
    if inside:
        ends.append(rate.size)
    return onsets, ends
