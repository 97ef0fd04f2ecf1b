"""The keys of labelling, wherever in the window the keyboard is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QWidget

from napari_celltype.gui.label.labelling import Labelling

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
