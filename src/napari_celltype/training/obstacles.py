"""What stands in the way of learning from a collection, each with its way out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from napari_celltype.labels.notes import counted
from napari_celltype.recording import (
    SAME_RATE,
    frames_after_averaging,
)
from napari_celltype.training.collecting import CollectedRecording
from napari_celltype.training.collection import Collection, first_names
from napari_celltype.training.held_out import WORDS, held_out_for, labelled_of

if TYPE_CHECKING:
    from napari_celltype.models import ModelCard


def find_obstacles(
    collection: Collection,
    *,
    base: ModelCard | None = None,
    held_out: str = "auto",
) -> tuple[Obstacle, ...]:
    """Return what stands in the way, what blocks first, then what was decided.

    Parameters
    ----------
    collection : Collection
    base : ModelCard, optional
        The model that training starts from, whose frame rate and window hold.
    held_out : str
        What the scores are measured on: ``auto``, ``subject``, ``session``, ``cell``,
        or ``none``.
    """
    if not collection.recordings:
        return ()
    found = [
        *_mixture(collection),
        *type_obstacles(collection, held_out),
        *_rates(collection, base),
        *_lengths(collection, base),
        *_subjects(collection),
        *_unlabelled(collection),
        *_decided(collection),
    ]
    return tuple(sorted(found, key=lambda obstacle: not obstacle.blocks))


def _mixture(collection: Collection) -> list[Obstacle]:
    whole = collection.trace_set
    if whole is None or len(collection.recordings) == 1:
        return []
    others = tuple(r for r in collection.recordings if r is not whole)
    return [
        Obstacle(
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


def _rates(collection: Collection, base: ModelCard | None) -> list[Obstacle]:
    labelled = labelled_of(collection)
    unknown = [r for r in labelled if r.sampling_frequency is None]
    found = []
    if unknown:
        found.append(
            Obstacle(
                f"{first_names(unknown)}: the frame rate is not known. Open it and "
                "confirm its rate in the Classify dock, or give the column "
                "sampling_frequency of a recording list.",
                (remove_from(collection, unknown),),
                blocks=True,
            )
        )
    rates = [r.sampling_frequency for r in labelled if r.sampling_frequency is not None]
    if not rates:
        return found
    unsure = [r for r in labelled if r.sampling_frequency and not r.frequency_confirmed]
    if unsure:
        found.append(
            Obstacle(
                f"{first_names(unsure)}: {unsure[0].sampling_frequency:g} Hz is "
                "suite2p's default, which nobody confirmed. With a wrong rate all is "
                "learned too fast or too slow.",
                (confirm_rate(collection, unsure),),
            )
        )
    wanted = collection.resample if base is None else base.sampling_frequency
    if wanted is not None:
        slow = [
            r
            for r in labelled
            if r.sampling_frequency and r.sampling_frequency < wanted * (1 - SAME_RATE)
        ]
        if slow:
            whose = "" if base is None else f" of {base.name}"
            lower = (
                (resample_to(min(rates)),)
                if base is None
                else (remove_from(collection, slow),)
            )
            found.append(
                Obstacle(
                    f"{first_names(slow)}: slower than the {wanted:g} Hz{whose}, and "
                    "traces are never up-sampled.",
                    lower,
                    blocks=True,
                )
            )
    elif max(rates) > min(rates) * (1 + SAME_RATE):
        found.append(
            Obstacle(
                f"Frame rates differ: {min(rates):g} to {max(rates):g} Hz.",
                (resample_to(min(rates)),),
                blocks=True,
            )
        )
    return found


def _lengths(collection: Collection, base: ModelCard | None) -> list[Obstacle]:
    labelled = [r for r in labelled_of(collection) if r.sampling_frequency is not None]
    if not labelled:
        return []
    rate = collection.resample if base is None else base.sampling_frequency
    lengths = {}
    for recording in labelled:
        of = recording.sampling_frequency
        ratio = 1.0 if rate is None or of is None else max(1.0, of / rate)
        lengths[recording.key] = frames_after_averaging(recording.n_frames, ratio)
    if base is not None:
        short = [r for r in labelled if lengths[r.key] < base.window_frames]
        if not short:
            return []
        return [
            Obstacle(
                f"{first_names(short)}: shorter than the {base.window_frames} frames "
                f"that {base.name} looks at; nothing is learned from it.",
                (remove_from(collection, short),),
                blocks=len(short) == len(labelled),
            )
        ]
    least, most = min(lengths.values()), max(lengths.values())
    if least == most:
        return []
    shortest = [r for r in labelled if lengths[r.key] == least]
    few = 2 * len(shortest) < len(labelled)
    remove = (remove_from(collection, shortest),) if few else ()
    return [
        Obstacle(
            f"Lengths differ: all traces are cut to their first {least} frames, those "
            f"of {first_names(shortest)}; up to {most - least} frames are not used.",
            remove,
        )
    ]


def _subjects(collection: Collection) -> list[Obstacle]:
    if collection.trace_set is not None:
        return []
    return [*_two_lines(collection), *_nameless(collection)]


def _two_lines(collection: Collection) -> list[Obstacle]:
    """Ask whether an animal with two mouse lines is two animals."""
    lines: dict[str, set[str]] = {}
    for recording in collection.recordings:
        if recording.subject and recording.line:
            lines.setdefault(recording.subject, set()).add(recording.line)
    return [
        Obstacle(
            f"{subject} has recordings of {' and '.join(sorted(of))}: one animal, or "
            "two of one name?",
            (name_apart(collection, subject),),
        )
        for subject, of in lines.items()
        if len(of) > 1
    ]


def _nameless(collection: Collection) -> list[Obstacle]:
    nobody = [r for r in collection.recordings if not r.subject]
    if not nobody or len(collection.recordings) < 2:
        return []
    n = f"{len(nobody)} of {len(collection.recordings)} recordings"
    undo = Action("Undo", "Leave the animals open.", {"session_as_subject": False})
    if collection.session_as_subject:
        return [
            Obstacle(
                f"In {n} the session stands for the animal, as you chose: if two "
                "sessions are of one animal, scores flatter.",
                (undo,),
            )
        ]
    return [
        Obstacle(
            f"{n} have no subject ({first_names(nobody)}), so animals cannot be held "
            "out. Type the subject into the table.",
            (
                Action(
                    "Use session as subject",
                    "Right where each session is of another animal; the card says so.",
                    {"session_as_subject": True},
                ),
            ),
        )
    ]


def _unlabelled(collection: Collection) -> list[Obstacle]:
    bare = [r for r in collection.recordings if not r.counts]
    n_predicted = sum(r.n_predictions for r in collection.recordings)
    found = []
    if bare:
        found.append(
            Obstacle(
                f"No label that counts: {first_names(bare)}.",
                (remove_from(collection, bare),),
            )
        )
    if n_predicted:
        found.append(
            Obstacle(
                f"{counted(n_predicted, 'label')} of a model "
                f"{'is' if n_predicted == 1 else 'are'} not counted: predictions are "
                "no ground truth."
            )
        )
    return found


def _decided(collection: Collection) -> list[Obstacle]:
    found = []
    for parent in dict.fromkeys(collection.merged.values()):
        names = [n for n, p in collection.merged.items() if p == parent]
        kept = {n: p for n, p in collection.merged.items() if p != parent}
        undo = Action("Undo", "Decide about it again.", {"merged": kept})
        verb = "counts" if len(names) == 1 else "count"
        found.append(Obstacle(f"{' and '.join(names)} {verb} as {parent}.", (undo,)))
    for field_name, said in (
        ("left_out", "is left out"),
        ("untested", "is trained and marked untested"),
    ):
        chosen: tuple[str, ...] = getattr(collection, field_name)
        for name in chosen:
            rest = tuple(n for n in chosen if n != name)
            undo = Action("Undo", f"Decide about {name} again.", {field_name: rest})
            found.append(Obstacle(f"{name} {said}.", (undo,)))
    if collection.resample is not None:
        found.append(
            Obstacle(
                f"Recordings are brought down to {collection.resample:g} Hz.",
                (Action("Undo", "Keep their own frame rates.", {"resample": None}),),
            )
        )
    return found


def type_obstacles(collection: Collection, held_out: str) -> list[Obstacle]:
    """Return the types that cannot be told apart or tested, and what can be tested.

    Parameters
    ----------
    collection : Collection
    held_out : str
        As in `find_obstacles`.
    """
    return [*_untested(collection, held_out), *_only_children(collection)]


def _untested(collection: Collection, held_out: str) -> list[Obstacle]:
    classes = collection.classes
    if len(classes) < 2:
        said = "No cell is labelled with a type yet; label some in the viewer."
        if classes:
            said = (
                f"All labels leave one type only, {classes[0]}; label cells of another "
                "type."
            )
        return [Obstacle(said, blocks=True)]
    units = collection.units
    level = held_out_for(collection, held_out)
    if level == "none":
        whose = "Which trace is of which cell is not known, so nothing can be held out."
        return [] if held_out == level else [Obstacle(f"{whose} There is no score.")]
    if not units[level]:
        return [
            Obstacle(
                f"Whole {WORDS[level]}s cannot be held out, because not every label "
                f"says of which {WORDS[level]} it is; hold out something else.",
                blocks=True,
            )
        ]
    found = []
    for name in classes:
        if units[level].get(name, 0) < 2 and name not in collection.untested:
            found.append(_untestable(collection, name, level))
    if level != "subject" and held_out == "auto":
        seen = ", ".join(
            f"{name} {units['subject'].get(name, '?')}" for name in classes
        )
        found.append(
            Obstacle(
                "Whether the model holds for a new animal cannot be tested: two types "
                f"would each have to come from two animals or more (now: {seen}). "
                f"Whole {WORDS[level]}s are held out instead."
            )
        )
    return found


def _only_children(collection: Collection) -> list[Obstacle]:
    """Tell of cells of a group that are learned as the one type known of it."""
    known = {t.name for t in collection.tree.types}
    found = []
    for name, n in collection.counts().items():
        if name not in known or name in collection.classes:
            continue
        below = [
            c
            for c in collection.classes
            if c in known and collection.tree.is_within(c, name)
        ]
        if len(below) == 1:
            only = below[0]
            found.append(
                Obstacle(
                    f"{counted(n, 'cell')} of {name} will be learned as {only}, the "
                    f"only class of {name}.",
                    (
                        Action(
                            f"Merge {only} into {name}",
                            f"The class is then called {name}.",
                            {"merged": {**collection.merged, only: name}},
                        ),
                    ),
                )
            )
    return found


def _untestable(collection: Collection, name: str, level: str) -> Obstacle:
    cells = collection.units["cell"].get(name, collection.counts()[name])
    n = collection.units[level].get(name, 0)
    where = f" from {counted(n, WORDS[level])}" if level != "cell" else ""
    actions = []
    if (merge := _merge_into_parent(collection, name)) is not None:
        actions.append(merge)
    if len(collection.classes) > 2:
        actions.append(
            Action(
                "Leave out",
                f"The model will not know {name}, and call such cells something else.",
                {"left_out": (*collection.left_out, name)},
            )
        )
    actions.append(
        Action(
            "Train anyway, marked untested",
            f"All cells of {name} are trained on; its card says that nobody tested it.",
            {"untested": (*collection.untested, name)},
        )
    )
    return Obstacle(
        f"{name}: {counted(cells, 'cell')}{where}; a {name} class cannot be tested.",
        tuple(actions),
        blocks=True,
    )


def _merge_into_parent(collection: Collection, name: str) -> Action | None:
    """Return how a type is taken for the group that it belongs to, if to any."""
    known = {t.name for t in collection.tree.types}
    parent = collection.tree[name].parent if name in known else None
    if parent is None:
        return None
    siblings = [
        c
        for c in collection.classes
        if c != name and c in known and collection.tree.is_within(c, parent)
    ]
    merged = {**collection.merged, name: parent}
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


@dataclass(frozen=True)
class Action:
    """One way out, as a button.

    Attributes
    ----------
    text : str
        On the button.
    tooltip : str
        What it does, and what that costs.
    change : mapping of str to object
        Fields of the `Collection` and what they become.
    """

    text: str
    tooltip: str
    change: Mapping[str, Any]

    def apply(self, collection: Collection) -> Collection:
        """Return the collection after this choice."""
        return replace(collection, **self.change)


@dataclass(frozen=True)
class Obstacle:
    """Something to be known or decided before training.

    Attributes
    ----------
    sentence : str
    actions : tuple of Action
    blocks : bool
        Whether nothing can be trained before it is decided.
    """

    sentence: str
    actions: tuple[Action, ...] = field(default=())
    blocks: bool = False


def resample_to(rate: float) -> Action:
    """Return the way out of frame rates that differ."""
    return Action(
        f"Resample to {rate:g} Hz",
        "Faster recordings are averaged down to the slowest one's rate.",
        {"resample": rate},
    )


def remove_from(collection: Collection, gone: Iterable[CollectedRecording]) -> Action:
    """Return the way out of recordings that are of no use."""
    gone = list(gone)
    what = gone[0].name if len(gone) == 1 else f"these {len(gone)}"
    kept = collection.removed(r.key for r in gone).recordings
    return Action(
        f"Remove {what}",
        "Takes it out of this table; no file is touched.",
        {"recordings": kept},
    )


def confirm_rate(
    collection: Collection, unsure: Iterable[CollectedRecording]
) -> Action:
    """Return the way out of frame rates that nobody confirmed."""
    rates = {r.key: r.sampling_frequency for r in unsure}
    said = {"frequency_given": True, "frequency_confirmed": True}
    return Action(
        f"Yes, {next(iter(rates.values())):g} Hz",
        "They were recorded at that rate. If not, give the right one in the Classify "
        "dock or in a recording list.",
        {
            "recordings": tuple(
                replace(r, **said) if r.key in rates else r  # type: ignore[arg-type]
                for r in collection.recordings
            )
        },
    )


def name_apart(collection: Collection, subject: str) -> Action:
    """Return the way out of two animals that have the same name."""
    return Action(
        "Two: name apart",
        "The animals get their mouse line in front of their name.",
        {
            "recordings": tuple(
                replace(r, subject=f"{r.line} {subject}", said=r.said | {"subject"})
                if r.subject == subject and r.line
                else r
                for r in collection.recordings
            )
        },
    )
