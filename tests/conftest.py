"""Fixtures shared by all rooms: suite2p folders on disk, real data where present."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

NEUROPIL_COEFFICIENT = 0.7
FOUR_TYPES = ("PY", "PV", "SOM", "VIP")


def _disk(y: int, x: int, radius: float, shape: tuple[int, int]) -> dict[str, Any]:
    """One entry of stat.npy, with the keys that suite2p writes."""
    height, width = shape
    yy, xx = np.mgrid[:height, :width]
    distance = np.hypot(yy - y, xx - x)
    ypix, xpix = np.nonzero(distance <= radius)
    lam = np.exp(-((distance[ypix, xpix] / radius) ** 2)).astype(np.float32)
    return {
        "ypix": ypix,
        "xpix": xpix,
        "lam": lam / lam.sum(),
        "med": [int(np.median(ypix)), int(np.median(xpix))],
        "footprint": np.float64(1.0),
        "mrs": np.float32(0.9),
        "compact": np.float64(1.02),
        "npix": len(ypix),
        "npix_soma": np.int64(len(ypix)),
        "soma_crop": np.ones(len(ypix), bool),
        "overlap": np.zeros(len(ypix), bool),
        "radius": np.float64(radius),
        "aspect_ratio": np.float64(1.0),
        "skew": np.float32(1.5),
        "std": np.float32(20.0),
    }


def _merge(stat: list[dict[str, Any]], parts: Sequence[int]) -> dict[str, Any]:
    """What suite2p's GUI appends to stat.npy when ROIs are merged."""
    pixels = np.concatenate(
        [np.stack([stat[k]["ypix"], stat[k]["xpix"]], axis=1) for k in parts]
    )
    lam = np.concatenate([stat[k]["lam"] for k in parts])
    pixels, first = np.unique(pixels, return_index=True, axis=0)
    merged = dict(stat[parts[0]])
    merged["ypix"], merged["xpix"] = pixels[:, 0].copy(), pixels[:, 1].copy()
    merged["lam"] = lam[first] / lam[first].sum() * len(parts)
    merged["npix"] = len(pixels)
    merged["soma_crop"] = np.ones(len(pixels), bool)
    merged["overlap"] = np.zeros(len(pixels), bool)
    merged["imerge"] = np.array(parts)
    merged["inmerge"] = -1
    for k in parts:
        stat[k]["inmerge"] = len(stat)
    return merged


ISEG = "ophys/ImageSegmentation/PlaneSegmentation"
# How public NWB 2 files lie below /processing: their table of ROIs, their series (F is
# raw, N neuropil, D demixed, C corrected, R dF/F), and the series that is to be taken.
NWB_LAYOUTS = {
    "000535": (ISEG, {"ophys/DfOverF/RoiResponseSeries": "R"}, "R"),
    "000625": (
        ISEG,
        {
            "ophys/Fluorescence/RoiResponseSeries": "F",
            "ophys/DfOverF/RoiResponseSeries": "R",
        },
        "F",
    ),
    "000711": (
        "ophys/image_segmentation/cell_specimen_table",
        {
            "ophys/dff/traces": "R",
            "ophys/corrected_fluorescence/traces": "C",
            "ophys/neuropil_trace/traces": "N",
            "ophys/demixed_trace/traces": "D",
        },
        "D",
    ),
    "000728": (
        ISEG,
        {
            "ophys/Fluorescence/Corrected": "C",
            "ophys/Fluorescence/Neuropil": "N",
            "ophys/Fluorescence/Demixed": "D",
            "ophys/DfOverF/DfOverF": "R",
        },
        "D",
    ),
    "000049": (
        "brain_observatory_pipeline/ImageSegmentation/PlaneSegmentation",
        {
            "brain_observatory_pipeline/Fluorescence/raw_traces": "F",
            "brain_observatory_pipeline/Fluorescence/neuropil_traces": "N",
            "brain_observatory_pipeline/Fluorescence/demixed_traces": "D",
            "brain_observatory_pipeline/Fluorescence/DfOverF": "R",
        },
        "F",
    ),
}


def nwb_traces(kind: str, n_rois: int = 6, n_frames: int = 900) -> Any:
    """Traces of a kind, (n_rois, n_frames)."""
    rng = np.random.default_rng(ord(kind))
    return (100 * ord(kind) + rng.standard_normal((n_rois, n_frames))).astype("f4")


