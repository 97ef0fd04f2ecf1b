"""A folder with one of every file that can be opened, and how much is tried of it."""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, settings
from scipy.io import savemat
from tests.other_pipelines import write_caiman, write_inscopix

from napari_celltype.answers import classify
from napari_celltype.export import (
    ExportedRecording,
    ExportRequest,
    write_export,
    write_table,
)
from napari_celltype.export.nwb import PROVENANCE_TABLE
from napari_celltype.labels import Label, LabelTable, TraceSet, save_labels, save_traces
from napari_celltype.labels.csv_table import write_csv_rows, write_label_table
from napari_celltype.recording import open_recording

# How many times as much is tried as in continuous integration; `make soak` says 20.
SOAK = int(os.environ.get("NAPARI_CELLTYPE_SOAK", "1"))

settings.register_profile(
    "robustness",
    database=None,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("robustness")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """None of these belongs to the quick part."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def soak() -> bool:
    return SOAK > 1


@pytest.fixture(scope="session")
def scaled() -> Callable[[int], int]:
    """How many times: `scaled(500)` is 500 in continuous integration, else 10,000."""
    return lambda n: SOAK * n


@pytest.fixture(scope="session")
def lab_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="session")
def quick_model(lab_folder: Path) -> Path:
    from napari_celltype.models import TraceClassifier, card_for

    rng = np.random.default_rng(0)
    classifier = TraceClassifier("rnn", epochs=1, random_state=0)
    classifier.fit(rng.normal(size=(24, 100)), np.tile(["PY", "PV", "SOM", "VIP"], 6))
    card = card_for(classifier, name="quick", sampling_frequency=10.0)
    path = lab_folder / "quick.safetensors"
    classifier.save(path, card)
    return path


@pytest.fixture(scope="session")
def lab(
    lab_folder: Path,
    quick_model: Path,
    suite2p_folder: Callable[..., Path],
    public_files: Any,
) -> Path:
    """Two days of one mouse with labels, matches, tables, movies, traces, a model."""
    planes = []
    for day in ("day1", "day2"):
        root = suite2p_folder(
            lab_folder / "m1" / day,
            n_rois=6,
            n_frames=700,
            fs=10.0,
            frame_shape=(40, 44),
            redcell=True,
        )
        planes.append(root / "plane0")
        labels = (Label(k, ("PY", "PV", "IN", "!PV")[k % 4]) for k in range(5))
        table = LabelTable(tuple(labels))
        save_labels(open_recording(planes[-1]), table)
    write_label_table(table, lab_folder / "labels.csv")
    listed = [{"path": f"m1/{day}", "subject_id": "m1"} for day in ("day1", "day2")]
    write_csv_rows(lab_folder / "recordings.csv", ("path", "subject_id"), listed)
    rng = np.random.default_rng(0)
    labels = np.tile(["PY", "PV"], 10)
    cells = TraceSet(rng.normal(size=(20, 60)), labels, sampling_frequency=10.0)
    save_traces(cells, lab_folder / "cells.npz")
    frames = rng.integers(0, 900, (6, 16, 20), dtype=np.uint16)
    tifffile.imwrite(lab_folder / "movie.tif", frames, imagej=True)
    tifffile.imwrite(lab_folder / "movie.ome.tif", frames, ome=True)
    table = classify(planes[0], str(quick_model))
    for ending in ("csv", "parquet", "json"):
        write_table(table, lab_folder / f"cell_types.{ending}")
    _write_nwb(planes[0], lab_folder / "theirs.nwb")
    write_caiman(lab_folder / "others" / "caiman.hdf5")
    write_inscopix(lab_folder / "others" / "traces.csv", tiffs="traces")
    fall = lab_folder / "fall" / "suite2p" / "plane0"
    fall.mkdir(parents=True)
    names = ("F", "Fneu", "iscell", "stat", "ops")
    arrays = {n: np.load(planes[0] / f"{n}.npy", allow_pickle=True) for n in names}
    arrays["ops"] = {k: v for k, v in arrays["ops"].item().items() if v is not None}
    savemat(fall / "Fall.mat", arrays)
    for name, is_7_3 in (("cc028-1.mat", False), ("cc028-2.mat", True)):
        public_files.crack(lab_folder / "crack" / name, is_7_3=is_7_3)
    public_files.bugeon(lab_folder / "SB025" / "2019-10-23", rate=10.0)
    matches = '{"clusters": {"labels_bySession": [[0,1,2,3,-1,4],[1,0,2,-1,3,4]]}}'
    (lab_folder / "x.tracking.results_clusters.json").write_text(matches)
    paths = {"paths_statFiles": [str(plane / "stat.npy") for plane in planes]}
    (lab_folder / "x.tracking.params_used.json").write_text(
        json.dumps({"data": {"__init__": paths}})
    )
    track2p = lab_folder / "track2p"
    track2p.mkdir()
    options: dict[str, Any] = {
        "all_ds_path": [str(plane.parents[1]) for plane in planes],
        "iscell_thr": None,
        "vector_curation_plane_0": np.ones(4),
    }
    np.save(track2p / "track_ops.npy", np.array(options, dtype=object))
    rows = np.array([[0, 1], [1, 0], [2, 3], [3, 2], [4, None]], dtype=object)
    np.save(track2p / "plane0_suite2p_indices.npy", rows)
    return lab_folder


def _write_nwb(plane: Path, path: Path) -> None:
    """Write an NWB file with the ROIs of a plane and nothing of this program's."""
    written = ExportedRecording(open_recording(plane), "day1")
    write_export([written], ExportRequest("nwb"), path)
    with h5py.File(path, "r+") as file:
        ophys = file["processing/ophys"]
        del ophys[PROVENANCE_TABLE]
        (rois,) = ophys["ImageSegmentation"].values()
        for name in {*rois.attrs["colnames"]} - {"pixel_mask"}:
            del rois[name]
        rois.attrs["colnames"] = ["pixel_mask"]


@pytest.fixture(scope="session")
def writers() -> Iterator[Any]:
    """The module of that name, which other processes import as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        yield importlib.import_module("writers")


@pytest.fixture(scope="session")
def started(writers: Any) -> Callable[..., Any]:
    """Start a function of `writers` in a process, which is ready then."""
    context = multiprocessing.get_context("forkserver")
    rooms = "models.model", "export.nwb", "protocol.report", "protocol.rivals"
    preloaded = (f"napari_celltype.{room}" for room in rooms)
    context.set_forkserver_preload(["__main__", "pytest", "pynwb", *preloaded])

    def start(work: Callable[..., object], *arguments: object) -> Any:
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(*arguments, theirs))
        process.start()
        assert ours.poll(60)
        return process

    return start
