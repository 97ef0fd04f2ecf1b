"""What the colours mean, of which result, and how many ROIs have each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from napari_celltype.answers import Predictions, Summary
from napari_celltype.answers.columns import UNPROVEN
from napari_celltype.answers.decisions import UnsureReason
from napari_celltype.celltypes import UNSURE, UNSURE_COLOR, TypeTree
from napari_celltype.gui.palette import Shape, color_of, mark
from napari_celltype.gui.session import ColorBy
from napari_celltype.gui.widgets import Details, Words

# A bracket on the left, that holds the types together.
_BRACKET = "border-left: 2px solid #9E9E9E; padding-left: 5px;"


class Legend(QWidget):
    """Counts of the active recording, and the toggle between types and groups."""

    by_group = Signal(bool)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.heading = Words()
        self.heading.setStyleSheet("font-weight: bold;")
        self.toggle = QCheckBox("Colour by group")
        self.toggle.setToolTip("Colour ROIs as pyramidal cells or interneurons only")
        self.toggle.toggled.connect(self.by_group)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(1)
        self._grid.setHorizontalSpacing(7)
        self._grid.setColumnStretch(4, 1)
        self.line = Words()
        self.details = Details()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.heading)
        layout.addLayout(self._grid)
        layout.addWidget(self.line)
        layout.addWidget(self.toggle)
        layout.addWidget(self.details)

    def show_result(
        self,
        heading: str,
        rows: Sequence[_LegendRow],
        line: str = "",
        details: Sequence[str] = (),
        *,
        by_group: bool = False,
    ) -> None:
        """Show what is known about a recording."""
        while self._grid.count():
            self._grid.takeAt(0).widget().deleteLater()
        scale = self.devicePixelRatioF()
        for number, row in enumerate(rows):
            swatch = QLabel()
            swatch.setPixmap(mark(row.color, row.shape, scale))
            self._grid.addWidget(swatch, number, 0)
            code, name = QLabel(f"<b>{row.code}</b>"), QLabel(row.name)
            if row.code:
                self._grid.addWidget(code, number, 1)
                self._grid.addWidget(name, number, 2)
            else:
                self._grid.addWidget(name, number, 1, 1, 2)
            count = QLabel(str(row.count))
            count.setAlignment(Qt.AlignmentFlag.AlignRight)
            self._grid.addWidget(count, number, 3)
        doubted = [number for number, row in enumerate(rows) if row.unproven]
        if doubted:
            bracket = Words()
            bracket.setText(UNPROVEN)
            bracket.setStyleSheet(_BRACKET)
            bracket.setAlignment(Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(bracket, doubted[0], 4, len(doubted), 1)
        self.heading.setText(heading)
        self.line.setText(line)
        self.line.setVisible(bool(line))
        self.details.show_text("\n\n".join(details))
        blocked = self.toggle.blockSignals(True)
        self.toggle.setChecked(by_group)
        self.toggle.blockSignals(blocked)
        self.toggle.setEnabled(bool(details))

    @property
    def text(self) -> str:
        """All that can be read, the details included."""
        widgets = [self._grid.itemAt(i).widget() for i in range(self._grid.count())]
        labels = [self.heading, *widgets, self.line, self.details.words]
        words = [w.text() for w in labels if isinstance(w, QLabel)]
        return "\n".join(word.replace("<b>", "").replace("</b>", "") for word in words)


_THICK = "label: thick outline"
_HIDDEN: dict[str, str] = {UnsureReason.BELOW: "hidden"}


@dataclass(frozen=True)
class _LegendRow:
    """One line."""

    shape: Shape
    color: str
    code: str
    name: str
    count: int
    unproven: bool = False


def legend_rows(
    summary: Summary | None,
    given: Counter[str],
    tree: TypeTree,
    color_by: ColorBy,
) -> list[_LegendRow]:
    """Return the lines."""
    if summary is None:
        return _label_rows(given, tree.in_order(given), tree)
    found = summary.groups if color_by == "group" else summary.types
    tree = tree.including(name for name in found if name != UNSURE)
    names = [name for name in tree.in_order(found) if name != UNSURE]
    rows = [
        _LegendRow(
            "disc",
            color_of(name, tree),
            name,
            _words(name, tree),
            found[name].rois,
            not summary.subtypes_proven and tree.group(name) != name,
        )
        for name in names
    ]
    rows += [
        _LegendRow("ring", UNSURE_COLOR, "", _HIDDEN.get(why, why), n)
        for why, n in summary.why_unsure.items()
    ]
    own = [n for n in tree.in_order(given) if n.removeprefix("!") not in (*names, "IN")]
    rows += _label_rows(given, own, tree)
    if given:
        rows.append(_LegendRow("square", UNSURE_COLOR, "", _THICK, given.total()))
    return rows


def heading_of(predictions: Predictions) -> str:
    """Return whose result it is: model, frame rate, and when it was made."""
    card = predictions.card
    model = card.family if card.origin == "simulation" else card.name
    rate = predictions.recording.sampling_frequency
    return f"{model}, {rate:g} Hz, {predictions.finished:%H:%M}"


def _label_rows(
    given: Counter[str], names: Sequence[str], tree: TypeTree
) -> list[_LegendRow]:
    return [
        _LegendRow("square", color_of(name, tree), name, "label", given[name])
        for name in names
    ]


def _words(name: str, tree: TypeTree) -> str:
    """Return a type in a word or two, nothing where its name is one."""
    words = tree[name].description.removesuffix(" interneuron").removesuffix(" cell")
    return "" if words == name else words
