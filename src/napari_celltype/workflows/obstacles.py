"""What stands in the way of learning from a collection, each with its way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_celltype.labels.notes import counted
from napari_celltype.recording.resampling import frames_after_averaging
from napari_celltype.recording.settings import SAME_RATE
from napari_celltype.workflows.collection import Collection, first_names
from napari_celltype.workflows.held_out import labelled_of
from napari_celltype.workflows.type_obstacles import type_obstacles
from napari_celltype.workflows.ways_out import (
    Action,
    Obstacle,
    confirm_rate,
    name_apart,
    remove_from,
    resample_to,
)

if TYPE_CHECKING:
    from napari_celltype.classifiers import ModelCard


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
