"""Where a dock goes in napari's window, and how much room it takes at first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

_SETTLED_MS = 60
# What napari adds to the name of a dock that its menu opens, or that code opens.
_NAME_SUFFIXES = (" (Cell types)", " (napari-celltype)")


class FirstPlace(QObject):
    """Puts a dock widget in its place when it is shown for the first time."""

    def __init__(
        self,
        widget: QWidget,
        area: Qt.DockWidgetArea = Qt.DockWidgetArea.RightDockWidgetArea,
        size: int = 320,
    ) -> None:
        super().__init__(widget)
        self._widget, self._area, self._size = widget, area, size
        self._placed = False
        # Whether it has taken its size, too.
        self.settled = False
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Wait for the first showing."""
        if event.type() == QEvent.Type.Show:
            self._widget.removeEventFilter(self)
            # napari is still adding the dock.
            QTimer.singleShot(0, self.place)
        return False

    def place(self) -> None:
        """Put the widget in its place now, if that has not been done."""
        dock, window = self._surroundings()
        if self._placed or dock is None or window is None:
            return
        self._widget.removeEventFilter(self)
        self._placed = True
        # Five tabs with the plugin's name behind each do not fit beside one another.
        for suffix in _NAME_SUFFIXES:
            dock.setWindowTitle(dock.windowTitle().removesuffix(suffix))
        # The sides keep their whole height, with as much of a form as possible.
        for corner, side in (
            (Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea),
            (Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea),
        ):
            window.setCorner(corner, side)
        if window.dockWidgetArea(dock) != self._area:
            window.addDockWidget(self._area, dock)
        for other in window.findChildren(QDockWidget):
            place = other.findChild(FirstPlace)
            if other is dock or place is None or not place._placed:
                continue
            if window.dockWidgetArea(other) == self._area:
                window.tabifyDockWidget(other, dock)
                dock.raise_()
                break
        # Sizes hold once the new place, and a window that is resized, are laid out.
        QTimer.singleShot(_SETTLED_MS, self._resize)

    def _resize(self) -> None:
        dock, window = self._surroundings()
        if dock is not None and window is not None:
            bottom = self._area == Qt.DockWidgetArea.BottomDockWidgetArea
            direction = Qt.Orientation.Vertical if bottom else Qt.Orientation.Horizontal
            window.resizeDocks([dock], [self._size], direction)
            self.settled = True

    def _surroundings(self) -> tuple[QDockWidget | None, QMainWindow | None]:
        """Return the dock and the window around the widget."""
        dock = dock_of(self._widget)
        window = None if dock is None else dock.parent()
        return dock, window if isinstance(window, QMainWindow) else None


def dock_of(widget: QObject) -> QDockWidget | None:
    """Return the dock that a widget is in, if it is in one."""
    part: QObject | None = widget
    while part is not None and not isinstance(part, QDockWidget):
        part = part.parent()
    return part


def open_once(viewer: Any, name: str, make: Callable[[Any], QWidget]) -> QWidget:
    """Show a dock and return what it holds; one that is open stays the only one."""
    window = viewer.window
    for suffix in _NAME_SUFFIXES:
        if f"{name}{suffix}" in window.dock_widgets:
            widget: QWidget = window.dock_widgets[f"{name}{suffix}"]
            widget.parentWidget().show()
            return widget
    widget = make(viewer)
    # Under this name napari's menu finds it, and does not open a second one.
    window.add_dock_widget(widget, name=f"{name}{_NAME_SUFFIXES[0]}")
    return widget
