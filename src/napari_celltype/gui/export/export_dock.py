"""The dock "Export": choose recording and format, see what will be written, save."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari.viewer import Viewer
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QImage, QShowEvent
from qtpy.QtWidgets import (
    QApplication,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.export import (
    FORMATS,
    Format,
    Preview,
    preview_export,
    write_export,
)
from napari_celltype.gui.export.export_options import ExportOptions
from napari_celltype.gui.export.export_preview import ExportPreview
from napari_celltype.gui.exporting import exported
from napari_celltype.gui.forms import narrow
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.placement import FirstPlace
from napari_celltype.gui.scene import scene_of
from napari_celltype.gui.settings import Settings
from napari_celltype.gui.tasks import Failed, Finished, JobBar, Outcome, TaskRunner
from napari_celltype.gui.widgets import Column, Notice, listen

_WIDTH = 310
# Typing and sliding shall come to rest before a preview is made.
_REST_MS = 300
_ALL = "all"
_FOLDER, _FORMAT = "exports", "export format"
_HIDDEN = (
    "Predictions are hidden while you label, so they are left out here; show them (H) "
    "to export them."
)
_NO_FILE = "Choose the NWB file that holds these ROIs; a copy of it gets the types."


@dataclass(frozen=True)
class _Copied:
    """What goes to the clipboard, and what it is."""

    what: str
    text: str = ""
    image: QImage | None = None


class ExportDock(QWidget):
    """Writes what is known about the ROIs for other programs and for papers."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.session = scene_of(napari_viewer).session
        self.recording = narrow(QComboBox())
        self.format = narrow(QComboBox())
        self.options = ExportOptions()
        self.hidden = Notice()
        self.preview = ExportPreview()
        self.problem = Notice()
        self.save = QPushButton("Save...")
        self.copy = QPushButton("Copy")
        self.job = JobBar()
        self.previews = TaskRunner(self)
        self._up_to_date = False
        self._obstacle = ""
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        FirstPlace(self, Qt.DockWidgetArea.RightDockWidgetArea, _WIDTH)
        self._lay_out()
        self._connect()
        self._show_recordings()
        self._on_format()

    def chosen(self) -> list[OpenRecording]:
        """Return the recordings that are exported."""
        key = self.recording.currentData()
        if key == _ALL:
            return list(self.session.recordings.values())
        opened = self.session.recordings.get(key)
        return [] if opened is None else [opened]

    @property
    def chosen_format(self) -> Format:
        """The format that is chosen."""
        return FORMATS[self.format.currentData()]

    def choose_format(self, key: str) -> None:
        """Choose a format by its key."""
        self.format.setCurrentIndex(self.format.findData(key))

    def save_to(self, path: Path) -> None:
        """Write the file in the background; it may replace one that is there."""
        request = self.options.request(self.chosen_format)
        recordings = exported(self.session, self.chosen())

        def work(on_progress: Any, should_stop: Any) -> Path:
            # The dialog has asked already whether a file that is there may go.
            return write_export(
                recordings,
                request,
                path,
                force=True,
                on_progress=on_progress,
                should_stop=should_stop,
            )

        self.job.start(f"Writing {path.name}", work, self._on_written)
        self._show_buttons()

    def copy_all(self) -> None:
        """Put all of what would be written into the clipboard."""
        request = self.options.request(self.chosen_format)
        recordings = exported(self.session, self.chosen())

        def work(on_progress: Any, should_stop: Any) -> _Copied:
            whole = preview_export(
                recordings,
                request,
                in_full=True,
                on_progress=on_progress,
                should_stop=should_stop,
            )
            if whole.picture:
                return _Copied("the figure", image=QImage.fromData(whole.picture))
            rows = None if whole.table is None else len(whole.table)
            return _Copied(
                "the text" if rows is None else f"{rows} rows", whole.as_text()
            )

        self.job.start("Copying", work, self._on_copied)
        self._show_buttons()

    def refresh(self) -> None:
        """Make the preview anew, unless nobody sees the dock."""
        self._rest.stop()
        chosen = self.chosen()
        hidden = not self.session.predictions_shown
        left_out = hidden and any(opened.predictions for opened in chosen)
        self.hidden.show_text(_HIDDEN if left_out else "")
        self._up_to_date = True
        request = self.options.request(self.chosen_format)
        hint = "" if chosen else "Open a recording first."
        if "existing" in self.chosen_format.options and request.existing is None:
            hint = hint or _NO_FILE
        if hint:
            self.previews.cancel()
            self.preview.clear()
            self._obstacle = hint
            self.problem.show_text(hint)
            self._show_buttons()
            return
        recordings = exported(self.session, chosen)

        def work(on_progress: Any, should_stop: Any) -> Preview:
            return preview_export(
                recordings, request, on_progress=on_progress, should_stop=should_stop
            )

        self.preview.show_waiting()
        self.previews.start(work, on_end=self._on_preview)
        self._show_buttons()

    def showEvent(self, event: QShowEvent) -> None:
        """Make the preview that was not made while the dock was hidden."""
        super().showEvent(event)
        if not self._up_to_date:
            self._rest.start()

    def _lay_out(self) -> None:
        self.recording.setToolTip("The open recording whose ROIs are exported")
        for index, one in enumerate(FORMATS.values()):
            self.format.addItem(one.title, one.key)
            self.format.setItemData(index, one.description, Qt.ItemDataRole.ToolTipRole)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Recording", self.recording)
        form.addRow("Format", self.format)
        buttons = QHBoxLayout()
        buttons.addWidget(self.save, 1)
        buttons.addWidget(self.copy, 1)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(5)
        column.addLayout(form)
        for widget in (self.options, self.hidden):
            column.addWidget(widget)
        column.addWidget(self.preview, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(Column(inner), 1)
        # Below what scrolls: always there, however low the window is.
        foot = QVBoxLayout()
        foot.setContentsMargins(6, 0, 6, 4)
        foot.addLayout(buttons)
        for widget in (self.job, self.problem):
            foot.addWidget(widget)
        layout.addLayout(foot)

    def _connect(self) -> None:
        self.choose_format(str(Settings().get(_FORMAT, "csv")))
        if self.format.currentIndex() < 0:
            self.choose_format("csv")
        self.recording.activated.connect(lambda index: self._on_recording())
        self.format.currentIndexChanged.connect(lambda index: self._on_format())
        self.options.changed.connect(self._changed)
        self._rest.timeout.connect(self.refresh)
        self.save.clicked.connect(self._ask_where)
        self.copy.clicked.connect(self.copy_all)
        self.job.ended.connect(self._show_buttons)
        session = self.session
        for signal in (session.opened, session.closed, session.activated):
            listen(self, signal, self._on_recordings)
        for signal in (session.replaced, session.predicted, session.labelled):
            listen(self, signal, self._on_one_changed)
        listen(self, session.recolored, self._on_recolored)
        listen(self, session.types_changed, self._changed)

    def _show_recordings(self) -> None:
        """List the open recordings; the active one is chosen unless all are."""
        everything = self.recording.currentData() == _ALL
        active = self.session.active
        self.recording.clear()
        for key, opened in self.session.recordings.items():
            self.recording.addItem(opened.title, key)
        if self.recording.count() > 1:
            self.recording.addItem(f"All {self.recording.count()} open ones", _ALL)
        wanted = _ALL if everything else None if active is None else active.key
        index = self.recording.findData(wanted)
        fallback = None if active is None else self.recording.findData(active.key)
        self.recording.setCurrentIndex(index if index >= 0 else fallback or 0)

    def _on_recordings(self) -> None:
        self._show_recordings()
        self._on_recording()

    def _on_recording(self) -> None:
        chosen = self.chosen()
        one = chosen[0].recording if len(chosen) == 1 else None
        self.options.show_pixel_size(None if one is None else one.pixel_size)
        self._changed()

    def _on_one_changed(self, key: str) -> None:
        if any(opened.key == key for opened in self.chosen()):
            self._changed()

    def _on_recolored(self) -> None:
        if not self.session.predictions_shown:
            # Nor may they be seen until the next preview is made.
            self.previews.cancel()
            self.preview.clear()
        self._changed()

    def _on_format(self) -> None:
        chosen = self.chosen_format
        self.format.setToolTip(chosen.description)
        self.options.show_format(chosen)
        self._changed()

    def _changed(self) -> None:
        """Let the preview be made once nothing changes any more."""
        self._up_to_date = False
        if not self.job.running:
            # It was about what was chosen before.
            self.job.notice.clear()
        if self.isVisible():
            self.preview.show_waiting()
            self._rest.start()
        self._show_buttons()

    def _on_preview(self, outcome: Outcome[Preview]) -> None:
        if isinstance(outcome, Failed):
            self._obstacle = outcome.sentence
            self.problem.show_error(outcome.sentence)
            self.preview.clear()
        elif isinstance(outcome, Finished):
            self._obstacle = ""
            self.problem.clear()
            self.preview.show_preview(outcome.result)
        self._show_buttons()

    def _show_buttons(self) -> None:
        """Switch the buttons on or off; one that is off says why."""
        why = "Something is being written." if self.job.running else self._obstacle
        self.save.setEnabled(not why)
        ending = self.chosen_format.ending
        self.save.setToolTip(why or f"Choose a file name ({ending}) and write")
        self.copy.setEnabled(not why)
        self.copy.setToolTip(
            why or "Copy what the preview shows, in full; rows with tabs between cells"
        )

    def _ask_where(self) -> None:
        chosen, recordings = self.chosen_format, self.chosen()
        if not recordings:
            return
        folder = Settings().folder(_FOLDER) or str(recordings[0].recording.path or "")
        name = _file_name(chosen.key, recordings, chosen.ending)
        path, _ = QFileDialog.getSaveFileName(
            self, "Save", str(Path(folder) / name), f"{chosen.title} (*{chosen.ending})"
        )
        if path:
            target = Path(path)
            named = target.suffix.lower() == chosen.ending
            self.save_to(
                target if named else target.with_name(target.name + chosen.ending)
            )

    def _on_written(self, outcome: Outcome[Path]) -> None:
        if not isinstance(outcome, Finished):
            return
        written = outcome.result
        Settings().set_folder(_FOLDER, written)
        Settings().set(_FORMAT, self.format.currentData())
        self.options.fields.remember()
        self.job.notice.show_text(f"Wrote {written}")

    def _on_copied(self, outcome: Outcome[_Copied]) -> None:
        clipboard = QApplication.clipboard()
        if not isinstance(outcome, Finished) or clipboard is None:
            return
        copied = outcome.result
        if copied.image is None:
            clipboard.setText(copied.text)
        else:
            clipboard.setImage(copied.image)
        self.job.notice.show_text(f"Copied {copied.what}.")


def _file_name(key: str, recordings: list[OpenRecording], ending: str) -> str:
    """Propose a file name."""
    if key == "npy":
        return "celltype.npy"
    title = recordings[0].title if len(recordings) == 1 else "recordings"
    word = {"labels": "labels", "methods": "methods"}.get(key, "cell_types")
    return f"{title} {word}{ending}".replace(" ", "_")
