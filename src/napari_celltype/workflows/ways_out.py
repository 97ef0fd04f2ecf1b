"""An obstacle before training, and the choices that lead past it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from napari_celltype.workflows.collecting import CollectedRecording
from napari_celltype.workflows.collection import Collection


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
