"""The panel "Red channel": labels from how red each ROI is beyond its green."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy import QtWidgets
from qtpy.QtCore import QStringListModel, Signal

from napari_celltype.gui.forms import choice_box, offer
from napari_celltype.gui.layers import tag_of
from napari_celltype.gui.plot import SmallPlot
from napari_celltype.gui.scene import Scene
from napari_celltype.gui.tasks import Finished, JobBar, Outcome
from napari_celltype.gui.widgets import (
    Notice,
    Words,
    fill,
    lay_out_dock,
    listen,
    switch,
)
from napari_celltype.labels import LabelTable, add_labels
from napari_celltype.labels import red_channel as red_values
from napari_celltype.labels.red_channel import RED_IMAGE, Lines, RedChannel, RedGroups

# Symbol, colour, sign and words of each group of ROIs, whose shapes tell them apart
# without colour.
_GROUPS = {
    "red": ("t1", "#E0524D", "▲", "surely red: {0}"),
    "left_out": ("o", "#9E9E9E", "●", "left out: no label"),
    "not_red": ("s", "#4C8DD6", "■", "surely not red: !{0} (only suite2p's cells)"),
}
_LINE = "#C9A227"
_N_BINS = 60


class RedChannelPanel(QtWidgets.QWidget):
    """Red against green, two lines to drag, and the labels that they make."""

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self._scene, self._session = scene, scene.session
        # Of the active recording, once it is measured: what was measured, the lines
        # that are proposed, and the ROIs from the reddest on.
        self._red: RedChannel | None = None
        self._proposal = Lines(0, 1, "")
        self._order = np.empty(0, dtype=np.intp)
        # Whether the pictures were visible before the red image took their place.
        self._covered: dict[Any, bool] = {}
        self.scatter, self.histogram = RedScatter(), RednessHistogram()
        self.positive = choice_box({"PV": "PV"})
        self.positive.native.setToolTip(
            "The type that carries the red marker in this animal"
        )
        self.keep = QtWidgets.QCheckBox(
            "Keep my labels",
            checked=True,
            toolTip="On: a label that is there stays. Off: the red channel replaces "
            "it, whether it came from histology, from you or from a file.",
            toggled=self._show_state,
        )
        self.show_image = QtWidgets.QPushButton(
            "Show red image", checkable=True, toggled=self._on_show_image
        )
        self.propose = QtWidgets.QPushButton(
            "Propose lines",
            toolTip="Put the lines back where the data propose them",
            clicked=self._on_propose,
        )
        self._names = QStringListModel(self)
        self.rois = QtWidgets.QListView(
            uniformItemSizes=True,
            editTriggers=QtWidgets.QListView.EditTrigger.NoEditTriggers,
            toolTip="The reddest ROI first; click one to select it",
            clicked=lambda i: self._session.select(int(self._order[i.row()])),
        )
        self.rois.setModel(self._names)
        self.rois.setFixedHeight(120)
        self.apply_button = QtWidgets.QPushButton("Apply", clicked=self._on_apply)
        self.job = JobBar()
        self._about, self._counts, self._outcome = Words(), Words(), Notice()
        self._lay_out()
        self._connect()
        for plot in (self.scatter, self.histogram):
            plot.follow_theme(scene.viewer)
        self._on_types()
        self._measure()

    def _lay_out(self) -> None:
        buttons = fill(QtWidgets.QHBoxLayout(), self.show_image, self.propose)
        means = QtWidgets.QLabel("Red means")
        positive = fill(QtWidgets.QHBoxLayout(), means, (self.positive.native, 1))
        above = (self._about, buttons, self.scatter, self.histogram, positive)
        parts = (*above, self._counts, self.rois, self.keep)
        lay_out_dock(self, parts, self._outcome, self.apply_button, self.job)

    def _connect(self) -> None:
        session = self._session
        listen(self, self._measure, session.activated, session.replaced)
        listen(self, self._show_state, session.labelled)
        listen(self, self._on_types, session.types_changed)
        listen(self, self._on_selected, session.selected)
        self.histogram.region.sigRegionChanged.connect(self._show_state)
        self.histogram.region.sigRegionChangeFinished.connect(self._show_groups)
        self.scatter.roi_clicked.connect(session.select)
        self.positive.changed.connect(self._show_state)

    def _measure(self, key: str | None = None) -> None:
        """Measure the active recording, or the one with a key if it is the active."""
        opened = self._session.active
        if key is not None and (opened is None or opened.key != key):
            return
        self._red = None
        has_image = opened is not None and RED_IMAGE in opened.recording.images
        self.show_image.setChecked(False)
        why_not = "suite2p left no mean image of channel 2 (meanImg_chan2)"
        tip = "Show the mean image of channel 2 in red, below the outlines"
        switch(self.show_image, tip, "" if has_image else why_not)
        self._show_measured()
        if opened is None:
            return

        def work(**_: Any) -> tuple[RedChannel, Lines]:
            red = red_values.measure_red(opened.recording)
            return red, red_values.propose_lines(red)

        def end(outcome: Outcome[tuple[RedChannel, Lines]]) -> None:
            now = self._session.active
            if isinstance(outcome, Finished) and now and now.key == opened.key:
                self._red, self._proposal = outcome.result
                self._show_measured()

        self.job.start("Measuring red", work, end)

    def _show_measured(self) -> None:
        red = self._red
        for widget in (self.scatter, self.histogram, self.propose, self.rois):
            widget.setVisible(red is not None)
        self.histogram.show_redness(red)
        self._about.clear()
        if red is not None:
            self._about.setText(f"{red.sentence}\n\n{self._proposal.sentence}")
            # Those without a value come last.
            self._order = np.argsort(-red.redness, kind="stable")
            self._on_propose()
        self._show_groups()

    def _groups(self) -> RedGroups | None:
        """Return what the present lines make of the active recording."""
        opened, red = self._session.active, self._red
        if opened is None or red is None:
            return None
        return red_values.red_groups(opened.recording, red, *self.histogram.lines)

    def _show_groups(self) -> None:
        """Draw the groups of the present lines, in the plot and in the list."""
        red, groups = self._red, self._groups()
        self.scatter.show_points(red, groups)
        rows: list[str] = []
        if red is not None and groups is not None:
            words = np.full(red.redness.size, "", dtype=object)
            for name, (_, _, sign, _) in _GROUPS.items():
                words[getattr(groups, name)] = f"{sign} {name.replace('_', ' ')}"
            rows = [f"ROI {i}   {red.redness[i]:.2f}   {words[i]}" for i in self._order]
        self._names.setStringList(rows)
        self._on_selected()
        self._show_state()

    def _show_state(self, *_: Any) -> None:
        """Count the groups, and say what Apply would do to the present labels."""
        groups, positive = self._groups(), self.positive.value
        opened = self._session.active
        counts, outcome, action, reason = "", "", "Apply", ""
        if opened is None or groups is None:
            reason = "There are no red values"
        else:
            counts = "\n".join(
                f"{sign} {getattr(groups, name).sum()} {words.format(positive)}"
                for name, (_, _, sign, words) in _GROUPS.items()
            )
            present = opened.labels or LabelTable()
            n = red_values.disagreeing(present, groups, positive)
            if n and self.keep.isChecked():
                outcome = f"Labels of yours that say something else: {n} (kept)."
            elif n:
                outcome = f"⚠ Labels of yours that will be replaced: {n}."
                action = f"Apply and replace {n}"
        self._counts.setText(counts)
        self._outcome.show_text(outcome)
        self.apply_button.setText(action)
        tip = "Label the ROIs outside the lines; one step to undo"
        switch(self.apply_button, tip, reason)

    def _on_apply(self) -> None:
        opened, tree = self._session.active, self._session.tree
        if opened is None or self._red is None:
            return
        new = red_values.labels_from_red(
            opened.recording,
            self._red,
            *self.histogram.lines,
            self.positive.value,
            tree,
        )
        present = opened.labels or LabelTable(tree=tree)
        keep = self.keep.isChecked()
        added = add_labels(present, new, keep=keep, instead_of="redcell")
        self._scene.labelling.apply(opened.key, added.table)

    def _on_propose(self) -> None:
        self.histogram.region.setRegion((self._proposal.low, self._proposal.high))

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

    def _on_selected(self) -> None:
        roi_id = self._session.roi_id
        self.scatter.mark(roi_id)
        rows = np.flatnonzero(self._order == roi_id)
        if rows.size and self._names.rowCount():
            self.rois.setCurrentIndex(self._names.index(int(rows[0])))
        else:
            self.rois.clearSelection()

    def _on_types(self) -> None:
        offer(self.positive, {t.name: t.name for t in self._session.tree.types})
        self._show_state()


class RedScatter(SmallPlot):
    """One point per ROI: green across, red up, and the line between."""

    roi_clicked = Signal(int)

    def __init__(self) -> None:
        super().__init__(
            170,
            "Each point is a ROI; the line is what green explains. Click a point to "
            "select its ROI.",
        )
        # Green, or the number of the ROI, and red; shape (2, n_rois).
        self._places = np.empty((2, 0))
        self.points = pg.ScatterPlotItem(size=7, pen=None)
        self.points.sigClicked.connect(self._on_clicked)
        self._fit = pg.PlotCurveItem(pen=pg.mkPen(_LINE, width=2))
        self._ring = pg.ScatterPlotItem(
            size=13, brush=None, pen=pg.mkPen(_LINE, width=2)
        )
        for item in (self.points, self._fit, self._ring):
            self.addItem(item)

    def show_points(self, red: RedChannel | None, groups: RedGroups | None) -> None:
        """Draw the ROIs in their groups; nothing without values."""
        self.points.clear()
        self._fit.setData([], [])
        self._places = np.empty((2, 0))
        if red is None or groups is None:
            return
        across = np.arange(red.red.size) if red.green is None else red.green
        self._places = np.array([across, red.red])
        finite = np.isfinite(self._places).all(axis=0)
        for name, (symbol, color, *_) in _GROUPS.items():
            ids = np.flatnonzero(getattr(groups, name) & finite)
            self.points.addPoints(
                *self._places[:, ids], data=ids, symbol=symbol, brush=color
            )
        if red.slope is not None and red.intercept is not None:
            cells = across[red.cells]
            ends = np.array([cells.min(), cells.max()])
            self._fit.setData(ends, red.slope * ends + red.intercept)
        self.setLabel("bottom", "ROI" if red.green is None else "green")
        self.setLabel("left", "red")

    def mark(self, roi_id: int | None) -> None:
        """Draw a ring around one ROI."""
        ids = np.array([] if roi_id is None else [roi_id], dtype=np.intp)
        here = self._places[:, ids[ids < self._places.shape[1]]]
        self._ring.setData(*here[:, np.isfinite(here).all(axis=0)])

    def _on_clicked(self, item: Any, points: Any, event: Any) -> None:
        """Take the nearest of the points below the mouse."""
        nearest = min(points, key=lambda p: pg.Point(p.pos() - event.pos()).length())
        self.roi_clicked.emit(int(nearest.data()))


class RednessHistogram(SmallPlot):
    """How many cells have which redness, and two lines to drag."""

    def __init__(self) -> None:
        super().__init__(
            150,
            "Drag the two lines: ROIs left of the first are not red, right of the "
            "second red; those between them get no label.",
        )
        self._bars = pg.PlotCurveItem(
            [0, 1], [0], stepMode="center", fillLevel=0, brush="#8886", pen="#888"
        )
        self.addItem(self._bars)
        # Up to the first line a ROI is surely not red, from the second on surely red.
        self.region = pg.LinearRegionItem(brush="#8882", swapMode="push")
        self.addItem(self.region)
        # The names stand on the sides that they are about.
        for line, name, side in zip(
            self.region.lines, ("not_red", "red"), (1.1, -0.1), strict=True
        ):
            color = _GROUPS[name][1]
            line.setPen(color, width=3)
            line.setHoverPen(color, width=6)
            anchors = [(side, 0.5)] * 2
            words = name.replace("_", " ")
            pg.InfLineLabel(line, words, position=0.9, color=color, anchors=anchors)
        self.setLabel("left", "cells")

    @property
    def lines(self) -> tuple[float, float]:
        """The redness at the two lines, the lower one first."""
        low, high = self.region.getRegion()
        return float(low), float(high)

    def show_redness(self, red: RedChannel | None) -> None:
        """Draw the distribution over the cells; nothing without values."""
        values = np.empty(0) if red is None else red.redness[red.cells]
        self.region.setVisible(values.size > 0)
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
        self.region.setBounds((start - margin, stop + margin))
        unit = "redness (spreads of the cells)" if red and red.slope else "red"
        self.setLabel("bottom", unit)
