"""What napari finds: manifest, reader, sample data."""

import sys
import tracemalloc
from fnmatch import fnmatch
from functools import partial
from importlib.resources import files

import numpy as np
import pytest
from npe2 import PluginManifest
from tests.other_pipelines import write_caiman, write_inscopix

from napari_celltype.errors import RecordingError
from napari_celltype.gui.contributions import get_reader, read_layers, sample_recording
from napari_celltype.gui.layers import METADATA_KEY, recording_layers
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.recording import Recording


def roles(layers):
    return [options["metadata"][METADATA_KEY].role for _, options, _ in layers]


def test_everything_that_the_manifest_names_can_be_imported():
    manifest = PluginManifest.from_file(files("napari_celltype") / "napari.yaml")
    manifest.validate_imports()


@pytest.mark.parametrize(
    "part", ["", "suite2p", "suite2p/plane0", "suite2p/plane0/stat.npy"]
)
def test_a_recording_is_read_from_any_of_its_paths(folder, part):
    path = str(folder / part)
    first, *images, colors, rois = roles(get_reader(path)(path))
    assert (first, colors, rois) == ("movie", "colors", "rois")
    assert set(images) == {"image"}


def test_an_nwb_file_is_opened_as_a_folder_is(make_napari_viewer, tmp_path, nwb):
    viewer = make_napari_viewer()
    viewer.open(str(nwb.write(tmp_path / "a.nwb")), plugin="napari-celltype")
    assert viewer.layers[-1].features.shape[0] == 6
    no_imaging = tmp_path / "b.nwb"
    no_imaging.write_bytes(b"")
    assert get_reader(str(no_imaging)) is None


@pytest.mark.parametrize(
    ("name", "write"),
    [("a.hdf5", write_caiman), ("m1_traces.csv", partial(write_inscopix, tiffs="m1"))],
)
def test_napari_finds_us_for_files_of_other_pipelines_alone(
    make_napari_viewer, tmp_path, monkeypatch, name, write
):
    viewer = make_napari_viewer()
    viewer.open(str(write(tmp_path / name)), plugin="napari-celltype")
    assert viewer.layers[-1].features.shape[0] == 6
    manifest = PluginManifest.from_file(files("napari_celltype") / "napari.yaml")
    (reader,) = manifest.contributions.readers
    fits = [fnmatch(name, pattern) for pattern in reader.filename_patterns]
    assert any(fits)
    (tmp_path / name).write_bytes(b"index,axis-0,axis-1\n0,1,2\n")
    # The folder of a file may hold thousands, and is not searched.
    monkeypatch.setattr("os.walk", None)
    assert get_reader(str(tmp_path / name)) is None


def test_without_h5py_hdf5_files_are_left_to_other_readers(tmp_path, monkeypatch):
    path = write_caiman(tmp_path / "a.hdf5")
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert get_reader(str(path)) is None


def test_of_traces_that_are_no_image_a_block_is_held_at_once():
    class Stored:
        shape = (100, 400_000)

        def __getitem__(self, rows):
            return np.zeros((len(range(100)[rows]), 400_000), np.float32)

    opened = OpenRecording("traces", Recording(raw_traces=Stored()))
    tracemalloc.start()
    ((raster, _, _),) = recording_layers(opened, "traces")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert raster.shape == (100, 4000)
    assert peak < 4 * np.prod(Stored.shape) / 2


@pytest.mark.parametrize("kind", ["crack", "bugeon"])
def test_traces_without_masks_are_shown_as_they_are(
    make_napari_viewer, tmp_path, public_files, kind
):
    from napari_celltype.gui.scene import scene_of

    names = {"crack": "m/cc028-1.mat", "bugeon": "m/2019-10-23"}
    path = getattr(public_files, kind)(tmp_path / names[kind])
    viewer = make_napari_viewer()
    viewer.open(str(path), plugin="napari-celltype")
    n_planes, shape = {"crack": (2, (7, 300)), "bugeon": (1, (6, 500))}[kind]
    assert [layer.data.shape for layer in viewer.layers] == [shape] * n_planes
    session = scene_of(viewer).session
    assert session.active.recording.n_rois == shape[0]
    session.select(3)
    assert session.roi_id == 3
    assert {"PY", "PV", "SOM", "VIP"} <= {row.label for row in session.active.labels}
    layer = viewer.layers[0].data
    assert (layer.min(), layer.max()) == (0, 1)


def test_another_folder_is_left_to_other_readers(tmp_path):
    assert get_reader(str(tmp_path)) is None


def test_a_damaged_recording_is_refused_with_a_sentence(folder):
    (folder / "suite2p" / "plane0" / "F.npy").write_bytes(b"broken")
    with pytest.raises(RecordingError, match=r"F\.npy"):
        read_layers(str(folder))


def test_the_sample_has_its_true_types():
    layers = sample_recording()
    _, options, kind = layers[-1]
    assert kind == "labels"
    assert set(options["features"]["label"]) == {"PY", "PV", "SOM", "VIP"}


def test_pixels_are_roi_id_plus_one(folder):
    data, options, _ = read_layers(str(folder))[-1]
    assert set(np.unique(data)) - {0} == set(options["features"]["index"])


def test_a_dock_takes_over_what_the_reader_opened(make_napari_viewer, folder):
    from napari_celltype.gui.scene import scene_of

    viewer = make_napari_viewer()
    viewer.open(str(folder), plugin="napari-celltype")
    assert viewer.layers[-1].features.shape[0] == 12
    session = scene_of(viewer).session
    assert session.active.recording.n_rois == 12
    session.select(3)
    assert viewer.layers[-1].selected_label == 4


def test_file_open_sample_shows_it(make_napari_viewer):
    viewer = make_napari_viewer()
    viewer.open_sample("napari-celltype", "labelled-recording")
    assert viewer.layers[-1].features["label"].notna().all()
