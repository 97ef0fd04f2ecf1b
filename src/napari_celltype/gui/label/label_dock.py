"""The dock "Label": ground truth by hand, from a red channel, or from a file."""

from __future__ import annotations

import getpass
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial

from napari.viewer import Viewer
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent, QShowEvent
from qtpy.QtWidgets import (
    QDockWidget,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.celltypes import TypeTree
from napari_celltype.gui.label.autosave import SaveLine
from napari_celltype.gui.label.label_buttons import ON, LabelButtons, TypeDialog
from napari_celltype.gui.label.label_import import LabelImport
from napari_celltype.gui.label.labelling import Labelling
from napari_celltype.gui.label.red_channel_panel import RedChannelPanel
from napari_celltype.gui.layers import tag_of
from napari_celltype.gui.placement import FirstPlace
from napari_celltype.gui.scene import scene_of
from napari_celltype.gui.settings import Settings
from napari_celltype.gui.widgets import Column, Notice, listen
from napari_celltype.labels import LabelTable
from napari_celltype.recording import has_second_channel

_WIDTH = 310
_ANNOTATOR = "annotator"
_NO_RED_CHANNEL = (
    "The recording has no second channel; run suite2p with two channels for one"
)


class LabelDock(QWidget):
    """Gives labels to ROIs, and says how many there are and that they are saved.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        scene = scene_of(napari_viewer)
        self._viewer = scene.viewer
        self._scene = scene
        self._image: QWidget = scene.viewer.window._qt_viewer.canvas.native
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
        self.counts = QLabel()
        self.counts.setWordWrap(True)
        self.counts.setTextFormat(Qt.TextFormat.PlainText)
        self.notice = Notice()
        self.keys = LabelKeys(self.labelling, self, self._may_begin)
        FirstPlace(self, Qt.DockWidgetArea.RightDockWidgetArea, _WIDTH)
        self._lay_out()
        self._connect()
        self._watch_window()
        self._show_all()

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
            add = self._viewer.window.add_dock_widget
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

    def _apply(self, labels: LabelTable) -> None:
        if self.session.active is not None:
            self.session.set_tree(self.session.tree.with_types_of(labels.tree))
            self.labelling.apply(self.session.active.key, labels)

    def _forget_panel(self) -> None:
        self._red_panel = None

    def _take_tree(self, tree: TypeTree) -> None:
        Settings().set_tree(tree)
        self.session.set_tree(tree)

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(5)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Annotator", self.annotator)
        for widget in (self.toggle, self.saved, self.notice, self.buttons):
            column.addWidget(widget)
        # Sentences have their place, so that no button moves under the mouse.
        policy = self.notice.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.notice.setSizePolicy(policy)
        self.notice.setMinimumHeight(2 * self.fontMetrics().lineSpacing() + 8)
        sources = QHBoxLayout()
        sources.addWidget(self.red)
        sources.addWidget(self.load)
        column.addLayout(sources)
        column.addWidget(self.new_type)
        column.addLayout(form)
        column.addWidget(QLabel("<b>Labels</b>"))
        column.addWidget(self.counts)
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(Column(inner))

    def _connect(self) -> None:
        session, labelling = self.session, self.labelling
        self.toggle.clicked.connect(self._on_toggle)
        self.new_type.clicked.connect(self.ask_for_type)
        self.red.clicked.connect(self.show_red_channel)
        self.load.clicked.connect(self.ask_for_labels)
        self.annotator.setText(str(Settings().get(_ANNOTATOR) or _user()))
        self.annotator.editingFinished.connect(self._on_annotator)
        labelling.annotator = self.annotator.text().strip()
        listen(self, labelling.toggled, self._show_toggle)
        listen(self, session.activated, self._show_all)
        listen(self, session.labelled, self._on_labelled)
        listen(self, session.replaced, self._on_labelled)
        listen(self.notice, session.told, self.notice.show_text)

    def showEvent(self, event: QShowEvent) -> None:
        """Once the dock has its frame: a click on its tab brings the keys along."""
        super().showEvent(event)
        dock = self.parentWidget()
        if isinstance(dock, QDockWidget) and dock is not self._frame:
            self._frame = dock
            dock.visibilityChanged.connect(self._on_raised)

    def _on_raised(self, visible: bool) -> None:
        # The keyboard may still be in a box of the dock that was there before.
        if visible:
            self._image.setFocus()

    def _watch_window(self) -> None:
        # The first two keep every key to themselves; others reach the window.
        window = self._viewer.window
        for widget in (self._image, window._qt_viewer.layers, window._qt_window, self):
            self.keys.watch(widget)

    def _may_begin(self) -> bool:
        """Leave L to napari while a layer is active that is not ours."""
        layer = self._viewer.layers.selection.active
        return self.session.active is not None and (
            layer is None or tag_of(layer) is not None
        )

    def _on_toggle(self) -> None:
        self.labelling.toggle()
        if self.labelling.on:
            self._image.setFocus()

    def _on_annotator(self) -> None:
        self.labelling.annotator = self.annotator.text().strip()
        Settings().set(_ANNOTATOR, self.labelling.annotator)

    def _on_labelled(self, key: str) -> None:
        active = self.session.active
        if active is not None and active.key == key:
            self._show_counts()

    def _show_all(self) -> None:
        self._show_toggle()
        self._show_counts()

    def _show_toggle(self) -> None:
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

    def _show_counts(self) -> None:
        active = self.session.active
        rows = () if active is None or active.labels is None else active.labels.rows
        truth = Counter(r.label for r in rows if r.label and r.source != "prediction")
        accepted = Counter(
            r.label for r in rows if r.label and r.source == "prediction"
        )
        order = self.session.tree.in_order(truth)
        lines = [f"{name}: {truth[name]}" for name in order]
        if accepted:
            lines.append(
                f"{accepted.total()} accepted predictions (no ground truth): "
                + ", ".join(f"{n} {name}" for name, n in accepted.items())
            )
        self.counts.setText("\n".join(lines) or "none yet")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


# What an American keyboard has at the places of our keys. Others have something else
# there: Shift turns a digit into any sign, a French keyboard needs Shift for digits, a
# Hebrew one has no L. Codes of Windows are these characters themselves.
_KEYS = "1234567890THJKLZX"
_X11 = dict(zip((*range(10, 20), 28, 43, 44, 45, 46, 52, 53), _KEYS, strict=True))
_MAC = (18, 19, 20, 21, 23, 22, 26, 28, 25, 29, 17, 4, 38, 40, 37, 6, 7)
_CODES = {
    "win32": {ord(key): key for key in _KEYS},
    "darwin": dict(zip(_MAC, _KEYS, strict=True)),
}
# The first letter that is not Latin.
_GREEK = 0x370

_SHIFT = Qt.KeyboardModifier.ShiftModifier
_CONTROL = Qt.KeyboardModifier.ControlModifier
_NONE = Qt.KeyboardModifier.NoModifier


class LabelKeys(QObject):
    """Turns keys pressed in some widgets into commands; off, it leaves all but L alone.

    Parameters
    ----------
    labelling : Labelling
    parent : QObject
    may_begin : callable, optional
        Tells whether L switches labelling on now; it always switches it off.
    """

    def __init__(
        self,
        labelling: Labelling,
        parent: QObject,
        may_begin: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(parent)
        self._labelling = labelling
        self._may_begin = may_begin

    def watch(self, widget: QWidget) -> None:
        """Take the keys that are pressed in a widget, or that its parts leave alone."""
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take a key that is ours, before napari's shortcuts do."""
        kind = event.type()
        if kind not in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride):
            return False
        assert isinstance(event, QKeyEvent)
        command = self._command(event)
        if command is None:
            return False
        event.accept()
        if kind == QEvent.Type.KeyPress:
            command()
        return True

    def _command(self, event: QKeyEvent) -> Callable[[], None] | None:
        labelling, key = self._labelling, key_of(event)
        # The keypad's digits are digits, too.
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        is_l = (key, modifiers) == (Qt.Key.Key_L, _NONE)
        if not labelling.on:
            return labelling.toggle if is_l and self._may_begin() else None
        if is_l:
            return labelling.toggle
        if Qt.Key.Key_0 <= key <= Qt.Key.Key_9 and modifiers in (_NONE, _SHIFT):
            digit, negated = key - ord("0"), modifiers == _SHIFT
            return partial(labelling.give_digit, digit, negated=negated)
        commands: dict[tuple[int, Qt.KeyboardModifier], Callable[[], None]] = {
            (Qt.Key.Key_X, _NONE): labelling.not_a_soma,
            (Qt.Key.Key_Backspace, _NONE): labelling.clear,
            (Qt.Key.Key_Space, _NONE): labelling.accept,
            (Qt.Key.Key_J, _NONE): partial(labelling.step, 1),
            (Qt.Key.Key_K, _NONE): partial(labelling.step, -1),
            (Qt.Key.Key_J, _SHIFT): partial(labelling.step, 1, unlabelled=True),
            (Qt.Key.Key_H, _NONE): labelling.show_or_hide_predictions,
            (Qt.Key.Key_T, _NONE): labelling.zoom,
            (Qt.Key.Key_Z, _CONTROL): labelling.undo,
            (Qt.Key.Key_Z, _CONTROL | _SHIFT): labelling.redo,
        }
        return commands.get((key, modifiers))


def key_of(event: QKeyEvent) -> int:
    """Return the key that was pressed, whatever this keyboard has printed on it.

    Latin letters are taken as they are; digits, and letters of other alphabets, by
    their place.
    """
    key = int(event.key())
    keypad = event.modifiers() & Qt.KeyboardModifier.KeypadModifier
    if keypad or Qt.Key.Key_A <= key <= Qt.Key.Key_Z or key >= Qt.Key.Key_Escape:
        return key
    if sys.platform in _CODES:
        place = _CODES[sys.platform].get(event.nativeVirtualKey(), "")
    else:
        place = _X11.get(event.nativeScanCode(), "")
    of_ours = place.isdigit() or (place and key >= _GREEK)
    return ord(place) if of_ours else key
