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
from napari_celltype.errors import (
    MissingDependencyError,
    OutputError,
)
from napari_celltype.export.content import Content, Format, Preview
from napari_celltype.export.methods import methods_paragraph
from napari_celltype.export.nwb_session import UNKNOWN, NwbSession
from napari_celltype.progress import Progress, raise_if_stopped
from napari_celltype.recording import (
    Recording,
    RoiMasks,
    Traces,
    require_known_rate,
)

if TYPE_CHECKING:
    import pandas as pd

PROVENANCE_TABLE = "CellTypeProvenance"
# Put before a column's name where the user's file has a column of that name.
_PREFIX = "celltype_"
_UNCONFIRMED = " Nobody confirmed the frame rate, which suite2p may have by default."
_METERS_PER_MICROMETER = 1e-6
# Whole rows of traces are read at a time, as they lie in suite2p's files. Few of them:
# while HDF5 compresses a block, nothing else of the program can run.
_BLOCK_ROIS = 8
_CHUNK_FRAMES = 32768
_TRACES = {
    "RoiResponseSeries": "Raw fluorescence of each ROI",
    "Neuropil": "Fluorescence around each ROI, not subtracted",
}


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
    subject = session.subject()
    lines = [
        f"Session: {session.described()}",
        f"Start: {session.start.isoformat()}",
        f"Subject: {subject['subject_id']}, sex {subject['sex']}, age "
        f"{subject['age']}, species {subject.get('species', 'not given')}",
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

    pynwb, file = load_pynwb(), _new_file(content)
    file.notes = methods_paragraph(content.origin)
    add_provenance(file.processing["ophys"], content.origin)
    with (
        h5py.File(path, "w") as hdf5,
        pynwb.NWBHDF5IO(file=hdf5, mode="w") as io,
    ):
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


def _new_file(content: Content) -> Any:
    """Return the planes of one session as an NWB file, without provenance."""
    session = content.request.session
    _require_possible(content)
    pynwb = load_pynwb()
    people = [name.strip() for name in session.experimenter.split(";") if name.strip()]
    versions = software_versions()
    names = ("napari-celltype", "numpy", "python")
    file = pynwb.NWBFile(
        session_description=session.described(),
        identifier=session.identifier or str(uuid.uuid4()),
        session_start_time=session.start,
        experimenter=people or None,
        lab=session.lab or None,
        institution=session.institution or None,
        keywords=["calcium imaging", "cell types"],
        was_generated_by=[[n, versions[n]] for n in names if n in versions],
        subject=pynwb.file.Subject(**session.subject()),
    )
    ophys = file.create_processing_module(
        name="ophys", description="ROIs, traces and cell types of calcium imaging"
    )
    ophys.add(pynwb.ophys.ImageSegmentation())
    ophys.add(pynwb.ophys.Fluorescence())
    file.create_device(
        name="Microscope", description=session.device or "Not described by the user."
    )
    several = len(content.recordings) > 1
    for one, table in zip(content.recordings, content.tables, strict=True):
        # What tells the names of several planes' objects apart.
        ending = f"Plane{one.recording.plane}" if several else ""
        _add_plane(pynwb, file, one.recording, table, ending, content)
    return file


def _require_possible(content: Content) -> None:
    content.request.session.require_valid()
    recordings = [one.recording for one in content.recordings]
    # Traces from elsewhere have no folder, and no second plane.
    sessions = {r if r.path is None else r.path.parent for r in recordings}
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
    pynwb: Any,
    file: Any,
    recording: Recording,
    table: pd.DataFrame,
    ending: str,
    content: Content,
) -> None:
    maker = "" if recording.pipeline is None else f" ({recording.pipeline.name})"
    ophys = file.processing["ophys"]
    imaging_plane = file.create_imaging_plane(
        name=f"ImagingPlane{ending}",
        **_imaging_plane(pynwb, file, recording, content.request.session),
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
    rois = _rois(pynwb, recording, table, imaging_plane, ending)
    ophys["ImageSegmentation"].add_plane_segmentation(rois)
    for name, traces in (
        ("RoiResponseSeries", recording.raw_traces),
        ("Neuropil", recording.neuropil),
    ):
        if traces is None:
            continue
        message = f"Writing {name}{ending}"
        data = _trace_data(traces, table["roi_id"].to_numpy(), message, content)
        ophys["Fluorescence"].add_roi_response_series(
            pynwb.ophys.RoiResponseSeries(
                name=f"{name}{ending}",
                description=f"{_TRACES[name]}{maker}.",
                comments=_about_time(recording),
                data=data,
                rois=rois.create_roi_table_region(description="All ROIs of the plane."),
                unit="a.u.",
                starting_time=0.0,
                rate=float(recording.sampling_frequency or np.nan),
            )
        )


def _imaging_plane(
    pynwb: Any, file: Any, recording: Recording, session: NwbSession
) -> dict[str, Any]:
    """Return the arguments of an imaging plane; nobody told the wavelengths: NaN."""
    rate = recording.sampling_frequency
    arguments: dict[str, Any] = {
        "description": f"Plane {recording.plane} of {recording.n_planes}; frame rate "
        f"per plane from: {recording.sampling_frequency_source}.",
        "device": file.devices["Microscope"],
        "optical_channel": pynwb.ophys.OpticalChannel(
            name="OpticalChannel",
            description="The functional channel; its wavelength was not given.",
            emission_lambda=float("nan"),
        ),
        "excitation_lambda": float("nan"),
        "imaging_rate": None if rate is None else float(rate),
        "indicator": session.indicator or UNKNOWN,
        "location": session.location or UNKNOWN,
    }
    if recording.pixel_size is not None:
        height, width = recording.pixel_size
        spacing = np.array([width, height]) * _METERS_PER_MICROMETER
        arguments |= {"grid_spacing": spacing, "grid_spacing_unit": "meters"}
    return arguments


def _rois(
    pynwb: Any,
    recording: Recording,
    table: pd.DataFrame,
    imaging_plane: Any,
    ending: str,
) -> Any:
    """Return the table of ROIs, with their masks and cell types."""
    from hdmf.common import VectorData, VectorIndex

    masks = RoiMasks.of(recording.rois)
    roi_ids = table["roi_id"].to_numpy()
    kept = np.isin(masks.roi_ids, roi_ids)
    types = [("x", "u4"), ("y", "u4"), ("weight", "f4")]
    pixels = np.empty(int(kept.sum()), dtype=types)
    pixels["x"], pixels["y"] = masks.xpix[kept], masks.ypix[kept]
    pixels["weight"] = masks.lam[kept]
    mask = VectorData(
        name="pixel_mask",
        description="Pixels of each ROI: column, row and suite2p's weight (lam).",
        data=pixels,
    )
    ends = VectorIndex(
        name="pixel_mask_index", data=np.cumsum(masks.n_pixels[roi_ids]), target=mask
    )
    rois = pynwb.ophys.PlaneSegmentation(
        name=f"PlaneSegmentation{ending}",
        description="ROIs that suite2p found, and their cell types according to "
        "napari-celltype. Columns whose description says 'predicted' hold what a model "
        "says, not identifications.",
        imaging_plane=imaging_plane,
        id=roi_ids,
        columns=[mask, ends],
    )
    add_cell_types(rois, table)
    return rois


def _trace_data(
    traces: Traces, roi_ids: NDArray[np.int64], message: str, content: Content
) -> Any:
    """Return traces as compressed data of a RoiResponseSeries, read block by block."""
    from hdmf.backends.hdf5 import H5DataIO
    from hdmf.data_utils import GenericDataChunkIterator

    n_frames, n_rois = traces.shape[1], len(roi_ids)

    class Blocks(GenericDataChunkIterator):
        """Hands (n_rois, n_frames) over as NWB wants them: (n_frames, n_rois)."""

        n_done = 0

        def _get_data(self, selection: tuple[slice, ...]) -> NDArray[np.float32]:
            raise_if_stopped(content.should_stop)
            frames, rois = selection
            block = np.asarray(traces[roi_ids[rois], frames]).T
            self.n_done += block.size
            content.on_progress(Progress(message, self.n_done, n_frames * n_rois))
            return block

        def _get_maxshape(self) -> tuple[int, int]:
            return n_frames, n_rois

        def _get_dtype(self) -> np.dtype[Any]:
            return np.dtype("float32")

    block = min(_BLOCK_ROIS, n_rois)
    blocks = Blocks(
        chunk_shape=(min(_CHUNK_FRAMES, n_frames), block),
        buffer_shape=(n_frames, block),
    )
    return H5DataIO(data=blocks, compression="gzip", compression_opts=1, shuffle=True)


def add_cell_types(rois: Any, table: pd.DataFrame) -> list[str]:
    """Add the columns of the output table to a table of ROIs; return their names."""
    taken, added = set(rois.colnames), []
    for name, description, data in _columns(table):
        written = f"{_PREFIX}{name}" if name in taken else name
        if written in taken:
            raise OutputError(
                f"The NWB file has a column {written!r} in its table of ROIs already; "
                "give the file as it was before cell types were added."
            )
        rois.add_column(name=written, description=description, data=data)
        added.append(written)
    return added


def _columns(table: pd.DataFrame) -> Iterator[tuple[str, str, Any]]:
    """Give name, description and values of the columns that are worth writing.

    What the masks and the file say themselves is left out, and so are columns in which
    no ROI has a value. Gaps are NaN in numbers and -1 in `merged_into`.
    """
    for name in table.columns:
        column = find_column(name)
        if column is None or not column.in_nwb:
            continue
        values: Any = table[name]
        if column.dtype == "str":
            values = [str(text) for text in values]
            known = any(values)
        elif column.dtype == "Int64":
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
    """Add the provenance to a processing module, as a table of names and values.

    Paths of the machine are left out, since NWB files are made to be shared.
    """
    from hdmf.common import DynamicTable, VectorData

    rows = [row for row in _rows(provenance, "") if not row[0].endswith(".path")]
    names, values = [name for name, _ in rows], [value for _, value in rows]
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
    segments = recording.segments
    if len(segments) == 1 and segments[0].stop - segments[0].start == (
        recording.n_frames
    ):
        return f"One continuous recording.{rate}"
    ranges = ", ".join(f"{s.start} to {s.stop - 1}" for s in segments)
    return (
        f"Time is continuous only within the frames {ranges or 'of no range'}; between "
        f"them recordings were joined or frames were marked bad.{rate}"
    )
