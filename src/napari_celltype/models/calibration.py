"""What a model's probabilities are worth: temperature and prediction sets.

Kept in the model's card, by the number of windows of a ROI: a recording of an hour says
more about a cell than one of a minute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_celltype.errors import ModelError


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
    """

    n_windows: int
    temperature: float
    prediction_set: Mapping[str, float]


@dataclass(frozen=True)
class Calibration:
    """The promises of a model, and the data on which they were checked.

    Attributes
    ----------
    calibrated_on : str
        "simulation", or words about the user's own sessions.
    coverage : float
        Share of the cells whose prediction set holds their type, at least.
    sessions, cells : int
        How many it was calibrated on; cells with at least one window.
    steps : tuple of CalibrationStep
        By ascending number of windows, from 1.
    """

    calibrated_on: str
    coverage: float
    sessions: int
    cells: int
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
    """Return the probabilities of ROIs, with the temperature of their windows.

    Parameters
    ----------
    log_probabilities : ndarray, shape (n_rois, n_classes)
        As `log_probabilities_by_roi` returns them; NaN without a window.
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


def calibrate(
    log_probabilities: Mapping[int, NDArray[np.float64]],
    truth: Sequence[str] | NDArray[np.str_],
    sessions: ArrayLike,
    classes: Sequence[str],
    *,
    trained_shares: Mapping[str, float],
    calibrated_on: str,
    coverage: float = 0.9,
) -> Calibration:
    """Find what a model may promise, on sessions that it was not trained on.

    For each number of windows of a cell: first the temperature, then the thresholds
    of the prediction sets (split-conformal, per class, one session one vote).

    Parameters
    ----------
    log_probabilities : mapping of int to ndarray, shape (n_cells, n_classes)
        What the model says of the cells after so many windows, from 1; NaN for cells
        that have fewer. The first number at which a class has no cell ends it.
    truth : sequence of str, shape (n_cells,)
        Class of each cell: ground truth, never a prediction that somebody accepted.
    sessions : array-like, shape (n_cells,)
        Name or number of each cell's session.
    classes : sequence of str
        Columns of `log_probabilities`.
    trained_shares : mapping of str to float
        Of every class, those that the model's own probabilities stand for.
    calibrated_on : str
        "simulation", or words about the sessions.
    coverage : float
        As in `Calibration`.

    Returns
    -------
    Calibration

    Raises
    ------
    ModelError
        If a cell is of none of the classes, a class has no cell, the shapes or names
        do not belong together, or no cell has a window.
    """
    columns = _columns(log_probabilities, truth, classes)
    numbers: NDArray[np.int64] = np.unique(sessions, return_inverse=True)[1]
    if numbers.shape != columns.shape:
        raise ModelError(
            f"{columns.size} cells have {numbers.size} sessions; give one per cell."
        )
    trained = _in_order(trained_shares, classes)
    steps = []
    seen = np.zeros(columns.size, dtype=bool)
    for n_windows, logs in sorted(log_probabilities.items()):
        whole = np.isfinite(logs).all(axis=1)
        if not np.bincount(columns[whole], minlength=len(classes)).all():
            break
        temperature, prediction_set = _fit(
            logs[whole], columns[whole], numbers[whole], classes, trained, coverage
        )
        steps.append(CalibrationStep(n_windows, temperature, prediction_set))
        seen |= whole
    if not steps:
        raise ModelError(
            "No whole window is left of some type to calibrate on; give more cells or "
            "longer recordings."
        )
    return Calibration(
        calibrated_on=calibrated_on,
        coverage=coverage,
        sessions=len(np.unique(numbers[seen])),
        cells=int(seen.sum()),
        steps=tuple(steps),
    )


def _columns(
    log_probabilities: Mapping[int, NDArray[np.float64]],
    truth: Sequence[str] | NDArray[np.str_],
    classes: Sequence[str],
) -> NDArray[np.int64]:
    """Return the column of each cell's true class."""
    for logs in log_probabilities.values():
        if logs.shape != (len(truth), len(classes)):
            raise ModelError(
                f"Log-probabilities have the shape {logs.shape}, but there are "
                f"{len(truth)} cells and {len(classes)} classes."
            )
    column_of = {name: column for column, name in enumerate(classes)}
    if strange := sorted({str(name) for name in truth} - set(column_of)):
        raise ModelError(
            f"A cell is {strange[0]!r:.60}, which is no class of the model "
            f"({', '.join(classes)}); leave such cells out."
        )
    return np.array([column_of[str(name)] for name in truth], dtype=np.int64)


