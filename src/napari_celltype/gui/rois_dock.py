"""The dock "ROIs and traces": a table of ROIs and the trace of the selected one."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.utils.theme import get_theme
from napari.viewer import Viewer
from qtpy.QtCore import QModelIndex, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE, UNSURE_COLOR
from napari_celltype.errors import RecordingError
from napari_celltype.gui.label_buttons import LabelBanner
from napari_celltype.gui.label_keys import LabelKeys
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.placement import FirstPlace
from napari_celltype.gui.roi_table import RoiTable, table_columns
from napari_celltype.gui.scene import scene_of
from napari_celltype.gui.trace_plot import TracePlot

_HEIGHT = 230
_NOTHING_OPEN = "Open a suite2p folder in the Classify dock"
_NOTHING_SELECTED = "Click on a ROI, or on a row of the table"


class RoisDock(QWidget):
    """Table and trace plot of the active recording.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        scene = scene_of(napari_viewer)
        self._viewer = scene.viewer
        self._session = scene.session
        self.banner = LabelBanner(scene.session, scene.labelling)
        self.keys = LabelKeys(scene.labelling, lambda: True, self)
        self.table = RoiTable(self)
        self.view = QTableView()
        self.plot = TracePlot()
        self.filter = QLineEdit()
        self.cells_only = QCheckBox("suite2p cells only")
        self._count = QLabel()
        FirstPlace(self, Qt.DockWidgetArea.BottomDockWidgetArea, _HEIGHT)
        self._lay_out()
        self.filter.textChanged.connect(self._on_filter)
        self.cells_only.toggled.connect(self._on_filter)
        self.view.selectionModel().currentRowChanged.connect(self._on_row)
        self.table.layoutChanged.connect(self._mark_selected)
        self.plot.frame_asked.connect(self._go_to_frame)
        self.keys.watch(self.view)
        scene.labelling.sees_trace = self._trace_is_seen
        self.destroyed.connect(scene.labelling.see_no_trace)
        for signal, slot in (
            (self._session.activated, self._show_recording),
            (self._session.replaced, self._on_changed),
            (self._session.described, self._on_changed),
            (self._session.selected, self._show_roi),
        ):
            signal.connect(slot)
        self._viewer.events.theme.connect(self._on_theme)
        self._viewer.dims.events.current_step.connect(self._on_step)
        self._on_theme()
        self._show_recording()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the plot beside the table in a wide dock, below it in a tall one."""
        super().resizeEvent(event)
        wide = self.width() > self.height()
        self._splitter.setOrientation(
            Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical
        )

    def _lay_out(self) -> None:
        self.filter.setPlaceholderText("Filter: PV, unsure, 12 ...")
        self.filter.setClearButtonEnabled(True)
        self.filter.setMinimumWidth(110)
        bar = QHBoxLayout()
        bar.setContentsMargins(0, 0, 0, 0)
        bar.addWidget(self.filter, 1)
        bar.addWidget(self.cells_only)
        bar.addWidget(self._count)
        view = self.view
        view.setModel(self.table)
        view.setSortingEnabled(True)
        view.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        view.horizontalHeader().setResizeContentsPrecision(50)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(20)
        view.setShowGrid(False)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(bar)
        column.addWidget(view, 1)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.addWidget(left)
        self._splitter.addWidget(self.plot)
        self._splitter.setStretchFactor(0, 2)
        self._splitter.setStretchFactor(1, 3)
        self._splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        layout.addWidget(self.banner)
        layout.addWidget(self._splitter, 1)
        self.setMinimumHeight(150)

    def _show_recording(self) -> None:
        opened = self._session.active
        if opened is None:
            self.table.show(None)
            self.plot.clear_trace(_NOTHING_OPEN)
        else:
            features = self._session.features(opened)
            before = self.table.titles
            self.table.show(table_columns(opened, features))
            # Measuring 10,000 rows takes as long as all the rest.
            if self.table.titles != before:
                self.view.resizeColumnsToContents()
        self.cells_only.setVisible(
            opened is not None and opened.recording.iscell is not None
        )
        self._show_count()
        self._show_roi()

    def _on_changed(self, key: str) -> None:
        active = self._session.active
        if active is not None and active.key == key:
            self._show_recording()

    def _on_filter(self) -> None:
        self.table.set_filter(self.filter.text(), self.cells_only.isChecked())
        self._show_count()
        self._mark_selected()

    def _show_count(self) -> None:
        shown, total = self.table.rowCount(), self.table.n_all
        self._count.setText(
            f"{total} ROIs" if shown == total else f"{shown} of {total}"
        )

    def _on_row(self, current: QModelIndex, previous: QModelIndex) -> None:
        if current.isValid():
            self._session.select(self.table.roi_id(current.row()))

    def _mark_selected(self) -> None:
        roi_id = self._session.roi_id
        row = None if roi_id is None else self.table.row_of(roi_id)
        selection = self.view.selectionModel()
        blocked = selection.blockSignals(True)
        if row is None:
            self.view.clearSelection()
            self.view.setCurrentIndex(QModelIndex())
        else:
            self.view.selectRow(row)
            self.view.scrollTo(self.table.index(row, 0))
        selection.blockSignals(blocked)
        self.view.viewport().update()

    def _show_roi(self) -> None:
        self._mark_selected()
        opened, roi_id = self._session.active, self._session.roi_id
        if opened is None or roi_id is None:
            self.plot.clear_trace(
                _NOTHING_OPEN if opened is None else _NOTHING_SELECTED
            )
            return
        recording = opened.recording
        try:
            trace = recording.raw_traces[roi_id]
        except RecordingError as error:
            self.plot.clear_trace("This trace could not be read")
            self._session.tell(str(error))
            return
        title, color = _describe(opened, self._session.features(opened).iloc[roi_id])
        self.plot.show_trace(
            trace, recording.sampling_frequency, title=title, color=color
        )
        self._on_step()

    def _go_to_frame(self, frame: int) -> None:
        if self._viewer.dims.ndim > 2:
            self._viewer.dims.set_current_step(0, frame)
        else:
            self.plot.set_frame(frame)

    def _trace_is_seen(self) -> bool:
        return self._session.roi_id is not None and self.plot.isVisible()

    def _on_step(self, event: Any = None) -> None:
        if self._viewer.dims.ndim > 2:
            self.plot.set_frame(int(self._viewer.dims.current_step[0]))

    def _on_theme(self, event: Any = None) -> None:
        theme = get_theme(self._viewer.theme)
        self.plot.set_theme(
            theme.background.as_hex(), theme.text.as_hex(), theme.text.as_hex()
        )


def _describe(opened: OpenRecording, features: Any) -> tuple[str, str]:
    """Return the title and the colour of a ROI's trace."""
    title = f"ROI {features['roi_id']}"
    if opened.predictions is None or np.isnan(features["probability"]):
        why = features["warnings"]
        return f"{title}: {why}" if why else title, UNSURE_COLOR
    shares = {name: features[f"p_{name}"] for name in opened.predictions.classes}
    best = max(shares, key=lambda name: shares[name])
    # The legend has the whole sentence; the title has room for a word.
    doubt = ", unproven" if features["subtype"] else ""
    probability = f"{best} {shares[best]:.2f}{doubt}"
    if features["predicted"] == UNSURE:
        return f"{title}: unsure ({probability})", UNSURE_COLOR
    return f"{title}: {probability}", DEFAULT_TYPES.including([best])[best].color
