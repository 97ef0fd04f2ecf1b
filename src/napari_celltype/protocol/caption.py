"""The caption of the figure of an evaluation, for a paper: what it shows, no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_celltype.protocol.report_table import number
from napari_celltype.protocol.scores import Score
from napari_celltype.protocol.words import (
    GROUPED,
    best,
    counted,
    in_words,
    short,
    strictest_run,
    tested_text,
    unit_text,
)

if TYPE_CHECKING:
    from napari_celltype.protocol.report import Report


def matrices(report: Report) -> tuple[Score, ...]:
    """Return what the confusion matrices of the figure are of.

    The best classifier under the strictest way of splitting, and the same classifier
    under the other way.

    Parameters
    ----------
    report : Report
    """
    classifiers = report.of("classifier")
    way = strictest_run(classifiers)
    top = best(s for s in classifiers if s.way == way)
    if top is None:
        return ()
    others = [s for s in classifiers if s.way != way and s.name == top.name]
    return (top, *others[:1])


def caption(report: Report) -> str:
    """Return the caption of `paper_figure`, in sentences.

    With every score stand its interval, or why there is none, the spread over splits,
    chance, and the number of examples, cells and animals.

    Parameters
    ----------
    report : Report
    """
    shown = matrices(report)
    if not shown:
        return "Nothing is finished yet."
    classifiers = report.of("classifier")
    ways = dict.fromkeys(s.way for s in (*shown, *classifiers))
    scores = [_scores(way, [s for s in classifiers if s.way == way]) for way in ways]
    sentences = [
        f"Cell types told apart from calcium traces ({report.name}).",
        f"(A) Balanced accuracy: {'; '.join(scores)}.",
    ]
    sentences += _controls(report, list(ways))
    sentences.append(
        "Splits at random leave traces of one cell and one animal on both sides."
        if not set(ways) <= set(GROUPED)
        else ""
    )
    if any(not s.interval.too_few for s in classifiers):
        units = dict.fromkeys(
            unit_text(s.interval.unit) for s in classifiers if not s.interval.too_few
        )
        sentences.append(f"Brackets and bars: 95 % bootstrap over {', '.join(units)}.")
    if any(s.interval.too_few for s in classifiers):
        sentences.append("Without brackets: too few groups for an interval.")
    if any(s.n_splits > 1 for s in classifiers):
        sentences.append(
            "SD over splits is no error bar, because their training sets overlap."
        )
    rivals = len({s.name for s in classifiers})
    chosen = f", the best of {rivals} chosen after the fact" if rivals > 1 else ""
    for letter, score in zip("BC", shown, strict=False):
        which = f"{score.name}{chosen}" if letter == "B" else "the same classifier"
        sentences.append(
            f"({letter}) Confusion matrix of {which}, {in_words(score.way)}: "
            "share of each true type and number of answers in "
            f"{counted(score.n_splits, 'splits')}; {tested_text(score)}."
        )
    sentences += _incomplete(classifiers)
    sentences += [n for n in report.notes if n.startswith("A quick look: ")]
    if report.doubts:
        sentences.append("Caution: " + " ".join(report.doubts))
    return " ".join(filter(None, sentences))


def _scores(way: str, scores: Sequence[Score]) -> str:
    """Return scores of one way with their spread, and what they all stand on."""
    words = []
    for s in scores:
        sd = f", SD {number(s.balanced_accuracy.sd)}" if s.n_splits > 1 else ""
        name = s.name.removeprefix("probe: ").removesuffix(", shuffled labels")
        words.append(f"{name} {short(s.interval)}{sd}")
    basis = dict.fromkeys(
        f"{counted(s.n_splits, 'splits')} of {tested_text(s)}"
        + (
            f" from {counted(s.interval.n, unit_text(s.interval.unit))}"
            if s.interval.unit in ("subjects", "sessions")
            else ""
        )
        for s in scores
    )
    chance = ", ".join(dict.fromkeys(f"{s.chance:.2f}" for s in scores))
    stands_on = "; ".join(basis)
    return f"{in_words(way)}, {'; '.join(words)} (chance {chance}; {stands_on})"


def _controls(report: Report, ways: Sequence[str]) -> list[str]:
    sentences = []
    probes = [(way, best(report.of("probe", way))) for way in ways]
    told = [_scores(way, [probe]) for way, probe in probes if probe is not None]
    if told:
        sentences.append(f"Best single number: {'; '.join(told)}.")
    shuffled = report.of("shuffled")
    for way in dict.fromkeys(s.way for s in shuffled):
        there = _scores(way, [s for s in shuffled if s.way == way])
        sentences.append(f"Trained on shuffled labels: {there}.")
    return sentences


def _incomplete(scores: Sequence[Score]) -> list[str]:
    missing = sum(s.n_planned - s.n_splits for s in scores)
    if not missing:
        return []
    return [f"Not finished: {counted(missing, 'trainings')} of the classifiers."]
