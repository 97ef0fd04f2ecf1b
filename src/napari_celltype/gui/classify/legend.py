"""What the colours mean, and how many ROIs have each: groups first, then types."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from napari_celltype.celltypes import (
    DEFAULT_TYPES,
    UNSURE,
    UNSURE_COLOR,
    TypeTree,
)
from napari_celltype.gui.counts import UNPROVEN, Counts


class Legend(QWidget):
    """Counts of the active recording, and the toggle between types and groups.

    Attributes
    ----------
    by_group : Signal(bool)
        The user wants ROIs coloured by group, or by type.
    """

    by_group = Signal(bool)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._tree = DEFAULT_TYPES
        self.toggle = QCheckBox("Colour by group")
        self.toggle.setToolTip("Colour ROIs as pyramidal cells or interneurons only")
        self.toggle.toggled.connect(self.by_group)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(1)
        self._grid.setColumnStretch(1, 1)
        self._grid.setColumnStretch(3, 1)
        self._note = QLabel()
        self._note.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(self._grid)
        layout.addWidget(self._note)
        layout.addWidget(self.toggle)

    def show_no_counts(self, n_rois: int, *, hidden: bool) -> None:
        """Show how many ROIs there are, where no more is known or may be seen."""
        self._clear()
        why = "predictions hidden (H)" if hidden else "not classified yet"
        self._line(0, 0, "◯", UNSURE_COLOR, f"{n_rois} ROIs, {why}")
        self._note.clear()
        self._note.hide()
        self.toggle.setEnabled(False)

    def show_counts(
        self,
        counts: Counts,
        tree: TypeTree,
        *,
        colored_by: str,
        unproven: Collection[str],
        notes: Sequence[str],
    ) -> None:
        """Show what a model said.

        Parameters
        ----------
        counts : Counts
        tree : TypeTree
            Names and colours; a class of a model that it lacks is added.
        colored_by : {"type", "group"}
        unproven : collection of str
            Types that the model was not shown to tell apart on real cells.
        notes : sequence of str
            Sentences below the counts.
        """
        self._tree = tree.including(name for name in counts.types if name != UNSURE)
        self._clear()
        blocked = self.toggle.blockSignals(True)
        self.toggle.setChecked(colored_by == "group")
        self.toggle.blockSignals(blocked)
        self.toggle.setEnabled(True)
        groups = [
            (n, counts.groups.get(n, 0)) for n in self._tree.in_order(counts.groups)
        ]
        types = [(n, counts.types.get(n, 0)) for n in self._tree.in_order(counts.types)]
        for row, (name, count) in enumerate(groups):
            title = name if name == UNSURE else self._tree[name].description
            self._line(row, 0, *self._mark(name), f"{title}: {count}", bold=True)
        for row, (name, count) in enumerate(types):
            sign = " ⚠" if name in unproven else ""
            self._line(row, 2, *self._mark(name), f"{name}: {count}{sign}")
        doubted = ", ".join(self._tree.in_order(unproven))
        warning = [f"⚠ {doubted}: {UNPROVEN}"] if doubted else []
        self._note.setText("\n".join([*warning, *notes]))
        self._note.show()

    @property
    def text(self) -> str:
        """All that the legend says."""
        items = [self._grid.itemAt(i).widget() for i in range(self._grid.count())]
        return "\n".join([*(item.text() for item in items), self._note.text()])

    def _clear(self) -> None:
        while self._grid.count():
            self._grid.takeAt(0).widget().deleteLater()

    def _mark(self, name: str) -> tuple[str, str]:
        if name == UNSURE:
            return "◯", UNSURE_COLOR
        return "⬤", self._tree[name].color

    def _line(
        self,
        row: int,
        column: int,
        mark: str,
        color: str,
        text: str,
        *,
        bold: bool = False,
    ) -> None:
        swatch = QLabel(f'<span style="color:{color}">{mark}</span>')
        label = QLabel(f"<b>{text}</b>" if bold else text)
        self._grid.addWidget(swatch, row, column)
        self._grid.addWidget(label, row, column + 1)
