"""The labelled ROI table on disk: tables, NWB, figure, provenance, methods text."""

from napari_celltype.export.columns import (
    COLUMNS,
    class_columns,
    find_column,
    output_columns,
    roi_rows,
)
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
    find_format,
    preview_export,
    table_format,
    write_export,
    write_table,
)
from napari_celltype.export.methods import methods_paragraph
from napari_celltype.export.nwb_session import NwbSession
from napari_celltype.export.origin import (
    describe_labels,
    describe_recording,
    is_ours,
    provenance,
    provenance_path,
    read_provenance,
    require_replaceable,
    write_output,
)
from napari_celltype.export.tables import READ_ENDINGS, read_table, table_to_csv

__all__ = [
    "COLUMNS",
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
    "class_columns",
    "describe_labels",
    "describe_recording",
    "find_column",
    "find_format",
    "is_ours",
    "methods_paragraph",
    "output_columns",
    "preview_export",
    "provenance",
    "provenance_path",
    "read_provenance",
    "read_table",
    "require_replaceable",
    "roi_rows",
    "table_format",
    "table_to_csv",
    "write_export",
    "write_output",
    "write_table",
]
