from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.errors import (
    CellTypeError,
    LabelError,
    RecordingError,
    SamplingFrequencyError,
    Stopped,
)
from napari_celltype.labels import (
    Label,
    LabelTable,
    Reading,
    TraceSet,
    load_labels,
    save_labels,
    save_traces,
)
from napari_celltype.labels.obstacles import label_findings
from napari_celltype.progress import Progress, ignore_progress, never_stop
from napari_celltype.recording import open_recording

Labelled = Callable[..., Path]
TWO = {0: "PV", 1: "PY"}


def load(
    data,
    *,
    only_tested=False,
    on_progress=ignore_progress,
    should_stop=never_stop,
    **options,
):
    return Reading(**options).load(
        data, only_tested=only_tested, on_progress=on_progress, should_stop=should_stop
    )


def _list(folder, *lines):
    path = folder / "cells.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _raw(session, name="F", plane=0):
    return np.load(session / f"suite2p/plane{plane}/{name}.npy")


def _texts(values):
    assert values is not None
    return values.tolist()


# --- one recording


def test_a_recording_with_a_label_file_is_labelled_data(labelled):
    session = labelled("m1", {4: "SST", 1: "pyramidal", 2: "!PV"})
    data = load(session)
    assert data.name == "m1"
    assert data.traces.labels.tolist() == ["PY", "!PV", "SOM"]
    assert data.traces.sampling_frequency == 30.0
    assert data.notes == ()
    np.testing.assert_array_equal(data.traces.traces, _raw(session)[[1, 2, 4]])


def test_what_is_known_of_a_recording_stands_beside_its_traces(labelled):
    session = labelled("m1", {0: Label(0, "PV", source="histology"), 5: "PY"})
    traces = load(session, timesteps=100).traces
    assert _texts(traces.label_source) == ["histology", "manual"]
    assert _texts(traces.session_id) == ["m1", "m1"]
    assert _texts(traces.cell_id) == ["m1/plane0/roi0", "m1/plane0/roi5"]
    assert traces.subject_id is None
    assert traces.line is None
    n_pixels = [len(open_recording(session).rois[i].ypix) for i in (0, 5)]
    assert {name: v.tolist() for name, v in traces.recorded.items()} == {
        "n_pixels": n_pixels,
        "plane": [0, 0],
        "native_frames": [120, 120],
        "native_sampling_frequency": [30.0, 30.0],
    }


def test_a_label_table_takes_the_place_of_the_label_file(tmp_path, labelled):
    session = labelled("m1", TWO)
    table = tmp_path / "table.csv"
    table.write_text("roi_id;label\n2;VIP\n3;PV\n5;\n")
    data = load(session, labels=table)
    assert data.traces.labels.tolist() == ["VIP", "PV"]


def test_labels_may_be_in_a_labels_folder(tmp_path, labelled):
    session = labelled("m1")
    rows = tuple(Label(i, name) for i, name in TWO.items())
    save_labels(open_recording(session), LabelTable(rows), tmp_path / "labels")
    path = _list(tmp_path, "path,labels", "m1,labels")
    assert load(path).traces.labels.tolist() == ["PV", "PY"]


def test_neuropil_is_subtracted_when_asked_for(labelled):
    session = labelled("m1", TWO)
    expected = _raw(session)[:2] - 0.5 * _raw(session, "Fneu")[:2]
    traces = load(session, neuropil=0.5).traces.traces
    np.testing.assert_allclose(traces, expected, rtol=1e-6)


@pytest.mark.parametrize("neuropil", ["model", 1.5, "0.7x"])
def test_neuropil_that_cannot_be_is_refused(labelled, neuropil):
    with pytest.raises(CellTypeError, match="neuropil"):
        load(labelled("m1", TWO), neuropil=neuropil)


