"""Labels from the second channel: what suite2p calls a red cell."""

from __future__ import annotations

import numpy as np

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.labels.table import Label, LabelTable
from napari_celltype.recording import Recording


def labels_from_redcell(
    recording: Recording, positive: str = "PV", tree: TypeTree = DEFAULT_TYPES
) -> LabelTable:
    """Label red cells as one type, and the other cells as not of that type.

    Parts of merged ROIs get no label. An ROI that is not red gets ``!TYPE`` only when
    suite2p calls it a cell (or has no opinion), since a patch of neuropil is no cell of
    another type.

    Parameters
    ----------
    recording : Recording
        With suite2p's redcell.npy.
    positive : str
        The type that carries the red marker, such as ``PV`` in a Pvalb-Cre mouse.
    tree : TypeTree

    Returns
    -------
    LabelTable
        With the source ``redcell``.

    Raises
    ------
    LabelError
        If the recording has no second channel, or `positive` is no type.
    """
    positive = tree.canonical(positive)
    if positive.startswith("!"):
        raise LabelError(f"{positive!r} is no type; name the type that is red.")
    if recording.redcell is None:
        raise LabelError(
            f"{recording.path or 'The recording'} has no redcell.npy; run suite2p with "
            f"two channels, or label by hand."
        )
    alone = np.ones(recording.n_rois, dtype=bool)
    alone[: len(recording.merged_into)] = recording.merged_into < 0
    cells = alone if recording.iscell is None else alone & recording.iscell
    return LabelTable(
        tuple(
            Label(
                roi_id=roi_id,
                label=positive if red else f"!{positive}",
                plane=recording.plane,
                source="redcell",
                seen_trace=False,
            )
            for roi_id, red in enumerate(recording.redcell.tolist())
            if (red and alone[roi_id]) or (not red and cells[roi_id])
        ),
        tree,
    )
