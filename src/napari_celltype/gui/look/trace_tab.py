"""The tab "Trace": traces of the selected ROIs, and what is known about the last."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QResizeEvent, QShowEvent
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.answers.transients import largest_transients
from napari_celltype.celltypes import UNSURE
from napari_celltype.errors import RecordingError
from napari_celltype.gui.look.roi_card import RoiCard
from napari_celltype.gui.look.trace_plot import ShownTrace, TracePlot
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.palette import color_of
from napari_celltype.gui.session import Session
from napari_celltype.gui.widgets import Column

MOST_STACKED = 20
NOTHING_OPEN = "Open a suite2p folder in the Classify dock"
NOTHING_SELECTED = "Click on a ROI, or on a row of the table"
_BEFORE, _AFTER = 5.0, 15.0  # s around the largest transient
_KINDS = ("raw F", "neuropil", "both")
_KIND_TIP = "suite2p's F, its neuropil Fneu, or both (Fneu in grey on the same scale)"


class TraceTab(QWidget):
    """Plot and card of the selected ROIs.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session, parent: Any = None) -> None:
        super().__init__(parent)
        self._session = session
        self._outdated = True
        self._main: ShownTrace | None = None
        self.plot = TracePlot()
        self.card = RoiCard()
        self.kind = QComboBox()
        self.transient = QPushButton("Transient (T)")
        self._title = QLabel()
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._lay_out()
        self.kind.currentIndexChanged.connect(self.refresh)
        self.transient.toggled.connect(self._zoom)

    @property
    def title(self) -> str:
        """What stands above the plot."""
        return str(self._title.text())

    def refresh(self) -> None:
        """Show the selected ROIs anew, once they can be seen."""
        if not self.isVisible():
            self._outdated = True
            return
        self._outdated = False
        self._show_traces()
        self._show_card()

    def zoom_to_largest_transient(self) -> None:
        """Zoom to the largest transient; the next time show the whole trace."""
        self.transient.toggle()

    def set_theme(self, background: str, text: str) -> None:
        """Take over the colours of the window."""
        self.plot.set_theme(background, text)

    def showEvent(self, event: QShowEvent) -> None:
        """Show what was selected meanwhile."""
        super().showEvent(event)
        if self._outdated:
            self.refresh()

    def _lay_out(self) -> None:
        for kind in _KINDS:
            self.kind.addItem(kind)
        self.kind.setToolTip(_KIND_TIP)
        self.transient.setCheckable(True)
        self.transient.setToolTip(
            "Zoom to the largest transient of each ROI that is selected; press again "
            "for the whole trace"
        )
        bar = QHBoxLayout()
        bar.setContentsMargins(0, 0, 0, 0)
        for widget in (self.kind, self.transient):
            bar.addWidget(widget)
        bar.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(bar)
        layout.addWidget(self._title)
        layout.addWidget(Beside(self.plot, Column(self.card), (5, 3)), 1)
        self.plot.setMinimumHeight(80)

    def _show_traces(self) -> None:
        opened, roi_id = self._session.active, self._session.roi_id
        self._main = None
        has_neuropil = opened is not None and opened.recording.neuropil is not None
        self.kind.setEnabled(has_neuropil)
        self.kind.setToolTip(_KIND_TIP if has_neuropil else "There is no Fneu.npy here")
        if opened is None or roi_id is None:
            self._show_no_trace(NOTHING_OPEN if opened is None else NOTHING_SELECTED)
            return
        # The one that was selected last comes first and is never left out.
        others = [i for i in self._session.roi_ids if i != roi_id]
        chosen = [roi_id, *others][:MOST_STACKED]
        recording = opened.recording
        kind = self.kind.currentText() if has_neuropil else "raw F"
        try:
            raw = recording.raw_traces[chosen] if kind != "neuropil" else None
            around = (
                recording.neuropil[chosen]
                if recording.neuropil is not None and kind != "raw F"
                else None
            )
        except RecordingError as error:
            self._show_no_trace("This trace could not be read")
            self._session.tell(str(error))
            return
        shown = []
        for row, number in enumerate(chosen):
            _, name, color = describe_roi(self._session, opened, number)
            main = raw if raw is not None else around
            assert main is not None
            behind = around[row] if raw is not None and around is not None else None
            shown.append(
                ShownTrace(f"{number} {name}".strip(), color, main[row], behind)
            )
        title, _, _ = describe_roi(self._session, opened, roi_id)
        if others:
            n_all, n = len(others) + 1, len(chosen)
            title += f"; {n} of {n_all} ROIs drawn" if n < n_all else f"; {n} ROIs"
        self._show_title(title)
        self.plot.show_traces(
            shown,
            recording.sampling_frequency,
            recording.segments,
            unit={"both": "F, Fneu", "neuropil": "Fneu"}.get(kind, "raw F"),
        )
        self._main = shown[0]
        if self.transient.isChecked():
            self._zoom(True)

    def _show_no_trace(self, why: str) -> None:
        self._show_title(why)
        self.plot.show_none()

    def _show_title(self, text: str) -> None:
        self._title.setText(text)
        # A narrow window cuts it.
        self._title.setToolTip(text)

    def _zoom(self, close: bool) -> None:
        opened = self._session.active
        if opened is None or self._main is None:
            return
        recording = opened.recording
        frequency = recording.sampling_frequency
        peaks = largest_transients(self._main.main, frequency, recording.segments)
        if close and len(peaks):
            second = frequency or 10.0
            peak = int(peaks[0])
            self.plot.show_frames(peak - _BEFORE * second, peak + _AFTER * second)
        else:
            self.plot.show_whole()

    def _show_card(self) -> None:
        opened, roi_id = self._session.active, self._session.roi_id
        if opened is None or roi_id is None:
            self.card.clear()
        else:
            self.card.show_roi(self._session, opened, roi_id)


def describe_roi(
    session: Session, opened: OpenRecording, roi_id: int
) -> tuple[str, str, str]:
    """Return the title, the name and the colour of a ROI's trace."""
    row = session.features(opened).iloc[roi_id]
    title = f"ROI {roi_id}"
    predictions = session.predictions(opened)
    if predictions is None or np.isnan(row["probability"]):
        label = row["label"] or ""
        why = row["warnings"]
        color = color_of(label, session.tree)
        return f"{title}: {why}" if why else title, label, color
    tree = session.tree.including(predictions.classes)
    name, probability = row["predicted"], row["probability"]
    if name == UNSURE:
        return f"{title}: hidden, {probability:.2f}", "", color_of("", tree)
    # The legend has the whole sentence; the title has room for a word.
    doubt = ", unproven" if row["subtype"] else ""
    said = f"{name} {probability:.2f}{doubt}"
    return f"{title}: {said}", name, color_of(name, tree)


class Beside(QSplitter):
    """A splitter that turns with its own shape.

    Parameters
    ----------
    first, second : QWidget
    shares : pair of int
        How room is divided at first, and when there is more of it.
    """

    def __init__(
        self,
        first: QWidget,
        second: QWidget,
        shares: tuple[int, int],
        parent: Any = None,
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        for number, widget in enumerate((first, second)):
            self.addWidget(widget)
            self.setStretchFactor(number, shares[number])
        self.setSizes([share * 100 for share in shares])
        self.setChildrenCollapsible(False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Turn to the longer side."""
        super().resizeEvent(event)
        wide = self.width() > self.height()
        self.setOrientation(
            Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical
        )
