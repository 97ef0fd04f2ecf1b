"""A new NWB file: ROIs with their masks and cell types, images, traces, provenance.

Names and orders follow NWB's schema and neuroconv: images are stored as (x, y), pixel
masks as x, y, weight, traces as (frames, ROIs).
"""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_celltype.errors import (
    MissingDependencyError,
    OutputError,
    SamplingFrequencyError,
)
from napari_celltype.export.methods import methods_paragraph
from napari_celltype.export.nwb_columns import (
    PROVENANCE_TABLE,
    flat_provenance,
    nwb_columns,
)
from napari_celltype.export.nwb_session import UNKNOWN, NwbSession
from napari_celltype.export.origin import software_versions
from napari_celltype.export.ownership import write_output_at
from napari_celltype.progress import (
    OnProgress,
    ShouldStop,
    ignore_progress,
    never_stop,
)
from napari_celltype.recording import Recording, RoiMasks

if TYPE_CHECKING:
    import pandas as pd

_UNCONFIRMED = " Nobody confirmed the frame rate, which suite2p may have by default."
_METERS_PER_MICROMETER = 1e-6
_FROM_SUITE2P = {
    "RoiResponseSeries": "Raw fluorescence of each ROI (suite2p's F).",
    "Neuropil": "Fluorescence around each ROI (suite2p's Fneu), not subtracted.",
}


@dataclass(frozen=True, eq=False)
class NwbPlane:
    """One recorded plane and what is known about its ROIs.

    Attributes
    ----------
    recording : Recording
    table : pandas.DataFrame
        The rows of the output table, or of its part that needs no model; only the ROIs
        in it are written.
    """

    recording: Recording
    table: pd.DataFrame


