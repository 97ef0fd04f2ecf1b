from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_celltype.errors import LabelError
from napari_celltype.labels import labels_from_redcell
from napari_celltype.recording import Recording, open_recording


@pytest.fixture
def recording(tmp_path: Path, suite2p_folder: Callable[..., Path]) -> Recording:
    root = suite2p_folder(
        tmp_path, redcell=True, n_rois=20, merged=[(2, 3)], data_bin=False
    )
    return open_recording(root / "plane0")


def test_red_cells_get_the_type_and_other_cells_its_negation(
    recording: Recording,
) -> None:
    labels = labels_from_redcell(recording, "Pvalb").by_roi()
    assert recording.redcell is not None
    assert recording.iscell is not None
    for roi_id in np.flatnonzero(recording.merged_into < 0):
        if recording.redcell[roi_id]:
            assert labels[roi_id].label == "PV"
        elif recording.iscell[roi_id]:
            assert labels[roi_id].label == "!PV"
        else:
            assert roi_id not in labels
    assert {row.source for row in labels.values()} == {"redcell"}


def test_parts_of_a_merged_roi_get_no_label(recording: Recording) -> None:
    labels = labels_from_redcell(recording).by_roi()
    assert not {2, 3} & set(labels)


def test_a_recording_of_one_channel_is_refused(
    tmp_path: Path, suite2p_folder: Callable[..., Path]
) -> None:
    plane = suite2p_folder(tmp_path, data_bin=False) / "plane0"
    with pytest.raises(LabelError, match=r"has no redcell\.npy"):
        labels_from_redcell(open_recording(plane))


def test_a_negation_is_no_positive_type(recording: Recording) -> None:
    with pytest.raises(LabelError, match="is no type"):
        labels_from_redcell(recording, "!PV")
