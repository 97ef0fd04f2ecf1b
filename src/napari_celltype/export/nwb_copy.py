"""Cell types added to a copy of an NWB file that holds the same ROIs already."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import CellTypeError, OutputError, Stopped
from napari_celltype.export.content import Content, Format, Preview
from napari_celltype.export.nwb import (
    PROVENANCE_TABLE,
    add_cell_types,
    add_provenance,
    load_pynwb,
)
from napari_celltype.labels.matching import find_again, mask_runs
from napari_celltype.progress import Progress, raise_if_stopped
from napari_celltype.recording import Recording, RoiMasks


def _preview(content: Content) -> Preview:
    existing = _existing(content)
    with _readable(existing), _opened(existing, "r") as (_, file):
        added = _add(file, content, existing)
    lines = [f"Copy of {existing.name}, which itself is not changed", *added]
    return Preview("\n\n".join([*lines, f"Added provenance: {PROVENANCE_TABLE}"]))


def _write(content: Content, path: Path) -> None:
    existing = _existing(content)
    with _readable(existing):
        outside = _links(existing)
    if outside and existing.resolve().parent != path.resolve().parent:
        raise OutputError(
            f"{existing.name} refers to other files ({outside[0]}), which a copy in "
            f"another folder would not find; save the copy in {existing.parent}."
        )
    content.on_progress(Progress(f"Copying {existing.name}"))
    shutil.copyfile(existing, path)
    raise_if_stopped(content.should_stop)
    with _readable(existing), _opened(path, "r+") as (io, file):
        content.on_progress(Progress("Comparing the ROIs"))
        _add(file, content, existing)
        if "ophys" not in file.processing:
            about = "ROIs and cell types of calcium imaging"
            file.create_processing_module(name="ophys", description=about)
        add_provenance(file.processing["ophys"], content.origin)
        raise_if_stopped(content.should_stop)
        io.write(file)


NWB_COPY = Format(
    "nwb-copy",
    "NWB: into a copy of a file",
    ".nwb",
    "Adds the cell types to an NWB file with the same ROIs; yours stays as it is.",
    _preview,
    _write,
    options=("existing",),
)


def _add(file: Any, content: Content, existing: Path) -> list[str]:
    """Add the cell types in memory; return what was added where.

    The ROIs are found by their number and their masks, in whatever order, with rows or
    columns of the image first. One table may hold several planes, of which those that
    are not exported get gaps.
    """
    import pandas as pd

    ophys = file.processing.get("ophys")
    if ophys is not None and PROVENANCE_TABLE in ophys.data_interfaces:
        raise OutputError(
            f"{existing.name} holds cell types of napari-celltype already; give the "
            "file as it was before they were added."
        )
    lines = []
    parts_of: dict[str, tuple[Any, list[pd.DataFrame]]] = {}
    for one, table in zip(content.recordings, content.tables, strict=True):
        recording = one.recording
        if len(table) != recording.n_rois:
            raise OutputError(
                "The cell types of some ROIs only cannot go into a table of all; "
                "export all (terminal: no --only-iscell; napari: no tick at suite2p's "
                "cells only)."
            )
        rois, rows, roi_ids = _matching(file, recording, existing)
        part = (
            table.set_index("roi_id", drop=False).loc[roi_ids].set_index(pd.Index(rows))
        )
        parts_of.setdefault(rois.object_id, (rois, []))[1].append(part)
        lines.append(
            f"{rois.name} holds the {recording.n_rois} ROIs of plane "
            f"{recording.plane}: number and masks agree"
        )
    for rois, parts in parts_of.values():
        whole = pd.concat(parts)
        if whole.index.has_duplicates:
            raise OutputError(
                f"{existing.name} holds the ROIs of several of these recordings once "
                "only; export one of them (terminal: --plane N)."
            )
        added = add_cell_types(rois, whole.reindex(range(len(rois.id))))
        lines.append(f"Added columns: {', '.join(added)}")
    return lines


def _existing(content: Content) -> Path:
    """Return the file to be copied, which is NWB in HDF5."""
    import h5py

    existing = content.request.existing
    if existing is None:
        raise OutputError(
            "No NWB file was chosen to make a copy of; choose the one that holds these "
            "ROIs."
        )
    if not existing.is_file() or not h5py.is_hdf5(existing):
        raise OutputError(
            f"{existing} is no NWB file (HDF5) that can be read; check the name."
        )
    return existing


def _links(path: Path) -> list[str]:
    """Return the other files that an HDF5 file refers to."""
    import h5py

    found: list[str] = []
    with h5py.File(path, "r") as file:

        def look(name: str, link: Any) -> None:
            if isinstance(link, h5py.ExternalLink):
                found.append(link.filename)
            elif name.endswith("/external_file"):
                found.extend(file[name].asstr()[:])

        file.visititems_links(look)
    return [name for name in found if name and not Path(name).is_absolute()]


@contextmanager
def _readable(existing: Path) -> Iterator[None]:
    """Say of a damaged file whatever HDF5, hdmf and pynwb stumble over."""
    try:
        yield
    except (CellTypeError, Stopped):
        raise
    except Exception as error:  # They have none in common.
        if isinstance(error, OSError) and error.errno:  # Such as a full disk.
            raise
        raise OutputError(
            f"{existing} cannot be read as NWB ({type(error).__name__}: "
            f"{error!s:.200}); check it with nwbinspector."
        ) from None


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[tuple[Any, Any]]:
    import h5py

    pynwb = load_pynwb()
    with (
        h5py.File(path, mode) as file,
        pynwb.NWBHDF5IO(file=file, mode=mode) as io,
    ):
        yield io, io.read()


def _matching(
    content: Any, recording: Recording, existing: Path
) -> tuple[Any, list[int], list[int]]:
    """Find the table of a plane's ROIs, its rows of them, and the roi_id of each."""
    from pynwb.ophys import PlaneSegmentation

    tables = [
        item for item in content.objects.values() if isinstance(item, PlaneSegmentation)
    ]
    if not tables:
        raise OutputError(
            f"{existing.name} holds no ROIs (PlaneSegmentation); write a new file "
            "instead."
        )
    best = 0
    ours = RoiMasks.of(recording.rois)
    for table in tables:
        for masks, depths in _stored_masks(table):
            # The depth should be the number of the plane.
            for depth in sorted(set(depths), key=lambda d: (d != recording.plane, d)):
                rows = np.flatnonzero(depths == depth)
                if len(rows) != recording.n_rois:
                    continue
                roi_ids = find_again(mask_runs(masks, rows.tolist()), ours)
                best = max(best, len(roi_ids))
                if len(roi_ids) == recording.n_rois:
                    return table, sorted(roi_ids), [roi_ids[r] for r in sorted(roi_ids)]
    numbers = ", ".join(str(len(table.id)) for table in tables)
    agree = f", of which {best} have the same masks" if best else ""
    raise OutputError(
        f"{existing.name} does not hold the ROIs of this recording: it has {numbers} "
        f"ROIs{agree}, the recording {recording.n_rois}; choose the NWB file that was "
        "made of this suite2p folder, or write a new one."
    )


