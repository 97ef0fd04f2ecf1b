"""Running suite2p: a stand-in for what may go wrong, and the real one once."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_celltype.errors import (
    MissingDependencyError,
    OutputError,
    RecordingError,
    SamplingFrequencyError,
    Stopped,
)
from napari_celltype.progress import Progress
from napari_celltype.recording import FROM_USER, open_recording, run_suite2p
from napari_celltype.recording import suite2p_run as run_module
from napari_celltype.simulation import match_rois, simulate_recording, write_movie

# Stands in for suite2p in the other process: the same names and lines, no work.
STAND_IN = """
import json, os, pathlib, sys, time

def default_db():
    return {}

def default_settings():
    return {"registration": {"block_size": (128, 128), "nonrigid": True}}

def run_s2p(db, settings):
    folder = pathlib.Path(db["save_path0"]) / "suite2p" / "plane0"
    folder.mkdir(parents=True)
    print("** Found 1 files - converting to binary **")
    print("----------- REGISTRATION")
    HERE
    (folder / "F.npy").touch()
    (folder / "job.json").write_text(
        json.dumps({"db": db, "settings": settings, "home": os.environ["HOME"]})
    )
"""


@pytest.fixture
def movie(tmp_path):
    path = tmp_path / "Versuch ä 1.tif"
    tifffile.imwrite(path, np.zeros((20, 48, 300), np.int16), photometric="minisblack")
    return path


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Put a stand-in for suite2p first on the path of the other process."""

    def install(line="pass"):
        package = tmp_path / "packages" / "suite2p"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(STAND_IN.replace("HERE", line))
        monkeypatch.setenv("PYTHONPATH", str(package.parent))
        monkeypatch.syspath_prepend(package.parent)

    return install


def test_suite2p_gets_what_was_asked_for(stand_in, movie, tmp_path):
    stand_in()
    steps: list[Progress] = []
    folder = run_suite2p(
        movie,
        tmp_path / "out",
        sampling_frequency=10,
        tau=0.7,
        device="cpu",
        on_progress=steps.append,
    )
    assert folder == tmp_path / "out" / "suite2p"
    job = json.loads((folder / "plane0" / "job.json").read_text())
    assert job["db"]["data_path"] == [str(tmp_path)]
    assert job["db"]["file_list"] == ["Versuch ä 1.tif"]
    settings = job["settings"]
    assert (settings["fs"], settings["tau"]) == (10, 0.7)
    assert settings["torch_device"] == "cpu"
    # Small frames need small blocks; the other settings of the group stay.
    assert settings["registration"] == {"block_size": [24, 128], "nonrigid": True}
    home = Path(job["home"])
    assert home != Path.home()
    assert not home.exists()
    names = [step.message for step in steps]
    assert names[1:3] == ["Copying the movie", "Registering frames"]
    assert steps[-1].done == steps[-1].total


def test_failure_is_told_in_suite2ps_words(stand_in, movie, tmp_path):
    stand_in("raise ValueError('frames are too small')")
    with pytest.raises(
        RecordingError, match=r"suite2p failed on .*frames are too small"
    ):
        run_suite2p(movie, tmp_path / "out", sampling_frequency=10)
    assert not (tmp_path / "out" / "suite2p").exists()


def test_stop_ends_the_process_and_leaves_nothing(stand_in, movie, tmp_path):
    stand_in("time.sleep(600)")
    said: list[Progress] = []
    with pytest.raises(Stopped):
        run_suite2p(
            movie,
            tmp_path / "out",
            sampling_frequency=10,
            on_progress=said.append,
            should_stop=lambda: "Registering frames" in [p.message for p in said],
        )
    assert not (tmp_path / "out" / "suite2p").exists()


def test_no_roi_found_is_said(stand_in, movie, tmp_path):
    stand_in("return")
    with pytest.raises(RecordingError, match="suite2p found no ROI"):
        run_suite2p(movie, tmp_path / "out", sampling_frequency=10)


def test_impossible_requests(stand_in, movie, tmp_path):
    stand_in()
    with pytest.raises(OutputError, match="cannot be written"):
        run_suite2p(movie, movie / "out", sampling_frequency=10)
    with pytest.raises(SamplingFrequencyError):
        run_suite2p(movie, tmp_path / "out", sampling_frequency=0)
    with pytest.raises(RecordingError, match="does not exist"):
        run_suite2p(tmp_path / "m.tif", tmp_path / "out", sampling_frequency=10)
    (tmp_path / "out" / "suite2p").mkdir(parents=True)
    with pytest.raises(OutputError, match="is there already and is left as it is"):
        run_suite2p(movie, tmp_path / "out", sampling_frequency=10)


def test_suite2p_is_not_installed(movie, tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="pip install"):
        run_suite2p(movie, tmp_path / "out", sampling_frequency=10)


@pytest.mark.slow
def test_real_suite2p_finds_the_active_cells_in_a_folder_that_opens(tmp_path):
    if run_module.find_spec("suite2p") is None:
        pytest.skip("suite2p is not installed")
    simulated = simulate_recording(random_state=1)
    movie = write_movie(simulated, tmp_path / "movie.tif")
    folder = run_suite2p(
        movie, tmp_path / "out", sampling_frequency=10, tau=0.7, device="cpu"
    )
    assert sys.modules.get("suite2p") is None
    found = open_recording(folder)
    # 10 Hz given here is a choice, not suite2p's untouched default.
    assert found.sampling_frequency == 10
    assert found.sampling_frequency_source == FROM_USER
    assert found.movie is not None
    assert found.movie.shape == (found.n_frames, *found.frame_shape)
    assert found.pipeline.version is not None

    matches = match_rois(simulated.rois, list(found.rois), found.frame_shape)
    matched = np.flatnonzero(matches >= 0)
    # Nearly silent cells, as many PY cells are, cannot be found by their activity.
    active = simulated.dff.max(axis=1) > 0.3
    assert active[matches[matched]].sum() >= 0.65 * active.sum()
    assert matched.size >= 0.8 * len(found.rois)
    soma = simulated.fluorescence.soma[matches[matched]]
    raw = np.asarray(found.raw_traces[:])[matched]
    correlations = [np.corrcoef(a, b)[0, 1] for a, b in zip(soma, raw, strict=True)]
    assert np.median(correlations) > 0.8
