"""Classify, Cancel, progress, and Export table."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import (
    QGridLayout,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from napari_celltype.gui.job import Job

_NOTHING_OPEN = "Open a suite2p folder first"
_NOT_CLASSIFIED = "Classify first"
_HIDDEN = "Predictions are hidden; key H or Predictions in the Label dock shows them"


class RunBar(QWidget):
    """The buttons, with a progress bar and Cancel in their place while a job runs."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.classify = QPushButton("Classify")
        self.export = QPushButton("Export table...")
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("Stop; labels and predictions stay as they were")
        self.progress = QProgressBar()
        self.progress.setTextVisible(True)
        self.progress.setSizePolicy(
            QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed
        )
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setColumnStretch(0, 3)
        layout.setColumnStretch(1, 2)
        layout.addWidget(self.classify, 0, 0)
        layout.addWidget(self.export, 0, 1)
        layout.addWidget(self.progress, 0, 0)
        layout.addWidget(self.cancel, 0, 1)
        self.show_job(None)

    def allow(self, *, classify: bool, export: bool, hidden: bool) -> None:
        """Switch the buttons on or off; off, they say why.

        Parameters
        ----------
        classify : bool
            Whether a recording is open.
        export : bool
            Whether there are predictions to be seen.
        hidden : bool
            Whether there are some that are hidden.
        """
        self.classify.setEnabled(classify)
        self.classify.setToolTip(
            "Run the model on every ROI of the recording" if classify else _NOTHING_OPEN
        )
        self.export.setEnabled(export)
        self.export.setToolTip(
            "Write the table of predictions to a file"
            if export
            else (_HIDDEN if hidden else _NOT_CLASSIFIED)
        )

    def show_job(self, job: Job | None) -> None:
        """Show how far a job is; None where nothing runs."""
        for widget in (self.classify, self.export):
            widget.setVisible(job is None)
        for widget in (self.progress, self.cancel):
            widget.setVisible(job is not None)
        if job is None:
            return
        # A bar without an end moves to and fro.
        self.progress.setRange(0, job.total or 0)
        self.progress.setValue(job.done)
        share = " %p%" if job.total else ""
        self.progress.setFormat(f"{job.message}{share}")
        self.progress.setToolTip(job.message)
