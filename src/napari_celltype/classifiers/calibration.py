"""What a model's probabilities are worth: temperature, prediction sets, `unsure`.

Kept in the model's card, by the number of windows of a ROI: a recording of an hour says
more about a cell than one of a minute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.classifiers.promises import (
    fit_temperature,
    named_from,
    set_threshold,
)
from napari_celltype.classifiers.softmax import log_softmax
from napari_celltype.errors import ModelError

# Windows of a ROI from which a step holds.
STEPS = (1, 2, 4, 8, 16)


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
        Of each class, the least probability to be named, under the calibration's
        `shares`; None if it is never named.
    group_named_from : mapping of str to float or None
        The same for the root types (PY, IN) and the sum of their classes.
    """

    n_windows: int
    temperature: float
    prediction_set: Mapping[str, float]
    named_from: Mapping[str, float | None]
    group_named_from: Mapping[str, float | None]


@dataclass(frozen=True)
class NamesFrom:
    """From which probabilities names are given if the types have certain shares.

    Attributes
    ----------
    shares : mapping of str to float
        Of the classes, for which the risk was controlled.
    named_from, group_named_from : tuple of mapping of str to float or None
        As in `CalibrationStep`, under these shares, one for each of the steps.
    """

    shares: Mapping[str, float]
    named_from: tuple[Mapping[str, float | None], ...]
    group_named_from: tuple[Mapping[str, float | None], ...]


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
        How many it was calibrated on; cells with at least one window.
    shares : mapping of str to float
        Of the classes, for which the risk was controlled.
    steps : tuple of CalibrationStep
        By ascending number of windows, from 1.
    more_shares : tuple of NamesFrom
        The thresholds of names for further shares of the types.
    """

    calibrated_on: str
    coverage: float
    risk: float
    sessions: int
    cells: int
    shares: Mapping[str, float]
    steps: tuple[CalibrationStep, ...]
    more_shares: tuple[NamesFrom, ...] = ()

    @property
    def names(self) -> tuple[NamesFrom, ...]:
        """The thresholds of names for all shares that were checked."""
        first = NamesFrom(
            self.shares,
            tuple(step.named_from for step in self.steps),
            tuple(step.group_named_from for step in self.steps),
        )
        return (first, *self.more_shares)

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


def calibrate(
    log_probabilities: NDArray[np.float64],
    truth: Sequence[str] | NDArray[np.str_],
    sessions: ArrayLike,
    classes: Sequence[str],
    *,
    shares: Mapping[str, float],
    trained_shares: Mapping[str, float],
    calibrated_on: str,
    more_shares: Sequence[Mapping[str, float]] = (),
    coverage: float = 0.9,
    risk: float = 0.1,
) -> Calibration:
    """Find what a model may promise, on sessions that it was not trained on.

    For 1, 2, 4, 8 and 16 windows of a cell: first the temperature, then the thresholds
    of the prediction sets (split-conformal, per class, one session one vote), then of
    each name by itself the probability from which at most a share `risk` of the cells
    that get it are wrong, see `promises.named_from`.

    Parameters
    ----------
    log_probabilities : ndarray, shape (n_cells, n_windows, n_classes)
        As the model gives them, window by window; NaN in windows that a cell lacks.
    truth : sequence of str, shape (n_cells,)
        Class of each cell: ground truth, never a prediction that somebody accepted.
    sessions : array-like, shape (n_cells,)
        Name or number of each cell's session.
    classes : sequence of str
        Columns of `log_probabilities`.
    shares : mapping of str to float
        Of every class, for which the risk is controlled. Cells are weighted so that
        their classes have these shares.
    trained_shares : mapping of str to float
        Of every class, those that the model's own probabilities stand for.
    calibrated_on : str
        "simulation", or words about the sessions.
    more_shares : sequence of mapping of str to float
        Further shares of every class, for which names get thresholds of their own.
    coverage, risk : float
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
    wanted = [_in_order(given, classes) for given in (shares, *more_shares)]
    steps, names = [], []
    for n_windows in STEPS:
        part = log_probabilities[:, :n_windows]
        whole = np.isfinite(part).all(axis=(1, 2))
        present = np.bincount(columns[whole], minlength=len(classes))
        if n_windows > log_probabilities.shape[1] or not present.all():
            break
        temperature, logs, prediction_set = _fit(
            part[whole].mean(axis=1),
            columns[whole],
            numbers[whole],
            classes,
            trained,
            coverage,
        )
        names.append(
            [
                _names(
                    logs, columns[whole], numbers[whole], classes, own, trained, risk
                )
                for own in wanted
            ]
        )
        steps.append(
            CalibrationStep(n_windows, temperature, prediction_set, *names[-1][0])
        )
    if not steps:
        raise ModelError(
            "No whole window is left of some type to calibrate on; give more cells or "
            "longer recordings."
        )
    return Calibration(
        calibrated_on=calibrated_on,
        coverage=coverage,
        risk=risk,
        sessions=int(numbers.max()) + 1,
        cells=int(np.isfinite(log_probabilities[:, 0]).all(axis=1).sum()),
        shares={name: float(shares[name]) for name in classes},
        steps=tuple(steps),
        more_shares=tuple(
            NamesFrom(
                {name: float(given[name]) for name in classes},
                tuple(at_step[number][0] for at_step in names),
                tuple(at_step[number][1] for at_step in names),
            )
            for number, given in enumerate(more_shares, start=1)
        ),
    )


