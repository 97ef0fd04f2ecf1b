"""Commands of the menus."""

from __future__ import annotations

from napari import Viewer
from qtpy.QtWidgets import QWidget

from napari_celltype.gui.classify.classify_dock import ClassifyDock
from napari_celltype.gui.evaluate.evaluate_dock import EvaluateDock
from napari_celltype.gui.export.export_dock import ExportDock
from napari_celltype.gui.label.label_dock import LabelDock
from napari_celltype.gui.look.rois_dock import RoisDock
from napari_celltype.gui.placement import FirstPlace, open_once
from napari_celltype.gui.train.train_dock import TrainDock

_DOCKS = {
    "ROIs and traces": RoisDock,
    "Classify": ClassifyDock,
    "Label": LabelDock,
    "Train": TrainDock,
    "Evaluate": EvaluateDock,
    "Export": ExportDock,
}


def open_suite2p_folder(viewer: Viewer) -> None:
    """Show both docks and ask for a suite2p folder."""
    viewer = getattr(viewer, "__wrapped__", viewer)
    classify = show_docks(viewer)
    classify.folder.ask()


def show_all_docks(viewer: Viewer) -> ClassifyDock:
    """Show every dock, those of the right side as tabs, and return "Classify"."""
    classify = show_docks(viewer)
    others = [show_dock(viewer, name) for name in list(_DOCKS)[2:]]
    for dock in (classify, *others):
        dock.findChild(FirstPlace).place()
    classify.parentWidget().raise_()
    return classify


def show_docks(viewer: Viewer) -> ClassifyDock:
    """Show "Classify" and "ROIs and traces", and return the first."""
    show_dock(viewer, "ROIs and traces")
    classify = show_dock(viewer, "Classify")
    assert isinstance(classify, ClassifyDock)
    return classify


def show_dock(viewer: Viewer, name: str) -> QWidget:
    """Show a dock and return what it holds; one that is open stays the only one."""
    return open_once(viewer, name, _DOCKS[name])
