"""The ROIs as a Qt table that sorts and filters 10,000 rows at once, with numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtGui import QColor

from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE, UNSURE_COLOR
from napari_celltype.gui.opened import OpenRecording

if TYPE_CHECKING:
    import pandas as pd

_TITLES = {
    "roi_id": "ROI",
    "group": "Group",
    "p_IN": "p_IN",
    "predicted": "Type",
    "best_guess": "Best guess",
    "probability": "Probability",
    "prediction_set": "Prediction set",
    "stability": "Stability",
    "why_unsure": "Why unsure",
    "label": "Label",
    "iscell": "suite2p cell",
    "n_pixels": "Pixels",
}
_COLORS = {t.name: t.color for t in DEFAULT_TYPES.types} | {UNSURE: UNSURE_COLOR}

Columns = Mapping[str, NDArray[Any]]


def table_columns(opened: OpenRecording, features: pd.DataFrame) -> Columns:
    """Return the columns that are worth showing, by title.

    As in the legend, ⚠ marks types that are unproven on real cells.

    Parameters
    ----------
    opened : OpenRecording
    features : pandas.DataFrame
        See `roi_features`.
    """
    features = features.drop(columns="index").dropna(axis="columns", how="all")
    order = [name for name in _TITLES if name in features]
    order += [
        name
        for name in map(str, features)
        if name.startswith("p_") and name not in order
    ]
    columns: dict[str, NDArray[Any]] = {}
    for name in order:
        column = features[name]
        if column.dtype == object:
            column = column.fillna("")
        title = _TITLES.get(name, name)
        if name in ("predicted", "best_guess") and "subtype" in features:
            title = f"{title} ⚠"
        columns[title] = column.to_numpy()
    sizes = [roi.ypix.size for roi in opened.recording.rois]
    if sizes:
        columns[_TITLES["n_pixels"]] = np.array(sizes)
    return columns


class RoiTable(QAbstractTableModel):
    """One row per ROI that passes the filter, in the order that was asked for."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._rows: NDArray[np.intp] = np.empty(0, dtype=np.intp)
        self._text = ""
        self._cells_only = False
        self._order: tuple[str, Qt.SortOrder] | None = None
        self.show(None)

    def show(self, columns: Columns | None) -> None:
        """Show other columns, filtered and sorted as before; None shows no ROI."""
        self.beginResetModel()
        self._columns = columns or {_TITLES["roi_id"]: np.empty(0, dtype=int)}
        self._arrange()
        self.endResetModel()

    def set_filter(self, text: str, cells_only: bool) -> None:
        """Show only ROIs whose number is `text`, or that have it in one of their words.

        Parameters
        ----------
        text : str
            Compared without case; empty shows all. Prediction sets are looked at only
            for a text with ``|``, since nearly every one of them names, say, PV.
        cells_only : bool
            Only what suite2p calls a cell.
        """
        self.beginResetModel()
        self._text, self._cells_only = text.strip().casefold(), cells_only
        self._arrange()
        self.endResetModel()

    def row_of(self, roi_id: int) -> int | None:
        """Return the row of a ROI, None where the filter hides it."""
        found = np.flatnonzero(self._ids[self._rows] == roi_id)
        return int(found[0]) if found.size else None

    def roi_id(self, row: int) -> int:
        """Return the ROI of a row."""
        return int(self._ids[self._rows[row]])

    @property
    def titles(self) -> tuple[str, ...]:
        """Titles of the columns."""
        return tuple(self._columns)

    @property
    def n_all(self) -> int:
        """Number of ROIs without the filter."""
        return len(self._ids)

    @property
    def _ids(self) -> NDArray[Any]:
        return self._columns[_TITLES["roi_id"]]

    def _arrange(self) -> None:
        keep = np.ones(self.n_all, dtype=bool)
        cells = self._columns.get(_TITLES["iscell"])
        if self._cells_only and cells is not None:
            keep &= cells
        if self._text.isdecimal():
            keep &= self._ids == int(self._text)
        elif self._text:
            found = np.zeros(self.n_all, dtype=bool)
            for title, column in self._columns.items():
                is_set = title == _TITLES["prediction_set"]
                if column.dtype == object and ("|" in self._text or not is_set):
                    found |= [self._text in str(v).casefold() for v in column]
            keep &= found
        self._rows = np.flatnonzero(keep)
        if self._order is not None and self._order[0] in self._columns:
            title, direction = self._order
            column = self._columns[title][self._rows]
            values = column.astype(str) if column.dtype == object else column
            rank = np.unique(values, return_inverse=True)[1]
            if direction == Qt.SortOrder.DescendingOrder:
                rank = -rank
            # What has no number comes last either way.
            blank = values != values
            self._rows = self._rows[np.lexsort((rank, blank))]

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: D102
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: D102
        return 0 if parent is not None and parent.isValid() else len(self._columns)

    def data(  # noqa: D102
        self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        value = list(self._columns.values())[index.column()][self._rows[index.row()]]
        if role == Qt.ItemDataRole.DisplayRole:
            return _text_of(value)
        if role == Qt.ItemDataRole.TextAlignmentRole and not isinstance(value, str):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.DecorationRole and isinstance(value, str):
            return QColor(_COLORS[value]) if value in _COLORS else None
        return None

    def headerData(  # noqa: D102
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        horizontal = orientation == Qt.Orientation.Horizontal
        if horizontal and role == Qt.ItemDataRole.DisplayRole:
            return list(self._columns)[section]
        return None

    def sort(  # noqa: D102
        self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder
    ) -> None:
        titles = list(self._columns)
        self.layoutAboutToBeChanged.emit()
        self._order = (titles[column], order) if 0 <= column < len(titles) else None
        self._arrange()
        self.layoutChanged.emit()


def _text_of(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else ""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:.2f}"
    return str(value)
