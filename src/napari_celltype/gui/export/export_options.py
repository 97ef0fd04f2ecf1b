"""The choices that belong to one export format; those of other formats are hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_celltype.export import ExportRequest, FigureOptions, Format, NwbSession
from napari_celltype.gui.forms import Form, PathLine
from napari_celltype.gui.settings import Settings
from napari_celltype.parameters import parameters

# These rarely change from one session to the next.
_REMEMBERED = ("species", "indicator", "device", "experimenter", "lab", "institution")
_SETTING = "NWB session"
_ORDER = (
    *("session_description", "session_start_time", "subject_id", "species", "age"),
    *("sex", "indicator", "location", "device", "experimenter", "lab", "institution"),
    "identifier",
)


class ExportOptions(QWidget):
    """suite2p's cells only, looks of the figure, NWB fields, the NWB file to copy."""

    changed = Signal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.cells_only = Form(ExportRequest, ["only_iscell"])
        self.figure = Form(
            FigureOptions,
            (
                *("width", "pixel_size", "title", "dots_per_inch"),
                *("fill", "marks", "by_group"),
            ),
        )
        self.fields = _NwbFields()
        about = parameters(ExportRequest)["existing"]
        file = PathLine(about, "NWB (*.nwb)", "the file that holds these ROIs")
        self.copy_of = Form(ExportRequest, ["existing"], widgets={"existing": file})
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.cells_only, self.figure, self.fields, self.copy_of):
            layout.addWidget(part)
            part.changed.connect(self.changed)

    def show_format(self, chosen: Format) -> None:
        """Show what belongs to a format."""
        self.cells_only.setVisible("only_iscell" in chosen.options)
        self.figure.setVisible("figure" in chosen.options)
        self.fields.setVisible("session" in chosen.options)
        self.copy_of.setVisible("existing" in chosen.options)

    def show_pixel_size(self, pixel_size: tuple[float, float] | None) -> None:
        """Show how large a pixel is according to the recording, (height, width) µm."""
        known = "not known" if pixel_size is None else f"{pixel_size[1]:.3g} µm (file)"
        self.figure.native("pixel_size").setSpecialValueText(known)

    def request(self, chosen: Format) -> ExportRequest:
        """Return what is chosen, as far as a format heeds it."""
        request = ExportRequest(chosen.key, only_iscell=False)
        if "only_iscell" in chosen.options:
            only = self.cells_only.value("only_iscell")
            request = replace(request, only_iscell=bool(only))
        if "figure" in chosen.options:
            request = replace(request, figure=self.figure.request())
        if "session" in chosen.options:
            request = replace(request, session=self.fields.request())
        if "existing" in chosen.options:
            request = replace(request, existing=self.copy_of.value("existing"))
        return request


class _NwbFields(Form):
    """One line for each field; an empty one is written as not known."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(NwbSession, _ORDER, parent=parent)
        remembered = Settings().get(_SETTING, {})
        if isinstance(remembered, dict):
            self.show_values({n: remembered.get(n, "") for n in _REMEMBERED})

    def remember(self) -> None:
        """Keep what will be the same for the next session."""
        kept = {name: self.value(name).strip() for name in _REMEMBERED}
        Settings().set(_SETTING, {name: text for name, text in kept.items() if text})
