"""Every number of the simulator, with its unit and where it comes from.

A source names the study that the sign and the order of magnitude follow; the exact
range is this simulator's choice. "assumed" marks numbers without a study behind them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

# A log-normal parameter is given by its 5 % and 95 % points: 2 x 1.645 deviations.
_LOG_WIDTH = 3.29


@dataclass(frozen=True)
class Parameter:
    """One number of the simulator, or the range that it is drawn from.

    Attributes
    ----------
    meaning : str
        What it is, in words.
    low, high : float
        Ends of a uniform range, 5 % and 95 % points of a log-normal one, or twice the
        same value.
    unit : str
        Unit, empty for a plain number.
    source : str
        Author and year, or "assumed".
    distribution : {"uniform", "log-normal"}
        How values are drawn.
    negative : float
        Share of cells whose value has the opposite sign (mixed signs inside a type).
    """

    meaning: str
    low: float
    high: float
    unit: str
    source: str
    distribution: Literal["uniform", "log-normal"] = "uniform"
    negative: float = 0.0

    def draw(self, rng: np.random.Generator, size: int) -> NDArray[np.float32]:
        """Draw `size` values, shape (size,), in the parameter's unit."""
        if self.distribution == "log-normal":
            middle = np.log(self.low * self.high) / 2
            width = np.log(self.high / self.low) / _LOG_WIDTH
            values = np.exp(rng.normal(middle, width, size))
        else:
            values = rng.uniform(self.low, self.high, size)
        if self.negative:
            values = np.where(rng.random(size) < self.negative, -values, values)
        return values.astype(np.float32)

    def draw_one(self, rng: np.random.Generator) -> float:
        """Draw one value, in the parameter's unit."""
        return float(self.draw(rng, 1)[0])

    def range_text(self) -> str:
        """Return the range as the documentation shows it."""
        if self.low == self.high:
            text = f"{self.low:g}"
        else:
            text = f"{self.low:g} to {self.high:g}"
        if self.distribution == "log-normal":
            text += " (log-normal, 5-95 %)"
        if self.negative:
            text += f", sign reversed in {self.negative:.0%}"
        return text


def _fixed(meaning: str, value: float, unit: str, source: str) -> Parameter:
    return Parameter(meaning, value, value, unit, source)


BEHAVIOUR: dict[str, Parameter] = {
    "belt_length": Parameter(
        "length of the belt, one lap", 180, 200, "cm", "Danielson 2016"
    ),
    "run_duration": Parameter(
        "length of a running bout", 4, 40, "s", "assumed", "log-normal"
    ),
    "rest_duration": Parameter(
        "length of a rest between bouts", 2, 20, "s", "assumed", "log-normal"
    ),
    "quiet_rest_factor": _fixed(
        "rests in quiet wakefulness are longer by", 8, "", "assumed"
    ),
    "speed": Parameter("speed inside a bout", 6, 30, "cm/s", "Dombeck 2010"),
    "speed_change": _fixed("time in which speed wanders", 2, "s", "assumed"),
    "reward_pause": Parameter("stop at the reward", 0.5, 4, "s", "assumed"),
    "reward_decay": _fixed("decay of the reward signal", 1.5, "s", "assumed"),
    "approach_length": _fixed(
        "distance over which the reward is approached", 25, "cm", "Turi 2019"
    ),
    "arousal_decay": Parameter("decay of arousal", 3, 15, "s", "assumed"),
    "ripple_rate": Parameter(
        "sharp-wave ripples at rest", 0.1, 0.6, "1/s", "Buzsaki 2015"
    ),
    "ripple_duration": _fixed("length of a ripple", 0.08, "s", "Buzsaki 2015"),
    "slow_oscillation": Parameter(
        "slow oscillation under anaesthesia", 0.3, 1.0, "Hz", "Steriade 1993"
    ),
    "puff_interval": Parameter(
        "time between two stimuli in a slice-like session", 8, 40, "s", "assumed"
    ),
    "puff_decay": Parameter("decay of the response to one", 1, 8, "s", "assumed"),
}
"""Signals that all cells of a session share."""

