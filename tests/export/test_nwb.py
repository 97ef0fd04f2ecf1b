"""New NWB files, read back with pynwb and checked by nwbinspector."""

import shutil
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import h5py
import numpy as np
import pytest

from napari_celltype.answers.provenance import is_ours
from napari_celltype.errors import (
    MissingDependencyError,
    OutputError,
    SamplingFrequencyError,
    Stopped,
)
from napari_celltype.export import (
    ExportedRecording,
    ExportRequest,
    NwbSession,
    write_export,
)
from napari_celltype.labels import Label, LabelTable, load_labels
from napari_celltype.recording import Recording, find_recordings, open_recording

pynwb = pytest.importorskip("pynwb")


def write_nwb(planes, path, session=None, **options):
    request = ExportRequest("nwb", session=session or NwbSession())
    return write_export(planes, request, path, **options)


@contextmanager
def read(path):
    with pynwb.NWBHDF5IO(path, "r") as io:
        yield io.read()


def test_a_file_of_which_nothing_is_known_has_no_critical_finding(
    tmp_path, recording, with_table, critical
):
    plane = with_table(recording)
    path = write_nwb([plane], tmp_path / "new.nwb")
    assert critical(path) == []
    assert is_ours(path)
    with read(path) as content:
        assert content.session_start_time.year == 1900
        assert "session_start_time" in content.session_description
        assert content.subject.subject_id == "unknown"
        assert content.subject.sex == "U"
        assert content.subject.age == "P0D/"
        assert content.subject.species is None
        assert np.isnan(content.imaging_planes["ImagingPlane"].excitation_lambda)


def test_labels_masks_images_and_traces_come_back(
    tmp_path, recording, output_table, with_table
):
    table = output_table()
    recording = replace(recording, pixel_size=(2.0, 1.5))
    path = write_nwb([with_table(recording, table)], tmp_path / "new.nwb")
    with read(path) as content:
        ophys = content.processing["ophys"]
        rois = ophys["ImageSegmentation"]["PlaneSegmentation"]
        for name in ("label", "predicted", "prediction_set", "warnings"):
            assert list(rois[name].data[:]) == list(table[name]), name
        for name in ("p_PY", "p_VIP", "p_IN", "probability"):
            np.testing.assert_array_equal(rois[name].data[:], table[name])
        assert rois["merged_into"].data[1] == -1
        assert list(rois.id[:]) == list(range(12))
        roi, pixels = recording.rois[3], rois["pixel_mask"][3]
        np.testing.assert_array_equal(pixels["x"], roi.xpix)
        np.testing.assert_array_equal(pixels["y"], roi.ypix)
        np.testing.assert_array_equal(pixels["weight"], roi.lam)
        image = ophys["SegmentationImages"].images["mean_image"]
        np.testing.assert_array_equal(image.data[:].T, recording.images["mean image"])
        for name, traces in (
            ("RoiResponseSeries", recording.raw_traces),
            ("Neuropil", recording.neuropil),
        ):
            series = ophys["Fluorescence"][name]
            np.testing.assert_array_equal(series.data[:].T, traces)
            assert series.rate == 30.0
            assert series.rois.table is rois
        plane = content.imaging_planes["ImagingPlane"]
        np.testing.assert_allclose(plane.grid_spacing[:], [1.5e-6, 2e-6])


def test_what_the_user_says_about_the_session_stands_in_the_file(
    tmp_path, recording, with_table, critical
):
    session = NwbSession.of(
        {
            "session_description": "Running in the dark.",
            "session_start_time": "2024-05-17T14:30:00+02:00",
            "subject_id": "m1",
            "species": "Mus musculus",
            "age": "P90D",
            "sex": "F",
            "lab": "Our lab",
            "experimenter": "Curie, Marie; Franklin, Rosalind",
            "indicator": "GCaMP6f",
            "location": "CA1",
        }
    )
    plane = with_table(recording)
    path = write_nwb([plane], tmp_path / "new.nwb", session=session)
    assert critical(path) == []
    with read(path) as content:
        assert content.session_start_time.isoformat() == "2024-05-17T14:30:00+02:00"
        assert content.subject.species == "Mus musculus"
        assert content.experimenter == ("Curie, Marie", "Franklin, Rosalind")
        assert content.imaging_planes["ImagingPlane"].indicator == "GCaMP6f"
        assert "device" in content.session_description
        assert "1900" not in content.session_description


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("session_start_time", "yesterday", "no ISO 8601 time"),
        ("session_start_time", "2999-01-01", "in the future"),
        ("age", "90 days", "P90D"),
        ("sex", "female", "M, F, O, U"),
        ("subject_id", "a/b", "slash"),
        ("weight", "20 g", "no field"),
    ],
)
def test_a_field_that_nwb_could_not_hold_is_refused(
    tmp_path, recording, with_table, field, text, said
):
    planes = [with_table(recording)]
    with pytest.raises(OutputError, match=said):
        write_nwb(planes, tmp_path / "new.nwb", NwbSession.of({field: text}))
    assert not (tmp_path / "new.nwb").exists()


