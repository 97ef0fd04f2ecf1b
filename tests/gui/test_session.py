"""The state of a window, without a window."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_celltype.answers.columns import layer_features
from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.findings import Finding
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.session import Session
from napari_celltype.labels import Label, LabelTable
from napari_celltype.recording import FROM_TIFF, FROM_USER, UNCONFIRMED, Recording


def opened(key="a", **more):
    recording = Recording(
        raw_traces=np.zeros((3, 10), np.float32),
        sampling_frequency=10.0,
        sampling_frequency_source=UNCONFIRMED,
        **more,
    )
    return OpenRecording(key, recording)


@pytest.fixture
def session():
    return Session()


@pytest.fixture
def predicted(session, make_predictions):
    """A session whose recording was classified as PY, PV and SOM."""
    session.open(opened())
    predictions = make_predictions(session.active.recording, np.eye(3, 4))
    session.set_predictions("a", predictions)
    return session


def heard(signal):
    calls = []
    signal.connect(lambda *values: calls.append(values))
    return calls


def test_the_last_that_was_opened_is_active_until_it_is_closed(session):
    session.open(opened("a"))
    session.open(opened("b"))
    assert session.active.key == "b"
    session.close("b")
    assert session.active.key == "a"
    session.select(1)
    session.close("a")
    assert session.active is None
    assert session.roi_id is None


def test_opening_again_replaces_and_forgets_predictions(predicted):
    replaced = heard(predicted.replaced)
    predicted.open(opened())
    assert replaced == [("a",)]
    assert predicted.active.predictions is None


def test_selecting_the_same_roi_emits_one_signal(session):
    session.open(opened("a"))
    calls = heard(session.selected)
    session.select(1)
    session.select(1)
    assert len(calls) == 1
    # Another recording has no selected ROI.
    session.open(opened("b"))
    assert session.roi_id is None


def test_confirming_the_frame_rate_keeps_predictions(predicted):
    assert "unconfirmed" in predicted.active.predictions.table()["warnings"][0]
    predicted.set_sampling_frequency("a", 10.0)
    assert predicted.active.predictions.table()["warnings"][0] == ""
    assert predicted.active.recording.sampling_frequency_source == FROM_USER


def test_a_confirmed_frame_rate_is_no_longer_warned_of(session, make_predictions):
    first = opened(warnings=("The frame rate is a default.", "A file is missing."))
    session.open(first)
    made = make_predictions(first.recording, np.eye(3, 4))
    noisy = Finding("unlike-training", "Too noisy.")
    session.set_predictions("a", replace(made, findings=(noisy,)))
    confirmed = replace(first.recording, warnings=("A file is missing.",))
    session.set_movie("a", confirmed, Path("m.tif"))
    warnings = map(str, session.active.predictions.warnings)
    assert list(warnings) == ["A file is missing.", "Too noisy."]


def with_movie(session, hertz):
    recording = session.active.recording.with_sampling_frequency(hertz, FROM_TIFF)
    session.set_movie("a", recording, Path("m.tif"))


def test_a_movie_with_another_frame_rate_drops_predictions(predicted):
    outdated = heard(predicted.outdated)
    with_movie(predicted, 30.0)
    assert predicted.active.predictions is None
    assert outdated == [("a",)]


def test_a_movie_with_the_same_frame_rate_keeps_predictions(predicted):
    with_movie(predicted, 10.0)
    assert predicted.active.predictions.table()["warnings"][0] == ""


def test_predictions_of_a_closed_recording_are_dropped(predicted):
    predictions = predicted.active.predictions
    predicted.close("a")
    predicted.set_predictions("a", predictions)
    assert not predicted.recordings


def test_what_is_less_probable_than_the_user_wants_is_hidden(session, make_predictions):
    first = opened()
    session.open(first)
    rows = [[0.6, 0.2, 0.1, 0.1]] * 3
    session.set_predictions("a", make_predictions(first.recording, rows))
    assert session.active.predictions.decisions.predicted[0] == "PY"
    session.set_min_probability(0.7)
    assert session.active.predictions.decisions.predicted[0] == "unsure"


def test_other_shares_hold_for_all_recordings_and_later_ones(session, make_predictions):
    for key in "ab":
        session.open(opened(key))
    rows = [[0.5, 0.5, 0.0, 0.0]] * 3
    session.set_predictions("a", make_predictions(opened().recording, rows))
    session.set_prior({"IN": 0.1})
    session.set_predictions("b", make_predictions(opened().recording, rows))
    for now in session.recordings.values():
        assert now.predictions.decisions.p_in[0] < 0.1
    session.set_prior(None)
    assert session.active.predictions.decisions.p_in[0] == pytest.approx(0.5)


def test_shares_that_do_not_fit_a_model_give_a_notice(predicted):
    notices, before = heard(predicted.notice), predicted.active.predictions
    predicted.set_prior({"CCK": 1.0})
    assert "CCK" in notices[0][0]
    assert predicted.active.predictions is before


def test_features_have_a_row_for_each_roi_and_no_guess_before_classifying():
    features = layer_features(opened().recording)
    assert features["index"].tolist() == [1, 2, 3]
    assert features["predicted"].isna().all()


def test_a_roi_without_a_usable_trace_has_a_reason_and_no_guess(make_predictions):
    flat = opened()
    rows = [[np.nan] * 4, [0.7, 0.1, 0.1, 0.1], [0.25] * 4]
    predictions = replace(
        make_predictions(flat.recording, rows), roi_warnings=("never changes", "", "")
    )
    features = layer_features(flat.recording, None, predictions)
    assert features["probability"].isna().tolist() == [True, False, False]
    assert features["p_PY"].isna().tolist() == [True, False, False]
    assert features["warnings"].tolist() == ["never changes", None, None]


def test_parts_of_merged_rois_have_no_label_of_their_own(make_predictions):
    part = opened(merged_into=np.array([-1, 0, -1]))
    predictions = make_predictions(part.recording, np.eye(3, 4))
    features = layer_features(part.recording, None, predictions)
    assert features["predicted"][1] is None
    assert np.isnan(features["probability"][1])


ROWS = [[0.1, 0.7, 0.1, 0.1], [0.9, 0.05, 0.03, 0.02], [0.1, 0.4, 0.3, 0.2]]


@pytest.mark.parametrize("proven", [False, True])
def test_interneuron_types_are_unproven_unless_the_card_says_so(
    make_predictions, proven
):
    first = opened()
    made = make_predictions(first.recording, ROWS)
    made = replace(made, card=replace(made.card, subtypes_proven=proven))
    features = layer_features(first.recording, None, made)
    expected = None if proven else "unproven on real cells"
    assert features["subtype"].tolist() == [expected, None, expected]


def test_the_hover_text_tells_the_group_before_the_type(make_predictions):
    first = opened()
    predictions = make_predictions(first.recording, ROWS)
    names = list(layer_features(first.recording, None, predictions))
    wanted = ["group", "p_IN", "predicted", "probability", "subtype", "why_unsure"]
    assert [name for name in names if name in wanted] == wanted


def test_features_say_why_a_type_is_unsure(make_predictions):
    first = opened()
    made = make_predictions(first.recording, ROWS)
    made = made.with_min_probability(0.6)
    features = layer_features(first.recording, None, made)
    assert features["why_unsure"].notna().tolist() == [False, False, True]


def test_many_rois_can_be_selected_and_one_is_the_current(session):
    session.open(opened())
    session.select_many([2, 0, 2])
    assert session.roi_ids == (2, 0)
    assert session.roi_id == 0
    session.select(1)
    assert session.roi_ids == (1,)


def test_hidden_predictions_are_in_no_table(predicted):
    predicted.show_predictions(False)
    features = predicted.features(predicted.active)
    assert features["predicted"].isna().all()
    assert predicted.predictions(predicted.active) is None
    predicted.show_predictions(True)
    features = predicted.features(predicted.active)
    assert features["predicted"].tolist() == ["PY", "PV", "SOM"]


def test_new_labels_stand_beside_predictions(predicted):
    predicted.set_labels("a", LabelTable((Label(1, "PV"),)))
    words = predicted.features(predicted.active)["label"].tolist()
    assert words == [None, "PV", None]
    accepted = Label(1, "PV", source="prediction")
    predicted.set_labels("a", LabelTable((accepted,)))
    words = predicted.features(predicted.active)["label"].tolist()
    assert words == [None, "PV (accepted)", None]


def test_types_of_a_label_file_join_the_vocabulary(session):
    tree = DEFAULT_TYPES.with_type("NDNF", color="#112233")
    session.open(replace(opened(), labels=LabelTable((), tree)))
    assert session.tree["NDNF"].parent == "IN"
