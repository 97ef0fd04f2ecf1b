"""The filter of ROIs: words, and more behind a button; and how many are left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from napari_celltype.gui.forms import narrow
from napari_celltype.gui.roi_filter import NAMES_OF, RoiFilter

_TEXT_TIP = (
    "The number of a ROI, or part of its type, its label, or the reason why it is "
    "unsure; a text with | searches the prediction sets"
)
_NAME_TIP = (
    "Show only ROIs of this type. Criteria about predictions are not applied while "
    "predictions are hidden"
)
_CELLS = {"cells and others": None, "suite2p cells": True, "no suite2p cells": False}
_LABELS = {"labelled or not": None, "labelled": True, "not labelled": False}


class FilterBar(QWidget):
    """Edits a `RoiFilter`."""

    changed = Signal(object)  # the RoiFilter that the user wants

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._filter = RoiFilter()
        self._loading = False
        self.text = QLineEdit()
        self.text.setPlaceholderText("Filter: PV, unsure, 12 ...")
        self.text.setClearButtonEnabled(True)
        self.text.setMinimumWidth(90)
        self.text.setToolTip(_TEXT_TIP)
        self.more = QToolButton()
        self.more.setText("Filters ▾")
        self.more.setCheckable(True)
        self.more.setToolTip("Filter by type, probability, suite2p's iscell, label")
        self.name_of = _choice(
            {name: name for name in NAMES_OF}, "Predicted type, or label"
        )
        self.name = _choice({"any type": ""}, _NAME_TIP)
        self.least, self.most = _probability("p ≥ ", 0.0), _probability("p ≤ ", 1.0)
        self.cell = _choice(_CELLS, "")
        self.labelled = _choice(_LABELS, "Whether the ROI has a label")
        self.count = QLabel()
        self.show_all = QPushButton("Show all")
        self.show_all.setToolTip("Remove all filters")
        self._panel = QWidget()
        self._panel.hide()
        self._lay_out()
        self.text.textChanged.connect(self._on_change)
        for box in (self.name_of, self.name, self.cell, self.labelled):
            box.currentIndexChanged.connect(self._on_change)
        for spin in (self.least, self.most):
            spin.valueChanged.connect(self._on_change)
        self.more.toggled.connect(self._panel.setVisible)
        self.show_all.clicked.connect(lambda: self.changed.emit(RoiFilter()))
        self.show_count(0, 0, "")

    def show_filter(
        self, roi_filter: RoiFilter, names: Sequence[str], *, has_iscell: bool
    ) -> None:
        """Show a filter, with the names that there are to choose from."""
        self._filter, self._loading = roi_filter, True
        if self.text.text().strip() != roi_filter.text.strip():
            self.text.setText(roi_filter.text)
        chosen = [roi_filter.name] if roi_filter.name else []
        all_names = ["", *dict.fromkeys([*names, *chosen])]
        if [self.name.itemData(i) for i in range(self.name.count())] != all_names:
            self.name.clear()
            for name in all_names:
                self.name.addItem(name or "any type", name)
        for box, value in (
            (self.name_of, roi_filter.name_of),
            (self.name, roi_filter.name),
            (self.cell, roi_filter.cell),
            (self.labelled, roi_filter.labelled),
        ):
            box.setCurrentIndex(box.findData(value))
        self.least.setValue(roi_filter.least)
        self.most.setValue(roi_filter.most)
        self.cell.setEnabled(has_iscell)
        self.cell.setToolTip(
            "What suite2p's iscell says"
            if has_iscell
            else "There is no iscell.npy here"
        )
        self._loading = False

    def show_count(self, shown: int, total: int, words: str) -> None:
        """Say how many ROIs are left, and by which filter; no words, no filter."""
        self.count.setText(
            f"{shown} of {total} ROIs shown" if words else f"{total} ROIs"
        )
        self.count.setToolTip(f"Only: {words}" if words else "")
        self.show_all.setVisible(bool(words))

    def _lay_out(self) -> None:
        panel, layout = QGridLayout(self._panel), QGridLayout(self)
        for grid in (panel, layout):
            grid.setContentsMargins(0, 0, 0, 0)
            grid.setSpacing(2)
        for at, box in enumerate(
            (self.name_of, self.name, self.least, self.most, self.cell, self.labelled)
        ):
            panel.addWidget(box, at // 2, at % 2)
        layout.setColumnStretch(0, 1)
        layout.addWidget(self.text, 0, 0)
        layout.addWidget(self.more, 0, 1)
        layout.addWidget(self._panel, 1, 0, 1, 2)
        layout.addWidget(self.count, 2, 0)
        layout.addWidget(self.show_all, 2, 1)

    def _on_change(self) -> None:
        if self._loading:
            return
        least, most = self.least.value(), self.most.value()
        name_of = self.name_of.currentData()
        # A type that was predicted need not be one that was labelled.
        same = name_of == self._filter.name_of
        self.changed.emit(
            replace(
                self._filter,
                text=self.text.text(),
                name_of=name_of,
                name=self.name.currentData() or "" if same else "",
                least=min(least, most),
                most=max(least, most),
                cell=self.cell.currentData(),
                labelled=self.labelled.currentData(),
            )
        )


def _choice(entries: Mapping[str, Any], tip: str) -> QComboBox:
    box = narrow(QComboBox())
    for words, value in entries.items():
        box.addItem(words, value)
    box.setToolTip(tip)
    box.setMinimumContentsLength(2)
    box.setMinimumWidth(60)
    box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return box


def _probability(prefix: str, start: float) -> QDoubleSpinBox:
    spin = QDoubleSpinBox(prefix=prefix, minimum=0, maximum=1, singleStep=0.05)
    spin.setValue(start)
    spin.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
    spin.setMinimumWidth(40)
    spin.setToolTip("Least and largest probability of the predicted type")
    return spin
