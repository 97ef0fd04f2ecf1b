"""What is to be classified, and how: the form of the Classify dock."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QWidget,
)

from napari_celltype.gui.asking import ask_file
from napari_celltype.gui.classify.frame_rate_box import FrameRateBox
from napari_celltype.gui.classify.hide_below import HideBelow
from napari_celltype.gui.classify.model_box import ModelBox
from napari_celltype.gui.classify.prevalence_box import PrevalenceBox
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.workflows import ClassifyRequest
from napari_celltype.workflows.prevalence import prevalence_choices

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
