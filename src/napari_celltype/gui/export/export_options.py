"""The choices that belong to one export format; those of other formats are hidden."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.export import ExportRequest, FigureOptions, Format, NwbSession
from napari_celltype.export.content import ONE_COLUMN, TWO_COLUMNS
from napari_celltype.gui.settings import Settings
from napari_celltype.gui.widgets import ask_file

_FOLDER = "NWB files"


class ExportOptions(QWidget):
    """suite2p's cells only, looks of the figure, NWB fields, the NWB file to copy.

    Attributes
    ----------
    changed : Signal()
        A choice changed.
    """

    changed = Signal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.cells_only = QCheckBox("suite2p's cells only")
        self.cells_only.setToolTip(
            "Leave out the ROIs that suite2p does not call cells. Its classifier is "
            "prone to reject interneurons."
        )
        self.figure = _FigureOptions()
        self.fields = NwbFields()
        self.copy_of = _FileChoice()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.cells_only, self.figure, self.fields, self.copy_of):
            layout.addWidget(part)
        self.cells_only.toggled.connect(lambda on: self.changed.emit())
        for part in (self.figure, self.fields, self.copy_of):
            part.changed.connect(self.changed)

    def show_format(self, chosen: Format) -> None:
        """Show what belongs to a format."""
        self.cells_only.setVisible("only_iscell" in chosen.options)
        self.figure.setVisible("figure" in chosen.options)
        self.fields.setVisible("session" in chosen.options)
        self.copy_of.setVisible("existing" in chosen.options)

    def show_pixel_size(self, pixel_size: tuple[float, float] | None) -> None:
        """Show how large a pixel is according to the recording, (height, width) µm."""
        self.figure.show_pixel_size(None if pixel_size is None else pixel_size[1])

    def request(self, chosen: Format) -> ExportRequest:
        """Return what is chosen, as far as a format heeds it."""
        request = ExportRequest(chosen.key, only_iscell=False)
        if "only_iscell" in chosen.options:
            request = replace(request, only_iscell=self.cells_only.isChecked())
        if "figure" in chosen.options:
            request = replace(request, figure=self.figure.options())
        if "session" in chosen.options:
            request = replace(request, session=self.fields.session())
        if "existing" in chosen.options:
            request = replace(request, existing=self.copy_of.path)
        return request


class _FigureOptions(QWidget):
    """Width, pixel size, title, and what is drawn."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.width_mm = _spin(20, 1000, " mm", 0, 1)
        self.width_mm.setValue(ONE_COLUMN)
        self.width_mm.setToolTip(
            f"Width of the figure; journals often want {ONE_COLUMN:g} mm for one "
            f"column and {TWO_COLUMNS:g} mm for two"
        )
        self.pixel_size = _spin(0, 1000, " µm", 3, 0.1)
        self.pixel_size.setToolTip(
            "Width of a pixel in micrometres, for the scale bar. There is none while "
            "the size is not known."
        )
        self.title = QLineEdit()
        self.title.setToolTip("A line above the picture; none when empty")
        self.fill = _check(
            "Fill predictions", "Fill the ROIs that the model named; else outline them"
        )
        self.marks = _check(
            "Shapes", "Draw a shape for each type, so that the figure reads in grey"
        )
        self.by_group = QCheckBox("By group")
        self.by_group.setToolTip(
            "Colour predictions as PY or interneuron, not by interneuron type"
        )
        self.dots = _spin(72, 1200, " dpi", 0, 50)
        self.dots.setValue(300)
        self.dots.setToolTip("Resolution of a PNG; 300 is usual for print")
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Width", self.width_mm)
        form.addRow("Pixel size", self.pixel_size)
        form.addRow("Title", self.title)
        form.addRow("Resolution", self.dots)
        checks = QGridLayout()
        for i, check in enumerate((self.fill, self.marks, self.by_group)):
            checks.addWidget(check, i // 2, i % 2)
            check.toggled.connect(lambda on: self.changed.emit())
        form.addRow(checks)
        self.show_pixel_size(None)
        for spin in (self.width_mm, self.pixel_size, self.dots):
            spin.valueChanged.connect(lambda value: self.changed.emit())
        self.title.textChanged.connect(self.changed)

    def show_pixel_size(self, width: float | None) -> None:
        known = "not known" if width is None else f"{width:.3g} µm (file)"
        self.pixel_size.setSpecialValueText(known)

    def options(self) -> FigureOptions:
        return FigureOptions(
            width=self.width_mm.value(),
            fill=self.fill.isChecked(),
            marks=self.marks.isChecked(),
            by_group=self.by_group.isChecked(),
            pixel_size=self.pixel_size.value() or None,
            title=self.title.text().strip(),
            dots_per_inch=round(self.dots.value()),
        )


class _FileChoice(QWidget):
    """The NWB file that a copy is made of."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.path: Path | None = None
        self.button = QPushButton("NWB file...")
        self.button.setToolTip(
            "Choose the NWB file that holds these ROIs. It is copied, not changed."
        )
        self.button.clicked.connect(self.ask)
        self.name = QLabel("none chosen")
        self.name.setWordWrap(True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(self.name, 1)

    def ask(self) -> None:
        """Ask for the file."""
        path = ask_file(self, "NWB file to copy", _FOLDER, "NWB (*.nwb)")
        if path is not None:
            self.choose(path)

    def choose(self, path: Path) -> None:
        """Take a file."""
        self.path = path
        self.name.setText(path.name)
        self.name.setToolTip(str(path))
        self.changed.emit()


def _spin(
    low: float, high: float, unit: str, decimals: int, step: float
) -> QDoubleSpinBox:
    spin = QDoubleSpinBox()
    spin.setDecimals(decimals)
    spin.setRange(low, high)
    spin.setSingleStep(step)
    spin.setSuffix(unit)
    return spin


def _check(text: str, explained: str) -> QCheckBox:
    check = QCheckBox(text)
    check.setChecked(True)
    check.setToolTip(explained)
    return check


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
