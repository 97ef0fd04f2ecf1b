"""What a model's probabilities are worth: temperature, prediction sets, `unsure`.

Kept in the model's card, by the number of windows of a ROI: a recording of an hour says
more about a cell than one of a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.classifiers.softmax import log_softmax


@dataclass(frozen=True)
class CalibrationStep:
    """What holds from one number of windows up to the next step.

    Attributes
    ----------
    n_windows : int
        Windows of a ROI from which it holds.
    temperature : float
        The mean log-probability over a ROI's windows is divided by it.
    prediction_set : mapping of str to float
        Of each class, the least probability that keeps it in the set. The model's
        own probability, with the shares of its training data.
    named_from : mapping of str to float or None
        Of each class, the least probability to be named, under the shares in use;
        None if it is never named.
    group_named_from : mapping of str to float or None
        The same for the root types (PY, IN) and the sum of their classes.
    """

    n_windows: int
    temperature: float
    prediction_set: Mapping[str, float]
    named_from: Mapping[str, float | None]
    group_named_from: Mapping[str, float | None]


@dataclass(frozen=True)
class Calibration:
    """The promises of a model, and the data on which they were checked.

    Attributes
    ----------
    calibrated_on : str
        "simulation", or words about the user's own sessions.
    coverage : float
        Share of the cells whose prediction set holds their type, at least.
    risk : float
        Share of wrong cells among those of one name, at most.
    sessions, cells : int
        How many it was calibrated on.
    shares : mapping of str to float
        Of the classes, for which the risk was controlled.
    steps : tuple of CalibrationStep
        By ascending number of windows, from 1.
    """

    calibrated_on: str
    coverage: float
    risk: float
    sessions: int
    cells: int
    shares: Mapping[str, float]
    steps: tuple[CalibrationStep, ...]

    def step(self, n_windows: int) -> CalibrationStep:
        """Return what holds for a ROI of so many windows; the first step for none."""
        reached = [step for step in self.steps if step.n_windows <= n_windows]
        return reached[-1] if reached else self.steps[0]

    def temperatures(self, n_windows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the temperature of each ROI by its number of windows."""
        starts = [step.n_windows for step in self.steps]
        row = np.searchsorted(starts, n_windows, side="right") - 1
        return np.array([step.temperature for step in self.steps])[np.maximum(row, 0)]


def probabilities_of(
    log_probabilities: NDArray[np.float64],
    n_windows: NDArray[np.int64],
    calibration: Calibration | None,
) -> NDArray[np.float64]:
    """Return calibrated probabilities of ROIs.

    Parameters
    ----------
    log_probabilities : ndarray, shape (n_rois, n_classes)
        Mean over each ROI's windows.
    n_windows : ndarray of int, shape (n_rois,)
        How many windows that were.
    calibration : Calibration or None
        None leaves the probabilities as they are.
    """
    if calibration is not None:
        divisor = calibration.temperatures(n_windows)
        log_probabilities = log_probabilities / divisor[:, None]
    probabilities: NDArray[np.float64] = np.exp(log_softmax(log_probabilities))
    return probabilities


def read_calibration(values: object) -> Any:
    """Return the `Calibration` of a card's JSON; anything else comes back as it is."""
    fitting = _fields_of(values, Calibration)
    if fitting is None or not isinstance(fitting["steps"], list):
        return values
    steps = [_fields_of(step, CalibrationStep) for step in fitting["steps"]]
    if None in steps:
        return values
    read = tuple(CalibrationStep(**step) for step in steps if step is not None)
    return Calibration(**{**fitting, "steps": read})


def _fields_of(
    values: object, kind: type[Calibration | CalibrationStep]
) -> dict[str, Any] | None:
    """Return the values if they are named as the fields are, else None."""
    wanted = {f.name for f in fields(kind)}
    return values if isinstance(values, dict) and set(values) == wanted else None
