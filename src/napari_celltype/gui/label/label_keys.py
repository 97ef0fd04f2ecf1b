"""The keys of labelling, and the banner that says what they do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from html import escape

from qtpy import QtWidgets
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent, QKeySequence

from napari_celltype.gui.label.labelling import Labelling
from napari_celltype.gui.layers import tag_of
from napari_celltype.gui.placement import FirstPlace, dock_of
from napari_celltype.gui.scene import Scene
from napari_celltype.gui.session import Session
from napari_celltype.gui.widgets import listen
from napari_celltype.labels import NOT_A_SOMA

# How it looks that keys label.
ON = "background: #2F6F4F; color: white;"
_EDITORS = (
    QtWidgets.QLineEdit,
    QtWidgets.QAbstractSpinBox,
    QtWidgets.QComboBox,
    QtWidgets.QTextEdit,
    QtWidgets.QPlainTextEdit,
)

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

_NONE = Qt.KeyboardModifier.NoModifier
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_Key = Qt.Key


# Besides the digits: the key, the words on the button, its tooltip, what it does.
COMMANDS: tuple[tuple[str, str, str, Callable[[Labelling], None]], ...] = (
    ("X", "X  Not a soma", "The ROI is no cell body", lambda it: it.give(NOT_A_SOMA)),
    ("Backspace", "Clear  ⌫", "Take the label away", lambda it: it.give("")),
    (
        "Space",
        "Accept  Space",
        "Take the prediction over. It stays a prediction, which is no ground truth",
        Labelling.accept,
    ),
    (
        "H",
        "Predictions  H",
        "Show or hide what the model says; hidden, labels are given blind",
        Labelling.show_or_hide_predictions,
    ),
    ("J", "Next  J", "The next ROI, the least certain first", lambda it: it.step(1)),
    ("K", "Previous  K", "The ROI before", lambda it: it.step(-1)),
    (
        "Shift+J",
        "Next unlabelled  ⇧J",
        "The next ROI that has no label",
        lambda it: it.step(1, unlabelled=True),
    ),
    (
        "T",
        "Transient  T",
        "The largest transient of the trace, and all of it again",
        lambda it: it.transient_asked.emit(),
    ),
    ("Ctrl+Z", "Undo  Ctrl+Z", "Take the last change back", Labelling.undo),
    ("Ctrl+Shift+Z", "Redo  Ctrl+⇧Z", "Do the last undone change", Labelling.redo),
)


_COMMANDS = {
    (int(keys[0].key()), keys[0].keyboardModifiers()): run
    for keys, run in ((QKeySequence(key), run) for key, _, _, run in COMMANDS)
}


class LabelKeys(QObject):
    """Turns keys into commands while a dock is open, wherever the keyboard is.

    The keys are taken from whatever has the focus in the window of the dock, but not
    where one types or chooses; while labelling is off, all but L are left alone.
    """

    def __init__(self, scene: Scene, dock: QtWidgets.QWidget) -> None:
        super().__init__(dock)
        self._scene, self._dock = scene, dock
        dock.installEventFilter(self)
        application = QtWidgets.QApplication.instance()
        assert isinstance(application, QtWidgets.QApplication)
        application.focusChanged.connect(self._on_focus)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take a key that is ours, before napari's shortcuts do."""
        kind = event.type()
        if kind == QEvent.Type.Show and watched is self._dock:
            # Keys that a widget has no use for end up here.
            _top(self._dock).installEventFilter(self)
        # PyQt may hand over the object of an older event that still lives.
        is_key = kind in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride)
        if not is_key or not isinstance(event, QKeyEvent):
            return False
        command = self._command(event, watched)
        if command is None:
            return False
        event.accept()
        if kind == QEvent.Type.KeyPress:
            command()
        return True

    def _on_focus(
        self, before: QtWidgets.QWidget | None, now: QtWidgets.QWidget | None
    ) -> None:
        """Watch the widget that gets the keys; not those of a dialog."""
        if (
            now is not None
            and isinstance(now.window(), QtWidgets.QDockWidget | type(_top(self._dock)))
            and _top(now) is _top(self._dock)
        ):
            now.installEventFilter(self)

    def _command(self, event: QKeyEvent, watched: QObject) -> Callable[[], None] | None:
        labelling, key = self._scene.labelling, key_of(event)
        # The keypad's digits are digits, too.
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        # An editor that has the keyboard may have let the key pass.
        if isinstance(watched, _EDITORS) or isinstance(
            QtWidgets.QApplication.focusWidget(), _EDITORS
        ):
            return None
        if key == _Key.Key_Space and isinstance(watched, QtWidgets.QAbstractButton):
            return None
        if (key, modifiers) == (_Key.Key_L, _NONE):
            may = labelling.on or self._may_begin(watched)
            return labelling.toggle if may else None
        if not labelling.on:
            return None
        if _Key.Key_0 <= key <= _Key.Key_9 and modifiers in (_NONE, _SHIFT):
            digit, negated = key - ord("0"), modifiers == _SHIFT
            return partial(labelling.give_digit, digit, negated=negated)
        command = _COMMANDS.get((key, modifiers))
        return None if command is None else partial(command, labelling)

    def _may_begin(self, watched: QObject) -> bool:
        """Leave L to napari in the picture while a layer is active that is not ours."""
        if self._scene.session.active is None:
            return False
        layer = self._scene.viewer.layers.selection.active
        if layer is None or tag_of(layer) is not None:
            return True
        dock = dock_of(watched)
        return dock is not None and dock.findChild(FirstPlace) is not None


def _top(widget: QtWidgets.QWidget) -> QtWidgets.QWidget:
    """Return the window in which a widget is, also where its dock floats."""
    while (parent := widget.parentWidget()) is not None:
        widget = parent
    return widget


def key_of(event: QKeyEvent) -> int:
    """Return the key that was pressed, whatever this keyboard has printed on it.

    Latin letters are taken as they are; digits, and letters of other alphabets, by
    their place.
    """
    key = int(event.key())
    keypad = event.modifiers() & Qt.KeyboardModifier.KeypadModifier
    if keypad or _Key.Key_A <= key <= _Key.Key_Z or key >= _Key.Key_Escape:
        return key
    if sys.platform in _CODES:
        place = _CODES[sys.platform].get(event.nativeVirtualKey(), "")
    else:
        place = _X11.get(event.nativeScanCode(), "")
    of_ours = place.isdigit() or (place and key >= _GREEK)
    return ord(place) if of_ours else key


class LabelBanner(QtWidgets.QLabel):
    """Says for as long as labelling is on what the keys do."""

    def __init__(self, session: Session, labelling: Labelling) -> None:
        super().__init__(
            wordWrap=True,
            toolTip="Keys work in the whole window, but where you type or choose",
            styleSheet=f"{ON} padding: 3px; border-radius: 3px;",
        )
        self._session, self._labelling = session, labelling
        changed = (labelling.toggled, session.types_changed, session.recolored)
        listen(self, self.show_state, *changed)
        self.show_state()

    def show_state(self) -> None:
        """Show the keys, or nothing while labelling is off."""
        self.setVisible(self._labelling.on)
        seen = "shown" if self._session.predictions_shown else "hidden"
        keys = {str(digit): name for digit, name in self._labelling.digits.items()}
        keys |= {"⇧": "not", "X": "not a soma", "J": "next", "L": "ends"}
        # No space at which a key could lose its word.
        words = (
            f"<b>{key}</b>&nbsp;{escape(word).replace(' ', '&nbsp;')}"
            for key, word in keys.items()
        )
        self.setText(f"<b>LABELLING</b> (predictions {seen}): {' · '.join(words)}")