def test_all_planes_of_a_recording_are_read(labelled):
    session = labelled("m1", {0: "PV"}, n_planes=2)
    plane1 = open_recording(session, 1)
    save_labels(plane1, LabelTable((Label(0, "PY"), Label(1, "PV"))))
    traces = load(session).traces
    assert traces.recorded["plane"].tolist() == [0, 1, 1]
    assert _texts(traces.cell_id)[:2] == ["m1/plane0/roi0", "m1/plane1/roi0"]
    assert _texts(traces.session_id) == ["m1", "m1", "m1"]
    assert len(load(session, plane=1).traces) == 2


def test_a_table_for_several_planes_must_name_them(tmp_path, labelled):
    session = labelled("m1", n_planes=2)
    table = tmp_path / "table.csv"
    table.write_text("roi_id,label\n2,VIP\n")
    with pytest.raises(LabelError, match="nothing says of which plane ROI 2 is"):
        load(session, labels=table)
    table.write_text("roi_id,label,plane\n2,VIP,0\n2,PV,1\n")
    recorded = load(session, labels=table).traces.recorded
    assert recorded["plane"].tolist() == [0, 1]


def test_parts_of_merged_rois_do_not_count_twice(labelled):
    session = labelled("m1", {0: "PV", 1: "PV", 6: "PV", 2: "PY"}, merged=[(0, 1)])
    data = load(session)
    assert _texts(data.traces.cell_id) == ["m1/plane0/roi2", "m1/plane0/roi6"]
    assert data.notes == (
        "Left out: 2 labels of parts of merged ROIs (label the merged ROI), in m1.",
    )


def test_labels_given_before_a_merge_count_once(labelled):
    given = {0: Label(0, "PV", source="histology"), 1: "PV", 2: "PY"}
    session = labelled("m1", given, merged=[(0, 1)])
    data = load(session)
    assert _texts(data.traces.cell_id) == ["m1/plane0/roi2", "m1/plane0/roi6"]
    assert _texts(data.traces.labels) == ["PY", "PV"]


def test_one_table_of_several_recordings(labelled, tmp_path):
    for name in ("m1", "m2", "m3"):
        labelled(name, n_planes=2)
    (tmp_path / "t.csv").write_text(
        "recording,plane,roi_id,label\nm1,1,4,PY\nm2,0,0,PV\nm2,1,0,SOM\n"
    )
    path = _list(tmp_path, "path,labels", "m1,t.csv", "m2,t.csv")
    data = load(path)
    assert _texts(data.traces.cell_id) == [
        *("m1/plane1/roi4", "m2/plane0/roi0", "m2/plane1/roi0"),
    ]
    assert _texts(data.traces.labels) == ["PY", "PV", "SOM"]
    with pytest.raises(LabelError, match=r"about m1, m2, and not about .*m3"):
        load(_list(tmp_path, "path,labels", "m1,t.csv", "m3,t.csv"))


def test_a_table_of_another_plane_is_said(labelled, tmp_path):
    session = labelled("m1")
    (tmp_path / "t.csv").write_text("roi_id,label,plane\n0,PV,1\n3,SOM,1\n")
    with pytest.raises(LabelError, match=r"no cell is .* its rows are of plane 1;"):
        load(session, labels=tmp_path / "t.csv")


def test_labels_whose_roi_is_gone_are_counted(labelled):
    session = labelled("m1", {0: "PV", 2: "PY", 5: "PV"})
    plane = session / "suite2p/plane0"
    for name in ("F", "Fneu", "iscell", "stat"):
        values = np.load(plane / f"{name}.npy", allow_pickle=name == "stat")
        np.save(plane / f"{name}.npy", values[:5])
    data = load(session)
    assert len(data.traces) == 2
    assert data.notes == ("Left out: 1 label whose ROI is not there any more, in m1.",)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nowhere", "does not exist"),
        ("none.npz", r"none\.npz does not exist; check the name"),
        ("cells.xlsx", "is no labelled data; give a trace set"),
        *(("x" * 300 + ending, "xxx") for ending in ("", ".npz", ".csv")),
    ],
)
def test_what_is_no_labelled_data_is_refused(tmp_path, name, sentence):
    (tmp_path / "cells.xlsx").write_bytes(b"PK")
    with pytest.raises(CellTypeError, match=sentence):
        load(tmp_path / name)


