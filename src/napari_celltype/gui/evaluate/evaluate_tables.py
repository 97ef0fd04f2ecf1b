"""The tables of the Evaluate dock: one of a report, and the trainings of a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QGridLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.answers.shares import CA1_INTERNEURONS, CA1_SOURCE, prior_shares
from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.errors import LabelError
from napari_celltype.gui.table_model import TableModel
from napari_celltype.gui.widgets import Notice, Words
from napari_celltype.protocol.scores import Score, SplitRow
from napari_celltype.protocol.tables import Table, prevalence_table, shares_in_tests
from napari_celltype.protocol.words import SHORT_WAYS, way_title

_MOST_ROWS = 9
_ROW = 22
# Columns of the table of trainings, and what they mean.
_TRAININGS = {
    "classifier": "What was trained; “shuffled” is a control, on labels in random "
    "order",
    "split": "How training and test cells were divided, and the number of the split",
    "bal. acc.": "Balanced accuracy on the test cells of this split",
    "chance": "Balanced accuracy of guessing",
}


class _ReportTable(QWidget):
    """Shows a `Table` as high as it is, with its caption below."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.texts: list[list[str]] = []  # the cells that are shown
        self._model = TableModel(self)
        self.table = QTableView()
        self.table.setModel(self._model)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(_ROW)
        self.table.setWordWrap(False)
        self.caption = Words()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.table)
        layout.addWidget(self.caption)

    def show_table(self, table: Table | None) -> None:
        """Show a table; None shows nothing."""
        self.setVisible(table is not None)
        if table is None:
            return
        texts = table.texts
        self.texts = texts.to_numpy().tolist()
        self._model.show(texts, numeric=table.numeric)
        self.table.resizeColumnsToContents()
        height = self.table.horizontalHeader().sizeHint().height()
        bar = self.table.horizontalScrollBar().sizeHint().height()
        lines = min(len(texts), _MOST_ROWS)
        self.table.setFixedHeight(height + lines * _ROW + bar + 4)
        self.caption.setText(table.caption)


class SplitsTable(QTableView):
    """Shows finished trainings in a few lines that scroll, the last one first."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.rows: list[SplitRow] = []
        self.setModel(TableModel(self))
        self.clear()
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(20)
        self.setWordWrap(False)
        self.setSelectionMode(QTableView.SelectionMode.NoSelection)
        self.setToolTip("Every finished training, the last one first")
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        # Long names are cut, and whole in the tooltip; the others stay readable.
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        metrics = self.fontMetrics()
        widest = max(
            metrics.horizontalAdvance(f"{way} 10") for way in SHORT_WAYS.values()
        )
        header.resizeSection(1, widest + 8)
        self.setMinimumHeight(150)
        self.setMaximumHeight(190)

    def clear(self) -> None:
        """Forget all rows."""
        self.rows = []
        self._show()

    def add(self, rows: Iterable[SplitRow]) -> None:
        """Show more trainings; probes are left to the report, there are many."""
        new = [row for row in rows if row.role != "probe"]
        if new:
            self.rows[:0] = new[::-1]
            self._show()

    def _show(self) -> None:
        import pandas as pd

        shown = [
            (
                f"{'shuffled ' * (row.role == 'shuffled')}{row.bare_name}",
                f"{SHORT_WAYS[row.way]} {row.split + 1}",
                row.balanced_accuracy,
                row.chance,
            )
            for row in self.rows
        ]
        tips = [
            f"{row.name}, {way_title(row.way)}, split {row.split + 1}: balanced "
            f"accuracy {row.balanced_accuracy:.3f} (chance {row.chance:.2f}), "
            f"accuracy {row.accuracy:.3f}, {row.n_test} test examples, trained in "
            f"{row.seconds:.1f} s"
            for row in self.rows
        ]
        self.model().show(
            pd.DataFrame(shown, columns=list(_TRAININGS)),
            row_tips=tips,
            heading_tips=list(_TRAININGS.values()),
        )


_CA1 = (
    f"{100 * CA1_INTERNEURONS:g} % interneurons ({CA1_SOURCE}); their types are taken "
    "to be equally common among them, which nobody measured"
)


class PrevalenceShares(QWidget):
    """A box for the share of each type, and a table of precisions."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.boxes: dict[str, QDoubleSpinBox] = {}
        self._score: Score | None = None
        self._grid = QGridLayout()
        self._grid.setVerticalSpacing(2)
        self.as_tested = QPushButton("As tested")
        self.as_tested.setToolTip("The shares that the types have in these tests")
        self.ca1 = QPushButton("CA1 neurons")
        self.table = _ReportTable()
        self.notice = Notice()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(self._grid)
        layout.addWidget(self.notice)
        layout.addWidget(self.table)
        self.as_tested.clicked.connect(self._take_tested)
        self.ca1.clicked.connect(self._take_ca1)

    @property
    def shares(self) -> dict[str, float]:
        """The shares that are given, in percent."""
        return {name: box.value() for name, box in self.boxes.items()}

    def show_score(self, score: Score) -> None:
        """Show the precisions of another classifier; the shares stay as they are."""
        self._score = score
        if tuple(self.boxes) != tuple(score.per_class):
            self._make_boxes(tuple(score.per_class))
            self._set(shares_in_tests(score))
        self._show()

    def _make_boxes(self, names: tuple[str, ...]) -> None:
        while self._grid.count():
            widget = self._grid.takeAt(0).widget()
            if widget not in (self.as_tested, self.ca1):
                widget.deleteLater()
        self.boxes = {}
        for at, name in enumerate(names):
            box = QDoubleSpinBox()
            box.setRange(0, 100)
            box.setDecimals(1)
            box.setSuffix(" %")
            box.setToolTip(f"How common {name} cells are among all cells you classify")
            box.valueChanged.connect(self._show)
            self.boxes[name] = box
            self._grid.addWidget(QLabel(name), at // 2, at % 2 * 2)
            self._grid.addWidget(box, at // 2, at % 2 * 2 + 1)
        last = len(names) // 2 + 1
        self._grid.addWidget(self.as_tested, last, 0, 1, 2)
        self._grid.addWidget(self.ca1, last, 2, 1, 2)
        tree = DEFAULT_TYPES.including(names)
        both = {"PY", "IN"} <= {tree.group(name) for name in names}
        self.ca1.setEnabled(both)
        self.ca1.setToolTip(
            _CA1 if both else "Only where both PY and interneurons were tested"
        )

    def _take_tested(self) -> None:
        if self._score is not None:
            self._set(shares_in_tests(self._score))
            self._show()

    def _take_ca1(self) -> None:
        self._set(prior_shares({"IN": CA1_INTERNEURONS}, list(self.boxes)))
        self._show()

    def _set(self, shares: dict[str, float]) -> None:
        for name, box in self.boxes.items():
            blocked = box.blockSignals(True)
            box.setValue(100 * shares[name])
            box.blockSignals(blocked)

    def _show(self, *_: Any) -> None:
        if self._score is None:
            return
        self.notice.clear()
        try:
            self.table.show_table(prevalence_table(self._score, self.shares))
        except LabelError as error:
            self.table.show_table(None)
            self.notice.show_text(str(error))
