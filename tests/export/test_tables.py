from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from napari_celltype.errors import OutputError
from napari_celltype.export import read_table, write_table

MakeTable = Callable[..., pd.DataFrame]
ENDINGS = [".csv", ".parquet", ".json"]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ending", ENDINGS)
def test_round_trip_gives_back_every_digit_and_letter(
    tmp_path: Path, output_table: MakeTable, ending: str, seed: int
) -> None:
    table = output_table(40, seed)
    path = write_table(table, tmp_path / "Größe mit Leerzeichen" / f"zellen{ending}")
    pd.testing.assert_frame_equal(read_table(path), table, check_exact=True)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("n_rois", [0, 1])
def test_tables_of_no_row_and_of_one(
    tmp_path: Path, output_table: MakeTable, ending: str, n_rois: int
) -> None:
    table = output_table(n_rois)
    path = write_table(table, tmp_path / f"t{ending}")
    if n_rois == 0 and ending == ".json":
        assert json.loads(path.read_text()) == []
    else:
        pd.testing.assert_frame_equal(read_table(path), table)


def test_json_is_standard_json(tmp_path: Path, output_table: MakeTable) -> None:
    path = write_table(output_table(), tmp_path / "t.json")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    rows = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert rows[4]["p_PV"] is None
    assert rows[1]["roi_id"] == 1


def test_an_unknown_ending_is_said(tmp_path: Path, output_table: MakeTable) -> None:
    with pytest.raises(OutputError, match=r"ends in \.xlsx, expected \.csv"):
        write_table(output_table(), tmp_path / "t.xlsx")


def test_a_table_of_something_else_is_said(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(OutputError, match="lacks the column"):
        read_table(path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_damaged_table_is_said(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t{ending}"
    path.write_bytes(b"\x00\xff{[\x1b" * 10)
    with pytest.raises(OutputError, match=r"is damaged|lacks the column"):
        read_table(path)


def test_a_table_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be read"):
        read_table(tmp_path / "none.csv")
