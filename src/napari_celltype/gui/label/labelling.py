"""Labelling by hand: the commands behind its keys and buttons, free of Qt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE, TypeTree
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.session import Session
from napari_celltype.labels import NOT_A_SOMA, Label, LabelTable

# Digits of types that everybody has; own types follow.
_FIXED = {0: "IN", 1: "PY", 2: "PV", 3: "SOM", 4: "VIP"}
_FIRST_OWN = 5

# Changes that can be undone.
_MOST = 1000

# What one ROI said before and says after; None where it has no label.
Step = tuple[Label | None, Label | None]

_NOTHING_SELECTED = "Click on a ROI first, or press J for the next one."
_HIDDEN = "Predictions are hidden while you label; H shows them."
_UNCLASSIFIED = "There is no prediction to accept; press Classify first."


class Labelling:
    """Gives labels to the selected ROIs of a session, and takes them back.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    toggled : Signal()
        Labelling was switched on or off.
    edited : Signal(str)
        The user changed labels of a recording; with its key.
    history_changed : Signal()
        There is another change to undo or to redo.
    transient_asked : Signal()
        The largest transient of the trace is to be looked at, or all of it again.
    annotator : str
        Who labels; kept with each label.
    sees_trace : callable
        Tells whether the trace of the selected ROI is on the screen.
    """

    toggled: ClassVar = Signal()
    edited: ClassVar = Signal(str)
    history_changed: ClassVar = Signal()
    transient_asked: ClassVar = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._on = False
        self._history = LabelHistory()
        self.annotator = ""
        self.sees_trace: Callable[[], bool] = _never
        # The labels as the last change of the user left them, by recording.
        self._left: dict[str, LabelTable] = {}
        session.replaced.connect(self._on_replaced)
        session.closed.connect(self._forget)

    @property
    def on(self) -> bool:
        """Whether keys label."""
        return self._on

    @property
    def history(self) -> LabelHistory:
        """What can be undone and redone."""
        return self._history

    @property
    def digits(self) -> dict[int, str]:
        """The type of each digit key: 0 to 4, and 5 to 9 for the user's own types."""
        known = {t.name for t in DEFAULT_TYPES.types}
        own = [t.name for t in self._session.tree.types if t.name not in known]
        return _FIXED | dict(zip(range(_FIRST_OWN, 10), own, strict=False))

    def see_no_trace(self) -> None:
        """Take note that nothing shows traces any more."""
        self.sees_trace = _never

    def toggle(self) -> None:
        """Switch labelling on, with predictions hidden, or off, with them shown."""
        self._on = not self._on
        self._session.show_predictions(not self._on)
        self.toggled.emit()

    def give(self, label: str) -> None:
        """Label the selected ROIs: a type, a parent, a negation, or `NOT_A_SOMA`."""
        self._change(dict.fromkeys(self._session.roi_ids, label), "manual")

    def give_digit(self, digit: int, *, negated: bool = False) -> None:
        """Label the selected ROIs with the type of a digit key."""
        name = self.digits.get(digit)
        if name is None:
            self._session.tell(
                f"No type has the key {digit}; add one with Types and colours... in "
                "the Label dock."
            )
            return
        self.give(f"!{name}" if negated else name)

    def not_a_soma(self) -> None:
        """Say that the selected ROIs are no cell bodies."""
        self.give(NOT_A_SOMA)

    def clear(self) -> None:
        """Take the labels of the selected ROIs away; a cell_id stays."""
        self._change(dict.fromkeys(self._session.roi_ids, ""), "manual")

    def accept(self) -> None:
        """Take the predicted types of the selected ROIs over, as predictions."""
        opened = self._session.active
        if opened is None or not self._session.roi_ids:
            self._session.tell(_NOTHING_SELECTED)
            return
        if opened.predictions is None:
            self._session.tell(_UNCLASSIFIED)
            return
        if not self._session.predictions_shown:
            self._session.tell(_HIDDEN)
            return
        names = self._session.features(opened)["predicted"]
        known = {
            i: names[i] for i in self._session.roi_ids if names[i] not in (None, UNSURE)
        }
        if not known:
            self._session.tell(
                "This ROI has no prediction: its trace is unusable, or it is hidden."
            )
            return
        self._change(known, "prediction")

    def apply(self, key: str, labels: Iterable[Label]) -> None:
        """Take over all labels of a recording from elsewhere, as one change."""
        opened = self._session.recordings.get(key)
        if opened is not None:
            self._do(difference(key, opened.labels, labels))

    def undo(self) -> None:
        """Take the last change back and show where it was."""
        self._replay(self._history.undo(), "There is nothing to undo.", back=True)

    def redo(self) -> None:
        """Do the last change again that was taken back."""
        self._replay(self._history.redo(), "There is nothing to redo.")

    def step(self, direction: int, *, unlabelled: bool = False) -> None:
        """Select the next ROI, or the previous one, the least certain first.

        After the last one comes the first without a label. Where all have one, nothing
        is selected any more, so that no key overwrites the label just given.

        Parameters
        ----------
        direction : {1, -1}
        unlabelled : bool
            Go on to the next one without a label, from the start when the end is
            reached.
        """
        opened = self._session.active
        if opened is None:
            return
        order = self._order(opened)
        labelled = np.zeros(opened.recording.n_rois, dtype=bool)
        for row in self._session.labels_seen(opened) or ():
            labelled[row.roi_id] |= bool(row.label)
        here = np.flatnonzero(order == self._session.roi_id)
        place = int(here[0]) + direction if here.size else 0
        if place < 0:
            self._session.tell("This is the first ROI.")
            return
        if unlabelled or place == len(order):
            order = np.roll(order, -place)
            order = order[~labelled[order]]
            place = 0
        if len(order):
            self._session.select(int(order[place]))
            self._session.tell("")
        else:
            self._session.select(None)
            self._session.tell("The list has ended: every ROI shown has a label.")

    def show_or_hide_predictions(self) -> None:
        """Show what models said, or hide it."""
        self._session.show_predictions(not self._session.predictions_shown)

    def zoom(self) -> None:
        """Look at the largest transient of the trace, or at all of it again."""
        self.transient_asked.emit()

    def _order(self, opened: OpenRecording) -> NDArray[np.intp]:
        """Return the ROIs that are shown, the least certain first."""
        shown = np.flatnonzero(self._session.shown(opened))
        if opened.predictions is None:
            return shown
        certainty = opened.predictions.probabilities.max(axis=1)[shown]
        return shown[np.argsort(np.nan_to_num(certainty, nan=2.0), kind="stable")]

    def _change(self, given: dict[int, str], source: str) -> None:
        opened = self._session.active
        if opened is None or not given:
            self._session.tell(_NOTHING_SELECTED)
            return
        rows = {} if opened.labels is None else opened.labels.by_roi()
        seen = self.sees_trace() or self._session.predictions(opened) is not None
        for roi_id, label in given.items():
            cell_id = rows[roi_id].cell_id if roi_id in rows else ""
            rows.pop(roi_id, None)
            if label or cell_id:
                rows[roi_id] = Label(
                    roi_id,
                    label,
                    opened.recording.plane,
                    source,
                    seen,
                    cell_id,
                    self.annotator,
                )
        self._do(difference(opened.key, opened.labels, rows.values()))

    def _do(self, change: Change | None) -> None:
        if change is not None:
            self._history.add(change)
            self._take_over(change)

    def _replay(
        self, change: Change | None, otherwise: str, *, back: bool = False
    ) -> None:
        if change is None:
            self._session.tell(otherwise)
            return
        self._session.activate(change.key)
        self._session.select_many(change.steps)
        self._take_over(change, back=back)

    def _take_over(self, change: Change, *, back: bool = False) -> None:
        labels = self._session.recordings[change.key].labels or LabelTable()
        labels = change.applied(labels, self._session.tree, back=back)
        # What was said on reading holds no more of labels that were changed since.
        self._left[change.key] = replace(labels, warnings=())
        self._session.set_labels(change.key, self._left[change.key])
        self._session.tell("")
        self.edited.emit(change.key)
        self.history_changed.emit()

    def _on_replaced(self, key: str) -> None:
        left, now = self._left.get(key), self._session.recordings[key].labels
        # With other labels, rows may be other ROIs than those of the changes.
        if left is None or now is None or left.rows != now.rows:
            self._forget(key)

    def _forget(self, key: str) -> None:
        self._left.pop(key, None)
        self._history.forget(key)
        self.history_changed.emit()


def _never() -> bool:
    return False


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
        self._done = [*self._done[-_MOST + 1 :], change]
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
