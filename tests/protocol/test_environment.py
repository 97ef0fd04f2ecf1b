"""Threads are limited for a task only, and what a score depends on is told."""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest
import torch
from threadpoolctl import threadpool_info

from napari_celltype.models import TraceClassifier
from napari_celltype.protocol.environment import describe_environment, limit_threads


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_torch_gets_its_threads_back():
    with limit_threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_torch_gets_its_threads_back_after_an_error():
    with pytest.raises(KeyError), limit_threads(1):
        raise KeyError
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_without_a_number_nothing_is_limited():
    with limit_threads(None):
        assert torch.get_num_threads() == 2


def test_the_libraries_under_numpy_are_limited():
    with limit_threads(1):
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}


def test_the_environment_tells_threads_and_versions():
    with limit_threads(1):
        told = describe_environment(TraceClassifier(device="cpu"))
    assert (told["threads"], told["device"]) == (1, "cpu")
    assert told["torch"] == version("torch")


def test_the_environment_is_plain_values():
    told = describe_environment(TraceClassifier(device="cpu"))
    assert json.loads(json.dumps(told)) == told
