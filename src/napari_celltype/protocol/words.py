"""The sentences of a report: what was found, what it may not mean, what was done."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from napari_celltype.labels.notes import counted
from napari_celltype.protocol.evaluation import INSEPARABLE, Evaluation
from napari_celltype.protocol.metrics import FEWEST, Interval
from napari_celltype.protocol.paper import is_best
from napari_celltype.protocol.scores import (
    GROUPED,
    Score,
    Spread,
    above_chance,
    best,
    best_on_new_data,
    comes_near,
    leaks,
    same_training,
)

UNDEFINED = "–"
# The probe that sees which recording a trace is of, and no number.
SESSION = "session"
# Probes that the activity of a cell changes at least as much as the rig does.
_ACTIVITY = ("skewness", "slow power")
_NOTHING = "Nothing is finished yet."
PAPER = "Troullinou et al. 2021 (IEEE TETCI, arXiv 1911.09977)"
# Ways of splitting in the fewest words, and how they are called in sentences.
SHORT_WAYS = {
    "paper": "paper's",
    "random": "random",
    "by-session": "by session",
    "by-subject": "by animal",
    "by-cell": "by cell",
}
_IN_SENTENCES = {"paper": "the paper's way", "random": "random splits"}
_DRAWN = {
    "paper": "at random with fixed numbers of each type",
    "random": "at random",
    "by-session": "at random, with all traces of a session on one side",
    "by-subject": "at random, with all traces of an animal on one side",
    "by-cell": "at random, with all traces of a cell on one side",
}
_UNITS = {
    "subjects": "animal",
    "sessions": "session",
    "cells": "cell",
    "examples": "example",
}
_SOFTWARE = {
    "python": "Python",
    "numpy": "NumPy",
    "scikit-learn": "scikit-learn",
    "torch": "PyTorch",
}


def way_title(way: str) -> str:
    """Return how a way to split is called in sentences."""
    return _IN_SENTENCES.get(way, SHORT_WAYS[way])


def number(value: float, digits: int | None = None) -> str:
    """Return a number with three digits behind the point, one when it is large."""
    if not math.isfinite(value):
        return UNDEFINED
    if digits is None:
        digits = 3 if abs(value) < 10 else 1
    return f"{value:.{digits}f}"


def spread_text(spread: Spread) -> str:
    """Return a mean with its deviation over splits, as in "0.861 (0.012)"."""
    if math.isnan(spread.sd):
        return number(spread.mean)
    return f"{number(spread.mean)} ({number(spread.sd, 3 if spread.mean < 10 else 1)})"


def short(interval: Interval) -> str:
    """Return a balanced accuracy with its interval, as in "0.61 [0.48-0.72]"."""
    if interval.too_few:
        return f"{interval.value:.2f}"
    return f"{interval.value:.2f} [{interval.low:.2f}-{interval.high:.2f}]"


def parameters_text(parameters: Mapping[str, object]) -> str:
    """Return parameters as in "epochs 20, layers 2"."""
    return ", ".join(f"{name} {value}" for name, value in parameters.items())


def units_text(interval: Interval) -> str:
    """Return how many groups were resampled, as in "8 animals"."""
    return counted(interval.n, _UNITS[interval.unit])


def tested_text(score: Score) -> str:
    """Return how many examples and cells a score stands on."""
    examples = counted(score.n_examples, "example")
    if score.n_cells is None:
        return examples
    return f"{examples} of {counted(score.n_cells, 'cell')}"


def headline(found: Evaluation) -> str:
    """Return the sentence on top of a report, on balanced accuracies."""
    # The best classifier of the strictest way that was run stands first, because a new
    # animal is what a user has; then the same classifier in the other way.
    if not found.top:
        return _NOTHING
    top, classifiers = found.top[0], found.of("classifier")
    parts = []
    new = best_on_new_data(found.asked)
    if new is not None:
        which = _of_many(new[0], sum(s.new is not None for s in found.asked))
        parts.append(
            f"on the new data {short(new[1].interval)} ({which}), chance "
            f"{new[1].chance:.2f}, {new[1].n_examples} examples"
        )
    if top.way != "by-subject":
        # A run keeps animals apart wherever the data allow it.
        unnamed = found.design.separable is None
        why = "name no animals" if unnamed else "do not allow a split by animal"
        parts.append(f"for a new animal: unknown, these data {why}")
    parts.append(f"{way_title(top.way)} {short(top.interval)}, chance {top.chance:.2f}")
    parts += _elsewhere(top, classifiers)
    probes = found.of("probe", top.way)
    probe = best(s for s in probes if s.bare_name != SESSION)
    if probe is not None:
        score = probe.interval.value
        parts.append(f"best one-number probe {score:.2f} ({probe.bare_name})")
    session = [s.interval.value for s in probes if s.bare_name == SESSION]
    parts += [f"session alone {score:.2f}" for score in session]
    rivals = len({s.name for s in classifiers if s.way == top.way})
    parts.append(f"balanced accuracy of {_of_many(top.name, rivals)}")
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _of_many(name: str, n: int) -> str:
    return f"{name}, the best of {n}" if n > 1 else name


def _elsewhere(top: Score, scores: Sequence[Score]) -> list[str]:
    """Return the score of the same classifier under each other way."""
    others = []
    for way in dict.fromkeys(s.way for s in scores if s.way != top.way):
        kin = [s for s in scores if s.way == way and s.classifier == top.classifier]
        # An architecture may be spelt out in the one and left to its default in the
        # other.
        nearest = (
            [s for s in kin if same_training(s, top)]
            or [s for s in kin if is_best(s.classifier, s.parameters)]
            or kin
        )
        if not nearest:
            continue
        other = min(nearest, key=lambda s: abs(s.n_train - top.n_train))
        instead = ""
        if not same_training(other, top):
            epochs = other.parameters.get("epochs")
            differs = epochs != top.parameters.get("epochs")
            instead = f" ({other.name}{f', {epochs} epochs' if differs else ''})"
        others.append(f"{way_title(way)} {other.interval.value:.2f}{instead}")
    return others


def basis(found: Evaluation) -> str:
    """Return what the headline's score stands on; empty where nothing is finished."""
    if not found.top:
        return ""
    top = found.top[0]
    units, interval = units_text(top.interval), top.interval
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
    splits = counted(top.n_splits, "split")
    return f"{sure}; {tested_text(top)} tested in {splits}{spread}."