def _columns(
    log_probabilities: NDArray[np.float64],
    truth: Sequence[str] | NDArray[np.str_],
    classes: Sequence[str],
) -> NDArray[np.int64]:
    """Return the column of each cell's true class."""
    shape = log_probabilities.shape
    if len(shape) != 3 or shape[0] != len(truth) or shape[2] != len(classes):
        raise ModelError(
            f"The log-probabilities have the shape {shape}, but there are {len(truth)} "
            f"cells and {len(classes)} classes; give (cells, windows, classes)."
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
) -> tuple[float, NDArray[np.float64], dict[str, float]]:
    """Return temperature, log-probabilities divided by it, and prediction sets."""
    present = np.bincount(columns) / columns.size
    temperature = fit_temperature(logs, columns, (trained / present)[columns])
    logs = logs / temperature
    of_model = np.exp(log_softmax(logs))
    prediction_set = {
        name: set_threshold(of_model[own, column], sessions[own], coverage)
        for column, name in enumerate(classes)
        for own in [columns == column]
    }
    return temperature, logs, prediction_set


def _names(
    logs: NDArray[np.float64],
    columns: NDArray[np.int64],
    sessions: NDArray[np.int64],
    classes: Sequence[str],
    shares: NDArray[np.float64],
    trained: NDArray[np.float64],
    risk: float,
) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """Return from which probabilities types and groups are named with these shares."""
    present = np.bincount(columns) / columns.size
    with np.errstate(divide="ignore"):  # a share of 0 leaves no probability
        in_use = np.exp(log_softmax(logs + np.log(shares / trained)))
    tree = DEFAULT_TYPES.including(classes)
    groups = [tree.group(name) for name in classes]
    roots = list(dict.fromkeys(groups))
    is_in = np.array([[group == root for root in roots] for group in groups])
    weights = (shares / present)[columns]

    def limits(
        probabilities: NDArray[np.float64],
        true: NDArray[np.int64],
        names: Sequence[str],
    ) -> dict[str, float | None]:
        best = probabilities.argmax(axis=1)
        return {
            name: named_from(
                np.where(best == column, probabilities[:, column], 0),
                true == column,
                weights,
                sessions,
                risk,
                least=1 / len(names),
            )
            for column, name in enumerate(names)
        }

    return (
        limits(in_use, columns, classes),
        limits(in_use @ is_in, is_in.argmax(axis=1)[columns], roots),
    )


def read_calibration(values: object) -> Any:
    """Return the `Calibration` of a card's JSON; anything else comes back as it is."""
    if isinstance(values, dict):  # a card of one set of shares need not say so
        values = {"more_shares": [], **values}
    fitting = _fields_of(values, Calibration)
    if fitting is None:
        return values
    parts: dict[str, tuple[Any, ...]] = {}
    kinds: dict[str, Any] = {"steps": CalibrationStep, "more_shares": NamesFrom}
    for name, kind in kinds.items():
        if not isinstance(fitting[name], list):
            return values
        found = [_fields_of(part, kind) for part in fitting[name]]
        if None in found:
            return values
        parts[name] = tuple(
            kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in part.items()})
            for part in found
            if part is not None
        )
    return Calibration(**{**fitting, **parts})


def _fields_of(
    values: object, kind: type[Calibration | CalibrationStep | NamesFrom]
) -> dict[str, Any] | None:
    """Return the values if they are named as the fields are, else None."""
    wanted = {f.name for f in fields(kind)}
    return values if isinstance(values, dict) and set(values) == wanted else None