def test_a_user_may_give_the_frame_rate(labelled):
    session = labelled("m1", TWO, fs=None)
    unknown = load(session)
    assert unknown.traces.sampling_frequency is None
    assert "native_sampling_frequency" not in unknown.traces.recorded
    assert "m1: the frame rate is not known" in unknown.notes[0]
    known = load(session, sampling_frequency=7.5)
    assert (known.traces.sampling_frequency, known.notes) == (7.5, ())


def test_doubts_about_rate_and_labels_are_noted(labelled):
    seen = {0: Label(0, "PV", seen_trace=True), 1: Label(1, "PY", seen_trace=False)}
    blind, rate = load(labelled("m1", seen, fs=10.0)).notes
    assert blind.startswith("Not blind: 1 of 2 labels were given while the trace")
    assert rate.startswith("m1: 10 Hz is suite2p's default")


def test_joins_within_the_traces_are_noted(labelled):
    session = labelled("m1", TWO, frames_per_folder=[80, 40])
    (note,) = load(session).notes
    assert note.startswith("In 1 of 1 recording the traces go across joins")
    notes = load(session, timesteps=80).notes
    assert not any("joins" in note for note in notes)


def test_training_reads_bad_frames_as_classifying_does(labelled):
    bad = [20, *range(40, 60)]
    session = labelled("m1", TWO, bad_frames=bad)
    data, raw = load(session), _raw(session)[:2]
    assert data.notes == ("Bad frames, up to 18 %, of which no value is used: m1.",)
    found = data.traces.traces
    assert np.flatnonzero(np.isnan(found[0])).tolist() == bad[1:]
    np.testing.assert_allclose(found[:, 20], raw[:, [19, 21]].mean(axis=1), rtol=1e-6)
    others = np.delete(np.arange(120), bad)
    np.testing.assert_array_equal(found[:, others], raw[:, others])
    assert load(session, timesteps=60, joins="break").traces.n_frames == 60


def test_a_recording_of_bad_frames_teaches_nothing(labelled):
    with pytest.raises(LabelError, match="badframes"):
        load(labelled("m1", TWO, bad_frames=range(120)))


# --- what is left out


def _spoil(session, rows):
    path = session / "suite2p/plane0/F.npy"
    traces = np.load(path)
    for row, value in rows.items():
        traces[row] = value
    np.save(path, traces)


def _predicted(roi_id, label):
    return Label(roi_id, label, source="prediction")


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ({}, "m1: no cell is labelled with a type; label"),
        (
            {0: _predicted(0, "VIP"), 1: _predicted(1, "PV")},
            r"only 2 given by a model\)",
        ),
        ({0: "PV", 1: "PV"}, "one type only, PV"),
        ({0: "PV", 1: "IN"}, "one type only, PV"),
        ({0: "!PV", 1: "!SOM"}, "only say what cells are not"),
        ({0: "PV", 1: "!PV"}, "'!PV' leaves none"),
        ({4: "PV", 5: "PY"}, "None of 2 labelled traces of m1 can"),
    ],
)
def test_labels_that_teach_nothing_are_refused(labelled, labels, sentence):
    session = labelled("m1", labels)
    _spoil(session, {4: np.nan, 5: 0})
    with pytest.raises(LabelError, match=sentence):
        load(session)


@pytest.mark.parametrize("labels", [{0: "PV", 1: "PV"}, {0: "!PV", 1: "IN"}])
def test_data_that_are_only_tested_on_may_be_of_one_type(labelled, labels):
    data = load(labelled("m1", labels), only_tested=True)
    assert data.traces.labels.tolist() == list(labels.values())


