from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from napari_celltype.errors import OutputError
from napari_celltype.export import draw_rois, is_ours
from napari_celltype.export.figure import legend_entries
from napari_celltype.export.picture import paint_rois
from napari_celltype.recording import Recording, open_recording

MakeTable = Callable[..., pd.DataFrame]


@pytest.fixture
def recording(tmp_path: Path, suite2p_folder: Callable[..., Path]) -> Recording:
    return open_recording(suite2p_folder(tmp_path / "s") / "plane0")


def _middle(recording: Recording, picture: np.ndarray, roi_id: int) -> np.ndarray:
    """Colour in the middle of an ROI's heaviest pixel."""
    zoom = picture.shape[0] // recording.frame_shape[0]
    roi = recording.rois[roi_id]
    k = int(np.argmax(roi.lam))
    return picture[roi.ypix[k] * zoom + zoom // 2, roi.xpix[k] * zoom + zoom // 2]


def _one_type(table: pd.DataFrame, name: str, probability: float) -> pd.DataFrame:
    return table.assign(
        predicted=name, best_guess=name, probability=probability, p_IN=probability
    )


def test_the_picture_is_written_and_can_be_read(
    tmp_path: Path, recording: Recording, output_table: MakeTable
) -> None:
    path = draw_rois(recording, output_table(), tmp_path / "rois.png", title="a $1_2$")
    assert imread(path).shape[0] > 600
    assert is_ours(path)


def test_a_sure_roi_is_filled_in_the_colour_of_its_type(
    recording: Recording, output_table: MakeTable
) -> None:
    picture = paint_rois(recording, _one_type(output_table(), "PV", 1.0))
    red, green, blue = _middle(recording, picture, 0)
    assert blue > 0.7 > green
    assert blue - red > 0.4


def test_a_less_probable_type_is_fainter(
    recording: Recording, output_table: MakeTable
) -> None:
    def blueness(probability: float) -> float:
        table = _one_type(output_table(), "PV", probability)
        red, _, blue = _middle(recording, paint_rois(recording, table), 0)
        return float(blue - red)

    assert blueness(1.0) > blueness(0.6) + 0.1


def test_an_unsure_roi_is_an_outline_of_its_best_guess(
    recording: Recording, output_table: MakeTable
) -> None:
    table = _one_type(output_table(), "PV", 0.5).assign(predicted="unsure")
    picture = paint_rois(recording, table)
    red, green, blue = _middle(recording, picture, 0)
    assert red == green == blue
    assert (picture[..., 2] - picture[..., 0] > 0.4).any()


def test_an_roi_without_a_guess_is_a_grey_outline(
    recording: Recording, output_table: MakeTable
) -> None:
    table = output_table().assign(best_guess="", predicted="unsure", group="unsure")
    picture = paint_rois(recording, table)
    assert np.ptp(picture, axis=2).max() < 0.01
    assert picture.max() > 0.6


def test_rows_that_the_table_leaves_out_are_grey(
    recording: Recording, output_table: MakeTable
) -> None:
    table = _one_type(output_table(), "PV", 1.0).iloc[[3]]
    picture = paint_rois(recording, table)
    assert np.ptp(_middle(recording, picture, 0)) < 0.01
    assert np.ptp(_middle(recording, picture, 3)) > 0.3


def test_groups_have_one_colour(recording: Recording, output_table: MakeTable) -> None:
    def color(name: str) -> np.ndarray:
        table = _one_type(output_table(), name, 0.9).assign(group="IN", p_IN=0.9)
        return _middle(recording, paint_rois(recording, table, by_group=True), 0)

    np.testing.assert_array_equal(color("PV"), color("VIP"))


def test_a_recording_without_a_mean_image_is_drawn_on_black(
    tmp_path: Path, suite2p_folder: Callable[..., Path], output_table: MakeTable
) -> None:
    plane = suite2p_folder(tmp_path / "s", with_ops=False) / "plane0"
    recording = open_recording(plane, sampling_frequency=30)
    picture = paint_rois(recording, output_table())
    assert picture[0, 0].max() == 0


def test_the_legend_counts_groups_before_types(output_table: MakeTable) -> None:
    table = output_table()
    texts = [entry.text.strip() for entry in legend_entries(table)]
    n_py = int((table["group"] == "PY").sum())
    n_vip = int((table["predicted"] == "VIP").sum())
    assert texts.index(f"PY (pyramidal cell): {n_py}") < texts.index(f"VIP: {n_vip}")
    assert any("unproven on real cells" in text for text in texts)


def test_the_legend_of_a_proven_model_does_not_doubt_it(
    output_table: MakeTable,
) -> None:
    entries = legend_entries(output_table(), subtypes_proven=True)
    assert not any("unproven" in entry.text for entry in entries)


def test_a_users_own_class_is_drawn(
    recording: Recording, output_table: MakeTable, tmp_path: Path
) -> None:
    table = output_table(classes=("PY", "PV", "NDNF"))
    assert draw_rois(recording, table, tmp_path / "r.png").exists()


def test_traces_without_masks_cannot_be_drawn(
    tmp_path: Path, output_table: MakeTable
) -> None:
    recording = Recording(np.zeros((12, 50), np.float32))
    with pytest.raises(OutputError, match="no ROI masks"):
        draw_rois(recording, output_table(), tmp_path / "r.png")


def test_another_format_is_refused(
    tmp_path: Path, recording: Recording, output_table: MakeTable
) -> None:
    with pytest.raises(OutputError, match=r"does not end in \.png"):
        draw_rois(recording, output_table(), tmp_path / "r.jpg")


def test_nothing_graphical_is_imported() -> None:
    script = (
        "import sys, napari_celltype.export.figure\n"
        "from matplotlib.figure import Figure\n"
        "Figure().savefig(__import__('io').BytesIO(), format='png')\n"
        "bad = {'matplotlib.pyplot', 'qtpy', 'napari', 'tkinter'} & set(sys.modules)\n"
        "assert not bad, bad\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "DISPLAY"}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
