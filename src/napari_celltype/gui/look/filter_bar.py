"""The filter of ROIs: words, and more behind a button; and how many are left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from qtpy import QtWidgets
from qtpy.QtCore import QSignalBlocker, Signal

from napari_celltype.gui.forms import narrow
from napari_celltype.gui.roi_filter import NAMES_OF, RoiFilter
from napari_celltype.gui.widgets import fill_grid, switch

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


class FilterBar(QtWidgets.QWidget):
    """Edits a `RoiFilter`."""

    changed = Signal(object)  # the RoiFilter that the user wants

    def __init__(self) -> None:
        super().__init__()
        self._filter = RoiFilter()
        self.text = QtWidgets.QLineEdit(
            placeholderText="Filter: PV, unsure, 12 ...",
            clearButtonEnabled=True,
            minimumWidth=90,
            toolTip=_TEXT_TIP,
            textChanged=self._on_change,
        )
        self._panel = QtWidgets.QWidget(visible=False)
        self.more = QtWidgets.QToolButton(
            text="Filters ▾",
            checkable=True,
            toolTip="Filter by type, probability, suite2p's iscell, label",
            toggled=self._panel.setVisible,
        )
        names: dict[str, Any] = {name: name for name in NAMES_OF}
        self.name_of = _choice(names, "Predicted type, or label")
        self.name = _choice({"any type": ""}, _NAME_TIP)
        self.least, self.most = _probability("p ≥ ", 0.0), _probability("p ≤ ", 1.0)
        self.cell = _choice(_CELLS, "")
        self.labelled = _choice(_LABELS, "Whether the ROI has a label")
        self.count = QtWidgets.QLabel()
        self.show_all = QtWidgets.QPushButton(
            "Show all",
            toolTip="Remove all filters",
            clicked=lambda: self.changed.emit(RoiFilter()),
        )
        fill_grid(
            QtWidgets.QGridLayout(self._panel),
            *((self.name_of, self.name), (self.least, self.most)),
            (self.cell, self.labelled),
            spacing=2,
        )
        rows = ((self.text, self.more), self._panel, (self.count, self.show_all))
        fill_grid(QtWidgets.QGridLayout(self), *rows, spacing=2).setColumnStretch(0, 1)
        for box in (self.name_of, self.name, self.cell, self.labelled):
            box.currentIndexChanged.connect(self._on_change)
        for spin in (self.least, self.most):
            spin.valueChanged.connect(self._on_change)
        self.show_count(0, 0, "")

    def show_filter(
        self, roi_filter: RoiFilter, names: Sequence[str], *, has_iscell: bool
    ) -> None:
        """Show a filter, with the names that there are to choose from."""
        self._filter = roi_filter
        with QSignalBlocker(self):
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
        why_not = "" if has_iscell else "There is no iscell.npy here"
        switch(self.cell, "What suite2p's iscell says", why_not)

    def show_count(self, shown: int, total: int, words: str) -> None:
        """Say how many ROIs are left, and by which filter; no words, no filter."""
        self.count.setText(
            f"{shown} of {total} ROIs shown" if words else f"{total} ROIs"
        )
        self.count.setToolTip(f"Only: {words}" if words else "")
        self.show_all.setVisible(bool(words))

    def _on_change(self) -> None:
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


def _choice(entries: Mapping[str, Any], tip: str) -> QtWidgets.QComboBox:
    box = narrow(QtWidgets.QComboBox(toolTip=tip, minimumWidth=60))
    for words, value in entries.items():
        box.addItem(words, value)
    box.setMinimumContentsLength(2)
    box.setSizePolicy(
        QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Fixed
    )
    return box


def _probability(prefix: str, start: float) -> QtWidgets.QDoubleSpinBox:
    return QtWidgets.QDoubleSpinBox(
        prefix=prefix,
        maximum=1,
        singleStep=0.05,
        value=start,
        buttonSymbols=QtWidgets.QDoubleSpinBox.ButtonSymbols.NoButtons,
        minimumWidth=40,
        toolTip="Least and largest probability of the predicted type",
    )
