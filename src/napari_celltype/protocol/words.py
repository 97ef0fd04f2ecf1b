"""The sentences of a report: what was found, what it may not mean, what was done."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from napari_celltype.findings import Finding
from napari_celltype.labels.notes import counted
from napari_celltype.protocol.evaluation import INSEPARABLE, Evaluation
from napari_celltype.protocol.groups import COLUMNS
from napari_celltype.protocol.learning import MOST, TARGET, LearningCurve
from napari_celltype.protocol.metrics import Interval
from napari_celltype.protocol.paper import PAPER
from napari_celltype.protocol.scores import (
    GROUPED,
    Score,
    Spread,
    Tested,
    above_chance,
    best,
    comes_near,
    leaks,
)

UNDEFINED = "–"
# The probe that sees which recording a trace is of, and no number.
SESSION = "session"
# Probes that the activity of a cell changes at least as much as the rig does.
_ACTIVITY = ("skewness", "slow power")
# Ways of splitting in the fewest words, and how they are called in sentences.
SHORT_WAYS = {
    "paper": "paper's",
    "random": "random",
    **{way: f"by {word}" for way, (_, word) in COLUMNS.items()},
}
_IN_SENTENCES = {"paper": "the paper's way", "random": "random splits"}
_DRAWN = {"paper": " with fixed numbers of each type", "random": ""}
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
    if digits is None:
        digits = 3 if abs(value) < 10 else 1
    return f"{value:.{digits}f}" if math.isfinite(value) else UNDEFINED


def spread_text(spread: Spread) -> str:
    """Return a mean with its deviation over splits, as in "0.861 (0.012)"."""
    digits = 3 if spread.mean < 10 else 1
    deviation = "" if math.isnan(spread.sd) else f" ({number(spread.sd, digits)})"
    return number(spread.mean) + deviation


def short(interval: Interval) -> str:
    """Return a balanced accuracy with its interval, as in "0.61 [0.48-0.72]"."""
    bounds = f" [{interval.low:.2f}-{interval.high:.2f}]"
    return f"{interval.value:.2f}{'' if interval.too_few else bounds}"


def parameters_text(parameters: Mapping[str, object]) -> str:
    """Return parameters as in "epochs 20, layers 2"."""
    return ", ".join(f"{name} {value}" for name, value in parameters.items())


def units_text(interval: Interval) -> str:
    """Return how many groups were resampled, as in "8 animals"."""
    return counted(interval.n, interval.unit.removesuffix("s"))


def tested_text(score: Score) -> str:
    """Return how many examples and cells a score stands on."""
    of = "" if score.n_cells is None else f" of {counted(score.n_cells, 'cell')}"
    return f"{counted(score.n_examples, 'example')}{of}"


def headline(found: Evaluation) -> str:
    """Return the sentence on top of a report, on balanced accuracies."""
    # The best classifier of the strictest way that was run stands first, because a new
    # animal is what a user has; then the same classifier in the other way.
    top = found.top[0]
    parts = []
    new = best(s.new for s in found.asked if s.new is not None)
    if new is not None:
        chance = f"chance {new.chance:.2f}"
        parts.append(f"on the new data {short(new.interval)} ({new.name}), {chance}")
    if top.way != "by-subject":
        # A run keeps animals apart wherever the data allow it.
        unnamed = found.design.separable is None
        why = "name no animals" if unnamed else "do not allow a split by animal"
        parts.append(f"for a new animal: unknown, these data {why}")
    parts.append(f"{way_title(top.way)} {short(top.interval)}, chance {top.chance:.2f}")
    for s in found.top[1:]:
        if s.parameters == top.parameters:
            parts.append(f"{way_title(s.way)} {s.interval.value:.2f}")
    n = len(found.of("classifier", top.way))
    chosen = f", the best of {n}" if n > 1 else ""
    parts.append(f"balanced accuracy of {top.name}{chosen}")
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."


def basis(found: Evaluation) -> str:
    """Return what the headline's score stands on."""
    top = found.top[0]
    sure = f"Brackets: 95 % bootstrap interval over {units_text(top.interval)}"
    if top.interval.too_few:
        sure = f"{units_text(top.interval)}: too few for an interval"
    spread = ""
    if top.n_splits > 1:
        sd = number(top.balanced_accuracy.sd)
        spread = f", standard deviation over splits {sd}"
    splits = counted(top.n_splits, "split")
    return f"{sure}; {tested_text(top)} tested in {splits}{spread}."


def doubts(found: Evaluation) -> tuple[Finding, ...]:
    """Return each reason not to believe the scores."""
    reasons = []
    if found.design.separable is False:
        reasons.append(Finding("type-is-animal", INSEPARABLE))
    new = best(s.new for s in found.asked if s.new is not None)
    if new is not None and not above_chance(new):
        reasons.append(_no_better_than_chance("On the new data", new))
    for way in dict.fromkeys(s.way for s in found.of("classifier")):
        where = f"Split {way_title(way)}"
        model = max(found.of("classifier", way), key=lambda s: s.interval.value)
        if not above_chance(model):
            reasons.append(_no_better_than_chance(where, model))
        near = best(s for s in found.of("probe", way) if comes_near(s, model))
        if near is not None:
            name = near.bare_name
            alone = "the session" if name == SESSION else f"one number ({name})"
            meaning = "a model that is right may be reading the rig, not the cell"
            if name in _ACTIVITY:
                meaning = "the model has shown no more than this number"
            sentence = (
                f"{where}, {alone} alone reaches {short(near.interval)}, and the best "
                f"model {short(model.interval)} ({model.name}): {meaning}."
            )
            reasons.append(Finding("probe-comes-near", sentence))
    for shuffled in filter(leaks, found.of("shuffled")):
        sentence = (
            f"Trained on shuffled labels, {shuffled.bare_name} still reaches "
            f"{short(shuffled.interval)}, chance {shuffled.chance:.2f}: luck, or test "
            f"labels leak into the training."
        )
        reasons.append(Finding("right-on-shuffled-labels", sentence))
    return tuple(reasons)


