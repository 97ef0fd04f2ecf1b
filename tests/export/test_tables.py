import json

import numpy as np
import pandas as pd
import pytest
from scipy.io import loadmat

from napari_celltype.answers.provenance import provenance_path
from napari_celltype.errors import OutputError
from napari_celltype.export import read_table, write_table
from napari_celltype.export.tables import celltype_array, matlab_variables

ENDINGS = [".csv", ".parquet", ".json"]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ending", ENDINGS)
def test_round_trip_gives_back_every_digit_and_letter(
    tmp_path, output_table, ending, seed
):
    table = output_table(40, seed)
    path = write_table(table, tmp_path / "Größe mit Leerzeichen" / f"zellen{ending}")
    pd.testing.assert_frame_equal(read_table(path), table, check_exact=True)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("n_rois", [0, 1])
def test_tables_of_no_row_and_of_one(tmp_path, output_table, ending, n_rois):
    table = output_table(n_rois)
    path = write_table(table, tmp_path / f"t{ending}")
    if n_rois == 0 and ending == ".json":
        assert json.loads(path.read_text()) == []
    else:
        pd.testing.assert_frame_equal(read_table(path), table)


def test_json_is_standard_json(tmp_path, output_table):
    path = write_table(output_table(), tmp_path / "t.json")

    def refuse(constant):
        raise AssertionError(constant)

    rows = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert rows[4]["p_PV"] is None
    assert rows[1]["roi_id"] == 1


def test_an_unknown_ending_and_a_table_of_something_else_are_said(
    tmp_path, output_table
):
    with pytest.raises(OutputError, match=r"ends in \.xlsx, which is no format"):
        write_table(output_table(), tmp_path / "t.xlsx")
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(OutputError, match="lacks the column"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_damaged_table_is_said(tmp_path, ending):
    path = tmp_path / f"t{ending}"
    path.write_bytes(b"\x00\xff{[\x1b" * 10)
    with pytest.raises(OutputError, match=r"is damaged|lacks the column"):
        read_table(path)
    with pytest.raises(OutputError, match="cannot be read"):
        read_table(tmp_path / "none.csv")


@pytest.mark.parametrize("number", [10**400, 2**63, 1e300])
@pytest.mark.parametrize("ending", [".csv", ".json"])
def test_a_number_that_no_column_holds_is_said(tmp_path, output_table, ending, number):
    table = output_table().astype({"merged_into": object})
    table["merged_into"] = 1234567
    path = write_table(table, tmp_path / f"t{ending}")
    path.write_text(path.read_text().replace("1234567", str(number), 1))
    with pytest.raises(OutputError, match="is damaged") as caught:
        read_table(path)
    assert len(str(caught.value)) < 400


def test_npy_has_a_row_for_each_roi_and_codes_name_its_type(tmp_path, output_table):
    table = output_table()
    path = write_table(table, tmp_path / "celltype.npy")
    array = np.load(path)
    assert array.dtype == np.float64
    assert array.shape == (len(table), 2 + 4)
    np.testing.assert_array_equal(array[:, 3], table["p_PV"])
    legend = json.loads(provenance_path(path).read_text())["legend"]
    names = [legend["codes"][str(int(code))] for code in array[:, 0]]
    assert names == table["predicted"].tolist()
    assert legend["columns"][:3] == ["code", "probability", "p_PY"]


def test_npy_of_a_model_without_interneuron_types(output_table):
    _, legend = celltype_array(output_table(classes=("PY", "IN")))
    assert sorted(legend["columns"][2:]) == ["p_IN", "p_PY"]


def test_npy_of_some_rois_only_or_of_two_planes_is_refused(tmp_path, output_table):
    table = output_table()
    both = pd.concat([table, table.assign(plane=1)], ignore_index=True)
    for wrong in (table.iloc[1:], both):
        with pytest.raises(OutputError, match="export each plane by itself"):
            write_table(wrong, tmp_path / "celltype.npy")


def test_mat_keeps_text_numbers_and_gaps(tmp_path, output_table):
    table = output_table(25, 3)
    content = loadmat(write_table(table, tmp_path / "zellen ä.mat"))
    for name, column in table.items():
        read = content[str(name)]
        assert read.shape == (len(table), 1)
        if read.dtype == object:
            texts = [cell.item() if cell.size else "" for cell in read[:, 0]]
            # MATLAB's char arrays keep blanks at the end as they are.
            assert texts == column.tolist()
        else:
            expected = column.to_numpy(dtype=float, na_value=np.nan)
            np.testing.assert_array_equal(read[:, 0], expected)
    assert content["roi_index_matlab"][0, 0] == content["roi_id"][0, 0] + 1 == 1


def test_type_names_become_matlab_names(output_table):
    variables = matlab_variables(output_table(classes=("PY", "Lamp5 Lhx6-β")))
    assert "p_Lamp5_Lhx6__" in variables


def test_type_names_that_matlab_cannot_tell_apart_are_refused(output_table):
    with pytest.raises(OutputError, match="would be called 'p_a_b'"):
        matlab_variables(output_table(classes=("PY", "a b", "a-b")))
