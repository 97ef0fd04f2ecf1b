"""The commands of labelling, without a window."""

import numpy as np
import pytest

from napari_celltype.gui.label.labelling import Labelling
from napari_celltype.gui.opened import OpenRecording
from napari_celltype.gui.session import Session
from napari_celltype.labels import NOT_A_SOMA, Label, LabelTable
from napari_celltype.recording import FROM_USER, Recording

# The least certain first: 1, 3, 0; ROI 2 has no answer.
ROWS = [[0.9, 0.1, 0, 0], [0.4, 0.3, 0.2, 0.1], [np.nan] * 4, [0, 0, 0.7, 0.3]]


@pytest.fixture
def session(make_predictions):
    session = Session()
    recording = Recording(
        raw_traces=np.zeros((4, 10), np.float32),
        sampling_frequency=10.0,
        sampling_frequency_source=FROM_USER,
    )
    session.open(OpenRecording("a", recording))
    session.set_predictions("a", make_predictions(recording, ROWS))
    return session


@pytest.fixture
def labelling(session):
    labelling = Labelling(session)
    labelling.annotator = "Ada"
    labelling.toggle()
    return labelling


@pytest.fixture
def sentences(session, labelling):
    sentences = []
    session.notice.connect(sentences.append)
    return sentences


def labels(session):
    return {row.roi_id: row.label for row in session.active.labels or ()}


def test_digits_label_all_selected_rois_and_say_what_they_are_not(
    session, labelling, sentences
):
    session.select_many([0, 3])
    labelling.give_digit(2)
    session.select(1)
    labelling.give_digit(3, negated=True)
    assert labels(session) == {0: "PV", 3: "PV", 1: "!SOM"}
    labelling.give_digit(7)
    assert "No type has the key 7" in sentences[-1]
    assert labels(session)[1] == "!SOM"
    # Own types have the digits from five.
    session.set_tree(session.tree.with_type("NDNF", color="#112233"))
    labelling.give_digit(5)
    assert labels(session)[1] == "NDNF"
    assert session.active.labels.tree["NDNF"].color == "#112233"


def test_a_label_knows_who_gave_it_and_what_was_seen(session, labelling):
    session.select(0)
    labelling.give_digit(1)
    assert session.active.labels.by_roi()[0] == Label(
        0, "PY", 0, "manual", False, "", "Ada"
    )
    labelling.show_or_hide_predictions()
    labelling.give_digit(2)
    assert session.active.labels.by_roi()[0].seen_trace is True
    labelling.show_or_hide_predictions()
    labelling.sees_trace = lambda: True
    labelling.give_digit(1)
    assert session.active.labels.by_roi()[0].seen_trace is True


def test_what_is_no_soma_is_not_trained_on(session, labelling):
    session.select(2)
    labelling.give(NOT_A_SOMA)
    (row,) = session.active.labels
    assert row.label == NOT_A_SOMA
    assert not row.is_ground_truth


def test_clearing_keeps_the_cell_id(session, labelling):
    session.set_labels("a", LabelTable((Label(1, "PV", cell_id="n7"), Label(2, "PY"))))
    session.select_many([1, 2])
    labelling.give("")
    (row,) = session.active.labels
    assert (row.roi_id, row.label, row.cell_id) == (1, "", "n7")


def test_an_accepted_prediction_is_no_ground_truth_and_hidden_with_the_others(
    session, labelling, sentences
):
    session.select(3)
    labelling.accept()
    assert "show predictions (H)" in sentences[-1]
    labelling.show_or_hide_predictions()
    assert sentences[-1] == ""
    labelling.accept()
    (row,) = session.active.labels
    assert (row.label, row.source, row.is_ground_truth) == ("SOM", "prediction", False)
    assert session.features(session.active)["label"][3] == "SOM (accepted)"
    labelling.show_or_hide_predictions()
    assert session.features(session.active)["label"][3] is None
    session.select(1)
    labelling.step(1, unlabelled=True)
    assert session.roi_id == 3
    labelling.give_digit(2)
    assert session.active.labels.by_roi()[3].is_ground_truth
    assert session.features(session.active)["label"][3] == "PV"


def walk(session, labelling, n, **choice):
    """The ROIs that are selected one after another."""
    seen = []
    for _ in range(n):
        labelling.step(1, **choice)
        seen.append(session.roi_id)
    return seen


def test_the_least_certain_comes_first_and_what_has_no_answer_last(
    session, labelling, sentences
):
    assert walk(session, labelling, 4) == [1, 3, 0, 2]
    labelling.step(-1)
    assert session.roi_id == 0
    session.select(1)
    labelling.step(-1)
    assert sentences[-1] == "This is the first ROI."


def test_after_the_last_roi_comes_the_next_unlabelled_one_or_none(
    session, labelling, sentences
):
    session.set_labels("a", LabelTable((Label(1, "PV"), Label(0, "PY"))))
    assert walk(session, labelling, 3, unlabelled=True) == [3, 2, 3]
    session.select(2)
    assert walk(session, labelling, 1) == [3]
    session.set_labels("a", LabelTable(tuple(Label(i, "PV") for i in range(4))))
    session.select(2)
    labelling.step(1)
    assert sentences[-1] == "The list has ended: every ROI shown has a label."
    labelling.give_digit(1)
    assert labels(session)[2] == "PV"
    assert sentences[-1].startswith("Click on a ROI first")


def test_undo_and_redo_go_back_and_forth_and_the_view_follows(
    session, labelling, sentences
):
    session.select(0)
    labelling.give_digit(1)
    session.select_many([1, 3])
    labelling.give_digit(2)
    session.select(2)
    labelling.undo()
    assert labels(session) == {0: "PY"}
    assert set(session.roi_ids) == {1, 3}
    labelling.undo()
    assert labels(session) == {}
    assert session.roi_id == 0
    labelling.redo()
    labelling.redo()
    assert labels(session) == {0: "PY", 1: "PV", 3: "PV"}
    labelling.redo()
    assert sentences[-1] == "There is nothing to redo."
    # A new change ends what could be redone.
    labelling.undo()
    labelling.give_digit(2)
    assert not labelling.undone


def test_undo_in_another_recording_shows_that_recording(session, labelling):
    session.select(0)
    labelling.give_digit(1)
    session.open(OpenRecording("b", session.active.recording))
    labelling.undo()
    assert session.active.key == "a"
    assert labels(session) == {}


def test_labels_from_elsewhere_are_one_change_if_they_change_anything(
    session, labelling
):
    edited = []
    labelling.edited.connect(edited.append)
    labelling.apply("a", LabelTable())
    assert edited == []
    assert not labelling.done
    labelling.apply("a", LabelTable((Label(0, "PV"), Label(1, "!PV"))))
    assert labels(session) == {0: "PV", 1: "!PV"}
    labelling.undo()
    assert labels(session) == {}
