from __future__ import annotations

import pytest

from napari_celltype.labels import Label, LabelTable, save_labels
from napari_celltype.recording import open_recording


@pytest.fixture
def labelled(session_folder):
    """Write a session with a label file: `labelled(name, {roi_id: label}) -> folder`.

    Labels are names, or `Label`s; further options are those of `write_suite2p_session`.
    """

    def write(name, labels=None, **options):
        small = {"n_rois": 6, "n_frames": 120, "data_bin": False}
        folder = session_folder(name, **(small | options))
        if labels is not None:
            rows = tuple(
                label if isinstance(label, Label) else Label(roi_id, label)
                for roi_id, label in labels.items()
            )
            save_labels(open_recording(folder), LabelTable(rows))
        return folder

    return write
