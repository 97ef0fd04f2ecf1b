"""A type of the user's own: its name, its colour and its place in the tree."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QColorDialog,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QPushButton,
    QWidget,
)

from napari_celltype.celltypes import TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.gui.notice import Notice

_ROOT = "nothing: a group of its own"


class TypeDialog(QDialog):
    """Asks for a new type, or for another colour of one.

    Parameters
    ----------
    tree : TypeTree
        The types that there are.
    parent : QWidget, optional

    Attributes
    ----------
    chosen : Signal(object)
        The `TypeTree` with the new type or colour, once accepted.
    """

    chosen = Signal(object)

    def __init__(self, tree: TypeTree, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Types and colours")
        self.tree = tree
        self.type = QComboBox()
        self.type.addItem("New type", None)
        for cell_type in tree.types:
            self.type.addItem(f"Colour of {cell_type.name}", cell_type.name)
        self.type.setToolTip("Add a type, or give one another colour")
        self.name = QLineEdit()
        self.name.setPlaceholderText("NDNF")
        self.name.setToolTip("As it will stand in tables, such as NDNF")
        self.below = QComboBox()
        for cell_type in tree.types:
            self.below.addItem(f"{cell_type.name} ({cell_type.description})", cell_type)
        self.below.addItem(_ROOT, None)
        self.below.setCurrentIndex([t.name for t in tree.types].index("IN"))
        self.below.setToolTip("What cells of the new type are, too")
        self.color = QPushButton()
        self.color.setToolTip("Choose the colour")
        self.notice = Notice()
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        form = QFormLayout(self)
        form.addRow("", self.type)
        form.addRow("Name", self.name)
        form.addRow("A kind of", self.below)
        form.addRow("Colour", self.color)
        form.addRow(self.notice)
        form.addRow(buttons)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.type.currentIndexChanged.connect(self._on_type)
        self.color.clicked.connect(self._ask_for_color)
        self._on_type()

    def set_color(self, color: str) -> None:
        """Show a colour, ``#RRGGBB``."""
        self.color.setText(color)
        self.color.setStyleSheet(
            f"background: {color}; "
            f"color: {'black' if QColor(color).lightness() > 110 else 'white'};"
        )

    def accept(self) -> None:
        """Close when the type can be had; else say why not."""
        name, color = self.type.currentData(), self.color.text()
        try:
            if name is None:
                below = self.below.currentData()
                parent = None if below is None else below.name
                self.tree = self.tree.with_type(
                    self.name.text(), color=color, parent=parent
                )
            else:
                self.tree = self.tree.with_color(name, color)
        except LabelError as error:
            self.notice.show_error(str(error))
            return
        super().accept()
        self.chosen.emit(self.tree)

    def _on_type(self) -> None:
        name = self.type.currentData()
        for widget in (self.name, self.below):
            widget.setEnabled(name is None)
        if name is not None:
            self.name.setText(name)
            self.set_color(self.tree[name].color)
            return
        self.name.clear()
        # The colour that the first type without one would get.
        self.set_color(self.tree.including(["?"])["?"].color)

    def _ask_for_color(self) -> None:
        color = QColorDialog.getColor(QColor(self.color.text()), self, "Colour")
        if color.isValid():
            self.set_color(color.name().upper())