def write_nwb(
    planes: Sequence[NwbPlane],
    path: str | Path,
    *,
    session: NwbSession | None = None,
    provenance: Mapping[str, Any] | None = None,
    force: bool = False,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Path:
    """Write the planes of one session into a new NWB file.

    Parameters
    ----------
    planes : sequence of NwbPlane
    path : str or Path
        Ends in ``.nwb``.
    session : NwbSession, optional
        What is known about the session.
    provenance : mapping, optional
        What `provenance` returned; goes into the file and beside it.
    force : bool
        Replace a file that this program did not write.
    on_progress, should_stop : callable, optional
        See `napari_celltype.progress`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    MissingDependencyError
        If pynwb is not installed.
    OutputError
        If a plane has no masks, the planes are of several sessions, a field of the
        session is not of the form that NWB wants, or the file cannot be written.
    SamplingFrequencyError
        If a frame rate is not known.
    Stopped
        If `should_stop` answered True; what was there before stays.
    """
    path, session = nwb_name(path), session or NwbSession()
    require_nwb(planes, session)
    pynwb = load_pynwb()
    origin = provenance or {}

    def write_at(temporary: Path) -> None:
        import h5py

        content = _new_file(pynwb, session, origin)
        for plane in planes:
            name = _ending(plane.recording, planes)
            _add_plane(pynwb, content, plane, name, session, on_progress, should_stop)
        if origin:
            add_provenance(content.processing["ophys"], origin)
        with (
            h5py.File(temporary, "w") as file,
            pynwb.NWBHDF5IO(file=file, mode="w") as io,
        ):
            io.write(content)

    return write_output_at(path, write_at, force=force, provenance=origin)


def load_pynwb() -> Any:
    """Return the package pynwb.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    try:
        importlib.import_module("pynwb.ophys")
        return importlib.import_module("pynwb")
    except ImportError as error:
        raise MissingDependencyError(
            f"NWB files need the package pynwb ({error}); install it with: "
            "python -m pip install pynwb"
        ) from None


def nwb_name(path: str | Path) -> Path:
    """Return the path of an NWB file.

    Raises
    ------
    OutputError
        If it does not end in ``.nwb``.
    """
    path = Path(path)
    if path.suffix.lower() != ".nwb":
        raise OutputError(f"{path.name} does not end in .nwb; rename it.")
    return path


def require_nwb(planes: Sequence[NwbPlane], session: NwbSession) -> None:
    """Refuse what no NWB file can be made of, before any work.

    Raises
    ------
    OutputError, SamplingFrequencyError
        As `write_nwb`.
    """
    session.require_valid()
    sessions = {_session_folder(plane.recording) for plane in planes}
    if len(sessions) != 1:
        raise OutputError(
            f"An NWB file holds one session, and these are {len(sessions)} recordings "
            "of different folders; export each session by itself."
        )
    for plane in planes:
        recording = plane.recording
        if len(recording.rois) != recording.n_rois or not len(plane.table):
            raise OutputError(
                "The recording has no ROI masks to be written; open a suite2p folder "
                "with its stat.npy."
            )
        if recording.sampling_frequency is None:
            raise SamplingFrequencyError(
                f"{recording.path or 'The recording'} does not say its frame rate, "
                "which an NWB file must state; give the rate per plane in Hz "
                "(terminal: --fs 30; napari: the frame rate box of Classify)."
            )


def _session_folder(recording: Recording) -> object:
    # Traces from elsewhere have no folder, and no second plane.
    return recording if recording.path is None else recording.path.parent


def _ending(recording: Recording, planes: Sequence[NwbPlane]) -> str:
    """Return what tells the names of a plane's objects apart, if there are several."""
    return f"Plane{recording.plane}" if len(planes) > 1 else ""


def _new_file(pynwb: Any, session: NwbSession, provenance: Mapping[str, Any]) -> Any:
    people = [name.strip() for name in session.experimenter.split(";") if name.strip()]
    versions = software_versions()
    names = ("napari-celltype", "numpy", "python")
    content = pynwb.NWBFile(
        session_description=session.described(),
        identifier=session.identifier or str(uuid.uuid4()),
        session_start_time=session.start,
        experimenter=people or None,
        lab=session.lab or None,
        institution=session.institution or None,
        keywords=["calcium imaging", "cell types"],
        notes=methods_paragraph(provenance) if provenance else None,
        was_generated_by=[[n, versions[n]] for n in names if n in versions],
        subject=pynwb.file.Subject(**session.subject()),
    )
    content.create_processing_module(
        name="ophys", description="ROIs, traces and cell types of calcium imaging"
    )
    content.create_device(
        name="Microscope", description=session.device or "Not described by the user."
    )
    return content


def _add_plane(
    pynwb: Any,
    content: Any,
    plane: NwbPlane,
    ending: str,
    session: NwbSession,
    on_progress: OnProgress,
    should_stop: ShouldStop,
) -> None:
    from napari_celltype.export.nwb_traces import trace_data

    ophys, recording = content.processing["ophys"], plane.recording
    imaging_plane = content.create_imaging_plane(
        name=f"ImagingPlane{ending}",
        **_imaging_plane(pynwb, content, recording, session),
    )
    if recording.images:
        pictures = [
            pynwb.image.GrayscaleImage(
                name=name.replace(",", "").replace(" ", "_"),
                description=f"The {name} that suite2p computed, as (x, y).",
                data=image.T,
            )
            for name, image in recording.images.items()
        ]
        ophys.add(
            pynwb.base.Images(
                name=f"SegmentationImages{ending}",
                description="Projections of the registered movie; NaN where suite2p "
                "cropped it.",
                images=pictures,
            )
        )
    if "ImageSegmentation" not in ophys.data_interfaces:
        ophys.add(pynwb.ophys.ImageSegmentation())
        ophys.add(pynwb.ophys.Fluorescence())
    rois = _rois(pynwb, plane, imaging_plane, ending)
    ophys["ImageSegmentation"].add_plane_segmentation(rois)
    written = plane.table["roi_id"].to_numpy()
    for name, traces in (
        ("RoiResponseSeries", recording.raw_traces),
        ("Neuropil", recording.neuropil),
    ):
        if traces is None:
            continue
        message = f"Writing {name}{ending}"
        ophys["Fluorescence"].add_roi_response_series(
            pynwb.ophys.RoiResponseSeries(
                name=f"{name}{ending}",
                description=_FROM_SUITE2P[name],
                comments=_about_time(recording),
                data=trace_data(traces, written, message, on_progress, should_stop),
                rois=rois.create_roi_table_region(description="All ROIs of the plane."),
                unit="a.u.",
                starting_time=0.0,
                rate=float(recording.sampling_frequency or np.nan),
            )
        )


def _imaging_plane(
    pynwb: Any, content: Any, recording: Recording, session: NwbSession
) -> dict[str, Any]:
    """Return the arguments of an imaging plane; nobody told the wavelengths: NaN."""
    rate = recording.sampling_frequency
    arguments: dict[str, Any] = {
        "description": f"Plane {recording.plane} of {recording.n_planes}; frame rate "
        f"per plane from: {recording.sampling_frequency_source}.",
        "device": content.devices["Microscope"],
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


def _rois(pynwb: Any, plane: NwbPlane, imaging_plane: Any, ending: str) -> Any:
    """Return the table of ROIs, with their masks and cell types."""
    from hdmf.common import VectorData, VectorIndex

    masks = RoiMasks.of(plane.recording.rois)
    roi_ids = plane.table["roi_id"].to_numpy()
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
    table = pynwb.ophys.PlaneSegmentation(
        name=f"PlaneSegmentation{ending}",
        description="ROIs that suite2p found, and their cell types according to "
        "napari-celltype. Columns whose description says 'predicted' hold what a model "
        "says, not identifications.",
        imaging_plane=imaging_plane,
        id=roi_ids,
        columns=[mask, ends],
    )
    for column in nwb_columns(plane.table):
        table.add_column(
            name=column.name, description=column.description, data=column.data
        )
    return table


def add_provenance(ophys: Any, provenance: Mapping[str, Any]) -> None:
    """Add the provenance to a processing module, as a table of names and values."""
    from hdmf.common import DynamicTable, VectorData

    names, values = flat_provenance(provenance)
    ophys.add(
        DynamicTable(
            name=PROVENANCE_TABLE,
            description="Where the cell types came from: versions, models, settings "
            f"and inputs. {methods_paragraph(provenance)}",
            columns=[
                VectorData(name="key", description="What is told.", data=names),
                VectorData(name="value", description="Its value.", data=values),
            ],
        )
    )


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