def test_provenance_travels_in_the_file_without_paths_and_without_pickles(
    tmp_path, recording, with_table
):
    path = write_nwb([with_table(recording)], tmp_path / "n.nwb")
    with read(path) as content:
        told = content.processing["ophys"]["CellTypeProvenance"]
        rows = dict(zip(told["key"].data[:], told["value"].data[:], strict=True))
        assert "napari-celltype" in content.was_generated_by[:].ravel()
        assert "Simulation" in content.notes
    assert rows["models.0.name"] == "cnn"
    assert rows["recordings.0.warnings"] == "a; b"
    assert not any("/secret" in value for value in rows.values())
    opaque = []
    with h5py.File(path) as file:

        def look(name, item):
            kind = getattr(item, "dtype", None)
            if kind is not None and kind.kind == "V" and kind.names is None:
                opaque.append(name)

        file.visititems(look)
    assert opaque == []


def test_planes_of_one_session_share_a_file_and_sessions_do_not(
    tmp_path, suite2p_folder, with_table, critical
):
    root = suite2p_folder(tmp_path / "s", n_planes=2)
    other = suite2p_folder(tmp_path / "t")
    planes = [
        with_table(open_recording(folder))
        for folder in (root / "plane0", root / "plane1", other / "plane0")
    ]
    path = write_nwb(planes[:2], tmp_path / "n.nwb")
    assert critical(path) == []
    with read(path) as content:
        ophys = content.processing["ophys"]
        assert set(ophys["ImageSegmentation"].plane_segmentations) == {
            "PlaneSegmentationPlane0",
            "PlaneSegmentationPlane1",
        }
        series = ophys["Fluorescence"]["NeuropilPlane1"]
        np.testing.assert_array_equal(series.data[:].T, planes[1].recording.neuropil)
    with pytest.raises(OutputError, match="holds one session"):
        write_nwb(planes, tmp_path / "all.nwb")


def test_folders_with_one_number_are_told_apart(
    tmp_path, suite2p_folder, with_table, critical
):
    plane = suite2p_folder(tmp_path) / "plane0"
    names = {f"PlaneSegmentation-plane0{i}_stitched" for i in (1, 2)}
    folders = [tmp_path / name.split("-")[1] for name in sorted(names)]
    for folder in folders:
        shutil.copytree(plane, folder)
    path = write_nwb(
        [with_table(open_recording(f)) for f in folders], tmp_path / "n.nwb"
    )
    assert critical(path) == []
    with read(path) as content:
        segmentation = content.processing["ophys"]["ImageSegmentation"]
        assert set(segmentation.plane_segmentations) == names


def test_only_the_rois_of_the_table_are_written(
    tmp_path, recording, output_table, with_table
):
    table = output_table().iloc[[1, 4, 7]].reset_index(drop=True)
    path = write_nwb([with_table(recording, table)], tmp_path / "n.nwb")
    with read(path) as content:
        ophys = content.processing["ophys"]
        rois = ophys["ImageSegmentation"]["PlaneSegmentation"]
        assert list(rois.id[:]) == [1, 4, 7]
        x = rois["pixel_mask"][2]["x"]
        np.testing.assert_array_equal(x, recording.rois[7].xpix)
        trace = ophys["Fluorescence"]["RoiResponseSeries"].data[:, 1]
        np.testing.assert_array_equal(trace, recording.raw_traces[4])


def test_joined_runs_are_said(tmp_path, suite2p_folder, with_table):
    root = suite2p_folder(tmp_path / "s", frames_per_folder=(400, 500))
    plane = with_table(open_recording(root / "plane0"))
    with read(write_nwb([plane], tmp_path / "n.nwb")) as content:
        series = content.processing["ophys"]["Fluorescence"]["RoiResponseSeries"]
        assert "0 to 399, 400 to 899" in series.comments


