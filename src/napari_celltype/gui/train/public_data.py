"""The dialog "Add public data": a labelled trace set out of an archive or a folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psygnal
from qtpy import QtWidgets

from napari_celltype.datasets import DatasetRequest, MadeDataset, make_dataset
from napari_celltype.datasets.public import PUBLIC_SETS
from napari_celltype.gui.forms import Form, PathLine, narrow
from napari_celltype.gui.tasks import Finished, JobBar, Outcome
from napari_celltype.gui.widgets import Words, ask_folder, fill_grid, switch
from napari_celltype.parameters import parameters

_WIDTH = 440
_TABLES = "Tables of types (*.csv)"
_FIELDS = ("sources", "output", "types", "cache", "limit", "resample")


class _Source:
    """A public set, or a folder or file that is typed or chosen."""

    changed = psygnal.Signal(object)

    def __init__(self) -> None:
        self.native = QtWidgets.QWidget()
        self.box = narrow(QtWidgets.QComboBox(editable=True))
        for number, (name, (about, *_)) in enumerate(PUBLIC_SETS.items()):
            self.box.addItem(f"dandi:{name}")
            self.box.setItemData(number, about, 3)
        self.box.setCurrentText("")
        self.box.editTextChanged.connect(self.changed.emit)
        folder = QtWidgets.QPushButton("Folder...", clicked=self._ask)
        fill_grid(QtWidgets.QGridLayout(self.native), (self.box, folder))

    @property
    def value(self) -> tuple[str, ...]:
        """What is chosen."""
        text = self.box.currentText().strip()
        return (text,) if text else ()

    def _ask(self) -> None:
        folder = ask_folder(self.native, "Recordings of known types", "recordings")
        if folder is not None:
            self.box.setCurrentText(str(folder))


class PublicData(QtWidgets.QDialog):
    """Makes a trace set, after a question where something has to be downloaded."""

    def __init__(self, add: Callable[[list[Path | None]], None], parent: Any) -> None:
        super().__init__(parent)
        # Takes the trace set that was made.
        self._add = add
        # What the user was asked, and agrees to with the next click.
        self._questions: set[str] = set()
        self.setWindowTitle("Add public data")
        self.setMinimumWidth(_WIDTH)
        declared = parameters(DatasetRequest)
        widgets = {
            "sources": _Source(),
            "output": PathLine(declared["output"], empty="a folder or a file .npz"),
            "types": PathLine(declared["types"], _TABLES, "by mouse line"),
        }
        self.form = Form(DatasetRequest, _FIELDS, widgets=widgets)
        rate = self.form.native("resample")
        rate.setSpecialValueText("not needed")
        rate.setDecimals(2)
        rate.setSuffix(" Hz")
        self.text, self.job = Words(), JobBar()
        self.make = QtWidgets.QPushButton(clicked=self.start)
        close = QtWidgets.QPushButton("Close", clicked=self.reject)
        fill_grid(
            QtWidgets.QGridLayout(self),
            *(self.form, self.text, self.job, (self.make, close)),
        )
        self.form.changed.connect(self._on_changed)
        self._on_changed()

    def start(self) -> None:
        """Make the trace set in the background, or ask about a download first."""
        asked: list[str] = []
        agreed = frozenset(self._questions)

        def confirm(question: str) -> bool:
            asked.append(question)
            return question in agreed

        def end(outcome: Outcome[MadeDataset]) -> None:
            self._questions = {q for q in asked if q not in agreed}
            if isinstance(outcome, Finished):
                made = outcome.result
                lines = (*made.notes, *made.failures, f"Wrote {made.path}")
                self.text.setText("\n".join((made.table(), *lines)))
                self._add([made.path])
            elif self._questions:
                self.job.notice.clear()
                self.text.setText("\n".join(self._questions))
            self._show()

        request = self.form.request(output=_npz(self.form.value("output")))
        work = partial(make_dataset, request, confirm=confirm)
        self.job.start("Looking for recordings", work, end)
        self._show()

    def reject(self) -> None:
        """Close; work that goes on is stopped, and goes on with the next try."""
        self.job.tasks.cancel()
        super().reject()

    def _on_changed(self) -> None:
        self._questions.clear()
        self.text.setText("")
        self._show()

    def _show(self) -> None:
        missing = not (self.form.value("sources") and self.form.value("output"))
        why_not = "Choose a source, and a file for the trace set." if missing else ""
        if self.job.running:
            why_not = "It is being made."
        self.make.setText("Download and make" if self._questions else "Make")
        switch(self.make, "Make a trace set and add it to the recordings", why_not)
        self.form.setEnabled(not self.job.running)


def _npz(path: Path) -> Path:
    """Return the trace set in a folder, or with its ending where it has none."""
    if path.is_dir():
        return path / "dataset.npz"
    return path if path.suffix else path.with_suffix(".npz")
