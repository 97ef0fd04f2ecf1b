import subprocess
import sys
from pathlib import Path

import pytest

from napari_celltype.answers.columns import (
    COLUMNS,
    class_columns,
    find_column,
    output_columns,
)

PAGE = Path(__file__).parents[2] / "docs" / "output.md"


def test_columns_stand_in_the_documented_order():
    columns = output_columns(["PY", "PV", "SOM", "VIP"])
    assert columns[:3] == ["recording", "plane", "roi_id"]
    assert columns[13:18] == [
        "prediction_set",
        *(f"p_{name}" for name in ("PY", "PV", "SOM", "VIP")),
    ]
    assert columns[-1] == "n_frames_used"


@pytest.mark.parametrize(
    ("classes", "columns"),
    [
        (("PY", "PV", "VIP"), ["p_PY", "p_PV", "p_VIP"]),
        (("PY", "IN"), ["p_IN", "p_PY"]),
    ],
)
def test_class_columns_are_those_of_the_model(classes, columns):
    assert class_columns(output_columns(classes)) == columns


@pytest.mark.parametrize("column", output_columns(["<TYPE>"]))
def test_every_column_is_explained(column):
    assert f"`{column}`" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [column.name for column in COLUMNS])
def test_every_column_has_its_own_words(name):
    column = find_column(name)
    assert column is not None
    assert column.description.endswith(".")
    assert [c.name for c in COLUMNS if c.description == column.description] == [name]


def test_only_a_column_of_a_type_is_called_its_probability():
    of_type, foreign = find_column("p_NDNF"), find_column("snr")
    assert of_type is not None
    assert of_type.description == "Predicted probability of the type NDNF."
    assert foreign is None


def test_importing_the_room_is_quick():
    script = (
        "import sys, napari_celltype.export, napari_celltype.labels\n"
        "bad = {'pandas', 'matplotlib', 'scipy', 'torch'} & set(sys.modules)\n"
        "assert not bad, bad\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
