import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from napari_celltype.errors import Stopped
from napari_celltype.protocol.backends import WorkerLost, outcomes

HERE = Path(__file__).parent


def results(*args, **kwargs):
    return {done.index: done.result for done in outcomes(*args, **kwargs)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_item_is_done(errands, jobs):
    assert results(errands.double, [3, 4, 5], jobs=jobs) == {0: 6, 1: 8, 2: 10}


def test_work_done_here_tells_its_progress_and_can_be_stopped():
    told = []

    def work(item, shared, *, on_progress, should_stop):
        on_progress(item)
        return should_stop()

    assert results(work, ["a"], on_progress=told.append) == {0: False}
    assert told == ["a"]


def test_arrays_are_mapped_into_the_processes(errands):
    got = results(errands.kind_of_shared, [0, 1], shared=np.zeros(10), jobs=2)
    assert got == {0: "memmap", 1: "memmap"}


@pytest.mark.slow
def test_a_process_uses_as_many_threads_as_are_asked_for(errands):
    assert results(errands.n_threads, [0, 1], jobs=2, threads=1) == {0: 1, 1: 1}


def test_an_error_of_the_work_comes_through(errands):
    with pytest.raises(ValueError, match="is bad"):
        results(errands.fail, [0, 1], jobs=2)


def test_a_killed_process_is_replaced(errands, tmp_path):
    flag = tmp_path / "killed"
    got = results(errands.die_at_first, list(range(4)), shared=flag, jobs=2)
    assert flag.exists()
    assert got == {0: 0, 1: 1, 2: 2, 3: 3}


def test_an_item_that_kills_its_process_is_given_up_and_the_others_are_not(errands):
    got = results(errands.die_always, list(range(4)), jobs=2)
    assert isinstance(got.pop(1), WorkerLost)
    assert got == {0: 0, 2: 2, 3: 3}


def test_a_stop_abandons_what_other_processes_do(errands, tmp_path):
    finished = []
    work = outcomes(
        errands.wait_for,
        [0, 1, 2],
        shared=tmp_path / "never",
        jobs=2,
        should_stop=lambda: bool(finished),
    )
    finished.append(next(work).index)
    with pytest.raises(Stopped):
        next(work)
    assert finished == [0]


@pytest.mark.slow
def test_no_process_outlives_a_killed_parent(tmp_path):
    script = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[1]); import errands;"
        "from napari_celltype.protocol.backends import outcomes;"
        "[print('one done', flush=True) for done in"
        " outcomes(errands.wait_for, [0, 1, 2], jobs=2,"
        " shared=pathlib.Path('never'))]"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(HERE)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout.readline() == "one done\n"
        children = psutil.Process(parent.pid).children(recursive=True)
        os.kill(parent.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive
