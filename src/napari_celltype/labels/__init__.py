"""Ground truth: labelled trace sets, label tables and the autosaved label file."""

from napari_celltype.labels.atomic import (
    replace_atomically,
    write_atomically,
    write_text_atomically,
)
from napari_celltype.labels.csv_table import read_label_table, write_label_table
from napari_celltype.labels.importing import AddedLabels, add_labels
from napari_celltype.labels.label_file import (
    LabelFile,
    label_path,
    load_labels,
    save_labels,
)
from napari_celltype.labels.labelled_data import LabelledData, load_labelled_data
from napari_celltype.labels.reading import Reading
from napari_celltype.labels.red_channel import (
    RedChannel,
    labels_from_red,
    measure_red,
    propose_lines,
    red_groups,
)
from napari_celltype.labels.redcell import labels_from_redcell
from napari_celltype.labels.table import (
    NOT_A_SOMA,
    SOURCES,
    Label,
    LabelTable,
    SetAside,
)
from napari_celltype.labels.targets import Targets
from napari_celltype.labels.trace_set import TraceSet, load_traces, save_traces

__all__ = [
    "NOT_A_SOMA",
    "SOURCES",
    "AddedLabels",
    "Label",
    "LabelFile",
    "LabelTable",
    "LabelledData",
    "Reading",
    "RedChannel",
    "SetAside",
    "Targets",
    "TraceSet",
    "add_labels",
    "label_path",
    "labels_from_red",
    "labels_from_redcell",
    "load_labelled_data",
    "load_labels",
    "load_traces",
    "measure_red",
    "propose_lines",
    "read_label_table",
    "red_groups",
    "replace_atomically",
    "save_labels",
    "save_traces",
    "write_atomically",
    "write_label_table",
    "write_text_atomically",
]
