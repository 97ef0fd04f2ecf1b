"""The dock "Label": ground truth by hand, from a red channel, or from a file."""

from __future__ import annotations

import getpass
from collections import Counter
from collections.abc import Callable
from functools import partial

from napari.viewer import Viewer
from qtpy import QtWidgets
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor, QIcon, QPixmap, QShowEvent

from napari_celltype.celltypes import TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.gui.label.autosave import SaveLine
from napari_celltype.gui.label.label_import import LabelImport
from napari_celltype.gui.label.label_keys import COMMANDS, ON, LabelKeys
from napari_celltype.gui.label.labelling import Labelling
from napari_celltype.gui.label.red_channel_panel import RedChannelPanel
from napari_celltype.gui.placement import open_once
from napari_celltype.gui.scene import scene_of
from napari_celltype.gui.session import Session
from napari_celltype.gui.settings import Settings
from napari_celltype.gui.widgets import (
    Notice,
    fill,
    fill_grid,
    lay_out_dock,
    listen,
    switch,
)
from napari_celltype.labels import NOT_A_SOMA
from napari_celltype.labels.red_channel import has_second_channel

_ANNOTATOR = "annotator"
_ONE_CHANNEL = (
    "The recording has no second channel; run suite2p with two channels for one"
)


class LabelDock(QtWidgets.QWidget):
    """Gives labels to ROIs, and says how many there are and that they are saved."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        scene = scene_of(napari_viewer)
        self._scene = scene
        self._frame: QtWidgets.QDockWidget | None = None
        self.session = scene.session
        self.labelling = scene.labelling
        self.toggle = QtWidgets.QPushButton(
            checkable=True,
            styleSheet=f"QPushButton:checked {{ {ON} }}",
            clicked=self._on_toggle,
        )
        self.saved = SaveLine(self.session, scene.autosave)
        self.buttons = LabelButtons(self.session, self.labelling)
        self.new_type = QtWidgets.QPushButton(
            "Types and colours...",
            toolTip="Add a type of your own, or change a colour",
            clicked=self.ask_for_type,
        )
        self.red = QtWidgets.QPushButton(
            "Red channel...", clicked=self._show_red_channel
        )
        self.load = QtWidgets.QPushButton(
            "Import...",
            toolTip="Labels from a table (CSV), or the same cells on other days from "
            "Track2p or ROICaT",
            clicked=self._ask_for_labels,
        )
        self.annotator = QtWidgets.QLineEdit(
            str(Settings().get(_ANNOTATOR) or _user()),
            toolTip="Your name, kept with each label that you give",
            editingFinished=self._on_annotator,
        )
        self.labelling.annotator = self.annotator.text().strip()
        self.notice = Notice()
        LabelKeys(scene, self)
        self._lay_out()
        toggled, activated = self.labelling.toggled, self.session.activated
        listen(self, self._show_state, toggled, activated)
        listen(self.notice, self.notice.show_text, self.session.notice)
        self._show_state()

    def ask_for_type(self) -> None:
        """Ask for a type of the user's own, or another colour, and remember it."""
        dialog = TypeDialog(self.session.tree, self)
        dialog.accepted.connect(lambda: self._take_tree(dialog.tree))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def showEvent(self, event: QShowEvent) -> None:
        """Once the dock has its frame: a click on its tab brings the keys along."""
        super().showEvent(event)
        dock = self.parentWidget()
        if isinstance(dock, QtWidgets.QDockWidget) and dock is not self._frame:
            self._frame = dock
            dock.visibilityChanged.connect(self._on_raised)

    def _lay_out(self) -> None:
        # Sentences have their place, so that no button moves under the mouse.
        policy = self.notice.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.notice.setSizePolicy(policy)
        self.notice.setMinimumHeight(2 * self.fontMetrics().lineSpacing() + 8)
        sources = fill(QtWidgets.QHBoxLayout(), (self.red, 1), (self.load, 1))
        name = QtWidgets.QLabel("Annotator")
        annotator = fill(QtWidgets.QHBoxLayout(), name, (self.annotator, 1))
        parts = (self.toggle, self.saved, self.notice, self.buttons)
        lay_out_dock(self, (*parts, sources, self.new_type, annotator))

    def _show_red_channel(self) -> None:
        panel = open_once(
            self._scene.viewer,
            "Red channel",
            lambda _: RedChannelPanel(self._scene),
        )
        # Short, so that all six tabs can be read.
        panel.parentWidget().setWindowTitle("Red")
        panel.parentWidget().raise_()

    def _ask_for_labels(self) -> None:
        if self.session.active is not None:
            dialog = LabelImport(
                self.session, self.labelling, self.session.active, self
            )
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.open()

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
        two = active is not None and has_second_channel(active.recording)
        self.load.setEnabled(active is not None)
        switch(self.red, "Labels from how red each ROI is", "" if two else _ONE_CHANNEL)
        self.toggle.setChecked(on)
        self.toggle.setText(f"Labelling is {'on' if on else 'off'}  (L)")
        switch(
            self.toggle,
            "Keys label the selected ROIs while this is on; predictions are hidden at "
            "first, so that labels are blind",
            "" if active else "Open a recording first, in the Classify dock",
        )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


_ICON = QSize(12, 12)


