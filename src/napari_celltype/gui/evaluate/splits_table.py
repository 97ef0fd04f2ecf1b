"""The trainings of a run in a table that grows while they finish."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtWidgets import QHeaderView, QTableView

from napari_celltype.protocol.split_rows import SplitRow
from napari_celltype.protocol.words import WAYS, in_words

_TITLES = ("classifier", "split", "bal. acc.", "chance")
_TIPS = (
    "What was trained; “shuffled” is a control, on labels in random order",
    "How training and test cells were divided, and the number of the split",
    "Balanced accuracy on the test cells of this split",
    "Balanced accuracy of guessing",
)


class SplitsModel(QAbstractTableModel):
    """One row per finished training; the last one first."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.rows: list[SplitRow] = []

    def clear(self) -> None:
        """Forget all rows."""
        self.beginResetModel()
        self.rows = []
        self.endResetModel()

    def add(self, rows: Iterable[SplitRow]) -> None:
        """Show more trainings; probes are left to the report, there are many."""
        new = [row for row in rows if row.role != "probe"]
        if new:
            self.beginInsertRows(QModelIndex(), 0, len(new) - 1)
            self.rows[:0] = new[::-1]
            self.endInsertRows()

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: D102
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: D102
        return 0 if parent is not None and parent.isValid() else len(_TITLES)

    def data(  # noqa: D102
        self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            name = row.name.removesuffix(", shuffled labels")
            return (
                name if row.role == "classifier" else f"shuffled {name}",
                f"{_way(row.way)} {row.split + 1}",
                f"{row.balanced_accuracy:.2f}",
                f"{row.chance:.2f}",
            )[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return (
                f"{row.name}, {in_words(row.way)}, split {row.split + 1}: balanced "
                f"accuracy {row.balanced_accuracy:.3f} (chance {row.chance:.2f}), "
                f"accuracy {row.accuracy:.3f}, {row.n_test} test examples, trained in "
                f"{row.seconds:.1f} s"
            )
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() > 1:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(  # noqa: D102
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[section]
        return _TIPS[section] if role == Qt.ItemDataRole.ToolTipRole else None


class SplitsTable(QTableView):
    """Shows a `SplitsModel` in a few lines that scroll."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.splits = SplitsModel(self)
        self.setModel(self.splits)
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
        widest = max(metrics.horizontalAdvance(f"{_way(way)} 10") for way in WAYS)
        header.resizeSection(1, widest + 8)
        self.setMinimumHeight(150)
        self.setMaximumHeight(190)


def _way(way: str) -> str:
    """Return a way of splitting in the fewest words."""
    words = in_words(way).removeprefix("the ")
    return words.removesuffix(" way").removesuffix(" splits")
