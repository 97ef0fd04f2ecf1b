"""What stands in the way of training on a data set, each with its ways out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from napari_celltype.labels import DataSet
from napari_celltype.labels.notes import counted, first_few
from napari_celltype.labels.obstacles import (
    Action,
    Base,
    Obstacle,
    label_findings,
    plan_frames,
    type_obstacle,
)
from napari_celltype.protocol.groups import COLUMNS
from napari_celltype.training.held_out import held_out_for, units_of


def find_obstacles(
    data: DataSet, *, base: Base | None = None, held_out: str = "auto"
) -> tuple[Obstacle, ...]:
    """Return what stands in the way, what blocks first, then what was decided.

    Parameters
    ----------
    base : Base, optional
        The model that training starts from, whose frame rate and window hold.
    held_out : str
        What the scores are measured on: ``auto``, ``subject``, ``session``, ``cell``,
        or ``none``.
    """
    if not data.recordings:
        return ()
    found = [*_mixture(data)] or [*_types(data, held_out), *_only_children(data)]
    found += label_findings(data)
    if labelled := data.labelled():
        resample = data.resample if base is None else None
        frames = plan_frames(
            data, labelled, resample=resample, base=base, needs_rate=True
        )
        found += frames.found
    found += [*_two_lines(data), *_nameless(data), *_decided(data)]
    return tuple(sorted(found, key=lambda obstacle: not obstacle.blocks))


def _mixture(data: DataSet) -> Iterator[Obstacle]:
    whole = data.trace_set
    if whole is None or len(data.recordings) == 1:
        return
    others = tuple(r for r in data.recordings if r is not whole)
    yield Obstacle(
        "trace-set-among-recordings",
        f"{whole.name} is a trace set, which cannot be joined with other data.",
        (
            Action(
                f"Remove {whole.name}", "Keeps the other data.", {"recordings": others}
            ),
            Action(
                "Keep it alone",
                "Removes everything else from the table; no file is touched.",
                {"recordings": (whole,)},
            ),
        ),
        blocks=True,
    )


def _types(data: DataSet, held_out: str) -> Iterator[Obstacle]:
    """Yield the types that cannot be told apart or tested, and what can be tested."""
    counts = data.counts()
    if not counts:
        return
    if (obstacle := type_obstacle(counts, data.tree)) is not None:
        yield obstacle
        return
    units = units_of(data)
    level = held_out_for(data, held_out, units)
    if level == "none":
        if held_out != level:
            yield Obstacle(
                "no-score",
                "Which trace is of which cell is not known, so nothing can be held "
                "out. There is no score.",
            )
        return
    unit = COLUMNS[f"by-{level}"][1]
    if not units[level]:
        yield Obstacle(
            "cannot-hold-out",
            f"Whole {unit}s cannot be held out, because not every label says of which "
            f"{unit} it is; hold out something else.",
            blocks=True,
        )
        return
    for name in data.classes:
        n = units[level].get(name, 0)
        if n < 2 and name not in data.untested:
            cells = counted(units["cell"].get(name, counts[name]), "cell")
            where = f" from {counted(n, unit)}" if level != "cell" else ""
            yield Obstacle(
                "untestable-type",
                f"{name}: {cells}{where}; a {name} class cannot be tested.",
                tuple(_ways_out_of_testing(data, name)),
                blocks=True,
            )
    if level != "subject" and held_out == "auto":
        seen = ", ".join(f"{n} {units['subject'].get(n, '?')}" for n in data.classes)
        yield Obstacle(
            "not-tested-on-animals",
            "Whether the model holds for a new animal cannot be tested: two types "
            f"would each have to come from two animals or more (now: {seen}). "
            f"Whole {unit}s are held out instead.",
        )


def _ways_out_of_testing(data: DataSet, name: str) -> Iterator[Action]:
    parent = data.tree[name].parent if data.tree.knows(name) else None
    if parent is not None:
        siblings = [c for c in _below(data, parent) if c != name]
        if len(siblings) > 1:
            yield Action(
                f"Merge into {parent}",
                f"Its cells then teach that a cell is {parent}, never which: the model "
                f"will call cells of this type {' or '.join(siblings)}.",
                {"merged": {**data.merged, name: parent}},
            )
        else:
            # Beside one other class the cells would be taught to be of that.
            yield _merge(data, [name, *siblings], parent)
    if len(data.classes) > 2:
        yield Action(
            "Leave out",
            f"The model will not know {name}, and call such cells something else.",
            {"left_out": (*data.left_out, name)},
        )
    yield Action(
        "Train anyway, marked untested",
        f"All cells of {name} are trained on; its card says that nobody tested it.",
        {"untested": (*data.untested, name)},
    )


def _only_children(data: DataSet) -> Iterator[Obstacle]:
    """Tell of cells of a group that are learned as the one type known of it."""
    for name, n in data.counts().items():
        below = _below(data, name) if data.tree.knows(name) else []
        if name not in data.classes and len(below) == 1:
            yield Obstacle(
                "only-child",
                f"{counted(n, 'cell')} of {name} will be learned as {below[0]}, the "
                f"only class of {name}.",
                (_merge(data, below, name),),
            )


def _merge(data: DataSet, names: list[str], parent: str) -> Action:
    """Return how all classes of a group become one, which has the group's name."""
    return Action(
        f"Merge {' and '.join(names)} into {parent}",
        f"The class is then called {parent}.",
        {"merged": {**data.merged, **dict.fromkeys(names, parent)}},
    )


