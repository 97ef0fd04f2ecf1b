"""One number of the simulator, with its unit and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
        "measured on" and the data sets, author and year, or "assumed".
    distribution : {"uniform", "log-normal"}
        How values are drawn.
    negative : float
        Share of cells whose value has the opposite sign (mixed signs inside a type).
    literature : Parameter or None
        Of a measured number: what stands here when none of its cells may be used.
    """

    meaning: str
    low: float
    high: float
    unit: str
    source: str
    distribution: Literal["uniform", "log-normal"] = "uniform"
    negative: float = 0.0
    literature: Parameter | None = None

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

    def measured(self, low: float, high: float, cells: str) -> Parameter:
        """Return this parameter with values measured on `cells`, a list in words."""
        source, literature = f"measured on {cells}", self.literature or self
        return replace(
            literature, low=low, high=high, source=source, literature=literature
        )

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


def fixed(meaning: str, value: float, unit: str, source: str) -> Parameter:
    """Return a parameter that has one value."""
    return Parameter(meaning, value, value, unit, source)
