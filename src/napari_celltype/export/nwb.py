"""A new NWB file: ROIs with their masks and cell types, images, traces, provenance.

Names and orders follow NWB's schema and neuroconv: images are stored as (x, y), pixel
masks as x, y, weight, traces as (frames, ROIs).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.answers.columns import find_column
from napari_celltype.answers.provenance import software_versions
from napari_celltype.errors import MissingDependencyError, OutputError
from napari_celltype.export.content import Content, Format, Preview
from napari_celltype.export.methods import methods_paragraph
from napari_celltype.export.nwb_session import UNKNOWN
from napari_celltype.progress import Progress, raise_if_stopped
from napari_celltype.recording import (
    Recording,
    RoiMasks,
    Traces,
    require_known_rate,
    session_folder,
)

if TYPE_CHECKING:
    import pandas as pd

PROVENANCE_TABLE = "CellTypeProvenance"
_MAKERS = ("napari-celltype", "numpy", "python")
# Put before a column's name where the user's file has a column of that name.
_PREFIX = "celltype_"
_UNCONFIRMED = " Nobody confirmed the frame rate, which suite2p may have by default."
_METERS_PER_MICROMETER = 1e-6
# Whole rows of traces are read at a time, as they lie in suite2p's files. Few of them:
# while HDF5 compresses a block, nothing else of the program can run.
_BLOCK_ROIS = 8
_CHUNK_FRAMES = 32768


def load_pynwb() -> Any:
    """Return the package pynwb, or say how to install it."""
    try:
        import pynwb.ophys
    except ImportError as error:
        raise MissingDependencyError(
            f"NWB files need the package pynwb ({error}); install it with: "
            "python -m pip install pynwb"
        ) from None
    return pynwb


def _preview(content: Content) -> Preview:
    """List what the file will hold, without making it."""
    session = content.request.session
    _require_possible(content)
    load_pynwb()
    lines = [
        f"Session: {session.described()}",
        f"Start: {session.start.isoformat()}",
        "Subject: {subject_id}, sex {sex}, age {age}, species {species}".format(
            **{"species": "not given", **session.subject()}
        ),
    ]
    for one, table in zip(content.recordings, content.tables, strict=True):
        recording = one.recording
        size = "not known"
        if recording.pixel_size is not None:
            size = "{1:g} x {0:g} µm".format(*recording.pixel_size)
        columns = [name for name, _, _ in _columns(table)]
        series = "F" if recording.neuropil is None else "F and neuropil"
        lines.append(
            f"\nPlane {recording.plane}: {len(table)} ROIs with pixel masks\n"
            f"Columns: {', '.join(columns)}\n"
            f"Images: {', '.join(recording.images) or 'none'}\n"
            f"Traces: {series}, {recording.n_frames} frames at "
            f"{recording.sampling_frequency:g} Hz. {_about_time(recording)}\n"
            f"Pixel size: {size}"
        )
    lines.append(f"\n{PROVENANCE_TABLE}: versions, model, settings and inputs")
    return Preview("\n".join(lines))


def _write(content: Content, path: Path) -> None:
    import h5py

    _require_possible(content)
    pynwb, session = load_pynwb(), content.request.session
    people = [name.strip() for name in session.experimenter.split(";") if name.strip()]
    versions = software_versions()
    file = pynwb.NWBFile(
        session_description=session.described(),
        identifier=session.identifier or str(uuid.uuid4()),
        session_start_time=session.start,
        experimenter=people or None,
        lab=session.lab or None,
        institution=session.institution or None,
        keywords=["calcium imaging", "cell types"],
        was_generated_by=[[n, versions[n]] for n in _MAKERS if n in versions],
        subject=pynwb.file.Subject(**session.subject()),
        notes=methods_paragraph(content.origin),
    )
    ophys = file.create_processing_module(
        name="ophys", description="ROIs, traces and cell types of calcium imaging"
    )
    ophys.add([pynwb.ophys.ImageSegmentation(), pynwb.ophys.Fluorescence()])
    file.create_device(
        name="Microscope", description=session.device or "Not described by the user."
    )
    several = len(content.recordings) > 1
    numbers = {one.recording.plane for one in content.recordings}
    for one, table in zip(content.recordings, content.tables, strict=True):
        # What tells the names of several planes' objects apart.
        ending = f"Plane{one.recording.plane}" if several else ""
        if len(numbers) < len(content.recordings) and one.recording.path is not None:
            ending = f"-{one.recording.path.name}"
        _add_plane(file, one.recording, table, ending, content)
    add_provenance(ophys, content.origin)
    with h5py.File(path, "w") as hdf5, pynwb.NWBHDF5IO(file=hdf5, mode="w") as io:
        io.write(file)


NWB = Format(
    "nwb",
    "NWB: new file",
    ".nwb",
    "ROIs, traces and cell types.",
    _preview,
    _write,
    options=("only_iscell", "session"),
)


def _session_of(plane: Path) -> Path:
    session = session_folder(plane)
    if session == plane and plane.name.startswith("plane"):
        # Of a name that suite2p does not give, such as `plane0 - Copy`.
        return session_folder(plane.with_name("plane0"))
    return session


def _require_possible(content: Content) -> None:
    content.request.session.require_valid()
    recordings = [one.recording for one in content.recordings]
    # Traces from elsewhere have no folder, and no second plane.
    sessions = {r if r.path is None else _session_of(r.path) for r in recordings}
    if len(sessions) != 1:
        raise OutputError(
            f"An NWB file holds one session, and these are {len(sessions)} recordings "
            "of different folders; export each session by itself."
        )
    for recording, table in zip(recordings, content.tables, strict=True):
        if len(recording.rois) != recording.n_rois or not len(table):
            raise OutputError(
                "The recording has no ROI masks to be written; open a suite2p folder "
                "with its stat.npy."
            )
        require_known_rate(recording.sampling_frequency, recording.path)


def _add_plane(
    file: Any, recording: Recording, table: pd.DataFrame, ending: str, content: Content
) -> None:
    pynwb = load_pynwb()
    maker = "" if recording.pipeline is None else f" ({recording.pipeline.name})"
    ophys, session = file.processing["ophys"], content.request.session
    rate = require_known_rate(recording.sampling_frequency, recording.path)
    spacing: dict[str, Any] = {}
    if recording.pixel_size is not None:
        width_first = np.array(recording.pixel_size[::-1])
        spacing["grid_spacing"] = width_first * _METERS_PER_MICROMETER
        spacing["grid_spacing_unit"] = "meters"
    imaging_plane = file.create_imaging_plane(
        name=f"ImagingPlane{ending}",
        description=f"Plane {recording.plane} of {recording.n_planes}; frame rate "
        f"per plane from: {recording.sampling_frequency_source}.",
        device=file.devices["Microscope"],
        # Nobody told the wavelengths.
        optical_channel=pynwb.ophys.OpticalChannel(
            name="OpticalChannel",
            description="The functional channel; its wavelength was not given.",
            emission_lambda=np.nan,
        ),
        excitation_lambda=np.nan,
        imaging_rate=rate,
        indicator=session.indicator or UNKNOWN,
        location=session.location or UNKNOWN,
        **spacing,
    )
    if recording.images:
        pictures = [
            pynwb.image.GrayscaleImage(
                name=name.replace(",", "").replace(" ", "_"),
                description=f"The {name}{maker}, as (x, y).",
                data=image.T,
            )
            for name, image in recording.images.items()
        ]
        ophys.add(
            pynwb.base.Images(
                name=f"SegmentationImages{ending}",
                description="Projections of the registered movie; NaN where it was "
                "cropped.",
                images=pictures,
            )
        )
    rois = _rois(recording, table, imaging_plane, ending)
    ophys["ImageSegmentation"].add_plane_segmentation(rois)
    for name, about, traces in (
        ("RoiResponseSeries", "Raw fluorescence of each ROI", recording.raw_traces),
        (
            "Neuropil",
            "Fluorescence around each ROI, not subtracted",
            recording.neuropil,
        ),
    ):
        if traces is None:
            continue
        message = f"Writing {name}{ending}"
        data = _trace_data(traces, table["roi_id"].to_numpy(), message, content)
        ophys["Fluorescence"].add_roi_response_series(
            pynwb.ophys.RoiResponseSeries(
                name=f"{name}{ending}",
                description=f"{about}{maker}.",
                comments=_about_time(recording),
                data=data,
                rois=rois.create_roi_table_region(description="All ROIs of the plane."),
                unit="a.u.",
                starting_time=0.0,
                rate=rate,
            )
        )


def _rois(
    recording: Recording, table: pd.DataFrame, imaging_plane: Any, ending: str
) -> Any:
    """Return the table of ROIs, with their masks and cell types."""
    from hdmf.common import VectorData, VectorIndex
    from pynwb.ophys import PlaneSegmentation

    masks = RoiMasks.of(recording.rois)
    roi_ids = table["roi_id"].to_numpy()
    kept = np.isin(masks.roi_ids, roi_ids)
    types = [("x", "u4"), ("y", "u4"), ("weight", "f4")]
    pixels = np.empty(int(kept.sum()), dtype=types)
    pixels["x"], pixels["y"] = masks.xpix[kept], masks.ypix[kept]
    pixels["weight"] = masks.lam[kept]
    mask = VectorData(
        name="pixel_mask",
        description="Pixels of each ROI: column, row and weight.",
        data=pixels,
    )
    ends = VectorIndex(
        name="pixel_mask_index", data=np.cumsum(masks.n_pixels[roi_ids]), target=mask
    )
    rois = PlaneSegmentation(
        name=f"PlaneSegmentation{ending}",
        description="ROIs and their cell types according to napari-celltype. Columns "
        "whose description says 'predicted' hold what a model says, not "
        "identifications.",
        imaging_plane=imaging_plane,
        id=roi_ids,
        columns=[mask, ends],
    )
    add_cell_types(rois, table)
    return rois


def _trace_data(
    traces: Traces, roi_ids: NDArray[np.int64], message: str, content: Content
) -> Any:
    """Return traces as compressed data, (n_frames, n_rois), read row by row."""
    from hdmf.backends.hdf5 import H5DataIO
    from hdmf.data_utils import DataChunkIterator

    n_frames, n_rois = traces.shape[1], len(roi_ids)

    def rows() -> Iterator[NDArray[np.float32]]:
        for number, roi_id in enumerate(roi_ids):
            raise_if_stopped(content.should_stop)
            yield np.asarray(traces[roi_id], dtype=np.float32)
            content.on_progress(Progress(message, number + 1, n_rois))

    blocks = DataChunkIterator(
        data=rows(),
        maxshape=(n_frames, n_rois),
        dtype=np.dtype("float32"),
        buffer_size=min(_BLOCK_ROIS, n_rois),
        iter_axis=1,
    )
    return H5DataIO(
        data=blocks,
        chunks=(min(_CHUNK_FRAMES, n_frames), min(_BLOCK_ROIS, n_rois)),
        compression="gzip",
        compression_opts=1,
        shuffle=True,
    )


def add_cell_types(rois: Any, table: pd.DataFrame) -> list[str]:
    """Add the columns of the output table to a table of ROIs; return their names."""
    taken, added = set(rois.colnames), []
    of_several = table["plane"].nunique() > 1 or bool(table["plane"].isna().any())
    for name, description, data in _columns(table, with_plane=of_several):
        written = f"{_PREFIX}{name}" if name in taken else name
        rois.add_column(name=written, description=description, data=data)
        added.append(written)
    return added


def _columns(
    table: pd.DataFrame, *, with_plane: bool = False
) -> Iterator[tuple[str, str, Any]]:
    """Give name, description and values of the columns that are worth writing.

    What the masks and the file say themselves is left out, and so are columns in which
    no ROI has a value. Gaps are NaN in numbers, -1 in whole numbers, and empty texts.
    """
    for name in table.columns:
        column = find_column(name)
        if column is None or not (column.in_nwb or (with_plane and name == "plane")):
            continue
        values: Any = table[name]
        if column.dtype == "str":
            values = [str(text) for text in values.fillna("")]
            known = any(values)
        elif column.dtype in ("Int64", "int64"):
            values = values.fillna(-1).to_numpy(dtype=np.int64)
            known = bool((values >= 0).any())
        elif column.dtype == "boolean":
            known = not values.isna().any()
            values = values.to_numpy(dtype=bool) if known else None
        else:
            values = values.to_numpy()
            known = values.dtype.kind != "f" or bool(np.isfinite(values).any())
        if known:
            yield name, column.description, values


def add_provenance(ophys: Any, provenance: Mapping[str, Any]) -> None:
    """Add the provenance to a processing module, as a table of names and values."""
    from hdmf.common import DynamicTable, VectorData

    names, values = zip(*_rows(provenance, ""), strict=True)
    ophys.add(
        DynamicTable(
            name=PROVENANCE_TABLE,
            description="Where the cell types came from: versions, models, settings "
            f"and inputs. {methods_paragraph(provenance)}",
            columns=[
                VectorData(name="key", description="Name of a value.", data=names),
                VectorData(name="value", description="Its value.", data=values),
            ],
        )
    )


def _rows(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Give all values inside mappings and lists, with the way to each as its name."""
    if isinstance(value, list | tuple):
        if not any(isinstance(inner, Mapping | list | tuple) for inner in value):
            yield name, "; ".join(map(str, value))
            return
        value = dict(enumerate(value))
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _rows(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, "" if value is None else str(value)


def _about_time(recording: Recording) -> str:
    """Say where the time axis is not what its constant rate suggests."""
    rate = "" if recording.sampling_frequency_confirmed else _UNCONFIRMED
    ranges = [f"{s.start} to {s.stop - 1}" for s in recording.segments]
    if ranges == [f"0 to {recording.n_frames - 1}"]:
        return f"One continuous recording.{rate}"
    return (
        f"Time is continuous only within the frames {', '.join(ranges)}; between "
        f"them recordings were joined or frames were marked bad.{rate}"
    )
