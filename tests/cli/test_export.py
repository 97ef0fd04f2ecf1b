"""`export` as typed in a terminal: NWB, figures, labels alone."""

from __future__ import annotations

import h5py
import pandas as pd
import pytest

from napari_celltype.labels import Label, LabelTable, save_labels
from napari_celltype.recording import open_recording

pynwb = pytest.importorskip("pynwb")

LONG = {"n_frames": 1900, "n_rois": 5}


@pytest.fixture
def folder(session_folder):
    folder = session_folder("m1", **LONG)
    labels = LabelTable((Label(2, "PV", source="histology"),))
    save_labels(open_recording(folder), labels)
    return folder


def rois_of(path, name="PlaneSegmentation"):
    with pynwb.NWBHDF5IO(path, "r") as io:
        content = io.read()
        rois = content.processing["ophys"]["ImageSegmentation"][name]
        columns = {n: list(rois[n].data[:]) for n in rois.colnames if "mask" not in n}
        return content.subject.subject_id, pd.DataFrame(columns)


def test_nwb_with_predictions_labels_and_session_fields(terminal, folder, tmp_path):
    out = tmp_path / "m1.nwb"
    fields = ("--field", "subject_id=m1", "--field", "age=P90D")
    words = ("export", folder, "--format", "nwb", "-o", out)
    result = terminal(*words, *fields)
    assert result.exit_code == 0, result.stderr
    subject, rois = rois_of(out)
    assert subject == "m1"
    assert list(rois["label"]) == ["", "", "PV", "", ""]
    assert rois["p_PY"].between(0, 1).all()
    wrong = terminal(*words, "--force", "--field", "age=old")
    assert wrong.exit_code == 1
    assert "P90D" in wrong.stderr
    assert terminal(*words, "--field", "age").exit_code == 2


def test_into_adds_to_a_copy(terminal, session_folder, folder, tmp_path):
    bare, copy = tmp_path / "bare.nwb", tmp_path / "copy.nwb"
    terminal("export", folder, "--format", "nwb", "-o", bare, "--labels-only")

    # As another program would have left it: without our columns and provenance.
    with h5py.File(bare, "r+") as file:
        ophys = file["processing/ophys"]
        rois = ophys["ImageSegmentation/PlaneSegmentation"]
        for name in ("label", "label_source", "iscell", "roi_id"):
            del rois[name]
        rois.attrs["colnames"] = ["pixel_mask"]
        del ophys["CellTypeProvenance"]
    words = ("export", folder, "--format", "nwb", "--into", bare)
    result = terminal(*words, "-o", copy)
    assert result.exit_code == 0, result.stderr
    assert "predicted" in rois_of(copy)[1].columns
    assert "predicted" not in rois_of(bare)[1].columns
    words = ("export", session_folder("m2", n_frames=1900, n_rois=4), *words[2:])
    refused = terminal(*words, "-o", tmp_path / "x.nwb")
    assert refused.exit_code == 1
    assert "does not hold the ROIs" in refused.stderr


def test_labels_alone_need_no_model(terminal, folder, tmp_path):
    for format_, ending in (("csv", "csv"), ("svg", "svg"), ("methods", "txt")):
        out = tmp_path / f"out.{ending}"
        result = terminal(
            "export", folder, "--format", format_, "-o", out, "--labels-only"
        )
        assert result.exit_code == 0, result.stderr
    assert "predicted" not in pd.read_csv(tmp_path / "out.csv").columns
    assert "PV: 1 labelled" in (tmp_path / "out.svg").read_text()
    assert "no model told their cell types" in (tmp_path / "out.txt").read_text()


def test_a_table_is_no_source_of_masks(terminal, folder, tmp_path):
    table = tmp_path / "t.csv"
    terminal("classify", folder, "-o", table)
    out = tmp_path / "t.nwb"
    result = terminal("export", table, "--format", "nwb", "-o", out)
    assert result.exit_code == 1
    assert "without masks" in result.stderr


def test_an_unknown_frame_rate_is_asked_for(terminal, session_folder, tmp_path):
    folder = session_folder("m3", n_rois=4, fs=None)
    words = ("export", folder, "--format", "nwb", "--labels-only")
    result = terminal(*words, "-o", tmp_path / "n.nwb")
    assert result.exit_code == 1
    assert "--fs" in result.stderr
    told = terminal(*words, "--fs", 15, "-o", tmp_path / "n.nwb")
    assert told.exit_code == 0, told.stderr


def test_into_without_nwb_is_wrong_usage(terminal, folder, tmp_path):
    words = ("export", folder, "--format", "csv", "-o", tmp_path / "x.csv")
    assert terminal(*words, "--into", tmp_path / "a.nwb").exit_code == 2
