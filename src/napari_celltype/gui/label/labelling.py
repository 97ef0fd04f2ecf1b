"""Labelling by hand: the commands behind its keys and buttons, free of Qt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar, NamedTuple

import numpy as np
from psygnal import Signal

from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE
from napari_celltype.gui.session import Session
from napari_celltype.labels import Label, LabelTable

# Digits of types that everybody has, in the order of the keyboard; own types follow.
_FIXED = {1: "PY", 2: "PV", 3: "SOM", 4: "VIP", 0: "IN"}

# Changes that can be undone.
_MOST = 1000

_NOTHING_SELECTED = "Click on a ROI first, or press J for the next one."
_NOTHING_TO_ACCEPT = (
    "There is no prediction to accept: press Classify first, show predictions (H), or "
    "label by hand what has none."
)


class _Change(NamedTuple):
    """The label of each ROI of a recording before and after; None is no label."""

    key: str
    steps: Mapping[int, tuple[Label | None, Label | None]]


class Labelling:
    """Gives labels to the selected ROIs of a session, and takes them back."""

    # Labelling was switched on or off.
    toggled: ClassVar = Signal()
    # The user changed labels of a recording; with its key.
    edited: ClassVar = Signal(str)
    # There is another change to undo or to redo.
    history_changed: ClassVar = Signal()
    # The largest transient of the trace is to be looked at, or all of it again.
    transient_asked: ClassVar = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self.on = False
        # Who labels; kept with each label.
        self.annotator = ""
        # Tells whether the trace of the selected ROI is on the screen.
        self.sees_trace: Callable[[], bool] = _never
        # What can be taken back, and what can be done again.
        self.done: list[_Change] = []
        self.undone: list[_Change] = []
        # The rows as the last change of the user left them, by recording.
        self._left: dict[str, tuple[Label, ...]] = {}
        session.replaced.connect(self._on_replaced)
        session.closed.connect(self._forget)

    @property
    def digits(self) -> dict[int, str]:
        """The type of each digit key: 0 to 4, and 5 to 9 for the user's own types."""
        known = {t.name for t in DEFAULT_TYPES.types}
        own = [t.name for t in self._session.tree.types if t.name not in known]
        return _FIXED | dict(zip(range(5, 10), own, strict=False))

    def see_no_trace(self) -> None:
        """Take note that nothing shows traces any more."""
        self.sees_trace = _never

    def toggle(self) -> None:
        """Switch labelling on, with predictions hidden, or off, with them shown."""
        self.on = not self.on
        self._session.show_predictions(not self.on)
        self._session.tell("")
        self.toggled.emit()

    def give(self, label: str) -> None:
        """Label the selected ROIs; an empty label takes theirs away."""
        self._label(dict.fromkeys(self._session.roi_ids, label), "manual")

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

    def accept(self) -> None:
        """Take the predicted types of the selected ROIs over, as predictions."""
        opened, roi_ids = self._session.active, self._session.roi_ids
        if opened is None or not roi_ids:
            self._session.tell(_NOTHING_SELECTED)
            return
        names = self._session.features(opened)["predicted"]
        known = {i: names[i] for i in roi_ids if names[i] not in (None, UNSURE)}
        if known:
            self._label(known, "prediction")
        else:
            self._session.tell(_NOTHING_TO_ACCEPT)

    def apply(self, key: str, labels: LabelTable) -> None:
        """Take over all labels of a recording and their types, as one change."""
        opened = self._session.recordings.get(key)
        if opened is None:
            return
        self._session.set_tree(self._session.tree.with_types_of(labels.tree))
        old = (opened.labels or LabelTable()).by_roi()
        new = labels.by_roi()
        steps = {
            roi_id: (old.get(roi_id), new.get(roi_id))
            for roi_id in old.keys() | new.keys()
            if old.get(roi_id) != new.get(roi_id)
        }
        if steps:
            change = _Change(key, steps)
            self.done.append(change)
            del self.done[:-_MOST]
            self.undone.clear()
            self._take_over(change)

    def undo(self) -> None:
        """Take the last change back and show where it was."""
        self._replay(self.done, self.undone, "undo")

    def redo(self) -> None:
        """Do the last change again that was taken back."""
        self._replay(self.undone, self.done, "redo")

    def show_or_hide_predictions(self) -> None:
        """Show predictions, or hide them."""
        self._session.show_predictions(not self._session.predictions_shown)
        self._session.tell("")

    def step(self, direction: int, *, unlabelled: bool = False) -> None:
        """Select the next ROI, the least certain first, or the one before.

        After the last one comes the first without a label. Where all have one, nothing
        is selected any more, so that no key overwrites the label just given.
        """
        opened = self._session.active
        if opened is None:
            return
        order = np.flatnonzero(self._session.shown(opened))
        if opened.predictions is not None:
            certainty = opened.predictions.probabilities.max(axis=1)[order]
            # What has no prediction comes last.
            certainty = np.nan_to_num(certainty, nan=2.0)
            order = order[np.argsort(certainty, kind="stable")]
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

    def _label(self, given: dict[int, str], source: str) -> None:
        opened = self._session.active
        if opened is None or not given:
            self._session.tell(_NOTHING_SELECTED)
            return
        rows = (opened.labels or LabelTable()).by_roi()
        seen = self.sees_trace() or self._session.predictions(opened) is not None
        plane = opened.recording.plane
        for roi_id, label in given.items():
            before = rows.pop(roi_id, None)
            cell_id = "" if before is None else before.cell_id
            if label or cell_id:
                rows[roi_id] = Label(
                    roi_id, label, plane, source, seen, cell_id, self.annotator
                )
        table = LabelTable(tuple(rows.values()), self._session.tree)
        self.apply(opened.key, table)

    def _replay(self, changes: list[_Change], other: list[_Change], verb: str) -> None:
        if not changes:
            self._session.tell(f"There is nothing to {verb}.")
            return
        change = changes.pop()
        other.append(change)
        self._session.activate(change.key)
        self._session.select_many(change.steps)
        self._take_over(change, back=verb == "undo")

    def _take_over(self, change: _Change, *, back: bool = False) -> None:
        labels = self._session.recordings[change.key].labels or LabelTable()
        rows = labels.by_roi()
        for roi_id, (before, after) in change.steps.items():
            rows.pop(roi_id, None)
            row = before if back else after
            if row is not None:
                rows[roi_id] = row
        # What was found on reading holds no more of labels that were changed since.
        labels = replace(
            labels, rows=tuple(rows.values()), tree=self._session.tree, warnings=()
        )
        self._left[change.key] = labels.rows
        self._session.set_labels(change.key, labels)
        self._session.tell("")
        self.edited.emit(change.key)
        self.history_changed.emit()

    def _on_replaced(self, key: str) -> None:
        labels = self._session.recordings[key].labels
        # With other labels, rows may be other ROIs than those of the changes.
        if labels is None or self._left.get(key) != labels.rows:
            self._forget(key)

    def _forget(self, key: str) -> None:
        self._left.pop(key, None)
        for changes in (self.done, self.undone):
            changes[:] = [change for change in changes if change.key != key]
        self.history_changed.emit()


def _never() -> bool:
    return False
