"""The dock "ROIs and traces": a table of ROIs, and tabs about the selected ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.viewer import Viewer
from qtpy.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QSignalBlocker,
    Qt,
)
from qtpy.QtWidgets import QTableView, QTabWidget, QVBoxLayout, QWidget

from napari_celltype.answers.columns import ACCEPTED, find_column
from napari_celltype.celltypes import UNSURE
from napari_celltype.gui.label.label_keys import LabelBanner, LabelKeys
from napari_celltype.gui.look.filter_bar import FilterBar
from napari_celltype.gui.look.gallery import GalleryTab
from napari_celltype.gui.look.means_tab import MeansTab
from napari_celltype.gui.look.trace_tab import TraceTab
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.palette import Shape, color_of, mark
from napari_celltype.gui.placement import FirstPlace
from napari_celltype.gui.roi_filter import names_in
from napari_celltype.gui.scene import scene_of
from napari_celltype.gui.table_model import TableModel
from napari_celltype.gui.widgets import Beside, fill, listen
from napari_celltype.labels import NOT_A_SOMA
from napari_celltype.recording import RoiMasks

if TYPE_CHECKING:
    import pandas as pd

_HEIGHT = 290
_TIP = "● named by the model, ○ unsure, □ labelled"


class RoisDock(QWidget):
    """Table, traces, means and pictures of the active recording."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        scene = scene_of(napari_viewer)
        self._viewer = scene.viewer
        self._session = scene.session
        self.banner = LabelBanner(scene.session, scene.labelling)
        LabelKeys(scene, self)
        self.table = TableModel(self, self._mark)
        self.view = QTableView(
            showGrid=False,
            selectionBehavior=QTableView.SelectionBehavior.SelectRows,
            selectionMode=QTableView.SelectionMode.ExtendedSelection,
            toolTip=f"Shift and Ctrl select several ROIs. {_TIP}",
        )
        self.filters = FilterBar()
        self.traces = TraceTab(self._session)
        self.means = MeansTab(self._session)
        self.gallery = GalleryTab(self._session)
        self.plot = self.traces.plot
        self.tabs = QTabWidget(documentMode=True)
        self._selecting = False
        FirstPlace(self, Qt.DockWidgetArea.BottomDockWidgetArea, _HEIGHT)
        self._lay_out()
        self.filters.changed.connect(self._session.set_filter)
        self.view.selectionModel().selectionChanged.connect(self._on_rows)
        self.table.layoutChanged.connect(self._mark_selected)
        self.plot.frame_asked.connect(self._go_to_frame)
        scene.labelling.sees_trace = self._trace_is_seen
        self.destroyed.connect(scene.labelling.see_no_trace)
        now = self._session
        listen(self, self._show_recording, now.activated, now.types_changed)
        listen(self, self._on_changed, now.replaced, now.described)
        listen(self, self._on_selected, now.selected)
        listen(self, self._on_filtered, now.filtered)
        listen(self, self.zoom_to_largest_transient, scene.labelling.transient_asked)
        listen(self, self._on_step, self._viewer.dims.events.current_step)
        for plot in (self.plot, self.means.plot):
            plot.follow_theme(scene.viewer)
        self._show_recording()

    def zoom_to_largest_transient(self) -> None:
        """Zoom to the largest transient; the next time show the whole trace."""
        self.tabs.setCurrentWidget(self.traces)
        self.traces.transient.toggle()

    def _lay_out(self) -> None:
        view = self.view
        view.setModel(self.table)
        view.setSortingEnabled(True)
        view.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        view.horizontalHeader().setResizeContentsPrecision(50)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(20)
        view.horizontalHeader().setToolTip(f"A click sorts. {_TIP}")
        left = QWidget()
        fill(QVBoxLayout(left), self.filters, (view, 1), spacing=2)
        for tab, title, words in (
            (self.traces, "Trace", "The traces of the selected ROIs"),
            (self.means, "Means", "The mean transient of each type"),
            (self.gallery, "Gallery", "A picture around each ROI"),
        ):
            self.tabs.addTab(tab, title)
            self.tabs.setTabToolTip(self.tabs.indexOf(tab), words)
        both = Beside(left, self.tabs, (2, 3))
        fill(QVBoxLayout(self), self.banner, (both, 1), margins=(4, 2, 4, 2))
        self.setMinimumHeight(150)

    def _show_recording(self) -> None:
        opened = self._session.active
        if opened is None:
            self.table.show(None)
        else:
            before = self.table.titles
            frame = roi_frame(opened, self._session.features(opened))
            self.table.show(frame, self._session.shown(opened))
            # Measuring 10,000 rows takes as long as all the rest.
            if self.table.titles != before:
                self.view.resizeColumnsToContents()
                if _LABEL in self.table.titles:
                    # The longest label may be given later.
                    at = self.table.titles.index(_LABEL)
                    room = self.view.fontMetrics().horizontalAdvance(NOT_A_SOMA) + 30
                    self.view.setColumnWidth(at, max(self.view.columnWidth(at), room))
        self._on_selected()
        self._show_filter()

    def _on_changed(self, key: str) -> None:
        active = self._session.active
        if active is not None and active.key == key:
            # Whoever looks at other rows than those selected goes on to.
            bar = self.view.verticalScrollBar()
            at = bar.value()
            self._show_recording()
            bar.setValue(at)

    def _on_filtered(self) -> None:
        opened = self._session.active
        if opened is not None:
            self.table.set_shown(self._session.shown(opened))
        self._mark_selected()
        self._show_filter()

    def _show_filter(self) -> None:
        """Show the filter, and what follows from it, in the bar and in the tabs."""
        opened, roi_filter = self._session.active, self._session.roi_filter
        names, words, has_iscell = [], roi_filter.text_shown, False
        if opened is not None:
            has_iscell = opened.recording.iscell is not None
            features = self._session.features(opened)
            names = names_in(features, roi_filter.name_of, self._session.tree)
            if roi_filter.applied_to(features) != roi_filter:
                words += "; without what is about predictions, as none are seen"
        self.filters.show_filter(roi_filter, names, has_iscell=has_iscell)
        self.filters.show_count(self.table.rowCount(), self.table.n_items, words)
        self.means.refresh()
        self.gallery.refresh()

    def _mark(self, title: str, value: Any) -> Any:
        """Return the picture beside a name; as in the layer, truth is an outline."""
        shape = _SHAPES.get(title.removesuffix(" ⚠"))
        if shape is None or not value:
            return None
        if value == UNSURE or value.endswith(ACCEPTED):
            shape = "ring"
        return mark(color_of(value, self._session.tree), shape)

    def _on_rows(self, *_changed: QItemSelection) -> None:
        ranges = self.view.selectionModel().selection()
        rows = [row for r in ranges for row in range(r.top(), r.bottom() + 1)]
        current = self.view.currentIndex()
        self._selecting = True
        try:
            self._session.select_many(
                self.table.items(rows),
                self.table.items([current.row()])[0] if current.isValid() else None,
            )
        finally:
            self._selecting = False

    def _mark_selected(self) -> None:
        rows = self.table.rows_of(self._session.roi_ids)
        roi_id = self._session.roi_id
        row = self.table.rows_of([] if roi_id is None else [roi_id])
        marked = QItemSelection()
        last = len(self.table.titles) - 1
        for run in np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1):
            if len(run):
                first = self.table.index(int(run[0]), 0)
                marked.select(first, self.table.index(int(run[-1]), last))
        current = self.table.index(int(row[0]), 0) if len(row) else QModelIndex()
        selection, flags = self.view.selectionModel(), QItemSelectionModel.SelectionFlag
        with QSignalBlocker(selection):
            selection.select(marked, flags.ClearAndSelect)
            selection.setCurrentIndex(current, flags.NoUpdate)
        if len(row):
            self.view.scrollTo(current)
        self.view.viewport().update()

    def _on_selected(self) -> None:
        if not self._selecting:
            self._mark_selected()
        self.traces.refresh()
        self.gallery.mark_selected()
        self._on_step()

    def _go_to_frame(self, frame: int) -> None:
        if self._viewer.dims.ndim > 2:
            self._viewer.dims.set_current_step(0, frame)
        else:
            self.plot.set_frame(frame)

    def _on_step(self, event: Any = None) -> None:
        if self._viewer.dims.ndim > 2:
            self.plot.set_frame(int(self._viewer.dims.current_step[0]))

    def _trace_is_seen(self) -> bool:
        return self._session.roi_id is not None and self.plot.isVisible()


def _title(name: str) -> str:
    """Return the heading of a column; empty where the table does not show it."""
    column = find_column(name)
    return "" if column is None else column.title


_LABEL = _title("label")
# What stands beside a name: fill for what was predicted, outline for the truth.
_SHAPES: dict[str, Shape] = {_title(n): "disc" for n in ("group", "predicted")}
_SHAPES[_LABEL] = "square"


def roi_frame(opened: OpenRecording, features: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of `layer_features` that are worth showing, by title."""
    frame = features.drop(columns="index").dropna(axis="columns", how="all")
    masks = RoiMasks.of(opened.recording.rois)
    if len(masks):
        frame = frame.assign(n_pixels=masks.n_pixels)
    titles = {name: _title(str(name)) for name in frame}
    if "subtype" in frame:
        # As in the legend, ⚠ marks types that are unproven on real cells.
        titles["predicted"] += " ⚠"
    shown = [name for name, title in titles.items() if title]
    return frame[shown].rename(columns=titles)
