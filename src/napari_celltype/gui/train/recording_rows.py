"""The words in the table of labelled recordings, free of Qt."""

from __future__ import annotations

from napari_celltype.workflows.collecting import CollectedRecording
from napari_celltype.workflows.collection import Collection

COLUMNS = ("Recording", "Subject", "Labels", "Session", "Line", "Length", "Hz")
TOOLTIPS = (
    "The session folder, and the plane where there are several",
    "The animal, guessed from the path; double-click to change it",
    "Labelled ROIs of each type; what a model said is not counted",
    "The session, guessed from the path; double-click to change it",
    "The mouse line, guessed from the path; double-click to change it",
    "Length of the recording",
    "Frames per second of one plane; ⚠ is suite2p's default, which nobody confirmed",
)


def cells_of(recording: CollectedRecording) -> tuple[str, ...]:
    """Return the text of each of the `COLUMNS`."""
    rate, seconds = recording.sampling_frequency, recording.seconds
    length = f"{recording.n_frames} frames" if seconds is None else _duration(seconds)
    labels = recording.tree.in_order(sorted(recording.counts))
    counts = ", ".join(f"{name} {recording.counts[name]}" for name in labels)
    doubt = "" if recording.frequency_confirmed else " ⚠"
    origin = "in the file" if recording.is_trace_set else ""
    return (
        recording.name,
        recording.subject or origin,
        counts or "none",
        recording.session or origin,
        recording.line or origin,
        length,
        "?" if rate is None else f"{rate:.4g}{doubt}",
    )


def tooltip_of(recording: CollectedRecording) -> str:
    """Return where a recording is and what it holds, in lines."""
    lines = [
        str(recording.path),
        f"{recording.n_rois} ROIs, {recording.n_frames} frames",
        f"{sum(recording.counts.values())} labels that count",
    ]
    if recording.n_predictions:
        lines.append(f"{recording.n_predictions} labels of a model, not counted")
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def summary_of(collection: Collection) -> str:
    """Say how many cells of each type there are, and from how many animals."""
    of_subjects = collection.counts_by_subject()
    parts = []
    for name, n in collection.counts().items():
        animals = [s for s in of_subjects[name] if s]
        known = len(animals) == len(of_subjects[name])
        where = f" from {len(animals)} animal{'s' * (len(animals) != 1)}"
        parts.append(f"{name} {n}{where if known else ''}")
    return "Labelled ROIs: " + ", ".join(parts) if parts else ""


def by_subject(collection: Collection) -> str:
    """Return the labelled ROIs of each animal, one line for each."""
    lines: dict[str, list[str]] = {}
    found = collection.counts_by_subject()
    for name in collection.counts():
        for subject, n in found[name].items():
            lines.setdefault(subject or "no subject given", []).append(f"{name} {n}")
    return "\n".join(f"{subject}: {', '.join(of)}" for subject, of in lines.items())
