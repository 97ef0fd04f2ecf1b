"""Listening to a session or a viewer that may outlive the widget that listens."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakMethod

from qtpy.QtCore import QObject


def listen(widget: QObject, signal: Any, slot: Callable[..., Any]) -> None:
    """Call a method of a widget at each signal, until Qt destroys the widget.

    A dock that is closed is destroyed at once, while Python may keep its object for as
    long as it likes; a signal would then reach widgets that are gone.

    Parameters
    ----------
    widget : QObject
    signal : object
        With `connect` and `disconnect`, such as those of psygnal and of napari.
    slot : callable
        A method of the widget.
    """
    signal.connect(slot)
    widget.destroyed.connect(partial(_forget, signal, WeakMethod(slot)))


def _forget(signal: Any, slot: WeakMethod[Any], _: object = None) -> None:
    method = slot()
    if method is not None:
        signal.disconnect(method)