def _below(data: DataSet, parent: str) -> list[str]:
    """Return the classes that are a type, or lie below it."""
    tree = data.tree
    return [c for c in data.classes if tree.knows(c) and tree.is_within(c, parent)]


def _two_lines(data: DataSet) -> Iterator[Obstacle]:
    """Ask whether an animal with two mouse lines is two animals."""
    lines: dict[str, set[str]] = {}
    for recording in data.recordings:
        if recording.subject and recording.line:
            lines.setdefault(recording.subject, set()).add(recording.line)
    for subject, of in lines.items():
        if len(of) < 2:
            continue
        apart = tuple(
            replace(r, subject=f"{r.line} {subject}", given=r.given | {"subject"})
            if r.subject == subject and r.line
            else r
            for r in data.recordings
        )
        yield Obstacle(
            "subject-of-two-lines",
            f"{subject} has recordings of {' and '.join(sorted(of))}: one animal, or "
            "two of one name?",
            (
                Action(
                    "Two: name apart",
                    "The animals get their mouse line in front of their name.",
                    {"recordings": apart},
                ),
            ),
        )


def _nameless(data: DataSet) -> Iterator[Obstacle]:
    nobody = [r.name for r in data.recordings if not r.subject]
    if data.trace_set is not None or not nobody or len(data.recordings) < 2:
        return
    n = f"{len(nobody)} of {len(data.recordings)} recordings"
    if data.session_as_subject:
        undo = Action("Undo", "Leave the animals open.", {"session_as_subject": False})
        yield Obstacle(
            "session-as-subject",
            f"In {n} the session stands for the animal, as you chose: if two sessions "
            "are of one animal, scores are too high.",
            (undo,),
        )
        return
    use_session = Action(
        "Use session as animal",
        "Right where each session is of another animal; the card says so.",
        {"session_as_subject": True},
    )
    yield Obstacle(
        "no-subject",
        f"{n} have no animal ({first_few(nobody, 3)}), so animals cannot be held out. "
        "Type the animal into the table.",
        (use_session,),
    )


def _decided(data: DataSet) -> Iterator[Obstacle]:
    """Yield the choices that were made, which can be undone."""
    for parent in dict.fromkeys(data.merged.values()):
        names = [n for n, p in data.merged.items() if p == parent]
        kept = {n: p for n, p in data.merged.items() if p != parent}
        undo = Action("Undo", "Decide about it again.", {"merged": kept})
        verb = "counts" if len(names) == 1 else "count"
        yield Obstacle("merged", f"{' and '.join(names)} {verb} as {parent}.", (undo,))
    for choice, chosen, what in (
        ("left_out", data.left_out, "is left out"),
        ("untested", data.untested, "is trained and marked untested"),
    ):
        for name in chosen:
            rest = tuple(n for n in chosen if n != name)
            undo = Action("Undo", f"Decide about {name} again.", {choice: rest})
            yield Obstacle(choice, f"{name} {what}.", (undo,))