def _stored_masks(table: Any) -> Iterator[tuple[RoiMasks, NDArray[np.int64]]]:
    """Give the masks of a PlaneSegmentation, as NWB means them and transposed.

    NWB says x before y. suite2p writes rows first, and so do others, hence both. With
    them the depth of each ROI: suite2p writes several planes into one table, as voxels.
    """
    depths = np.zeros(len(table.id), dtype=np.int64)
    kind = next((k for k in ("pixel_mask", "voxel_mask") if k in table.colnames), None)
    if kind is not None:
        index = table[kind]
        pixels = np.asarray(index.target.data[:])
        x, y = pixels["x"].astype(np.int64), pixels["y"].astype(np.int64)
        ends = np.asarray(index.data[:], dtype=np.int64)
        if kind == "voxel_mask" and len(pixels):
            depths = pixels["z"].astype(np.int64)[np.maximum(ends - 1, 0)]
    elif "image_mask" in table.colnames:
        # One by one: all images together may fill the memory.
        images = table["image_mask"].data
        found = [np.nonzero(np.asarray(images[i])) for i in range(len(table.id))]
        x, y = (np.concatenate([pair[axis] for pair in found]) for axis in (0, 1))
        ends = np.cumsum([len(pair[0]) for pair in found], dtype=np.int64)
    else:
        return
    starts = np.concatenate([[0], ends]).astype(np.int64)
    for rows, columns in ((y, x), (x, y)):
        # Copies, since masks close their arrays to writing.
        weights = np.ones(len(rows), dtype=np.float32)
        yield RoiMasks(rows.copy(), columns.copy(), weights, starts.copy()), depths
