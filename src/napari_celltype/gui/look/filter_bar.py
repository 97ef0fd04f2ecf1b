"""The filter of ROIs: words, and more behind a button; and how many are left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.gui.roi_filter import NAMES_OF, WORDS_OF, RoiFilter

_CELLS = (
    ("cells and others", None),
    ("suite2p cells", True),
    ("no suite2p cells", False),
)
_LABELS = (("labelled or not", None), ("labelled", True), ("not labelled", False))


class FilterBar(QWidget):
    """Edits a `RoiFilter`.

    Attributes
    ----------
    changed : Signal(object)
        The user wants this `RoiFilter`.
    text : QLineEdit
    """

    changed = Signal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._filter = RoiFilter()
        self._loading = False
        self.text = QLineEdit()
        self.more = QToolButton()
        self.name_of = QComboBox()
        self.name = QComboBox()
        self.least, self.most = QDoubleSpinBox(), QDoubleSpinBox()
        self.cell, self.labelled = QComboBox(), QComboBox()
        self.count = QLabel()
        self.show_all = QPushButton("Show all")
        self._panel = QWidget()
        self._fill()
        self._lay_out()
        self.text.textChanged.connect(self._on_change)
        for box in (self.name_of, self.name, self.cell, self.labelled):
            box.currentIndexChanged.connect(self._on_change)
        for spin in (self.least, self.most):
            spin.valueChanged.connect(self._on_change)
        self.more.toggled.connect(self._panel.setVisible)
        self.show_all.clicked.connect(lambda: self.changed.emit(RoiFilter()))
        self.show_count(0, 0, "")

    def show_filter(self, roi_filter: RoiFilter, names: Sequence[str]) -> None:
        """Show a filter, with the names that there are to choose from."""
        self._filter, self._loading = roi_filter, True
        if self.text.text().strip() != roi_filter.text.strip():
            self.text.setText(roi_filter.text)
        self.name_of.setCurrentIndex(NAMES_OF.index(roi_filter.name_of))
        chosen = [roi_filter.name] if roi_filter.name else []
        all_names = ["", *dict.fromkeys([*names, *chosen])]
        if [self.name.itemData(i) for i in range(self.name.count())] != all_names:
            self.name.clear()
            for name in all_names:
                self.name.addItem(name or "any type", name)
        self.name.setCurrentIndex(all_names.index(roi_filter.name))
        self.least.setValue(roi_filter.least)
        self.most.setValue(roi_filter.most)
        self.cell.setCurrentIndex(self.cell.findData(roi_filter.cell))
        self.labelled.setCurrentIndex(self.labelled.findData(roi_filter.labelled))
        self._loading = False

    def show_count(self, shown: int, total: int, words: str) -> None:
        """Say how many ROIs are left, and by what.

        Parameters
        ----------
        shown, total : int
        words : str
            What has to hold; empty where nothing is filtered.
        """
        self.count.setText(
            f"{shown} of {total} ROIs shown" if words else f"{total} ROIs"
        )
        self.count.setToolTip(f"Only: {words}" if words else "")
        self.show_all.setVisible(bool(words))

    def allow_cells(self, known: bool) -> None:
        """Let the user choose by suite2p's iscell, or say why not."""
        self.cell.setEnabled(known)
        self.cell.setToolTip(
            "What suite2p's iscell says" if known else "There is no iscell.npy here"
        )

    def _fill(self) -> None:
        self.text.setPlaceholderText("Filter: PV, unsure, 12 ...")
        self.text.setClearButtonEnabled(True)
        self.text.setMinimumWidth(90)
        self.text.setToolTip(
            "The number of a ROI, or part of its type, label, or reason to be unsure; "
            "a text with | looks for prediction sets"
        )
        self.more.setText("Filters ▾")
        self.more.setCheckable(True)
        self.more.setToolTip("Filter by type, probability, suite2p's iscell, label")
        for name in NAMES_OF:
            self.name_of.addItem(WORDS_OF[name], name)
        self.name_of.setToolTip("What the type beside it is about")
        self.name.addItem("any type", "")
        self.name.setToolTip(
            "Show only ROIs of this type. What is about predictions is set aside while "
            "they are hidden"
        )
        for spin, start in ((self.least, 0.0), (self.most, 1.0)):
            spin.setRange(0, 1)
            spin.setSingleStep(0.05)
            spin.setValue(start)
            spin.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
            spin.setMinimumWidth(40)
            spin.setToolTip("Least and largest probability of the predicted type")
        for box, choices in ((self.cell, _CELLS), (self.labelled, _LABELS)):
            for words, value in choices:
                box.addItem(words, value)
        self.labelled.setToolTip("Whether the ROI has a label")
        self.show_all.setToolTip("Take every filter away")
        for box in (self.name_of, self.name, self.cell, self.labelled):
            box.setMinimumContentsLength(2)
            box.setMinimumWidth(60)
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )

    def _lay_out(self) -> None:
        first = QHBoxLayout()
        first.addWidget(self.text, 1)
        first.addWidget(self.more)
        second = QHBoxLayout()
        second.addWidget(self.count, 1)
        second.addWidget(self.show_all)
        grid = QGridLayout(self._panel)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        grid.addWidget(self.name_of, 0, 0)
        grid.addWidget(self.name, 0, 1)
        between = QHBoxLayout()
        between.addWidget(QLabel("Probability"))
        between.addWidget(self.least, 1)
        between.addWidget(QLabel("to"))
        between.addWidget(self.most, 1)
        grid.addLayout(between, 1, 0, 1, 2)
        grid.addWidget(self.cell, 2, 0)
        grid.addWidget(self.labelled, 2, 1)
        self._panel.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for row in (first, second):
            row.setContentsMargins(0, 0, 0, 0)
            layout.addLayout(row)
        layout.insertWidget(1, self._panel)

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