def write_nwb_file(
    path: Path,
    layout: str = "000049",
    *,
    n_rois: int = 6,
    n_frames: int = 900,
    roi_first: bool = False,
    rate: float | None = 30.0,
    timestamps: Any = None,
    columns: dict[str, Any] | None = None,
    **general: str,
) -> Path:
    """Write an NWB 2 file in one of the layouts; `general` by names below /general."""
    h5py = pytest.importorskip("h5py")
    place, series, _ = NWB_LAYOUTS[layout]
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.6.0"
        plane = file.create_group("general/optophysiology/imaging_plane_1")
        plane["indicator"], plane["location"] = "GCaMP6f", "VISp"
        for name, text in general.items():
            file[f"general/{name.replace('__', '/')}"] = text
        table = file.create_group(f"processing/{place}")
        table.attrs["neurodata_type"] = "PlaneSegmentation"
        table["id"] = np.arange(n_rois) + 100
        table["imaging_plane"] = h5py.SoftLink(plane.name)
        pixels = [(3 * i + k, i, 1.0) for i in range(n_rois) for k in range(3)]
        types = [("x", "u4"), ("y", "u4"), ("weight", "f4")]
        table["pixel_mask"] = np.array(pixels, dtype=types)
        table["pixel_mask_index"] = np.arange(1, n_rois + 1) * 3
        for name, values in (columns or {}).items():
            table[name] = values
        for name, kind in series.items():
            traces = nwb_traces(kind, n_rois, n_frames)
            group = file.create_group(f"processing/{name}")
            group["data"] = traces if roi_first else traces.T
            group["rois"] = np.arange(n_rois)
            group["rois"].attrs["table"] = table.ref
            if timestamps is not None:
                group["timestamps"] = timestamps
            elif rate is not None:
                group["starting_time"] = 0.0
                group["starting_time"].attrs["rate"] = rate
    return path


def write_suite2p_plane(
    folder: Path,
    *,
    n_rois: int = 12,
    n_frames: int = 900,
    frame_shape: tuple[int, int] = (64, 72),
    fs: float | None = 30.0,
    layout: str = "0.14",
    with_ops: bool | None = None,
    plane: int = 0,
    n_planes: int = 1,
    redcell: bool = False,
    data_bin: bool = True,
    frames_per_folder: Sequence[int] | None = None,
    frames_per_file: Sequence[int] | None = None,
    file_list: Sequence[str] | None = None,
    bad_frames: Sequence[int] = (),
    merged: Sequence[Sequence[int]] = (),
    seed: int = 0,
) -> Path:
    """Write one plane folder as suite2p `layout` ("0.14" or "1.1") leaves it.

    `with_ops`: write ops.npy (default True; "0.14" without it is a half-copied folder).
    `merged`: groups of rows that were merged in suite2p's GUI; each appends a row.
    """
    rng = np.random.default_rng(seed + plane)
    height, width = frame_shape
    folder.mkdir(parents=True, exist_ok=True)

    radius = 4.0
    columns = int(np.ceil(np.sqrt(n_rois * width / height)))
    rows = int(np.ceil(n_rois / columns)) if n_rois else 1
    ys = np.linspace(radius + 1, height - radius - 2, rows).astype(int)
    xs = np.linspace(radius + 1, width - radius - 2, columns).astype(int)
    centres = [(y, x) for y in ys for x in xs][:n_rois]
    stat = [_disk(y, x, radius, frame_shape) for y, x in centres]

    decay = np.exp(-np.arange(60) / 12.0)
    neuropil = 200 + 20 * rng.standard_normal((n_rois, n_frames))
    events = rng.random((n_rois, n_frames)) < 0.01
    calcium = np.array([np.convolve(e, decay)[:n_frames] for e in events.astype(float)])
    calcium = calcium.reshape(n_rois, n_frames)
    noise = 10 * rng.standard_normal((n_rois, n_frames))
    traces = (400 + 150 * calcium + NEUROPIL_COEFFICIENT * neuropil + noise).astype(
        "f4"
    )
    neuropil = neuropil.astype("f4")
    iscell = np.stack([rng.random(n_rois) < 0.8, rng.random(n_rois)], axis=1)
    iscell = iscell.astype(float).reshape(n_rois, 2)
    for parts in merged:
        stat.append(_merge(stat, parts))
        traces = np.vstack([traces, traces[list(parts)].mean(axis=0)])
        neuropil = np.vstack([neuropil, neuropil[list(parts)].mean(axis=0)])
        iscell[list(parts), 0] = 0
        iscell = np.vstack([iscell, [1.0, 0.9]])

    stat_array = np.empty(len(stat), dtype=object)
    stat_array[:] = stat
    np.save(folder / "F.npy", traces)
    np.save(folder / "Fneu.npy", neuropil)
    np.save(folder / "spks.npy", np.maximum(0, traces - 400))
    np.save(folder / "iscell.npy", iscell)
    np.save(folder / "stat.npy", stat_array)
    if redcell:
        red = rng.random(len(stat)) < 0.3
        np.save(folder / "redcell.npy", np.stack([red, red * 0.8], 1).astype("f4"))

    mean_image = rng.random(frame_shape).astype("f4") * 50 + 200
    for s in stat:
        mean_image[s["ypix"], s["xpix"]] += 300
    frames = {
        "nframes": n_frames,
        "frames_per_folder": np.array(frames_per_folder or [n_frames]),
        "frames_per_file": np.array(frames_per_file or [n_frames]),
    }
    db: dict[str, Any] = {
        "data_path": ["/data/of another machine/"],
        "save_path": str(folder),
        "reg_file": str(Path("/data/of another machine") / "data.bin"),
        "nplanes": n_planes,
        "nchannels": 2 if redcell else 1,
        "iplane": plane,
        "Ly": height,
        "Lx": width,
        "meanImg": mean_image,
        **frames,
    }
    if file_list is not None:
        db["file_list" if layout == "1.1" else "filelist"] = list(file_list)
    if redcell:
        db["meanImg_chan2"] = rng.random(frame_shape).astype("f4")
    bad = np.zeros(n_frames, bool)
    bad[list(bad_frames)] = True
    registered = {
        "yrange": [0, height],
        "xrange": [0, width],
        "badframes": bad,
        "meanImg": mean_image,
        "meanImgE": mean_image / mean_image.max(),
    }
    detected = {"max_proj": mean_image * 2, "Vcorr": mean_image / 600}
    rate = {} if fs is None else {"fs": fs}
    if layout == "0.14":
        ops = {
            "suite2p_version": "0.14.6",
            "neucoeff": NEUROPIL_COEFFICIENT,
            "tau": 1.0,
            **rate,
            **db,
            **registered,
            **detected,
        }
        if with_ops is not False:
            np.save(folder / "ops.npy", np.array(ops, dtype=object))
    else:
        settings = {
            "version": "1.1.0",
            "tau": 1.0,
            "extraction": {"neuropil_coefficient": NEUROPIL_COEFFICIENT},
            **rate,
        }
        parts_1x = {
            "db": db,
            "settings": settings,
            "reg_outputs": registered,
            "detect_outputs": detected,
        }
        for name, part in parts_1x.items():
            np.save(folder / f"{name}.npy", np.array(part, dtype=object))
        if with_ops is not False:
            ops = {**db, **settings, **registered, **detected}
            np.save(folder / "ops.npy", np.array(ops, dtype=object))
    if data_bin:
        movie = rng.integers(100, 300, (n_frames, height, width), dtype=np.int16)
        movie.tofile(folder / "data.bin")
        if redcell:
            movie[::-1].tofile(folder / "data_chan2.bin")
    return folder