REGIMES: dict[str, Parameter] = {
    "running": Parameter("share of running sessions", 0.5, 0.5, "", "assumed"),
    "quiet": Parameter("share of quiet sessions", 0.2, 0.2, "", "assumed"),
    "anaesthesia": Parameter("share of anaesthetised ones", 0.15, 0.15, "", "assumed"),
    "slice": Parameter("share of slice-like ones", 0.15, 0.15, "", "assumed"),
}
"""Regimes of a session; drawn without looking at the cell types."""

RATE_FACTORS: dict[str, Parameter] = {
    "running": _fixed("firing rates, running session", 1, "", "by definition"),
    "quiet": _fixed("firing rates, quiet session", 1, "", "by definition"),
    "anaesthesia": Parameter("rates under anaesthesia", 0.2, 0.7, "", "assumed"),
    "slice": Parameter("rates in a slice", 0.02, 0.3, "", "assumed", "log-normal"),
}
"""Factor on the resting rates in each regime."""

PLACE_CELLS: dict[str, Parameter] = {
    "share": Parameter("share of PY with a place field", 0.2, 0.5, "", "Dombeck 2010"),
    "width": Parameter("width (4 deviations) of a field", 20, 60, "cm", "Dombeck 2010"),
    "peak_rate": Parameter(
        "rate in the middle of a field",
        3,
        20,
        "Hz",
        "Mizuseki and Buzsaki 2013",
        "log-normal",
    ),
    "reliability": Parameter("share of laps with activity", 0.3, 0.9, "", "assumed"),
}
"""Place fields of PY, active while the animal runs."""

SPIKING: dict[str, dict[str, Parameter]] = {
    "PY": {
        "rest_rate": Parameter(
            "rate at rest", 0.05, 1.5, "Hz", "Mizuseki and Buzsaki 2013", "log-normal"
        ),
        "burst_share": Parameter(
            "share of events that are complex-spike bursts",
            0.1,
            0.5,
            "",
            "Harris 2001",
        ),
        "burst_spikes": Parameter("further spikes in a burst", 1, 4, "", "Harris 2001"),
        "regularity": _fixed("gamma order of intervals", 1, "", "assumed"),
    },
    "PV": {
        "rest_rate": Parameter("rate at rest", 4, 25, "Hz", "Varga 2012", "log-normal"),
        "burst_share": _fixed("share of events that are bursts", 0, "", "assumed"),
        "burst_spikes": _fixed("further spikes in a burst", 1, "", "assumed"),
        "regularity": _fixed("gamma order of intervals", 3, "", "assumed"),
    },
    "SOM": {
        "rest_rate": Parameter(
            "rate at rest", 1.5, 12, "Hz", "Katona 2014", "log-normal"
        ),
        "burst_share": Parameter(
            "share of events that are bursts", 0, 0.2, "", "Royer 2012"
        ),
        "burst_spikes": Parameter("further spikes in a burst", 1, 2, "", "assumed"),
        "regularity": _fixed("gamma order of intervals", 2, "", "assumed"),
    },
    "VIP": {
        "rest_rate": Parameter("rate at rest", 0.4, 4, "Hz", "assumed", "log-normal"),
        "burst_share": Parameter(
            "share of events that are bursts", 0.05, 0.3, "", "assumed"
        ),
        "burst_spikes": Parameter("further spikes in a burst", 1, 3, "", "assumed"),
        "regularity": _fixed("gamma order of intervals", 1, "", "assumed"),
    },
}
"""Spike trains of each type."""

SIGNALS = (
    "running",
    "speed",
    "approach",
    "reward",
    "arousal",
    "ripple",
    "up_state",
    "puff",
)
"""Shared signals that drive cells; each lies between 0 and about 1."""

