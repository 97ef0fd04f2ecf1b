"""The commands of labelling as buttons, each with its key; own types."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QColorDialog,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from napari_celltype.celltypes import TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.gui.label.labelling import Labelling
from napari_celltype.gui.session import Session
from napari_celltype.gui.widgets import Notice, listen

# How it looks that keys label.
ON = "background: #2F6F4F; color: white;"
_OFF = "Switch Labelling on first (key L)"
_ICON = QSize(12, 12)
_DIGITS = (1, 2, 3, 4, 0, 5, 6, 7, 8, 9)


class LabelButtons(QWidget):
    """One row per type (the type, and not the type), then the other commands.

    Parameters
    ----------
    session : Session
    labelling : Labelling
    """

    def __init__(self, session: Session, labelling: Labelling) -> None:
        super().__init__()
        self._session, self._labelling = session, labelling
        self.types: dict[str, QPushButton] = {}
        self._tips: dict[QPushButton, str] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(3)
        self._grid.setColumnStretch(0, 3)
        self._grid.setColumnStretch(1, 2)
        self.undo = self._button("Undo  Ctrl+Z", "Take the last change back")
        self.redo = self._button("Redo  Ctrl+⇧Z", "Do the last undone change again")
        self._others = [
            self._command("Not a soma  X", "The ROI is no cell body", "not_a_soma"),
            self._command("Clear  ⌫", "Take the label away", "clear"),
            self._command(
                "Accept  Space",
                "Take the prediction over. It stays a prediction, which is no ground "
                "truth",
                "accept",
            ),
            self._command(
                "Predictions  H",
                "Show or hide what the model says; hidden, labels are given blind",
                "show_or_hide_predictions",
            ),
            self._command(
                "Next  J", "The next ROI, the least certain first", partial(_step, 1)
            ),
            self._command("Previous  K", "The ROI before", partial(_step, -1)),
            self._command(
                "Next unlabelled  ⇧J",
                "The next ROI that has no label",
                partial(_step, 1, unlabelled=True),
            ),
            self._command(
                "Transient  T",
                "The largest transient of the trace, and all of it again",
                "zoom",
            ),
            self.undo,
            self.redo,
        ]
        self.undo.clicked.connect(labelling.undo)
        self.redo.clicked.connect(labelling.redo)
        listen(self, labelling.toggled, self._show_state)
        listen(self, labelling.history_changed, self._show_state)
        listen(self, session.types_changed, self._lay_out)
        self._lay_out()

    def _lay_out(self) -> None:
        while self._grid.count():
            widget = self._grid.takeAt(0).widget()
            if widget not in self._others:
                self._tips.pop(widget, None)
                widget.deleteLater()
        self.types.clear()
        digits = self._labelling.digits
        keys = {digits[d]: str(d) for d in _DIGITS if d in digits}
        # There are more types than keys.
        keys |= {t.name: "" for t in self._session.tree.types if t.name not in keys}
        for row, (name, key) in enumerate(keys.items()):
            self._type_row(row, name, key)
        for number, button in enumerate(self._others):
            self._grid.addWidget(button, len(keys) + number // 2, number % 2)
        self._show_state()

    def _type_row(self, row: int, name: str, key: str) -> None:
        cell_type = self._session.tree[name]
        words = "interneuron, type unknown" if name == "IN" else cell_type.description
        give = self._button(f"{key}  {name}".strip(), f"Label as {words}")
        give.setIcon(_swatch(cell_type.color))
        give.setIconSize(_ICON)
        give.clicked.connect(partial(self._give, name))
        self._grid.addWidget(give, row, 0)
        self.types[name] = give
        shifted = f"⇧{key}  not {name}" if key else f"not {name}"
        negated = self._button(shifted, f"Known not to be {name}")
        negated.clicked.connect(partial(self._give, f"!{name}"))
        self._grid.addWidget(negated, row, 1)
        self.types[f"!{name}"] = negated

    def _give(self, label: str, checked: bool = False) -> None:
        self._labelling.give(label)

    def _command(
        self, text: str, tip: str, command: str | Callable[[Labelling], None]
    ) -> QPushButton:
        button = self._button(text, tip)
        if isinstance(command, str):
            button.clicked.connect(getattr(self._labelling, command))
        else:
            button.clicked.connect(partial(_run, command, self._labelling))
        return button

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text.replace("&", "&&"))
        # The keyboard stays with the image or the table.
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._tips[button] = tip
        return button

    def _show_state(self) -> None:
        labelling = self._labelling
        history = labelling.history
        for button, tip in self._tips.items():
            button.setEnabled(labelling.on)
            button.setToolTip(tip if labelling.on else _OFF)
        for button, can in (
            (self.undo, history.can_undo),
            (self.redo, history.can_redo),
        ):
            if labelling.on and not can:
                button.setEnabled(False)
                button.setToolTip("There is no change to go back or forth to")


class LabelBanner(QLabel):
    """Says for as long as labelling is on what the keys do.

    Parameters
    ----------
    session : Session
    labelling : Labelling
    """

    def __init__(self, session: Session, labelling: Labelling) -> None:
        super().__init__()
        self._session, self._labelling = session, labelling
        self.setWordWrap(True)
        self.setToolTip("Keys work in the whole window, but where you type or choose")
        self.setStyleSheet(f"{ON} padding: 3px; border-radius: 3px;")
        listen(self, labelling.toggled, self.show_state)
        listen(self, session.types_changed, self.show_state)
        listen(self, session.recolored, self.show_state)
        self.show_state()

    def show_state(self) -> None:
        """Show the keys, or nothing while labelling is off."""
        self.setVisible(self._labelling.on)
        digits = self._labelling.digits
        types = [(str(d), digits[d]) for d in _DIGITS if d in digits]
        others = [("⇧", "not"), ("X", "no soma"), ("J", "next"), ("L", "ends")]
        seen = self._session.predictions_shown
        blind = "predictions shown" if seen else "predictions hidden"
        self.setText(
            # No space at which a key could lose its word.
            f"<b>LABELLING</b> ({blind}): "
            + " · ".join(
                f"<b>{key}</b>&nbsp;{escape(word).replace(' ', '&nbsp;')}"
                for key, word in (*types, *others)
            )
        )


def _run(
    command: Callable[[Labelling], None], labelling: Labelling, checked: bool = False
) -> None:
    command(labelling)


def _step(direction: int, labelling: Labelling, *, unlabelled: bool = False) -> None:
    labelling.step(direction, unlabelled=unlabelled)


def _swatch(color: str) -> QIcon:
    pixmap = QPixmap(_ICON)
    pixmap.fill(QColor(color))
    return QIcon(pixmap)


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
