"""What becomes of labels when a recording is read again; without a window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.gui.label.labelling import Labelling
from napari_celltype.gui.opening import read_recordings
from napari_celltype.gui.session import Session
from napari_celltype.labels import Label, LabelFile, LabelTable, save_labels
from napari_celltype.recording import open_recording


@pytest.fixture
def session(folder: Path) -> Session:
    session = Session()
    (opened,) = read_recordings(folder)
    session.open(opened)
    return session


def label(session, roi_id, digit=2):
    session.select(roi_id)
    labelling = Labelling(session)
    labelling.give_digit(digit)
    return labelling


def save(session):
    session.active.label_file.save(session.active.labels)


def read(session, folder):
    (opened,) = read_recordings(folder)
    session.open(opened)


def labels(session):
    return {row.roi_id: row.label for row in session.active.labels or ()}


def take_first_roi_away(folder: Path) -> None:
    """Leave the folder as suite2p does when ROI 0 was thrown out."""
    for name in ("F", "Fneu", "spks", "iscell", "stat"):
        file = folder / "suite2p" / "plane0" / f"{name}.npy"
        np.save(file, np.load(file, allow_pickle=True)[1:], allow_pickle=True)


def test_labels_that_were_not_saved_stay_and_so_does_undo(session, folder):
    label(session, 1)
    save(session)
    labelling = label(session, 2, 3)
    read(session, folder)
    assert labels(session) == {1: "PV", 2: "SOM"}
    save(session)
    labelling.undo()
    assert labels(session) == {1: "PV"}


def test_labels_that_were_given_while_it_was_read_stay(session, folder):
    (opened,) = read_recordings(folder)
    label(session, 1)
    save(session)
    session.open(opened)
    assert labels(session) == {1: "PV"}
    label(session, 2)
    save(session)


def test_labels_of_somebody_else_come_in_where_all_of_mine_are_saved(session, folder):
    labelling = label(session, 1)
    save(session)
    other = LabelFile(session.active.recording)
    other.save(LabelTable((*other.load(), Label(5, "VIP", 0))))
    read(session, folder)
    assert labels(session) == {1: "PV", 5: "VIP"}
    assert not labelling.done


def test_labels_that_were_not_saved_follow_their_rois(session, folder):
    for roi_id in (1, 4):
        label(session, roi_id)
    save(session)
    labelling = Labelling(session)
    session.select(4)
    labelling.give("")
    for roi_id in (0, 7):
        label(session, roi_id, 3)
    take_first_roi_away(folder)
    read(session, folder)
    assert labels(session) == {0: "PV", 6: "SOM"}
    (gone,) = session.active.labels.set_aside
    assert (gone.label.roi_id, gone.label.label) == (0, "SOM")
    save(session)


def test_types_that_somebody_spells_otherwise_are_spelled_as_here(folder):
    theirs = DEFAULT_TYPES.with_type("ndnf", color="#112233")
    recording = open_recording(folder)
    rows = (Label(1, "ndnf", 0), Label(2, "!ndnf", 0))
    save_labels(recording, LabelTable(rows, theirs))
    session = Session()
    session.set_tree(DEFAULT_TYPES.with_type("NDNF", color="#445566"))
    read(session, folder)
    assert labels(session) == {1: "NDNF", 2: "!NDNF"}
    assert session.tree["NDNF"].color == "#445566"
    save(session)
    other = LabelFile(recording)
    assert {row.label for row in other.load(theirs)} == {"ndnf", "!ndnf"}
