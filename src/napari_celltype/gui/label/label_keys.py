"""The keys of labelling, and the banner that says what they do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from html import escape

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDockWidget,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from napari_celltype.gui.label.labelling import Labelling
from napari_celltype.gui.layers import tag_of
from napari_celltype.gui.placement import FirstPlace
from napari_celltype.gui.scene import Scene
from napari_celltype.gui.session import Session
from napari_celltype.gui.widgets import listen

# How it looks that keys label.
ON = "background: #2F6F4F; color: white;"
# Digits in the order of the keyboard, IN last of those that everybody has.
DIGITS = (1, 2, 3, 4, 0, 5, 6, 7, 8, 9)
_EDITORS = (QLineEdit, QAbstractSpinBox, QComboBox, QTextEdit, QPlainTextEdit)

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

_Key = Qt.Key
_COMMANDS: dict[tuple[int, Qt.KeyboardModifier], Callable[[Labelling], None]] = {
    (_Key.Key_L, _NONE): Labelling.toggle,
    (_Key.Key_X, _NONE): Labelling.not_a_soma,
    (_Key.Key_Backspace, _NONE): Labelling.clear,
    (_Key.Key_Space, _NONE): Labelling.accept,
    (_Key.Key_J, _NONE): Labelling.next,
    (_Key.Key_K, _NONE): Labelling.previous,
    (_Key.Key_J, _SHIFT): Labelling.next_unlabelled,
    (_Key.Key_H, _NONE): Labelling.show_or_hide_predictions,
    (_Key.Key_T, _NONE): Labelling.zoom,
    (_Key.Key_Z, _CONTROL): Labelling.undo,
    (_Key.Key_Z, _CONTROL | _SHIFT): Labelling.redo,
}


class LabelKeys(QObject):
    """Turns keys into commands while a dock is open, wherever the keyboard is.

    The keys are taken from whatever has the focus in the window of the dock, but not
    where one types or chooses; while labelling is off, all but L are left alone.
    """

    def __init__(self, scene: Scene, dock: QWidget) -> None:
        super().__init__(dock)
        self._scene, self._dock = scene, dock
        dock.installEventFilter(self)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._on_focus)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take a key that is ours, before napari's shortcuts do."""
        kind = event.type()
        if kind == QEvent.Type.Show and watched is self._dock:
            # Keys that a widget has no use for end up here.
            _top(self._dock).installEventFilter(self)
        if kind not in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride):
            return False
        assert isinstance(event, QKeyEvent)
        command = self._command(event, watched)
        if command is None:
            return False
        event.accept()
        if kind == QEvent.Type.KeyPress:
            command()
        return True

    def _on_focus(self, before: QWidget | None, now: QWidget | None) -> None:
        """Watch the widget that gets the keys; not those of a dialog."""
        if (
            now is not None
            and isinstance(now.window(), QDockWidget | type(_top(self._dock)))
            and _top(now) is _top(self._dock)
        ):
            now.installEventFilter(self)

    def _command(self, event: QKeyEvent, watched: QObject) -> Callable[[], None] | None:
        labelling, key = self._scene.labelling, key_of(event)
        # The keypad's digits are digits, too.
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        is_space = key == _Key.Key_Space
        if isinstance(watched, _EDITORS) or (
            is_space and isinstance(watched, QAbstractButton)
        ):
            return None
        if isinstance(QApplication.focusWidget(), _EDITORS):
            # It let the key pass.
            return None
        if not labelling.on:
            is_l = (key, modifiers) == (_Key.Key_L, _NONE)
            return labelling.toggle if is_l and self._may_begin(watched) else None
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
        return layer is None or tag_of(layer) is not None or _is_in_our_dock(watched)


def _top(widget: QWidget) -> QWidget:
    """Return the window in which a widget is, also where its dock floats."""
    while (parent := widget.parentWidget()) is not None:
        widget = parent
    return widget


def _is_in_our_dock(watched: QObject | None) -> bool:
    while watched is not None and not isinstance(watched, QDockWidget):
        watched = watched.parent()
    return watched is not None and watched.findChild(FirstPlace) is not None


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


class LabelBanner(QLabel):
    """Says for as long as labelling is on what the keys do."""

    def __init__(self, session: Session, labelling: Labelling) -> None:
        super().__init__()
        self._session, self._labelling = session, labelling
        self.setWordWrap(True)
        self.setToolTip("Keys work in the whole window, but where you type or choose")
        self.setStyleSheet(f"{ON} padding: 3px; border-radius: 3px;")
        for signal in (
            labelling.toggled,
            session.types_changed,
            session.recolored,
        ):
            listen(self, signal, self.show_state)
        self.show_state()

    def show_state(self) -> None:
        """Show the keys, or nothing while labelling is off."""
        self.setVisible(self._labelling.on)
        digits = self._labelling.digits
        types = [(str(d), digits[d]) for d in DIGITS if d in digits]
        others = [("⇧", "not"), ("X", "not a soma"), ("J", "next"), ("L", "ends")]
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
