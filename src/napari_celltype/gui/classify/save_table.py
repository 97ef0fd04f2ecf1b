"""Ask for a file name and write the table of predictions there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_celltype.workflows import Predictions
from napari_celltype.workflows.output import export_table

_FORMATS = ";;".join(
    f"{name} (*.{name.lower()})" for name in ("CSV", "Parquet", "JSON", "npy", "mat")
)


def save_table(
    parent: QWidget, predictions: Predictions, min_probability: float
) -> Path | None:
    """Write the output table where the user says; None when nothing was chosen.

    Parameters
    ----------
    parent : QWidget
    predictions : Predictions
    min_probability : float
        Less probable types are unsure.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    start = predictions.recording.path or Path()
    path, chosen = QFileDialog.getSaveFileName(
        parent, "Export table", str(start / "cell_types.csv"), _FORMATS
    )
    if not path:
        return None
    target = Path(path)
    if not target.suffix:
        target = target.with_suffix(chosen.split("*")[-1].rstrip(")") or ".csv")
    # The dialog has asked already whether a file that is there may go.
    predictions = replace(predictions, min_probability=min_probability)
    return export_table(predictions, target, force=True)
