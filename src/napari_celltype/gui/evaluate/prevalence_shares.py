"""How common the types are in the user's tissue, and the precision that follows."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.errors import LabelError
from napari_celltype.gui.evaluate.evaluate_tables import ReportTable
from napari_celltype.gui.notice import Notice
from napari_celltype.protocol.scores import Score
from napari_celltype.protocol.tables import prevalence_table, shares_in_tests
from napari_celltype.workflows.prevalence import CA1_INTERNEURONS, CA1_SOURCE
from napari_celltype.workflows.shares import prior_shares

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
        self.table = ReportTable()
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
