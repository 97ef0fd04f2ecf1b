"""The key below the figure for a paper: shapes and colours of the types, counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from napari_celltype.answers.columns import class_columns
from napari_celltype.celltypes import UNSURE, UNSURE_COLOR, TypeTree
from napari_celltype.export.picture import UNCLASSIFIED_COLOR, type_color
from napari_celltype.labels import NOT_A_SOMA

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# Markers of matplotlib. Pyramidal cells get the pyramid.
_KNOWN = {"PY": "^", "IN": "o", "PV": "s", "SOM": "D", "VIP": "v"}
_OWN = ("P", "X", "*", "h", "<", ">", "p", "d")
_PATCH_MM, _LETTER_MM = 4.2, 1.15


def type_marks(tree: TypeTree) -> dict[str, str]:
    """Return matplotlib's marker for each type, by its name."""
    own = [t.name for t in tree.types if t.name not in _KNOWN]
    return _KNOWN | dict(zip(own, cycle(_OWN), strict=False))


@dataclass(frozen=True)
class KeyEntry:
    """One line of the key; without a colour, words that take a row of their own."""

    text: str
    color: str = ""
    mark: str = ""
    # A prediction's fill, a label's thick outline, and the style of the outline.
    filled: bool = False
    thick: bool = False
    line: str = "-"


def key_entries(
    table: pd.DataFrame,
    tree: TypeTree,
    *,
    by_group: bool = False,
    subtypes_proven: bool = False,
) -> list[KeyEntry]:
    """Return the lines of the key, the types in tree order; see `figure_bytes`."""
    # A merged ROI counts once, its parts do not.
    table = table[table["merged_into"].isna()]
    marks = type_marks(tree)
    predicted, classes = _predicted(table, by_group, tree)
    truth = table[(table["label"] != "") & (table["label_source"] != "prediction")]
    labelled = Counter(truth["label"].tolist())
    entries = []
    for name in tree.in_order({*classes, *labelled, *predicted} - {UNSURE}):
        if name.startswith("!") or name == NOT_A_SOMA:
            continue
        of_model, of_people = name in classes, name in labelled
        counts = [f"{predicted.get(name, 0)} predicted"] if of_model else []
        counts += [f"{labelled[name]} labelled"] if of_people else []
        entries.append(
            KeyEntry(
                f"{name}: {', '.join(counts)}",
                type_color(name, tree),
                marks.get(name, ""),
                filled=of_model,
                thick=of_people,
            )
        )
    for name in sorted(n for n in labelled if n.startswith("!")):
        kind = name.removeprefix("!")
        color = type_color(kind, tree)
        text = f"not {kind}: {labelled[name]} labelled"
        entries.append(
            KeyEntry(text, color, marks.get(kind, ""), thick=True, line="--")
        )
    if NOT_A_SOMA in labelled:
        text = f"{NOT_A_SOMA}: {labelled[NOT_A_SOMA]} labelled"
        entries.append(KeyEntry(text, UNCLASSIFIED_COLOR, "x", thick=True))
    if unsure := predicted.get(UNSURE, 0):
        entries.append(KeyEntry(f"{UNSURE}: {unsure}", UNSURE_COLOR))
    finer = not by_group and _has_subtypes(classes, tree)
    entries += [KeyEntry(text) for text in _words(table, classes, labelled, finer)]
    if finer and not subtypes_proven:
        entries.append(KeyEntry("Predicted interneuron types: unproven on real cells."))
    return entries


def _predicted(
    table: pd.DataFrame, by_group: bool, tree: TypeTree
) -> tuple[Mapping[str, int], list[str]]:
    """Return how many ROIs got each name, and the names that the model knows."""
    column = "group" if by_group else "predicted"
    if column not in table.columns:
        return {}, []
    classes = [name.removeprefix("p_") for name in class_columns(table.columns)]
    if by_group:
        known = {t.name for t in tree.types}
        groups = (tree.group(c) if c in known else c for c in classes)
        classes = list(dict.fromkeys(groups))
    return Counter(table[column].tolist()), classes


