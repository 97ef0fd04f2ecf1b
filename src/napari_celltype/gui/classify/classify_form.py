"""The form of the Classify dock: what is classified and how."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.answers import ClassifyRequest
from napari_celltype.answers.shares import prevalence_choices
from napari_celltype.gui.classify.boxes import FrameRateBox, ModelBox, PrevalenceBox
from napari_celltype.gui.forms import Form, narrow
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.widgets import ask_file, fill
from napari_celltype.parameters import build

_MOVIES = "Movies (*.tif *.tiff *.btf *.tf8 *.bin);;All files (*)"


class ClassifyForm(QWidget):
    """Recording, rate, model, prevalence, what is hidden, and more options."""

    # The key of another recording.
    activated = Signal(str)
    movie_chosen = Signal(Path)

    def __init__(self) -> None:
        super().__init__()
        self.recording = narrow(QComboBox())
        self.recording.setToolTip("Which of the open recordings is shown")
        self.movie = QLabel()
        self.choose_movie = QPushButton("Choose...")
        self.choose_movie.setToolTip("Show the imaging stack: a TIFF, or data.bin")
        self.frame_rate = FrameRateBox()
        self.model, self.prevalence = ModelBox(), PrevalenceBox()
        self._seen = Form(
            ClassifyRequest,
            ("model", "prior", "min_probability"),
            widgets={"model": self.model, "prior": self.prevalence},
        )
        self._more = Form(ClassifyRequest, ("neuropil", "joins", "device"))
        # The least probability of a ROI that is filled.
        self.hide_below = self._seen.native("min_probability")
        self._coefficient_given = False
        self._lay_out()
        self.recording.activated.connect(
            lambda at: self.activated.emit(self.recording.itemData(at))
        )
        self.choose_movie.clicked.connect(self._ask_for_movie)
        self.model.changed.connect(self._on_model)

    def request(self) -> ClassifyRequest:
        """Return what the form says, without what the window alone hides."""
        values = {**self._seen.values, **self._more.values}
        return build(ClassifyRequest, {**values, "min_probability": 0.0})

    def show_settings(
        self, model: str, prior: Mapping[str, float] | None, hidden_below: float
    ) -> None:
        """Show what is in use in the window, without telling of a change."""
        self.model.choose(model)
        self.prevalence.show_prior(prior)
        with QSignalBlocker(self.hide_below):
            self.hide_below.setValue(hidden_below)

    def choose_input(self, neuropil: str | float) -> None:
        """Choose the trace that goes in: ``model``, ``none``, or C of F - C * Fneu."""
        self._coefficient_given = not isinstance(neuropil, str)
        self._more.show_values({"neuropil": neuropil})

    def show_recordings(
        self, titles: Mapping[str, str], active: OpenRecording | None
    ) -> None:
        """Show the open recordings, and what is known about the active one."""
        self.recording.clear()
        for key, title in titles.items():
            self.recording.addItem(title, key)
        for widget in (self.recording, self.choose_movie):
            widget.setEnabled(active is not None)
        self.frame_rate.show_recording(None if active is None else active.recording)
        if active is None:
            self.movie.setText("")
            return
        recording = active.recording
        self.recording.setCurrentIndex(self.recording.findData(active.key))
        movie = recording.movie
        self.movie.setText(
            "none found" if movie is None else f"{movie.shape[0]} frames"
        )
        self.model.set_frequency(recording.sampling_frequency)
        neuropil = self._more.control("neuropil")
        neuropil.allow_number(recording.neuropil is not None)
        noted = recording.neuropil_coefficient
        if noted is not None and not self._coefficient_given:
            neuropil.number.value = noted

    def _lay_out(self) -> None:
        rows = self._seen.rows
        rows.insertRow(0, "Recording", self.recording)
        rows.insertRow(1, "Frame rate", self.frame_rate)
        rows.insertRow(2, self.frame_rate.doubt)
        self._seen.add_below("model", self.model.card)
        movie = fill(QHBoxLayout(), (self.movie, 1), self.choose_movie)
        self._more.rows.insertRow(0, "Movie", movie)
        self._more.hide()
        options = QToolButton(
            text="Options",
            checkable=True,
            toolTip="Movie, input trace, joins and device",
            toggled=self._more.setVisible,
        )
        fill(QVBoxLayout(self), self._seen, options, self._more, spacing=4)

    def _on_model(self) -> None:
        card = self.model.read_card()
        if card is not None:
            self.prevalence.show_choices(prevalence_choices(card))

    def _ask_for_movie(self) -> None:
        path = ask_file(self, "Choose a movie", "movies", _MOVIES)
        if path is not None:
            self.movie_chosen.emit(path)