def write_suite2p_session(
    session: Path, *, n_planes: int = 1, combined: bool = False, **options: Any
) -> Path:
    """Write SESSION/suite2p/plane0..N (and combined/); return the suite2p folder."""
    root = session / "suite2p"
    for plane in range(n_planes):
        write_suite2p_plane(
            root / f"plane{plane}", plane=plane, n_planes=n_planes, **options
        )
    if combined:
        _write_combined(root, n_planes)
    return root


def _write_combined(root: Path, n_planes: int) -> None:
    """Concatenate the planes as suite2p 1.x does: shifted masks, no ops.npy."""
    combined = root / "combined"
    combined.mkdir()
    for name in ("F", "Fneu", "spks", "iscell"):
        parts = [np.load(root / f"plane{p}" / f"{name}.npy") for p in range(n_planes)]
        np.save(combined / f"{name}.npy", np.concatenate(parts))
    shifted = []
    for p in range(n_planes):
        stat = np.load(root / f"plane{p}" / "stat.npy", allow_pickle=True)
        for s in stat:
            s["xpix"] = s["xpix"] + 72 * p
            s["iplane"] = p
        shifted.append(stat)
    np.save(combined / "stat.npy", np.concatenate(shifted))


@pytest.fixture(scope="session")
def suite2p_folder() -> Callable[..., Path]:
    """Write a synthetic suite2p session: `suite2p_folder(path, **options) -> root`.

    Options are those of `write_suite2p_session` and `write_suite2p_plane`; the plane
    folders are ``root / "plane0"`` and so on.
    """
    return write_suite2p_session


@pytest.fixture
def nwb() -> Any:
    """`write` writes an NWB file, of whose `layouts` there are `traces` by kind."""
    return SimpleNamespace(write=write_nwb_file, traces=nwb_traces, layouts=NWB_LAYOUTS)


