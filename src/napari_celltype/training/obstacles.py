"""What stands in the way of training on a data set, each with its ways out."""

from __future__ import annotations

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
from napari_celltype.training.held_out import UNITS, held_out_for, units_of


def find_obstacles(
    data: DataSet, *, base: Base | None = None, held_out: str = "auto"
) -> tuple[Obstacle, ...]:
    """Return what stands in the way, what blocks first, then what was decided.

    Parameters
    ----------
    data : DataSet
    base : Base, optional
        The model that training starts from, whose frame rate and window hold.
    held_out : str
        What the scores are measured on: ``auto``, ``subject``, ``session``, ``cell``,
        or ``none``.
    """
    if not data.recordings:
        return ()
    found = _mixture(data) or [*_types(data, held_out), *_only_children(data)]
    found += label_findings(data)
    if labelled := data.labelled():
        resample = data.resample if base is None else None
        frames = plan_frames(
            data, labelled, resample=resample, base=base, needs_rate=True
        )
        found += frames.found
    found += [*_two_lines(data), *_nameless(data), *_decided(data)]
    return tuple(sorted(found, key=lambda obstacle: not obstacle.blocks))


def _mixture(data: DataSet) -> list[Obstacle]:
    whole = data.trace_set
    if whole is None or len(data.recordings) == 1:
        return []
    others = tuple(r for r in data.recordings if r is not whole)
    return [
        Obstacle(
            "trace-set-among-recordings",
            f"{whole.name} is a trace set, which cannot be joined with other data.",
            (
                Action(
                    f"Remove {whole.name}",
                    "Keeps the other data.",
                    {"recordings": others},
                ),
                Action(
                    "Keep it alone",
                    "Removes everything else from the table; no file is touched.",
                    {"recordings": (whole,)},
                ),
            ),
            blocks=True,
        )
    ]


def _types(data: DataSet, held_out: str) -> list[Obstacle]:
    """Return the types that cannot be told apart or tested, and what can be tested."""
    counts = data.counts()
    if not counts:
        return []
    if (obstacle := type_obstacle(counts, data.tree)) is not None:
        return [obstacle]
    units = units_of(data)
    level = held_out_for(data, held_out, units)
    if level == "none":
        whose = "Which trace is of which cell is not known, so nothing can be held out."
        untested = Obstacle("no-score", f"{whose} There is no score.")
        return [] if held_out == level else [untested]
    if not units[level]:
        return [
            Obstacle(
                "cannot-hold-out",
                f"Whole {UNITS[level]}s cannot be held out, because not every label "
                f"says of which {UNITS[level]} it is; hold out something else.",
                blocks=True,
            )
        ]
    found = [
        _untestable(data, name, level, units)
        for name in data.classes
        if units[level].get(name, 0) < 2 and name not in data.untested
    ]
    if level != "subject" and held_out == "auto":
        seen = ", ".join(
            f"{name} {units['subject'].get(name, '?')}" for name in data.classes
        )
        found.append(
            Obstacle(
                "not-tested-on-animals",
                "Whether the model holds for a new animal cannot be tested: two types "
                f"would each have to come from two animals or more (now: {seen}). "
                f"Whole {UNITS[level]}s are held out instead.",
            )
        )
    return found


def _untestable(
    data: DataSet, name: str, level: str, units: dict[str, dict[str, int]]
) -> Obstacle:
    cells = units["cell"].get(name, data.counts()[name])
    n = units[level].get(name, 0)
    where = f" from {counted(n, UNITS[level])}" if level != "cell" else ""
    actions = []
    if (merge := _merge_into_parent(data, name)) is not None:
        actions.append(merge)
    if len(data.classes) > 2:
        actions.append(
            Action(
                "Leave out",
                f"The model will not know {name}, and call such cells something else.",
                {"left_out": (*data.left_out, name)},
            )
        )
    actions.append(
        Action(
            "Train anyway, marked untested",
            f"All cells of {name} are trained on; its card says that nobody tested it.",
            {"untested": (*data.untested, name)},
        )
    )
    return Obstacle(
        "untestable-type",
        f"{name}: {counted(cells, 'cell')}{where}; a {name} class cannot be tested.",
        tuple(actions),
        blocks=True,
    )


