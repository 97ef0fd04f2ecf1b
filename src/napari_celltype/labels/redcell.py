"""Labels from the second channel: what suite2p calls a red cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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
    if recording.redcell is None:
        raise LabelError(
            f"{recording.path or 'The recording'} has no redcell.npy; run suite2p with "
            f"two channels, or label by hand."
        )
    red = recording.redcell
    return red_labels(recording, red, ~red, positive, tree)


def standing_alone(recording: Recording) -> NDArray[np.bool_]:
    """Return the ROIs that are no part of a merged one, shape (n_rois,)."""
    alone = np.ones(recording.n_rois, dtype=bool)
    alone[: len(recording.merged_into)] = recording.merged_into < 0
    return alone


def whole_cells(recording: Recording) -> NDArray[np.bool_]:
    """Return the ROIs that stand alone and that suite2p calls cells, (n_rois,).

    Where suite2p has no opinion, all that stand alone.
    """
    alone = standing_alone(recording)
    return alone if recording.iscell is None else alone & recording.iscell


def red_labels(
    recording: Recording,
    red: NDArray[np.bool_],
    not_red: NDArray[np.bool_],
    positive: str,
    tree: TypeTree = DEFAULT_TYPES,
    notes: Sequence[str] = (),
) -> LabelTable:
    """Label ROIs that are red and ROIs that are not; see `labels_from_redcell`.

    Parameters
    ----------
    recording : Recording
    red, not_red : ndarray of bool, shape (n_rois,)
        An ROI that is in neither gets no label.
    positive : str
    tree : TypeTree
    notes : sequence of str, optional
        One for each ROI of the recording.

    Raises
    ------
    LabelError
        If `positive` is no type.
    """
    positive = tree.canonical(positive)
    if positive.startswith("!"):
        raise LabelError(f"{positive!r} is no type; name the type that is red.")
    red = red & standing_alone(recording)
    labelled = red | (not_red & whole_cells(recording))
    return LabelTable(
        tuple(
            Label(
                roi_id=roi_id,
                label=positive if red[roi_id] else f"!{positive}",
                plane=recording.plane,
                source="redcell",
                seen_trace=False,
                note=notes[roi_id] if notes else "",
            )
            for roi_id in np.flatnonzero(labelled).tolist()
        ),
        tree,
    )
