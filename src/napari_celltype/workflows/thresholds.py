"""From which probability a name is given, and a type stays possible, ROI by ROI."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_celltype.classifiers.calibration import Calibration

# A threshold that no probability reaches: the name is never given.
NEVER = float("inf")


@dataclass(frozen=True, eq=False)
class Thresholds:
    """The least probabilities that are enough to give a name.

    Attributes
    ----------
    types : ndarray of float64, shape (n_rois, n_classes)
        For each class as a type; infinite where that type is never named.
    groups : mapping of str to ndarray of float64, shape (n_rois,)
        For each root type (PY, IN); infinite where it is never named.
    types_at_times, groups_at_times : frozenset of str
        What some number of windows names, though perhaps not that of a ROI.
    """

    types: NDArray[np.float64]
    groups: Mapping[str, NDArray[np.float64]]
    types_at_times: frozenset[str] = frozenset()
    groups_at_times: frozenset[str] = frozenset()

    @classmethod
    def same(
        cls, value: float, n_rois: int, classes: Sequence[str], groups: Sequence[str]
    ) -> Thresholds:
        """Return one threshold for every name and ROI."""
        return cls(
            np.full((n_rois, len(classes)), value),
            {group: np.full(n_rois, value) for group in groups},
        )

    @classmethod
    def calibrated(
        cls,
        calibration: Calibration,
        n_windows: NDArray[np.int64],
        classes: Sequence[str],
    ) -> Thresholds:
        """Return a card's thresholds for each ROI's number of windows.

        Parameters
        ----------
        calibration : Calibration
        n_windows : ndarray of int, shape (n_rois,)
            Windows of each ROI that the model has seen.
        classes : sequence of str
            In the order of the columns.
        """
        types = np.empty((len(n_windows), len(classes)))
        by_group = {
            group: np.empty(len(n_windows))
            for group in calibration.steps[0].group_named_from
        }
        for number in np.unique(n_windows):
            step = calibration.step(int(number))
            rows = n_windows == number
            types[rows] = [_reachable(step.named_from[c]) for c in classes]
            for group, limits in by_group.items():
                limits[rows] = _reachable(step.group_named_from[group])
        return cls(
            types,
            by_group,
            _named_at_times(step.named_from for step in calibration.steps),
            _named_at_times(step.group_named_from for step in calibration.steps),
        )

    def without(self, names: Sequence[str], classes: Sequence[str]) -> Thresholds:
        """Return thresholds that some types and groups pass in any case."""
        types = self.types.copy()
        types[:, [c in names for c in classes]] = 0
        groups = {
            g: np.zeros_like(t) if g in names else t for g, t in self.groups.items()
        }
        return replace(self, types=types, groups=groups)


def set_thresholds(
    calibration: Calibration, n_windows: NDArray[np.int64], classes: Sequence[str]
) -> NDArray[np.float64]:
    """Return the least probability that keeps each class possible for each ROI.

    Returns
    -------
    ndarray of float64, shape (n_rois, n_classes)
        Of the model's own probabilities, under the shares of its training data.
    """
    limits = np.empty((len(n_windows), len(classes)))
    for number in np.unique(n_windows):
        step = calibration.step(int(number))
        limits[n_windows == number] = [step.prediction_set[c] for c in classes]
    return limits


def _named_at_times(limits: Iterable[Mapping[str, float | None]]) -> frozenset[str]:
    return frozenset(
        name for step in limits for name, limit in step.items() if limit is not None
    )


def _reachable(threshold: float | None) -> float:
    return NEVER if threshold is None else threshold
