"""Commands of the menus."""

from __future__ import annotations

from napari import Viewer

from napari_celltype.gui.classify_dock import ClassifyDock
from napari_celltype.gui.placement import FirstPlace

PLUGIN = "napari-celltype"


def open_suite2p_folder(viewer: Viewer) -> None:
    """Show both docks and ask for a suite2p folder."""
    viewer = getattr(viewer, "__wrapped__", viewer)
    classify = show_docks(viewer)
    classify.folder.ask()


def show_all_docks(viewer: Viewer) -> ClassifyDock:
    """Show every dock, those of the right side as tabs, and return "Classify"."""
    classify = show_docks(viewer)
    others = ("Label", "Train", "Evaluate", "Export")
    docks = [viewer.window.add_plugin_dock_widget(PLUGIN, name)[1] for name in others]
    for dock in (classify, *docks):
        dock.findChild(FirstPlace).place()
    classify.parentWidget().raise_()
    return classify


def show_docks(viewer: Viewer) -> ClassifyDock:
    """Show "Classify" and "ROIs and traces", and return the first."""
    viewer.window.add_plugin_dock_widget(PLUGIN, "ROIs and traces")
    _, classify = viewer.window.add_plugin_dock_widget(PLUGIN, "Classify")
    assert isinstance(classify, ClassifyDock)
    return classify