def test_what_cannot_be_an_nwb_file_is_refused(
    tmp_path, recording, output_table, with_table
):
    table = output_table()
    unknown_rate = replace(recording, sampling_frequency=None)
    with pytest.raises(SamplingFrequencyError, match="--fs"):
        write_nwb([with_table(unknown_rate, table)], tmp_path / "n.nwb")
    without_masks = Recording(np.zeros((12, 50), np.float32), sampling_frequency=9.0)
    with pytest.raises(OutputError, match="no ROI masks"):
        write_nwb([with_table(without_masks, table)], tmp_path / "n.nwb")
    assert not (tmp_path / "n.nwb").exists()


def test_stopping_leaves_no_file(tmp_path, recording, with_table):
    asked: list[bool] = []

    def stop():
        asked.append(True)
        return len(asked) > 2

    out = tmp_path / "out"
    with pytest.raises(Stopped):
        write_nwb([with_table(recording)], out / "n.nwb", should_stop=stop)
    assert list(out.iterdir()) == []


def test_without_pynwb_the_line_to_install_is_said(
    tmp_path, recording, with_table, monkeypatch
):
    monkeypatch.setitem(sys.modules, "pynwb", None)
    monkeypatch.setitem(sys.modules, "pynwb.ophys", None)
    with pytest.raises(MissingDependencyError, match="pip install pynwb"):
        write_nwb([with_table(recording)], tmp_path / "n.nwb")


def test_a_new_file_is_read_back_as_a_recording(tmp_path, suite2p_folder):
    folder = suite2p_folder(tmp_path / "m1", fs=10.0, frames_per_folder=[400, 500])
    recording = open_recording(folder)
    rows = (Label(3, "PV", 0, "histology"), Label(5, "!PV", 0, "prediction"))
    session = NwbSession(subject_id="m1", indicator="GCaMP8s")
    path = write_nwb(
        [ExportedRecording(recording, "m1", LabelTable(rows))],
        tmp_path / "m1" / "copy.nwb",
        session=session,
    )
    again = open_recording(path)
    for name in ("raw_traces", "neuropil"):
        np.testing.assert_array_equal(
            getattr(again, name)[:], getattr(recording, name)[:]
        )
    for name in ("ypix", "xpix", "lam", "starts"):
        np.testing.assert_array_equal(
            getattr(again.rois, name), getattr(recording.rois, name)
        )
    np.testing.assert_array_equal(
        again.images["mean image"], recording.images["mean image"]
    )
    np.testing.assert_array_equal(again.iscell, recording.iscell)
    assert again.segments == recording.segments
    assert again.sampling_frequency == recording.sampling_frequency
    assert not again.sampling_frequency_confirmed
    assert again.facts["subject_id"] == "m1"
    assert again.facts["indicator"] == "GCaMP8s"
    labels = {r.roi_id: (r.label, r.source) for r in load_labels(again)}
    assert labels == {3: ("PV", "histology"), 5: ("!PV", "prediction")}
    # It is no second recording of its folder, and is never written over.
    assert find_recordings([tmp_path]).planes == (recording.path,)
    assert find_recordings([path]).planes == (path,)
    with pytest.raises(OutputError, match="never changed"):
        write_nwb([ExportedRecording(again, "copy")], path, force=True)
    # Elsewhere it may be all that there is of a recording.
    (tmp_path / "colleague").mkdir()
    path = path.rename(tmp_path / "colleague" / "m2.nwb")
    assert set(find_recordings([tmp_path]).planes) == {recording.path, path}


@pytest.mark.parametrize(
    ("names", "fits"),
    [(("day1", "day2"), False), (("plane01_stitched", "plane02_stitched"), True)],
)
def test_folders_of_one_session_go_into_one_file(names, fits, tmp_path, suite2p_folder):
    planes = []
    for name in names:
        folder = suite2p_folder(tmp_path / f"m {name}", n_frames=90) / "plane0"
        moved = folder.rename(tmp_path / name)
        planes.append(ExportedRecording(open_recording(moved), name))
    refused = nullcontext() if fits else pytest.raises(OutputError, match="one session")
    with refused:
        write_nwb(planes, tmp_path / "out" / "new.nwb")
