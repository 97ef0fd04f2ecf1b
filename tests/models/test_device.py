import pytest
import torch

from napari_celltype.errors import CellTypeError
from napari_celltype.models.device import choose_device, in_batches, traces_at_once


def rows_that_fit(most):
    """Return a function that, like a full GPU, refuses more rows than `most`."""

    def rows(start, stop):
        if stop - start > most:
            raise torch.OutOfMemoryError("out of memory")
        return list(range(start, stop))

    return rows


def test_a_gpu_that_is_not_there_gives_a_sentence():
    with pytest.raises(CellTypeError, match=r"'cuda:99' was asked for.*use 'auto'"):
        choose_device("cuda:99")


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="has an Apple GPU")
def test_an_apple_gpu_that_is_not_there_gives_a_sentence():
    with pytest.raises(CellTypeError, match="no Apple GPU"):
        choose_device("mps")


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "", "cpu "])
def test_unknown_devices_are_refused_with_what_there_is(name):
    with pytest.raises(CellTypeError, match="use auto, cpu, cuda, cuda:N or mps"):
        choose_device(name)


def test_batches_cover_all_rows_in_order():
    parts = list(in_batches(rows_that_fit(99), 10, 4, pytest.fail))
    assert parts == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_short_memory_halves_the_batch_and_loses_no_row():
    notices = []
    parts = list(in_batches(rows_that_fit(2), 9, 8, notices.append))
    assert [row for part in parts for row in part] == list(range(9))
    assert notices[-1] == (
        "The GPU's memory was too small: going on with 2 traces at a time."
    )


def test_memory_too_short_for_one_row_is_an_error():
    with pytest.raises(torch.OutOfMemoryError):
        list(in_batches(rows_that_fit(0), 9, 8, [].append))


def test_one_very_long_trace_is_still_a_batch():
    assert traces_at_once(torch.device("cpu"), 10**9, 2**15) == 1


def test_processor_and_auto_are_always_there():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in ("cpu", "cuda", "mps")