def _no_better_than_chance(where: str, best: Tested) -> Finding:
    return Finding(
        "no-better-than-chance",
        f"{where}, no classifier is shown to be better than chance: the best "
        f"({best.name}) reaches {short(best.interval)}, chance {best.chance:.2f}.",
    )


def needed_text(curve: LearningCurve, name: str) -> str:
    """Say how many make a score 90 %, as in "14 animals [9, more than 20]"."""
    least, most = curve.sizes[0], MOST * curve.sizes[-1]
    fit = curve.fit(name)

    def text(size: float, write: Callable[[float], str] = curve.number) -> str:
        bound = "more than " if size > most else "at most " if size < least else ""
        return bound + write(min(max(size, least), most))

    if math.isnan(fit.ceiling[0]):
        return f"unknown, as too few tested cells are called {name}"
    if fit.ceiling[0] <= TARGET:
        ceiling = short(curve.interval(fit.ceiling))
        return f"not reached by more {curve.unit}: levels off at {ceiling}"
    needed = curve.interval(fit.needed(TARGET))
    value = text(needed.value, curve.amount)
    if needed.too_few:
        return value
    return f"{value} [{text(needed.low)}, {text(needed.high)}]"


def more_data(curves: Sequence[LearningCurve]) -> list[str]:
    """Say for each type how much data make 90 % of the cells called so right."""
    # Of one classifier.
    return [
        f"{100 * TARGET:g} % of cells called {name} right, where {100 * share:.3g} % "
        f"are {name}: "
        + "; ".join(
            f"{needed_text(curve, name)} (now {curve.amount(curve.sizes[-1])})"
            for curve in curves
        )
        + "."
        for name, share in (curves[0].shares if curves else {}).items()
    ]


def caption(found: Evaluation) -> str:
    """Return the caption of `figures.paper_figure`, for a paper."""
    classifiers, shuffled = found.of("classifier"), found.of("shuffled")
    ways = dict.fromkeys(s.way for s in (*found.top, *classifiers))
    probes = [best(found.of("probe", way)) for way in ways]
    shown = [probe for probe in probes if probe is not None]
    units, rivals = _resampled(classifiers), len({s.name for s in classifiers})
    chosen = f", the best of {rivals} chosen after the fact" if rivals > 1 else ""
    panels = [f"{found.top[0].name}{chosen}", "the same classifier"]
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
            f"share of each true type and number of answers in "
            f"{counted(score.n_splits, 'split')}; {tested_text(score)}"
            f"{from_groups(score, 'from')}."
            for letter, which, score in zip("BC", panels, found.top, strict=False)
        ),
        *found.cautions,
        *(["Caution:", *doubts(found)] if doubts(found) else []),
    ]
    return _paragraph(sentences)


def _paragraph(sentences: Iterable[object]) -> str:
    """Return the sentences that there are, one after the other."""
    return " ".join(str(sentence) for sentence in sentences if sentence)


def _resampled(scores: Sequence[Score]) -> str:
    """Return over what the intervals of scores are; empty where none has one."""
    units = (s.interval.unit for s in scores if not s.interval.too_few)
    return ", ".join(dict.fromkeys(units))


def _by_way(scores: Sequence[Score], ways: Iterable[str]) -> str:
    """Return scores of each way with their spread and chance."""
    parts = []
    for way in ways:
        there = [s for s in scores if s.way == way]
        each = [
            f"{s.bare_name} {short(s.interval)}"
            + (f", SD {number(s.balanced_accuracy.sd)}" if s.n_splits > 1 else "")
            for s in there
        ]
        if there:
            chance = ", ".join(dict.fromkeys(f"{s.chance:.2f}" for s in there))
            parts.append(f"{way_title(way)}, {'; '.join(each)} (chance {chance})")
    return "; ".join(parts)


def from_groups(score: Score, word: str) -> str:
    """Return of how many animals or sessions the tested cells are, where known."""
    grouped = score.interval.unit in ("animals", "sessions")
    return f" {word} {units_text(score.interval)}" if grouped else ""


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
    return _paragraph(sentences)


def _how_split(way: str, scores: Sequence[Score]) -> str:
    sizes = dict.fromkeys(f"{s.n_train} and {s.n_test}" for s in scores)
    mean = " on average" if way in GROUPED else ""
    group = SHORT_WAYS[way].removeprefix("by ")
    how = _DRAWN.get(way, f", with all traces of one {group} on one side")
    return (
        f"Examples were divided {counted(max(s.n_splits for s in scores), 'time')} "
        f"into training and test sets ({', '.join(sizes)} examples{mean}) at random"
        f"{how}."
    )


def _z_scores(scores: Sequence[Score]) -> str:
    """Say how traces were normalised; where it differs, the parameters tell."""
    ways = {s.parameters.get("normalization", "training-set") for s in scores}
    of = "each trace" if ways == {"trace"} else "the training set of each split"
    other = ", unless the parameters name another normalisation"
    return (
        f"Traces were z-scored with the mean and standard deviation of {of}"
        f"{other if ways - {'trace', 'training-set'} or len(ways) > 1 else ''}."
    )