def _words(
    table: pd.DataFrame,
    classes: Sequence[str],
    labelled: Mapping[str, int],
    finer: bool,
) -> list[str]:
    """Return what is said besides the types; groups where the model has finer types."""
    text = f"{len(table)} ROIs."
    if finer:
        groups = Counter(table["group"].tolist()).items()
        text += f" Predicted: {', '.join(f'{n} {name}' for name, n in sorted(groups))}."
    words = [text]
    if classes:
        words.append("Fill, solid mark: predicted, fainter = less probable.")
    if labelled:
        words.append("Thick outline, open mark: ground truth.")
    return words


def _has_subtypes(classes: Sequence[str], tree: TypeTree) -> bool:
    tree = tree.including(classes)
    return any(tree.group(name) != name for name in classes)


def wrapped(entries: Sequence[KeyEntry], width: float) -> list[KeyEntry]:
    """Return the lines with words broken where the width in millimetres ends."""
    letters = max(10, int(width / _LETTER_MM))
    lines = []
    for entry in entries:
        texts = [entry.text] if entry.color else wrap(entry.text, letters)
        lines += [replace(entry, text=text) for text in texts]
    return lines


def key_rows(entries: Sequence[KeyEntry], width: float) -> int:
    """Return how many rows the key takes at a width in millimetres."""
    columns = _columns(entries, width)
    pictures = sum(bool(entry.color) for entry in entries)
    return -(-pictures // columns) + len(entries) - pictures


def _columns(entries: Sequence[KeyEntry], width: float) -> int:
    longest = max((len(entry.text) for entry in entries if entry.color), default=0)
    return max(1, int(width // (2 * _PATCH_MM + longest * _LETTER_MM)))


def draw_key(
    axes: Axes,
    entries: Sequence[KeyEntry],
    size: tuple[float, float],
    row: float,
    margin: float,
    fill: bool,
) -> None:
    """Draw the key into axes of that size; all lengths in millimetres."""
    width, height = size
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    columns = _columns(entries, width)
    pictures = [entry for entry in entries if entry.color]
    for k, entry in enumerate(pictures):
        x = margin + (k % columns) * (width - 2 * margin) / columns
        y = margin + (k // columns + 0.5) * row
        x = _draw_samples(axes, entry, x, y, fill)
        axes.text(x, y, entry.text, va="center_baseline", size=6, parse_math=False)
    y = margin + (-(-len(pictures) // columns) + 0.5) * row
    for entry in entries:
        if not entry.color:
            axes.text(
                margin, y, entry.text, va="center_baseline", size=6, parse_math=False
            )
            y += row


def _draw_samples(axes: Axes, entry: KeyEntry, x: float, y: float, fill: bool) -> float:
    """Draw the patches of a line, and return where its text begins."""
    from matplotlib.patches import Rectangle

    edge: dict[str, Any] = {"edgecolor": entry.color, "linestyle": entry.line}
    solid: dict[str, Any] = {"facecolors": "black", "edgecolors": "white"}
    hollow: dict[str, Any] = {"facecolors": "none", "edgecolors": "black"}
    if entry.mark == "x":
        hollow = {"c": "black"}
    samples = []
    if entry.filled:
        inside = entry.color if fill else "none"
        samples.append((edge | {"facecolor": inside, "linewidth": 0.75}, solid))
    if entry.thick or not entry.filled:
        width = 1.5 if entry.thick else 0.8
        samples.append((edge | {"facecolor": "none", "linewidth": width}, hollow))
    for look, mark in samples:
        axes.add_patch(Rectangle((x, y - 1.2), _PATCH_MM - 0.8, 2.4, **look))
        if entry.mark:
            middle = x + (_PATCH_MM - 0.8) / 2
            look = {"marker": entry.mark, "zorder": 3, "linewidths": 0.5, **mark}
            axes.scatter([middle], [y], s=9, **look)
        x += _PATCH_MM
    return x + 0.6
