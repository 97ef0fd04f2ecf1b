"""The dock "Label": ground truth by hand, from a red channel, or from a file."""

from __future__ import annotations

import getpass
from collections import Counter
from collections.abc import Callable
from functools import partial

from napari.viewer import Viewer
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap, QShowEvent
from qtpy.QtWidgets import (
    QColorDialog,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDockWidget,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.celltypes import TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.gui.label.autosave import SaveLine
from napari_celltype.gui.label.label_import import LabelImport
from napari_celltype.gui.label.label_keys import DIGITS, ON, LabelKeys
from napari_celltype.gui.label.labelling import Labelling
from napari_celltype.gui.label.red_channel_panel import RedChannelPanel
from napari_celltype.gui.placement import FirstPlace
from napari_celltype.gui.scene import scene_of
from napari_celltype.gui.session import Session
from napari_celltype.gui.settings import Settings
from napari_celltype.gui.widgets import Column, Notice, listen
from napari_celltype.labels import NOT_A_SOMA, LabelTable
from napari_celltype.recording import has_second_channel

_WIDTH = 310
_ANNOTATOR = "annotator"
_OFF = "Switch Labelling on first (key L)"
_NO_RED_CHANNEL = (
    "The recording has no second channel; run suite2p with two channels for one"
)


class LabelDock(QWidget):
    """Gives labels to ROIs, and says how many there are and that they are saved."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        scene = scene_of(napari_viewer)
        self._scene = scene
        self._frame: QDockWidget | None = None
        self._red_panel: RedChannelPanel | None = None
        self.session = scene.session
        self.labelling = scene.labelling
        self.toggle = QPushButton()
        self.toggle.setCheckable(True)
        self.toggle.setStyleSheet(f"QPushButton:checked {{ {ON} }}")
        self.saved = SaveLine(self.session, scene.autosave)
        self.buttons = LabelButtons(self.session, self.labelling)
        self.new_type = QPushButton("Types and colours...")
        self.new_type.setToolTip("Add a type of your own, or change a colour")
        self.red = QPushButton("Red channel...")
        self.load = QPushButton("Import...")
        self.load.setToolTip(
            "Labels from a table (CSV), or the same cells on other days from Track2p "
            "or ROICaT"
        )
        self.annotator = QLineEdit()
        self.annotator.setToolTip("Your name, kept with each label that you give")
        self.notice = Notice()
        self.keys = LabelKeys(scene, self)
        FirstPlace(self, Qt.DockWidgetArea.RightDockWidgetArea, _WIDTH)
        self._lay_out()
        self._connect()
        self._show_state()

    def ask_for_type(self) -> None:
        """Ask for a type of the user's own, or another colour, and remember it."""
        dialog = TypeDialog(self.session.tree, self)
        dialog.chosen.connect(self._take_tree)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def show_red_channel(self) -> None:
        """Show the panel that makes labels of the red channel."""
        if self._red_panel is None:
            panel = RedChannelPanel(self._scene, self._apply)
            panel.destroyed.connect(self._forget_panel)
            add = self._scene.viewer.window.add_dock_widget
            # Short, so that all six tabs can be read.
            add(panel, name="Red channel", area="right").setWindowTitle("Red")
            self._red_panel = panel
        dock = self._red_panel.parentWidget()
        dock.show()
        dock.raise_()

    def ask_for_labels(self) -> None:
        """Ask for a file with labels, and say what it would change."""
        dialog = LabelImport(self.session, self._apply, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def showEvent(self, event: QShowEvent) -> None:
        """Once the dock has its frame: a click on its tab brings the keys along."""
        super().showEvent(event)
        dock = self.parentWidget()
        if isinstance(dock, QDockWidget) and dock is not self._frame:
            self._frame = dock
            dock.visibilityChanged.connect(self._on_raised)

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(5)
        # Sentences have their place, so that no button moves under the mouse.
        policy = self.notice.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.notice.setSizePolicy(policy)
        self.notice.setMinimumHeight(2 * self.fontMetrics().lineSpacing() + 8)
        for widget in (self.toggle, self.saved, self.notice, self.buttons):
            column.addWidget(widget)
        sources = QHBoxLayout()
        sources.addWidget(self.red)
        sources.addWidget(self.load)
        form = QFormLayout()
        form.addRow("Annotator", self.annotator)
        column.addLayout(sources)
        column.addWidget(self.new_type)
        column.addLayout(form)
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(Column(inner))

    def _connect(self) -> None:
        self.toggle.clicked.connect(self._on_toggle)
        self.new_type.clicked.connect(self.ask_for_type)
        self.red.clicked.connect(self.show_red_channel)
        self.load.clicked.connect(self.ask_for_labels)
        self.annotator.setText(str(Settings().get(_ANNOTATOR) or _user()))
        self.annotator.editingFinished.connect(self._on_annotator)
        self.labelling.annotator = self.annotator.text().strip()
        listen(self, self.labelling.toggled, self._show_state)
        listen(self, self.session.activated, self._show_state)
        listen(self.notice, self.session.told, self.notice.show_text)

    def _apply(self, labels: LabelTable) -> None:
        if self.session.active is not None:
            self.session.set_tree(self.session.tree.with_types_of(labels.tree))
            self.labelling.apply(self.session.active.key, labels)

    def _forget_panel(self) -> None:
        self._red_panel = None

    def _take_tree(self, tree: TypeTree) -> None:
        Settings().set_tree(tree)
        self.session.set_tree(tree)

    def _on_raised(self, visible: bool) -> None:
        # The keyboard may still be in a box of the dock that was there before.
        if visible:
            self.setFocus()

    def _on_toggle(self) -> None:
        self.labelling.toggle()
        self.setFocus()

    def _on_annotator(self) -> None:
        self.labelling.annotator = self.annotator.text().strip()
        Settings().set(_ANNOTATOR, self.labelling.annotator)

    def _show_state(self) -> None:
        on, active = self.labelling.on, self.session.active
        self.load.setEnabled(active is not None)
        two = active is not None and has_second_channel(active.recording)
        self.red.setEnabled(two)
        self.red.setToolTip(
            "Labels from how red each ROI is" if two else _NO_RED_CHANNEL
        )
        self.toggle.setChecked(on)
        self.toggle.setText(f"Labelling is {'on' if on else 'off'}  (L)")
        self.toggle.setEnabled(active is not None)
        self.toggle.setToolTip(
            "Keys label the selected ROIs while this is on; predictions are hidden at "
            "first, so that labels are blind"
            if active is not None
            else "Open a recording first, in the Classify dock"
        )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


_ICON = QSize(12, 12)
# Commands besides the types: words on the button with the key, tooltip, what it does.
_COMMANDS: tuple[tuple[str, str, Callable[[Labelling], None]], ...] = (
    ("X  Not a soma", "The ROI is no cell body", Labelling.not_a_soma),
    ("Clear  ⌫", "Take the label away", Labelling.clear),
    (
        "Accept  Space",
        "Take the prediction over. It stays a prediction, which is no ground truth",
        Labelling.accept,
    ),
    (
        "Predictions  H",
        "Show or hide what the model says; hidden, labels are given blind",
        Labelling.show_or_hide_predictions,
    ),
    ("Next  J", "The next ROI, the least certain first", Labelling.next),
    ("Previous  K", "The ROI before", Labelling.previous),
    (
        "Next unlabelled  ⇧J",
        "The next ROI that has no label",
        Labelling.next_unlabelled,
    ),
    (
        "Transient  T",
        "The largest transient of the trace, and all of it again",
        Labelling.zoom,
    ),
    ("Undo  Ctrl+Z", "Take the last change back", Labelling.undo),
    ("Redo  Ctrl+⇧Z", "Do the last undone change again", Labelling.redo),
)


class LabelButtons(QWidget):
    """One row per type (the type, and not the type), then the other commands.

    Behind each label stands how many ROIs have it; accepted predictions, which are no
    ground truth, are not counted.
    """

    def __init__(self, session: Session, labelling: Labelling) -> None:
        super().__init__()
        self._session, self._labelling = session, labelling
        # The buttons of the labels, and their words without the count.
        self.types: dict[str, QPushButton] = {}
        self._words: dict[str, str] = {}
        self._tips: dict[QPushButton, str] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(3)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, 1)
        self._others = [
            self._button(words, tip, partial(command, labelling))
            for words, tip, command in _COMMANDS
        ]
        self.undo, self.redo = self._others[-2:]
        listen(self, labelling.toggled, self._show_state)
        listen(self, labelling.history_changed, self._show_state)
        listen(self, session.types_changed, self._lay_out)
        listen(self, session.activated, self._show_counts)
        listen(self, session.labelled, self._show_counts)
        listen(self, session.replaced, self._show_counts)
        self._lay_out()

    def _lay_out(self) -> None:
        while self._grid.count():
            widget = self._grid.takeAt(0).widget()
            if widget not in self._others:
                self._tips.pop(widget, None)
                widget.deleteLater()
        self.types = {NOT_A_SOMA: self._others[0]}
        self._words = {NOT_A_SOMA: _COMMANDS[0][0]}
        digits = self._labelling.digits
        keys = {digits[d]: str(d) for d in DIGITS if d in digits}
        # There are more types than keys.
        keys |= {t.name: "" for t in self._session.tree.types if t.name not in keys}
        for row, (name, key) in enumerate(keys.items()):
            self._add_type(row, name, key)
        for number, button in enumerate(self._others):
            self._grid.addWidget(button, len(keys) + number // 2, number % 2)
        self._show_counts()
        self._show_state()

    def _add_type(self, row: int, name: str, key: str) -> None:
        cell_type = self._session.tree[name]
        words = "interneuron, type unknown" if name == "IN" else cell_type.description
        swatch = QPixmap(_ICON)
        swatch.fill(QColor(cell_type.color))
        for column, (label, text, tip) in enumerate(
            (
                (name, f"{key}  {name}", f"Label as {words}"),
                (
                    f"!{name}",
                    f"⇧{key}  not {name}" if key else f"not {name}",
                    f"Known not to be {name} (!{name} in tables)",
                ),
            )
        ):
            button = self._button(text, tip, partial(self._labelling.give, label))
            self._words[label] = text.strip()
            self.types[label] = button
            self._grid.addWidget(button, row, column)
        icon = QIcon(swatch)
        # While labelling is off the colours are still those of the picture.
        icon.addPixmap(swatch, QIcon.Mode.Disabled)
        self.types[name].setIcon(icon)
        self.types[name].setIconSize(_ICON)

    def _button(self, text: str, tip: str, command: Callable[[], None]) -> QPushButton:
        button = QPushButton(text)
        # The keyboard stays where it is.
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        button.clicked.connect(lambda checked=False: command())
        self._tips[button] = tip
        return button

    def _show_counts(self, *_: object) -> None:
        active = self._session.active
        rows = () if active is None or active.labels is None else active.labels.rows
        counts = Counter(row.label for row in rows if row.source != "prediction")
        for label, button in self.types.items():
            count = f": {counts[label]}" if counts[label] else ""
            button.setText(f"{self._words[label]}{count}".replace("&", "&&"))

    def _show_state(self) -> None:
        labelling = self._labelling
        possible = {self.undo: labelling.can_undo, self.redo: labelling.can_redo}
        for button, tip in self._tips.items():
            can = possible.get(button, True)
            button.setEnabled(labelling.on and can)
            button.setToolTip(
                _OFF if not labelling.on else tip if can else "There is no such change"
            )


_ROOT = "nothing: a group of its own"


class TypeDialog(QDialog):
    """Asks for a new type, or for another colour of one."""

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
