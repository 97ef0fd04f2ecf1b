"""The ROIs of a recording, coloured by cell type, as a picture; needs no display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE, TypeTree
from napari_celltype.errors import OutputError
from napari_celltype.export.columns import class_columns
from napari_celltype.export.ownership import write_output
from napari_celltype.export.picture import UNCLASSIFIED_COLOR, paint_rois, type_color
from napari_celltype.recording import Recording

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class LegendEntry(NamedTuple):
    """One line of the legend: filled or outlined patches, or words alone."""

    text: str
    fills: tuple[str, ...] = ()
    outlines: tuple[str, ...] = ()
    heading: bool = False


def draw_rois(
    recording: Recording,
    table: pd.DataFrame,
    path: str | Path,
    *,
    title: str | None = None,
    by_group: bool = False,
    subtypes_proven: bool = False,
    tree: TypeTree = DEFAULT_TYPES,
    force: bool = False,
    provenance: Mapping[str, Any] | None = None,
) -> Path:
    """Save the ROIs over the mean image, with a legend, as PNG.

    Parameters
    ----------
    recording : Recording
    table : pandas.DataFrame
        The output table of this recording; rows are found by `roi_id`.
    path : str or Path
        Ends in ``.png``.
    title : str, optional
    by_group : bool
        Colour by PY and IN instead of by type.
    subtypes_proven : bool
        Whether the model's types were shown on real cells; else the legend says so.
    tree : TypeTree
        Colours and names.
    force : bool
        Replace a file that this program did not write.
    provenance : mapping, optional
        Goes into ``OUT.provenance.json`` beside it.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OutputError
        If the recording has no masks, the name ends otherwise, or the file may not be
        replaced or cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise OutputError(f"{path.name} does not end in .png; rename it.")
    if not len(recording.rois) or 0 in recording.frame_shape:
        raise OutputError(
            "The recording has no ROI masks, so there is nothing to draw; open a "
            "suite2p folder with its stat.npy."
        )
    figure = _figure(recording, table, title, by_group, subtypes_proven, tree)
    return write_output(
        path,
        lambda file: figure.savefig(file, format="png", dpi=150, bbox_inches="tight"),
        force=force,
        provenance=provenance,
    )


def legend_entries(
    table: pd.DataFrame,
    *,
    by_group: bool = False,
    subtypes_proven: bool = False,
    tree: TypeTree = DEFAULT_TYPES,
) -> list[LegendEntry]:
    """Return the legend: groups with their counts, then types with theirs.

    Parameters
    ----------
    table : pandas.DataFrame
    by_group, subtypes_proven : bool
    tree : TypeTree
        As in `draw_rois`.
    """
    classes = [name.removeprefix("p_") for name in class_columns(table.columns)]
    words = {t.name: t.description for t in tree.types}
    groups = list(dict.fromkeys(tree.group(c) if c in words else c for c in classes))
    n_group = table["group"].value_counts().to_dict()
    n_type = table["predicted"].value_counts().to_dict()

    entries = [LegendEntry(f"{len(table)} ROIs", heading=True)]
    for name in groups:
        # A parent has no colour of its own in the picture by type.
        shown = [name] if by_group else [c for c in classes if _below(c, name, tree)]
        colors = tuple(type_color(c, tree) for c in shown)
        described = words.get(name, name)
        entries.append(
            LegendEntry(f"{name} ({described}): {n_group.get(name, 0)}", colors)
        )
    entries.append(LegendEntry(f"{UNSURE}: {n_group.get(UNSURE, 0)}"))
    if not by_group:
        doubt = "" if subtypes_proven else ",\nunproven on real cells"
        entries.append(LegendEntry(f"\nTypes{doubt}", heading=True))
        for name in classes:
            color = (type_color(name, tree),)
            entries.append(LegendEntry(f"{name}: {n_type.get(name, 0)}", color))
        entries.append(LegendEntry(f"{UNSURE}: {n_type.get(UNSURE, 0)}"))
    entries.append(LegendEntry("\nFill: fainter = less probable"))
    guesses = tuple(type_color(n, tree) for n in (groups if by_group else classes))
    entries.append(LegendEntry("outline: unsure, best guess", outlines=guesses))
    entries.append(
        LegendEntry("grey outline: not classified", outlines=(UNCLASSIFIED_COLOR,))
    )
    return entries


def _below(name: str, ancestor: str, tree: TypeTree) -> bool:
    in_tree = any(t.name == name for t in tree.types)
    return tree.is_within(name, ancestor) if in_tree else name == ancestor


def _figure(
    recording: Recording,
    table: pd.DataFrame,
    title: str | None,
    by_group: bool,
    subtypes_proven: bool,
    tree: TypeTree,
) -> Figure:
    from matplotlib.figure import Figure

    height, width = recording.frame_shape
    picture_width = 6.4 * min(1.8, max(0.6, width / height))
    figure = Figure(figsize=(picture_width + 3.6, 7.2))
    axes = figure.add_subplot()
    axes.imshow(
        paint_rois(recording, table, by_group=by_group, tree=tree),
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
    )
    axes.set_xlabel("x (pixels)")
    axes.set_ylabel("y (pixels)")
    if title is not None:
        # A dollar sign in a folder's name is no formula.
        axes.set_title(title, parse_math=False)
    entries = legend_entries(
        table, by_group=by_group, subtypes_proven=subtypes_proven, tree=tree
    )
    _draw_legend(axes, entries)
    return figure


def _draw_legend(axes: Axes, entries: Sequence[LegendEntry]) -> None:
    from matplotlib.legend_handler import HandlerTuple
    from matplotlib.patches import Patch

    handles = [
        (
            *(Patch(facecolor=color, edgecolor="none") for color in entry.fills),
            *(Patch(facecolor="none", edgecolor=color) for color in entry.outlines),
        )
        or (Patch(facecolor="none", edgecolor="none"),)
        for entry in entries
    ]
    legend = axes.legend(
        handles,
        [entry.text for entry in entries],
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0.3)},
        loc="upper left",
        bbox_to_anchor=(1.02, 1),
        borderaxespad=0,
        frameon=False,
    )
    for text, entry in zip(legend.get_texts(), entries, strict=True):
        text.set_parse_math(False)
        if entry.heading:
            text.set_fontweight("bold")
