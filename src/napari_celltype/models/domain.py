"""What a model's input was like in training, and recordings that are unlike it.

The properties do not depend on the scale or the offset of a trace, so that raw
fluorescence of any microscope can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.recording import Traces
from napari_celltype.recording.windows import WindowPlan, means_in_gaps

TRACE_PROPERTIES = ("noise", "skewness", "slow power", "smoothness")
POPULATION_PROPERTIES = ("synchrony", "slow oscillation")
PROPERTIES = (
    *TRACE_PROPERTIES,
    "neuropil",
    *POPULATION_PROPERTIES,
    "length",
    "frame rate",
)
SLOW = 0.1  # Hz
_SYNCHRONOUS = (0.02, 0.1)  # Hz, between which synchrony is measured
_FEWEST_ROIS = 10  # usable ones, of which synchrony means something
# Up states of anaesthesia and deep sleep come 0.3 to 1 times a second (Steriade 1993).
# Bands of 0.05 Hz; in the first four, awake cells are about as synchronous as above.
_OSCILLATION = tuple((low / 20, (low + 1) / 20) for low in range(2, 20))  # Hz
BELOW = 4
_BANDS = (_SYNCHRONOUS, *_OSCILLATION)
# Of fewer usable ROIs or less time, chance looks like a slow oscillation.
FEWEST_OSCILLATING, SHORTEST_OSCILLATION = 20, 240  # ROIs, s
# Shares of training sessions below and above which nothing is usual. An oscillation is
# unlike where it is strong only.
_QUANTILES = (0.01, 0.99)
_OWN_QUANTILES = {"slow oscillation": (0.0, 0.98)}
_UNITS = {"length": " s", "frame rate": " Hz"}
# What a value below and above the usual range may mean.
_DOUBT = "take the labels with more doubt"
_MEANING = {
    "noise": (
        "denoised or smoothed traces look so; take the raw F",
        "the signal may be too weak to tell types apart",
    ),
    "skewness": (
        "the cells may be silent; a longer recording may help",
        "look at the traces for artefacts",
    ),
    "slow power": (
        "high-passed or detrended traces look so; take the raw F",
        "bleaching or drift may hide what the cells do",
    ),
    "smoothness": (
        "look at the traces for artefacts",
        "denoised or interpolated traces look so; take the raw F",
    ),
    "synchrony": (_DOUBT, "stimulated slices, one-photon movies and motion look so"),
    "slow oscillation": (_DOUBT, "anaesthesia and deep sleep look so"),
    "neuropil": (_DOUBT, "traces of one-photon movies follow their neuropil so"),
    "length": ("record for longer", "nothing was checked on recordings this long"),
    "frame rate": ("check the frame rate", "check the frame rate"),
}


def trace_properties(
    traces: NDArray[np.floating], sampling_frequency: float
) -> dict[str, NDArray[np.float64]]:
    """Measure the `TRACE_PROPERTIES` of traces (n_rois, n_frames)."""
    # noise: deviation of the noise from frame to frame (robust) over the deviation of
    # the trace. skewness. slow power: share of the power below 0.1 Hz. smoothness:
    # correlation of one difference of neighbouring frames with the next, -0.5 for white
    # noise. NaN for traces without change; four frames are the least.
    values = np.asarray(traces, dtype=np.float64)
    values = values - values.mean(axis=1, keepdims=True)
    steps = np.diff(values, axis=1)
    power = np.abs(np.fft.rfft(values, axis=1)) ** 2
    slow = np.fft.rfftfreq(values.shape[1], 1 / sampling_frequency) < SLOW
    variance = (values**2).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            # The median of |a - b| of two normal values is 0.6745 * sqrt(2) of theirs.
            "noise": np.median(np.abs(steps), axis=1) / 0.9539 / np.sqrt(variance),
            "skewness": (values**3).mean(axis=1) / variance**1.5,
            "slow power": power[:, slow].sum(axis=1) / power.sum(axis=1),
            "smoothness": (steps[:, 1:] * steps[:, :-1]).sum(axis=1)
            / (steps**2).sum(axis=1),
        }
    constant = np.ptp(traces, axis=1) == 0
    return {name: np.where(constant, np.nan, value) for name, value in found.items()}


def correlations(
    traces: NDArray[np.float32], neuropil: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return each ROI's correlation with its neuropil; NaN of constant or bad ones."""
    first, second = (
        values.reshape(len(values), -1).astype(np.float64)
        for values in (traces, neuropil)
    )
    first = first - first.mean(axis=1, keepdims=True)
    second = second - second.mean(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: NDArray[np.float64] = (first * second).sum(axis=1) / np.sqrt(
            (first**2).sum(axis=1) * (second**2).sum(axis=1)
        )
    return found


class RecordingProperties:
    """The `PROPERTIES` of a recording, (n_rois,) each, block by block of its windows.

    The properties of traces are those of a model's windows, at its frame rate, averaged
    over a ROI's windows: so they do not depend on the recording's length. The others
    are the same for all ROIs, but "neuropil", the correlation with the neuropil traces.
    NaN for ROIs without a usable trace.

    What the ROIs do together is measured in bands of frequencies. synchrony: mean
    correlation of two ROIs between 0.02 and 0.1 Hz; NaN with fewer than 10 ROIs. slow
    oscillation: how much higher that correlation is in the highest two neighbouring
    bands of 0.05 Hz between 0.3 and 1 Hz than, on average, in those from 0.1 to 0.3 Hz;
    NaN with fewer than 20 ROIs or 4 minutes.
    """

    def __init__(
        self,
        plan: WindowPlan,
        sampling_frequency: float,
        n_rois: int,
        neuropil: Traces | None,
    ) -> None:
        self._plan, self._neuropil = plan, neuropil
        self._rate = sampling_frequency / plan.ratio
        self._found = {name: np.full(n_rois, np.nan) for name in PROPERTIES}
        seconds = sum(p.stop - p.start for p in plan.pieces) / sampling_frequency
        self._found["length"][:] = seconds
        self._found["frame rate"][:] = sampling_frequency
        self._sums: list[Any] = [0.0] * len(_BANDS)
        self._n_lively = 0

    def add(
        self, rows: slice, windows: NDArray[np.float32], alive: NDArray[np.bool_]
    ) -> None:
        """Take in the windows of some ROIs, of which those `alive` change at all."""
        windows = means_in_gaps(windows)
        owner, counts = np.nonzero(alive)[0], alive.sum(axis=1)
        for name, values in trace_properties(windows[alive], self._rate).items():
            total = np.bincount(owner, values, minlength=len(counts))
            self._found[name][rows][counts > 0] = total[counts > 0] / counts[counts > 0]
        if alive.all(axis=1).any():
            self._add_bands(windows[alive.all(axis=1)])
        if self._neuropil is not None:
            around = self._plan.cut(np.asarray(self._neuropil[rows], dtype=np.float32))
            around = means_in_gaps(around)
            self._found["neuropil"][rows] = correlations(windows, around)

    def _add_bands(self, windows: NDArray[np.float32]) -> None:
        traces = windows.reshape(len(windows), -1)
        frequencies = np.fft.rfftfreq(traces.shape[1], 1 / self._rate)
        spectrum = np.fft.rfft(traces, axis=1)
        self._n_lively += len(windows)
        for number, (low, high) in enumerate(_BANDS):
            # By Parseval's theorem, traces of unit variance up to a constant.
            band = spectrum[:, (frequencies >= low) & (frequencies < high)]
            with np.errstate(divide="ignore", invalid="ignore"):
                band = band / np.sqrt((np.abs(band) ** 2).sum(axis=1, keepdims=True))
            self._sums[number] = self._sums[number] + np.nan_to_num(band).sum(axis=0)

    def values(self) -> dict[str, NDArray[np.float64]]:
        """Return the properties of all ROIs that were taken in."""
        n = self._n_lively
        if n < _FEWEST_ROIS or not np.size(self._sums[0]):
            return self._found
        # The variance of a sum of n unit variables is n + n (n - 1) correlation.
        slow, *bands = (
            (float((np.abs(total) ** 2).sum()) - n) / (n * (n - 1))
            for total in self._sums
        )
        self._found["synchrony"][:] = slow
        seconds = self._plan.n_windows * self._plan.window_frames / self._rate
        if n >= FEWEST_OSCILLATING and seconds >= SHORTEST_OSCILLATION:
            pairs = np.convolve(bands[BELOW:], [0.5, 0.5], "valid")
            above = float(pairs.max() - np.mean(bands[:BELOW]))
            self._found["slow oscillation"][:] = above
        return self._found


def domain_of(
    properties: Mapping[str, NDArray[np.float64]],
) -> dict[str, dict[str, float]]:
    """Return what is usual of each property over cells as in training."""
    # `properties` come from `RecordingProperties`, of all sessions in a row. A name
    # such as "median noise" holds medians of whole recordings, which vary less than
    # cells do.
    limits = {}
    for name, values in properties.items():
        if not np.isfinite(values).any():
            continue
        low, high = np.nanquantile(values, _OWN_QUANTILES.get(name, _QUANTILES))
        limits[name] = {"low": float(f"{low:.4g}"), "high": float(f"{high:.4g}")}
    return limits


def unlike(
    domain: Mapping[str, Mapping[str, float]],
    properties: Mapping[str, NDArray[np.float64]],
) -> tuple[list[str], list[list[str]]]:
    """Compare the properties of a recording with the domain on a model's card."""
    # Returns a sentence for each property whose median over the ROIs is unusual
    # (compared with "median noise" and so on, where a card has it), and of each ROI the
    # names of the unusual properties of its trace.
    sentences = []
    n_rois = len(next(iter(properties.values()), ()))
    of_rois: list[list[str]] = [[] for _ in range(n_rois)]
    for name, values in properties.items():
        known = values[np.isfinite(values)]
        if name not in domain or not known.size:
            continue
        median = float(np.median(known))
        usual = domain.get(f"median {name}", domain[name])
        sentences += _unlike_sentence(name, median, usual["low"], usual["high"])
        if name in TRACE_PROPERTIES:
            low, high = domain[name]["low"], domain[name]["high"]
            for roi_id in np.flatnonzero((values < low) | (values > high)):
                of_rois[roi_id].append(name)
    return sentences, of_rois


def _unlike_sentence(name: str, median: float, low: float, high: float) -> list[str]:
    """Return what is wrong with a recording's median, if anything is."""
    # A hundredth more: a frame rate of 30.03 Hz is one of 30 Hz.
    slack = 0.01 * max(abs(low), abs(high))
    if low - slack <= median <= high + slack:
        return []
    is_above = median > high
    unit = _UNITS.get(name, "")
    value = f"{'median ' * (name in TRACE_PROPERTIES)}{name} {median:.3g}{unit}"
    return [
        f"This recording is unlike the model's training data: {value}, "
        f"{'above' if is_above else 'below'} the usual {low:.3g} to {high:.3g}{unit}; "
        f"{_MEANING[name][is_above]}."
    ]