@pytest.fixture(scope="session")
def public_files() -> Any:
    """Writers of the layouts of public sets that are no NWB files."""
    from tests.other_pipelines import (
        write_bugeon_folder,
        write_crack_file,
        write_mat_7_3,
    )

    return SimpleNamespace(
        crack=write_crack_file, bugeon=write_bugeon_folder, mat_7_3=write_mat_7_3
    )


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with real recordings that are not part of the repository."""
    named = os.environ.get("NAPARI_CELLTYPE_TEST_DATA")
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(named) if named else beside
    if not folder.is_dir():
        pytest.skip(
            f"no real data at {folder}; set NAPARI_CELLTYPE_TEST_DATA to its folder"
        )
    return folder


@pytest.fixture
def session_folder(tmp_path: Path) -> Callable[..., Path]:
    """Write a session below `tmp_path`: `session_folder(name, **options) -> folder`."""

    def write(name: str, **options: Any) -> Path:
        return write_suite2p_session(tmp_path / name, **options).parent

    return write


@pytest.fixture(scope="session")
def local_cluster() -> Callable[..., Any]:
    """Start Dask workers of one thread each: `with local_cluster(2) as cluster`."""
    distributed = pytest.importorskip("distributed")
    import dask

    @contextmanager
    def start(n_workers: int) -> Iterator[Any]:
        # Dask warns where the port of its dashboard is taken; None means 8787, too.
        # A worker that was killed is looked for after 15 s and closed for good, even
        # if it is back by then and was killed a second time.
        with (
            dask.config.set({"distributed.deploy.lost-worker-timeout": "1h"}),
            distributed.LocalCluster(
                n_workers=n_workers, threads_per_worker=1, dashboard_address=":0"
            ) as cluster,
        ):
            yield cluster

    return start


@pytest.fixture
def quick_card() -> Any:
    """The card of a model that nobody calibrated and nobody proved."""
    from napari_celltype.models import ModelCard

    return ModelCard(
        name="quick",
        family="cnn",
        classes=("PY", "PV", "SOM", "VIP"),
        architecture="cnn",
        window_frames=100,
        sampling_frequency=10.0,
        normalization="trace",
        neuropil="none",
        trained_on="Nothing.",
        origin="user",
        subtypes_proven=False,
        intended_use="Tests.",
        not_for="Anything else.",
        created="2020-01-01T00:00:00+00:00",
    )


@pytest.fixture
def make_calibration() -> Callable[..., Any]:
    """A calibration with one threshold for all prediction sets.

    `make_calibration(0.3, later={4: 0.5})`: `later` adds steps with another one.
    """
    from napari_celltype.models.card import Calibration, CalibrationStep

    def make(
        value: float = 0.3,
        *,
        later: dict[int, float] | None = None,
        calibrated_on: str = "simulation",
    ) -> Calibration:
        return Calibration(
            calibrated_on=calibrated_on,
            coverage=0.9,
            sessions=30,
            cells=1000,
            steps=tuple(
                CalibrationStep(n_windows, 1.0, dict.fromkeys(FOUR_TYPES, limit))
                for n_windows, limit in {1: value, **(later or {})}.items()
            ),
        )

    return make


@pytest.fixture
def make_predictions(quick_card: Any) -> Callable[..., Any]:
    """Predictions of a model that was trained on equal shares of four types.

    `make_predictions(rows, calibration=None, n_windows=1, **of_the_card)`; the shares
    in use are PY 50 %, IN 50 % unless `prior` says otherwise.
    """
    from napari_celltype.answers import Predictions
    from napari_celltype.recording import Recording

    def make(
        rows: Any,
        *,
        calibration: Any = None,
        n_windows: int = 1,
        prior: dict[str, float] | None = None,
        **of_the_card: Any,
    ) -> Predictions:
        rows = np.asarray(rows, dtype=float)
        fields = {
            "name": "tiny-10hz",
            "assumed_shares": {"PY": 0.5, "IN": 0.5},
            "calibration": calibration,
            **of_the_card,
        }
        card = replace(quick_card, **fields)
        usable = np.isfinite(rows).all(axis=1)
        traces = np.random.default_rng(0).normal(size=(len(rows), 200))
        recording = Recording.from_traces(
            traces.astype(np.float32), sampling_frequency=10.0
        )
        return Predictions(
            recording=recording,
            recording_name="test",
            card=card,
            model_sha256="0" * 64,
            model_probabilities=rows,
            n_windows=np.where(usable, n_windows, 0),
            n_frames_used=np.where(usable, 100 * n_windows, 0),
            input_name="F",
            findings=(),
            roi_warnings=("",) * len(rows),
            labels=None,
            only_iscell=False,
            prior=prior,
        )

    return make
