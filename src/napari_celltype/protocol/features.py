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
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import uniform_filter1d
from scipy.stats import kurtosis, skew
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from napari_celltype.recording.windows import means_in_gaps

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
# Hz, where nobody knows the frame rate.
_UNKNOWN_RATE = 10.0
# Numbers of all traces that are worked on at once, 8 MB.
_AT_ONCE = 2**20


def trace_features(
    traces: ArrayLike, sampling_frequency: float | None
) -> tuple[Numbers, tuple[str, ...]]:
    """Return named numbers of each trace."""
    traces = means_in_gaps(np.asarray(traces))
    rows = max(1, _AT_ONCE // max(1, traces.shape[1]))
    found = []
    # Of one empty block there are names, too.
    for first in range(0, max(1, len(traces)), rows):
        block = traces[first : first + rows].astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            named = dict(_describe(block, sampling_frequency or _UNKNOWN_RATE))
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


def _describe(traces: Numbers, fs: float) -> Named:
    deviation = traces.std(axis=1, keepdims=True)
    z = (traces - traces.mean(axis=1, keepdims=True)) / np.where(
        deviation > 0, deviation, 1.0
    )
    # Of white noise, in deviations of the trace.
    noise = np.median(np.abs(np.diff(z, axis=1)), axis=1) / (0.6745 * np.sqrt(2))
    yield "noise level", noise
    yield from _values(z)
    yield from _spectrum(z, fs)
    yield from _autocorrelation(z, fs)
    yield from _changes(z, fs)
    n = z.shape[1]
    n_blocks = max(1, n // _frames(_BLOCK, fs))
    length = n // n_blocks
    blocks = z[:, : n_blocks * length].reshape(len(z), n_blocks, length)
    low = np.quantile(blocks, BASELINE, axis=2)
    yield "deviation of the slow baseline", low.std(axis=1)
    yield "deviation of block means", blocks.mean(axis=2).std(axis=1)
    spread = blocks.std(axis=2)
    yield "spread of block deviations", spread.std(axis=1) / spread.mean(axis=1)
    # The baseline between the middles of the blocks; the first and last value beyond.
    place = ((np.arange(n) + 0.5) / length - 0.5).clip(0, n_blocks - 1)
    left = np.minimum(place.astype(int), max(0, n_blocks - 2))
    right = np.minimum(left + 1, n_blocks - 1)
    weight = place - left
    baseline = low[:, left] * (1 - weight) + low[:, right] * weight
    rest = baseline + BASELINE_TO_MEAN * noise[:, None]
    yield from _transients(z - rest, noise, fs)


def _frames(seconds: float, fs: float) -> int:
    return max(1, round(seconds * fs))


def _values(z: Numbers) -> Named:
    yield "skewness", skew(z, axis=1)
    yield "kurtosis", kurtosis(z, axis=1)
    quantiles = np.percentile(z, _QUANTILES, axis=1)
    yield from (
        (f"{p} % quantile", q) for p, q in zip(_QUANTILES, quantiles, strict=True)
    )
    yield "largest value", z.max(axis=1)


def _spectrum(z: Numbers, fs: float) -> Named:
    """Shares of the power, with and without a white floor, in bands."""
    frequencies = np.fft.rfftfreq(z.shape[1], 1 / fs)[1:]
    power = np.abs(np.fft.rfft(z, axis=1)[:, 1:]) ** 2
    floor = np.median(power[:, -max(1, power.shape[1] // 5) :], axis=1) / np.log(2)
    clean = np.maximum(power - floor[:, None], 0.0)
    for what, spectrum in (("power", power), ("power above noise", clean)):
        total = spectrum.sum(axis=1)
        for low, high in pairwise(EDGES):
            inside = (frequencies > low) & (frequencies <= high)
            share = spectrum[:, inside].sum(axis=1) / total
            yield f"{what} {low:g}-{high:g} Hz", share
    share = power / power.sum(axis=1, keepdims=True)
    half = (np.cumsum(share, axis=1) < 0.5).sum(axis=1).clip(max=len(frequencies) - 1)
    yield "median frequency", frequencies[half]
    entropy = -(share * np.log(share + 1e-12)).sum(axis=1)
    yield "spectral entropy", entropy / np.log(max(2, len(frequencies)))


def _autocorrelation(z: Numbers, fs: float) -> Named:
    n = z.shape[1]
    # Zeros keep the end of a trace from meeting its beginning.
    power = np.abs(np.fft.rfft(z, 2 * n, axis=1)) ** 2
    products = np.fft.irfft(power, 2 * n, axis=1)
    for seconds in _LAGS:
        lag = round(seconds * fs)
        values = np.full(len(z), np.nan)
        if 1 <= lag <= n // 2:
            values = products[:, lag] / (n - lag)
        yield f"autocorrelation at {seconds:g} s", values


def _changes(z: Numbers, fs: float) -> Named:
    step = min(_frames(_DIFFERENCE, fs), z.shape[1] - 1)
    change = z[:, step:] - z[:, : z.shape[1] - step]
    yield f"skewness of changes in {_DIFFERENCE:g} s", skew(change, axis=1)
    low, high = np.percentile(change, (2, 98), axis=1)
    yield "rises to falls", -high / low
    yield "share of rising frames", (np.diff(z, axis=1) > 0).mean(axis=1)
    for level in (0, 1, 2):
        crossed = ((z[:, :-1] <= level) & (z[:, 1:] > level)).sum(axis=1)
        counts = crossed.astype(float) * (60 * fs) / z.shape[1]
        yield f"crossings of {level} deviations per minute", counts


def _transients(above: Numbers, noise: Numbers, fs: float) -> Named:
    """Return numbers of the times that a smoothed trace is above its noise."""
    n_traces, n_frames = above.shape
    smooth = uniform_filter1d(above, _frames(_SMOOTH, fs), axis=1)
    # In a trace without noise all that rises is a transient.
    smooth /= np.where(noise > 0, noise, np.finfo(float).eps)[:, None]
    for level in _LEVELS:
        active = smooth > level
        counts = np.count_nonzero(np.diff(active, axis=1, prepend=0) > 0, axis=1)
        per_minute = counts.astype(float) * (60 * fs) / n_frames
        yield f"transients above {level} noise per minute", per_minute
        yield f"share of time above {level} noise", active.mean(axis=1)
    low, high = _LEVELS[:2]
    trace, start, stop, peak, height = _runs(smooth, low, high)
    rise, decay = peak - start + 1, stop - peak
    # From one transient to the next of the same trace.
    same = trace[1:] == trace[:-1]
    for what, of, values in (
        ("height (noise)", trace, height),
        ("width (s)", trace, (stop - start) / fs),
        ("rise (s)", trace, rise / fs),
        ("decay (s)", trace, decay / fs),
        ("decay to width", trace, decay / (rise + decay)),
        ("interval (s)", trace[1:][same], np.diff(start)[same] / fs),
    ):
        yield from _of_each(f"transients: {what}", of, values, n_traces)


def _of_each(
    what: str, trace: NDArray[np.int64], values: NDArray[Any], n_traces: int
) -> Named:
    """Return median, variation and largest of the values of each trace."""
    found = pd.Series(values).groupby(trace).agg(["median", "max"])
    median, largest = found.reindex(range(n_traces)).to_numpy(dtype=float).T
    count = np.bincount(trace, minlength=n_traces)
    mean = np.bincount(trace, values, n_traces) / count
    square = np.bincount(trace, values.astype(float) ** 2, n_traces) / count
    yield f"{what}, median", median
    yield f"{what}, variation", np.sqrt(np.maximum(square - mean**2, 0)) / mean
    yield f"{what}, largest", largest


def _runs(values: Numbers, low: float, high: float) -> tuple[NDArray[Any], ...]:
    """Return trace, start, stop, peak and height of the times above `low` to `high`."""
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
    return tuple(c[kept] for c in (trace, start, stop, start + at, height))
