"""What an NWB file will hold, in words, before it is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_celltype.export.nwb import NwbPlane
from napari_celltype.export.nwb_columns import nwb_columns
from napari_celltype.export.nwb_session import NwbSession

_BYTES = 4


def nwb_outline(planes: Sequence[NwbPlane], session: NwbSession) -> str:
    """Return the content of a new file, one thing a line."""
    subject = session.subject()
    lines = [
        "New NWB file",
        f"Session: {session.described()}",
        f"Start: {session.start.isoformat()}",
        f"Subject: {subject['subject_id']}, sex {subject['sex']}, age "
        f"{subject['age']}, species {session.species or 'not given'}",
    ]
    for plane in planes:
        recording = plane.recording
        n_rois, n_frames = len(plane.table), recording.n_frames
        images = ", ".join(recording.images) or "none"
        n_traces = 1 if recording.neuropil is None else 2
        megabytes = n_traces * n_rois * n_frames * _BYTES / 1e6
        size = recording.pixel_size
        lines += [
            "",
            f"Plane {recording.plane}: {n_rois} ROIs with pixel masks and weights",
            f"Images: {images}",
            f"Traces: {n_frames} frames at {recording.sampling_frequency:g} Hz "
            f"({recording.sampling_frequency_source}), F"
            + (" and neuropil" if n_traces > 1 else "")
            + f", {megabytes:.3g} MB before compression",
            "Pixel size: "
            + ("not known" if size is None else f"{size[1]:g} x {size[0]:g} µm"),
            f"Columns: {_columns(plane)}",
        ]
    return "\n".join([*lines, "", "Provenance: CellTypeProvenance"])


def copy_outline(
    planes: Sequence[NwbPlane], existing: Path, tables: Sequence[str]
) -> str:
    """Return what is added to a copy, one thing a line.

    Parameters
    ----------
    planes : sequence of NwbPlane
    existing : Path
        The file that is copied.
    tables : sequence of str
        What `matching_tables` returned.
    """
    lines = [f"Copy of {existing.name}, which itself is not changed"]
    for plane, table in zip(planes, tables, strict=True):
        lines += [
            "",
            f"{table} holds the {plane.recording.n_rois} ROIs of plane "
            f"{plane.recording.plane}: number and masks agree",
            f"Added columns: {_columns(plane)}",
        ]
    return "\n".join([*lines, "", "Added provenance: CellTypeProvenance"])


def _columns(plane: NwbPlane) -> str:
    return ", ".join(column.name for column in nwb_columns(plane.table))