class LabelButtons(QtWidgets.QWidget):
    """One row per type (the type, and not the type), then the other commands.

    Behind each label stands how many ROIs have it; accepted predictions, which are no
    ground truth, are not counted.
    """

    def __init__(self, session: Session, labelling: Labelling) -> None:
        super().__init__()
        self._session, self._labelling = session, labelling
        # Each button with its words and its tooltip; those of the labels by label.
        self._buttons: list[tuple[QtWidgets.QPushButton, str, str]] = []
        self.types: dict[str, QtWidgets.QPushButton] = {}
        self._grid = fill_grid(QtWidgets.QGridLayout(self), spacing=3)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, 1)
        listen(self, self._lay_out, session.types_changed)
        listen(
            *(self, self._show_state, labelling.toggled, labelling.history_changed),
            *(session.activated, session.labelled, session.replaced),
        )
        self._lay_out()

    def _lay_out(self) -> None:
        """Make the buttons anew, as there are other types."""
        for button, _, _ in self._buttons:
            self._grid.removeWidget(button)
            button.deleteLater()
        self._buttons, self.types = [], {}
        keys = {name: str(digit) for digit, name in self._labelling.digits.items()}
        # There are more types than keys.
        for name in dict.fromkeys([*keys, *(t.name for t in self._session.tree.types)]):
            self._add_type(name, keys.get(name, ""))
        for _, words, tip, run in COMMANDS:
            self._add(words, tip, partial(run, self._labelling))
        others = [button for button, _, _ in self._buttons[-len(COMMANDS) :]]
        self.types[NOT_A_SOMA], *_, self._undo, self._redo = others
        self._show_state()

    def _add_type(self, name: str, key: str) -> None:
        cell_type = self._session.tree[name]
        what = "interneuron, type unknown" if name == "IN" else cell_type.description
        swatch = QPixmap(_ICON)
        swatch.fill(QColor(cell_type.color))
        icon = QIcon(swatch)
        # While labelling is off the colours are still those of the picture.
        icon.addPixmap(swatch, QIcon.Mode.Disabled)
        give = self._labelling.give
        self.types[name] = self._add(
            f"{key}  {name}", f"Label as {what}", partial(give, name)
        )
        self.types[name].setIcon(icon)
        self.types[name].setIconSize(_ICON)
        self.types[f"!{name}"] = self._add(
            f"⇧{key}  not {name}" if key else f"not {name}",
            f"Known not to be {name} (!{name} in tables)",
            partial(give, f"!{name}"),
        )

    def _add(
        self, words: str, tip: str, command: Callable[[], None]
    ) -> QtWidgets.QPushButton:
        # The keyboard stays where it is.
        button = QtWidgets.QPushButton(focusPolicy=Qt.FocusPolicy.NoFocus)
        button.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Fixed
        )
        button.clicked.connect(lambda checked=False: command())
        self._grid.addWidget(button, *divmod(len(self._buttons), 2))
        self._buttons.append((button, words.strip(), tip))
        return button

    def _show_state(self, *_: object) -> None:
        active, labelling = self._session.active, self._labelling
        rows = () if active is None or active.labels is None else active.labels.rows
        counts = Counter(row.label for row in rows if row.source != "prediction")
        numbers = {button: counts[label] for label, button in self.types.items()}
        possible = {self._undo: labelling.done, self._redo: labelling.undone}
        for button, words, tip in self._buttons:
            count = f": {numbers[button]}" if numbers.get(button) else ""
            button.setText(f"{words}{count}".replace("&", "&&"))
            can = bool(possible.get(button, True))
            button.setEnabled(labelling.on and can)
            button.setToolTip(tip if can else "There is no such change")
            if not labelling.on:
                button.setToolTip("Switch Labelling on first (key L)")


class TypeDialog(QtWidgets.QDialog):
    """Asks for a new type, or for another colour of one."""

    def __init__(self, tree: TypeTree, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Types and colours")
        self.tree = tree
        self.type = QtWidgets.QComboBox(
            toolTip="Add a type, or give one another colour"
        )
        self.name = QtWidgets.QLineEdit(
            placeholderText="NDNF", toolTip="As it will stand in tables, such as NDNF"
        )
        self.below = QtWidgets.QComboBox(toolTip="What cells of the new type are, too")
        self.color = QtWidgets.QPushButton(
            toolTip="Choose the colour", clicked=self._ask_for_color
        )
        self.notice = Notice()
        self.type.addItem("New type")
        for cell_type in tree.types:
            name = cell_type.name
            self.type.addItem(f"Colour of {name}", name)
            self.below.addItem(f"{name} ({cell_type.description})", name)
        self.below.addItem("nothing: a group of its own")
        self.below.setCurrentIndex(self.below.findData("IN"))
        buttons = QtWidgets.QDialogButtonBox(
            QtWidgets.QDialogButtonBox.StandardButton.Ok
            | QtWidgets.QDialogButtonBox.StandardButton.Cancel,
            accepted=self.accept,
            rejected=self.reject,
        )
        form = QtWidgets.QFormLayout(self)
        form.addRow(self.type)
        form.addRow("Name", self.name)
        form.addRow("A kind of", self.below)
        form.addRow("Colour", self.color)
        form.addRow(self.notice)
        form.addRow(buttons)
        self.type.currentIndexChanged.connect(self._on_type)
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
                parent = self.below.currentData()
                self.tree = self.tree.with_type(
                    self.name.text(), color=color, parent=parent
                )
            else:
                self.tree = self.tree.with_color(name, color)
        except LabelError as error:
            self.notice.show_error(str(error))
            return
        super().accept()

    def _on_type(self) -> None:
        name = self.type.currentData()
        self.name.setEnabled(name is None)
        self.below.setEnabled(name is None)
        self.name.setText(name or "")
        # A new type has the colour that the first type without one would get.
        tree = self.tree if name else self.tree.including(["?"])
        self.set_color(tree[name or "?"].color)

    def _ask_for_color(self) -> None:
        color = QtWidgets.QColorDialog.getColor(
            QColor(self.color.text()), self, "Colour"
        )
        if color.isValid():
            self.set_color(color.name().upper())
