"""What one spike does to dF/F: fits of the simulator's own response to real spikes.

A spike adds calcium of unit peak, (1 - tail) exp(-t / decay) + tail exp(-t / slow)
- exp(-t / rise); calcium c shows as amplitude g(c) / g(1), where
g(c) = c**e / (1 + (c / saturation)**e).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from paired_cells import Array, PairedCell, Trial
from scipy.signal import lfilter

RISES = np.array([0.003, 0.006, 0.01, 0.016, 0.025, 0.04, 0.06, 0.09, 0.13, 0.2])
DECAYS = np.geomspace(0.1, 4.0, 17)
SLOW = np.array([1.5, 3.0, 6.0])
TAILS = np.array([0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4])
EXPONENTS = np.array([1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75])
# Of the largest one all that can be said is that saturation is not reached.
SATURATIONS = np.array([4.0, 6.0, 9.0, 13.0, 20.0, 30.0, 60.0])
FIT_RATE = 40.0  # Hz; faster recordings are averaged down to about this
DRIFT_PERIOD = 60.0  # s; what changes more slowly is left out of data and model alike


@dataclass(frozen=True)
class Response:
    """The best fit of one cell, for the exponent and saturation of its indicator."""

    amplitude: float
    rise: float
    decay: float
    tail: float
    slow: float
    explained: float


class CellFit:
    """One cell's dF/F, and the calcium of its spikes for each time constant."""

    def __init__(self, cell: PairedCell) -> None:
        constants = np.concatenate([RISES, DECAYS, SLOW])
        sums, values, self._bases = [], [], []
        start = 0
        for trial in cell.trials:
            every = max(round(1 / trial.step / FIT_RATE), 1)
            n = trial.dff.size // every
            blocks = exponential_sums(trial, constants)[:, : n * every]
            sums.append(blocks.reshape(constants.size, n, every).mean(axis=2))
            values.append(trial.dff[: n * every].reshape(n, every).mean(axis=1))
            n_slow = int(2 * trial.seconds / DRIFT_PERIOD)
            phase = np.pi * (np.arange(n) + 0.5) / n
            basis = np.cos(phase[:, None] * np.arange(n_slow + 1))
            basis /= np.linalg.norm(basis, axis=0)
            self._bases.append((slice(start, start + n), basis))
            start += n
        self._sums = np.concatenate(sums, axis=1)
        # Without drift.
        self.target = np.concatenate(values)
        for where, basis in self._bases:
            self.target[where] -= basis @ (basis.T @ self.target[where])

    def calcium(self, rise: int, decay: int, tail: float = 0, slow: int = 0) -> Array:
        """Return calcium for indices into RISES, DECAYS and SLOW."""
        falling = self._sums[RISES.size + decay]
        if tail:
            late = self._sums[RISES.size + DECAYS.size + slow]
            falling = (1 - tail) * falling + tail * late
        peak = kernel_peak(RISES[rise], DECAYS[decay], tail, SLOW[slow])
        calcium: Array = np.maximum((falling - self._sums[rise]) / peak, 0)
        return calcium

    def match(
        self, calcium: Array, exponent: float, saturations: Array
    ) -> tuple[Array, Array]:
        """Return the amplitude of one spike and the share of variance explained."""
        powered = calcium if exponent == 1 else calcium**exponent
        half = saturations[:, None] ** exponent
        model = powered / (1 + powered / half) * (1 + 1 / half)
        # Of the model without drift; the bases are orthonormal.
        power, along = np.square(model).sum(axis=1), model @ self.target
        for where, basis in self._bases:
            power -= np.square(model[:, where] @ basis).sum(axis=1)
        power = np.maximum(power, np.finfo(float).tiny)
        along = np.maximum(along, 0)
        return along / power, along**2 / power / float(self.target @ self.target)


def exponential_sums(trial: Trial, constants: Array) -> Array:
    """Return, at each frame, the sum of exp(-age / constant) over the spikes before."""
    frame = np.searchsorted(trial.times, trial.spikes)
    inside = frame < trial.times.size
    frame, spikes = frame[inside], trial.spikes[inside]
    age = trial.times[frame] - spikes
    sums = np.empty((constants.size, trial.times.size))
    for row, constant in enumerate(constants):
        arriving = np.bincount(frame, np.exp(-age / constant), trial.times.size)
        kept = np.exp(-trial.step / constant)
        sums[row] = lfilter([1.0], [1.0, -kept], arriving)
    return sums


def kernel_peak(rise: float, decay: float, tail: float = 0, slow: float = 1) -> float:
    """Return the largest value of the kernel before it is given unit peak."""
    times = rise * np.linspace(0, 12, 400)
    late = tail * np.exp(-times / slow) + (1 - tail) * np.exp(-times / decay)
    return float(np.max(late - np.exp(-times / rise)))


def pairs() -> list[tuple[int, int]]:
    """Return the indices of rise and decay in which the decay is the slower one."""
    return [
        (r, d)
        for r, d in product(range(RISES.size), range(DECAYS.size))
        if RISES[r] < 0.5 * DECAYS[d]
    ]


def nonlinearity_scores(fit: CellFit) -> Array:
    """Return the share of variance explained, (n_exponents, n_saturations)."""
    explained = np.zeros((EXPONENTS.size, SATURATIONS.size))
    for rise, decay in pairs():
        if rise % 2 or decay % 2:
            continue
        calcium = fit.calcium(rise, decay)
        for row, exponent in enumerate(EXPONENTS):
            shares = fit.match(calcium, exponent, SATURATIONS)[1]
            explained[row] = np.maximum(explained[row], shares)
    return explained


def best_nonlinearity(scores: Sequence[Array]) -> tuple[float, float]:
    """Return exponent and saturation that suit all cells; cells count alike."""
    mean = np.mean(scores, axis=0)
    row, column = np.unravel_index(mean.argmax(), mean.shape)
    return float(EXPONENTS[row]), float(SATURATIONS[column])


def fit_response(fit: CellFit, exponent: float, saturation: float) -> Response:
    """Fit rise, decay and amplitude, then a slow tail, of one cell."""
    best = Response(0.0, float(RISES[0]), float(DECAYS[0]), 0.0, 0.0, -1.0)
    rise = decay = 0

    def improve(r: int, d: int, tail: float, slow: int) -> Response:
        calcium = fit.calcium(r, d, tail, slow)
        amplitude, explained = fit.match(calcium, exponent, np.array([saturation]))
        if explained[0] <= best.explained:
            return best
        return Response(
            float(amplitude[0]),
            float(RISES[r]),
            float(DECAYS[d]),
            tail,
            float(SLOW[slow]) if tail else 0.0,
            float(explained[0]),
        )

    for r, d in pairs():
        better = improve(r, d, 0.0, 0)
        if better is not best:
            best, rise, decay = better, r, d
    for d, tail, slow in product(range(decay + 1), TAILS, range(SLOW.size)):
        if RISES[rise] < 0.5 * DECAYS[d] and SLOW[slow] > 2 * DECAYS[d]:
            best = improve(rise, d, float(tail), slow)
    return best
