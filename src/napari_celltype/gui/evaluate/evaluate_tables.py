"""The tables of the Evaluate dock: trainings, a confusion matrix, and precisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QGridLayout,
    QHeaderView,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_celltype.answers.shares import CA1_INTERNEURONS, CA1_SOURCE
from napari_celltype.celltypes import DEFAULT_TYPES, prior_shares
from napari_celltype.errors import LabelError
from napari_celltype.gui.widgets import PercentBox, Words, fill_grid, switch
from napari_celltype.protocol.evaluation import Confusion
from napari_celltype.protocol.learning import LearningCurve
from napari_celltype.protocol.scores import Score, SplitRow
from napari_celltype.protocol.tables import prevalence_table, shares_in_tests
from napari_celltype.protocol.words import SHORT_WAYS, more_data, way_title

_CENTER = Qt.AlignmentFlag.AlignCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class _Table(QTableWidget):
    """A table as wide as the dock and as high as its rows, to be read only."""

    def __init__(self, tip: str, columns: Sequence[str] = ()) -> None:
        super().__init__(0, len(columns))
        self.setToolTip(tip)
        self.setHorizontalHeaderLabels(columns)
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.setSizeAdjustPolicy(QTableWidget.SizeAdjustPolicy.AdjustToContents)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_cell(
        self, row: int, column: int, text: str, tip: str = "", align: Any = _RIGHT
    ) -> QTableWidgetItem:
        """Show another text in a cell."""
        item = QTableWidgetItem(text)
        item.setToolTip(tip)
        item.setTextAlignment(align)
        self.setItem(row, column, item)
        return item


class SplitsTable(_Table):
    """Finished trainings in a few lines that scroll, the last one first."""

    def __init__(self) -> None:
        super().__init__(
            "Every finished training, the last one first",
            ["classifier", "split", "bal. acc.", "chance"],
        )
        tips = (
            "What was trained; “shuffled” is a control, on labels in random order",
            "How training and test cells were divided, and the number of the split",
            "Balanced accuracy on the test cells of this split",
            "Balanced accuracy of guessing",
        )
        for column, tip in enumerate(tips):
            self.horizontalHeaderItem(column).setToolTip(tip)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        # Long names are cut, and whole in the tooltip; the others stay readable.
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setFixedHeight(170)

    def add(self, rows: Iterable[SplitRow]) -> None:
        """Show more trainings; probes are left to the report, there are many."""
        for row in rows:
            if row.role == "probe":
                continue
            shuffled = "shuffled " * (row.role == "shuffled")
            way = f"{way_title(row.way)}, split {row.split + 1}"
            tip = (
                f"{row.name}, {way}: balanced accuracy {row.balanced_accuracy:.3f} "
                f"(chance {row.chance:.2f}), accuracy {row.accuracy:.3f}, {row.n_test} "
                f"test examples, trained in {row.seconds:.1f} s"
            )
            self.insertRow(0)
            self.show_cell(0, 0, f"{shuffled}{row.bare_name}", tip, _LEFT)
            self.show_cell(0, 1, f"{SHORT_WAYS[row.way]} {row.split + 1}", tip, _LEFT)
            self.show_cell(0, 2, f"{row.balanced_accuracy:.2f}", tip)
            self.show_cell(0, 3, f"{row.chance:.2f}", tip)


# Of Okabe and Ito; as strong as the share is large, on the colour of either theme.
_SHARE = QColor("#0072B2")


class ConfusionTable(_Table):
    """Truth by answer: share and count of each; right answers are bold."""

    def __init__(self) -> None:
        super().__init__("Rows: true type. Columns: named type.")
        self.verticalHeader().show()
        self.verticalHeader().setDefaultSectionSize(38)

    def show_confusion(self, found: Confusion) -> None:
        """Show another matrix."""
        n = len(found.classes)
        self.setRowCount(n)
        self.setColumnCount(n)
        self.setVerticalHeaderLabels([f"true {name}" for name in found.classes])
        self.setHorizontalHeaderLabels([f"named\n{name}" for name in found.classes])
        for (row, column), share in np.ndenumerate(found.normalised):
            count = found.counts[row, column]
            item = self.show_cell(
                row,
                column,
                f"{share:.2f}\n{count}" if np.isfinite(share) else "–",
                f"{count} of {found.counts[row].sum()} answers for "
                f"{found.classes[row]} named {found.classes[column]}.",
                _CENTER,
            )
            color = QColor(_SHARE)
            color.setAlphaF(float(np.nan_to_num(share)))
            item.setBackground(color)
            font = item.font()
            font.setBold(row == column)
            item.setFont(font)


_CA1 = (
    f"{100 * CA1_INTERNEURONS:g} % interneurons ({CA1_SOURCE}); their types are taken "
    "to be equally common among them, which nobody measured"
)


class PrevalenceTable(QWidget):
    """How common each type is in the reader's tissue, and how precise it is there."""

    def __init__(self) -> None:
        super().__init__()
        self.boxes: dict[str, QDoubleSpinBox] = {}
        self._score: Score | None = None
        self._curves: Sequence[LearningCurve] = ()
        self.table = _Table(
            "Precision: of the cells that would be called so, the share that is so",
            ["type", "your\nshare", "precision", "by\nchance", "called\nso"],
        )
        self.caption = Words()
        self.as_tested = QPushButton(
            "As tested",
            toolTip="The shares that the types have in these tests",
            clicked=self._take_tested,
        )
        self.ca1 = QPushButton("CA1 neurons", toolTip=_CA1, clicked=self._take_ca1)
        rows = (self.table, (self.as_tested, self.ca1), self.caption)
        fill_grid(QGridLayout(self), *rows)

    def show_score(self, score: Score, curves: Sequence[LearningCurve] = ()) -> None:
        """Show the precisions of another classifier; the shares stay as they are."""
        self._score, self._curves = score, curves
        if list(self.boxes) != list(score.per_class):
            self._make_boxes(list(score.per_class))
            self._take_tested()
        self._show()

    def _make_boxes(self, names: Sequence[str]) -> None:
        self.boxes = {}
        self.table.setRowCount(len(names))
        for row, name in enumerate(names):
            box = self.boxes[name] = PercentBox(
                # Five columns stand beside one another in a narrow dock.
                styleSheet="min-width: 44px; padding: 1px 4px;",
                toolTip=f"How common {name} cells are among all cells you classify",
                valueChanged=self._show,
            )
            self.table.setCellWidget(row, 1, box)
        tree = DEFAULT_TYPES.including(names)
        both = {"PY", "IN"} <= {tree.group(name) for name in names}
        why_not = "Only where both PY and interneurons were tested"
        switch(self.ca1, _CA1, "" if both else why_not)

    def _take_tested(self) -> None:
        if self._score is not None:
            self._set(shares_in_tests(self._score))

    def _take_ca1(self) -> None:
        self._set(prior_shares({"IN": CA1_INTERNEURONS}, list(self.boxes)))

    def _set(self, shares: dict[str, float]) -> None:
        for name, box in self.boxes.items():
            with QSignalBlocker(box):
                box.setValue(100 * shares[name])
        self._show()

    def _show(self, *_: Any) -> None:
        if self._score is None:
            return
        shares = {name: box.value() for name, box in self.boxes.items()}
        try:
            found = prevalence_table(self._score, shares)
            rows = found.texts.to_numpy().tolist()
            total = sum(shares.values())
            scaled = {name: share / total for name, share in shares.items()}
            more = more_data(
                [replace(c, shares=scaled) for c in self._curves if c.shares]
            )
            caption = "\n".join([found.caption, *more])
        except LabelError as error:
            caption, rows = str(error), [[name, "–", "–", "–"] for name in shares]
        self.caption.setText(caption)
        for row, texts in enumerate(rows):
            for column, text in zip((0, 2, 3, 4), texts, strict=True):
                self.table.show_cell(row, column, text)
