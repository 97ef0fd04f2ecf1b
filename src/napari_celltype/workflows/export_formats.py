"""The formats that the labels of a recording can be exported in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_celltype.errors import OutputError

Kind = Literal["table", "labels", "nwb", "nwb copy", "figure", "text"]


@dataclass(frozen=True)
class ExportFormat:
    """One format.

    Attributes
    ----------
    key : str
        Names it in code and settings.
    title : str
        Its name on the screen.
    ending : str
        Of the file name, with the dot.
    kind : str
        What is written: a table, a label table that can be imported again, NWB (new or
        into a copy), a figure or text.
    one_recording : bool
        Whether a file holds one recording only.
    explained : str
        What it is for, in a sentence.
    """

    key: str
    title: str
    ending: str
    kind: Kind
    one_recording: bool
    explained: str


FORMATS = (
    ExportFormat("csv", "Table: CSV", ".csv", "table", False, "For any program."),
    ExportFormat(
        "parquet", "Table: Parquet", ".parquet", "table", False, "Keeps column types."
    ),
    ExportFormat("json", "Table: JSON", ".json", "table", False, "A list of rows."),
    ExportFormat(
        "mat",
        "Table: MATLAB (.mat)",
        ".mat",
        "table",
        False,
        "One variable per column.",
    ),
    ExportFormat(
        "npy",
        "celltype.npy, beside iscell.npy",
        ".npy",
        "table",
        True,
        "Numbers as suite2p keeps iscell; needs predictions.",
    ),
    ExportFormat(
        "labels",
        "Labels only (CSV, can be imported)",
        ".csv",
        "labels",
        True,
        "What people said, to be read again by this program.",
    ),
    ExportFormat(
        "nwb", "NWB: new file", ".nwb", "nwb", False, "ROIs, traces and cell types."
    ),
    ExportFormat(
        "nwb-copy",
        "NWB: into a copy of a file",
        ".nwb",
        "nwb copy",
        False,
        "Adds the cell types to an NWB file with the same ROIs; yours stays as it is.",
    ),
    ExportFormat("png", "Figure: PNG", ".png", "figure", True, "For slides."),
    ExportFormat("svg", "Figure: SVG", ".svg", "figure", True, "For drawing programs."),
    ExportFormat("pdf", "Figure: PDF", ".pdf", "figure", True, "For papers."),
    ExportFormat(
        "methods", "Methods paragraph", ".txt", "text", False, "For a paper's methods."
    ),
)


def export_format(key: str) -> ExportFormat:
    """Return a format by its key.

    Raises
    ------
    OutputError
        If there is none of that name.
    """
    for one in FORMATS:
        if one.key == key:
            return one
    raise OutputError(
        f"{key!r} is no export format; use {', '.join(one.key for one in FORMATS)}."
    )