def doubts(found: Evaluation) -> tuple[str, ...]:
    """Return a sentence for each reason not to believe the scores."""
    inseparable = (INSEPARABLE,) if found.design.separable is False else ()
    return (*inseparable, *find_doubts(found.results))


def find_doubts(scores: Sequence[Score]) -> tuple[str, ...]:
    """Return the doubts that follow from scores alone."""
    sentences = []
    models = [s for s in scores if s.role == "classifier"]
    new = best_on_new_data(s for s in models if s.way == models[0].way)
    if new is not None and not above_chance(new[1]):
        sentences.append(
            _no_better_than_chance(
                "On the new data", new[0], new[1].interval, new[1].chance
            )
        )
    for way in dict.fromkeys(s.way for s in scores):
        model = best(s for s in models if s.way == way)
        if model is None:
            continue
        if not above_chance(model):
            where = f"Split {way_title(way)}"
            sentences.append(
                _no_better_than_chance(where, model.name, model.interval, model.chance)
            )
        probes = (s for s in scores if s.role == "probe" and s.way == way)
        near = best(s for s in probes if comes_near(s, model))
        if near is not None:
            sentences.append(_near(near, model))
    sentences += [
        f"Trained on shuffled labels, {s.bare_name} still reaches {short(s.interval)}, "
        f"chance {s.chance:.2f}: luck does that now and then, but if it happens with "
        "another seed as well, the test labels leak into the training."
        for s in scores
        if s.role == "shuffled" and leaks(s)
    ]
    return tuple(sentences)


def _no_better_than_chance(
    where: str, name: str, interval: Interval, chance: float
) -> str:
    return (
        f"{where}, no classifier is shown to be better than chance: the best ({name}) "
        f"reaches {short(interval)}, chance {chance:.2f}."
    )


def _near(probe: Score, model: Score) -> str:
    name = probe.bare_name
    alone = "the session" if name == SESSION else f"one number ({name})"
    found = (
        f"Split {way_title(model.way)}, {alone} alone reaches {short(probe.interval)}, "
        f"and the best model {short(model.interval)} ({model.name})"
    )
    if name in _ACTIVITY:
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


def caption(found: Evaluation) -> str:
    """Return the caption of `figures.paper_figure`, for a paper.

    With every score stand its interval, or why there is none, the spread over splits,
    chance, and the number of examples, cells and animals.
    """
    if not found.top:
        return _NOTHING
    classifiers, shuffled = found.of("classifier"), found.of("shuffled")
    ways = dict.fromkeys(s.way for s in (*found.top, *classifiers))
    probes = [best(found.of("probe", way)) for way in ways]
    shown = [probe for probe in probes if probe is not None]
    units = _resampled(classifiers)
    rivals = len({s.name for s in classifiers})
    chosen = f", the best of {rivals} chosen after the fact" if rivals > 1 else ""
    panels = [f"{found.top[0].name}{chosen}", "the same classifier"]
    missing = sum(s.n_planned - s.n_splits for s in classifiers)
    every_doubt = " ".join(doubts(found))
    sentences = [
        f"Cell types told apart from calcium traces ({found.name}).",
        f"(A) Balanced accuracy: {_by_way(classifiers, ways)}.",
        shown and f"Best single number: {_by_way(shown, ways)}.",
        shuffled and f"Trained on shuffled labels: {_by_way(shuffled, ways)}.",
        not set(ways) <= set(GROUPED)
        and "Splits at random leave traces of one cell and one animal on both sides.",
        units and f"Brackets and bars: 95 % bootstrap over {units}.",
        any(s.interval.too_few for s in classifiers)
        and "Without brackets: too few groups for an interval.",
        any(s.n_splits > 1 for s in classifiers)
        and "SD over splits is no error bar, because their training sets overlap.",
        *(
            f"({letter}) Confusion matrix of {which}, {way_title(score.way)}: "
            "share of each true type and number of answers in "
            f"{counted(score.n_splits, 'split')}; {tested_text(score)}."
            for letter, which, score in zip("BC", panels, found.top, strict=False)
        ),
        missing and f"Not finished: {counted(missing, 'training')} of the classifiers.",
        *found.cautions,
        every_doubt and f"Caution: {every_doubt}",
    ]
    return " ".join(str(sentence) for sentence in sentences if sentence)


