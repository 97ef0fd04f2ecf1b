"""Ground truth: labelled trace sets, label tables and the autosaved label file."""

from napari_celltype.labels.trace_set import TraceSet, load_traces, save_traces

__all__ = ["TraceSet", "load_traces", "save_traces"]
