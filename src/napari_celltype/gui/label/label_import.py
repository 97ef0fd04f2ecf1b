"""The dialog "Import labels": what a file says, and what it would change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy import QtWidgets
from qtpy.QtGui import QShowEvent

from napari_celltype.gui.label.labelling import Labelling
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.session import Session
from napari_celltype.gui.tasks import Finished, JobBar, Outcome
from napari_celltype.gui.widgets import Words, ask_file, ask_folder
from napari_celltype.labels import AddedLabels, LabelTable, add_labels
from napari_celltype.labels.importing import ImportedLabels, import_labels
from napari_celltype.labels.notes import counted, first_few

_WIDTH = 420
_FILES = "Labels and matches (*.csv *.tsv *.txt *.json)"
_WHAT = (
    "A label table (CSV with the columns roi_id and label), a label file of this "
    "program, such as a copy (celltype_labels.json), the folder of Track2p, or "
    "ROICaT's NAME.tracking.results_clusters.json."
)


class LabelImport(QtWidgets.QDialog):
    """Takes a file, says what is in it and what Import would do."""

    def __init__(
        self,
        session: Session,
        labelling: Labelling,
        opened: OpenRecording,
        parent: Any = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._labelling, self._opened = session, labelling, opened
        self._found: ImportedLabels | None = None
        self.setWindowTitle("Import labels")
        self.setMinimumWidth(_WIDTH)
        what, self.preview, self.job = Words(), Words(), JobBar()
        what.setText(_WHAT)
        choose_file = QtWidgets.QPushButton(
            "Choose file...",
            toolTip="A CSV, a label file, or ROICaT's JSON",
            clicked=lambda: self.read(
                ask_file(self, "Labels or matches", "labels", _FILES)
            ),
        )
        choose_folder = QtWidgets.QPushButton(
            "Choose folder...",
            toolTip="The folder 'track2p', or one with ROICaT's JSON",
            clicked=lambda: self.read(
                ask_folder(self, "Folder of Track2p or ROICaT", "labels")
            ),
        )
        self.carry = QtWidgets.QCheckBox(
            "Take over the labels of the same cells on other days",
            toolTip="They get the source 'imported', and the note says from which day "
            "and ROI",
            toggled=self._show,
        )
        self.keep = QtWidgets.QCheckBox(
            "Keep my labels where they differ",
            checked=True,
            toolTip="On: a label that is there stays, and only what has none is "
            "labelled. Off: the file replaces it.",
            toggled=self._show,
        )
        self.ok = QtWidgets.QPushButton("Import", clicked=self._on_import)
        buttons = QtWidgets.QDialogButtonBox(
            QtWidgets.QDialogButtonBox.StandardButton.Cancel, rejected=self.reject
        )
        buttons.addButton(self.ok, QtWidgets.QDialogButtonBox.ButtonRole.ActionRole)
        layout = QtWidgets.QGridLayout(self)
        layout.addWidget(what, 0, 0, 1, 2)
        layout.addWidget(choose_file, 1, 0)
        layout.addWidget(choose_folder, 1, 1)
        below = (self.job, self.preview, self.carry, self.keep, buttons)
        for row, widget in enumerate(below, 2):
            layout.addWidget(widget, row, 0, 1, 2)
        self._show()

    def read(self, path: Path | None) -> None:
        """Read a file or folder and show what is in it."""
        if path is None:
            return
        tree = self._session.tree
        # It may have been read again since.
        self._opened = self._session.recordings.get(self._opened.key, self._opened)
        titles = self._session.titles
        others = [
            (titles[other.key], other.recording, other.labels)
            for other in self._session.recordings.values()
            if other.key != self._opened.key and other.labels is not None
        ]

        def work(on_progress: Any, should_stop: Any) -> ImportedLabels:
            return import_labels(path, self._opened.recording, tree, others)

        def end(outcome: Outcome[ImportedLabels]) -> None:
            if isinstance(outcome, Finished):
                self._found = outcome.result
                self.carry.setChecked(bool(len(outcome.result.carried)))
            self._show()

        self._found = None
        self.job.start(f"Reading {path.name}", work, end)
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        """Fit the height once the widths are known."""
        super().showEvent(event)
        self._show()

    def _present(self) -> LabelTable:
        """Return the labels as they are now."""
        opened = self._session.recordings.get(self._opened.key, self._opened)
        return opened.labels or LabelTable(tree=self._session.tree)

    def _changes(self) -> list[AddedLabels]:
        """Return what Import would do, first with the file, then with other days."""
        if self._found is None:
            return []
        tables = [self._found.table]
        if self.carry.isChecked():
            tables.append(self._found.carried)
        present = self._present()
        changes: list[AddedLabels] = []
        for new in tables:
            changes.append(add_labels(present, new, keep=self.keep.isChecked()))
            present = changes[-1].table
        return changes

    def _show(self, *_: Any) -> None:
        found, changes = self._found, self._changes()
        self.carry.setVisible(found is not None and len(found.carried) > 0)
        self.keep.setVisible(found is not None)
        sentences: list[str] = []
        if found is not None:
            sentences = [*found.sentences, _what_changes(self._present(), changes)]
        self.preview.setText("\n\n".join(filter(None, sentences)))
        reason = ""
        if self.job.running:
            reason = "Wait until the file is read"
        elif not changes:
            reason = "Choose a file first"
        elif not len(changes[-1].table):
            reason = "The file says nothing about this recording"
        self.ok.setEnabled(not reason)
        self.ok.setToolTip(reason or "Take the labels over; one step to undo")
        # As high as the wrapped sentences need.
        layout = self.layout()
        assert layout is not None
        layout.activate()
        width = max(self.width(), _WIDTH)
        self.resize(width, layout.totalHeightForWidth(width))

    def _on_import(self) -> None:
        # Others may have been opened, and this one closed, meanwhile.
        key = self._opened.key
        if key in self._session.recordings:
            self._session.activate(key)
            self._labelling.apply(key, self._changes()[-1].table)
        self.accept()


def _what_changes(present: LabelTable, changes: list[AddedLabels]) -> str:
    """Say what would be added, replaced and kept."""
    labelled, matched = (
        {row.roi_id for row in changes[-1].table if getattr(row, what)}
        - {row.roi_id for row in present if getattr(row, what)}
        for what in ("label", "cell_id")
    )
    new = f"{counted(len(labelled), 'label')}, {counted(len(matched), 'cell_id')}"
    words = [f"New here: {new}."]
    for what, rois in (
        ("⚠ Replaced", {i for change in changes for i in change.replaced}),
        (
            "Yours stay where the file says something else",
            {i for change in changes for i in change.kept},
        ),
    ):
        if rois:
            words.append(f"{what}: ROI {first_few(map(str, sorted(rois)))}.")
    return " ".join(words)
