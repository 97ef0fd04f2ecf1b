"""Processes killed while they write: a file is the old or the new one, never half."""

from __future__ import annotations

import random
import sys
import time

import pandas as pd
import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
TIMES = {"labels": 6, "model": 5, "nwb": 3}


@pytest.fixture
def killed(started):
    """Start a function of `writers` and kill it after some seconds."""

    def kill_after(seconds, *work):
        process = started(*work)
        time.sleep(seconds)
        process.kill()
        process.join()

    return kill_after


@pytest.mark.parametrize("kind", [*TIMES, "csv", "parquet", "json", "npy", "mat"])
def test_a_file_is_the_old_or_the_new_one(kind, lab, writers, killed, scaled):
    path = lab / writers.TARGETS[kind]
    write = writers.writer(kind, lab)
    start = time.monotonic()
    write(0)
    write(1)
    took = time.monotonic() - start
    chance = random.Random(kind)
    for _ in range(scaled(TIMES.get(kind, 2))):
        killed(2 * took * chance.random(), writers.write_on, kind, lab)
        assert writers.version(kind, path) in (0, 1)
    writers.writer(kind, lab)(0)
    assert writers.version(kind, path) == 0
    assert not list(path.parent.glob(".*.part"))


def test_a_run_killed_at_any_moment_ends_with_the_same_scores(
    lab, writers, killed, scaled, tmp_path
):
    data, start = lab / "cells.npz", time.monotonic()
    whole = writers.scores(data, tmp_path / "whole")
    took = time.monotonic() - start
    chance = random.Random(0)
    for number in range(scaled(2)):
        folder = tmp_path / f"run{number}"
        for _ in range(3):
            killed(took * chance.random(), writers.run_on, data, folder)
        pd.testing.assert_frame_equal(writers.scores(data, folder), whole)
