"""Folders of Bugeon et al. 2022: stimuli are joined, types are the list's."""

import tracemalloc

import numpy as np
import pytest

from napari_celltype.errors import RecordingError
from napari_celltype.labels import load_labels
from napari_celltype.recording import (
    find_planes,
    find_recordings,
    open_recording,
    pipeline_of_file,
    recording_names,
)

DATE = "SB025/2019-10-23"


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("in_memory", [True, False])
def test_a_date_is_a_recording(tmp_path, public_files, order, in_memory):
    folder = public_files.bugeon(tmp_path / DATE, order=order)
    recording = open_recording(folder, in_memory=in_memory)
    stimuli = [
        np.load(folder / name / "01" / "frame.neuralActivity.npy").T
        for name in ("Blank", "Natural Scenes")
    ]
    wanted = np.concatenate(stimuli, axis=1).astype(np.float32)
    np.testing.assert_array_equal(recording.raw_traces[:], wanted)
    np.testing.assert_array_equal(recording.raw_traces[[4, 1]], wanted[[4, 1]])
    np.testing.assert_array_equal(recording.raw_traces[2, 290:310], wanted[2, 290:310])
    assert [(s.start, s.stop) for s in recording.segments] == [(0, 300), (300, 500)]
    assert recording.sampling_frequency == pytest.approx(4)
    assert recording.facts == {"subject_id": "SB025", "session_id": "2019-10-23"}
    assert {w.code for w in recording.warnings} == {"no-masks", "kind-unknown"}
    table = load_labels(recording)
    labels = {row.roi_id: row.label for row in table}
    assert labels == {0: "PY", 1: "IN", 2: "PV", 3: "SOM", 4: "VIP", 5: ""}
    assert [row.cell_id for row in table] == ["", "", "12", "13", "14", "15"]
    assert "Lamp5" in table.warnings[0]


def test_stimuli_are_joined_in_the_memory_of_their_traces(tmp_path, public_files):
    stimuli = {f"Blank/{i:02}": 1000 for i in range(20)}
    folder = public_files.bugeon(tmp_path / DATE, stimuli, words=("EC",) * 200)
    open_recording(folder)  # Imports what it needs.
    tracemalloc.start()
    traces = open_recording(folder).raw_traces
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert traces.nbytes < peak < 1.7 * traces.nbytes


def test_it_is_found_from_below_and_above(tmp_path, public_files):
    dates = [
        public_files.bugeon(tmp_path / "in" / mouse / "2019-10-23")
        for mouse in ("SB025", "SB026")
    ]
    planes = find_recordings([tmp_path]).planes
    assert list(planes) == dates
    assert recording_names(planes) == ["SB025/2019-10-23", "SB026/2019-10-23"]
    for place in ("Blank", "Blank/01/frame.times.npy", "neuron.ttype.txt"):
        assert find_planes(dates[0] / place) == [dates[0]]
    assert pipeline_of_file(dates[0] / "neuron.UniqueID.npy") == "Bugeon"
    with pytest.raises(RecordingError, match="does not exist"):
        find_planes(dates[0] / "Blink")
    (dates[1] / "neuron.ttype.txt").unlink()
    with pytest.raises(RecordingError, match=r"needs neuron\.ttype\.txt of"):
        find_planes(dates[1] / "Blank" / "01")


def test_stimuli_of_other_neurons_or_rates_are_left_out(tmp_path, public_files):
    words = ("EC", "Pvalb-A", "Sst-B")
    folder = public_files.bugeon(tmp_path / DATE, {"Blank/02": 50}, words=words)
    for rate in (4.0, 8.0):
        stimuli = {f"Gratings/{rate:g}": 100, f"Scenes/{rate:g}": 120 - int(rate)}
        public_files.bugeon(folder, stimuli, rate=rate)
    recording = open_recording(folder)
    assert recording.raw_traces.shape == (6, 216)
    (left_out,) = (w for w in recording.warnings if w.code == "stimuli-unlike-types")
    assert "Blank/02, Gratings/8, Scenes/8 (3 of 5 stimuli)" in str(left_out)


def test_a_gap_and_an_unknown_time_of_a_frame(tmp_path, public_files):
    folder = public_files.bugeon(tmp_path / DATE, {"Blank/01": 300})
    times = folder / "Blank" / "01" / "frame.times.npy"
    values = np.load(times)
    values[100:] += 60
    values[200] = np.nan
    np.save(times, values)
    recording = open_recording(folder)
    assert recording.sampling_frequency == pytest.approx(4)
    assert [(s.start, s.stop) for s in recording.segments] == [(0, 100), (100, 300)]
    times.unlink()
    assert open_recording(folder).sampling_frequency is None
    assert open_recording(folder, sampling_frequency=5).sampling_frequency == 5


def test_events_are_told_from_fluorescence(tmp_path, public_files):
    recording = open_recording(public_files.bugeon(tmp_path / DATE, events=True))
    assert recording.trace_kind == "deconvolved events"
    (finding,) = (w for w in recording.warnings if w.code == "events")
    assert "none is negative" in str(finding)


@pytest.mark.parametrize("without", ["neuron.prob_ttypes.npy", "neuron.UniqueID.npy"])
def test_types_need_a_probability(tmp_path, public_files, without):
    folder = public_files.bugeon(tmp_path / DATE)
    values = np.load(folder / "neuron.prob_ttypes.npy")
    values[2], values[3] = 0.3, np.nan
    np.save(folder / "neuron.prob_ttypes.npy", values)
    (folder / without).unlink()
    recording = open_recording(folder)
    labels = {row.roi_id: row.label for row in load_labels(recording) if row.label}
    known = {0: "PY", 1: "IN"}
    assert labels == (known if "prob" in without else known | {4: "VIP"})
    assert "types-in-doubt" in {w.code for w in recording.warnings}


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("neuron.ttype.txt", b"EC\n", "holds no STIMULUS/NN/.* of 1 neurons"),
        ("neuron.ttype.txt", b"", "of 0 neurons"),
        ("Blank/01/frame.neuralActivity.npy", b"", "empty"),
        ("Blank/01/frame.times.npy", b"nothing", "not a NumPy"),
        ("neuron.UniqueID.npy", b"version https://git-lfs", "git lfs pull"),
    ],
)
def test_what_is_not_as_listed(tmp_path, public_files, name, content, sentence):
    folder = public_files.bugeon(tmp_path / DATE)
    (folder / name).write_bytes(content)
    with pytest.raises(RecordingError, match=sentence):
        open_recording(folder)
