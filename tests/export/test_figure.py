"""The figure for a paper, without a display."""

import io
import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from napari_celltype.answers.columns import roi_table
from napari_celltype.answers.provenance import is_ours
from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.errors import OutputError
from napari_celltype.export import (
    ExportedRecording,
    ExportRequest,
    FigureOptions,
    write_export,
)
from napari_celltype.export.figure import _border, _figure, figure_bytes
from napari_celltype.labels import NOT_A_SOMA
from napari_celltype.recording import Recording, Roi


@pytest.fixture
def table(output_table):
    """Nothing is predicted or labelled but what a test adds."""
    return output_table().assign(
        predicted="unsure",
        group="unsure",
        label="",
        label_source="",
        merged_into=pd.array([None] * 12, dtype="Int64"),
    )


def with_roi(table, roi_id, **values):
    table = table.copy()
    for name, value in values.items():
        table.loc[roi_id, name] = value
    return table


def texts(recording, table, **options):
    """What can be read in the SVG; text stays text there."""
    svg = figure_bytes(recording, table, "svg", **options).decode()
    return [t.strip() for t in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


def middle(recording, table, roi_id, **options):
    """Red, green and blue of one pixel beside the middle of a ROI, marks left out."""
    options = {"marks": False, **options}
    content = figure_bytes(recording, table, "png", options=FigureOptions(**options))
    picture = imread(io.BytesIO(content))
    zoom = picture.shape[1] / recording.frame_shape[1]
    y, x = recording.rois[roi_id].centroid
    return picture[int((y + 0.5) * zoom), int((x + 0.5) * zoom), :3]


def test_a_prediction_is_filled_and_a_label_is_not(recording, table):
    sure = {"predicted": "PV", "probability": 1.0}
    red, _, blue = middle(recording, with_roi(table, 0, **sure), 0)
    assert blue - red > 0.3
    labelled = with_roi(table, 0, label="PV", label_source="manual")
    assert np.ptp(middle(recording, labelled, 0)) < 0.01
    assert np.ptp(middle(recording, with_roi(table, 0, **sure), 0, fill=False)) < 0.01


def test_a_label_is_a_thick_outline_in_its_colour(recording, table):
    def blue_lines(table):
        svg = figure_bytes(recording, table, "svg").decode()
        color = DEFAULT_TYPES["PV"].color.lower()
        return len(re.findall(rf"stroke: {color}; stroke-width: 1.5", svg))

    assert blue_lines(table) == 0
    of_people = with_roi(table, 0, label="PV", label_source="histology")
    # In the picture and in the key.
    assert blue_lines(of_people) >= 2
    accepted = with_roi(table, 0, label="PV", label_source="prediction")
    assert blue_lines(accepted) == 0


def test_the_key_counts_predictions_and_labels_apart(recording, table):
    table = with_roi(table, 0, predicted="PV", probability=0.9)
    table = with_roi(table, 1, label="PV", label_source="manual")
    table = with_roi(table, 2, label="!SOM", label_source="redcell")
    table = with_roi(table, 3, label=NOT_A_SOMA, label_source="manual")
    read = texts(recording, table)
    assert {"PV: 1 predicted", "PV: 1 labelled"} <= set(read)
    assert "VIP: 0 predicted" in read
    assert "not SOM: 1 labelled" in read
    assert "not a soma: 1 labelled" in read
    assert "unsure: 11" in read
    assert "12 ROIs. Predicted: 12 unsure." in read
    assert "Predicted interneuron types: unproven on real cells." in read
    proven = texts(recording, table, subtypes_proven=True)
    assert not any("unproven" in text for text in proven)


def test_labels_alone_make_a_figure_with_the_users_own_type(recording):
    tree = DEFAULT_TYPES.with_type("NDNF", color="#00FF7F")
    rows = roi_table(recording, "m1")
    rows.loc[4, ["label", "label_source"]] = ["NDNF", "manual"]
    read = texts(recording, rows, tree=tree)
    assert "NDNF: 1 labelled" in read
    assert not any("predicted" in text for text in read)
    svg = figure_bytes(recording, rows, "svg", tree=tree).decode()
    assert "stroke: #00ff7f" in svg


def test_the_scale_bar_needs_the_size_of_a_pixel(recording, table):
    def bars(recording, **options):
        read = texts(recording, table, options=FigureOptions(**options))
        return [text for text in read if text.endswith("µm")]

    assert bars(recording) == []
    # 72 pixels wide: a bar takes at most 30 % of the width.
    assert bars(replace(recording, pixel_size=(9.0, 2.0))) == ["20 µm"]
    assert bars(recording, pixel_size=1.0) == ["20 µm"]
    assert bars(recording, pixel_size=5.0) == ["100 µm"]


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_every_format_is_written_in_the_size_asked_for(tmp_path, recording, ending):
    options = FigureOptions(width=100, title="a $1_2$", dots_per_inch=254)
    path = write_export(
        [ExportedRecording(recording, "m1")],
        ExportRequest(ending, figure=options),
        tmp_path / f"f.{ending}",
    )
    assert is_ours(path)
    content = path.read_bytes()
    if ending == "png":
        assert imread(path).shape[1] == 1000
    elif ending == "svg":
        width = float(re.search(rb'width="([\d.]+)pt"', content)[1])
        assert width == pytest.approx(100 / 25.4 * 72, rel=0.01)
        assert b"a $1_2$" in content
    else:
        # TrueType, which keeps letters letters.
        assert b"/FontFile2" in content


def test_the_border_of_a_roi_goes_around_its_pixels_and_back_around_holes():
    ring = [(y, x) for y in range(3, 6) for x in range(7, 10) if (y, x) != (4, 8)]
    outer, hole = _border(Roi(*np.array(ring).T, np.ones(8, np.float32))).to_polygons()
    for line, side in ((outer, 3), (hole, 1)):
        assert ((line.min(axis=0) + line.max(axis=0)) / 2).tolist() == [8, 4]
        assert np.ptp(line, axis=0).tolist() == [side, side]
    # Cut corners take half a pixel from the square, and as much from the hole.
    areas = [
        (x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2 for x, y in (outer.T, hole.T)
    ]
    assert np.abs(areas).tolist() == [8.5, 0.5]
    assert np.sign(areas).sum() == 0


def test_rois_that_the_table_leaves_out_are_not_drawn(recording, table):
    def shapes(table):
        return figure_bytes(recording, table, "svg").decode().count("stroke: #b8b8b8")

    assert shapes(table) - shapes(table.iloc[:5]) == 7


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"width": 5}, "between 20 and 1000 mm"),
        ({"pixel_size": 0.0}, "impossible"),
        ({"pixel_size": float("nan")}, "impossible"),
    ],
)
def test_impossible_sizes_are_refused(recording, table, options, said):
    with pytest.raises(OutputError, match=said):
        figure_bytes(recording, table, "png", options=FigureOptions(**options))
    without_masks = Recording(np.zeros((12, 50), np.float32))
    with pytest.raises(OutputError, match="no ROI masks"):
        figure_bytes(without_masks, table, "png")


