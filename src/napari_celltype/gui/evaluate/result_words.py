"""What an evaluation found in one sentence, and the doubts in a few words each."""

from __future__ import annotations

from napari_celltype.protocol.caption import matrices
from napari_celltype.protocol.design import INSEPARABLE
from napari_celltype.protocol.report import Report
from napari_celltype.protocol.scores import Score
from napari_celltype.protocol.words import (
    SESSION,
    above_chance,
    bare,
    best,
    comes_near,
    counted,
    in_words,
    leaks,
    short,
    tested_text,
    unit_text,
)

_NEW = {
    "by-subject": "new animals",
    "by-session": "new sessions",
    "by-cell": "new cells",
}
# What of a report's notes speaks against its scores.
_NOTES = ("A quick look: ", "The splits were not all computed alike")


def plain_sentence(report: Report) -> str:
    """Return how the best classifier does where it was tested most strictly.

    Parameters
    ----------
    report : Report
    """
    shown = matrices(report)
    if not shown:
        return report.sentence
    top = shown[0]
    how = "better than chance" if above_chance(top) else "no better than chance"
    return (
        f"On {_NEW.get(top.way, 'random splits')} {how}: {top.interval.value:.2f}, "
        f"chance {top.chance:.2f}."
    )


def short_doubts(report: Report) -> list[str]:
    """Return each reason not to believe the scores in few words, the gravest first.

    Parameters
    ----------
    report : Report
    """
    shown = matrices(report)
    if not shown:
        return []
    top = shown[0]
    said = []
    if any(leaks(s) for s in report.of("shuffled")):
        said.append("Right on shuffled labels, too: test labels may leak.")
    if INSEPARABLE in report.doubts:
        said.append(INSEPARABLE)
    elif top.way != "by-subject":
        said.append("New animals were not tested.")
    rival = best(s for s in report.of("probe", top.way) if comes_near(s, top))
    if rival is not None:
        name = bare(rival)
        what = "The session" if name == SESSION else f"One number ({name})"
        said.append(f"{what} alone reaches {rival.interval.value:.2f}.")
    if any(note.startswith(_NOTES[0]) for note in report.notes):
        said.append("A quick look: less certain.")
    return said


def details_of(report: Report) -> str:
    """Return all that is to be said about the scores, in lines.

    Parameters
    ----------
    report : Report
    """
    notes = [note for note in report.notes if note.startswith(_NOTES)]
    lines = [f"{report.title}, {report.name}", report.basis]
    lines += [_side(score) for score in matrices(report)]
    lines += [f"⚠ {sentence}" for sentence in (*notes, *report.doubts)]
    return "\n".join(filter(None, lines))


def _side(score: Score) -> str:
    """Return one way of splitting with all that its score needs beside it."""
    from_units = ""
    if score.interval.unit in ("subjects", "sessions"):
        units = counted(score.interval.n, unit_text(score.interval.unit))
        from_units = f" of {units}"
    spread = ""
    if score.n_splits > 1:
        spread = f", SD over splits {score.balanced_accuracy.sd:.2f}"
    return (
        f"{in_words(score.way).capitalize()}: {score.name} {short(score.interval)}"
        f"{spread}, chance {score.chance:.2f}; {tested_text(score)}{from_units}"
    )
