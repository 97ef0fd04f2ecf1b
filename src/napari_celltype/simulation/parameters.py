"""Every number of the simulator: `parameters.csv`, one row each, and its tables here.

A source names the study that the sign and the order of magnitude follow; the exact
range is this simulator's choice. "measured on" names the data sets that a number was
estimated from, "assumed" marks numbers without a study behind them.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Raised when a number or an equation changes; cards of models state it.
SIMULATOR_VERSION = 1

# A log-normal quantity is given by its 5 % and 95 % points: 2 x 1.645 deviations.
_LOG_WIDTH = 3.29


@dataclass(frozen=True)
class Quantity:
    """One number of the simulator, or the range that it is drawn from."""

    meaning: str  # empty when its name says it
    distribution: str  # "fixed", "uniform" or "log-normal"
    # Ends of a uniform range, 5 % and 95 % points of a log-normal one, or twice the
    # same value.
    low: float
    high: float
    share_reversed: float  # of cells whose value has the opposite sign
    unit: str
    source: str
    note: str  # what stood here before it was measured

    def draw(self, rng: np.random.Generator, size: int) -> NDArray[np.float32]:
        """Draw values, shape (size,), in the quantity's unit."""
        if self.distribution == "log-normal":
            middle = np.log(self.low * self.high) / 2
            width = np.log(self.high / self.low) / _LOG_WIDTH
            values = np.exp(rng.normal(middle, width, size))
        else:
            values = rng.uniform(self.low, self.high, size)
        if self.share_reversed:
            values = np.where(rng.random(size) < self.share_reversed, -values, values)
        return values.astype(np.float32)

    def draw_one(self, rng: np.random.Generator) -> float:
        """Draw one value, in the quantity's unit."""
        return float(self.draw(rng, 1)[0])


def _read() -> dict[str, dict[str, dict[str, Quantity]]]:
    """Read the quantities by group, member (type, kind or indicator) and name."""
    found: dict[str, dict[str, dict[str, Quantity]]] = {}
    path = Path(__file__).with_name("parameters.csv")
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            member = found.setdefault(row["group"], {}).setdefault(row["member"], {})
            member[row["name"]] = Quantity(
                row["meaning"],
                row["distribution"],
                float(row["low"]),
                float(row["high"] or row["low"]),
                float(row["share_reversed"] or 0),
                row["unit"],
                row["source"],
                row["note"],
            )
    return found


PARAMETERS = _read()

# Signals that all cells of a session share, and its regimes, which are drawn without
# a look at the cell types.
BEHAVIOUR = PARAMETERS["behaviour"][""]
REGIMES = PARAMETERS["regimes"][""]
# Factors on the resting rates in each regime but slices, whose rates are alike in all
# types, so that they tell nothing.
RATE_FACTORS = PARAMETERS["rate factors"][""]
SLICE = PARAMETERS["slice"][""]
# Kinds of cells of each type with their shares, and what they fire. Signals add to the
# rate in multiples of the resting rate; the trough of theta is at 0 degrees.
KINDS = PARAMETERS["kinds"]
PYRAMIDAL = PARAMETERS["pyramidal"][""]
BURST = PARAMETERS["bursts"][""]
SPIKING = PARAMETERS["spiking"]
MODULATION = PARAMETERS["modulation"]
THETA = PARAMETERS["theta"]
DRIFT = PARAMETERS["drift"][""]
# A spike adds calcium c of unit peak, (1 - tail) exp(-t / decay) + tail exp(-t / slow)
# - exp(-t / rise). The indicator answers in proportion to c**e / (1 + (c / saturation)
# **e), where e is the exponent, and with `amplitude` to one spike.
CALCIUM = PARAMETERS["calcium"][""]
INDICATORS = PARAMETERS["indicators"]
# What changes a trace and says nothing about the type.
KINETICS = PARAMETERS["kinetics"][""]
NUISANCES = PARAMETERS["nuisances"][""]
# Shares of the types when no counts are given, and the two-photon movie.
MIXTURE = PARAMETERS["mixture"][""]
MOVIE = PARAMETERS["movie"][""]

# Shared signals that drive cells; each lies between 0 and about 1.
SIGNALS = (
    *("running", "speed", "approach", "reward", "arousal", "disinhibition"),
    *("ripple", "up_state", "puff"),
)
