"""Forms of the docks: magicgui's widgets for the parameters of a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psygnal
from magicgui.widgets import CheckBox, ComboBox, FloatSpinBox, LineEdit, SpinBox
from qtpy.QtCore import QMargins, QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QWidget,
)

from napari_celltype.gui.widgets import ask_file, ask_folder, fill, fill_grid
from napari_celltype.models import ModelCard, families_of, network_title
from napari_celltype.parameters import REQUIRED, Parameter, build, parameters

_MOST = 1_000_000
_OTHER = "number"


class Form(QWidget):
    """One row for each parameter: its label, its control, its help as tooltip."""

    changed = Signal()

    def __init__(
        self,
        request: type,
        names: Sequence[str],
        *,
        # Where the request has none, or another.
        defaults: Mapping[str, Any] | None = None,
        # Values and their words where the request cannot know them.
        choices: Mapping[str, Mapping[Any, str]] | None = None,
        # Controls of one's own, with `value`, `changed` and `native`.
        widgets: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self._request = request
        self._parameters = parameters(request)
        self._before: dict[str, Any] = {}
        self._fields: dict[str, Any] = {}
        self.rows = QFormLayout(self, contentsMargins=QMargins(), verticalSpacing=4)
        grow = QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow
        self.rows.setFieldGrowthPolicy(grow)
        for name in names:
            parameter = self._parameters[name]
            control = (widgets or {}).get(name)
            if control is None:
                default = (defaults or {}).get(name, parameter.default)
                offered = (choices or {}).get(name, parameter.choices)
                control = _control(parameter, default, offered)
            control.native.setToolTip(parameter.about)
            control.changed.connect(lambda *_: self.changed.emit())
            self._fields[name] = control
            if isinstance(control, CheckBox):
                self.rows.addRow(control.native)
                continue
            # The box for whole numbers has no place for a unit.
            whole = isinstance(control, SpinBox) and parameter.unit
            unit = f" ({parameter.unit})" if whole else ""
            self.rows.addRow(parameter.label + unit, control.native)

    def control(self, name: str) -> Any:
        """Return the control of a parameter, magicgui's or one of one's own."""
        return self._fields[name]

    def native(self, name: str) -> Any:
        """Return the Qt widget of a parameter."""
        return self._fields[name].native

    def value(self, name: str) -> Any:
        """Return what is chosen; None for an empty or unknown one."""
        value = self._fields[name].value
        if isinstance(value, str):
            value = value.strip()
        if self._parameters[name].default is None and value in ("", 0):
            return None
        return value

    @property
    def values(self) -> dict[str, Any]:
        """What is chosen, by the names of parameters."""
        return {name: self.value(name) for name in self._fields}

    def request(self, **more: Any) -> Any:
        """Return the request that the form asks for, with what it has no row for."""
        return build(self._request, {**self.values, **more})

    def show_values(self, values: Mapping[str, Any]) -> None:
        """Show other values; no change is signalled."""
        for name, value in values.items():
            if name not in self._fields:
                continue
            control = self._fields[name]
            with control.changed.blocked():
                if isinstance(control, ComboBox) and value not in control.choices:
                    box = control.native
                    known = {
                        box.itemData(i): box.itemText(i) for i in range(box.count())
                    }
                    offer(control, {**known, value: str(value)})
                control.value = "" if value is None else value

    def offer(self, name: str, choices: Mapping[Any, str]) -> None:
        """Offer other choices; the one that is chosen stays where it is among them."""
        with self._fields[name].changed.blocked():
            offer(self._fields[name], choices)

    def fix(self, values: Mapping[str, Any], why: str) -> None:
        """Switch controls off that have no say now, and show what is used instead."""
        for name in values:
            self._before.setdefault(name, self.value(name))
            self.native(name).setEnabled(False)
            self.native(name).setToolTip(f"{self._parameters[name].about}\nOff: {why}")
        self.show_values(values)

    def release(self, names: Iterable[str]) -> None:
        """Switch controls on again, with what was chosen before."""
        for name in names:
            self.native(name).setEnabled(True)
            self.native(name).setToolTip(self._parameters[name].about)
            if name in self._before:
                self.show_values({name: self._before.pop(name)})

    def add_below(self, name: str, widget: QWidget) -> None:
        """Put a line below a row."""
        row, _ = self.rows.getWidgetPosition(self.native(name))
        self.rows.insertRow(row + 1, widget)


def _control(parameter: Parameter, default: Any, choices: Mapping[Any, str]) -> Any:
    """Return the control for a parameter."""
    if tuple in parameter.types:
        return Ticks(choices, default)
    if choices and float in parameter.types:
        return ChoiceOrNumber(choices, default)
    if choices or default is REQUIRED:
        box = choice_box(choices)
        if default in choices:
            box.value = default
        return box
    if bool in parameter.types:
        return CheckBox(value=bool(default), text=parameter.label)
    if Path in parameter.types:
        return PathLine(parameter)
    if {int, float} & set(parameter.types):
        return _number(parameter, default)
    line = LineEdit(value=default or "")
    if parameter.example:
        line.native.setPlaceholderText(f"e.g. {parameter.example}")
    return line


def choice_box(choices: Mapping[Any, str] | None = None) -> Any:
    """Return magicgui's list of choices, as narrow as the dock."""
    box: Any = ComboBox(choices=())
    narrow(box.native)
    offer(box, choices or {})
    return box


