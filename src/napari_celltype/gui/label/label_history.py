"""Changes of labels that can be undone and done again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from napari_celltype.celltypes import TypeTree
from napari_celltype.labels import Label, LabelTable

MOST = 1000

# What one ROI said before and says after; None where it has no label.
Step = tuple[Label | None, Label | None]


@dataclass(frozen=True)
class Change:
    """One change of the labels of one recording.

    Attributes
    ----------
    key : str
        The recording.
    steps : mapping of int to (Label or None, Label or None)
        What each ROI said before, and says after.
    """

    key: str
    steps: Mapping[int, Step]

    def applied(
        self, table: LabelTable, tree: TypeTree, *, back: bool = False
    ) -> LabelTable:
        """Return the labels after the change, or `back` before it."""
        rows = table.by_roi()
        for roi_id, (before, after) in self.steps.items():
            rows.pop(roi_id, None)
            row = before if back else after
            if row is not None:
                rows[roi_id] = row
        return replace(table, rows=tuple(rows.values()), tree=tree)


def difference(
    key: str, before: LabelTable | None, after: Iterable[Label]
) -> Change | None:
    """Return the change from one table to another; None where they say the same."""
    old = {} if before is None else before.by_roi()
    new = {row.roi_id: row for row in after}
    steps = {
        roi_id: (old.get(roi_id), new.get(roi_id))
        for roi_id in old.keys() | new.keys()
        if old.get(roi_id) != new.get(roi_id)
    }
    return Change(key, steps) if steps else None


class LabelHistory:
    """The changes of one window, the last one first to be undone."""

    def __init__(self) -> None:
        self._done: list[Change] = []
        self._undone: list[Change] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to do again."""
        return bool(self._undone)

    def add(self, change: Change) -> None:
        """Remember a change; what was undone before it is gone."""
        self._done = [*self._done[-MOST + 1 :], change]
        self._undone.clear()

    def undo(self) -> Change | None:
        """Return the last change, which is to be taken back."""
        if not self._done:
            return None
        self._undone.append(self._done.pop())
        return self._undone[-1]

    def redo(self) -> Change | None:
        """Return the last change that was taken back."""
        if not self._undone:
            return None
        self._done.append(self._undone.pop())
        return self._done[-1]

    def forget(self, key: str) -> None:
        """Drop the changes of a recording, whose rows may be other ROIs now."""
        self._done = [change for change in self._done if change.key != key]
        self._undone = [change for change in self._undone if change.key != key]
