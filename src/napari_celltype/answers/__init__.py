"""Classify recordings, and what an answer is: its decisions, table and counts."""

from napari_celltype.answers.classify import (
    ClassifyRequest,
    classify,
    classify_recording,
)
from napari_celltype.answers.columns import (
    COLUMNS,
    class_columns,
    find_column,
    output_columns,
    roi_table,
)
from napari_celltype.answers.predictions import Predictions
from napari_celltype.answers.provenance import (
    describe_labels,
    describe_recording,
    is_ours,
    provenance,
    provenance_path,
    read_provenance,
    require_replaceable,
    write_output,
)
from napari_celltype.answers.shares import Prevalence, prevalence_choices, share_text
from napari_celltype.answers.summary import Summary, count_rois

__all__ = [
    "COLUMNS",
    "ClassifyRequest",
    "Predictions",
    "Prevalence",
    "Summary",
    "class_columns",
    "classify",
    "classify_recording",
    "count_rois",
    "describe_labels",
    "describe_recording",
    "find_column",
    "is_ours",
    "output_columns",
    "prevalence_choices",
    "provenance",
    "provenance_path",
    "read_provenance",
    "require_replaceable",
    "roi_table",
    "share_text",
    "write_output",
]
