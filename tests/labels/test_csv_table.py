from __future__ import annotations

import numpy as np
import pytest

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.errors import LabelError, OutputError
from napari_celltype.labels import (
    Label,
    LabelTable,
    csv_table,
    read_label_table,
    write_label_table,
)
from napari_celltype.labels.csv_table import read_csv_rows
from napari_celltype.recording import Recording

FULL = LabelTable(
    (
        Label(0, "PV", 0, "histology", True, "m1-7", "Jürgen", 'says "sure"; 2 of 3'),
        Label(3, "!PV", 0, "redcell", False),
        Label(5, "IN", 0),
        Label(8, "", 0, cell_id="m1-9"),
    )
)


def _recording(n_rois, plane=0, path=None):
    return Recording(np.zeros((n_rois, 2), np.float32), plane=plane, path=path)


def _csv(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "Märkte & Labels.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_round_trip(tmp_path):
    path = write_label_table(FULL, tmp_path / "größe" / "labels.csv")
    assert read_label_table(path, _recording(9)) == FULL


def test_two_columns_are_enough(tmp_path):
    path = _csv(tmp_path, "roi_id,label\n4,sst\n1,! Pvalb\n")
    assert read_label_table(path).rows == (
        Label(4, "SOM", source="imported"),
        Label(1, "!PV", source="imported"),
    )


def test_a_table_of_many_recordings_is_read_once_until_it_changes(
    tmp_path, monkeypatch
):
    read = []
    monkeypatch.setattr(
        csv_table, "read_csv_rows", lambda *of: read.append(of) or read_csv_rows(*of)
    )
    path = _csv(tmp_path, "recording,roi_id,label\nm1/day1,1,PV\nm1/day2,2,SOM\n")
    for day in (1, 2):
        recording = _recording(3, path=tmp_path / f"m1/day{day}")
        (row,) = read_label_table(path, recording)
        assert row.roi_id == day
    assert len(read) == 1
    assert len(read_label_table(_csv(tmp_path, "roi_id,label\n1,PV\n"))) == 1
    assert len(read) == 2


@pytest.mark.parametrize("mark", [";", "\t"])
def test_other_separators_and_a_byte_order_mark_are_read(tmp_path, mark):
    text = f"ROI_ID{mark}Label{mark}note\r\n4{mark}PV{mark}a, b\r\n"
    table = read_label_table(_csv(tmp_path, text, "utf-8-sig"))
    assert table.rows[0].note == "a, b"


@pytest.mark.parametrize(
    "text",
    [
        '"","roi_id","label"\n"1",0,"PV"\n"2",1,NA\n"3",3,"SOM"\n',
        '"roi_id","label"\n"1",0,"PV"\n"2",1,NA\n"3",3,"SOM"\n',
        '"roi_id";"label";"note"\n0;"PV";NA\n3;"SOM";NA\n',
        "roi_id,label,cell_id\n0,PV,nan\n1,nan,NaN\n2,<NA>,None\n3,SOM,\n",
        "sep=;\r\nroi_id;label\r\n0;PV\r\n3;SOM\r\n",
        '"sep=\t"\nroi_id\tlabel\n0\tPV\n3\tSOM\n',
        "sep=,,,\nroi_id,label,,\n0,PV,,\n3,SOM,,\n",
        "roi_id;label;seen_trace\n0,0;PV;\n1,00;#N/A;\n3,0;SOM;\n",
    ],
)
def test_tables_of_r_pandas_and_spreadsheets_are_read(tmp_path, text):
    found = read_label_table(_csv(tmp_path, text), _recording(8))
    assert [(r.roi_id, r.label, r.cell_id) for r in found] == [
        (0, "PV", ""),
        (3, "SOM", ""),
    ]


NAMED = (
    "recording,plane,roi_id,label,label_source\n"
    "m1/day1,0,0,PV,histology\nm1/day1,0,2,SOM,prediction\nm2/day1,0,0,PY,\n"
)


@pytest.mark.parametrize(
    ("folder", "labels"),
    [
        ("m1/day1/suite2p/plane0", {0: ("PV", "histology"), 2: ("SOM", "prediction")}),
        ("m2/day1", {0: ("PY", "imported")}),
    ],
)
def test_of_an_output_table_each_recording_takes_its_own_rows(tmp_path, folder, labels):
    recording = _recording(3, path=tmp_path / folder)
    table = read_label_table(_csv(tmp_path, NAMED), recording)
    assert {r.roi_id: (r.label, r.source) for r in table} == labels


def test_an_output_table_of_others_is_refused(tmp_path):
    path = _csv(tmp_path, NAMED)
    with pytest.raises(LabelError, match=r"about m1/day1, m2/day1, and not about .*m3"):
        read_label_table(path, _recording(3, path=tmp_path / "m3/day1"))
    with pytest.raises(LabelError, match=r"several recordings \(m1/day1, m2/day1\)"):
        read_label_table(path)


def test_a_table_of_other_planes_is_said(tmp_path):
    path = _csv(tmp_path, "roi_id,label,plane\n0,PV,1\n3,SOM,2\n")
    table = read_label_table(path, _recording(8))
    (warning,) = table.warnings
    assert len(table) == 0
    assert "no label of plane 0: its rows are of plane 1, 2" in warning


def test_a_long_cell_is_not_said_whole(tmp_path):
    for name in ("roi_id", "label", "source", "seen_trace"):
        cells = {"roi_id": "1", "label": "PV", name: "y\nx" * 2000}
        text = ",".join(cells) + "\n" + ",".join(f'"{c}"' for c in cells.values())
        with pytest.raises(LabelError) as caught:
            read_label_table(_csv(tmp_path, text + "\n"))
        assert len(str(caught.value)) < 500
        assert "\n" not in str(caught.value)


def test_what_is_no_text_is_said(tmp_path):
    path = _csv(tmp_path, "roi_id,label,note\n1,PV,größer\n", "latin-1")
    with pytest.raises(LabelError, match="is not UTF-8 text"):
        read_label_table(path)
    with pytest.raises(LabelError, match="cannot be read"):
        read_label_table(tmp_path / "none.csv")


def test_rows_without_a_label_say_nothing(tmp_path):
    path = _csv(tmp_path, "roi_id,label\n0,\n1,PV\n\n2,\n")
    assert [row.roi_id for row in read_label_table(path)] == [1]


def test_only_the_plane_asked_for_is_taken(tmp_path):
    path = _csv(tmp_path, "roi_id,label,plane\n0,PV,0\n0,PY,1\n2,VIP,\n")
    table = read_label_table(path, _recording(3, plane=1))
    assert {r.roi_id: r.label for r in table} == {0: "PY", 2: "VIP"}


def test_a_table_of_several_planes_is_read_whole(tmp_path):
    path = _csv(tmp_path, "roi_id,label,plane\n0,PV,0\n0,PY,1\n")
    table = read_label_table(path)
    assert table.for_plane(1).by_roi()[0].label == "PY"
    with pytest.raises(LabelError, match="several planes"):
        table.by_roi()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("roi_id,label\n0,PV\n9,PY\n", r"line 3: ROI 9 does not exist: .* 9 ROIs"),
        ("roi_id,label\n2,PV\n2,PY\n", r"line 3: ROI 2 was already given in line 2"),
        ("roi_id,label\n2,glia\n", r"line 2: 'glia' is not a known cell type"),
        ("roi_id,type\n2,PV\n", r"has no column\(s\) 'label'"),
        ("roi,label\n2,PV\n", r"has no column\(s\) 'roi_id'"),
        ("roi_id,label,label\n2,PV,PY\n", r"has 2 column\(s\) 'label'"),
        ("", r"has no column\(s\) 'roi_id'"),
        ("roi_id,label\n-1,PV\n", r"line 2: roi_id is '-1'"),
        ("roi_id,label\n1.5,PV\n", r"line 2: roi_id is '1.5'"),
        ("roi_id,label\n,PV\n", r"line 2: roi_id is empty"),
        ("roi_id,label,source\n1,PV,guess\n", r"line 2: source is 'guess'"),
        ("roi_id,label,seen_trace\n1,PV,maybe\n", r"line 2: seen_trace is 'maybe'"),
        ("label,roi_id\nPV,1\nPY\n", "line 3: roi_id is empty"),
        ("roi_id,label\n1," + "x" * 200_000 + "\n", "line 2: this is no CSV"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, sentence):
    with pytest.raises(LabelError, match=sentence):
        read_label_table(_csv(tmp_path, text), _recording(9))


def test_a_users_own_type_is_read(tmp_path):
    tree = DEFAULT_TYPES.with_type("NDNF", color="#112233")
    path = _csv(tmp_path, "roi_id,label\n1,ndnf\n")
    assert read_label_table(path, tree=tree).rows[0].label == "NDNF"


def test_a_table_that_is_there_is_replaced_only_with_force(tmp_path):
    path = _csv(tmp_path, "mine")
    with pytest.raises(OutputError, match="already there"):
        write_label_table(FULL, path)
    assert path.read_text() == "mine"
    write_label_table(FULL, path, force=True)
    assert read_label_table(path) == FULL