MODULATION: dict[str, dict[str, Parameter]] = {
    "PY": {
        "running": Parameter(
            "running", 0, 0.5, "", "Mizuseki and Buzsaki 2013", negative=0.3
        ),
        "speed": Parameter("speed", 0, 0.5, "", "assumed", negative=0.3),
        "approach": Parameter("approach", 0, 0.6, "", "assumed", negative=0.4),
        "reward": Parameter("reward", 0, 0.8, "", "assumed", negative=0.3),
        "arousal": Parameter("arousal", 0, 0.5, "", "assumed", negative=0.4),
        "ripple": Parameter("ripples", 2, 20, "", "Buzsaki 2015"),
        "up_state": Parameter("up states", 1, 6, "", "Steriade 1993"),
        "puff": Parameter("stimulus", 5, 60, "", "assumed", "log-normal"),
    },
    "PV": {
        "running": Parameter("running", 0.2, 1.2, "", "Varga 2012", negative=0.15),
        "speed": Parameter(
            "speed", 0.2, 1.0, "", "Arriaga and Han 2017", negative=0.15
        ),
        "approach": Parameter("approach", 0, 0.3, "", "assumed", negative=0.5),
        "reward": Parameter("reward", 0, 0.4, "", "assumed", negative=0.5),
        "arousal": Parameter("arousal", 0, 0.5, "", "Dudok 2021", negative=0.2),
        "ripple": Parameter("ripples", 1, 5, "", "Lapray 2012"),
        "up_state": Parameter("up states", 1, 4, "", "assumed"),
        "puff": Parameter("stimulus", 5, 60, "", "assumed", "log-normal"),
    },
    "SOM": {
        "running": Parameter("running", 0.2, 1.5, "", "Katona 2014", negative=0.3),
        "speed": Parameter(
            "speed", 0.4, 2.0, "", "Arriaga and Han 2017", negative=0.25
        ),
        "approach": Parameter("approach", 0, 0.5, "", "assumed", negative=0.5),
        "reward": Parameter("reward", 0, 0.6, "", "assumed", negative=0.6),
        "arousal": Parameter("arousal", 0, 0.6, "", "Geiller 2020", negative=0.3),
        "ripple": Parameter("ripples", 0, 3, "", "Katona 2014", negative=0.5),
        "up_state": Parameter("up states", 0.5, 3, "", "assumed"),
        "puff": Parameter("stimulus", 5, 60, "", "assumed", "log-normal"),
    },
    "VIP": {
        "running": Parameter("running", 0, 1.0, "", "Turi 2019", negative=0.4),
        "speed": Parameter("speed", 0, 0.8, "", "Turi 2019", negative=0.4),
        "approach": Parameter("approach", 0.5, 3.0, "", "Turi 2019", negative=0.3),
        "reward": Parameter("reward", 0.5, 4.0, "", "Turi 2019", negative=0.25),
        "arousal": Parameter("arousal", 0.5, 2.5, "", "Fu 2014", negative=0.25),
        "ripple": Parameter("ripples", 0, 2, "", "assumed", negative=0.5),
        "up_state": Parameter("up states", 0.5, 3, "", "assumed"),
        "puff": Parameter("stimulus", 5, 60, "", "assumed", "log-normal"),
    },
}
"""How much each shared signal adds, in multiples of the resting rate."""

DRIFT: dict[str, Parameter] = {
    "excitability": Parameter(
        "deviation of a cell's slow log rate", 0.1, 0.6, "", "assumed"
    ),
    "excitability_time": Parameter("time in which it wanders", 3, 30, "s", "assumed"),
}
"""Slow wandering of each cell's excitability, alike in all types."""

CALCIUM: dict[str, Parameter] = {
    "PY": Parameter("PY", 0.6, 1.6, "", "by definition", "log-normal"),
    "PV": Parameter("PV", 0.15, 0.6, "", "Aponte 2008 (buffering)", "log-normal"),
    "SOM": Parameter("SOM", 0.3, 1.2, "", "assumed", "log-normal"),
    "VIP": Parameter("VIP", 0.4, 1.6, "", "assumed", "log-normal"),
}
"""Calcium per spike, relative to a PY cell."""


@dataclass(frozen=True)
class Indicator:
    """Kinetics and response of one calcium indicator.

    A spike adds one unit of calcium c that rises and decays with `rise` and `decay`.
    The indicator answers in proportion to ``c**e / (1 + (c / saturation)**e)``, where e
    is the exponent, and with `amplitude` to one spike.

    Attributes
    ----------
    amplitude : float
        dF/F of a single spike, a fraction.
    rise, decay : float
        Time constants, s.
    exponent : float
        Supralinearity; 1 is linear.
    saturation : float
        Calcium, in spikes, at which half of the maximum is reached.
    source : str
        Author and year; exponent and saturation are assumed.
    """

    amplitude: float
    rise: float
    decay: float
    exponent: float
    saturation: float
    source: str


