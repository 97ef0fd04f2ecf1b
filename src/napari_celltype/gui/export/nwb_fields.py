"""What the user knows about a session, for a new NWB file."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QLineEdit, QWidget

from napari_celltype.export import NwbSession
from napari_celltype.gui.settings import Settings

_SETTING = "NWB session"
# Name, words, an example, and an explanation.
_FIELDS = (
    (
        "session_description",
        "Session",
        "Mouse runs in the dark",
        "What happened in the session",
    ),
    (
        "session_start_time",
        "Start",
        "2024-05-17T14:30",
        "When the recording began, ISO 8601; without a time zone that of this "
        "computer is taken",
    ),
    ("subject_id", "Subject", "m1", "The animal's name"),
    ("species", "Species", "Mus musculus", "Latin name of genus and species"),
    (
        "age",
        "Age",
        "P90D",
        "ISO 8601: P90D is 90 days, P12W 12 weeks, P8W/P10W a range",
    ),
    ("indicator", "Indicator", "GCaMP6f", "The calcium indicator"),
    ("location", "Region", "CA1", "The brain region of the imaging plane"),
    ("device", "Microscope", "Two-photon, 16x", "The microscope, in words"),
    (
        "experimenter",
        "Experimenter",
        "Lastname, Firstname",
        "Several are separated by semicolons",
    ),
    ("lab", "Lab", "", "Name of the laboratory"),
    ("institution", "Institution", "", "Name of the university or institute"),
    (
        "identifier",
        "Identifier",
        "made up at random",
        "A text that no other NWB file has",
    ),
)
# These rarely change from one session to the next.
_REMEMBERED = ("species", "indicator", "device", "experimenter", "lab", "institution")
_SEXES = (("not known", ""), ("female", "F"), ("male", "M"), ("other", "O"))


class NwbFields(QWidget):
    """One line for each field; an empty one is written as not known.

    Attributes
    ----------
    changed : Signal()
        A field was edited.
    """

    changed = Signal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.lines: dict[str, QLineEdit] = {}
        self.sex = QComboBox()
        self.sex.setToolTip("Sex of the animal; not known is written as U")
        for words, letter in _SEXES:
            self.sex.addItem(words, letter)
        remembered = Settings().get(_SETTING, {})
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        for name, words, example, explained in _FIELDS:
            line = QLineEdit()
            line.setPlaceholderText(f"e.g. {example}" if example else "not known")
            line.setToolTip(f"{explained}. Left empty, it is written as not known.")
            if name == "identifier":
                line.setPlaceholderText(example)
                line.setToolTip(f"{explained}; left empty, one is made up")
            if name in _REMEMBERED and isinstance(remembered, dict):
                line.setText(str(remembered.get(name, "")))
            line.textChanged.connect(self.changed)
            self.lines[name] = line
            form.addRow(words, line)
            if name == "age":
                form.addRow("Sex", self.sex)
        self.sex.currentIndexChanged.connect(lambda index: self.changed.emit())

    def session(self) -> NwbSession:
        """Return what was typed."""
        texts = {name: line.text() for name, line in self.lines.items()}
        return NwbSession.of({**texts, "sex": self.sex.currentData()})

    def remember(self) -> None:
        """Keep what will be the same for the next session."""
        kept = {name: self.lines[name].text().strip() for name in _REMEMBERED}
        Settings().set(_SETTING, {name: text for name, text in kept.items() if text})