def test_predictions_and_useless_traces_are_left_out_by_name(labelled):
    others = {2: "PV", 3: "PY", 4: "PV", 5: _predicted(5, "VIP")}
    session = labelled("m1", {**TWO, **others})
    _spoil(session, {2: np.nan, 3: np.inf, 4: 0})
    data = load(session)
    assert data.traces.labels.tolist() == ["PV", "PY"]
    assert data.notes == (
        "Left out: 1 label that a model gave, which are no ground truth.",
        "Left out: 3 labelled traces of which too few frames have a finite value, or "
        "without any change (m1 ROI 2, m1 ROI 3, m1 ROI 4).",
    )
    marked = load(session, with_predictions=True).traces
    assert _texts(marked.label_source) == ["manual", "manual", "prediction"]


# --- several recordings


def test_recordings_follow_each_other_and_are_cut_to_the_shortest(tmp_path, labelled):
    first, second = labelled("m1", TWO), labelled("m2", TWO, n_frames=90, seed=1)
    data = load(_list(tmp_path, "path", "m2", "m1"))
    assert data.name == "cells"
    expected = [_raw(second)[:2], _raw(first)[:2, :90]]
    np.testing.assert_array_equal(data.traces.traces, np.concatenate(expected))
    assert data.traces.recorded["native_frames"].tolist() == [90, 90, 120, 120]
    (note,) = data.notes
    assert note.startswith("Traces of up to 120 frames are cut to their first 90")


def test_unequal_rates_are_refused_or_brought_down(tmp_path, labelled):
    fast, slow = labelled("m1", TWO, fs=30.0), labelled("m2", TWO, fs=15.0, seed=1)
    path = _list(tmp_path, "path", "m1", "m2")
    with pytest.raises(
        LabelError, match=r"Frame rates differ: m2 .* --resample 15\)\."
    ):
        load(path)
    traces = load(path, resample=15.0).traces
    assert traces.traces.shape == (4, 60)
    assert traces.sampling_frequency == 15.0
    averaged = _raw(fast)[:2].reshape(2, 60, 2).mean(axis=2)
    np.testing.assert_allclose(traces.traces[:2], averaged, rtol=1e-6)
    np.testing.assert_array_equal(traces.traces[2:], _raw(slow)[:2, :60])
    rates = traces.recorded["native_sampling_frequency"]
    assert rates.tolist() == [30.0, 30.0, 15.0, 15.0]


def test_the_facts_of_a_list_reach_every_example(tmp_path, labelled):
    labelled("m1", TWO)
    labelled("m2", TWO)
    head = "path,subject_id,session_id,line"
    lines = ("m1,mouse 1,s1,Pvalb-Cre", "m2,mouse 2,s2,Sst-Cre")
    traces = load(_list(tmp_path, head, *lines)).traces
    assert _texts(traces.subject_id) == ["mouse 1"] * 2 + ["mouse 2"] * 2
    assert _texts(traces.session_id) == ["s1", "s1", "s2", "s2"]
    assert _texts(traces.line) == ["Pvalb-Cre"] * 2 + ["Sst-Cre"] * 2


def test_sessions_of_two_animals_are_two_sessions(tmp_path, labelled):
    for name in ("a", "b", "c"):
        labelled(name, TWO)
    head = "path,subject_id,session_id"
    path = _list(tmp_path, head, "a,mouse 1,1", "b,mouse 2,1", "c,mouse 1,2")
    sessions = _texts(load(path).traces.session_id)
    assert sessions[::2] == ["mouse 1/1", "mouse 2/1", "2"]


def test_one_neuron_on_several_days_has_one_cell_id(tmp_path, labelled):
    labels = {0: Label(0, "PV", cell_id="7"), 1: "PY"}
    for name in ("a", "b", "c"):
        labelled(name, labels)
    path = _list(tmp_path, "path,subject_id", "a,m1", "b,m1", "c,m2")
    cells = _texts(load(path).traces.cell_id)
    assert cells[::2] == ["m1/7", "m1/7", "m2/7"]
    assert cells[1::2] == ["a/plane0/roi1", "b/plane0/roi1", "c/plane0/roi1"]


