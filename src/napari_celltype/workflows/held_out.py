"""What can be held out of a collection, so that its scores mean something."""

from __future__ import annotations

from napari_celltype.workflows.collection import CollectedRecording, Collection

# What is held out, from the strictest; "auto" is the strictest possible.
HELD_OUT = ("subject", "session", "cell")
WORDS = {"subject": "animal", "session": "session", "cell": "cell"}


def held_out_for(collection: Collection, held_out: str = "auto") -> str:
    """Return what can be held out: the strictest of `HELD_OUT` for two types or more.

    Anything but ``auto`` is returned as it is.
    """
    if held_out != "auto":
        return held_out
    for level in HELD_OUT:
        units = units_of(collection, level)
        classes = [c for c in collection.classes if c not in collection.untested]
        if sum(len(units.get(name, ())) >= 2 for name in classes) >= 2:
            return level
    return "cell"


def labelled_of(collection: Collection) -> list[CollectedRecording]:
    """Return the recordings with labels that count."""
    return [r for r in collection.recordings if r.counts]


def units_of(collection: Collection, level: str) -> dict[str, set[str]]:
    """Return the animals, sessions or cells of each label, where all are known."""
    found: dict[str, set[str]] = {}
    for recording in labelled_of(collection):
        subject = collection.subject_of(recording)
        for label, n in recording.counts.items():
            taken_for = collection.label_of(label)
            if taken_for is None:
                continue
            units = found.setdefault(taken_for, set())
            if recording.is_trace_set:
                # Whose cells they are is read with the traces; here animals suffice.
                if level == "session" or (level == "subject" and not recording.origins):
                    return {}
                of = recording.origins.get(label, frozenset())
                units |= of if level == "subject" else set(map(str, range(n)))
            elif level == "subject":
                if not subject:
                    # One animal that nobody knows may be any of the others.
                    return {}
                units.add(subject)
            elif level == "session":
                units.add(f"{subject}/{recording.session or recording.name}")
            else:
                units |= set(_cells(recording, label))
    return found


def n_cells(collection: Collection, name: str) -> int:
    """Return the neurons of a type; one that was tracked over days counts once."""
    if collection.trace_set is not None:
        return collection.counts().get(name, 0)
    return len(units_of(collection, "cell").get(name, ()))


def _cells(recording: CollectedRecording, label: str) -> list[str]:
    """Name the neurons of a label; one that was tracked over days counts once."""
    named = [cell for of, cell in recording.tracked if of == label]
    n_nameless = recording.counts[label] - len(named)
    return [
        *(f"{recording.subject}/{cell}" for cell in named),
        *(f"{recording.key} {label} {number}" for number in range(n_nameless)),
    ]
