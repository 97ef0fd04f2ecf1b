"""From which probability a name is given, and a type stays possible, ROI by ROI."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.workflows.shares import (
    NO_DIFFERENCE,
    group_shares,
    reweigh,
    same_proportions,
)

if TYPE_CHECKING:
    from napari_celltype.classifiers.calibration import Calibration, NamesFrom

# A threshold that no probability reaches: the name is never given.
NEVER = float("inf")
# One that a cell misses although others reach the name's; no probability is above 1.
MISSED = 2.0


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
    types_at_shares, groups_at_shares : frozenset of str
        What is named with some shares of the types, though perhaps not with these.
    """

    types: NDArray[np.float64]
    groups: Mapping[str, NDArray[np.float64]]
    types_at_times: frozenset[str] = frozenset()
    groups_at_times: frozenset[str] = frozenset()
    types_at_shares: frozenset[str] = frozenset()
    groups_at_shares: frozenset[str] = frozenset()

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
        names: NamesFrom | None = None,
    ) -> Thresholds:
        """Return a card's thresholds for each ROI's number of windows.

        They are probabilities under the shares that they were checked with.

        Parameters
        ----------
        calibration : Calibration
        n_windows : ndarray of int, shape (n_rois,)
            Windows of each ROI that the model has seen.
        classes : sequence of str
            In the order of the columns.
        names : NamesFrom, optional
            One of `calibration.names`; the first when not given.
        """
        names = names or calibration.names[0]
        types = np.empty((len(n_windows), len(classes)))
        by_group = {
            group: np.empty(len(n_windows)) for group in names.group_named_from[0]
        }
        for number in np.unique(n_windows):
            step = calibration.steps.index(calibration.step(int(number)))
            rows = n_windows == number
            types[rows] = [_reachable(names.named_from[step][c]) for c in classes]
            for group, limits in by_group.items():
                limits[rows] = _reachable(names.group_named_from[step][group])
        every = calibration.names
        return cls(
            types,
            by_group,
            _named_sometimes(names.named_from),
            _named_sometimes(names.group_named_from),
            _named_sometimes(step for own in every for step in own.named_from),
            _named_sometimes(step for own in every for step in own.group_named_from),
        )

    @classmethod
    def promised(
        cls,
        calibration: Calibration,
        n_windows: NDArray[np.int64],
        model_probabilities: NDArray[np.float64],
        shares: Mapping[str, float],
        trained: Mapping[str, float],
    ) -> Thresholds:
        """Return thresholds that keep a card's promise with any shares of the types.

        A name is given to the cells to which it would be given with the shares of
        `checked_names`. With more cells of its group among them, more of the same
        cells are right; so what was promised there is kept.

        Parameters
        ----------
        calibration : Calibration
        n_windows : ndarray of int, shape (n_rois,)
            Windows of each ROI that the model has seen.
        model_probabilities : ndarray, shape (n_rois, n_classes)
            The model's own, under the shares of its training data.
        shares, trained : mapping of str to float
            Of every class, in the order of the columns: those in use, and those of the
            training data.
        """
        classes = list(shares)
        tree = DEFAULT_TYPES.including(classes)
        base = [trained[c] for c in classes]
        now = reweigh(model_probabilities, list(shares.values()), base)
        somewhere = cls.calibrated(calibration, n_windows, classes)
        types = np.full(now.shape, NEVER)
        groups = {group: np.full(len(now), NEVER) for group in group_shares(shares)}
        types_at_times: set[str] = set()
        groups_at_times: set[str] = set()
        for group, names in checked_names(calibration, shares).items():
            if names is None:
                continue
            own = np.array([tree.group(c) == group for c in classes])
            limits = cls.calibrated(calibration, n_windows, classes, names)
            wanted = [names.shares[c] for c in classes]
            there = reweigh(model_probabilities, wanted, base)
            moved = _moved(limits.types, now, there)
            is_best = there.argmax(axis=1)[:, None] == np.arange(len(classes))
            moved[np.isfinite(moved) & ~is_best] = MISSED
            types[:, own] = moved[:, own]
            groups[group] = _moved(
                limits.groups[group], now[:, own].sum(axis=1), there[:, own].sum(axis=1)
            )
            types_at_times |= limits.types_at_times & set(compress(classes, own))
            groups_at_times |= limits.groups_at_times & {group}
        return replace(
            somewhere,
            types=types,
            groups=groups,
            types_at_times=frozenset(types_at_times),
            groups_at_times=frozenset(groups_at_times),
        )

    def without(self, names: Sequence[str], classes: Sequence[str]) -> Thresholds:
        """Return thresholds that some types and groups pass in any case."""
        types = self.types.copy()
        types[:, [c in names for c in classes]] = 0
        groups = {
            g: np.zeros_like(t) if g in names else t for g, t in self.groups.items()
        }
        return replace(self, types=types, groups=groups)


def checked_names(
    calibration: Calibration, shares: Mapping[str, float]
) -> dict[str, NamesFrom | None]:
    """Return for each group where its names, and those of its types, were checked.

    That is with the nearest shares of the card in which the group is no more common
    than in these: the rarer it is, the more of its names are wrong. None where there
    are no such shares, or the types inside a group stand in other proportions.
    """
    comparable = [
        (group_shares(names.shares), names)
        for names in calibration.names
        if same_proportions(names.shares, shares)
    ]
    found: dict[str, NamesFrom | None] = {}
    for group, share in group_shares(shares).items():
        rarer = [
            (own[group], number)
            for number, (own, _) in enumerate(comparable)
            if own[group] <= share + NO_DIFFERENCE
        ]
        found[group] = comparable[max(rarer)[1]][1] if rarer else None
    return found


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


def _named_sometimes(limits: Iterable[Mapping[str, float | None]]) -> frozenset[str]:
    return frozenset(
        name for step in limits for name, limit in step.items() if limit is not None
    )


def _reachable(threshold: float | None) -> float:
    return NEVER if threshold is None else threshold


def _moved(
    limits: NDArray[np.float64],
    now: NDArray[np.float64],
    there: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the limits that `now` reaches where `there` reaches the given ones."""
    ratio = np.divide(now, there, out=np.full_like(now, NEVER), where=there > 0)
    return np.multiply(limits, ratio, out=limits.copy(), where=np.isfinite(limits))