def test_a_cell_of_two_types_is_noted(tmp_path, labelled):
    labelled("a", {0: Label(0, "PV", cell_id="7"), 1: "PY"})
    labelled("b", {0: Label(0, "PY", cell_id="7"), 1: Label(1, "IN", cell_id="7")})
    (note,) = load(_list(tmp_path, "path", "a", "b")).notes
    assert note.startswith("Labels that contradict each other in 1 cell: 7;")


def test_labels_of_one_cell_that_agree_need_no_note(tmp_path, labelled):
    labelled("a", {0: Label(0, "PV", cell_id="7"), 1: "PY", 2: "SOM"})
    labelled("b", {0: Label(0, "IN", cell_id="7"), 1: Label(1, "!PY", cell_id="7")})
    assert load(_list(tmp_path, "path", "a", "b")).notes == ()


def test_recordings_without_labels_or_of_other_indicators_are_noted(tmp_path, labelled):
    for name in ("a", "b", "c"):
        labelled(name, TWO)
    labelled("d")
    lines = ("a,GCaMP6f", "b,GCaMP6s", "c,GCaMP6f", "d,GCaMP6f")
    bare, differ = load(_list(tmp_path, "path,indicator", *lines)).notes
    assert bare == "1 of 4 recordings without labels: d."
    assert "differ in indicator" in differ
    assert "GCaMP6f (2), GCaMP6s (1)" in differ


def test_a_damaged_recording_is_named_with_its_line(tmp_path, labelled):
    labelled("m1", TWO)
    (labelled("m2", TWO) / "suite2p/plane0/F.npy").write_bytes(b"damaged")
    with pytest.raises(RecordingError, match=r"cells\.csv, line 3: .*F\.npy is not a"):
        load(_list(tmp_path, "path", "m1", "m2"))


def test_a_table_that_does_not_fit_is_named_with_both_lines(tmp_path, labelled):
    labelled("m1")
    (tmp_path / "t.csv").write_text("roi_id,label\n0,PV\n77,PY\n")
    with pytest.raises(LabelError, match=r"line 2: .*t\.csv, line 3: ROI 77 does not"):
        load(_list(tmp_path, "path,labels", "m1,t.csv"))


def _own(session, name, parent):
    tree = DEFAULT_TYPES.with_type(name, color="#112233", parent=parent)
    rows = (Label(0, name), Label(1, "PY"))
    return save_labels(open_recording(session), LabelTable(rows, tree))


def test_types_of_all_label_files_make_one_tree(tmp_path, labelled):
    _own(labelled("m1"), "NDNF", "IN")
    _own(labelled("m2"), "Sncg", "VIP")
    labelled("m3")
    (tmp_path / "t.csv").write_text("roi_id,label\n0,ndnf\n")
    path = _list(tmp_path, "path,labels", "m3,t.csv", "m1,", "m2,")
    data = load(path)
    assert data.traces.labels.tolist() == ["NDNF", "NDNF", "PY", "Sncg", "PY"]
    assert data.tree.is_within("Sncg", "VIP")


@pytest.mark.parametrize(("name", "parent"), [("NDNF", None), ("Ndnf", "IN")])
def test_files_that_disagree_on_a_type_are_refused(tmp_path, labelled, name, parent):
    file = _own(labelled("m1"), "NDNF", "IN")
    _own(labelled("m2"), name, parent)
    sentence = rf"m2.*the type '{name}' below {parent}, and .*m1.*'NDNF' below IN; give"
    with pytest.raises(LabelError, match=sentence):
        load(_list(tmp_path, "path", "m1", "m2"))
    file.write_text(json.dumps(json.loads(file.read_text()) | {"types": [3]}))
    with pytest.raises(LabelError, match=r"celltype_labels\.json cannot be used"):
        load(tmp_path / "m1")


