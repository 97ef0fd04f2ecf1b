"""Sentences about what labelled data lost on the way, and what is unusual in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_celltype.labels.common_frames import CommonFrames
    from napari_celltype.labels.labelled_plane import LabelledPlane


def first_few(names: Iterable[str], n: int = 5) -> str:
    """Return the first names in words, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - n} more" if len(names) > n else ""
    return ", ".join(names[:n]) + more


def counted(n: int, noun: str) -> str:
    """Return a number with its noun: ``1 label``, ``2 labels``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def unusable_note(names: Sequence[str]) -> list[str]:
    """Say which traces were left out because they hold nothing to learn from."""
    if not names:
        return []
    return [
        f"Left out: {counted(len(names), 'labelled trace')} with NaN or infinite "
        f"values or without any change ({first_few(names)})."
    ]


def predictions_note(n: int) -> list[str]:
    """Say how many predictions were left out."""
    if not n:
        return []
    return [
        f"Left out: {counted(n, 'label')} that a model gave, which are no ground truth."
    ]


def notes_on_labels(planes: Sequence[LabelledPlane]) -> list[str]:
    """Say which labels of recordings cannot be used, or only with care."""
    notes = []
    bare = [plane.title for plane in planes if not plane.n_given]
    if bare:
        notes.append(
            f"{len(bare)} of {counted(len(planes), 'recording')} without labels: "
            f"{first_few(bare)}."
        )
    aside = [plane for plane in planes if plane.n_set_aside]
    if aside:
        notes.append(
            f"Set aside: {counted(sum(p.n_set_aside for p in aside), 'label')} whose "
            f"ROI is not there any more, in {first_few(p.title for p in aside)}."
        )
    parts = [plane for plane in planes if plane.n_parts]
    if parts:
        notes.append(
            f"Left out: {counted(sum(p.n_parts for p in parts), 'label')} of parts of "
            f"merged ROIs, in {first_few(p.title for p in parts)}; label the merged "
            f"ROI."
        )
    n_rows = sum(len(plane.rows) for plane in planes)
    n_seen = sum(row.seen_trace is True for plane in planes for row in plane.rows)
    if n_seen:
        notes.append(
            f"Not blind: {n_seen} of {counted(n_rows, 'label')} were given while the "
            f"trace or a prediction was on screen, so that scores on them may flatter."
        )
    return notes + predictions_note(sum(plane.n_predictions for plane in planes))


def nothing_labelled(where: str, planes: Sequence[LabelledPlane]) -> str:
    """Say in one sentence why recordings have no labels to learn from."""
    reasons = [
        f"{n} {what}"
        for n, what in (
            (sum(p.n_predictions for p in planes), "given by a model"),
            (sum(p.n_set_aside for p in planes), "whose ROI is gone"),
            (sum(p.n_parts for p in planes), "of parts of merged ROIs"),
        )
        if n
    ]
    only = f" (only {', '.join(reasons)})" if reasons else ""
    return (
        f"{where} has no labels to learn from{only}; label cells in napari, or give a "
        f"label table."
    )


def notes_on_recordings(
    planes: Sequence[LabelledPlane], frames: CommonFrames
) -> list[str]:
    """Say what is unusual in the recordings that are used."""
    used = [(n, p) for n, p in enumerate(planes) if frames.kept[n]]
    all_of_them = counted(len(used), "recording")
    notes = []
    joined = [p.title for n, p in used if p.continuous_until < frames.native_frames(n)]
    if joined:
        notes.append(
            f"In {len(joined)} of {all_of_them} the traces go across joins of runs or "
            f"bad frames: {first_few(joined)}."
        )
    unsure = [p.title for _, p in used if not p.rate_confirmed]
    if unsure:
        notes.append(
            f"In {len(unsure)} of {all_of_them} the frame rate is not known or is "
            f"suite2p's default, which nobody confirmed: {first_few(unsure)}."
        )
    for name in ("indicator", "region", "preparation"):
        counts = Counter(p.listed.facts.get(name, "not given") for _, p in used)
        if len(counts) > 1:
            how_many = (f"{value} ({n})" for value, n in counts.most_common())
            notes.append(
                f"The recordings differ in {name}, by which types may be told apart in "
                f"place of the cells: {first_few(how_many)}."
            )
    return notes
