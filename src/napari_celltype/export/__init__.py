"""The labelled ROI table on disk: tables, arrays, figure, provenance, methods text."""

from napari_celltype.export.arrays import (
    celltype_array,
    matlab_variables,
    write_mat,
    write_npy,
)
from napari_celltype.export.columns import class_columns, output_columns
from napari_celltype.export.methods import methods_paragraph
from napari_celltype.export.origin import (
    describe_labels,
    describe_recording,
    provenance,
    software_versions,
)
from napari_celltype.export.ownership import (
    is_ours,
    provenance_path,
    read_provenance,
    require_replaceable,
    write_output,
)
from napari_celltype.export.roi_rows import roi_rows
from napari_celltype.export.tables import (
    read_table,
    table_to_csv,
    table_to_json,
    write_table,
)

__all__ = [
    "celltype_array",
    "class_columns",
    "describe_labels",
    "describe_recording",
    "is_ours",
    "matlab_variables",
    "methods_paragraph",
    "output_columns",
    "provenance",
    "provenance_path",
    "read_provenance",
    "read_table",
    "require_replaceable",
    "roi_rows",
    "software_versions",
    "table_to_csv",
    "table_to_json",
    "write_mat",
    "write_npy",
    "write_output",
    "write_table",
]
