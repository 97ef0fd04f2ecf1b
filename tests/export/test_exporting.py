"""What an export will hold, and what it holds: the same material in every format."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from napari_celltype.answers.provenance import read_provenance
from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.errors import OutputError, SamplingFrequencyError
from napari_celltype.export import (
    FORMATS,
    ExportedRecording,
    ExportRequest,
    preview_export,
    write_export,
)
from napari_celltype.export.content import Content
from napari_celltype.export.formats import find_format
from napari_celltype.labels import Label, LabelTable, read_label_table
from napari_celltype.recording import open_recording

TREE = DEFAULT_TYPES.with_type("NDNF", color="#00FF7F")
LABELS = LabelTable(
    (Label(1, "PV", source="histology"), Label(3, "NDNF", seen_trace=False)), TREE
)


@pytest.fixture
def labelled(tmp_path, suite2p_folder):
    """A recording that somebody labelled and no model has seen."""
    recording = open_recording(suite2p_folder(tmp_path / "m1", n_rois=6) / "plane0")
    return ExportedRecording(recording, "m1", LABELS, TREE)


@pytest.fixture
def classified(labelled, make_predictions):
    rows = np.tile([0.7, 0.1, 0.1, 0.1], (6, 1))
    made = make_predictions(rows)
    made = replace(made, recording=labelled.recording)
    return ExportedRecording(labelled.recording, "m1", LABELS, TREE, predictions=made)


def test_labels_alone_make_every_format_but_celltype_npy(labelled, tmp_path):
    theirs = tmp_path / "first.nwb"
    for chosen in FORMATS.values():
        request = ExportRequest(chosen.key, existing=theirs)
        path = tmp_path / f"{chosen.key}{chosen.ending}"
        if chosen.key == "npy":
            with pytest.raises(OutputError, match="no model has run"):
                preview_export([labelled], request)
            continue
        if chosen.key == "nwb":
            path = theirs
        if chosen.key == "nwb-copy":
            # Ours has the columns already, so the copy is of its own kind.
            with pytest.raises(OutputError, match="as it was before"):
                write_export([labelled], request, path)
            continue
        preview = preview_export([labelled], request)
        assert preview.text or preview.picture or preview.table is not None
        assert write_export([labelled], request, path).stat().st_size > 0
    table = pd.read_csv(tmp_path / "csv.csv", keep_default_na=False)
    assert list(table["label"]) == ["", "PV", "", "NDNF", "", ""]
    assert "predicted" not in table.columns
    again = read_label_table(tmp_path / "labels.csv", tree=TREE)
    assert again.by_roi()[1].source == "histology"
    assert again.by_roi()[3].seen_trace is False
    text = (tmp_path / "methods.txt").read_text()
    assert "from histology (1)" in text
    assert "no model told their cell types" in text


def test_predictions_come_with_the_labels_of_now(classified, tmp_path):
    table = preview_export([classified], ExportRequest("csv")).table
    assert table is not None
    assert list(table["label"][:4]) == ["", "PV", "", "NDNF"]
    assert set(table["predicted"]) == {"PY"}
    path = write_export([classified], ExportRequest("csv"), tmp_path / "t")
    told = read_provenance(path)
    assert told is not None
    assert path.name == "t.csv"
    assert told["recordings"][0]["labels"]["types"] == {"PV": 1, "NDNF": 1}
    assert told["models"][0]["name"] == "tiny-10hz"


def test_cells_only_leaves_out_what_suite2p_rejected(labelled):
    kept = np.array([True, False, True, True, False, True])
    material = replace(labelled, recording=replace(labelled.recording, iscell=kept))
    table = preview_export([material], ExportRequest("csv", only_iscell=True)).table
    assert table is not None
    assert list(table["roi_id"]) == [0, 2, 3, 5]


def test_classified_and_labelled_recordings_share_a_table(classified, labelled):
    planes = [labelled, replace(classified, name="m2")]
    both = Content(planes, ExportRequest("csv")).table
    assert list(both["recording"]) == ["m1"] * 6 + ["m2"] * 6
    assert list(both["predicted"]) == [""] * 6 + ["PY"] * 6
    assert both["p_PY"].isna().sum() == 6
    assert list(both.columns) == list(classified.table().columns)


def test_the_preview_is_a_table_a_picture_or_a_text(classified):
    table = preview_export([classified], ExportRequest("npy")).table
    assert table is not None
    assert list(table.columns[:3]) == ["code", "probability", "p_PY"]
    preview = preview_export([classified], ExportRequest("svg"))
    assert imread(io.BytesIO(preview.picture)).ndim == 3
    text = preview_export([classified], ExportRequest("nwb")).text
    assert "p_VIP" in text
    assert "Not given when this file was written" in text
    assert "Pixel size: not known" in text


def test_what_does_not_fit_is_said_before_writing(labelled, tmp_path):
    unknown_rate = replace(
        labelled, recording=replace(labelled.recording, sampling_frequency=None)
    )
    with pytest.raises(SamplingFrequencyError, match="frame rate"):
        preview_export([unknown_rate], ExportRequest("nwb"))
    with pytest.raises(OutputError, match="choose one"):
        preview_export([labelled, labelled], ExportRequest("svg"))
    with pytest.raises(OutputError, match="open one first"):
        preview_export([], ExportRequest("csv"))
    with pytest.raises(OutputError, match="No ROI of this recording has a label"):
        preview_export([replace(labelled, labels=None)], ExportRequest("labels"))
    with pytest.raises(OutputError, match="No NWB file was chosen"):
        preview_export([labelled], ExportRequest("nwb-copy"))
    with pytest.raises(OutputError, match=r"does not end in \.svg"):
        write_export([labelled], ExportRequest("svg"), tmp_path / "f.png")
    with pytest.raises(OutputError, match="no export format"):
        find_format("doc")
