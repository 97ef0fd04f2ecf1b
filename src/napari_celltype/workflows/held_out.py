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
        units = n_units(collection, level)
        classes = [c for c in collection.classes if c not in collection.untested]
        if sum(units.get(name, 0) >= 2 for name in classes) >= 2:
            return level
    return "cell"


def labelled_of(collection: Collection) -> list[CollectedRecording]:
    """Return the recordings with labels that count."""
    return [r for r in collection.recordings if r.counts]


def n_units(collection: Collection, level: str) -> dict[str, int]:
    """Count the animals, sessions or cells of each label; {} where not all are known.

    A neuron that was tracked over days counts once.
    """
    named: dict[str, set[str]] = {}
    nameless: dict[str, int] = {}
    for recording in labelled_of(collection):
        subject = collection.subject_of(recording)
        for label, n in recording.counts.items():
            taken_for = collection.label_of(label)
            if taken_for is None:
                continue
            units = named.setdefault(taken_for, set())
            if level == "cell":
                cells = [cell for of, cell in recording.tracked if of == label]
                units |= {f"{subject}/{cell}" for cell in cells}
                rest = n - len(cells)
                nameless[taken_for] = nameless.get(taken_for, 0) + rest
            elif recording.is_trace_set:
                # Whose cells they are is read with the traces; here animals suffice.
                if level == "session" or not recording.origins:
                    return {}
                units |= recording.origins.get(label, frozenset())
            elif level == "session":
                units.add(f"{subject}/{recording.session or recording.name}")
            elif subject:
                units.add(subject)
            else:
                # One animal that nobody knows may be any of the others.
                return {}
    return {name: len(of) + nameless.get(name, 0) for name, of in named.items()}
