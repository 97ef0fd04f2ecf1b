"""Named numbers of a trace, and boosted trees on them.

The rival that a reviewer would ask for: what a network knows beyond some sixty numbers
that anyone can compute and name. All of them are of the z-scored trace, so neither its
unit nor its baseline matters. docs/baselines.md lists them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import uniform_filter1d
from scipy.stats import kurtosis, skew
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

Numbers = NDArray[np.float64]
# Name and one number per trace.
Named = Iterator[tuple[str, NDArray[Any] | np.float64]]

_QUANTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
# Hz; the last edge of all is the Nyquist frequency where that is lower.
EDGES = (0.0, 0.05, 0.1, 0.3, 1.0, 2.0, 5.0)
# Seconds.
_LAGS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_BLOCK = 30.0
_SMOOTH = 0.3
_DIFFERENCE = 0.5
# Noise deviations above the baseline.
_LEVELS = (2, 3, 5)
# The baseline of a block is this quantile, and so many noise deviations more, which is
# the mean of white noise.
BASELINE, BASELINE_TO_MEAN = 0.2, 0.84
# Of the trees, where a trace has no such number.
_UNDEFINED = -1e6
# Traces without a frame rate are described as if they had this one, in frames.
_UNKNOWN_RATE = 10.0
# Numbers of all traces that are worked on at once, 8 MB.
_AT_ONCE = 2**20


def trace_features(
    traces: ArrayLike, sampling_frequency: float | None
) -> tuple[Numbers, tuple[str, ...]]:
    """Return named numbers of each trace."""
    traces = np.asarray(traces)
    rows = max(1, _AT_ONCE // max(1, traces.shape[1]))
    scale = _Scale(sampling_frequency)
    found = []
    # Of one empty block there are names, too.
    for first in range(0, max(1, len(traces)), rows):
        block = traces[first : first + rows].astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            named = dict(_describe(block, scale))
        found.append(np.stack(list(named.values()), axis=1))
    return np.concatenate(found), tuple(named)


def boosted_trees(seed: int, sampling_frequency: float | None) -> Pipeline:
    """Return scikit-learn's boosted trees on `trace_features`, not yet trained."""
    features = FunctionTransformer(
        _numbers, kw_args={"sampling_frequency": sampling_frequency}
    )
    # Small trees of few numbers each train faster, and on few cells learn no less.
    model = HistGradientBoostingClassifier(
        learning_rate=0.05, max_leaf_nodes=8, max_features=0.3, random_state=seed
    )
    return Pipeline([("features", features), ("model", model)])


def _numbers(traces: ArrayLike, sampling_frequency: float | None) -> Numbers:
    found, _ = trace_features(traces, sampling_frequency)
    # scikit-learn takes NaN, but not in all traces.
    return np.nan_to_num(found, nan=_UNDEFINED)


class _Scale:
    """Seconds and Hz, or frames where the frame rate is not known."""

    def __init__(self, sampling_frequency: float | None) -> None:
        self.known = sampling_frequency is not None
        self.fs = sampling_frequency or _UNKNOWN_RATE

    def frames(self, seconds: float) -> int:
        return max(1, round(seconds * self.fs))

    def time(self, seconds: float) -> str:
        """Return "0.5 s" or "5 frames"."""
        return f"{seconds:g} s" if self.known else f"{self.frames(seconds)} frames"

    def duration(self, frames: NDArray[Any]) -> NDArray[Any]:
        return frames / self.fs if self.known else frames

    @property
    def unit(self) -> str:
        return "s" if self.known else "frames"

    def band(self, low: float, high: float) -> str:
        """Return "0.1-0.3 Hz" or "0.01-0.03 cycles per frame"."""
        unit, per = ("Hz", 1.0) if self.known else ("cycles per frame", self.fs)
        return f"{low / per:g}-{high / per:g} {unit}"

    def rate(self, counts: Numbers, n_frames: int) -> Numbers:
        """Return counts per minute, or per 1,000 frames."""
        return counts * (60 * self.fs if self.known else 1000) / n_frames

    @property
    def per(self) -> str:
        return "per minute" if self.known else "per 1000 frames"


