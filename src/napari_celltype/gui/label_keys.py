"""The keys of labelling, in the image and in the table alike."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QWidget

from napari_celltype.gui.labelling import Labelling

# Places of the digits on the keyboard, for layouts on which Shift turns a digit into
# something else: X11 counts from 10 for "1", Windows has the digit itself.
_X11_FIRST = 10
_MAC = dict(zip((29, 18, 19, 20, 21, 23, 22, 26, 28, 25), range(10), strict=True))

_SHIFT = Qt.KeyboardModifier.ShiftModifier
_CONTROL = Qt.KeyboardModifier.ControlModifier
_NONE = Qt.KeyboardModifier.NoModifier


class LabelKeys(QObject):
    """Turns keys pressed in some widgets into commands; off, it leaves all but L alone.

    Parameters
    ----------
    labelling : Labelling
    listens : callable
        Tells whether keys are ours now, such as while our layer is the active one.
    parent : QObject
    """

    def __init__(
        self, labelling: Labelling, listens: Callable[[], bool], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._labelling = labelling
        self._listens = listens

    def watch(self, widget: QWidget) -> None:
        """Take the keys that are pressed in a widget."""
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take a key that is ours, before napari's shortcuts do."""
        kind = event.type()
        if kind not in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride):
            return False
        assert isinstance(event, QKeyEvent)
        command = self._command(event) if self._listens() else None
        if command is None:
            return False
        event.accept()
        if kind == QEvent.Type.KeyPress:
            command()
        return True

    def _command(self, event: QKeyEvent) -> Callable[[], None] | None:
        labelling, key = self._labelling, event.key()
        # The keypad's digits are digits, too.
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if (key, modifiers) == (Qt.Key.Key_L, _NONE):
            return labelling.toggle
        if not labelling.on:
            return None
        digit = digit_of(event)
        if digit is not None and modifiers in (_NONE, _SHIFT):
            return partial(labelling.give_digit, digit, negated=modifiers == _SHIFT)
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


def digit_of(event: QKeyEvent) -> int | None:
    """Return the digit of a key, whatever Shift makes of it on this keyboard."""
    key = int(event.key())
    if Qt.Key.Key_0 <= key <= Qt.Key.Key_9:
        return key - int(Qt.Key.Key_0)
    if event.modifiers() & _SHIFT != _SHIFT:
        return None
    if sys.platform == "win32":
        code = event.nativeVirtualKey() - ord("0")
        return code if 0 <= code <= 9 else None
    if sys.platform == "darwin":
        return _MAC.get(event.nativeVirtualKey())
    place = event.nativeScanCode() - _X11_FIRST
    return (place + 1) % 10 if 0 <= place <= 9 else None
