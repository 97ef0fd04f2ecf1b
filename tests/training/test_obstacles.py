"""A collection of recordings: read, edited, its obstacles, and the list it writes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_celltype.errors import LabelError
from napari_celltype.labels import (
    DataSet,
    Label,
    LabelledRecording,
    LabelTable,
    Reading,
    TraceSet,
    find_labelled,
    labelled_recording,
    load_labels,
    save_labels,
    save_traces,
)
from napari_celltype.labels.labelled_recording import of_open_recording
from napari_celltype.recording import open_recording
from napari_celltype.training.held_out import held_out_for
from napari_celltype.training.obstacles import find_obstacles


@pytest.fixture
def labelled(suite2p_folder, tmp_path):
    """`labelled("mouse1/day1", ["PY", "PV", ...], source="manual")`: a plane folder."""

    def write(name, labels, *, source="manual", **options):
        options = {"n_rois": 8, "n_frames": 120, "data_bin": False, **options}
        plane = suite2p_folder(tmp_path / "data" / name, **options) / "plane0"
        rows = [Label(i, name, source=source) for i, name in enumerate(labels) if name]
        save_labels(open_recording(plane), LabelTable(tuple(rows)))
        return plane

    return write


def made(subject="", session="", **counts):
    """A recording that only exists in memory."""
    place = Path("/nowhere") / (subject or "x") / (session or "y") / "plane0"
    return LabelledRecording(
        place,
        f"{subject}/{session}",
        subject=subject,
        session=session,
        n_frames=1000,
        n_rois=100,
        sampling_frequency=10.0,
        rows=tuple(
            Label(i, label)
            for i, label in enumerate(np.repeat([*counts], [*counts.values()]).tolist())
        ),
    )


def tracked(recording, *names):
    """The recording with names for its first cells, in the order of their types."""
    named = [replace(r, cell_id=n) for r, n in zip(recording.rows, names, strict=False)]
    return replace(recording, rows=(*named, *recording.rows[len(names) :]))


def sentences(collection, **options):
    return [o.sentence for o in find_obstacles(collection, **options)]


def choose(collection, text, **options):
    """Press the button with this text."""
    for obstacle in find_obstacles(collection, **options):
        for action in obstacle.ways_out:
            if action.text == text:
                return action.apply(collection)
    raise AssertionError(f"no button {text!r} in {sentences(collection)}")


def test_a_folder_with_many_recordings_is_searched_and_guessed(labelled, tmp_path):
    labelled("Pvalb-Cre/mouse1/day1", ["PV", "PY", "PY"])
    labelled("Pvalb-Cre/mouse2/day1", ["PV"], n_frames=200)
    found, failures = find_labelled([tmp_path / "data", tmp_path / "nothing"])
    assert [r.subject for r in found] == ["mouse1", "mouse2"]
    assert {(r.session, r.line) for r in found} == {("day1", "")}
    assert found[0].counts == {"PV": 1, "PY": 2}
    assert [r.n_frames for r in found] == [120, 200]
    assert "nothing" in failures[0]


def test_predictions_count_for_nothing(labelled, tmp_path):
    plane = labelled("m1/day1", ["PV", "PY"], source="prediction")
    collection = DataSet(find_labelled([plane])[0])
    assert collection.counts() == {}
    assert collection.recordings[0].n_predictions == 2
    assert any(
        "no cell is labelled" in s and "2 given by a model" in s
        for s in sentences(collection)
    )


def test_the_list_that_it_writes_is_what_the_terminal_reads(labelled, tmp_path):
    for number, types in enumerate((["PV", "PY", "VIP"], ["PV", "PY"]), start=1):
        labelled(f"mouse{number}/day1", types)
    collection = DataSet(find_labelled([tmp_path / "data"])[0])
    collection = replace(collection, left_out=("VIP",))
    key = collection.recordings[0].key
    collection = collection.edited(key, subject=" Anna ", line="Pvalb-Cre")
    file = collection.write(tmp_path / "list")
    data = Reading.of(collection).load(file)
    assert data.traces.counts() == {"PV": 2, "PY": 2}
    assert set(data.traces.subject_id) == {"Anna", "mouse2"}
    assert data.traces.line is None  # one recording has none
    assert any("1 trace of VIP" in note for note in data.notes)
    again = find_labelled([file])[0]
    assert [(r.subject, r.session) for r in again] == [
        ("Anna", "day1"),
        ("mouse2", "day1"),
    ]


def test_labels_of_an_open_recording_are_those_in_memory(labelled, tmp_path):
    plane = labelled("mouse1/day1", ["PV", "PY"])
    recording = open_recording(plane)
    table = LabelTable((*load_labels(recording), Label(5, "SOM", plane=0)))
    opened = of_open_recording(recording, table, "day1")
    assert opened.counts == {"PV": 1, "PY": 1, "SOM": 1}
    file = DataSet((opened,)).write(tmp_path / "list")
    assert counts_in(file) == opened.counts
    assert len(load_labels(recording)) == 2  # the recording's own file is untouched
    assert of_open_recording(recording, LabelTable(), "day1").counts == {}
    # A frame rate that the user gave goes into the list, one of suite2p's does not.
    assert "sampling_frequency" not in file.read_text()
    faster = of_open_recording(recording.with_sampling_frequency(25.0), table, "day1")
    file = DataSet((faster,)).write(tmp_path / "list")
    assert Reading().load(file).traces.sampling_frequency == 25.0


def test_an_open_recording_is_read_from_memory(labelled, tmp_path, monkeypatch):
    recording = open_recording(labelled("mouse1/day1", ["PV", "PY"]))
    data = DataSet((of_open_recording(recording, load_labels(recording), "day1"),))
    from_disk = Reading().load(data.write(tmp_path / "list"))
    monkeypatch.setattr(labelled_recording, "open_recording", None)
    assert Reading.of(data).load(data).fingerprint == from_disk.fingerprint


def counts_in(file):
    return Reading().load(file, only_tested=True).traces.counts()


def test_a_default_frame_rate_stays_unconfirmed(labelled, tmp_path):
    recording = open_recording(labelled("mouse1/day1", ["PV", "PY"], fs=10.0))
    opened = of_open_recording(recording, load_labels(recording), "day1")
    file = DataSet((opened,)).write(tmp_path / "list")
    notes = Reading().load(file).notes
    assert any("suite2p's default, which nobody confirmed" in note for note in notes)


def test_labels_in_a_folder_of_the_users_choice_are_found(labelled, tmp_path):
    plane = labelled("mouse1/day1", ["PV", "PY"])
    elsewhere = tmp_path / "labels"
    save_labels(open_recording(plane), LabelTable((Label(3, "SOM"),)), elsewhere)
    recordings = find_labelled([plane], labels_dir=elsewhere)[0]
    assert recordings[0].counts == {"SOM": 1}
    assert counts_in(DataSet(recordings).write(tmp_path / "list")) == {"SOM": 1}


def test_planes_of_one_session_are_edited_together(suite2p_folder, tmp_path):
    root = suite2p_folder(tmp_path / "d1", n_planes=2, data_bin=False, n_frames=60)
    recordings = find_labelled([root])[0]
    collection = DataSet(recordings).edited(recordings[1].key, subject="Anna")
    assert [r.subject for r in collection.recordings] == ["Anna", "Anna"]


def test_adding_again_reads_labels_anew_and_keeps_what_was_typed(labelled):
    plane = labelled("mouse1/day1", ["PV", "PY"])
    collection = DataSet(find_labelled([plane])[0])
    collection = collection.edited(collection.recordings[0].key, subject="Anna")
    save_labels(open_recording(plane), LabelTable((Label(0, "PV"),)))
    collection = collection.added(find_labelled([plane])[0])
    assert [(r.subject, r.counts) for r in collection.recordings] == [
        ("Anna", {"PV": 1})
    ]
    assert collection.removed([str(plane.resolve())]).recordings == ()


FEW_VIP = DataSet(
    (
        made("m1", "a", PY=20, PV=5),
        made("m2", "b", PY=20, PV=7),
        made("m3", "c", VIP=6, SOM=9),
        made("m4", "d", SOM=8),
    )
)


def test_a_type_of_one_animal_has_three_ways_out():
    blocking = [o for o in find_obstacles(FEW_VIP) if o.blocks]
    assert [o.sentence for o in blocking] == [
        "VIP: 6 cells from 1 animal; a VIP class cannot be tested."
    ]
    assert [a.text for a in blocking[0].ways_out] == [
        "Merge into IN",
        "Leave out",
        "Train anyway, marked untested",
    ]
    assert choose(FEW_VIP, "Leave out").classes == ("PY", "PV", "SOM")
    assert choose(FEW_VIP, "Merge into IN").counts()["IN"] == 6
    assert choose(FEW_VIP, "Train anyway, marked untested").untested == ("VIP",)


@pytest.mark.parametrize(
    "button", ["Merge into IN", "Leave out", "Train anyway, marked untested"]
)
def test_a_decision_clears_the_way_and_can_be_undone(button):
    decided = choose(FEW_VIP, button)
    assert not any(o.blocks for o in find_obstacles(decided))
    undone = choose(decided, "Undo")
    assert (undone.merged, undone.left_out, undone.untested) == ({}, (), ())


def test_a_neuron_of_several_days_is_one_cell():
    days = [tracked(made("m1", day, PV=2, PY=5), "n1", "n2") for day in ("a", "b")]
    other = made("m2", "c", PY=5)
    found = sentences(DataSet((*days, other)), held_out="subject")
    assert "PV: 2 cells from 1 animal; a PV class cannot be tested." in found


def test_without_two_animals_sessions_are_held_out_and_that_is_said():
    collection = DataSet((made("m1", "a", PY=9, PV=9), made("m1", "b", PY=9, PV=9)))
    assert held_out_for(collection) == "session"
    (said,) = find_obstacles(collection)
    assert not said.blocks
    assert "new animal cannot be tested" in said.sentence
    assert "PY 1, PV 1" in said.sentence


def test_one_recording_holds_out_cells():
    collection = DataSet((made("m1", "a", PY=9, PV=1),))
    assert held_out_for(collection) == "cell"
    assert "PV: 1 cell; a PV class cannot be tested." in sentences(collection)


def test_an_unknown_animal_may_be_any_of_the_others():
    collection = DataSet(
        (made("m1", "a", PY=9, PV=9), made("", "b", PY=9, PV=9), made("m3", "c", PY=3))
    )
    assert held_out_for(collection) == "session"
    assert any("1 of 3 recordings have no animal" in s for s in sentences(collection))
    chosen = choose(collection, "Use session as animal")
    assert held_out_for(chosen) == "subject"
    assert any("the session stands for the animal" in s for s in sentences(chosen))


def test_frame_rates_are_brought_to_the_slowest(quick_card):
    slow = made("m1", "a", PY=9, PV=9)
    fast = replace(made("m2", "b", PY=9, PV=9), sampling_frequency=30.0, n_frames=3000)
    collection = DataSet((slow, fast))
    blocking = [o for o in find_obstacles(collection) if o.blocks]
    assert [o.code for o in blocking] == ["frame-rates-differ"]
    resampled = choose(collection, "Resample to 10 Hz")
    assert Reading.of(resampled).resample == 10.0
    assert not any(o.blocks for o in find_obstacles(resampled))
    # A model brings its own frame rate.
    assert not any(o.blocks for o in find_obstacles(collection, base=quick_card))
    faster = replace(quick_card, sampling_frequency=20.0)
    removed = choose(collection, "Remove m1/a", base=faster)
    assert removed.recordings == (fast,)


def test_a_trace_set_stands_alone(tmp_path):
    traces = TraceSet(
        np.random.default_rng(0).normal(size=(4, 50)),
        np.array(["PY", "PV"] * 2),
        subject_id=np.array(["a", "a", "b", "b"]),
        sampling_frequency=10.0,
    )
    file = save_traces(traces, tmp_path / "cells.npz")
    collection = DataSet(find_labelled([file])[0])
    assert collection.write(tmp_path / "list") == file
    assert held_out_for(collection) == "subject"
    both = collection.added([made("m1", "a", PY=9)])
    with pytest.raises(LabelError, match="keep either"):
        both.write(tmp_path / "list")
    assert choose(both, "Keep it alone").recordings == collection.recordings


def test_one_type_is_nothing_to_tell_apart():
    (obstacle,) = find_obstacles(DataSet((made("m1", "a", PV=9),)))
    assert obstacle.blocks
    assert "one type only, PV" in obstacle.sentence


def test_a_type_cannot_be_merged_into_what_is_not_above_it(labelled, tmp_path):
    labelled("mouse1/day1", ["PV", "PY"])
    reading = Reading.of(DataSet(merged={"PV": "PY"}))
    with pytest.raises(LabelError, match="not above it"):
        reading.load(tmp_path / "data" / "mouse1" / "day1")


def test_sessions_that_share_a_tracked_neuron_are_held_out_together():
    days = [tracked(made("m1", day, PV=5, PY=5), "n1") for day in ("a", "b")]
    # The one neuron joins both days, so that neither can be held out.
    assert held_out_for(DataSet(tuple(days))) == "cell"
    third = made("m1", "c", PV=5, PY=5)
    assert held_out_for(DataSet((*days, third))) == "session"


def test_traces_without_names_cannot_be_held_out(tmp_path):
    traces = TraceSet(
        np.random.default_rng(0).normal(size=(4, 50)),
        np.array(["PY", "PV"] * 2),
        subject_id=np.array(["a", "a", "b", ""]),
        sampling_frequency=10.0,
    )
    file = save_traces(traces, tmp_path / "cells.npz")
    collection = DataSet(find_labelled([file])[0])
    # One trace is of an unknown animal, and nobody knows which cells they are of.
    assert held_out_for(collection) == "none"
    (said,) = find_obstacles(collection)
    assert "nothing can be held out" in said.sentence
    (said,) = find_obstacles(collection, held_out="subject")
    assert said.blocks
    assert "Whole animals cannot be held out" in said.sentence


def test_of_two_interneuron_types_both_are_merged():
    collection = DataSet(
        (made("m1", "a", PY=20, PV=5, VIP=6), made("m2", "b", PY=20, PV=7))
    )
    chosen = choose(collection, "Merge VIP and PV into IN")
    # Alone, the VIP cells would be taught to be PV.
    assert chosen.classes == ("PY", "IN")
    assert not any(o.blocks for o in find_obstacles(chosen))
    assert "VIP and PV count as IN." in sentences(chosen)
    assert choose(chosen, "Undo").merged == {}


def test_cells_of_a_group_with_one_known_type_are_told():
    collection = DataSet(tuple(made(m, m, PY=20, PV=5, IN=9) for m in ("m1", "m2")))
    said = "18 cells of IN will be learned as PV, the only class of IN."
    assert said in sentences(collection)
    assert choose(collection, "Merge PV into IN").classes == ("PY", "IN")
    two = DataSet(tuple(made(m, m, PY=20, PV=5, SOM=5, IN=9) for m in ("m1", "m2")))
    assert sentences(two) == []


def test_an_animal_of_two_lines_may_be_two():
    both = [
        replace(made("m1", line, PY=9, PV=9), line=line) for line in ("PV-Cre", "SST")
    ]
    collection = DataSet(tuple(both))
    assert held_out_for(collection) == "session"
    assert any(
        "m1 has recordings of PV-Cre and SST" in s for s in sentences(collection)
    )
    apart = choose(collection, "Two: name apart")
    assert [r.subject for r in apart.recordings] == ["PV-Cre m1", "SST m1"]
    assert held_out_for(apart) == "subject"


def test_a_default_frame_rate_is_confirmed_here(labelled, tmp_path):
    plane = labelled("mouse1/day1", ["PV", "PY"] * 4, fs=10.0)
    collection = DataSet(find_labelled([plane])[0])
    assert any("10 Hz is suite2p's default" in s for s in sentences(collection))
    chosen = choose(collection, "Yes, 10 Hz")
    assert not any("default" in s for s in sentences(chosen))
    notes = Reading.of(chosen).load(chosen.write(tmp_path / "list")).notes
    assert not any("nobody confirmed" in note for note in notes)


def test_what_was_said_holds_and_guesses_do_not(labelled, tmp_path):
    plane = labelled("mouse1/day1", ["PV", "PY"])
    guessed = DataSet(find_labelled([plane])[0])
    key = guessed.recordings[0].key
    # Whose recording it is was taken back, and a label that is given changes nothing.
    emptied = guessed.edited(key, subject="")
    recording = open_recording(plane)
    followed = emptied.added(
        [of_open_recording(recording, load_labels(recording), "x")]
    )
    assert followed.recordings[0].subject == ""
    # A list knows better than a guess.
    file = tmp_path / "list.csv"
    file.write_text(f"path,subject_id\n{plane},TX61")
    listed = guessed.added(find_labelled([file])[0])
    assert listed.recordings[0].subject == "TX61"
    again = listed.added(find_labelled([plane])[0])
    assert again.recordings[0].subject == "TX61"
