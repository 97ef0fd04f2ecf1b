"""Classifying recordings: table, warnings, errors."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_celltype.answers import ClassifyRequest, classify, classify_recording
from napari_celltype.answers.columns import output_columns
from napari_celltype.celltypes import UNSURE
from napari_celltype.errors import (
    ModelError,
    PriorError,
    RecordingError,
    SamplingFrequencyError,
)
from napari_celltype.labels import Label, LabelTable, save_labels
from napari_celltype.models import load_model
from napari_celltype.recording import Recording, Segment, open_recording

TYPES = ["PY", "PV", "SOM", "VIP"]
LONG = {"n_frames": 1900, "fs": 30.0}  # a little over one window of 60 s


def test_the_table_has_the_documented_columns_and_a_row_for_every_roi(session_folder):
    table = classify(session_folder("m1", n_rois=7, **LONG))
    assert list(table.columns) == output_columns(TYPES)
    assert table["roi_id"].tolist() == list(range(7))
    assert set(table["predicted"]) <= set(TYPES)
    # p_IN sums the interneurons.
    np.testing.assert_allclose(table[[f"p_{t}" for t in TYPES]].sum(axis=1), 1)
    np.testing.assert_allclose(table["p_IN"], 1 - table["p_PY"])


@pytest.mark.parametrize("model", ["cnn", "rnn", "lstm"])
@pytest.mark.parametrize(("fs", "used"), [(30.0, "10hz"), (7.5, "5hz")])
def test_each_bundled_network_answers_at_the_rate_that_fits(
    session_folder, model, fs, used
):
    table = classify(session_folder("m1", n_frames=1900, fs=fs), model)
    assert set(table["model"]) == {f"{model}-{used}"}
    assert (table["n_frames_used"] > 0).all()


def test_damaged_values_cost_no_more_than_their_roi_and_are_told(session_folder):
    folder = session_folder("m1", **LONG)
    file = folder / "suite2p" / "plane0" / "F.npy"
    clean = classify(folder)
    traces = np.load(file).astype(float)
    traces[2], traces[3], traces[4, 100], traces[5, 100] = np.nan, np.inf, np.nan, 1e300
    np.save(file, traces)
    table = classify(folder)
    assert table.loc[[2, 3], "predicted"].tolist() == [UNSURE, UNSURE]
    assert table.loc[[2, 3], "warnings"].str.contains("not finite").all()
    assert table.loc[[4, 5], "warnings"].str.contains("% of the frames have no").all()
    assert UNSURE not in table.drop([2, 3])["predicted"].tolist()
    others = [i for i in table.index if i not in (2, 3, 4, 5)]
    pd.testing.assert_frame_equal(table.loc[others], clean.loc[others])


PIECES = {
    "imagej": (12, 500, 30.0, "movie_part{}.tif"),
    "old_scanimage": (12, 500, 30.0, "m1_day1_{:03d}.tif"),
    "bruker": (12, 500, 30.0, "TSeries-001_Cycle00001_Ch2_{:06d}.ome.tif"),
    "hundred": (100, 210, 15.0, "a_{:03d}.tif"),
}


@pytest.mark.parametrize("habit", PIECES)
def test_files_of_one_acquisition_are_continuous_unless_the_user_says_otherwise(
    session_folder, habit
):
    n, frames, fs, pattern = PIECES[habit]
    folder = session_folder(
        "m1",
        n_rois=3,
        n_frames=n * frames,
        fs=fs,
        frames_per_file=[frames] * n,
        file_list=[f"D:\\data\\m1\\{pattern.format(i + 1)}" for i in range(n)],
    )
    recording = open_recording(folder)
    [note] = [str(w) for w in recording.warnings]
    assert pattern.format(1) in note
    assert "--joins break" in note
    table = classify(recording)
    assert (table["n_frames_used"] > n * frames - 60 * fs).all()
    pd.testing.assert_frame_equal(classify(folder, joins="continuous"), table)
    with pytest.raises(RecordingError, match=r"of \d+ parts.*--joins continuous"):
        classify(folder, joins="break")
    assert len(open_recording(folder, joins="break").segments) == n


SCATTERED = {
    "two per mille": np.random.default_rng(1).choice(18000, 36, replace=False),
    "one percent": np.random.default_rng(1).choice(18000, 180, replace=False),
    "stimulation": np.flatnonzero(np.arange(18000) % 300 < 60),
}


@pytest.mark.parametrize("name", SCATTERED)
def test_bad_frames_cost_frames_and_their_values_change_nothing(session_folder, name):
    bad = SCATTERED[name]
    options = {"n_rois": 3, "n_frames": 18000, "fs": 30.0, "bad_frames": bad}
    folder = session_folder("m1", **options)
    assert f"{len(bad)} of 18000" in str(open_recording(folder).warnings[0])
    table = classify(folder)
    assert (table["n_frames_used"] >= 14400).all()
    file = folder / "suite2p" / "plane0" / "F.npy"
    traces = np.load(file)
    traces[:, bad] = 1e6
    np.save(file, traces)
    pd.testing.assert_frame_equal(classify(folder), table)


def test_parts_of_a_merged_roi_get_no_label_of_their_own(session_folder):
    table = classify(session_folder("m1", merged=[(0, 1)], **LONG))
    parts, merged = table.loc[[0, 1]], table.iloc[-1]
    assert parts["predicted"].tolist() == [UNSURE, UNSURE]
    assert parts["merged_into"].tolist() == [merged["roi_id"]] * 2
    assert merged["predicted"] in TYPES


def test_the_default_rate_of_suite2p_is_unconfirmed_until_the_user_gives_it(
    session_folder,
):
    folder = session_folder("m1", n_frames=700, fs=10.0)
    assert classify(folder)["warnings"].str.contains("unconfirmed").all()
    table = classify(folder, sampling_frequency=10.0)
    assert not table["warnings"].str.contains("unconfirmed").any()


def test_only_iscell_is_a_filter_on_the_rows(session_folder):
    folder = session_folder("m1", n_rois=20, **LONG)
    iscell = np.load(folder / "suite2p" / "plane0" / "iscell.npy")[:, 0].astype(bool)
    table = classify(folder, only_iscell=True)
    assert table["roi_id"].tolist() == np.flatnonzero(iscell).tolist()


def test_saved_labels_stand_in_the_table_and_change_no_prediction(session_folder):
    folder = session_folder("m1", **LONG)
    before = classify(folder)
    recording = open_recording(folder)
    save_labels(recording, LabelTable((Label(3, "PV", source="histology"),)))
    after = classify(folder)
    assert after.loc[3, ["label", "label_source"]].tolist() == ["PV", "histology"]
    assert after["label"].drop(3).eq("").all()
    assert after["predicted"].tolist() == before["predicted"].tolist()


def test_a_prior_moves_probabilities_towards_the_common_type(session_folder):
    folder = session_folder("m1", **LONG)
    plain, rare = classify(folder), classify(folder, prior={"IN": 0.01})
    assert (rare["p_IN"] < plain["p_IN"]).all()


def test_equal_groups_are_assumed_and_a_threshold_needs_no_network(session_folder):
    recording = open_recording(session_folder("m1", **LONG))
    predictions = classify_recording(recording, ClassifyRequest())
    assert predictions.shares["PY"] == pytest.approx(0.5)
    assert predictions.summary().shares_assumed
    assert UNSURE not in predictions.table()["predicted"].tolist()
    assert set(predictions.with_min_probability(1).table()["predicted"]) == {UNSURE}


def test_neuropil_can_be_subtracted(session_folder):
    recording = open_recording(session_folder("m1", **LONG))
    raw = recording.raw_traces[:] - np.float32(0.7) * recording.neuropil[:]
    by_hand = Recording.from_traces(raw, sampling_frequency=30.0)
    np.testing.assert_allclose(
        classify(recording, neuropil=0.7)["p_PY"],
        classify(by_hand, neuropil="none")["p_PY"],
    )


def test_several_recordings_share_one_table_whatever_their_names(session_folder):
    names = ["Mäuse Nr. 1", "día"]
    folders = [session_folder(f"a/{name}", **LONG) for name in names]
    assert list(classify(folders)["recording"].unique()) == names


def test_traces_from_elsewhere_are_classified():
    rng = np.random.default_rng(0)
    traces = rng.normal(size=(3, 700)).astype(np.float32)
    table = classify(Recording.from_traces(traces, sampling_frequency=10.0))
    assert table["predicted"].isin(TYPES).all()


def test_the_real_recording_is_classified(shared_data):
    table = classify(shared_data / "real_suite2p", sampling_frequency=30.0)
    assert len(table) == 219
    assert table["warnings"].str.contains("unlike the training").any()
    # 47 of its traces are zero throughout.
    unusable = table["n_frames_used"] == 0
    assert unusable.sum() == 47
    assert set(table.loc[unusable, "predicted"]) == {UNSURE}
    assert table.loc[unusable, "probability"].isna().all()
    assert table.loc[~unusable, "predicted"].isin(TYPES).all()


@pytest.mark.parametrize(
    ("options", "request_", "error", "sentence"),
    [
        ({"fs": None}, {}, SamplingFrequencyError, "does not say its frame rate"),
        ({"fs": 2.0}, {}, SamplingFrequencyError, "never up-sampled"),
        ({"n_frames": 600}, {}, RecordingError, "60"),
        ({"bad_frames": range(1900)}, {}, RecordingError, "Every frame"),
        ({"n_rois": 0}, {}, RecordingError, "no ROI"),
        ({}, {"model": "gru"}, ModelError, "There is no model 'gru'"),
        ({}, {"neuropil": 7.0}, RecordingError, "between 0 and 1"),
        ({}, {"prior": {"glia": 0.5}}, PriorError, "none of the types"),
    ],
)
def test_what_cannot_be_classified_gets_one_sentence(
    session_folder, options, request_, error, sentence
):
    folder = session_folder("m1", **{**LONG, **options})
    with pytest.raises(error, match=sentence):
        classify(folder, **request_)


SHORT = {"n_frames": 1300, "n_rois": 4, "fs": 10.0}  # two windows of 60 s
NARROW = {"low": 0.0, "high": 1e-6}
WIDE = {"low": -1e6, "high": 1e6}


@pytest.fixture
def model_with(tmp_path):
    """Save the bundled RNN with other fields of its card: `model_with(domain=...)`."""

    def make(**fields):
        model = load_model("rnn-10hz")
        path = tmp_path / "doubting.safetensors"
        model.classifier.save(path, replace(model.card, name="doubting", **fields))
        return str(path)

    return make


def test_an_unlike_recording_is_told_with_the_property(session_folder, model_with):
    model = model_with(domain={"noise": NARROW, "skewness": WIDE, "length": WIDE})
    recording = open_recording(session_folder("m1", **SHORT))
    answer = classify_recording(recording, ClassifyRequest(model))
    (sentence,) = [w for w in answer.warnings if w.code == "unlike-training"]
    assert "noise" in str(sentence)
    assert answer.table()["warnings"].str.contains("noise unlike the training").all()


def test_an_unlike_roi_keeps_its_label(session_folder, model_with):
    folder = session_folder("m1", **SHORT)
    plain = classify(folder, model_with())
    warned = classify(folder, model_with(domain={"noise": NARROW}))
    assert warned["predicted"].tolist() == plain["predicted"].tolist()


def test_a_recording_like_the_training_data_gets_no_warning(session_folder, model_with):
    model = model_with(domain={"noise": WIDE, "length": WIDE})
    table = classify(session_folder("m1", **SHORT), model, sampling_frequency=10.0)
    assert table["warnings"].eq("").all()


def test_a_refusal_names_bad_frames_at_an_end_of_the_recording():
    traces = np.random.default_rng(0).normal(500, 20, (2, 700)).astype("f4")
    recording = replace(
        Recording.from_traces(traces, sampling_frequency=10.0),
        segments=(Segment(0, 550),),
    )
    with pytest.raises(RecordingError, match=r"150 of 700 frames .* marked as bad"):
        classify(recording)
