"""Reading neurons of known type."""

from __future__ import annotations

import numpy as np
import pytest
from known_cells import load_cells, load_invivo
from scipy.io import savemat

TABLE = (
    "file,dataset,cell_type,indicator,preparation,batch\n"
    'one.mat,DS24,PV,GCaMP6f,"slice, KCl puff",PVVitro05\n'
    "two.mat,DS15,PY,GCaMP6s,in vivo,\n"
)


def _trial(start, ticks):
    times = start + np.arange(100) / 25
    return {"fluo_time": times, "fluo_mean": np.arange(100.0), "events_AP": ticks}


@pytest.fixture
def cells(tmp_path):
    (tmp_path / "real_cells.csv").write_text(TABLE)
    trials = [_trial(0.1, [31_000.0, 11_000.0, np.nan]), _trial(0.0, [])]
    for name in ("one", "two"):
        array = np.empty(2, dtype=object)
        array[:] = trials
        savemat(tmp_path / f"{name}.mat", {"CAttached": array})
    return load_cells(tmp_path)


def test_cells_are_read_with_their_trials(cells):
    assert (cells[0].dataset, cells[0].batch) == ("DS24", "PVVitro05")
    assert cells[1].batch == "two.mat"  # its own
    assert cells[0].preparation == "slice"  # without its drug
    assert cells[0].sampling_frequency == pytest.approx(25)


@pytest.fixture
def invivo(tmp_path):
    inside = tmp_path / "real_invivo"
    inside.mkdir()
    (inside / "visp_pyramidal_15hz.csv").write_text("cell_id,indicator\na,jGCaMP8m\n")
    traces = np.zeros((1, 30), np.float32)
    of = {"labels": ["PY"], "cell_id": ["a"], "subject_id": ["m1"]}
    rate = {"sampling_frequency": 15.0}
    np.savez(inside / "visp_pyramidal_15hz.npz", traces=traces, **of, **rate)
    of = {"labels": ["VIP"] * 3, "cell_id": ["b", "c", "b"], "subject_id": ["m2"] * 3}
    pieces = {"values": np.arange(9.0), "start": [0, 2, 5], "length": [2, 3, 4]}
    np.savez(inside / "s1_vip_segments_7p5hz.npz", **pieces, **of, **rate)
    np.savez(inside / "s1_vip_45s_7p5hz.npz", traces=np.zeros((3, 4)), **of, **rate)
    return load_invivo(tmp_path)


def test_cells_in_vivo_know_their_mouse_and_indicator(invivo):
    first = invivo[0]
    assert (first.dataset, first.batch, first.indicator) == ("V1", "m1", "GCaMP8m")


def test_pieces_of_one_cell_are_its_trials(invivo):
    (cell,) = (c for c in invivo if c.dataset == "S1" and c.file.endswith(":b"))
    assert [trial.tolist() for trial in cell.trials] == [[0, 1], [5, 6, 7, 8]]


def test_a_folder_without_cells_in_vivo_gives_none(tmp_path):
    assert load_invivo(tmp_path) == []
