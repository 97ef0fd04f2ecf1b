"""Ask for a file name and write the table of predictions there."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_celltype.export import write_table
from napari_celltype.workflows import Predictions

_FORMATS = "CSV (*.csv);;Parquet (*.parquet);;JSON (*.json)"


def save_table(
    parent: QWidget, predictions: Predictions, min_probability: float
) -> Path | None:
    """Write the output table where the user says; None when nothing was chosen.

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
    write_table(predictions.table(min_probability), target, force=True)
    return target
