"""The dock "Export": choose recording and format, see what will be written, save."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from napari.viewer import Viewer
from qtpy import QtWidgets
from qtpy.QtCore import QMargins, Qt, QTimer
from qtpy.QtGui import QGuiApplication, QImage, QShowEvent

from napari_celltype.export import (
    FORMATS,
    ExportRequest,
    Format,
    Preview,
    preview_export,
    write_export,
)
from napari_celltype.gui.export.export_preview import ExportPreview
from napari_celltype.gui.exporting import exported, folder_of
from napari_celltype.gui.forms import Form, PathLine, narrow
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.scene import scene_of
from napari_celltype.gui.settings import Settings
from napari_celltype.gui.tasks import Failed, Finished, JobBar, Outcome, TaskRunner
from napari_celltype.gui.widgets import Notice, fill, lay_out_dock, listen, switch
from napari_celltype.parameters import build, parameters

# Typing and sliding shall come to rest before a preview is made.
_REST_MS = 300
_ALL = "all"
# Names in the settings.
_FOLDER, _FORMAT, _NWB = "exports", "export format", "NWB session"
_HIDDEN = (
    "Predictions are hidden while you label, so they are left out here; show them (H) "
    "to export them."
)
_NO_FILE = "Choose the NWB file that holds these ROIs; a copy of it gets the types."


class ExportDock(QtWidgets.QWidget):
    """Writes what is known about the ROIs for other programs and for papers."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.session = scene_of(napari_viewer).session
        tip = "The open recording whose ROIs are exported"
        self.recording = narrow(
            QtWidgets.QComboBox(toolTip=tip, activated=self._on_recording)
        )
        self.format = narrow(QtWidgets.QComboBox())
        self.options = ExportOptions()
        self.hidden = Notice()
        self.preview = ExportPreview()
        # Why nothing can be written.
        self.problem = Notice()
        self.save = QtWidgets.QPushButton("Save...", clicked=self._ask_where)
        self.copy = QtWidgets.QPushButton("Copy", clicked=self.copy_all)
        self.job = JobBar()
        self.previews = TaskRunner(self)
        self._up_to_date = False
        self._rest = QTimer(
            self, singleShot=True, interval=_REST_MS, timeout=self.refresh
        )
        self._lay_out()
        self._connect()
        self._on_recordings()
        self._on_format()

    def chosen(self) -> list[OpenRecording]:
        """Return the recordings that are exported."""
        key = self.recording.currentData()
        recordings = self.session.recordings
        return [o for o in recordings.values() if key in (_ALL, o.key)]

    @property
    def chosen_format(self) -> Format:
        """The format that is chosen."""
        return FORMATS[self.format.currentData()]

    def choose_format(self, key: str) -> None:
        """Choose a format by its key, or a table where there is none."""
        self.format.setCurrentIndex(max(self.format.findData(key), 0))

    def save_to(self, path: Path) -> None:
        """Write the file in the background; it may replace one that is there."""
        request = self.options.request(self.chosen_format)
        recordings = exported(self.session, self.chosen())
        # The dialog has asked already whether a file that is there may go.
        work = partial(write_export, recordings, request, path, force=True)
        self.job.start(f"Writing {path.name}", work, self._on_written)
        self._show_buttons()

    def copy_all(self) -> None:
        """Put all of what would be written into the clipboard."""
        self.job.start("Copying", self._preview(in_full=True), self._on_copied)
        self._show_buttons()

    def refresh(self) -> None:
        """Make the preview anew, or say why there is none."""
        self._rest.stop()
        self._up_to_date = True
        chosen = self.chosen()
        left_out = any(o.predictions for o in chosen)
        left_out = left_out and not self.session.predictions_shown
        self.hidden.show_text(_HIDDEN if left_out else "")
        if not chosen:
            self._show_problem("Open a recording first.")
        elif self.options.lacks_file:
            self._show_problem(_NO_FILE)
        else:
            self.preview.show_waiting()
            self.previews.start(self._preview(), on_end=self._on_preview)
            self._show_buttons()

    def showEvent(self, event: QShowEvent) -> None:
        """Make the preview that was not made while the dock was hidden."""
        super().showEvent(event)
        if not self._up_to_date:
            self._rest.start()

    def _preview(self, *, in_full: bool = False) -> Callable[..., Preview]:
        """Return the work that makes a preview of what is chosen now."""
        request = self.options.request(self.chosen_format)
        recordings = exported(self.session, self.chosen())
        return partial(preview_export, recordings, request, in_full=in_full)

    def _lay_out(self) -> None:
        for index, one in enumerate(FORMATS.values()):
            self.format.addItem(one.title, one.key)
            self.format.setItemData(index, one.description, Qt.ItemDataRole.ToolTipRole)
        self.choose_format(str(Settings().get(_FORMAT)))
        form = QtWidgets.QFormLayout(contentsMargins=QMargins())
        form.addRow("Recording", self.recording)
        form.addRow("Format", self.format)
        parts = (form, self.options, self.hidden, (self.preview, 1))
        buttons = fill(QtWidgets.QHBoxLayout(), (self.save, 1), (self.copy, 1))
        lay_out_dock(self, parts, buttons, self.job, self.problem)

    def _connect(self) -> None:
        self.format.currentIndexChanged.connect(self._on_format)
        self.options.changed.connect(self._changed)
        self.job.ended.connect(self._show_buttons)
        now = self.session
        listen(self, self._on_recordings, now.opened, now.closed, now.activated)
        listen(self, self._on_one_changed, now.replaced, now.predicted, now.labelled)
        listen(self, self._changed, now.recolored, now.types_changed)

    def _on_recordings(self) -> None:
        """List the open recordings; the active one is chosen unless all are."""
        recordings, active = self.session.recordings, self.session.active
        everything = self.recording.currentData() == _ALL
        self.recording.clear()
        for key, title in self.session.titles.items():
            self.recording.addItem(title, key)
        if len(recordings) > 1:
            self.recording.addItem(f"All {len(recordings)} open ones", _ALL)
        wanted = _ALL if everything and len(recordings) > 1 else active and active.key
        self.recording.setCurrentIndex(max(self.recording.findData(wanted), 0))
        self._on_recording()

    def _on_recording(self) -> None:
        chosen = self.chosen()
        one = chosen[0].recording if len(chosen) == 1 else None
        self.options.show_pixel_size(None if one is None else one.pixel_size)
        self._changed()

    def _on_one_changed(self, key: str) -> None:
        if any(opened.key == key for opened in self.chosen()):
            self._changed()

    def _on_format(self) -> None:
        self.format.setToolTip(self.chosen_format.description)
        self.options.show_format(self.chosen_format)
        self._changed()

    def _changed(self) -> None:
        """Let the preview be made once nothing changes any more."""
        self._up_to_date = False
        if not self.session.predictions_shown:
            # Nor may they be seen until the next preview is made.
            self.previews.cancel()
            self.preview.clear()
        if not self.job.running:
            # It was about what was chosen before.
            self.job.notice.clear()
        if not self.chosen():
            self.refresh()
        elif self.isVisible():
            self.preview.show_waiting()
            self._rest.start()
        self._show_buttons()

    def _on_preview(self, outcome: Outcome[Preview]) -> None:
        if isinstance(outcome, Failed):
            self._show_problem(outcome.sentence, is_error=True)
        elif isinstance(outcome, Finished):
            self.problem.clear()
            self.preview.show_preview(outcome.result)
            self._show_buttons()

    def _show_problem(self, sentence: str, *, is_error: bool = False) -> None:
        """Say why there is no preview, and nothing to be saved."""
        self.previews.cancel()
        self.preview.clear()
        show = self.problem.show_error if is_error else self.problem.show_text
        show(sentence)
        self._show_buttons()

    def _show_buttons(self) -> None:
        """Switch the buttons on or off; one that is off says why."""
        why = "Something is being written." if self.job.running else self.problem.text
        ending = self.chosen_format.ending
        switch(self.save, f"Choose a file name ({ending}) and write", why)
        tip = "Copy what the preview shows, in full; rows with tabs between cells"
        switch(self.copy, tip, why)

    def _ask_where(self) -> None:
        chosen, recordings = self.chosen_format, self.chosen()
        folder = Settings().folder(_FOLDER) or folder_of(recordings[0])
        title = "recordings"
        if len(recordings) == 1:
            title = self.session.titles[recordings[0].key].replace("/", "_")
        words = chosen.key if chosen.key in ("labels", "methods") else "cell_types"
        name = f"{title} {words}{chosen.ending}".replace(" ", "_")
        if chosen.key == "npy":
            name = "celltype.npy"
        path, _ = QtWidgets.QFileDialog.getSaveFileName(
            self, "Save", str(Path(folder) / name), f"{chosen.title} (*{chosen.ending})"
        )
        if path:
            named = path.lower().endswith(chosen.ending)
            self.save_to(Path(path if named else path + chosen.ending))

    def _on_written(self, outcome: Outcome[Path]) -> None:
        if isinstance(outcome, Finished):
            Settings().set_folder(_FOLDER, outcome.result)
            Settings().set(_FORMAT, self.format.currentData())
            self.options.remember()
            self.job.notice.show_text(f"Wrote {outcome.result}")

    def _on_copied(self, outcome: Outcome[Preview]) -> None:
        if not isinstance(outcome, Finished):
            return
        clipboard, whole = QGuiApplication.clipboard(), outcome.result
        if whole.picture:
            clipboard.setImage(QImage.fromData(whole.picture))
        else:
            clipboard.setText(whole.as_text())
        text = "the text" if whole.table is None else f"{len(whole.table)} rows"
        what = "the figure" if whole.picture else text
        self.job.notice.show_text(f"Copied {what}.")


