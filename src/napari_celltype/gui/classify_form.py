"""What is to be classified, and how: the form of the Classify dock."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QWidget,
)

from napari_celltype.gui.frame_rate_box import FrameRateBox
from napari_celltype.gui.model_box import ModelBox
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.workflows import ClassifyRequest

_DEVICES = ("auto", "cpu", "cuda", "mps")
_MOVIES = "Movies (*.tif *.tiff *.btf *.tf8 *.bin);;All files (*)"
_STEPS = 100


class ClassifyForm(QWidget):
    """Recording, plane, movie, frame rate, model, input, device, minimum probability.

    Attributes
    ----------
    activated : Signal(str)
        The user chose another recording or plane; with its key.
    movie_chosen : Signal(Path)
    frequency_confirmed : Signal(float)
        Hz.
    min_probability_changed : Signal(float)
    """

    activated = Signal(str)
    movie_chosen = Signal(Path)
    frequency_confirmed = Signal(float)
    min_probability_changed = Signal(float)

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
        self.min_probability = QSlider(Qt.Orientation.Horizontal)
        self.min_probability_text = QLabel()
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
        self.min_probability.valueChanged.connect(self._on_slider)
        self._on_input()

    def request(self) -> ClassifyRequest:
        """Return what the form says."""
        neuropil = self.input.currentData()
        return ClassifyRequest(
            model=self.model.model,
            device=self.device.currentData(),
            neuropil=self.coefficient.value() if neuropil == "subtract" else neuropil,
        )

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

    def show_min_probability(self, value: float | None) -> None:
        """Show the threshold of `unsure`; None where nothing was classified yet."""
        self.min_probability.setEnabled(value is not None)
        if value is None:
            self.min_probability_text.setText("")
            return
        blocked = self.min_probability.blockSignals(True)
        self.min_probability.setValue(round(value * _STEPS))
        self.min_probability.blockSignals(blocked)
        self.min_probability_text.setText(f"{value:.2f}")

    def _fill(self) -> None:
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
        self.min_probability.setRange(0, _STEPS)
        self.min_probability.setToolTip("Below this probability a ROI is unsure")

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Recording", self.recording)
        form.addRow("Plane", self.plane)
        form.addRow("Movie", _beside(self.movie, self.choose_movie))
        form.addRow("Frame rate", self.frame_rate)
        form.addRow(self.frame_rate.source)
        form.addRow("Model", self.model)
        form.addRow(self.model.card)
        form.addRow("Input", _beside(self.input, self.coefficient))
        form.addRow("Device", self.device)
        form.addRow(
            "Min. probability", _beside(self.min_probability, self.min_probability_text)
        )

    def _on_recording(self, index: int) -> None:
        self.activated.emit(self.recording.itemData(index))

    def _on_input(self) -> None:
        self.coefficient.setVisible(self.input.currentData() == "subtract")

    def _on_slider(self, value: int) -> None:
        self.min_probability_changed.emit(value / _STEPS)

    def _ask_for_movie(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Choose a movie", "", _MOVIES)
        if path:
            self.movie_chosen.emit(Path(path))


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
