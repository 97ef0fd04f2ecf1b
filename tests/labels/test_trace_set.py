from __future__ import annotations

import numpy as np
import pytest

from napari_celltype.errors import CellTypeError, LabelError
from napari_celltype.labels import Reading, TraceSet, load_traces, save_traces
from napari_celltype.labels.trace_set import ORIGINS


def _traces(n=4, frames=30):
    return np.random.default_rng(0).normal(size=(n, frames)).astype(np.float32)


def test_round_trip_keeps_every_column(tmp_path):
    written = TraceSet(
        _traces(),
        np.array(["PY", "PV", "IN", "!PV"]),
        subject_id=np.array(["m1", "m1", "m2", "m2"]),
        session_id=np.array(["a", "b", "a", "b"]),
        cell_id=np.array(["1", "2", "3", "4"]),
        line=np.array(["Pvalb-Cre"] * 4),
        sampling_frequency=10.0,
        label_source=np.array(["histology", "manual", "imported", "prediction"]),
        recorded={"n_pixels": np.array([50, 60, 70, 80]), "plane": np.zeros(4)},
    )
    read = load_traces(save_traces(written, tmp_path / "Käfig 3" / "größe.npz"))
    np.testing.assert_array_equal(read.traces, written.traces)
    for name in ("labels", *ORIGINS, "label_source"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    assert {k: v.tolist() for k, v in read.recorded.items()} == {
        "n_pixels": [50.0, 60.0, 70.0, 80.0],
        "plane": [0.0] * 4,
    }
    assert read.sampling_frequency == 10.0


def test_aliases_become_canonical_and_numbers_text(tmp_path):
    path = tmp_path / "a.npz"
    labels = np.array(["pyramidal", "SST", "Gad2", "! pvalb"])
    np.savez(path, traces=_traces(), labels=labels, subject_id=[1, 1, 2, 2])
    read = load_traces(path)
    assert read.labels.tolist() == ["PY", "SOM", "IN", "!PV"]
    assert (read.session_id, read.sampling_frequency) == (None, None)
    assert read.subject_id is not None
    assert read.subject_id.tolist() == ["1", "1", "2", "2"]


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"labels": ["PY", "PV", "glia", "PY"]}, "Row 2: 'glia' is not a known cell"),
        ({"labels": None}, "holds no array 'labels'"),
        ({"labels": ["PY"] * 3}, "'labels' has the shape"),
        ({"labels": [1, 2, 3, 4]}, "'labels' holds int64"),
        ({"traces": np.zeros(4)}, "'traces' has the shape"),
        ({"traces": np.zeros((4, 0))}, "'traces' has the shape"),
        ({"traces": np.zeros((4, 9), complex)}, "'traces' holds complex128"),
        ({"cell_id": ["1"]}, "'cell_id' has the shape"),
        ({"cell_id": [0.5] * 4}, "'cell_id' holds float64"),
        ({"label_source": ["guess"] * 4}, "Row 0 has the label_source 'guess'; use"),
        ({"label_source": ["manual"] * 3}, "'label_source' has the shape"),
        ({"n_pixels": [50, 60]}, "'n_pixels' has the shape"),
        ({"plane": ["0"] * 4}, "'plane' holds <U1"),
        ({"sampling_frequency": 0.0}, "'sampling_frequency' is 0"),
        ({"sampling_frequency": np.nan}, "'sampling_frequency' is nan"),
        ({"sampling_frequency": [1.0, 2.0]}, "'sampling_frequency' is"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, arrays, sentence):
    path = tmp_path / "a.npz"
    arrays = {"traces": _traces(), "labels": ["PY"] * 4} | arrays
    np.savez(path, **{n: values for n, values in arrays.items() if values is not None})
    with pytest.raises(LabelError, match=sentence):
        load_traces(path)


def test_pickled_labels_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, traces=_traces(), labels=np.array(["PY"] * 4, dtype=object))
    with pytest.raises(CellTypeError):
        load_traces(path)


def test_take_keeps_rows_together():
    trace_set = TraceSet(
        _traces(),
        np.array(["PY", "PV", "SOM", "VIP"]),
        cell_id=np.array(list("abcd")),
        label_source=np.array(["manual", "redcell", "manual", "histology"]),
        recorded={"n_pixels": np.arange(4.0)},
        sampling_frequency=30.0,
    )
    taken = trace_set.take([3, 1])
    assert taken.labels.tolist() == ["VIP", "PV"]
    assert taken.cell_id is not None
    assert taken.cell_id.tolist() == ["d", "b"]
    assert taken.label_source is not None
    assert taken.label_source.tolist() == ["histology", "redcell"]
    assert taken.recorded["n_pixels"].tolist() == [3.0, 1.0]
    assert taken.sampling_frequency == 30.0
    np.testing.assert_array_equal(taken.traces, trace_set.traces[[3, 1]])


def test_arrays_are_read_only():
    trace_set = TraceSet(_traces(), np.array(["PY"] * 4))
    with pytest.raises(ValueError, match="read-only"):
        trace_set.traces[0, 0] = 1


def test_an_unknown_fact_of_the_recording_is_refused():
    with pytest.raises(LabelError, match="'depth' is none of n_pixels, plane"):
        TraceSet(_traces(), np.array(["PY"] * 4), recorded={"depth": np.zeros(4)})


def test_cells_of_two_animals_and_cells_without_a_name_are_not_one(tmp_path):
    data = TraceSet(
        np.random.default_rng(0).normal(size=(4, 200)),
        np.array(["PV", "PY", "PV", "PY"]),
        sampling_frequency=10.0,
        subject_id=np.array(["m1", "m2", "m1", "m1"]),
        cell_id=np.array(["7", "7", "", ""]),
    )
    notes = Reading().load(save_traces(data, tmp_path / "cells.npz")).notes
    assert not [note for note in notes if "contradict" in note]
