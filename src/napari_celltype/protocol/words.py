"""The sentences of a report: what was found, and what it may not mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_celltype.protocol.intervals import FEWEST
from napari_celltype.protocol.paper_numbers import is_best
from napari_celltype.protocol.report_table import number
from napari_celltype.protocol.scores import NewScore, Score, Spread

if TYPE_CHECKING:
    from napari_celltype.protocol.intervals import Interval
    from napari_celltype.protocol.report import Report

# The probe that sees which recording a trace is of, and no number.
SESSION = "session"
# Probes that the activity of a cell changes at least as much as the rig does.
ACTIVITY = ("skewness", "slow power")
# Of a summary.
MOST_LINES = 12
# From the strictest: what a new animal, a new recording, a new cell would meet.
GROUPED = ("by-subject", "by-session", "by-cell")
WAYS = {
    "paper": "the paper's way",
    "random": "random splits",
    "by-session": "by session",
    "by-subject": "by animal",
    "by-cell": "by cell",
}


def in_words(way: str) -> str:
    """Return how a way to split is called in sentences."""
    return WAYS[way]


def best(scores: Iterable[Score]) -> Score | None:
    """Return the score with the largest balanced accuracy, None without any."""
    return max(scores, key=lambda s: s.interval.value, default=None)


def short(interval: Interval) -> str:
    """Return a balanced accuracy with its interval, as in "0.61 [0.48-0.72]"."""
    if interval.too_few:
        return f"{interval.value:.2f}"
    return f"{interval.value:.2f} [{interval.low:.2f}-{interval.high:.2f}]"


def headline(
    classifiers: Sequence[Score], probes: Sequence[Score], why_unknown: str
) -> str:
    """Return the sentence on top of a report, on balanced accuracies.

    The best classifier of the strictest way that was run stands first, because a new
    animal is what a user has; then the same classifier in the other way.

    Parameters
    ----------
    classifiers, probes : sequence of Score
        Of all ways.
    why_unknown : str
        Why no animals were kept apart, if none were.
    """
    way = strictest_run(classifiers)
    top = best(s for s in classifiers if s.way == way)
    if top is None:
        return "Nothing is finished yet."
    parts = []
    parts += _new_data([s for s in classifiers if s.way == classifiers[0].way])
    if way != "by-subject":
        parts.append(f"for a new animal: unknown, {why_unknown}")
    parts.append(f"{in_words(way)} {short(top.interval)}, chance {top.chance:.2f}")
    parts += _elsewhere(top, classifiers)
    there = [s for s in probes if s.way == way]
    probe = best(s for s in there if bare(s) != SESSION)
    if probe is not None:
        parts.append(
            f"best one-number probe {probe.interval.value:.2f} ({bare(probe)})"
        )
    parts += [
        f"session alone {s.interval.value:.2f}" for s in there if bare(s) == SESSION
    ]
    rivals = len({s.name for s in classifiers if s.way == way})
    which = f"{top.name}, the best of {rivals}" if rivals > 1 else top.name
    parts.append(f"balanced accuracy of {which}")
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _new_data(scores: Sequence[Score]) -> list[str]:
    """Return what the best classifier says about the new data, nothing without any."""
    top = _best_on_new_data(scores)
    if top is None:
        return []
    name, new = top
    rivals = sum(s.new is not None for s in scores)
    which = f"{name}, the best of {rivals}" if rivals > 1 else name
    return [
        f"on the new data {short(new.interval)} ({which}), chance {new.chance:.2f}, "
        f"{new.n_examples} examples"
    ]


def _best_on_new_data(scores: Iterable[Score]) -> tuple[str, NewScore] | None:
    told = [(s.name, s.new) for s in scores if s.new is not None]
    return max(told, key=lambda pair: pair[1].interval.value, default=None)


def basis(classifiers: Sequence[Score]) -> str:
    """Return what the headline's score stands on: unit of the interval, cells, splits.

    Parameters
    ----------
    classifiers : sequence of Score
        Of all ways.
    """
    way = strictest_run(classifiers)
    top = best(s for s in classifiers if s.way == way)
    if top is None:
        return ""
    interval = top.interval
    units = counted(interval.n, unit_text(interval.unit))
    if interval.too_few and interval.n >= FEWEST:
        sure = f"No interval, because a type is in too few of {units}"
    elif interval.too_few:
        sure = f"{units} {'is' if interval.n == 1 else 'are'} too few for an interval"
    else:
        sure = f"Brackets: 95 % bootstrap interval over {units}"
    spread = ""
    if top.n_splits > 1:
        sd = number(top.balanced_accuracy.sd)
        spread = f", standard deviation over splits {sd}"
    splits = counted(top.n_splits, "splits")
    return f"{sure}; {tested_text(top)} tested in {splits}{spread}."


def counted(n: int, words: str) -> str:
    """Return a number with a plural, "3 splits", or its singular, "1 split"."""
    return f"{n} {words.removesuffix('s') if n == 1 else words}"


def unit_text(unit: str) -> str:
    """Return what the groups of an interval are called in sentences."""
    return "animals" if unit == "subjects" else unit


def tested_text(score: Score) -> str:
    """Return how many examples and cells a score stands on."""
    examples = counted(score.n_examples, "examples")
    if score.n_cells is None:
        return examples
    return f"{examples} of {counted(score.n_cells, 'cells')}"


def why_unknown(*, animals_named: bool) -> str:
    """Return why a run keeps no animals apart: it does wherever the data allow it.

    Parameters
    ----------
    animals_named : bool
        Whether the data say which animal an example is of.
    """
    if animals_named:
        return "these data do not allow a split by animal"
    return "these data name no animals"


def strictest_run(scores: Iterable[Score]) -> str:
    """Return the strictest way among the scores."""
    ways = {s.way for s in scores}
    order = (*GROUPED, "random", "paper")
    return next((way for way in order if way in ways), "paper")


def _elsewhere(top: Score, scores: Sequence[Score]) -> list[str]:
    """Return the score of the same classifier under each other way.

    Where it ran with other parameters alone, the words name what was taken instead.
    """
    words = []
    for way in dict.fromkeys(s.way for s in scores if s.way != top.way):
        kin = [s for s in scores if s.way == way and s.classifier == top.classifier]
        # An architecture may be spelt out in the one and left to its default in the
        # other.
        tiers = (
            [s for s in kin if same_training(s, top)],
            [s for s in kin if is_best(s.classifier, s.parameters)],
            kin,
        )
        tier = next((tier for tier in tiers if tier), None)
        if tier is None:
            continue
        other = min(tier, key=lambda s: abs(s.n_train - top.n_train))
        told = "" if same_training(other, top) else f" ({_difference(other, top)})"
        words.append(f"{in_words(way)} {other.interval.value:.2f}{told}")
    return words


def same_training(one: Score, other: Score) -> bool:
    """Tell whether two scores are of the same classifier, trained the same way."""
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("classifier", "parameters", "n_frames")
    )


def _difference(other: Score, top: Score) -> str:
    epochs = other.parameters.get("epochs")
    if epochs != top.parameters.get("epochs"):
        return f"{other.name}, {epochs} epochs"
    return other.name


def bare(probe: Score) -> str:
    """Return the name of a probe without the word "probe"."""
    return probe.classifier.removeprefix("probe: ")


def find_doubts(scores: Sequence[Score]) -> tuple[str, ...]:
    """Return a sentence for each reason not to believe the scores."""
    sentences = []
    models = [s for s in scores if s.role == "classifier"]
    told = _best_on_new_data(s for s in models if s.way == models[0].way)
    if told is not None and not above_chance(told[1]):
        name, new = told
        sentences.append(
            _no_better_than_chance("On the new data", name, new.interval, new.chance)
        )
    for way in dict.fromkeys(s.way for s in scores):
        there = [s for s in scores if s.way == way]
        model = best(s for s in there if s.role == "classifier")
        if model is None:
            continue
        if not above_chance(model):
            where = f"Split {in_words(way)}"
            sentences.append(
                _no_better_than_chance(where, model.name, model.interval, model.chance)
            )
        near = [s for s in there if s.role == "probe" and comes_near(s, model)]
        sentences += [_rig(probe, model) for probe in [best(near)] if probe]
    sentences += [_leak(s) for s in scores if s.role == "shuffled" and leaks(s)]
    return tuple(sentences)


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


def differences(one: Score, other: Score) -> list[float]:
    """Return the differences in balanced accuracy on the splits that both have."""
    values = {row["split"]: row["balanced_accuracy"] for row in other.splits}
    return [
        row["balanced_accuracy"] - values[row["split"]]
        for row in one.splits
        if row["split"] in values
    ]


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


def _no_better_than_chance(
    where: str, name: str, interval: Interval, chance: float
) -> str:
    return (
        f"{where}, no classifier is shown to be better than chance: the best ({name}) "
        f"reaches {short(interval)}, chance {chance:.2f}."
    )


def _rig(probe: Score, model: Score) -> str:
    name = bare(probe)
    alone = "the session" if name == SESSION else f"one number ({name})"
    found = (
        f"Split {in_words(model.way)}, {alone} alone reaches {short(probe.interval)}, "
        f"and the best model {short(model.interval)} ({model.name})"
    )
    if name in ACTIVITY:
        return (
            f"{found}: the model has shown no more than this number does, which the "
            "cell or the rig may set."
        )
    if above_chance(model):
        return f"{found}: the model may be reading the rig, not the cell."
    return (
        f"{found}: how a cell was recorded may tell its type in these data, so a model "
        "that is right may be reading the rig, not the cell."
    )


def _leak(score: Score) -> str:
    return (
        f"Trained on shuffled labels, {score.name.removesuffix(', shuffled labels')} "
        f"still reaches {short(score.interval)}, chance {score.chance:.2f}: luck does "
        "that now and then, but if it happens with another seed as well, the test "
        "labels leak into the training."
    )


def accuracy_text(score: Score) -> str:
    """Return an accuracy with its spread, as in "0.861 (SD 0.012 over 10 splits)"."""
    splits = counted(score.n_splits, "splits")
    if score.n_splits > 1:
        splits = f"SD {number(score.accuracy.sd)} over {splits}"
    return f"{number(score.accuracy.mean)} ({splits})"


def summary_lines(report: Report) -> list[str]:
    """Return the report in a few plain lines."""
    lines = [f"{report.title}, {report.name}", report.sentence, report.basis]
    lines += report.doubts
    shown = report.shown_everywhere
    for s in shown[: max(1, MOST_LINES - len(lines))]:
        lines.append(
            f"{s.name}, {in_words(s.way)}: balanced accuracy {short(s.interval)}, "
            f"chance {s.chance:.2f}; accuracy {accuracy_text(s)}, most frequent type "
            f"{number(s.majority)}; {tested_text(s)}."
        )
    return [line for line in lines if line]