def _resampled(scores: Sequence[Score]) -> str:
    """Return over what the intervals of scores are; empty where none has one."""
    units = (s.interval.unit for s in scores if not s.interval.too_few)
    return ", ".join(f"{_UNITS[unit]}s" for unit in dict.fromkeys(units))


def _by_way(scores: Sequence[Score], ways: Iterable[str]) -> str:
    """Return scores of each way with their spread, and what they all stand on."""
    parts = []
    for way in ways:
        there = [s for s in scores if s.way == way]
        if not there:
            continue
        each = [
            f"{s.bare_name} {short(s.interval)}"
            + (f", SD {number(s.balanced_accuracy.sd)}" if s.n_splits > 1 else "")
            for s in there
        ]
        stands_on = dict.fromkeys(
            f"{counted(s.n_splits, 'split')} of {tested_text(s)}"
            f"{from_groups(s, 'from')}"
            for s in there
        )
        chance = ", ".join(dict.fromkeys(f"{s.chance:.2f}" for s in there))
        parts.append(
            f"{way_title(way)}, {'; '.join(each)} (chance {chance}; "
            f"{'; '.join(stands_on)})"
        )
    return "; ".join(parts)


def from_groups(score: Score, word: str) -> str:
    """Return of how many animals or sessions the tested cells are, where known."""
    if score.interval.unit not in ("subjects", "sessions"):
        return ""
    return f" {word} {units_text(score.interval)}"


def methods(found: Evaluation) -> str:
    """Return a methods paragraph for a paper: no result and no judgement."""
    settings, classifiers = found.settings, found.of("classifier")
    labels = ", ".join(f"{n} {name}" for name, n in settings["labels"].items())
    rate = settings["sampling_frequency"]
    length = f"{settings['frames']} frames" + (f" at {rate:g} Hz" if rate else "")
    partial = ", ".join(n for n in settings["labels"] if n not in found.classes)
    names = [
        f"{s.name} ({parameters_text(s.parameters)})" if s.parameters else s.name
        for s in found.asked
    ]
    units = _resampled(classifiers)
    intervals = f", with 95 % bootstrap intervals over {units} where these were enough"
    # Named are all versions that the splits were computed with.
    used = {
        title: dict.fromkeys(str(e[name]) for e in found.environments if name in e)
        for name, title in _SOFTWARE.items()
    }
    software = "; ".join(f"{title} {', '.join(of)}" for title, of in used.items() if of)
    sentences = [
        f"Cell types were classified from {settings['examples']} labelled calcium "
        f"traces ({labels}) of {length} with napari-celltype {found.version}, after "
        f"{PAPER}.",
        *settings["preparation"],
        partial
        and f"Labels {partial} trained the networks and are not part of these scores.",
        f"The classifiers were {'; '.join(names)}.",
        *(
            _how_split(way, [s for s in classifiers if s.way == way])
            for way in dict.fromkeys(s.way for s in classifiers)
        ),
        _z_scores(found.asked),
        f"Scores are balanced accuracies{intervals if units else ''}.",
        found.differences
        and "Classifiers were compared on the same splits with the corrected resampled "
        "t-test (Nadeau and Bengio 2003).",
        found.of("probe")
        and "Decision trees on single numbers of each trace were scored on the same "
        "splits.",
        found.of("shuffled")
        and "As a control, classifiers were trained on permuted labels.",
        f"The random seed was {settings['random_state']}.",
        software and f"Software: {software}.",
    ]
    return " ".join(str(sentence) for sentence in sentences if sentence)


def _how_split(way: str, scores: Sequence[Score]) -> str:
    sizes = dict.fromkeys(f"{s.n_train} and {s.n_test}" for s in scores)
    mean = " on average" if way in GROUPED else ""
    splits = max(s.n_splits for s in scores)
    times = "once" if splits == 1 else f"{splits} times"
    return (
        f"Examples were divided {times} into training and test sets "
        f"({', '.join(sizes)} examples{mean}) {_DRAWN[way]}."
    )


def _z_scores(scores: Sequence[Score]) -> str:
    """Say how traces were normalised; where it differs, the parameters tell."""
    ways = {s.parameters.get("normalization", "training-set") for s in scores}
    if ways == {"trace"}:
        return "Each trace was z-scored with its own mean and standard deviation."
    other = ", unless the parameters name another normalisation"
    return (
        "Traces were z-scored with the mean and the standard deviation of the training "
        f"set of each split{'' if ways == {'training-set'} else other}."
    )
