"""Recordings of CaImAn and Inscopix, classified, labelled and learned from."""

import numpy as np
import pandas as pd
import pytest
from tests.other_pipelines import N_ROIS, traces, write_caiman, write_inscopix

from napari_celltype.export import read_table
from napari_celltype.labels import Label, LabelTable, Reading, load_traces, save_labels
from napari_celltype.recording import open_recording

pytest.importorskip("h5py")
WRITERS = {"day1.hdf5": write_caiman, "day1_traces.csv": write_inscopix}


@pytest.fixture(params=WRITERS)
def labelled(request, tmp_path):
    """Two animals with labels of five cells each."""
    for mouse in ("mouse1", "mouse2"):
        path = WRITERS[request.param](tmp_path / mouse / request.param)
        rows = tuple(Label(i, ("PY", "PV")[i % 2]) for i in range(N_ROIS - 1))
        save_labels(open_recording(path), LabelTable(rows))
        assert path.with_name(f"{path.name}.celltype_labels.json").is_file()
    return path


def test_a_folder_of_both_is_classified_and_exported(terminal, tmp_path):
    write_caiman(tmp_path / "in" / "m1" / "a.hdf5")
    write_inscopix(tmp_path / "in" / "m2" / "b.csv", tiffs="b")
    out = tmp_path / "t.csv"
    result = terminal("classify", tmp_path / "in", "-o", out)
    assert result.exit_code == 0, result.output
    table = read_table(out)
    assert table["recording"].value_counts().to_dict() == {
        "m1/a.hdf5": 6,
        "m2/b.csv": 6,
    }
    assert table["predicted"].isin(["PY", "PV", "SOM", "VIP"]).all()
    # The cell in the upper left corner of CaImAn's frame of 20 x 32.
    assert table.loc[0, ["y", "x", "n_pixels"]].tolist() == [0.5, 1.5, 8]
    nwb = tmp_path / "b.nwb"
    words = ("export", tmp_path / "in" / "m1", "--format", "nwb", "-o", nwb)
    assert terminal(*words, "--labels-only").exit_code == 0
    again = open_recording(nwb)
    np.testing.assert_array_equal(again.rois[3].xpix, [15, 15, 16, 16, 17, 17, 18, 18])
    # A recording that ends as a table does.
    words = ("export", tmp_path / "in/m2/b.csv", "-o", tmp_path / "b.txt")
    assert terminal(*words, "--format", "methods", "--only-iscell").exit_code == 0
    text = (tmp_path / "b.txt").read_text()
    assert "Inscopix" in text
    assert "suite2p" not in text
    refused = terminal("classify", tmp_path / "in", "-o", tmp_path / "in/m2/b.csv")
    assert refused.exit_code == 1
    assert "Inscopix's own file, which is never changed" in refused.stderr


def test_a_second_analysis_of_a_session_is_named(terminal, tmp_path, suite2p_folder):
    suite2p_folder(tmp_path / "in" / "m1", n_frames=3000)
    second = write_caiman(tmp_path / "in" / "m1" / "a.hdf5")
    result = terminal("classify", tmp_path / "in", "-o", tmp_path / "t.csv")
    assert f"lie: {second} (1 in all); give" in " ".join(result.stderr.split())
    assert set(read_table(tmp_path / "t.csv")["recording"]) == {"m1"}


def test_labelled_ones_are_learned_from_alone_in_a_folder_and_in_a_list(
    labelled, terminal, tmp_path
):
    table = tmp_path / "labels.csv"
    pd.DataFrame({"roi_id": [0, 1], "label": ["VIP", "PY"]}).to_csv(table, index=False)
    assert Reading().load(labelled).cells.counts() == {"PY": 3, "PV": 2}
    other = Reading(labels=table).load(labelled)
    assert other.cells.counts() == {"PY": 1, "VIP": 1}
    listed = tmp_path / "list.csv"
    paths = [str(labelled), str(labelled).replace("mouse2", "mouse1")]
    pd.DataFrame({"path": paths}).to_csv(listed, index=False)
    assert Reading().load(listed).cells.counts() == {"PY": 6, "PV": 4}
    out = tmp_path / "data.npz"
    for source in (labelled, labelled.parents[1]):
        result = terminal("dataset", source, "-o", out, "--force")
        assert result.exit_code == 0, result.output
    cells = load_traces(out)
    assert cells.cells.counts() == {"PY": 6, "PV": 4}
    assert set(cells.subject_id) == {"mouse1", "mouse2"}
    own = open_recording(labelled).raw_traces[0]
    np.testing.assert_allclose(cells.traces[cells.subject_id == "mouse2"][0], own)


def test_the_two_are_not_mixed_in_one_trace_set(terminal, tmp_path):
    for name, write in WRITERS.items():
        path = write(tmp_path / "in" / name)
        rows = tuple(Label(i, ("PY", "PV")[i % 2]) for i in range(N_ROIS))
        save_labels(open_recording(path), LabelTable(rows))
    result = terminal("dataset", tmp_path / "in", "-o", tmp_path / "data.npz")
    assert result.exit_code == 1
    assert "traces of Inscopix's software (day1_traces.csv)" in result.stderr


def test_denoised_traces_cost_that_recording_alone(terminal, tmp_path):
    write_caiman(tmp_path / "a.hdf5", YrA=None)
    write_caiman(tmp_path / "b.hdf5", YrA=traces(2))
    out = tmp_path / "t.csv"
    result = terminal("classify", tmp_path, "-o", out)
    assert result.exit_code == 1
    assert "run cnm.estimates.compute_residuals(Yr)" in result.stderr
    assert set(read_table(out)["recording"]) == {"b.hdf5"}
