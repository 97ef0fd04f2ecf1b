"""Somebody at the screen: clicks what can be seen, types, reads, takes pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QMimeData, QPoint, QPointF, QRect, Qt, QTimer, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QScrollArea,
    QTabBar,
    QTableView,
    QWidget,
)

from napari_celltype.gui.commands import show_dock, show_docks
from napari_celltype.gui.placement import FirstPlace
from napari_celltype.gui.scene import scene_of

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
SIZE = (1366, 768)


class Person:
    """Works in one napari window with mouse and keys only.

    Parameters
    ----------
    viewer : napari.Viewer
    qtbot : pytestqt.qtbot.QtBot
    pictures : Path
        Gets the screenshots.
    """

    def __init__(self, viewer: Any, qtbot: Any, pictures: Path) -> None:
        self.viewer, self.bot, self.pictures = viewer, qtbot, pictures
        self.main = viewer.window._qt_window
        self.main.resize(*SIZE)

    @property
    def canvas(self) -> QWidget:
        """The widget that shows the picture."""
        native: QWidget = self.viewer.window._qt_viewer.canvas.native
        return native

    def choose_in_menu(self, *names: str) -> None:
        """Walk through the menu bar, such as "Plugins", "Cell types", "Train"."""
        menu: Any = self.main.menuBar()
        for name in names:
            # napari adds the name of the plugin to each of its entries.
            texts = {a.text().replace("&", ""): a for a in menu.actions()}
            action = next(a for text, a in texts.items() if text.startswith(name))
            self._click_at(menu, menu.actionGeometry(action))
            if action.menu() is not None:
                menu = action.menu()
                self.bot.waitUntil(menu.isVisible)

    def open_dock(self, name: str) -> Any:
        """Open a dock of ours from the menu, and return what it holds."""
        self.choose_in_menu("Plugins", "Cell types", name)
        # The dock is open: this only finds it.
        dock = show_dock(self.viewer, name)
        self.wait(lambda: dock.findChild(FirstPlace).settled)
        self.find(dock)
        return dock

    def go_to_tab(self, name: str) -> None:
        """Click on the tab of a dock."""
        for bar in self.main.findChildren(QTabBar):
            for at in range(bar.count()):
                if bar.isVisible() and bar.tabText(at) == name:
                    self._click_at(bar, bar.tabRect(at))
                    return
        raise AssertionError(f"There is no tab {name}.")

    def click(self, widget: Any) -> None:
        """Click on a widget, scrolling to it where it is out of sight."""
        assert widget.isEnabled(), widget.toolTip()
        self._reveal(widget)
        rect = widget.rect()
        if isinstance(widget, QCheckBox):
            # Right of its words a box does not hear.
            rect.setWidth(rect.height())
        self._click_at(widget, rect)

    def click_roi(self, roi: Any) -> None:
        """Click on a ROI in the picture."""
        canvas = self.canvas
        self._click_at(canvas, QRect(spot_of(self.viewer, *roi.centroid), QPoint()))

    def press(self, key: Any, modifier: Any = NONE, widget: Any = None) -> None:
        """Press a key, in the picture unless a widget is named."""
        widget = widget or self.canvas
        focus(self.bot, widget)
        self.bot.keyClick(widget, key, modifier)

    def type_in(self, widget: QLineEdit | QAbstractSpinBox, text: str) -> None:
        """Replace a text or a number."""
        self._reveal(widget)
        line = widget if isinstance(widget, QLineEdit) else widget.lineEdit()
        self.bot.mouseClick(line, LEFT)
        self.bot.keyClick(line, Qt.Key.Key_A, CONTROL)
        self.bot.keyClicks(line, text)
        self.bot.keyClick(line, Qt.Key.Key_Return)

    def choose(self, box: QComboBox, text: str) -> None:
        """Choose the entry that begins with a text, with the arrow keys."""
        at = box.findText(text, Qt.MatchFlag.MatchStartsWith)
        assert at >= 0, [box.itemText(i) for i in range(box.count())]
        self._reveal(box)
        self.bot.keyClick(box, Qt.Key.Key_Home)
        for _ in range(at):
            self.bot.keyClick(box, Qt.Key.Key_Down)
        assert box.currentText().startswith(text)

    def click_row(self, table: QTableView, row: int) -> None:
        """Click on a row of a table."""
        index = table.model().index(row, 0)
        table.scrollTo(index)
        self._click_at(table.viewport(), table.visualRect(index))

    def answer(self, button: Any, path: Path) -> None:
        """Click on a button that asks for a file or a folder, and paste the answer."""
        asked: list[QFileDialog] = []
        # The dialogs of a desktop cannot be typed into from here.
        QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)

        def paste_path() -> None:
            dialog = QApplication.activeModalWidget()
            if not isinstance(dialog, QFileDialog):
                QTimer.singleShot(20, paste_path)
                return
            asked.append(dialog)
            line = dialog.findChild(QLineEdit, "fileNameEdit")
            self.bot.keyClick(line, Qt.Key.Key_A, CONTROL)
            # Pasted: while one types, Qt selects folders on the way.
            QApplication.clipboard().setText(str(path))
            self.bot.keyClick(line, Qt.Key.Key_V, CONTROL)
            self.bot.keyClick(line, Qt.Key.Key_Return)

        QTimer.singleShot(0, paste_path)
        self.click(button)
        assert asked

    def wait(self, done: Callable[[], Any], seconds: float = 30) -> None:
        """Wait until something is on the screen."""
        try:
            self.bot.waitUntil(lambda: bool(done()), timeout=round(1000 * seconds))
        except self.bot.TimeoutError:
            self.take_picture("waited in vain")
            raise

    def read(self, widget: QWidget, text: str, seconds: float = 30) -> None:
        """Wait until a text stands in a widget."""
        try:
            self.wait(lambda: text in words(widget), seconds)
        except self.bot.TimeoutError:
            raise AssertionError(f"{text!r} is not in {words(widget)!r}") from None

    def find(self, widget: QWidget, seconds: float = 30) -> None:
        """Wait until a widget can be seen."""
        self.wait(lambda: can_be_seen(widget), seconds)

    def look(self, name: str) -> None:
        """Take a picture of the whole window, which has to show something."""
        # Docks take their width, and the canvas is drawn, a little later.
        self.bot.wait(100)
        whole = self.take_picture(name)
        image = self.viewer.screenshot(canvas_only=True, flash=False)[..., :3]
        assert whole.shape[1::-1] == SIZE
        assert len(np.unique(whole.reshape(-1, whole.shape[-1]), axis=0)) > 100
        bright = (image.max(axis=2) > 40).mean()
        assert bright > 0.05, f"{name}: {bright:.1%} of the picture is bright"

    def take_picture(self, name: str) -> Any:
        """Save a picture of the window, and return its pixels."""
        path = str(self.pictures / f"{name}.png")
        return self.viewer.screenshot(path, canvas_only=False, flash=False)

    def _reveal(self, widget: QWidget) -> None:
        parent = widget.parentWidget()
        while parent is not None:
            if isinstance(parent, QScrollArea):
                # What was shown just now is not laid out yet.
                QApplication.processEvents()
                parent.ensureWidgetVisible(widget)
            parent = parent.parentWidget()
        self.find(widget)

    def _click_at(self, widget: QWidget, rect: QRect) -> None:
        """Click where a person would see the widget, and nothing that covers it."""
        seen = widget.visibleRegion().boundingRect()
        spot = rect.intersected(seen).center() if rect.isValid() else rect.topLeft()
        found = QApplication.widgetAt(widget.mapToGlobal(spot))
        assert found is not None
        assert found is widget or widget.isAncestorOf(found), (widget, found)
        self.bot.mouseMove(widget, spot)
        self.bot.mouseClick(widget, LEFT, pos=spot)


class Window:
    """A real napari window with both docks."""

    def __init__(self, viewer: Any, qtbot: Any) -> None:
        self.viewer, self._qtbot = viewer, qtbot
        self.dock = show_docks(viewer)

    @property
    def rois_dock(self) -> Any:
        return show_dock(self.viewer, "ROIs and traces")

    def layer(self, role: str) -> Any:
        """The layer of the active recording that plays a role."""
        return scene_of(self.viewer).layer(self.dock.session.active.key, role)

    def open(self, path: Path) -> None:
        with self._qtbot.waitSignal(self.dock.tasks.ended, timeout=20_000):
            self.dock.open_paths([path])

    def classify(self, model: str = "quick") -> None:
        self.dock.form.model.choose(model)
        with self._qtbot.waitSignal(self.dock.tasks.ended, timeout=60_000):
            self._qtbot.mouseClick(self.dock.run.classify, LEFT)

    def click(self, y: float, x: float, modifier: Any = None) -> None:
        """Click on a place of the image, in data coordinates, with the real mouse."""
        native = self.viewer.window._qt_viewer.canvas.native
        spot = spot_of(self.viewer, y, x)
        self._qtbot.mouseMove(native, spot)
        self._qtbot.mouseClick(native, LEFT, modifier or NONE, spot)

    def press(self, key: Any, modifier: Any = None, widget: Any = None) -> None:
        """Press a key in the picture, or in another widget that has the focus then."""
        canvas = self.viewer.window._qt_viewer.canvas.native
        focus(self._qtbot, widget or canvas)
        self._qtbot.keyClick(widget or canvas, key, modifier or NONE)

    def words(self, widget: Any) -> str:
        """What can be read in a widget."""
        return words(widget)

    def hover(self, roi_id: int) -> str:
        """The text of the status bar over a ROI."""
        rois = self.layer("rois")
        y, x = np.argwhere(rois.data == roi_id + 1)[0]
        return str(rois.get_status((0, y, x), world=True)["value"])


def focus(bot: Any, widget: QWidget) -> None:
    """Bring the keyboard to a widget, in a window that has it."""
    top = widget.window()

    def has_focus() -> bool:
        if QApplication.activeWindow() is not top:
            top.activateWindow()
        widget.setFocus()
        return widget is top or QApplication.focusWidget() is widget

    bot.waitUntil(has_focus)


def drop(widget: QWidget, *paths: Path) -> None:
    """Drag files and folders onto a widget and let them go, as file managers do."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    data.setText(data.urls()[0].toString())
    how = (Qt.DropAction.CopyAction, data, LEFT, NONE)
    QApplication.sendEvent(widget, QDragEnterEvent(QPoint(5, 5), *how))
    QApplication.sendEvent(widget, QDropEvent(QPointF(5, 5), *how))


def words(widget: QWidget) -> str:
    """Return all that can be read in a widget, but for what stands in its controls."""
    labels = widget.findChildren(QLabel)
    texts = "\n".join(label.text() for label in labels if label.isVisible())
    # Long paths may be broken where nothing is seen.
    return texts.replace("\u200b", "")


def spot_of(viewer: Any, y: float, x: float) -> QPoint:
    """Return where a place of the image, in data coordinates, is on the canvas."""
    QApplication.processEvents()
    native = viewer.window._qt_viewer.canvas.native
    center, zoom = viewer.scene.camera.center[-2:], viewer.scene.camera.zoom
    return QPoint(
        round(native.width() / 2 + (x - center[1]) * zoom),
        round(native.height() / 2 + (y - center[0]) * zoom),
    )


def can_be_seen(widget: QWidget) -> bool:
    """Tell whether something of a widget is neither hidden nor scrolled away."""
    return widget.isVisible() and not widget.visibleRegion().isEmpty()