# The rows of each field of `ExportRequest` that a format may heed, in their order.
_ROWS = {
    "only_iscell": ("only_iscell",),
    "figure": (
        *("width", "pixel_size", "title", "dots_per_inch"),
        *("fill", "marks", "by_group"),
    ),
    "session": (
        *("session_description", "session_start_time", "subject_id", "species", "age"),
        *("sex", "indicator", "location", "device", "experimenter", "lab"),
        *("institution", "identifier"),
    ),
    "existing": ("existing",),
}
_NAMES = [name for rows in _ROWS.values() for name in rows]
# Of the session: these are seldom wanted, and those rarely change.
_FOLDED = ("device", "experimenter", "lab", "institution", "identifier")
_REMEMBERED = ("species", "indicator", "device", "experimenter", "lab", "institution")


class ExportOptions(Form):
    """suite2p's cells only, looks of the figure, NWB fields, the NWB file to copy."""

    def __init__(self) -> None:
        about = parameters(ExportRequest)["existing"]
        file = PathLine(about, "NWB (*.nwb)", "the file that holds these ROIs")
        super().__init__(ExportRequest, _NAMES, widgets={"existing": file})
        self._heeded: set[str] = set()
        self.more = QtWidgets.QToolButton(
            text="More fields",
            checkable=True,
            toolTip="Microscope, people and the file's identifier",
            toggled=self._show_rows,
        )
        self.add_below("location", self.more)
        remembered = Settings().get(_NWB, {})
        if isinstance(remembered, dict):
            self.show_values({n: remembered.get(n, "") for n in _REMEMBERED})

    def show_format(self, chosen: Format) -> None:
        """Show what belongs to a format."""
        self._heeded = {name for option in chosen.options for name in _ROWS[option]}
        self._show_rows()

    def show_pixel_size(self, pixel_size: tuple[float, float] | None) -> None:
        """Show how large a pixel is according to the recording, (height, width) µm."""
        known = "not known" if pixel_size is None else f"{pixel_size[1]:.3g} µm (file)"
        self.native("pixel_size").setSpecialValueText(known)

    @property
    def lacks_file(self) -> bool:
        """Whether the format needs an NWB file that is not chosen yet."""
        return "existing" in self._heeded and self.value("existing") is None

    def request(self, chosen: Format) -> ExportRequest:  # type: ignore[override]
        """Return what is chosen, as far as a format heeds it."""
        values = {name: self.value(name) for name in self._heeded}
        only = bool(values.get("only_iscell"))
        return build(
            ExportRequest, {**values, "format": chosen.key, "only_iscell": only}
        )

    def remember(self) -> None:
        """Keep the NWB fields that will be the same for the next session."""
        kept = {name: self.value(name) for name in _REMEMBERED}
        Settings().set(_NWB, {name: text for name, text in kept.items() if text})

    def _show_rows(self) -> None:
        session = "lab" in self._heeded
        self.rows.setRowVisible(self.more, session)
        for name in _NAMES:
            shown = name not in _FOLDED or self.more.isChecked()
            shown = shown and name in self._heeded
            self.rows.setRowVisible(self.native(name), shown)
