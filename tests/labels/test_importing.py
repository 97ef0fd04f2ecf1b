"""Labels and matches as the programs themselves leave them on disk."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.errors import CellTypeError, LabelError, RecordingError
from napari_celltype.labels import (
    Label,
    LabelTable,
    add_labels,
    load_labels,
    save_labels,
)
from napari_celltype.labels.importing import import_labels
from napari_celltype.recording import open_recording

# Cells as rows, days as columns: rows of stat.npy.
MATCHES = [[0, 3, 5], [1, 4, None], [2, None, None], [4, 2, 1], [None, 0, 0]]


@pytest.fixture
def days(labelled):
    """Three days of 6 ROIs; the first has labels."""
    given = {
        0: Label(0, "PV", source="histology", annotator="Ada"),
        1: "PY",
        4: Label(4, "SOM", source="prediction"),
    }
    folders = [labelled("mouse1/d1", given), *map(labelled, ("mouse1/d2", "mouse1/d3"))]
    return [open_recording(folder) for folder in folders]


@pytest.fixture
def track2p(tmp_path):
    """Write what Track2p 0.6.2 writes: `track2p(matches, **options) -> folder`."""

    def write(matches=MATCHES, *, direct=True, **options):
        folder = tmp_path / "mouse1" / "track2p"
        folder.mkdir(exist_ok=True)
        options = {
            "all_ds_path": [f"D:\\lab\\mouse1\\d{n}" for n in (1, 2, 3)],
            "iscell_thr": 0.5,
            "colors": None,
            "all_ds_avg_ch1": [np.zeros((4, 4))],
        } | options
        np.save(folder / "track_ops.npy", options, allow_pickle=True)
        name = "suite2p_indices" if direct else "match_mat"
        np.save(folder / f"plane0_{name}.npy", np.array(matches, dtype=object))
        return folder

    return write


@pytest.fixture
def roicat(tmp_path):
    """Write what ROICaT 1.7 writes: `roicat(labels_bySession, paths) -> file`."""

    def write(sessions, paths=None):
        file = tmp_path / "m1.tracking.results_clusters.json"
        content = {"labels_bySession": sessions, "labels_dict": {}}
        file.write_text(json.dumps(content, indent=4))
        if paths is not None:
            options = {"data": {"__init__": {"paths_statFiles": paths}}, "aligner": {}}
            name = "m1.tracking.params_used.json"
            (tmp_path / name).write_text(json.dumps(options))
        return file

    return write


def _other(recording, name="d1"):
    labels = load_labels(recording)
    assert labels is not None
    return name, recording, labels


def _cells(imported):
    return {row.roi_id: row.cell_id for row in imported.table}


def test_track2p_gives_each_roi_its_cell(days, track2p):
    folder = track2p()
    first, second, third = (import_labels(folder, day) for day in days)
    # The cell that was found on one day only says nothing.
    assert set(_cells(first)) == {0, 1, 4}
    assert _cells(first)[0] == _cells(second)[3] == _cells(third)[5]
    assert _cells(first)[1] == _cells(second)[4]
    assert _cells(second)[0] == _cells(third)[0]
    assert len(set(_cells(second).values())) == len(_cells(second)) == 4
    assert "recording 2 of 3; 4 ROIs of 6" in second.sentences[0]
    assert import_labels(folder.parent, days[0]) == first
    assert import_labels(folder / "track_ops.npy", days[0]) == first


def test_labels_are_proposed_for_the_same_cell_on_other_days(days, track2p):
    carried = import_labels(track2p(), days[1], others=[_other(days[0])]).carried
    rows = carried.by_roi()
    # A prediction is nobody's inheritance.
    assert {i: row.label for i, row in rows.items()} == {3: "PV", 4: "PY"}
    assert rows[3].source == "imported"
    assert rows[3].annotator == "Ada"
    assert rows[3].note == "from d1, ROI 0 (histology)"


def test_a_cell_with_two_labels_inherits_none(days, track2p):
    third = ("d3", days[2], LabelTable((Label(5, "SOM", 0),)))
    both = import_labels(track2p(), days[1], others=[_other(days[0]), third])
    assert set(both.carried.by_roi()) == {4}


def test_matches_take_no_label_away(days, track2p):
    present = _other(days[0])[2]
    table = add_labels(present, import_labels(track2p(), days[0]).table).table
    assert {r.roi_id: (r.label, r.source) for r in table} == {
        r.roi_id: (r.label, r.source) for r in present
    }
    assert all(row.cell_id for row in table)


def test_older_track2p_counts_the_cells_above_its_threshold(days, track2p):
    assert days[1].path is not None
    iscell = np.stack([np.ones(6), [0.9, 0.1, 0.8, 0.2, 0.7, 0.6]], axis=1)
    np.save(days[1].path / "iscell.npy", iscell)
    folder = track2p([[0, 0, 0], [1, 3, 1]], direct=False)
    assert set(_cells(import_labels(folder, days[1]))) == {0, 5}
    too_many = track2p([[0, 4, 0], [1, 3, 1]], direct=False)
    with pytest.raises(LabelError, match="4 pass Track2p's threshold"):
        import_labels(too_many, days[1])
    by_hand = track2p([[0, 1, 0]], direct=False, iscell_thr=None)
    assert any(
        "sorted after Track2p ran" in s
        for s in import_labels(by_hand, days[1]).sentences
    )


def test_cells_thrown_out_in_track2ps_window_are_left_out(days, track2p):
    folder = track2p(vector_curation_plane_0=np.array([0.0, 1.0]))
    assert set(_cells(import_labels(folder, days[0]))) == {1, 4}


@pytest.mark.parametrize(
    ("options", "matches", "sentence"),
    [
        ({"all_ds_path": ["/x/a", "/x/b", "/x/c"]}, MATCHES, "does not name"),
        ({"all_ds_path": ["/x/d1", "/y/d1", "/x/d3"]}, MATCHES, "may be any of"),
        ({"all_ds_path": ["/x/d1"]}, MATCHES, "of different runs"),
        ({}, [[0, 9, 1], [7, 1, 2]], "run Track2p again"),
        ({}, [["a", "b", "c"]], "something else than numbers"),
    ],
)
def test_matches_that_do_not_fit_are_refused(days, track2p, options, matches, sentence):
    with pytest.raises(CellTypeError, match=sentence):
        import_labels(track2p(matches, **options), days[0])


def test_code_in_track2ps_files_is_not_run(days, track2p):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (Path("trap"),))

    folder = track2p(trap=[Trap()])
    with pytest.raises(RecordingError, match="nothing in it was run"):
        import_labels(folder, days[0])


def test_roicat_finds_the_recording_by_its_path(days, roicat):
    sessions = [[0, 1, -1, 2, -1, 3], [-1, 0, 0, 2, 4, 1], [3, 5, 5, 2, -1, -1]]
    paths = [f"/home/x/mouse1/d{n}/suite2p/plane0/stat.npy" for n in (1, 2, 3)]
    file = roicat(sessions, paths)
    first, second = (import_labels(file, day) for day in days[:2])
    # 0 twice on one day is no match, 4 is on one day only.
    assert set(_cells(first).values()) == {"roicat-p0-1", "roicat-p0-2", "roicat-p0-3"}
    assert _cells(second) == {3: "roicat-p0-2", 5: "roicat-p0-1"}
    assert import_labels(file.parent, days[1]) == second
    carried = import_labels(file, days[1], others=[_other(days[0])]).carried
    assert {r.roi_id: r.label for r in carried} == {5: "PY"}


def test_roicat_without_paths_goes_by_the_number_of_rois(days, roicat):
    imported = import_labels(roicat([[0, 1], [0, -1, 1, -1, -1, -1]]), days[0])
    assert set(_cells(imported)) == {0, 2}
    assert "found by its number of ROIs" in imported.sentences[1]
    with pytest.raises(LabelError, match="may be any of"):
        import_labels(roicat([[0] + [-1] * 5, [0] + [-1] * 5]), days[0])
    with pytest.raises(LabelError, match="recordings of other sizes"):
        import_labels(roicat([[0, 1], [1, 0]]), days[0])


def test_roicat_of_other_rois_is_refused(days, roicat):
    paths = [f"/x/d{n}/suite2p/plane0/stat.npy" for n in (1, 2)]
    with pytest.raises(LabelError, match="made on 2 ROIs of"):
        import_labels(roicat([[0, 1], [0, 1]], paths), days[0])


def test_what_cannot_be_read_says_what_can(tmp_path, days, roicat):
    (tmp_path / "results.pkl").write_bytes(pickle.dumps({"labels": [1]}))
    (tmp_path / "empty").mkdir()
    for name in ("results.pkl", "empty", "missing.json"):
        with pytest.raises(LabelError, match="neither a label table"):
            import_labels(tmp_path / name, days[0])
    for content in ("{", "[]", "{}", '{"labels_bySession": [["a"]]}'):
        for name in ("x.json", "tracking.results_clusters.json"):
            (tmp_path / name).write_text(content)
            with pytest.raises(LabelError, match=r"no JSON|labels_bySession|not writ"):
                import_labels(tmp_path / name, days[0])


def test_a_label_table_is_told_in_words(tmp_path, days):
    table = tmp_path / "labels.csv"
    table.write_text("roi_id,label,cell_id\n0,Pvalb,c1\n1,PV,\n2,!SST,\n3,,\n")
    imported = import_labels(table, days[0])
    assert imported.sentences == ("3 labels (2 PV, 1 !SOM), 1 ROI with a cell_id.",)
    assert len(imported.table) == 3


def test_a_label_file_is_read_wherever_it_lies_and_brings_its_types(tmp_path, labelled):
    tree = DEFAULT_TYPES.with_type("NDNF", color="#112233")
    folder = labelled("mouse1/d1")
    recording = open_recording(folder)
    given = LabelTable((Label(1, "NDNF", 0), Label(2, "PV", 0, "prediction")), tree)
    copy = tmp_path / "copy.json"
    save_labels(recording, given).rename(copy)
    imported = import_labels(copy, recording)
    assert imported.table.rows == given.rows
    added = add_labels(LabelTable((Label(1, "PV", 0),)), imported.table)
    assert (set(added.table.by_roi()), added.kept) == ({1, 2}, (1,))
    assert added.table.tree["NDNF"].parent == "IN"


PRESENT = LabelTable((Label(1, "PV"), Label(2, "PY"), Label(3, "IN")))


def test_added_labels_leave_mine_alone_unless_asked():
    new = LabelTable(
        (
            Label(1, "SOM", source="imported"),
            Label(2, "PY", source="imported", cell_id="c2"),
            Label(9, "VIP", source="imported"),
        )
    )
    kept = add_labels(PRESENT, new)
    assert (kept.replaced, kept.kept) == ((), (1,))
    assert set(kept.table.by_roi()) == {1, 2, 3, 9}
    assert kept.table.by_roi()[1].label == "PV"
    assert kept.table.by_roi()[2] == Label(2, "PY", cell_id="c2")
    replaced = add_labels(PRESENT, new, keep=False)
    assert (replaced.replaced, replaced.kept) == ((1,), ())
    assert replaced.table.by_roi()[1].label == "SOM"


def test_a_prediction_never_stands_against_a_label():
    guess = LabelTable((Label(1, "PV", source="prediction"),))
    table = add_labels(guess, LabelTable((Label(1, "SOM", source="imported"),))).table
    assert table.by_roi()[1].label == "SOM"


def test_moved_lines_take_back_the_labels_of_the_former_ones():
    present = LabelTable(
        (
            Label(1, "PV", source="redcell", cell_id="c1"),
            Label(2, "!PV", source="redcell"),
            Label(3, "SOM", source="histology"),
        )
    )
    new = LabelTable(
        (Label(2, "PV", source="redcell"), Label(3, "PV", source="redcell"))
    )
    outcome = add_labels(present, new, instead_of="redcell")
    assert outcome.table.by_roi() == {
        1: Label(1, "", source="redcell", cell_id="c1"),
        2: Label(2, "PV", source="redcell"),
        3: Label(3, "SOM", source="histology"),
    }
    assert outcome.kept == (3,)


def test_labels_of_a_file_do_not_take_others_of_the_red_channel_away():
    present = LabelTable((Label(1, "PV", source="redcell"),))
    new = LabelTable((Label(2, "PV", source="redcell"),))
    assert add_labels(present, new).table.by_roi().keys() == {1, 2}


def test_of_an_output_table_only_the_rows_of_the_recording_are_taken(days, tmp_path):
    path = tmp_path / "cell_types.csv"
    path.write_text(
        "recording,plane,roi_id,label\nd1,0,0,PY\nmouse1/d2,0,0,PV\nd2,0,3,SOM\n"
    )
    found = [import_labels(path, day).table for day in days[:2]]
    assert [{r.roi_id: r.label for r in t} for t in found] == [{0: "PY"}, {0: "PV"}]
    with pytest.raises(LabelError, match=r"and not about .*d3"):
        import_labels(path, days[2])


@pytest.mark.parametrize("noted", [None, 7, "day1", {}, np.array(3)])
def test_track2p_that_does_not_list_its_recordings_is_said(days, track2p, noted):
    with pytest.raises(LabelError, match="does not name the recordings"):
        import_labels(track2p(all_ds_path=noted), days[0])


@pytest.mark.parametrize("value", ["x", 1j, [[1], [2, 3]], [[1, 2]], 10**400, {}])
@pytest.mark.parametrize("name", ["vector_curation_plane_0", "iscell_thr"])
def test_track2p_with_something_else_than_numbers_is_said(days, track2p, name, value):
    with pytest.raises(RecordingError, match=r"track_ops\.npy holds something else"):
        import_labels(track2p(direct=False, **{name: value}), days[0])


def test_track2p_with_impossible_rows_is_said(days, track2p):
    with pytest.raises(LabelError):
        import_labels(track2p([[1e300, 1e300, 1e300]]), days[0])


@pytest.mark.parametrize("iscell", [np.ones(3), np.ones((6, 0))])
def test_track2p_beside_another_iscell_is_said(days, track2p, iscell):
    recording = days[0]
    np.save(recording.path / "iscell.npy", iscell)
    with pytest.raises(RecordingError, match="expected a row for each of"):
        import_labels(track2p(direct=False), recording)
