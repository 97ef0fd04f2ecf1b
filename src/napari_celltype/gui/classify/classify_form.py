"""The form of the Classify dock: what is classified and how, progress, warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QWidget,
)

from napari_celltype.answers import ClassifyRequest
from napari_celltype.answers.shares import prevalence_choices
from napari_celltype.gui.classify.boxes import FrameRateBox, ModelBox, PrevalenceBox
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.tasks import Job
from napari_celltype.gui.widgets import ask_file

_DEVICES = ("auto", "cpu", "cuda", "mps")
_MOVIES = "Movies (*.tif *.tiff *.btf *.tf8 *.bin);;All files (*)"


class ClassifyForm(QWidget):
    """Recording, plane, movie, frame rate, model, input, device, and what is hidden.

    Attributes
    ----------
    activated : Signal(str)
        The user chose another recording or plane; with its key.
    movie_chosen : Signal(Path)
    frequency_confirmed : Signal(float)
        Hz.
    hide_below_changed : Signal(float)
        The least probability of a ROI that is filled.
    model_changed : Signal(str)
    prior_changed : Signal(object)
        Shares of the types that are assumed, or None for the card's.
    """

    activated = Signal(str)
    movie_chosen = Signal(Path)
    frequency_confirmed = Signal(float)
    hide_below_changed = Signal(float)
    model_changed = Signal(str)
    prior_changed = Signal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.recording = _combo()
        self.plane = _combo()
        self.movie = QLabel()
        self.choose_movie = QPushButton("Choose...")
        self.frame_rate = FrameRateBox()
        self.model = ModelBox()
        self.input = _combo()
        self.coefficient = QDoubleSpinBox()
        self.device = _combo()
        self.prevalence = PrevalenceBox()
        self.hide_below = HideBelow()
        self._coefficient_given = False
        self._fill()
        self._lay_out()
        self.recording.activated.connect(self._on_recording)
        self.plane.activated.connect(
            lambda index: self.activated.emit(self.plane.itemData(index))
        )
        self.choose_movie.clicked.connect(self._ask_for_movie)
        self.frame_rate.confirmed.connect(self.frequency_confirmed)
        self.input.currentIndexChanged.connect(self._on_input)
        self.hide_below.changed.connect(self.hide_below_changed)
        self.prevalence.changed.connect(self.prior_changed)
        self.model.changed.connect(self._on_model)
        self._on_input()

    def request(self) -> ClassifyRequest:
        """Return what the form says."""
        neuropil, assumed = self.input.currentData(), self.prevalence.chosen
        return ClassifyRequest(
            model=self.model.model,
            device=self.device.currentData(),
            neuropil=self.coefficient.value() if neuropil == "subtract" else neuropil,
            prior=None if assumed is None else assumed.prior,
        )

    def show_settings(
        self, model: str, prior: Mapping[str, float] | None, hidden_below: float
    ) -> None:
        """Show what is in use in the window, without telling of a change."""
        self.model.choose(model)
        self.prevalence.show_prior(prior)
        blocked = self.hide_below.blockSignals(True)
        self.hide_below.setValue(round(100 * hidden_below))
        self.hide_below.blockSignals(blocked)

    def choose_input(self, neuropil: str | float) -> None:
        """Choose the trace that goes in: ``model``, ``none``, or C of F - C * Fneu."""
        if isinstance(neuropil, str):
            self.input.setCurrentIndex(self.input.findData(neuropil))
            return
        self._coefficient_given = True
        self.input.setCurrentIndex(self.input.findData("subtract"))
        self.coefficient.setValue(neuropil)

    def show_recordings(
        self, recordings: Mapping[str, OpenRecording], active: OpenRecording | None
    ) -> None:
        """Show the open recordings, and what is known about the active one."""
        self.recording.clear()
        self.plane.clear()
        for opened in recordings.values():
            if self.recording.findText(opened.session_title) < 0:
                self.recording.addItem(opened.session_title, opened.key)
            if active is not None and opened.session_title == active.session_title:
                self.plane.addItem(opened.plane_title, opened.key)
        for widget in (self.recording, self.plane, self.choose_movie):
            widget.setEnabled(active is not None)
        self.frame_rate.show_recording(None if active is None else active.recording)
        if active is None:
            self.movie.setText("")
            return
        self.recording.setCurrentIndex(self.recording.findText(active.session_title))
        self.plane.setCurrentIndex(self.plane.findData(active.key))
        self.plane.setEnabled(self.plane.count() > 1)
        movie = active.recording.movie
        self.movie.setText(
            "none found" if movie is None else f"{movie.shape[0]} frames"
        )
        self.model.set_frequency(active.recording.sampling_frequency)
        has_neuropil = active.recording.neuropil is not None
        self.input.model().item(2).setEnabled(has_neuropil)
        noted = active.recording.neuropil_coefficient
        if noted is not None and not self._coefficient_given:
            self.coefficient.setValue(noted)

    def _fill(self) -> None:
        for widget, tip in (
            (self.recording, "Which of the open recordings is shown"),
            (self.plane, "Which of its planes is shown"),
            (self.choose_movie, "Show the imaging stack: a TIFF, or data.bin"),
            (self.coefficient, "How much neuropil is subtracted: F - C × Fneu"),
            (
                self.device,
                "Where the network runs; auto takes a GPU where there is one",
            ),
        ):
            widget.setToolTip(tip)
        self.input.addItem("model default", "model")
        self.input.addItem("raw F", "none")
        self.input.addItem("F - C × Fneu", "subtract")
        self.input.setToolTip("The trace that goes into the model")
        self.coefficient.setRange(0, 2)
        self.coefficient.setSingleStep(0.05)
        self.coefficient.setPrefix("C = ")
        self.coefficient.setValue(0.7)
        for device in _DEVICES:
            self.device.addItem(device, device)

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Recording", self.recording)
        form.addRow("Plane", self.plane)
        form.addRow("Movie", _beside(self.movie, self.choose_movie))
        form.addRow("Frame rate", self.frame_rate)
        form.addRow(self.frame_rate.doubt)
        form.addRow("Model", self.model)
        form.addRow(self.model.card)
        form.addRow("Input", _beside(self.input, self.coefficient))
        form.addRow("Device", self.device)
        form.addRow("Prevalence", self.prevalence)
        form.addRow("Hide below", self.hide_below)

    def _on_recording(self, index: int) -> None:
        self.activated.emit(self.recording.itemData(index))

    def _on_input(self) -> None:
        self.coefficient.setVisible(self.input.currentData() == "subtract")

    def _on_model(self) -> None:
        self.model_changed.emit(self.model.model)
        card = self.model.read_card()
        if card is not None:
            self.prevalence.show_choices(prevalence_choices(card))

    def _ask_for_movie(self) -> None:
        path = ask_file(self, "Choose a movie", "movies", _MOVIES)
        if path is not None:
            self.movie_chosen.emit(path)


def _combo() -> QComboBox:
    """Return a list whose longest entry does not widen the dock."""
    combo = QComboBox()
    combo.setSizeAdjustPolicy(
        QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    combo.setMinimumContentsLength(8)
    return combo


def _beside(left: QWidget, right: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(left, 1)
    row.addWidget(right)
    return row


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


_STEP = 5


class HideBelow(QSpinBox):
    """A probability in percent; 0 hides nothing.

    Attributes
    ----------
    changed : Signal(float)
        The probability, 0 to 1.
    """

    changed = Signal(float)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.setRange(0, 100)
        self.setSingleStep(_STEP)
        self.setSuffix(" %")
        self.setToolTip(
            "ROIs whose type is less probable keep a thin outline, and are “unsure” in "
            "tables"
        )
        self.valueChanged.connect(lambda percent: self.changed.emit(percent / 100))


class WarningsLine(QWidget):
    """The number of warnings and the first one; "more" shows them all."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._sentences: tuple[str, ...] = ()
        self._label = QLabel()
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
        )
        self._label.setSizePolicy(
            QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred
        )
        self.more = QToolButton()
        self.more.setToolTip("Show all warnings, or only the first")
        self.more.setCheckable(True)
        self.more.toggled.connect(self._show)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._label, 1)
        layout.addWidget(self.more, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    @property
    def text(self) -> str:
        """All sentences, whether they are shown or not."""
        return "\n".join(f"⚠ {sentence}" for sentence in self._sentences)

    @property
    def shown(self) -> str:
        """The words that are on the screen."""
        return str(self._label.text())

    def show_warnings(self, sentences: Sequence[str]) -> None:
        """Show other warnings, in one line at first; none hide it."""
        if tuple(sentences) != self._sentences:
            self._sentences = tuple(sentences)
            self.more.setChecked(False)
            self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the line into the new width."""
        super().resizeEvent(event)
        self._show()

    def _show(self) -> None:
        self.setVisible(bool(self._sentences))
        if not self._sentences:
            return
        opened = self.more.isChecked()
        self.more.setText("less" if opened else "more")
        self._label.setWordWrap(opened)
        self._label.setToolTip("" if opened else self.text)
        self._label.setText(self.text if opened else self._line())

    def _line(self) -> str:
        count = len(self._sentences)
        start = f"⚠ {count} warnings: " if count > 1 else "⚠ "
        line = self._label.fontMetrics().elidedText(
            start + self._sentences[0],
            Qt.TextElideMode.ElideRight,
            self._label.width(),
        )
        return str(line)
