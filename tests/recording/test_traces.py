"""Trace matrices that stay on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_celltype.errors import RecordingError
from napari_celltype.recording.npy import trace_file

VALUES = np.random.default_rng(0).normal(size=(7, 11)).astype(np.float32)


def saved(path: Path, values: np.ndarray) -> Path:
    np.save(path / "F.npy", values)
    return path / "F.npy"


@pytest.mark.parametrize(
    "key",
    [
        0,
        -1,
        slice(None),
        slice(5, 1, -2),
        slice(3, 3),
        [4, 0, 1, 2],
        np.array([True, False, True, False, False, False, True]),
        (2, 5),
        (slice(1, 4), slice(2, 9, 3)),
        (slice(None), [1, 10]),
    ],
    ids=str,
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_indexing_is_that_of_an_array(key: Any, order: Any, tmp_path: Path) -> None:
    traces = trace_file(saved(tmp_path, np.asarray(VALUES, order=order)))
    np.testing.assert_array_equal(traces[key], VALUES[key])


def test_other_numbers_become_float32(tmp_path: Path) -> None:
    traces = trace_file(saved(tmp_path, np.arange(6).reshape(2, 3)))
    assert traces[:].dtype == np.float32
    assert traces[1].tolist() == [3, 4, 5]


def test_what_is_read_is_read_only(tmp_path: Path) -> None:
    assert not trace_file(saved(tmp_path, VALUES))[2:4].flags.writeable


def test_becomes_an_array(tmp_path: Path) -> None:
    traces = trace_file(saved(tmp_path, VALUES))
    np.testing.assert_array_equal(np.asarray(traces), VALUES)
    assert len(traces) == 7
    assert traces.nbytes == VALUES.nbytes


def test_row_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(IndexError):
        trace_file(saved(tmp_path, VALUES))[7]


@pytest.mark.parametrize(
    "values", [np.zeros(5), np.zeros((2, 3, 4)), np.array([["a", "b"]])]
)
def test_what_is_no_matrix_of_numbers(values: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="one row of numbers per ROI was expected"):
        trace_file(saved(tmp_path, values))


def test_file_that_was_replaced_is_not_read(tmp_path: Path) -> None:
    traces = trace_file(saved(tmp_path, VALUES))
    saved(tmp_path, VALUES[:3])
    with pytest.raises(RecordingError, match=r"F\.npy changed"):
        traces[1]


def test_file_that_vanished_is_said(tmp_path: Path) -> None:
    traces = trace_file(saved(tmp_path, VALUES))
    (tmp_path / "F.npy").unlink()
    with pytest.raises(RecordingError, match=r"F\.npy vanished"):
        traces[1]
