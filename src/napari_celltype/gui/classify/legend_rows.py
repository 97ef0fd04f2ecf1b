"""The lines of the legend: what each colour and outline means, and how often it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from napari_celltype.celltypes import UNSURE, UNSURE_COLOR, TypeTree
from napari_celltype.gui.marks import Shape, color_of
from napari_celltype.gui.session import ColorBy
from napari_celltype.labels import Label
from napari_celltype.workflows import Predictions, Summary
from napari_celltype.workflows.decisions import BELOW

_THICK = "label: thick outline"


@dataclass(frozen=True)
class LegendRow:
    """One line.

    Attributes
    ----------
    shape : {"disc", "ring", "square"}
        As the ROIs are drawn: filled, a thin outline, a thick one.
    color : str
        ``#RRGGBB``.
    code, name : str
        The type as the table has it, and in words where these say more.
    count : int
    unproven : bool
        Whether the type is unproven on real cells.
    """

    shape: Shape
    color: str
    code: str
    name: str
    count: int
    unproven: bool = False


def legend_rows(
    summary: Summary | None,
    labels: Iterable[Label],
    tree: TypeTree,
    color_by: ColorBy,
) -> list[LegendRow]:
    """Return the lines.

    Parameters
    ----------
    summary : Summary or None
        None where nothing was classified, or it may not be seen.
    labels : iterable of Label
        That may be seen.
    tree : TypeTree
        Names and colours.
    color_by : {"type", "group"}
    """
    given = Counter(r.label for r in labels if r.label and r.source != "prediction")
    if summary is None:
        return _label_rows(given, tree.in_order(given), tree)
    found = summary.groups if color_by == "group" else summary.types
    tree = tree.including(name for name in found if name != UNSURE)
    names = [name for name in tree.in_order(found) if name != UNSURE]
    rows = [
        LegendRow(
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
        LegendRow("ring", UNSURE_COLOR, "", "hidden" if why == BELOW else why, n)
        for why, n in summary.why_unsure.items()
    ]
    own = [n for n in tree.in_order(given) if n.removeprefix("!") not in (*names, "IN")]
    rows += _label_rows(given, own, tree)
    if given:
        rows.append(LegendRow("square", UNSURE_COLOR, "", _THICK, given.total()))
    return rows


def heading_of(predictions: Predictions) -> str:
    """Return whose result it is: model, frame rate, and when it was made."""
    card = predictions.card
    model = card.family if card.origin == "simulation" else card.name
    rate = predictions.recording.sampling_frequency
    return f"{model}, {rate:g} Hz, {predictions.finished:%H:%M}"


def _label_rows(
    given: Counter[str], names: Sequence[str], tree: TypeTree
) -> list[LegendRow]:
    return [
        LegendRow("square", color_of(name, tree), name, "label", given[name])
        for name in names
    ]


def _words(name: str, tree: TypeTree) -> str:
    """Return a type in a word or two, nothing where its name is one."""
    words = tree[name].description.removesuffix(" interneuron").removesuffix(" cell")
    return "" if words == name else words
