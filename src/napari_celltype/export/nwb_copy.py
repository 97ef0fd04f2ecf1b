"""Cell types added to a copy of an NWB file that holds the same ROIs already."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import OutputError
from napari_celltype.export.nwb import (
    NwbPlane,
    add_provenance,
    load_pynwb,
    nwb_name,
)
from napari_celltype.export.nwb_columns import PROVENANCE_TABLE, nwb_columns
from napari_celltype.export.ownership import write_output_at
from napari_celltype.labels.matching import find_again, mask_runs
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.recording import Recording, RoiMasks

if TYPE_CHECKING:
    import pandas as pd

# Put before a column's name where the user's file has a column of that name.
_PREFIX = "celltype_"


@dataclass(frozen=True)
class _Match:
    """A table of ROIs in the file, and which ROI of the recording each row is."""

    table: Any
    roi_ids: NDArray[np.int64]


def write_nwb_copy(
    planes: Sequence[NwbPlane],
    existing: str | Path,
    path: str | Path,
    *,
    provenance: Mapping[str, Any] | None = None,
    force: bool = False,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Path:
    """Copy an NWB file and add the cell types to its tables of ROIs.

    The ROIs are found by their number and their masks, in whatever order, with rows or
    columns of the image first. The file that is there is not changed.

    Parameters
    ----------
    planes : sequence of NwbPlane
        With all their ROIs.
    existing : str or Path
        The NWB file (HDF5) that holds the same ROIs.
    path : str or Path
        The copy; ends in ``.nwb``.
    provenance : mapping, optional
        What `provenance` returned; goes into the copy and beside it.
    force : bool
        Replace a file that this program did not write.
    on_progress, should_stop : callable, optional
        See `napari_celltype.progress`.

    Returns
    -------
    Path
        The copy.

    Raises
    ------
    MissingDependencyError
        If pynwb is not installed.
    OutputError
        If the file cannot be read, holds other ROIs or cell types of this program, or
        the copy cannot be written.
    Stopped
        If `should_stop` answered True.
    """
    existing, path = Path(existing), nwb_name(path)
    pynwb = load_pynwb()
    _require_source(existing, path)
    origin = provenance or {}

    def write_at(temporary: Path) -> None:
        on_progress(Progress(f"Copying {existing.name}"))
        shutil.copyfile(existing, temporary)
        raise_if_stopped(should_stop)
        with _opened(pynwb, temporary, "r+", existing) as (io, content):
            on_progress(Progress("Comparing the ROIs"))
            for plane in planes:
                _add_columns(_matching(content, plane, existing), plane.table)
            if origin:
                add_provenance(_ophys_module(content), origin)
            raise_if_stopped(should_stop)
            io.write(content)

    return write_output_at(path, write_at, force=force, provenance=origin)


def matching_tables(planes: Sequence[NwbPlane], existing: str | Path) -> list[str]:
    """Return the names of the file's tables that hold the ROIs of the planes.

    Parameters
    ----------
    planes, existing
        As for `write_nwb_copy`.

    Raises
    ------
    MissingDependencyError, OutputError
        If it is no NWB file of the same ROIs.
    """
    existing = Path(existing)
    pynwb = load_pynwb()
    _require_file(existing)
    with _opened(pynwb, existing, "r", existing) as (_, content):
        return [_matching(content, plane, existing).table.name for plane in planes]


def _require_source(existing: Path, path: Path) -> None:
    if path.exists() and existing.exists() and path.samefile(existing):
        raise OutputError(
            f"{path.name} is the file to be copied, which is never changed; choose "
            "another name for the copy."
        )
    _require_file(existing)
    outside = _links(existing)
    if outside and existing.resolve().parent != path.resolve().parent:
        raise OutputError(
            f"{existing.name} refers to other files ({outside[0]}), which a copy in "
            f"another folder would not find; save the copy in {existing.parent}."
        )


def _require_file(existing: Path) -> None:
    import h5py

    if existing.is_dir():
        raise OutputError(
            f"{existing} is a folder (NWB as Zarr); only NWB files of the kind HDF5 "
            "can be copied."
        )
    if not existing.is_file() or not h5py.is_hdf5(existing):
        raise OutputError(
            f"{existing} is no NWB file (HDF5) that can be read; check the name."
        )


def _links(path: Path) -> list[str]:
    """Return the other files that an HDF5 file refers to."""
    import h5py

    found: list[str] = []

    def look(name: str, link: Any) -> None:
        if isinstance(link, h5py.ExternalLink):
            found.append(link.filename)

    def look_inside(name: str, item: Any) -> None:
        if name.endswith("/external_file") and isinstance(item, h5py.Dataset):
            found.extend(str(file) for file in item.asstr()[:])

    with h5py.File(path, "r") as file:
        file.visititems_links(look)
        file.visititems(look_inside)
    return [name for name in found if name and not Path(name).is_absolute()]


@contextmanager
def _opened(
    pynwb: Any, path: Path, mode: str, existing: Path
) -> Iterator[tuple[Any, Any]]:
    """Open a file, or its copy; what pynwb dislikes becomes one sentence."""
    import h5py

    with h5py.File(path, mode) as file:
        try:
            io = pynwb.NWBHDF5IO(file=file, mode=mode)
            content = io.read()
        except Exception as error:  # noqa: BLE001 - a damaged file makes pynwb, hdmf
            # and h5py raise what they happen to stumble over
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise OutputError(
                f"{existing} cannot be read as NWB ({reason}); check it with "
                "nwbinspector."
            ) from None
        with io:
            yield io, content


def _matching(content: Any, plane: NwbPlane, existing: Path) -> _Match:
    """Find the table of ROIs that holds the ROIs of a plane.

    Raises
    ------
    OutputError
        If there is none, or only one that has these cell types already.
    """
    from pynwb.ophys import PlaneSegmentation

    recording = plane.recording
    if len(plane.table) != recording.n_rois:
        raise OutputError(
            "The cell types of some ROIs only cannot go into a table of all; export "
            "all (terminal: no --only-iscell; napari: no tick at suite2p's cells only)."
        )
    tables = [
        item for item in content.objects.values() if isinstance(item, PlaneSegmentation)
    ]
    if not tables:
        raise OutputError(
            f"{existing.name} holds no ROIs (PlaneSegmentation); write a new file "
            "instead."
        )
    best = 0
    for table in tables:
        if len(table.id) != recording.n_rois:
            continue
        for masks in _stored_masks(table):
            roi_ids = _same_rois(masks, recording)
            best = max(best, len(roi_ids))
            if len(roi_ids) == recording.n_rois:
                order = [roi_ids[row] for row in range(recording.n_rois)]
                return _Match(table, np.array(order, dtype=np.int64))
    numbers = ", ".join(str(len(table.id)) for table in tables)
    agree = f", of which {best} have the same masks" if best else ""
    raise OutputError(
        f"{existing.name} does not hold the ROIs of this recording: it has {numbers} "
        f"ROIs{agree}, the recording {recording.n_rois}; choose the NWB file that was "
        "made of this suite2p folder, or write a new one."
    )


def _stored_masks(table: Any) -> Iterator[RoiMasks]:
    """Give the masks of a PlaneSegmentation, as NWB means them and transposed.

    NWB says x before y. suite2p writes rows first, and so do others, hence both.

    Parameters
    ----------
    table : pynwb.ophys.PlaneSegmentation
        With pixel masks or image masks; voxel masks give nothing.
    """
    if "pixel_mask" in table.colnames:
        x, y, ends = _pixel_masks(table)
    elif "image_mask" in table.colnames:
        x, y, ends = _image_masks(table)
    else:
        return
    starts = np.concatenate([[0], ends]).astype(np.int64)
    for rows, columns in ((y, x), (x, y)):
        # Copies, since masks close their arrays to writing.
        weights = np.ones(len(rows), dtype=np.float32)
        yield RoiMasks(rows.copy(), columns.copy(), weights, starts.copy())


def _pixel_masks(
    table: Any,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    index = table["pixel_mask"]
    pixels = np.asarray(index.target.data[:])
    x, y = pixels["x"].astype(np.int64), pixels["y"].astype(np.int64)
    return x, y, np.asarray(index.data[:], dtype=np.int64)


def _image_masks(
    table: Any,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    # One by one: all images together may fill the memory.
    images = table["image_mask"].data
    found = [np.nonzero(np.asarray(images[i])) for i in range(len(table.id))]
    sizes = [len(first) for first, *_ in found]
    x = np.concatenate([first for first, *_ in found]).astype(np.int64)
    y = np.concatenate([pair[1] for pair in found]).astype(np.int64)
    return x, y, np.cumsum(sizes, dtype=np.int64)


def _same_rois(masks: RoiMasks, recording: Recording) -> dict[int, int]:
    """Return the roi_id of each row of the file, as far as the masks agree."""
    ours = RoiMasks.of(recording.rois)
    if _equal(masks, ours):
        return {i: i for i in range(len(ours))}
    return find_again(mask_runs(masks, range(len(masks))), ours)


def _equal(a: RoiMasks, b: RoiMasks) -> bool:
    """Tell whether all ROIs have the same pixels, row by row."""
    if not np.array_equal(a.starts, b.starts):
        return False
    orders = [np.lexsort((m.xpix, m.ypix, m.roi_ids)) for m in (a, b)]
    return all(
        np.array_equal(p[orders[0]], q[orders[1]])
        for p, q in ((a.ypix, b.ypix), (a.xpix, b.xpix))
    )


def _add_columns(match: _Match, table: pd.DataFrame) -> None:
    rows = table.set_index("roi_id").loc[match.roi_ids].reset_index()
    taken = set(match.table.colnames)
    for column in nwb_columns(rows[table.columns]):
        name = f"{_PREFIX}{column.name}" if column.name in taken else column.name
        if name in taken:
            raise OutputError(
                f"The NWB file has a column {name!r} in its table of ROIs already; "
                "give the file as it was before cell types were added."
            )
        match.table.add_column(
            name=name, description=column.description, data=column.data
        )


def _ophys_module(content: Any) -> Any:
    """Return the module for the provenance, which has none yet.

    Raises
    ------
    OutputError
        If it has one.
    """
    if "ophys" not in content.processing:
        content.create_processing_module(
            name="ophys", description="ROIs and cell types of calcium imaging"
        )
    ophys = content.processing["ophys"]
    if PROVENANCE_TABLE in ophys.data_interfaces:
        raise OutputError(
            "The NWB file holds cell types of napari-celltype already; give the file "
            "as it was before they were added."
        )
    return ophys
