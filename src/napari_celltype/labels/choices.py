"""What the user decided about types before training: merged into a parent, left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from napari_celltype.celltypes import TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.labels.notes import counted
from napari_celltype.labels.trace_set import TraceSet


def apply_choices(
    traces: TraceSet,
    tree: TypeTree,
    merged: Mapping[str, str],
    left_out: Collection[str],
) -> tuple[TraceSet, list[str]]:
    """Return the examples after the user's choices, and a sentence for each.

    Parameters
    ----------
    traces : TraceSet
    tree : TypeTree
    merged : mapping of str to str
        Types whose cells are taken for a parent's. A parent is no class beside its
        other children: it then stands for any of them.
    left_out : collection of str
        Types, parents or negations whose examples are dropped.

    Raises
    ------
    LabelError
        If a name is unknown, a type is merged into none of its parents, or nothing is
        left.
    """
    notes = []
    labels = traces.labels.astype(object)
    for name, parent in merged.items():
        name, parent = tree.canonical(name), tree.canonical(parent)
        if name == parent or not tree.is_within(name, parent):
            raise LabelError(
                f"{name} cannot be merged into {parent}, which is not above it; choose "
                f"one of its parents, or leave {name} out."
            )
        taken = traces.labels == name
        labels[taken] = parent
        notes.append(
            f"Merged: {counted(int(taken.sum()), 'trace')} of {name} count as {parent}."
        )
    for name in dict.fromkeys(tree.canonical(name) for name in left_out):
        n = int((labels == name).sum())
        notes.append(f"Left out, as chosen: {counted(n, 'trace')} of {name}.")
        labels[labels == name] = ""
    if not notes:
        return traces, []
    kept = labels != ""
    if not kept.any():
        raise LabelError("All types were left out; keep two or more.")
    return replace(traces, labels=labels.astype(str)).take(kept), notes
