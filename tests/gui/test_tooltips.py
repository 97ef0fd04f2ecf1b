"""Every control says what it does, and every button that is off says why."""

from __future__ import annotations

from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QDockWidget,
    QLineEdit,
    QWidget,
)

from napari_celltype.gui.commands import show_all_docks
from napari_celltype.gui.placement import FirstPlace

_CONTROLS = (QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit)


def test_every_control_of_every_dock_has_a_tooltip(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    show_all_docks(viewer)
    main = viewer.window._qt_window
    docks = [d for d in main.findChildren(QDockWidget) if d.findChild(FirstPlace)]
    assert len(docks) == 6
    silent = [
        f"{dock.windowTitle()}: {type(control).__name__} {name_of(control)!r}"
        f" in {type(control.parentWidget()).__name__}"
        for dock in docks
        for control in dock.widget().findChildren(QWidget)
        if isinstance(control, _CONTROLS) and is_ours(control)
        if not says(control)
    ]
    assert not silent, "\n".join(silent)


def says(control):
    """The control's own tooltip, or that of the box that it is a part of."""
    parent = control.parentWidget()
    return control.toolTip() or (parent is not None and parent.toolTip())


def is_ours(control):
    """Neither a part of a spin box or a list nor of a table's corner or a tab bar."""
    parent = control.parentWidget()
    return not isinstance(parent, QAbstractSpinBox | QComboBox) and (
        not control.objectName().startswith("qt_")
        and type(control).__name__ not in ("QTableCornerButton", "CloseButton")
        and type(parent).__name__ not in ("QTabBar", "QTableView", "QLineEdit")
    )


def name_of(control):
    text = getattr(control, "text", lambda: "")
    return str(text()) or control.objectName()