def test_progress_names_each_recording_and_reading_stops(tmp_path, labelled):
    labelled("m1", TWO)
    labelled("m2", TWO)
    seen: list[Progress] = []
    path = _list(tmp_path, "path", "m1", "m2")
    with pytest.raises(Stopped):
        load(path, should_stop=lambda: True)
    load(path, on_progress=seen.append)
    assert [p.message.split()[-1] for p in seen] == ["m1", "m2"] * 2
    assert [(p.done, p.total) for p in seen] == [(0, 2), (1, 2)] * 2


def test_300_recordings_are_read(tmp_path, labelled):
    session = labelled("m0", TWO)
    for i in range(1, 300):
        plane = tmp_path / f"m{i}/suite2p/plane0"
        plane.mkdir(parents=True)
        for file in (session / "suite2p/plane0").iterdir():
            (plane / file.name).hardlink_to(file)
    lines = [f"m{i},mouse {i // 3}" for i in range(300)]
    traces = load(_list(tmp_path, "path,subject_id", *lines)).traces
    assert traces.traces.shape == (600, 120)
    assert len(set(_texts(traces.session_id))) == 300


# --- trace sets


def _trace_set(**columns):
    traces = np.random.default_rng(0).normal(size=(4, 60)).astype(np.float32)
    rate = columns.pop("sampling_frequency", 30.0)
    columns = {name: np.array(values) for name, values in columns.items()}
    labels = columns.pop("labels", np.array(["PV", "PY", "IN", "SOM"]))
    traces = columns.pop("traces", traces)
    return TraceSet(traces, labels, **columns, sampling_frequency=rate)


def test_a_trace_set_is_labelled_data(tmp_path):
    written = _trace_set(subject_id=["a", "a", "b", "b"])
    data = load(save_traces(written, tmp_path / "cells.npz"))
    np.testing.assert_array_equal(data.traces.traces, written.traces)
    assert _texts(data.traces.subject_id) == ["a", "a", "b", "b"]
    assert (data.name, data.notes) == ("cells", ())


def test_traces_in_memory_are_labelled_data():
    labels = ["PV", "pyramidal", "SST", "my own type"]
    data = load(_trace_set(labels=labels), timesteps=50)
    assert data.traces.labels.tolist() == ["PV", "PY", "SOM", "my own type"]
    assert data.traces.traces.shape == (4, 50)


@pytest.mark.parametrize("rate", [0.0, -30.0, np.nan])
def test_impossible_frame_rates_are_refused(tmp_path, labelled, rate):
    path = save_traces(_trace_set(), tmp_path / "cells.npz")
    for data in (path, labelled("m1", TWO)):
        with pytest.raises(SamplingFrequencyError, match="is impossible"):
            load(data, sampling_frequency=rate)


def test_a_trace_set_is_cut_and_brought_down_from_the_rate_of_the_user(tmp_path):
    written = _trace_set(sampling_frequency=20.0)
    path = save_traces(written, tmp_path / "cells.npz")
    how = {"timesteps": 25, "resample": 15.0, "sampling_frequency": 30.0}
    traces = load(path, **how).traces
    expected = written.traces.reshape(4, 30, 2).mean(axis=2)[:, :25]
    np.testing.assert_allclose(traces.traces, expected, atol=1e-6)
    assert traces.sampling_frequency == 15.0


def test_unusable_rows_and_predictions_of_a_trace_set_are_left_out(tmp_path):
    values = np.random.default_rng(0).normal(size=(5, 60))
    values[1] = np.nan
    sources = ["manual", "manual", "prediction", "redcell", "manual"]
    labels = ["PV", "PY", "VIP", "SOM", "PY"]
    written = _trace_set(traces=values, labels=labels, label_source=sources)
    data = load(save_traces(written, tmp_path / "cells.npz"))
    assert data.traces.labels.tolist() == ["PV", "SOM", "PY"]
    assert _texts(data.traces.label_source) == ["manual", "redcell", "manual"]
    assert "1 label that a model gave" in data.notes[0]
    assert "(row 1)" in data.notes[1]


