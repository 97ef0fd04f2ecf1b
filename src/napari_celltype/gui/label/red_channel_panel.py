"""The panel "Red channel": labels from how red each ROI is beyond its green."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from napari.utils.theme import get_theme
from qtpy.QtCore import QModelIndex, QSignalBlocker, QStringListModel, Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QListView,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.gui.label.red_plots import RedImage, RednessHistogram, RedScatter
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.placement import FirstPlace
from napari_celltype.gui.scene import Scene
from napari_celltype.gui.tasks import Finished, JobBar, Outcome
from napari_celltype.gui.widgets import Column, listen
from napari_celltype.labels import LabelTable, add_labels
from napari_celltype.labels.red_channel import (
    Lines,
    RedChannel,
    RedGroups,
    disagreeing,
    labels_from_red,
    measure_red,
    propose_lines,
    red_groups,
)

Apply = Callable[[LabelTable], None]

_WIDTH = 320
_NO_IMAGE = "suite2p left no mean image of channel 2 (meanImg_chan2)"


class RedChannelPanel(QWidget):
    """Red against green, two lines to drag, and the labels that they make.

    Parameters
    ----------
    scene : Scene
    apply : callable
        Takes the new labels of the active recording, all of them, as one change.

    Attributes
    ----------
    scatter, histogram, type_box, rois, keep, apply_button, show_image
        The controls.
    job : JobBar
    """

    def __init__(self, scene: Scene, apply: Apply, parent: Any = None) -> None:
        super().__init__(parent)
        self._scene, self._session = scene, scene.session
        self._give = apply
        self._measured: dict[str, tuple[OpenRecording, RedChannel, Lines]] = {}
        self._order = np.empty(0, dtype=np.intp)
        self._image = RedImage(scene)
        self.scatter, self.histogram = RedScatter(), RednessHistogram()
        self.type_box, self.keep = QComboBox(), QCheckBox("Keep my labels")
        self.show_image = QPushButton("Show red image")
        self.propose = QPushButton("Propose lines")
        self.rois, self._names = QListView(), QStringListModel(self)
        self.apply_button = QPushButton("Apply")
        self.job = JobBar()
        self._what, self._where, self._counts = QLabel(), QLabel(), QLabel()
        self._meaning, self._outcome = QLabel(), QLabel()
        FirstPlace(self, Qt.DockWidgetArea.RightDockWidgetArea, _WIDTH)
        self._lay_out()
        self._connect()
        self._on_theme()
        self._on_types()
        self._show_recording()

    @property
    def text(self) -> str:
        """All that the panel says."""
        labels = (self._what, self._where, self._counts, self._meaning, self._outcome)
        return "\n".join(label.text() for label in labels)

    def _lay_out(self) -> None:
        for label in (
            self._what,
            self._where,
            self._counts,
            self._meaning,
            self._outcome,
        ):
            label.setWordWrap(True)
        self.show_image.setCheckable(True)
        self.propose.setToolTip("Put the lines back where the data propose them")
        self.scatter.setToolTip(
            "Each point is an ROI; the line is what green explains. Click a point to "
            "select its ROI."
        )
        self.histogram.setToolTip(
            "Drag the two lines: left of the first ROIs are surely not red, right of "
            "the second surely red; between them they get no label."
        )
        self.type_box.setToolTip("The type that carries the red marker in this animal")
        self.keep.setChecked(True)
        self.keep.setToolTip(
            "On: a label that is there stays. Off: the red channel replaces it, "
            "whether it came from histology, from you or from a file."
        )
        self.rois.setModel(self._names)
        self.rois.setUniformItemSizes(True)
        self.rois.setFixedHeight(120)
        self.rois.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.rois.setToolTip("The reddest ROI first; click one to select it")
        meaning = QHBoxLayout()
        meaning.addWidget(QLabel("Red means"))
        meaning.addWidget(self.type_box, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.show_image)
        buttons.addWidget(self.propose)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(4, 4, 4, 4)
        column.addWidget(self._what)
        column.addLayout(buttons)
        column.addWidget(self.scatter)
        column.addWidget(self.histogram)
        column.addWidget(self._where)
        column.addLayout(meaning)
        column.addWidget(self._counts)
        column.addWidget(self._meaning)
        column.addWidget(self.rois)
        column.addWidget(self.keep)
        column.addWidget(self._outcome)
        column.addWidget(self.apply_button)
        column.addWidget(self.job)
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(Column(inside))

    def _connect(self) -> None:
        session = self._session
        for signal, slot in (
            (session.activated, self._show_recording),
            (session.replaced, self._on_replaced),
            (session.closed, self._on_closed),
            (session.labelled, self._show_outcome),
            (session.types_changed, self._on_types),
            (session.selected, self._on_selected),
        ):
            listen(self, signal, slot)
        listen(self, self._scene.viewer.events.theme, self._on_theme)
        self.histogram.moved.connect(self._show_counts)
        self.histogram.rested.connect(self._show_groups)
        self.scatter.roi_clicked.connect(session.select)
        self.type_box.currentTextChanged.connect(self._show_counts)
        self.keep.toggled.connect(self._show_outcome)
        self.rois.clicked.connect(self._on_row)
        self.show_image.toggled.connect(self._on_show_image)
        self.propose.clicked.connect(self._on_propose)
        self.apply_button.clicked.connect(self._on_apply)

    def _current(self) -> tuple[OpenRecording, RedChannel, Lines] | None:
        opened = self._session.active
        known = None if opened is None else self._measured.get(opened.key)
        if known is None or opened is None:
            return None
        return opened, known[1], known[2]

    def _groups(self, opened: OpenRecording, red: RedChannel) -> RedGroups:
        return red_groups(opened.recording, red, *self.histogram.lines)

    def _show_recording(self) -> None:
        """Measure the active recording, or show what was measured before."""
        opened = self._session.active
        self.show_image.setChecked(False)
        has_image = self._image.has_one(opened)
        self.show_image.setEnabled(has_image)
        self.show_image.setToolTip(
            "Show the mean image of channel 2 in red, below the outlines"
            if has_image
            else _NO_IMAGE
        )
        known = self._current()
        self._show_measured()
        if opened is None or known is not None:
            return
        recording = opened.recording

        def work(on_progress: Any, should_stop: Any) -> tuple[RedChannel, Lines]:
            red = measure_red(recording)
            return red, propose_lines(red)

        def end(outcome: Outcome[tuple[RedChannel, Lines]]) -> None:
            now = self._session.recordings.get(opened.key)
            if isinstance(outcome, Finished) and now is not None:
                self._measured[opened.key] = (opened, *outcome.result)
            self._show_measured()

        self.job.start("Measuring red", work, end)

    def _show_measured(self) -> None:
        known = self._current()
        for widget in (self.scatter, self.histogram, self.propose, self.rois):
            widget.setVisible(known is not None)
        red = None if known is None else known[1]
        self.histogram.show_redness(red)
        self._what.setText("" if red is None else red.sentence)
        self._where.setText("" if known is None else known[2].sentence)
        if known is not None:
            # The reddest first; those without a value last.
            redness = known[1].redness
            self._order = np.argsort(-redness, kind="stable")
            self.histogram.set_lines(known[2].low, known[2].high)
        else:
            self._show_groups()

    def _show_groups(self) -> None:
        """Draw the groups of the present lines, in the plot and in the list."""
        known = self._current()
        if known is None:
            self.scatter.show_points(None, None)
            self._names.setStringList([])
        else:
            opened, red, _ = known
            groups = self._groups(opened, red)
            self.scatter.show_points(red, groups)
            words = np.full(red.redness.size, "", dtype=object)
            words[groups.red], words[groups.not_red] = "▲ red", "■ not red"
            words[groups.left_out] = "● left out"
            self._names.setStringList(
                [f"ROI {i}   {red.redness[i]:.2f}   {words[i]}" for i in self._order]
            )
            self._on_selected()
        self._show_counts()

    def _show_counts(self) -> None:
        known = self._current()
        positive = self.type_box.currentText()
        self._meaning.setText(f"red means {positive}; not red means not {positive}")
        if known is None:
            self._counts.setText("")
        else:
            groups = self._groups(known[0], known[1])
            n_red, n_not, n_out = (
                int(group.sum())
                for group in (groups.red, groups.not_red, groups.left_out)
            )
            self._counts.setText(
                f"▲ {n_red} surely red: {positive}\n"
                f"● {n_out} left out: no label\n"
                f"■ {n_not} surely not red: !{positive} (only what suite2p calls a "
                f"cell)"
            )
        self._show_outcome()

    def _show_outcome(self, *_: Any) -> None:
        """Say what Apply would do to the labels that are there."""
        known = self._current()
        reason = ""
        self.apply_button.setText("Apply")
        self._outcome.setText("")
        if known is None:
            reason = "There are no red values"
        else:
            groups = self._groups(known[0], known[1])
            if not (groups.red.any() or groups.not_red.any()):
                reason = "Outside the lines there is no ROI; move them"
            present = known[0].labels
            n = (
                0
                if present is None
                else disagreeing(present, groups, self.type_box.currentText())
            )
            if n and self.keep.isChecked():
                self._outcome.setText(
                    f"Labels of yours that say something else: {n} (kept)."
                )
            elif n:
                self._outcome.setText(f"⚠ Labels of yours that will be replaced: {n}.")
                self.apply_button.setText(f"Apply and replace {n}")
        if self.job.running:
            reason = "Wait until the work below has ended"
        self.apply_button.setEnabled(not reason)
        self.apply_button.setToolTip(
            reason or "Label the ROIs outside the lines; one step to undo"
        )

    def _on_apply(self) -> None:
        known = self._current()
        if known is None:
            return
        opened, red, _ = known
        lines, positive = self.histogram.lines, self.type_box.currentText()
        keep, tree = self.keep.isChecked(), self._session.tree
        present = opened.labels or LabelTable(tree=tree)

        def work(on_progress: Any, should_stop: Any) -> LabelTable:
            new = labels_from_red(opened.recording, *lines, positive, tree, red=red)
            added = add_labels(present, new, keep=keep, instead_of="redcell")
            return added.table

        def end(outcome: Outcome[LabelTable]) -> None:
            if isinstance(outcome, Finished):
                now = self._session.active
                same = now is not None and now.key == opened.key
                if not (same and now and now.labels is opened.labels):
                    self.job.notice.show_error(
                        "Labels changed meanwhile; press Apply again."
                    )
                else:
                    self._give(outcome.result)
            self._show_outcome()

        self.job.start("Labelling", work, end)
        self._show_outcome()

    def _on_propose(self) -> None:
        known = self._current()
        if known is not None:
            self.histogram.set_lines(known[2].low, known[2].high)

    def _on_show_image(self, shown: bool) -> None:
        opened = self._session.active
        if shown and opened is not None and self._image.has_one(opened):
            self._image.show(opened)
        else:
            self._image.hide()

    def _on_row(self, index: QModelIndex) -> None:
        self._session.select(int(self._order[index.row()]))

    def _on_selected(self) -> None:
        roi_id = self._session.roi_id
        self.scatter.mark(roi_id)
        rows = np.flatnonzero(self._order == (-1 if roi_id is None else roi_id))
        if rows.size and self._names.rowCount():
            self.rois.setCurrentIndex(self._names.index(int(rows[0])))
        else:
            self.rois.clearSelection()

    def _on_types(self) -> None:
        chosen = self.type_box.currentText() or "PV"
        names = [cell_type.name for cell_type in self._session.tree.types]
        with QSignalBlocker(self.type_box):
            self.type_box.clear()
            self.type_box.addItems(names)
            self.type_box.setCurrentText(chosen if chosen in names else names[0])
        self._show_counts()

    def _on_replaced(self, key: str) -> None:
        known, now = self._measured.get(key), self._session.recordings[key]
        if known is not None and known[0].recording.rois is not now.recording.rois:
            del self._measured[key]
        active = self._session.active
        if active is not None and active.key == key:
            self._show_recording()

    def _on_closed(self, key: str) -> None:
        self._measured.pop(key, None)

    def _on_theme(self, event: Any = None) -> None:
        theme = get_theme(self._scene.viewer.theme)
        for plot in (self.scatter, self.histogram):
            plot.set_theme(theme.background.as_hex(), theme.text.as_hex())
