"""The panel "Red channel": labels from how red each ROI is beyond its green."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from napari.utils.theme import get_theme
from numpy.typing import NDArray
from qtpy.QtCore import QModelIndex, QSignalBlocker, QStringListModel, Qt, Signal
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

from napari_celltype.gui.layers import tag_of
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.placement import FirstPlace
from napari_celltype.gui.plot import Plot
from napari_celltype.gui.scene import Scene
from napari_celltype.gui.tasks import Finished, JobBar, Outcome
from napari_celltype.gui.widgets import Column, Words, listen
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
from napari_celltype.recording import RED_IMAGE

if TYPE_CHECKING:
    from napari.layers import Layer

_WIDTH = 320
_NO_IMAGE = "suite2p left no mean image of channel 2 (meanImg_chan2)"
# Symbol, colour and words of each group: the shape tells them apart without colour.
_GROUPS = {
    "not_red": ("s", "#4C8DD6", "■ not red"),
    "left_out": ("o", "#9E9E9E", "● left out"),
    "red": ("t1", "#E0524D", "▲ red"),
}
_LINE = "#C9A227"
_N_BINS = 60


class RedChannelPanel(QWidget):
    """Red against green, two lines to drag, and the labels that they make."""

    def __init__(
        self, scene: Scene, apply: Callable[[LabelTable], None], parent: Any = None
    ) -> None:
        super().__init__(parent)
        self._scene, self._session = scene, scene.session
        # Takes the new labels of the active recording, all of them, as one change.
        self._give = apply
        self._measured: dict[str, tuple[OpenRecording, RedChannel, Lines]] = {}
        self._order = np.empty(0, dtype=np.intp)
        # Whether the pictures were visible before the red image took their place.
        self._covered: dict[Layer, bool] = {}
        self.scatter, self.histogram = RedScatter(), RednessHistogram()
        self.type_box, self.keep = QComboBox(), QCheckBox("Keep my labels")
        self.show_image = QPushButton("Show red image")
        self.propose = QPushButton("Propose lines")
        self.rois, self._names = QListView(), QStringListModel(self)
        self.apply_button = QPushButton("Apply")
        self.job = JobBar()
        self._what, self._where, self._counts = Words(), Words(), Words()
        self._meaning, self._outcome = Words(), Words()
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
        self.show_image.setCheckable(True)
        self.propose.setToolTip("Put the lines back where the data propose them")
        self.scatter.setToolTip(
            "Each point is a ROI; the line is what green explains. Click a point to "
            "select its ROI."
        )
        self.histogram.setToolTip(
            "Drag the two lines: ROIs left of the first are not red, right of the "
            "second red; those between them get no label."
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
        meaning, buttons = QHBoxLayout(), QHBoxLayout()
        meaning.addWidget(QLabel("Red means"))
        meaning.addWidget(self.type_box, 1)
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
        for widget in (self._counts, self._meaning, self.rois, self.keep):
            column.addWidget(widget)
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 0, 4, 4)
        layout.addWidget(Column(inside), 1)
        # Below what scrolls, so that the button is always in sight.
        for widget in (self._outcome, self.apply_button, self.job):
            layout.addWidget(widget)

    def _connect(self) -> None:
        session = self._session
        for signal, slot in (
            (session.activated, self._show_recording),
            (session.replaced, self._on_replaced),
            (session.closed, self._on_closed),
            (session.labelled, self._show_outcome),
            (session.types_changed, self._on_types),
            (session.selected, self._on_selected),
            (self._scene.viewer.events.theme, self._on_theme),
        ):
            listen(self, signal, slot)
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
        """Return the active recording and what was measured, None where nothing was."""
        opened = self._session.active
        known = None if opened is None else self._measured.get(opened.key)
        return None if known is None or opened is None else (opened, *known[1:])

    def _groups(self, opened: OpenRecording, red: RedChannel) -> RedGroups:
        return red_groups(opened.recording, red, *self.histogram.lines)

    def _show_recording(self) -> None:
        """Measure the active recording, or show what was measured before."""
        opened = self._session.active
        self.show_image.setChecked(False)
        has_image = opened is not None and RED_IMAGE in opened.recording.images
        self.show_image.setEnabled(has_image)
        self.show_image.setToolTip(
            "Show the mean image of channel 2 in red, below the outlines"
            if has_image
            else _NO_IMAGE
        )
        self._show_measured()
        if opened is None or self._current() is not None:
            return

        def work(on_progress: Any, should_stop: Any) -> tuple[RedChannel, Lines]:
            red = measure_red(opened.recording)
            return red, propose_lines(red)

        def end(outcome: Outcome[tuple[RedChannel, Lines]]) -> None:
            if isinstance(outcome, Finished) and opened.key in self._session.recordings:
                self._measured[opened.key] = (opened, *outcome.result)
            self._show_measured()

        self.job.start("Measuring red", work, end)

    def _show_measured(self) -> None:
        known = self._current()
        for widget in (self.scatter, self.histogram, self.propose, self.rois):
            widget.setVisible(known is not None)
        self.histogram.show_redness(None if known is None else known[1])
        if known is None:
            self._what.clear()
            self._where.clear()
            self._show_groups()
            return
        _, red, lines = known
        self._what.setText(red.sentence)
        self._where.setText(lines.sentence)
        # The reddest first; those without a value last.
        self._order = np.argsort(-red.redness, kind="stable")
        self.histogram.set_lines(lines.low, lines.high)

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
            for name, (_, _, text) in _GROUPS.items():
                words[getattr(groups, name)] = text
            self._names.setStringList(
                [f"ROI {i}   {red.redness[i]:.2f}   {words[i]}" for i in self._order]
            )
            self._on_selected()
        self._show_counts()

    def _show_counts(self) -> None:
        known, positive = self._current(), self.type_box.currentText()
        self._meaning.setText(f"red means {positive}; not red means not {positive}")
        self._counts.clear()
        if known is not None:
            groups = self._groups(known[0], known[1])
            self._counts.setText(
                f"▲ {groups.red.sum()} surely red: {positive}\n"
                f"● {groups.left_out.sum()} left out: no label\n"
                f"■ {groups.not_red.sum()} surely not red: !{positive} (only what "
                "suite2p calls a cell)"
            )
        self._show_outcome()

    def _show_outcome(self, *_: Any) -> None:
        """Say what Apply would do to the labels that are there."""
        known, reason = self._current(), ""
        outcome, words = "", "Apply"
        if known is None:
            reason = "There are no red values"
        else:
            groups = self._groups(known[0], known[1])
            if not (groups.red.any() or groups.not_red.any()):
                reason = "There is no ROI outside the lines; move them"
            present, positive = known[0].labels, self.type_box.currentText()
            n = 0 if present is None else disagreeing(present, groups, positive)
            if n and self.keep.isChecked():
                outcome = f"Labels of yours that say something else: {n} (kept)."
            elif n:
                outcome = f"⚠ Labels of yours that will be replaced: {n}."
                words = f"Apply and replace {n}"
        if self.job.running:
            reason = "Wait until the work below has ended"
        self._outcome.setText(outcome)
        self._outcome.setVisible(bool(outcome))
        self.apply_button.setText(words)
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
            return add_labels(present, new, keep=keep, instead_of="redcell").table

        def end(outcome: Outcome[LabelTable]) -> None:
            if isinstance(outcome, Finished):
                now = self._session.active
                if now is None or now.key != opened.key or now.labels != opened.labels:
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
        """Show the red image in place of the other pictures, or these again."""
        for layer, visible in self._covered.items():
            layer.visible = visible
        self._covered = {}
        opened = self._session.active
        if not shown or opened is None:
            return
        for layer in self._scene.viewer.layers:
            tag = tag_of(layer)
            if tag is None or tag.key != opened.key or tag.role in ("colors", "rois"):
                continue
            self._covered[layer] = layer.visible
            layer.visible = layer.data is opened.recording.images.get(RED_IMAGE)
            if layer.visible:
                layer.colormap = "red"

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


class _SmallPlot(Plot):
    """A plot that cannot be lost by zooming."""

    def __init__(self, height: int) -> None:
        super().__init__()
        self.setFixedHeight(height)
        self.setMouseEnabled(x=False, y=False)
        self.getAxis("left").setWidth(44)
        self.getAxis("bottom").enableAutoSIPrefix(False)


class RedScatter(_SmallPlot):
    """One point per ROI: green across, red up, and the line between."""

    roi_clicked = Signal(int)

    def __init__(self) -> None:
        super().__init__(170)
        self._points = {}
        for name, (symbol, color, _) in _GROUPS.items():
            item = pg.ScatterPlotItem(
                size=7, symbol=symbol, pen=None, brush=pg.mkBrush(color)
            )
            item.sigClicked.connect(self._on_clicked)
            self.addItem(item)
            self._points[name] = item
        self._fit = self.plot([], [], pen=pg.mkPen(_LINE, width=2))
        self._ring = pg.ScatterPlotItem(size=13, symbol="o", brush=None)
        self.addItem(self._ring)
        self._red: RedChannel | None = None

    def show_points(self, red: RedChannel | None, groups: RedGroups | None) -> None:
        """Draw the ROIs in their groups; nothing without values."""
        self._red = red
        for item in (*self._points.values(), self._ring, self._fit):
            item.setData([], [])
        if red is None or groups is None:
            return
        for name, item in self._points.items():
            ids = np.flatnonzero(getattr(groups, name) & np.isfinite(red.red))
            item.setData(*self._places(ids), data=ids)
        if red.slope is not None and red.green is not None:
            span = red.green[red.cells]
            ends = np.array([span.min(), span.max()])
            self._fit.setData(ends, red.slope * ends + (red.intercept or 0.0))
        self.setLabel("bottom", "ROI" if red.green is None else "green")
        self.setLabel("left", "red")

    def mark(self, roi_id: int | None) -> None:
        """Draw a ring around one ROI."""
        self._ring.setData([], [])
        if self._red is not None and roi_id is not None and roi_id < self._red.red.size:
            x, y = self._places(np.array([roi_id]))
            if np.isfinite(x).all() and np.isfinite(y).all():
                self._ring.setData(x, y)

    def set_theme(self, background: str, text: str) -> None:
        """Take over the colours of the window."""
        super().set_theme(background, text)
        self._ring.setPen(pg.mkPen(text, width=2))

    def spot(self, roi_id: int) -> tuple[float, float]:
        """Return where a ROI is drawn, in the units of the axes."""
        x, y = self._places(np.array([roi_id]))
        return float(x[0]), float(y[0])

    def _places(self, ids: NDArray[np.intp]) -> tuple[NDArray[Any], NDArray[Any]]:
        red = self._red
        assert red is not None
        return ids.astype(float) if red.green is None else red.green[ids], red.red[ids]

    def _on_clicked(self, item: Any, points: Any, event: Any) -> None:
        """Take the nearest of the points below the mouse."""
        pixel = np.array(self.getViewBox().viewPixelSize())

        def distance(point: Any) -> float:
            away = point.pos() - event.pos()
            return float(np.hypot(*(np.array([away.x(), away.y()]) / pixel)))

        if len(points):
            self.roi_clicked.emit(int(min(points, key=distance).data()))


class RednessHistogram(_SmallPlot):
    """How many cells have which redness, and two lines to drag."""

    moved = Signal()  # a line is being dragged
    rested = Signal()  # a line was let go

    def __init__(self) -> None:
        super().__init__(150)
        self._placing = False
        self._bars = pg.PlotCurveItem(
            [0, 1], [0], stepMode="center", fillLevel=0, brush="#8886", pen="#888"
        )
        self.addItem(self._bars)
        # Up to the first a ROI is surely not red, from the second on surely red. The
        # names stand on the sides that they are about.
        self.low, self.high = self._line("not_red", 1.1), self._line("red", -0.1)
        self.setLabel("left", "cells")

    @property
    def lines(self) -> tuple[float, float]:
        """The redness at the two lines, the lower one first."""
        first, second = float(self.low.value()), float(self.high.value())
        return min(first, second), max(first, second)

    def set_lines(self, low: float, high: float) -> None:
        """Put the lines somewhere."""
        self._placing = True
        self.low.setValue(low)
        self.high.setValue(high)
        self._placing = False
        self.rested.emit()

    def show_redness(self, red: RedChannel | None) -> None:
        """Draw the distribution over the cells; nothing without values."""
        values = np.empty(0) if red is None else red.redness[red.cells]
        for line in (self.low, self.high):
            line.setVisible(values.size > 0)
        if not values.size:
            self._bars.setData([0, 1], [0])
            return
        # A few extremely red cells would squeeze all others into one bar.
        start, stop = float(values.min()), float(np.quantile(values, 0.99))
        stop = max(stop + 0.2 * (stop - start), start + 1e-9)
        edges = np.linspace(start, stop, _N_BINS + 1)
        counts, _ = np.histogram(np.minimum(values, stop), edges)
        self._bars.setData(edges, counts)
        margin = 0.05 * (stop - start)
        self.setXRange(start - margin, stop + margin, padding=0)
        self.setYRange(0, float(counts.max()) * 1.05, padding=0)
        for line in (self.low, self.high):
            line.setBounds((start - margin, stop + margin))
        unit = "redness (spreads of the cells)" if red and red.slope else "red"
        self.setLabel("bottom", unit)

    def _line(self, group: str, side: float) -> pg.InfiniteLine:
        _, color, words = _GROUPS[group]
        line = pg.InfiniteLine(
            angle=90,
            movable=True,
            pen=pg.mkPen(color, width=3),
            hoverPen=pg.mkPen(color, width=6),
            label=words[2:],
            labelOpts={"position": 0.9, "color": color, "anchors": [(side, 0.5)] * 2},
        )
        self.addItem(line)
        line.sigPositionChanged.connect(self._on_moved)
        line.sigPositionChangeFinished.connect(self.rested)
        return line

    def _on_moved(self) -> None:
        if self._placing:
            return
        low, high = self.low.value(), self.high.value()
        # The line that is dragged pushes the other along: they never cross.
        if low > high and self.low.moving:
            self.high.setValue(low)
        elif low > high:
            self.low.setValue(high)
        else:
            self.moved.emit()
