"""Ground truth: labelled trace sets, label tables and the autosaved label file."""

from napari_celltype.labels.csv_table import read_label_table, write_label_table
from napari_celltype.labels.data_set import DataSet
from napari_celltype.labels.importing import AddedLabels, add_labels
from napari_celltype.labels.label_file import LabelFile, load_labels, save_labels
from napari_celltype.labels.labelled_recording import (
    LabelledRecording,
    find_labelled,
    guess_from_path,
)
from napari_celltype.labels.reading import LabelledData, Reading
from napari_celltype.labels.table import NOT_A_SOMA, Label, LabelTable, SetAside
from napari_celltype.labels.targets import Targets
from napari_celltype.labels.trace_set import Cells, TraceSet, load_traces, save_traces

__all__ = [
    "NOT_A_SOMA",
    "AddedLabels",
    "Cells",
    "DataSet",
    "Label",
    "LabelFile",
    "LabelTable",
    "LabelledData",
    "LabelledRecording",
    "Reading",
    "SetAside",
    "Targets",
    "TraceSet",
    "add_labels",
    "find_labelled",
    "guess_from_path",
    "load_labels",
    "load_traces",
    "read_label_table",
    "save_labels",
    "save_traces",
    "write_label_table",
]
