from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.errors import LabelError
from napari_celltype.labels.red_channel import (
    labels_from_red,
    measure_red,
    propose_lines,
    red_groups,
)
from napari_celltype.recording import open_recording

N_RED, N = 20, 80


@pytest.fixture
def plane(tmp_path, suite2p_folder):
    return (
        suite2p_folder(
            tmp_path,
            n_rois=N,
            n_frames=60,
            frame_shape=(160, 160),
            redcell=True,
            merged=[(70, 71)],
            data_bin=False,
        )
        / "plane0"
    )


def _paint(plane, *, red_cells):
    """Write a red image: a third of the green leaks in, the first ROIs are red."""
    rng = np.random.default_rng(3)
    ops = np.load(plane / "ops.npy", allow_pickle=True).item()
    stat = np.load(plane / "stat.npy", allow_pickle=True)
    green = np.full((160, 160), 100.0, np.float32)
    for s in stat[:N]:
        green[s["ypix"], s["xpix"]] = rng.uniform(200, 600)
    red = green / 3
    for i, s in enumerate(stat[:N]):
        red[s["ypix"], s["xpix"]] += rng.normal(0, 3) + red_cells * (i < N_RED)
    ops["meanImg"], ops["meanImg_chan2"] = green, red
    np.save(plane / "ops.npy", np.array(ops, dtype=object))
    return open_recording(plane)


def test_redness_is_what_green_does_not_explain(plane):
    recording = _paint(plane, red_cells=60)
    red = measure_red(recording)
    # Red cells are a quarter, and do not pull the line up.
    assert red.slope == pytest.approx(1 / 3, abs=0.03)
    truth = np.arange(N) < N_RED
    assert red.redness[:N][truth].min() > red.redness[:N][~truth].max()
    # By red alone they could not be told apart.
    assert red.red[:N][truth].min() < red.red[:N][~truth].max()
    assert red.r2 is not None
    assert 0 < red.r2 < 1
    assert f"R2 = {red.r2:.2f}" in red.sentence


def test_the_proposed_lines_separate_two_groups(plane):
    recording = _paint(plane, red_cells=60)
    red = measure_red(recording)
    lines = propose_lines(red)
    assert lines.low <= lines.high
    assert lines.sentence.startswith("Proposal")
    groups = red_groups(recording, red, lines.low, lines.high)
    assert set(np.flatnonzero(groups.red)) == set(range(N_RED))
    assert not groups.not_red[:N_RED].any()


def test_without_red_cells_nothing_is_proposed(plane):
    red = measure_red(_paint(plane, red_cells=0))
    assert propose_lines(red).sentence.startswith("No proposal")


def test_what_is_between_the_lines_and_what_is_no_cell_gets_no_label(plane):
    recording = _paint(plane, red_cells=60)
    red = measure_red(recording)
    high = float(np.sort(red.redness[:N_RED])[10])
    low = float(np.median(red.redness[N_RED:N]))
    table = labels_from_red(recording, red, low, high, "Pvalb")
    labels = table.by_roi()
    assert recording.iscell is not None
    for roi_id, redness in enumerate(red.redness):
        part = recording.merged_into[roi_id] >= 0
        if redness >= high and not part:
            assert labels[roi_id].label == "PV"
        elif redness <= low and recording.iscell[roi_id] and not part:
            assert labels[roi_id].label == "!PV"
        else:
            assert roi_id not in labels
    assert {(r.source, r.seen_trace) for r in table} == {("redcell", False)}
    assert all(r.note.startswith("redness ") for r in table)
    groups = red_groups(recording, red, low, high)
    n_red, n_not = (sum(r.label == name for r in table) for name in ("PV", "!PV"))
    assert (n_red, n_not) == (groups.red.sum(), groups.not_red.sum())
    assert not (groups.left_out & (groups.red | groups.not_red)).any()


def test_a_users_own_type_can_be_the_red_one(plane):
    recording = _paint(plane, red_cells=60)
    tree = DEFAULT_TYPES.with_type("NDNF", color="#112233")
    table = labels_from_red(recording, measure_red(recording), 1, 4, "ndnf", tree)
    assert {row.label for row in table} == {"NDNF", "!NDNF"}


def test_traces_of_channel_2_serve_where_there_is_no_image(plane):
    recording = _paint(plane, red_cells=60)
    by_image = measure_red(recording)
    noise = np.random.default_rng(0).normal(0, 5, (recording.n_rois, 60))
    np.save(plane / "F_chan2.npy", (by_image.red[:, None] + noise).astype("f4"))
    without = replace(open_recording(plane), images={})
    red = measure_red(without)
    assert "F_chan2" in red.source
    np.testing.assert_allclose(red.red, by_image.red, atol=5)


def test_traces_of_another_number_of_rois_are_not_believed(plane):
    np.save(plane / "F_chan2.npy", np.ones((3, 60), "f4"))
    recording = replace(_paint(plane, red_cells=60), images={})
    assert "redcell.npy" in measure_red(recording).source


def test_suite2ps_own_values_are_not_passed_off_as_brightness(plane):
    recording = replace(_paint(plane, red_cells=60), images={})
    red = measure_red(recording)
    assert red.r2 is None
    assert "no brightness" in red.sentence
    lines = propose_lines(red)
    groups = red_groups(recording, red, lines.low, lines.high)
    assert recording.redcell is not None
    np.testing.assert_array_equal(
        groups.red, recording.redcell & (recording.merged_into < 0)
    )


def test_a_recording_of_one_channel_is_refused(tmp_path, suite2p_folder):
    plane = suite2p_folder(tmp_path / "one", data_bin=False) / "plane0"
    with pytest.raises(LabelError, match="no second channel"):
        measure_red(open_recording(plane))


def test_few_cells_make_no_line(tmp_path, suite2p_folder):
    plane = suite2p_folder(tmp_path / "few", redcell=True, n_rois=6, data_bin=False)
    red = measure_red(open_recording(plane))
    assert red.r2 is None
    assert "Too few cells" in red.sentence


def test_crossed_lines_and_a_negation_are_refused(plane):
    recording = _paint(plane, red_cells=60)
    red = measure_red(recording)
    with pytest.raises(LabelError, match="exchange them"):
        labels_from_red(recording, red, 3, 1, "PV")
    with pytest.raises(LabelError, match="is no type"):
        labels_from_red(recording, red, 1, 3, "!PV")
