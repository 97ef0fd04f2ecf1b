"""The dialog "Import labels": what a file says, and what it would change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
)

from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.session import Session
from napari_celltype.gui.tasks import Finished, JobBar, Outcome
from napari_celltype.gui.widgets import Words, ask_file, ask_folder
from napari_celltype.labels import AddedLabels, LabelTable, add_labels
from napari_celltype.labels.importing import ImportedLabels, OtherDay, import_labels
from napari_celltype.labels.notes import counted, first_few

_WIDTH = 420
_FILES = "Labels and matches (*.csv *.tsv *.txt *.json)"
_WHAT = (
    "A label table (CSV with the columns roi_id and label), a label file of this "
    "program, such as a copy (celltype_labels.json), the folder of Track2p, or "
    "ROICaT's NAME.tracking.results_clusters.json."
)


class LabelImport(QDialog):
    """Takes a file, says what is in it and what Import would do."""

    def __init__(
        self, session: Session, apply: Callable[[LabelTable], None], parent: Any = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        # Takes the labels of the recording, all of them, as one change.
        self._give = apply
        self._key = "" if session.active is None else session.active.key
        self._found: ImportedLabels | None = None
        self.setWindowTitle("Import labels")
        self.setMinimumWidth(_WIDTH)
        self.choose_file = QPushButton("Choose file...")
        self.choose_file.setToolTip("A CSV, a label file, or ROICaT's JSON")
        self.choose_folder = QPushButton("Choose folder...")
        self.choose_folder.setToolTip("The folder 'track2p', or one with ROICaT's JSON")
        self.carry = QCheckBox("Take over the labels of the same cells on other days")
        self.carry.setToolTip(
            "They get the source 'imported', and the note says from which day and ROI"
        )
        self.keep = QCheckBox("Keep my labels where they differ")
        self.keep.setChecked(True)
        self.keep.setToolTip(
            "On: a label that is there stays, and only what has none is labelled. Off: "
            "the file replaces it."
        )
        self.job = JobBar()
        self.ok = QPushButton("Import")
        what, self._preview = Words(), Words()
        what.setText(_WHAT)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton(self.ok, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        row = QHBoxLayout()
        row.addWidget(self.choose_file)
        row.addWidget(self.choose_folder)
        layout = QVBoxLayout(self)
        layout.addWidget(what)
        layout.addLayout(row)
        for widget in (self.job, self._preview, self.carry, self.keep):
            layout.addWidget(widget)
        layout.addStretch(1)
        layout.addWidget(buttons)
        self.choose_file.clicked.connect(self._ask_file)
        self.choose_folder.clicked.connect(self._ask_folder)
        self.keep.toggled.connect(self._show)
        self.carry.toggled.connect(self._show)
        self.ok.clicked.connect(self._on_import)
        self._show()

    @property
    def text(self) -> str:
        """What the dialog says about the file."""
        return str(self._preview.text())

    def read(self, path: Path) -> None:
        """Read a file or folder and show what is in it."""
        opened, tree = self._now(), self._session.tree
        self._found = None
        self._show()
        if opened is None:
            return
        others = [
            OtherDay(other.title, other.recording, other.labels)
            for other in self._session.recordings.values()
            if other.key != opened.key and other.labels is not None
        ]

        def work(on_progress: Any, should_stop: Any) -> ImportedLabels:
            return import_labels(path, opened.recording, tree, others)

        def end(outcome: Outcome[ImportedLabels]) -> None:
            if isinstance(outcome, Finished):
                self._found = outcome.result
                self.carry.setChecked(bool(len(outcome.result.carried)))
            self._show()

        self.job.start(f"Reading {path.name}", work, end)

    def showEvent(self, event: QShowEvent) -> None:
        """Fit the height once the widths are known."""
        super().showEvent(event)
        self._fit()

    def _outcome(self) -> AddedLabels | None:
        """Return what Import would make of the labels as they are now."""
        opened, found = self._now(), self._found
        if opened is None or found is None:
            return None
        keep = self.keep.isChecked()
        present = opened.labels or LabelTable(tree=self._session.tree)
        outcome = add_labels(present, found.table, keep=keep)
        if self.carry.isChecked() and len(found.carried):
            carried = add_labels(outcome.table, found.carried, keep=keep)
            return AddedLabels(
                carried.table,
                (*outcome.added, *carried.added),
                (*outcome.replaced, *carried.replaced),
                (*outcome.kept, *carried.kept),
            )
        return outcome

    def _now(self) -> OpenRecording | None:
        return self._session.recordings.get(self._key)

    def _show(self, *_: Any) -> None:
        opened, found, outcome = self._now(), self._found, self._outcome()
        self.carry.setVisible(found is not None and len(found.carried) > 0)
        self.keep.setVisible(found is not None)
        sentences: list[str] = []
        if opened is not None and found is not None and outcome is not None:
            sentences = [*found.sentences, _what_changes(opened, outcome)]
        self._preview.setText("\n\n".join(filter(None, sentences)))
        reason = ""
        if opened is None:
            reason = "No recording is open"
        elif self.job.running:
            reason = "Wait until the file is read"
        elif outcome is None:
            reason = "Choose a file first"
        elif not len(outcome.table):
            reason = "The file says nothing about this recording"
        for button in (self.choose_file, self.choose_folder):
            button.setEnabled(opened is not None)
        self.ok.setEnabled(not reason)
        self.ok.setToolTip(reason or "Take the labels over; one step to undo")
        self._fit()

    def _fit(self) -> None:
        """Be as high as the wrapped sentences need."""
        layout = self.layout()
        if layout is not None:
            layout.activate()
            width = max(self.width(), _WIDTH)
            self.resize(width, layout.totalHeightForWidth(width))

    def _ask_file(self) -> None:
        path = ask_file(self, "Labels or matches", "labels", _FILES)
        if path is not None:
            self.read(path)

    def _ask_folder(self) -> None:
        path = ask_folder(self, "Folder of Track2p or ROICaT", "labels")
        if path is not None:
            self.read(path)

    def _on_import(self) -> None:
        outcome, opened = self._outcome(), self._now()
        if outcome is None or opened is None:
            return
        self._session.activate(opened.key)
        self._give(outcome.table)
        self.accept()


def _what_changes(opened: OpenRecording, outcome: AddedLabels) -> str:
    """Say what would be added, replaced and kept."""
    before, rows = opened.labels or (), outcome.table
    labelled, matched = (
        {row.roi_id for row in rows if getattr(row, what)}
        - {row.roi_id for row in before if getattr(row, what)}
        for what in ("label", "cell_id")
    )
    n_labels, n_cells = (
        counted(len(labelled), "label"),
        counted(len(matched), "cell_id"),
    )
    words = [f"New here: {n_labels}, {n_cells}."]
    for rois, what in (
        (outcome.replaced, "⚠ Replaced"),
        (outcome.kept, "Yours stay where the file says something else"),
    ):
        if rois:
            words.append(f"{what}: ROI {first_few(map(str, sorted(set(rois))))}.")
    return " ".join(words)