def _in_order(
    shares: Mapping[str, float], classes: Sequence[str]
) -> NDArray[np.float64]:
    if set(shares) != set(classes):
        raise ModelError(
            f"Shares are given of {', '.join(shares)}, but the classes are "
            f"{', '.join(classes)}; give the share of each class."
        )
    return np.array([shares[name] for name in classes], dtype=np.float64)


def _fit(
    logs: NDArray[np.float64],
    columns: NDArray[np.int64],
    sessions: NDArray[np.int64],
    classes: Sequence[str],
    trained: NDArray[np.float64],
    coverage: float,
) -> tuple[float, dict[str, float]]:
    """Return temperature and thresholds of the prediction sets."""
    present = np.bincount(columns) / columns.size
    temperature = fit_temperature(logs, columns, (trained / present)[columns])
    of_model = np.exp(log_softmax(logs / temperature))
    prediction_set = {
        name: set_threshold(of_model[own, column], sessions[own], coverage)
        for column, name in enumerate(classes)
        for own in [columns == column]
    }
    return temperature, prediction_set


def read_calibration(values: object) -> Any:
    """Return the `Calibration` of a card's JSON; anything else comes back as it is."""
    fitting = _fields_of(values, Calibration)
    if fitting is None or not isinstance(fitting["steps"], list):
        return values
    steps = [_fields_of(step, CalibrationStep) for step in fitting["steps"]]
    if None in steps:
        return values
    made = tuple(CalibrationStep(**step) for step in steps if step is not None)
    return Calibration(**{**fitting, "steps": made})


def _fields_of(
    values: object, kind: type[Calibration | CalibrationStep]
) -> dict[str, Any] | None:
    """Return the values if they are named as the fields are, else None."""
    wanted = {f.name for f in fields(kind)}
    return values if isinstance(values, dict) and set(values) == wanted else None


def fit_temperature(
    log_probabilities: NDArray[np.float64],
    columns: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> float:
    """Return the divisor of the log-probabilities with the best likelihood.

    Parameters
    ----------
    log_probabilities : ndarray, shape (n_cells, n_classes)
        Mean over each cell's windows.
    columns : ndarray of int, shape (n_cells,)
        Column of the true class.
    weights : ndarray, shape (n_cells,)

    References
    ----------
    Guo et al., On calibration of modern neural networks, ICML 2017.
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(columns.size)

    def loss(log_temperature: float) -> float:
        logs = log_softmax(log_probabilities / np.exp(log_temperature))
        return float(-np.average(logs[rows, columns], weights=weights))

    # Evidence of 16 independent windows would ask for 1/16.
    limits = (np.log(0.01), np.log(100))
    found = minimize_scalar(loss, bounds=limits, method="bounded")
    return round(float(np.exp(found.x)), 4)


def set_threshold(
    own: NDArray[np.float64], sessions: NDArray[np.int64], coverage: float
) -> float:
    """Return the probability that a class needs to be in the prediction set.

    Split-conformal with one vote per session (conformal risk control): the largest
    threshold whose mean share of missed cells, with one more session that misses all,
    stays within 1 - coverage. Fewer sessions than that allows give 0: the class is in
    every set.

    Parameters
    ----------
    own : ndarray, shape (n_cells,)
        Probability of the true class, cells of that class only.
    sessions : ndarray of int, shape (n_cells,)
        Session of each cell.

    References
    ----------
    Angelopoulos et al., Conformal risk control, ICLR 2024, equation 4.
    """
    candidates = np.unique(own)
    votes = [np.sort(own[sessions == session]) for session in np.unique(sessions)]
    missed = [np.searchsorted(vote, candidates) / vote.size for vote in votes]
    risk = (np.sum(missed, axis=0) + 1) / (len(votes) + 1)
    # A tolerance for rounding: 9 of 89 sessions and one more are 0.1 exactly.
    kept = candidates[risk <= 1 - coverage + 1e-12]
    # Rounded down, so that the cell at the threshold stays inside.
    return float(np.floor(kept[-1] * 1e4) / 1e4) if kept.size else 0.0


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log-probabilities of logits (n, n_classes), equation 1 in logarithms."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: NDArray[np.float64] = shifted - np.log(
        np.exp(shifted).sum(axis=1, keepdims=True)
    )
    return result