@pytest.mark.parametrize("option", [{"plane": 1}, {"neuropil": 0.7}, {"labels": "x"}])
def test_options_of_recordings_do_not_fit_a_trace_set(tmp_path, option):
    path = save_traces(_trace_set(), tmp_path / "cells.npz")
    with pytest.raises(LabelError, match="leave that out"):
        load(path, **option)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": ["PV", "PY", "IN", "VIP"]},
        {"cell_id": ["1", "2", "3", "4"]},
        {"label_source": ["manual"] * 4},
        {"sampling_frequency": 20.0},
        {"traces": np.random.default_rng(1).normal(size=(4, 60))},
    ],
)
def test_the_fingerprint_tells_data_apart(tmp_path, change):
    first = load(save_traces(_trace_set(), tmp_path / "a.npz"))
    again = load(save_traces(_trace_set(), tmp_path / "b.npz"))
    other = load(save_traces(_trace_set(**change), tmp_path / "c.npz"))
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != other.fingerprint


def test_saved_labelled_data_read_as_the_same(tmp_path, labelled):
    labelled("m1", TWO)
    data = load(_list(tmp_path, "path,subject_id", "m1,a"))
    again = load(save_traces(data.traces, tmp_path / "cells.npz"))
    assert again.fingerprint == data.fingerprint


# --- real and simulated recordings


def test_a_simulated_recording_is_labelled_data(tmp_path):
    from napari_celltype.cli.simulate import SimulateRequest, write_simulation

    write_simulation(SimulateRequest(tmp_path / "s", 12, 200, 10.0))
    data = load(tmp_path / "s")
    truth = load_labels(open_recording(tmp_path / "s"))
    assert truth is not None
    assert data.traces.labels.tolist() == [row.label for row in truth]


def test_a_real_recording_is_labelled_data(tmp_path, shared_data):
    (tmp_path / "t.csv").write_text("roi_id,label\n3,PV\n200,PY\n")
    folder = shared_data / "real_suite2p/plane0"
    path = _list(tmp_path, "path,labels", f"{folder},t.csv")
    data = load(path, sampling_frequency=30.0)
    expected = np.load(folder / "F.npy")[[3, 200]]
    np.testing.assert_array_equal(data.traces.traces, expected)


def test_a_folder_of_many_recordings_is_sent_to_dataset(tmp_path, nwb):
    for name in ("a", "b"):
        nwb.write(tmp_path / f"{name}.nwb")
    with pytest.raises(LabelError, match=r"open one of these\. .* dataset .* -o"):
        Reading().load(tmp_path)


def test_kinds_of_traces_are_not_mixed(tmp_path, nwb, monkeypatch):
    series = {"ophys/dF/RoiResponseSeries": "F"}
    monkeypatch.setitem(nwb.layouts, "dF", (nwb.layouts["000535"][0], series, "F"))
    nwb.write(tmp_path / "a.nwb")
    nwb.write(tmp_path / "b.nwb", "dF")
    (tmp_path / "t.csv").write_text("roi_id,label\n0,PV\n1,PY\n")
    data = Reading().open(_list(tmp_path, "path,labels", "a.nwb,t.csv", "b.nwb,t.csv"))
    with pytest.raises(
        LabelError, match=r"raw .*\(a.nwb\) and dF/F \(b.nwb\).*cannot be mixed"
    ):
        load(data)
    (found,) = [f for f in label_findings(data) if f.code == "trace-kinds-differ"]
    for way_out in found.ways_out:
        assert len(load(way_out.apply(data)).traces) == 2