INDICATORS: dict[str, Indicator] = {
    "GCaMP6f": Indicator(0.19, 0.045, 0.4, 1.4, 12, "Chen 2013"),
    "GCaMP6s": Indicator(0.23, 0.15, 1.2, 1.5, 10, "Chen 2013"),
    "GCaMP7f": Indicator(0.25, 0.05, 0.5, 1.3, 10, "Dana 2019"),
    "GCaMP8m": Indicator(0.35, 0.015, 0.25, 1.2, 12, "Zhang 2023"),
    "OGB-1": Indicator(0.08, 0.01, 0.7, 1.0, 8, "Kerr 2005"),
}
"""Calcium indicators; one is drawn per session, whatever the cell types."""

KINETICS: dict[str, Parameter] = {
    "decay_factor": Parameter(
        "a cell's decay time over its indicator's",
        0.6,
        1.7,
        "",
        "assumed",
        "log-normal",
    ),
    "rise_factor": Parameter(
        "a cell's rise time over its indicator's", 0.7, 1.5, "", "assumed", "log-normal"
    ),
    "expression": Parameter(
        "a session's response over its indicator's",
        0.4,
        1.6,
        "",
        "assumed",
        "log-normal",
    ),
}
"""Spread of the indicator's answer, alike in all types."""

NUISANCES: dict[str, Parameter] = {
    "noise": Parameter(
        "shot noise nu = 100 median|difference of dF/F| / sqrt(frame rate)",
        0.8,
        8,
        "% / sqrt(Hz)",
        "Rupprecht 2021",
        "log-normal",
    ),
    "noise_spread": Parameter(
        "a cell's noise over its session's", 0.6, 1.7, "", "assumed", "log-normal"
    ),
    "brightness": Parameter(
        "resting fluorescence of a session", 100, 3000, "a.u.", "assumed", "log-normal"
    ),
    "brightness_spread": Parameter(
        "a cell's brightness over its session's",
        0.4,
        2.5,
        "",
        "assumed",
        "log-normal",
    ),
    "bleaching": Parameter("fluorescence lost to bleaching", 0, 0.3, "", "assumed"),
    "bleaching_time": Parameter("its time constant", 60, 1200, "s", "assumed"),
    "drift": Parameter(
        "deviation of the slow baseline drift", 0.005, 0.08, "dF/F", "assumed"
    ),
    "drift_time": Parameter("time in which it wanders", 20, 120, "s", "assumed"),
    "neuropil_brightness": Parameter(
        "neuropil over soma brightness", 0.3, 1.2, "", "assumed"
    ),
    "neuropil_activity": Parameter(
        "deviation of the neuropil signal", 0.02, 0.12, "dF/F", "assumed"
    ),
    "contamination": Parameter(
        "share of neuropil in a soma's pixels", 0.3, 0.9, "", "Pachitariu 2017"
    ),
    "z_motion": Parameter(
        "brightness change at full running speed",
        0,
        0.08,
        "",
        "assumed",
        negative=0.4,
    ),
}
"""What changes a trace and says nothing about the type; drawn without looking at it."""

MIXTURE: dict[str, Parameter] = {
    "PY": _fixed("PY", 0.55, "", "assumed; more interneurons than in CA1"),
    "PV": _fixed("PV", 0.15, "", "assumed"),
    "SOM": _fixed("SOM", 0.15, "", "assumed"),
    "VIP": _fixed("VIP", 0.15, "", "assumed"),
}
"""Shares of the types in a simulated recording when no counts are given."""

MOVIE: dict[str, Parameter] = {
    "soma_radius": Parameter("radius of a soma", 4.2, 5.8, "pixels", "assumed"),
    "offset": _fixed("detector offset", 100, "counts", "assumed"),
    "gain": _fixed("counts per photon", 20, "counts", "assumed"),
    "motion": _fixed("deviation of the rigid motion", 0.7, "pixels", "assumed"),
    "motion_time": _fixed("time in which the brain moves", 1, "s", "assumed"),
    "vessels": _fixed("blood vessels that shade the field", 4, "", "assumed"),
}
"""The two-photon movie."""
