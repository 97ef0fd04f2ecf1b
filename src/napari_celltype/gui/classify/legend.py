"""What the colours mean, of which result, and how many ROIs have each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QCheckBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from napari_celltype.answers import Predictions, Summary
from napari_celltype.answers.columns import UNPROVEN
from napari_celltype.answers.decisions import UnsureReason
from napari_celltype.celltypes import UNSURE, UNSURE_COLOR, TypeTree
from napari_celltype.gui.palette import Shape, color_of, mark
from napari_celltype.gui.widgets import Details, Words, fill

# Names of types are text: own ones may come from a shared file.
_PLAIN = Qt.TextFormat.PlainText
_BOLD = "font-weight: bold;"
# A bracket on the left, that holds the types together.
_BRACKET = "border-left: 2px solid #9E9E9E; padding-left: 5px;"


@dataclass(frozen=True)
class LegendRow:
    """One line."""

    shape: Shape
    color: str
    code: str
    name: str
    count: int
    unproven: bool = False


class Legend(QWidget):
    """Counts of the active recording, and the toggle between types and groups."""

    def __init__(self) -> None:
        super().__init__()
        self.heading = Words(styleSheet=_BOLD)
        self.line, self.details = Words(), Details()
        tip = "Colour ROIs as pyramidal cells or interneurons only"
        self.toggle = QCheckBox("Colour by group", toolTip=tip)
        self._grid = QGridLayout()
        self._grid.setVerticalSpacing(1)
        self._grid.setHorizontalSpacing(7)
        self._grid.setColumnStretch(4, 1)
        fill(
            QVBoxLayout(self),
            *(self.heading, self._grid, self.line, self.toggle, self.details),
            spacing=4,
        )

    def show_result(
        self,
        heading: str,
        rows: Sequence[LegendRow],
        line: str = "",
        details: Sequence[str] = (),
        *,
        by_group: bool = False,
    ) -> None:
        """Show what is known about a recording."""
        while self._grid.count():
            self._grid.takeAt(0).widget().setParent(None)
        for number, row in enumerate(rows):
            swatch = mark(row.color, row.shape, self.devicePixelRatioF())
            self._grid.addWidget(QLabel(pixmap=swatch), number, 0)
            if row.code:
                code = QLabel(row.code, styleSheet=_BOLD, textFormat=_PLAIN)
                self._grid.addWidget(code, number, 1)
            first = 2 if row.code else 1
            name = QLabel(row.name, textFormat=_PLAIN)
            self._grid.addWidget(name, number, first, 1, 3 - first)
            count = QLabel(str(row.count), alignment=Qt.AlignmentFlag.AlignRight)
            self._grid.addWidget(count, number, 3)
        doubted = [number for number, row in enumerate(rows) if row.unproven]
        if doubted:
            bracket = Words(UNPROVEN, styleSheet=_BRACKET)
            bracket.setAlignment(Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(bracket, doubted[0], 4, len(doubted), 1)
        self.heading.setText(heading)
        self.line.setText(line)
        self.line.setVisible(bool(line))
        self.details.show_text("\n\n".join(details))
        with QSignalBlocker(self.toggle):
            self.toggle.setChecked(by_group)
        self.toggle.setEnabled(bool(details))


def legend_rows(
    summary: Summary | None, given: Counter[str], tree: TypeTree, by_group: bool
) -> list[LegendRow]:
    """Return the lines for what was predicted, and for the labels that were given."""
    rows, names = [], []
    if summary is not None:
        found = summary.groups if by_group else summary.types
        tree = tree.including(name for name in found if name != UNSURE)
        names = [name for name in tree.in_order(found) if name != UNSURE]
        for name in names:
            unproven = not summary.subtypes_proven and tree.group(name) != name
            words = tree[name].description
            words = words.removesuffix(" interneuron").removesuffix(" cell")
            words = "" if words == name else words
            n_rois, color = found[name].rois, color_of(name, tree)
            rows.append(LegendRow("disc", color, name, words, n_rois, unproven))
        for why, n_rois in summary.why_unsure.items():
            words = "hidden" if why == UnsureReason.BELOW else why
            rows.append(LegendRow("ring", UNSURE_COLOR, "", words, n_rois))
        names.append("IN")
    rows += [
        LegendRow("square", color_of(name, tree), name, "label", given[name])
        for name in tree.in_order(given)
        if name.removeprefix("!") not in names
    ]
    if summary is not None and given:
        thick = "label: thick outline"
        rows.append(LegendRow("square", UNSURE_COLOR, "", thick, given.total()))
    return rows


def heading_of(predictions: Predictions) -> str:
    """Return whose result it is: model, frame rate, and when it was made."""
    card = predictions.card
    model = card.family if card.origin == "simulation" else card.name
    rate = predictions.recording.sampling_frequency
    return f"{model}, {rate:g} Hz, {predictions.finished:%H:%M}"