def narrow(combo: QComboBox) -> QComboBox:
    """Let the longest words of a list not widen the dock."""
    policy = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    combo.setSizeAdjustPolicy(policy)
    combo.setMinimumContentsLength(8)
    return combo


def models_offered(cards: Iterable[ModelCard]) -> dict[str, str]:
    """Return models and their words: bundled families first, then the user's own."""
    cards = tuple(cards)
    bundled = {f: f"{network_title(f)} (bundled)" for f in families_of(cards)}
    return bundled | {card.name: card.name for card in cards if card.origin == "user"}


def _number(parameter: Parameter, default: Any) -> Any:
    low, step = parameter.minimum or 0, parameter.step or 1
    high = _MOST if parameter.maximum is None else parameter.maximum
    first = low if default is None else default
    if float not in parameter.types:
        return SpinBox(value=first, min=low, max=high, step=step)
    box: Any = FloatSpinBox(value=first, min=low, max=high, step=step)
    box.native.setDecimals(0 if step >= 1 else 2 if step < 0.1 else 3)
    if parameter.unit:
        box.native.setSuffix(f" {parameter.unit}")
    if default is None:
        box.native.setSpecialValueText("not known")
    return box


def offer(box: Any, choices: Mapping[Any, str]) -> None:
    """List choices in this order; what was chosen stays, or the first is."""
    pairs = [(words, value) for value, words in choices.items()]
    chosen, native = box.value, box.native
    with QSignalBlocker(native):
        native.clear()
        # A callable: magicgui lists again whenever the widget gets another parent.
        box.choices = lambda _: pairs
        if chosen in choices:
            box.value = chosen


class _Control:
    """What a control of one's own shares with those of magicgui."""

    changed = psygnal.Signal(object)

    def __init__(self) -> None:
        self.native = QWidget()

    def _on_change(self, *_: Any) -> None:
        self.changed.emit(None)


class Ticks(_Control):
    """A box for each choice, of which any number may be ticked."""

    def __init__(self, choices: Mapping[Any, str], ticked: Sequence[Any]) -> None:
        super().__init__()
        grid = fill_grid(QGridLayout(self.native))
        grid.setVerticalSpacing(1)
        self.boxes = {}
        for at, (value, words) in enumerate(choices.items()):
            box = self.boxes[value] = CheckBox(value=value in ticked, text=words)
            box.changed.connect(self._on_change)
            grid.addWidget(box.native, at // 2, at % 2)

    @property
    def value(self) -> tuple[Any, ...]:
        """What is ticked."""
        return tuple(name for name, box in self.boxes.items() if box.value)

    @value.setter
    def value(self, ticked: Sequence[Any]) -> None:
        for name, box in self.boxes.items():
            box.value = name in ticked


class ChoiceOrNumber(_Control):
    """One of some words, or C of F - C × Fneu beside them."""

    def __init__(self, choices: Mapping[Any, str], default: Any) -> None:
        super().__init__()
        self.choice = choice_box({**choices, _OTHER: "F - C × Fneu"})
        self.choice.value = default
        self.number = FloatSpinBox(value=0.7, min=0, max=2, step=0.05)
        self.number.native.setDecimals(2)
        self.number.native.setPrefix("C = ")
        self.number.native.setToolTip("How much neuropil is subtracted: F - C × Fneu")
        fill(QHBoxLayout(self.native), (self.choice.native, 1), self.number.native)
        self.choice.changed.connect(self._show)
        self.number.changed.connect(self._on_change)
        self._show()

    @property
    def value(self) -> Any:
        """A word or a number."""
        chosen = self.choice.value
        return self.number.value if chosen == _OTHER else chosen

    @value.setter
    def value(self, value: Any) -> None:
        is_word = isinstance(value, str)
        self.choice.value = value if is_word else _OTHER
        if not is_word:
            self.number.value = value

    def allow_number(self, allowed: bool) -> None:
        """Offer the number, or grey it where there is nothing to subtract."""
        native = self.choice.native
        native.model().item(native.count() - 1).setEnabled(allowed)

    def _show(self, *_: Any) -> None:
        self.number.native.setVisible(self.choice.value == _OTHER)
        self._on_change()


class PathLine(_Control):
    """A line for a path, and a button that asks for it."""

    def __init__(self, parameter: Parameter, files: str = "", empty: str = "") -> None:
        super().__init__()
        self.line = LineEdit()
        self.line.native.setToolTip(parameter.about)
        self.line.native.setPlaceholderText(empty or "none chosen")
        self.line.native.editingFinished.connect(self._on_change)
        self._title, self._files = parameter.label, files
        tip = f"Choose: {parameter.label}"
        self.button = QPushButton("...", toolTip=tip, clicked=self._ask)
        self.button.setFixedWidth(32)
        fill(QHBoxLayout(self.native), (self.line.native, 1), self.button)

    @property
    def value(self) -> Path | None:
        """The path; None while the line is empty."""
        text = self.line.value.strip()
        return Path(text) if text else None

    @value.setter
    def value(self, path: Path | str | None) -> None:
        self.line.value = str(path or "")
        self._on_change()

    def _ask(self) -> None:
        if self._files:
            path = ask_file(self.native, self._title, self._title, self._files)
        else:
            path = ask_folder(self.native, self._title, self._title)
        if path is not None:
            self.value = path
