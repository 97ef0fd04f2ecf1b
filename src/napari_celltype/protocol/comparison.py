"""Scores compared: with one another, with chance, with probes and shuffled labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from napari_celltype.protocol.scores import NewScore, Score, Spread

# More classifiers than this are compared with the best only.
ALL_PAIRS = 4
# What a search of the parameters adds to a classifier, beside the parameters that are
# reported as found on all data.
SELECTION, SEARCH = "selection", "-search"
# From the strictest: what a new animal, a new recording, a new cell would meet.
GROUPED = ("by-subject", "by-session", "by-cell")


@dataclass(frozen=True)
class Difference:
    """Difference in balanced accuracy, with the Nadeau-Bengio corrected interval.

    Attributes
    ----------
    way : str
    one, other : str
        Names; the difference is `one` less `other`.
    mean, low, high, p : float
        NaN where there are too few splits.
    n_splits : int
    name : str
        "selection" for a search inside the training sets against the parameters that
        the paper reports; else empty.
    """

    way: str
    one: str
    other: str
    mean: float
    low: float
    high: float
    p: float
    n_splits: int
    name: str = ""


def compare(scores: Sequence[Score]) -> list[Difference]:
    """Compare the classifiers of each way, the better one first.

    Only pairs that were asked to train on as many examples are compared, as their
    splits are the same then.
    """
    return [
        difference
        for way in dict.fromkeys(s.way for s in scores)
        for difference in _compare_way([s for s in scores if s.way == way])
    ]


def _compare_way(scores: Sequence[Score]) -> list[Difference]:
    from napari_celltype.protocol.intervals import corrected_interval

    ranked = sorted(scores, key=lambda s: -s.interval.value)
    found = []
    for one, other in combinations(ranked, 2):
        selection = _is_selection(one, other)
        many = len(ranked) > ALL_PAIRS
        if (many and one is not ranked[0] and not selection) or (
            one.n_asked != other.n_asked
        ):
            continue
        values = np.array(differences(one, other))
        values = values[np.isfinite(values)]
        if len(values) < 2:
            continue
        corrected = corrected_interval(values, one.n_train, one.n_test)
        found.append(
            Difference(
                one.way,
                one.name,
                other.name,
                corrected.mean,
                corrected.low,
                corrected.high,
                corrected.p,
                len(values),
                SELECTION if selection else "",
            )
        )
    return found


def _is_selection(one: Score, other: Score) -> bool:
    names = {one.classifier, other.classifier}
    return any(name + SEARCH in names for name in names)


def differences(one: Score, other: Score) -> list[float]:
    """Return the differences in balanced accuracy on the splits that both have."""
    values = {row["split"]: row["balanced_accuracy"] for row in other.splits}
    return [
        row["balanced_accuracy"] - values[row["split"]]
        for row in one.splits
        if row["split"] in values
    ]


def same_training(one: Score, other: Score) -> bool:
    """Tell whether two scores are of the same classifier, trained the same way."""
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("classifier", "parameters", "n_frames")
    )


def best(scores: Iterable[Score]) -> Score | None:
    """Return the score with the largest balanced accuracy, None without any."""
    return max(scores, key=lambda s: s.interval.value, default=None)


def best_on_new_data(scores: Iterable[Score]) -> tuple[str, NewScore] | None:
    """Return the classifier that does best on the new data, None without any."""
    found = [(s.name, s.new) for s in scores if s.new is not None]
    return max(found, key=lambda pair: pair[1].interval.value, default=None)


def strictest_run(scores: Iterable[Score]) -> str:
    """Return the strictest way of splitting among the scores."""
    ways = {s.way for s in scores}
    return next((way for way in (*GROUPED, "random") if way in ways), "paper")


def above_chance(score: Score | NewScore) -> bool:
    """Tell whether the interval of a score lies above chance.

    Where there are too few groups for an interval, the level that luck reaches with the
    same answers takes its place.
    """
    if score.interval.too_few:
        return score.interval.value > score.luck
    return score.interval.low > score.chance


def leaks(score: Score) -> bool:
    """Tell whether a training on shuffled labels is right too often.

    A false alarm costs more here than a late one, so the interval, the level of luck
    and every split have to be above.
    """
    return (
        above_chance(score)
        and score.interval.value > score.luck
        and all(row["balanced_accuracy"] > score.chance for row in score.splits)
    )


def comes_near(probe: Score, model: Score) -> bool:
    """Tell whether a probe does about as well as a model on the same splits.

    That is: its interval reaches the model's score, or the mean difference over the
    splits is within its own deviation; and one of the two is better than chance.
    """
    if not (above_chance(probe) or above_chance(model)):
        return False
    if probe.interval.high >= model.interval.value:
        return True
    gap = Spread.of(differences(model, probe))
    return not gap.mean > (gap.sd if np.isfinite(gap.sd) else 0.0)
