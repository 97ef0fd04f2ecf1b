"""The labelled ROI table on disk: tables, NWB, figure, provenance, methods text."""

from napari_celltype.export.content import (
    ExportedRecording,
    ExportRequest,
    FigureOptions,
    Format,
    Preview,
)
from napari_celltype.export.formats import (
    FORMATS,
    export_path,
    preview_export,
    table_format,
    write_export,
    write_table,
)
from napari_celltype.export.methods import methods_paragraph
from napari_celltype.export.nwb_session import NwbSession
from napari_celltype.export.tables import read_table, table_to_csv

__all__ = [
    "FORMATS",
    "ExportRequest",
    "ExportedRecording",
    "FigureOptions",
    "Format",
    "NwbSession",
    "Preview",
    "export_path",
    "methods_paragraph",
    "preview_export",
    "read_table",
    "table_format",
    "table_to_csv",
    "write_export",
    "write_table",
]
