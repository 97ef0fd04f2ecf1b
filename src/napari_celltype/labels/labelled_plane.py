"""The labelled ROIs of one plane: which they are, before their traces are read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import TypeTree
from napari_celltype.errors import CellTypeError, LabelError
from napari_celltype.files import file_sha256
from napari_celltype.labels.csv_table import read_label_table
from napari_celltype.labels.label_file import find_label_file, load_labels, own_types
from napari_celltype.labels.recording_list import ListedPlane
from napari_celltype.labels.table import Label, LabelTable
from napari_celltype.recording import (
    Recording,
    RoiMasks,
    Segment,
    Traces,
    fingerprint,
    open_recording,
    subtract_neuropil,
)


@dataclass(frozen=True, eq=False)
class LabelledPlane:
    """The ROIs of one plane that belong to a labelled data set.

    Attributes
    ----------
    listed : ListedPlane
    name : str
        Of the recording.
    plane : int
    rows : tuple of Label
        At most one for each ROI, in the order of the ROIs.
    n_pixels : ndarray of float64, shape (n_rows,)
        Of each ROI; NaN where there are no masks.
    traces : Traces, shape (n_rois, n_frames)
        Of all ROIs, not yet read.
    sampling_frequency : float or None
        Frames per second, Hz.
    rate_confirmed : bool
        Whether somebody ever set that frame rate.
    segments : tuple of Segment
        Frame ranges between which nothing is continuous; empty means all frames.
    continuous_until : int
        First frame that does not continue the frames before it.
    n_given : int
        Labels of ROIs that are there.
    n_set_aside, n_parts, n_predictions : int
        Labels that are not in `rows`, because their ROI is gone, is a part of a merged
        ROI, or because they are predictions.
    described : dict
        What was read, in plain values for JSON.
    """

    listed: ListedPlane
    name: str
    plane: int
    rows: tuple[Label, ...]
    n_pixels: NDArray[np.float64]
    traces: Traces
    sampling_frequency: float | None
    rate_confirmed: bool
    segments: tuple[Segment, ...]
    continuous_until: int
    n_given: int
    n_set_aside: int
    n_parts: int
    n_predictions: int
    described: dict[str, Any]

    @property
    def n_frames(self) -> int:
        """Number of frames of the recording."""
        return self.traces.shape[1]

    @property
    def title(self) -> str:
        """The name in sentences."""
        one_of_several = self.listed.one_of_several or self.plane > 0
        return f"{self.name} plane {self.plane}" if one_of_several else self.name

    def roi_name(self, roi_id: int) -> str:
        """Return what an ROI is called in the whole data set."""
        return f"{self.name}/plane{self.plane}/roi{roi_id}"


def open_labelled_plane(
    listed: ListedPlane,
    name: str,
    tree: TypeTree,
    *,
    sampling_frequency: float | None,
    neuropil_coefficient: float,
    with_predictions: bool,
) -> LabelledPlane:
    """Find the labelled ROIs of one plane.

    Parameters
    ----------
    listed : ListedPlane
    name : str
        Of the recording.
    tree : TypeTree
        Vocabulary.
    sampling_frequency : float or None
        Frames per second of one plane (Hz), where the list gives none.
    neuropil_coefficient : float
        Share of the neuropil to take away, from 0 to 1.
    with_predictions : bool
        Keep labels that a model gave.

    Raises
    ------
    CellTypeError
        Naming the line of the list, if the recording or its labels cannot be used.
    """
    try:
        recording = open_recording(
            listed.folder,
            sampling_frequency=listed.sampling_frequency or sampling_frequency,
            in_memory=False,
        )
        traces = subtract_neuropil(recording, neuropil_coefficient)
        table, file = _labels(listed, recording, tree)
    except CellTypeError as error:
        raise type(error)(f"{listed.place}{error}") from None
    given = [row for row in table if row.names_type]
    truth = [row for row in given if with_predictions or row.is_ground_truth]
    whole = [row for row in truth if recording.merged_into[row.roi_id] < 0]
    rows = tuple(sorted(whole, key=lambda row: row.roi_id))
    n_pixels = RoiMasks.of(recording.rois).n_pixels[[row.roi_id for row in rows]]
    return LabelledPlane(
        listed=listed,
        name=name,
        plane=recording.plane,
        rows=rows,
        n_pixels=n_pixels.astype(np.float64),
        traces=traces,
        sampling_frequency=recording.sampling_frequency,
        rate_confirmed=recording.sampling_frequency_confirmed,
        segments=tuple(recording.segments),
        continuous_until=_continuous_until(recording),
        n_given=len(given),
        n_set_aside=len(table.set_aside),
        n_parts=len(truth) - len(whole),
        n_predictions=len(given) - len(truth),
        described={
            "path": str(listed.folder),
            "plane": recording.plane,
            "n_rois": recording.n_rois,
            "n_frames": recording.n_frames,
            "sampling_frequency": recording.sampling_frequency,
            "sampling_frequency_source": recording.sampling_frequency_source,
            "rois": fingerprint(recording),
            "labels": None if file is None else describe_file(file),
            "n_labels": len(rows),
            **listed.facts,
        },
    )


def merge_own_types(planes: Iterable[ListedPlane], tree: TypeTree) -> TypeTree:
    """Return one tree with the user's own types of all label files.

    Raises
    ------
    LabelError
        If two files put a type below different parents, or spell it differently.
    """
    origin: dict[str, str] = {}
    for listed in planes:
        file = _label_file(listed)
        for new in () if file is None else own_types(file):
            try:
                known = tree[tree.canonical(new.name)]
            except LabelError:
                tree = tree.with_type(new.name, color=new.color, parent=new.parent)
                origin[new.name] = str(file)
                continue
            if (known.name, known.parent) != (new.name, new.parent):
                raise LabelError(
                    f"{file} has the type {new.name!r} below {new.parent}, and "
                    f"{origin.get(known.name, 'the vocabulary')} has {known.name!r} "
                    f"below {known.parent}; give it one name and one parent."
                )
    return tree


def describe_file(path: Path) -> dict[str, Any]:
    """Return the path and the SHA-256 of a file.

    Raises
    ------
    LabelError
        If it cannot be read.
    """
    try:
        digest = file_sha256(path)
    except OSError as error:
        raise LabelError(
            f"{path} cannot be read ({error.strerror}); check the name and its "
            f"permissions."
        ) from None
    return {"path": str(path), "sha256": digest}


def _label_file(listed: ListedPlane) -> Path | None:
    """Return the label file of a plane; None where a table takes its place."""
    if listed.labels is not None and not listed.labels.is_dir():
        return None
    return find_label_file(listed.folder, listed.labels)


def _labels(
    listed: ListedPlane, recording: Recording, tree: TypeTree
) -> tuple[LabelTable, Path | None]:
    """Return the labels of a plane and the file that they come from."""
    table = listed.labels
    if table is None or table.is_dir():
        labels = load_labels(recording, table, tree)
        return labels or LabelTable(), _label_file(listed)
    if listed.one_of_several:
        of_none = [r for r in read_label_table(table, tree=tree) if r.plane is None]
        if of_none:
            raise LabelError(
                f"{table} does not say of which plane its ROI {of_none[0].roi_id} is, "
                f"and the recording has several; fill in its column plane, or choose "
                f"one plane."
            )
    plane = recording.plane
    return read_label_table(table, recording.n_rois, tree, plane=plane), table


def _continuous_until(recording: Recording) -> int:
    first = recording.segments[0] if recording.segments else None
    return first.stop if first is not None and first.start == 0 else 0