def _merge_into_parent(data: DataSet, name: str) -> Action | None:
    """Return how a type is taken for the group that it belongs to, if to any."""
    parent = data.tree[name].parent if data.tree.knows(name) else None
    if parent is None:
        return None
    siblings = [c for c in _below(data, parent) if c != name]
    merged = {**data.merged, name: parent}
    if len(siblings) > 1:
        return Action(
            f"Merge into {parent}",
            f"Its cells then teach that a cell is {parent}, never which: the model "
            f"will call cells of this type {' or '.join(siblings)}.",
            {"merged": merged},
        )
    # Beside one other class the cells would be taught to be of that.
    merged |= {c: parent for c in siblings if c != parent}
    both = f"{' and '.join([name, *siblings])} " if siblings else ""
    return Action(
        f"Merge {both}into {parent}",
        f"The class is then called {parent}.",
        {"merged": merged},
    )


def _only_children(data: DataSet) -> list[Obstacle]:
    """Tell of cells of a group that are learned as the one type known of it."""
    found = []
    for name, n in data.counts().items():
        if name in data.classes or not data.tree.knows(name):
            continue
        below = _below(data, name)
        if len(below) == 1:
            merge = Action(
                f"Merge {below[0]} into {name}",
                f"The class is then called {name}.",
                {"merged": {**data.merged, below[0]: name}},
            )
            found.append(
                Obstacle(
                    "only-child",
                    f"{counted(n, 'cell')} of {name} will be learned as {below[0]}, "
                    f"the only class of {name}.",
                    (merge,),
                )
            )
    return found


def _below(data: DataSet, parent: str) -> list[str]:
    """Return the classes that are a type, or lie below it."""
    tree = data.tree
    return [c for c in data.classes if tree.knows(c) and tree.is_within(c, parent)]


def _two_lines(data: DataSet) -> list[Obstacle]:
    """Ask whether an animal with two mouse lines is two animals."""
    lines: dict[str, set[str]] = {}
    for recording in data.recordings:
        if recording.subject and recording.line:
            lines.setdefault(recording.subject, set()).add(recording.line)
    return [
        Obstacle(
            "subject-of-two-lines",
            f"{subject} has recordings of {' and '.join(sorted(of))}: one animal, or "
            "two of one name?",
            (_name_apart(data, subject),),
        )
        for subject, of in lines.items()
        if len(of) > 1
    ]


def _name_apart(data: DataSet, subject: str) -> Action:
    return Action(
        "Two: name apart",
        "The animals get their mouse line in front of their name.",
        {
            "recordings": tuple(
                replace(r, subject=f"{r.line} {subject}", given=r.given | {"subject"})
                if r.subject == subject and r.line
                else r
                for r in data.recordings
            )
        },
    )


def _nameless(data: DataSet) -> list[Obstacle]:
    nobody = [r for r in data.recordings if not r.subject]
    if data.trace_set is not None or not nobody or len(data.recordings) < 2:
        return []
    n = f"{len(nobody)} of {len(data.recordings)} recordings"
    if data.session_as_subject:
        undo = Action("Undo", "Leave the animals open.", {"session_as_subject": False})
        return [
            Obstacle(
                "session-as-subject",
                f"In {n} the session stands for the animal, as you chose: if two "
                "sessions are of one animal, scores are too high.",
                (undo,),
            )
        ]
    return [
        Obstacle(
            "no-subject",
            f"{n} have no animal ({first_few([r.name for r in nobody], 3)}), so "
            "animals cannot be held out. Type the animal into the table.",
            (
                Action(
                    "Use session as animal",
                    "Right where each session is of another animal; the card says so.",
                    {"session_as_subject": True},
                ),
            ),
        )
    ]


def _decided(data: DataSet) -> list[Obstacle]:
    """Return the choices that were made, which can be undone."""
    found = []
    for parent in dict.fromkeys(data.merged.values()):
        names = [n for n, p in data.merged.items() if p == parent]
        kept = {n: p for n, p in data.merged.items() if p != parent}
        undo = Action("Undo", "Decide about it again.", {"merged": kept})
        verb = "counts" if len(names) == 1 else "count"
        sentence = f"{' and '.join(names)} {verb} as {parent}."
        found.append(Obstacle("merged", sentence, (undo,)))
    for choice, chosen, what in (
        ("left_out", data.left_out, "is left out"),
        ("untested", data.untested, "is trained and marked untested"),
    ):
        for name in chosen:
            rest = tuple(n for n in chosen if n != name)
            undo = Action("Undo", f"Decide about {name} again.", {choice: rest})
            found.append(Obstacle(choice, f"{name} {what}.", (undo,)))
    return found