def _describe(traces: Numbers, scale: _Scale) -> Named:
    deviation = traces.std(axis=1, keepdims=True)
    z = (traces - traces.mean(axis=1, keepdims=True)) / np.where(
        deviation > 0, deviation, 1.0
    )
    # Of white noise, in deviations of the trace.
    noise = np.median(np.abs(np.diff(z, axis=1)), axis=1) / (0.6745 * np.sqrt(2))
    yield "noise level", noise
    yield from _values(z)
    yield from _spectrum(z, scale)
    yield from _autocorrelation(z, scale)
    yield from _changes(z, scale)
    baseline, numbers = _baseline(z, scale)
    yield from numbers
    rest = baseline + BASELINE_TO_MEAN * noise[:, None]
    yield from _transients(z - rest, noise, scale)


def _values(z: Numbers) -> Named:
    yield "skewness", skew(z, axis=1)
    yield "kurtosis", kurtosis(z, axis=1)
    quantiles = np.percentile(z, _QUANTILES, axis=1)
    for percent, values in zip(_QUANTILES, quantiles, strict=True):
        yield f"{percent} % quantile", values
    yield "largest value", z.max(axis=1)


def _spectrum(z: Numbers, scale: _Scale) -> Named:
    """Shares of the power, with and without a white floor, in bands."""
    frequencies = np.fft.rfftfreq(z.shape[1], 1 / scale.fs)[1:]
    power = np.abs(np.fft.rfft(z, axis=1)[:, 1:]) ** 2
    floor = np.median(power[:, -max(1, power.shape[1] // 5) :], axis=1) / np.log(2)
    clean = np.maximum(power - floor[:, None], 0.0)
    for what, spectrum in (("power", power), ("power above noise", clean)):
        total = spectrum.sum(axis=1)
        for low, high in pairwise(EDGES):
            inside = (frequencies > low) & (frequencies <= high)
            share = spectrum[:, inside].sum(axis=1) / total
            yield f"{what} {scale.band(low, high)}", share
    share = power / power.sum(axis=1, keepdims=True)
    half = (np.cumsum(share, axis=1) < 0.5).sum(axis=1).clip(max=len(frequencies) - 1)
    yield "median frequency", frequencies[half] / (1.0 if scale.known else scale.fs)
    entropy = -(share * np.log(share + 1e-12)).sum(axis=1)
    yield "spectral entropy", entropy / np.log(max(2, len(frequencies)))


def _autocorrelation(z: Numbers, scale: _Scale) -> Named:
    n = z.shape[1]
    # Zeros keep the end of a trace from meeting its beginning.
    power = np.abs(np.fft.rfft(z, 2 * n, axis=1)) ** 2
    products = np.fft.irfft(power, 2 * n, axis=1)
    for seconds in _LAGS:
        lag = round(seconds * scale.fs)
        values = np.full(len(z), np.nan)
        if 1 <= lag <= n // 2:
            values = products[:, lag] / (n - lag)
        yield f"autocorrelation at {scale.time(seconds)}", values


def _changes(z: Numbers, scale: _Scale) -> Named:
    step = min(scale.frames(_DIFFERENCE), z.shape[1] - 1)
    change = z[:, step:] - z[:, : z.shape[1] - step]
    yield f"skewness of changes in {scale.time(_DIFFERENCE)}", skew(change, axis=1)
    low, high = np.percentile(change, (2, 98), axis=1)
    yield "rises to falls", -high / low
    yield "share of rising frames", (np.diff(z, axis=1) > 0).mean(axis=1)
    for level in (0, 1, 2):
        crossed = ((z[:, :-1] <= level) & (z[:, 1:] > level)).sum(axis=1)
        name = f"crossings of {level} deviations {scale.per}"
        yield name, scale.rate(crossed.astype(float), z.shape[1])


def _baseline(z: Numbers, scale: _Scale) -> tuple[Numbers, Named]:
    """Return the slow baseline of each trace, and numbers of blocks."""
    n = z.shape[1]
    n_blocks = max(1, n // scale.frames(_BLOCK))
    length = n // n_blocks
    blocks = z[:, : n_blocks * length].reshape(len(z), n_blocks, length)
    low = np.quantile(blocks, BASELINE, axis=2)
    # Between the middles of the blocks; the first and the last value beyond.
    place = ((np.arange(n) + 0.5) / length - 0.5).clip(0, n_blocks - 1)
    left = np.minimum(place.astype(int), max(0, n_blocks - 2))
    right = np.minimum(left + 1, n_blocks - 1)
    weight = place - left
    baseline = low[:, left] * (1 - weight) + low[:, right] * weight

    def numbers() -> Named:
        yield "deviation of the slow baseline", low.std(axis=1)
        yield "deviation of block means", blocks.mean(axis=2).std(axis=1)
        spread = blocks.std(axis=2)
        yield "spread of block deviations", spread.std(axis=1) / spread.mean(axis=1)

    return baseline, numbers()


def _transients(above: Numbers, noise: Numbers, scale: _Scale) -> Named:
    """Return numbers of the times that a smoothed trace is above its noise."""
    n_traces, n_frames = above.shape
    smooth = uniform_filter1d(above, scale.frames(_SMOOTH), axis=1)
    # In a trace without noise all that rises is a transient.
    smooth /= np.where(noise > 0, noise, np.finfo(float).eps)[:, None]
    for level in _LEVELS:
        active = smooth > level
        counts = np.count_nonzero(np.diff(active, axis=1, prepend=0) > 0, axis=1)
        name = f"transients above {level} noise {scale.per}"
        yield name, scale.rate(counts.astype(float), n_frames)
        yield f"share of time above {level} noise", active.mean(axis=1)
    low, high = _LEVELS[:2]
    runs = _Runs(smooth, low, high)
    rise, decay = runs.peak - runs.start + 1, runs.stop - runs.peak
    width = runs.stop - runs.start
    yield from _of_each("transients: height (noise)", runs.trace, runs.height, n_traces)
    for what, frames in (("width", width), ("rise", rise), ("decay", decay)):
        name = f"transients: {what} ({scale.unit})"
        yield from _of_each(name, runs.trace, scale.duration(frames), n_traces)
    asymmetry = decay / (rise + decay)
    yield from _of_each("transients: decay to width", runs.trace, asymmetry, n_traces)
    # From one transient to the next of the same trace.
    same = runs.trace[1:] == runs.trace[:-1]
    interval = scale.duration(np.diff(runs.start)[same])
    name = f"transients: interval ({scale.unit})"
    yield from _of_each(name, runs.trace[1:][same], interval, n_traces)


def _of_each(
    what: str, trace: NDArray[np.int64], values: NDArray[Any], n_traces: int
) -> Named:
    """Return median, variation and largest of the values of each trace."""
    count = np.bincount(trace, minlength=n_traces)
    some, first = count > 0, np.cumsum(count) - count
    ordered = values[np.lexsort((values, trace))]
    median, largest = np.full((2, n_traces), np.nan)
    if len(values):
        low = first[some] + (count[some] - 1) // 2
        high = first[some] + count[some] // 2
        median[some] = (ordered[low] + ordered[high]) / 2
        largest[some] = ordered[(first + count - 1)[some]]
    mean = np.bincount(trace, values, n_traces) / count
    square = np.bincount(trace, values.astype(float) ** 2, n_traces) / count
    yield f"{what}, median", median
    yield f"{what}, variation", np.sqrt(np.maximum(square - mean**2, 0)) / mean
    yield f"{what}, largest", largest


class _Runs:
    """The times that traces are above `low` and reach `high`, in order."""

    def __init__(self, values: Numbers, low: float, high: float) -> None:
        active = values > low
        edge = np.diff(active.astype(np.int8), axis=1, prepend=0, append=0)
        trace, start = np.nonzero(edge == 1)
        _, stop = np.nonzero(edge == -1)
        length = stop - start
        inside, first = values[active], np.cumsum(length) - length
        height, at = np.empty(0), np.empty(0, dtype=np.int64)
        if len(trace):
            height = np.maximum.reduceat(inside, first)
            place = np.arange(len(inside)) - np.repeat(first, length)
            place[inside < np.repeat(height, length)] = values.shape[1]
            at = np.minimum.reduceat(place, first)
        kept = height > high
        self.trace, self.height = trace[kept], height[kept]
        self.start, self.stop = start[kept], stop[kept]
        self.peak = self.start + at[kept]
