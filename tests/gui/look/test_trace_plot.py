"""Traces with joins and gaps."""

import numpy as np
import pytest
from qtpy.QtGui import QPainter, QPicture

from napari_celltype.gui.look.trace_plot import ShownTrace, TracePlot
from napari_celltype.recording import Segment


@pytest.fixture
def plot(qtbot):
    plot = TracePlot()
    qtbot.addWidget(plot)
    plot.resize(500, 200)
    with qtbot.waitExposed(plot):
        plot.show()
    return plot


def line(plot, number=0):
    time, values = plot._curves[number].getOriginalDataset()
    return np.asarray(time), np.asarray(values)


def test_a_line_is_broken_where_segments_end(plot):
    trace = np.arange(10, dtype=np.float32)
    segments = (Segment(0, 4), Segment(4, 6), Segment(8, 10))
    plot.show_traces([ShownTrace("1", "#FF0000", trace)], 2.0, segments, unit="raw F")
    time, values = line(plot)
    assert (np.diff(time) > 0).all()
    gaps = time[np.isnan(values)]
    # Between frames 3 and 4, and over the bad frames 6 and 7.
    assert gaps[:2].tolist() == [1.75, 2.75]
    assert values[np.isfinite(values)].tolist() == [0, 1, 2, 3, 4, 5, 8, 9]
    # A dotted line where two recordings touch, none at bad frames.
    assert [join.value() for join in plot._joins] == [1.75]


def test_bad_frames_at_both_ends_are_left_out(plot):
    trace = np.array([99, 99, 2, 3, 4, 99], np.float32)
    trace = ShownTrace("1", "#FF0000", trace)
    plot.show_traces([trace], None, (Segment(2, 5),), unit="raw F")
    time, values = line(plot)
    assert time[np.isfinite(values)].tolist() == [2, 3, 4]
    assert plot.viewRange()[1][1] < 5


def test_several_traces_stand_one_above_another(plot):
    traces = [
        ShownTrace(f"{i} PV", "#FF0000", np.array([0, 5, 10], "f4") * 10**i)
        for i in range(3)
    ]
    plot.show_traces(traces, None, (), unit="raw F")
    lines = [line(plot, number)[1] for number in range(3)]
    assert [v.min() for v in lines] == pytest.approx([0, 1, 2])
    assert [v.max() for v in lines] == pytest.approx([0.9, 1.9, 2.9])


def test_names_are_left_out_where_they_would_overlap(plot):
    trace = np.array([0, 5, 10], "f4")
    left = plot.getAxis("left")
    drawn = {}
    for n_rois in (4, 20):
        traces = [ShownTrace(f"{i} PV?", "#FF0000", trace) for i in range(n_rois)]
        plot.show_traces(traces, None, (), unit="raw F")
        picture = QPicture()
        painter = QPainter(picture)
        _, _, words = left.generateDrawSpecs(painter)
        painter.end()
        words.sort(key=lambda word: word[0].top())
        bottoms = [word[0].bottom() for word in words]
        tops = [word[0].top() for word in words]
        assert (np.array(bottoms[:-1]) <= np.array(tops[1:]) + 1).all()
        drawn[n_rois] = [word[2] for word in words]
    assert drawn[4] == ["0 PV?", "1 PV?", "2 PV?", "3 PV?"]
    assert 4 < len(drawn[20]) < 20
    assert drawn[20][0] == "0 PV?"
