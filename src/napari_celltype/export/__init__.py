"""The labelled ROI table on disk: tables, NWB, figure, provenance, methods text."""

from napari_celltype.export.content import (
    Content,
    ExportedRecording,
    ExportRequest,
    FigureOptions,
    Format,
    Preview,
)
from napari_celltype.export.formats import (
    FORMATS,
    check_table_path,
    export_path,
    find_format,
    preview_export,
    table_format,
    write_export,
    write_table,
)
from napari_celltype.export.methods import methods_paragraph
from napari_celltype.export.nwb_session import NwbSession
from napari_celltype.export.tables import READ_ENDINGS, read_table, table_to_csv

__all__ = [
    "FORMATS",
    "READ_ENDINGS",
    "Content",
    "ExportRequest",
    "ExportedRecording",
    "FigureOptions",
    "Format",
    "NwbSession",
    "Preview",
    "check_table_path",
    "export_path",
    "find_format",
    "methods_paragraph",
    "preview_export",
    "read_table",
    "table_format",
    "table_to_csv",
    "write_export",
    "write_table",
]
