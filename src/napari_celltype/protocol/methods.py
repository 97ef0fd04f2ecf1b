"""A paragraph for the methods section of a paper, from the settings of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_celltype.protocol.scores import Score
from napari_celltype.protocol.words import GROUPED, unit_text

if TYPE_CHECKING:
    from napari_celltype.protocol.report import Report

PAPER = "Troullinou et al. 2021 (IEEE TETCI, arXiv 1911.09977)"
_SPLITS = {
    "paper": "at random with fixed numbers of each type",
    "random": "at random",
    "by-session": "at random, with all traces of a session on one side",
    "by-subject": "at random, with all traces of an animal on one side",
    "by-cell": "at random, with all traces of a cell on one side",
}
_SOFTWARE = {
    "python": "Python",
    "numpy": "NumPy",
    "scikit-learn": "scikit-learn",
    "torch": "PyTorch",
}


def methods_paragraph(report: Report) -> str:
    """Say in sentences what was done; no result and no judgement."""
    settings = report.settings
    labels = ", ".join(f"{n} {name}" for name, n in settings["labels"].items())
    rate = settings["sampling_frequency"]
    length = f"{settings['frames']} frames" + (f" at {rate:g} Hz" if rate else "")
    asked, classifiers = report.asked, report.of("classifier")
    sentences = [
        f"Cell types were classified from {settings['examples']} labelled calcium "
        f"traces ({labels}) of {length} with napari-celltype {report.version}, after "
        f"{PAPER}.",
        *settings["preparation"],
        *_partial_labels(report),
        f"The classifiers were {_classifiers(asked)}.",
    ]
    for way in dict.fromkeys(s.way for s in classifiers):
        scores = report.of("classifier", way)
        sizes = dict.fromkeys((s.n_train, s.n_test) for s in scores)
        words = ", ".join(f"{train} and {test}" for train, test in sizes)
        mean = " on average" if way in GROUPED else ""
        splits = max(s.n_splits for s in scores)
        times = "once" if splits == 1 else f"{splits} times"
        sentences.append(
            f"Examples were divided {times} into training and test sets "
            f"({words} examples{mean}) {_SPLITS[way]}."
        )
    sentences.append(_z_scores(asked))
    units = dict.fromkeys(
        unit_text(s.interval.unit) for s in classifiers if not s.interval.too_few
    )
    intervals = (
        f", with 95 % bootstrap intervals over {', '.join(units)} where these were "
        "enough"
    )
    sentences.append(f"Scores are balanced accuracies{intervals if units else ''}.")
    if report.differences:
        sentences.append(
            "Classifiers were compared on the same splits with the corrected resampled "
            "t-test (Nadeau and Bengio 2003)."
        )
    if report.of("probe"):
        sentences.append(
            "Decision trees on single numbers of each trace were scored on the same "
            "splits."
        )
    if report.of("shuffled"):
        sentences.append("As a control, classifiers were trained on permuted labels.")
    sentences.append(f"The random seed was {settings['random_state']}.")
    sentences += _software(report)
    return " ".join(sentences)


def _partial_labels(report: Report) -> list[str]:
    """Say what became of labels that name no single type."""
    partial = [n for n in report.settings["labels"] if n not in report.classes]
    if not partial:
        return []
    return [
        f"Labels {', '.join(partial)} trained the networks and are not part of these "
        "scores."
    ]


def _z_scores(scores: Sequence[Score]) -> str:
    """Say how traces were normalised; where it differs, the parameters tell."""
    ways = {s.parameters.get("normalization", "training-set") for s in scores}
    if ways == {"trace"}:
        return "Each trace was z-scored with its own mean and standard deviation."
    by_training_set = (
        "Traces were z-scored with the mean and the standard deviation of the training "
        "set of each split"
    )
    if ways == {"training-set"}:
        return f"{by_training_set}."
    return f"{by_training_set}, unless the parameters name another normalisation."


def _software(report: Report) -> list[str]:
    """Name the versions that the splits were computed with, all of them."""
    used: dict[str, dict[str, None]] = {name: {} for name in _SOFTWARE}
    for environment in report.environments:
        for name, versions in used.items():
            if name in environment:
                versions[str(environment[name])] = None
    told = [f"{_SOFTWARE[n]} {', '.join(of)}" for n, of in used.items() if of]
    return [f"Software: {'; '.join(told)}."] if told else []


def _classifiers(scores: Sequence[Score]) -> str:
    words = []
    for s in scores:
        given = ", ".join(f"{name} {value}" for name, value in s.parameters.items())
        words.append(f"{s.name} ({given})" if given else s.name)
    return "; ".join(words)