def test_nothing_graphical_is_imported_and_settings_of_matplotlib_stay():
    script = (
        "import sys, numpy as np, matplotlib\n"
        "from napari_celltype.answers.columns import roi_table\n"
        "from napari_celltype.export.figure import figure_bytes\n"
        "from napari_celltype.recording import Recording, Roi\n"
        "roi = Roi(np.array([1]), np.array([1]), np.ones(1, np.float32))\n"
        "r = Recording(np.zeros((1, 9), np.float32), (roi,), frame_shape=(9, 9))\n"
        "names = 'svg.fonttype', 'pdf.fonttype', 'font.size', 'font.family'\n"
        "before = [matplotlib.rcParams[name] for name in names]\n"
        "figure_bytes(r, roi_table(r, 'm'), 'svg')\n"
        "assert [matplotlib.rcParams[name] for name in names] == before\n"
        "bad = {'matplotlib.pyplot', 'qtpy', 'napari', 'tkinter'} & set(sys.modules)\n"
        "assert not bad, bad\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "DISPLAY"}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)


@pytest.mark.parametrize("width", [40, 85, 174])
def test_the_key_lies_inside_the_figure_and_below_the_picture(recording, table, width):
    name = "Chandelier cells"
    tree = DEFAULT_TYPES.with_type(name, color="#112233")
    table = table.assign(label=name, label_source="manual")
    figure = _figure(recording, table, FigureOptions(width=width), tree, False)
    figure.canvas.draw()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert box.x1 <= figure.bbox.x1
    assert box.y1 <= figure.axes[0].get_window_extent().y0
    notes = [t.get_window_extent().y1 for t in figure.texts if t.get_text()]
    assert max(notes) <= box.y0


def test_words_of_the_key_are_not_cut_off(recording, table):
    read = texts(recording, table, options=FigureOptions(width=30))
    assert max(map(len, read)) < 30
    assert "Predicted interneuron types: unproven on real cells." in " ".join(read)
