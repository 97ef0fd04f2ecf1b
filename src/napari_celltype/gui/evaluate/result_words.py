"""What an evaluation found in one sentence, and the doubts in a few words each."""

from __future__ import annotations

from napari_celltype.protocol.comparison import above_chance, best, comes_near, leaks
from napari_celltype.protocol.design import INSEPARABLE
from napari_celltype.protocol.report import Report
from napari_celltype.protocol.scores import Score
from napari_celltype.protocol.words import (
    SESSION,
    from_groups,
    in_words,
    short,
    tested_text,
)

_NEW = {
    "by-subject": "new animals",
    "by-session": "new sessions",
    "by-cell": "new cells",
}


def plain_sentence(report: Report) -> str:
    """Return how the best classifier does where it was tested most strictly."""
    if not report.top:
        return report.sentence
    top = report.top[0]
    how = "better than chance" if above_chance(top) else "no better than chance"
    return (
        f"On {_NEW.get(top.way, 'random splits')} {how}: {top.interval.value:.2f}, "
        f"chance {top.chance:.2f}."
    )


def short_doubts(report: Report) -> list[str]:
    """Return each reason not to believe the scores in few words, the gravest first."""
    if not report.top:
        return []
    top = report.top[0]
    doubts = []
    if any(leaks(s) for s in report.of("shuffled")):
        doubts.append("Right on shuffled labels, too: test labels may leak.")
    if report.design.separable is False:
        doubts.append(INSEPARABLE)
    elif top.way != "by-subject":
        doubts.append("New animals were not tested.")
    rival = best(s for s in report.of("probe", top.way) if comes_near(s, top))
    if rival is not None:
        name = rival.bare_name
        what = "The session" if name == SESSION else f"One number ({name})"
        doubts.append(f"{what} alone reaches {rival.interval.value:.2f}.")
    if "quick" in report.cautions:
        doubts.append("A quick look: less certain.")
    return doubts


def details_of(report: Report) -> str:
    """Return how the scores came about and all doubts, in lines."""
    lines = [f"{report.title}, {report.name}", report.basis]
    lines += [_side(score) for score in report.top]
    lines += [f"⚠ {s}" for s in (*report.cautions.values(), *report.doubts)]
    return "\n".join(filter(None, lines))


def _side(score: Score) -> str:
    """Return one way of splitting with all that its score needs beside it."""
    spread = ""
    if score.n_splits > 1:
        spread = f", SD over splits {score.balanced_accuracy.sd:.2f}"
    return (
        f"{in_words(score.way).capitalize()}: {score.name} {short(score.interval)}"
        f"{spread}, chance {score.chance:.2f}; {tested_text(score)}"
        f"{from_groups(score, 'of')}"
    )
