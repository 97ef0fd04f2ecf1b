import os
import re
import signal
import subprocess
import sys
import sysconfig
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

import napari_celltype
from napari_celltype.errors import CellTypeError, Stopped
from napari_celltype.protocol.backends import WorkerLost, outcomes
from napari_celltype.protocol.running import RunFolder, run_tasks

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


@pytest.fixture(scope="module")
def cluster(errands, local_cluster):
    """Two workers of one thread, each a process of its own."""
    import dask

    # One kill is enough to blame an item, so that a test needs only two.
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        local_cluster(2) as local,
    ):
        yield local


@pytest.fixture(scope="module")
def alone(errands):
    """Outcomes of `small_run`, computed in this process."""
    data, tasks = errands.small_run()
    return run_tasks(tasks, data, RunFolder.open(None, {}), threads=1)


@pytest.mark.slow
def test_two_processes_give_the_same_scores(errands, alone):
    data, tasks = errands.small_run()
    together = run_tasks(tasks, data, RunFolder.open(None, {}), jobs=2)
    assert errands.without_times(together) == errands.without_times(alone)


@pytest.mark.slow
def test_a_cluster_gives_the_same_scores_although_a_worker_is_killed(
    errands, alone, cluster
):
    data, tasks = errands.small_run()
    told = []

    def kill_after_the_first(progress):
        if not told:
            worker = next(iter(cluster.workers.values()))
            os.kill(worker.pid, signal.SIGKILL)
        told.append(progress)

    together = run_tasks(
        tasks,
        data,
        RunFolder.open(None, {}),
        scheduler=cluster.scheduler_address,
        on_progress=kill_after_the_first,
    )
    assert len(told) == len(tasks)
    assert errands.without_times(together) == errands.without_times(alone)


@pytest.mark.slow
def test_data_outlive_the_only_worker_that_held_them(errands, local_cluster, tmp_path):
    flag = tmp_path / "killed"
    with local_cluster(1) as local:
        address = local.scheduler_address
        got = results(errands.die_at_first, [0, 1, 2], shared=flag, scheduler=address)
    assert got == {0: 0, 1: 1, 2: 2}
    assert flag.exists()


@pytest.mark.slow
def test_an_item_that_kills_its_worker_is_given_up_and_the_others_are_not(
    errands, cluster
):
    address = cluster.scheduler_address
    got = results(errands.die_always, [0, 1, 2, 3], scheduler=address)
    assert isinstance(got.pop(1), WorkerLost)
    assert got == {0: 0, 2: 2, 3: 3}


def test_a_stop_abandons_what_workers_do(errands, cluster, tmp_path):
    work = outcomes(
        errands.begin_and_wait,
        [0, 1, 2],
        shared=tmp_path,
        scheduler=cluster.scheduler_address,
        should_stop=(tmp_path / "begun").exists,
    )
    with pytest.raises(Stopped):
        next(work)
    (tmp_path / "end").touch()


def test_an_address_that_is_none_is_named(errands):
    pytest.importorskip("distributed")
    with pytest.raises(CellTypeError, match="No Dask scheduler answers at tcp//here"):
        list(outcomes(errands.double, [0], scheduler="tcp//here"))


@contextmanager
def dask(*command, python=(), **environment):
    """Run `dask scheduler` or `dask worker` in its own process; give its address."""
    with subprocess.Popen(
        [sys.executable, *python, "-m", "dask", *command],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(HERE), **environment},
    ) as process:
        try:
            while not (found := re.search(rb"tcp://\S+", process.stderr.readline())):
                assert process.poll() is None
            yield process, found[0].decode()
        finally:
            process.kill()


@pytest.fixture
def scheduler():
    """A scheduler without workers: its process and its address."""
    pytest.importorskip("distributed")
    command = ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    with dask(*command) as found:
        yield found


def test_a_run_waits_for_workers_and_says_so(errands, scheduler):
    _, address = scheduler
    told = []
    work = outcomes(
        errands.double,
        [0],
        scheduler=address,
        on_progress=told.append,
        should_stop=lambda: bool(told),
    )
    with pytest.raises(Stopped):
        next(work)
    assert [p.message for p in told] == [f"Waiting for a worker of {address}"]


# Of two threads, since Dask may begin with either of two items.
ONE_WORKER = ("worker", "--nthreads", "2", "--no-nanny", "--no-dashboard")


@pytest.mark.slow
def test_a_scheduler_that_goes_away_is_told_after_what_was_finished(
    errands, scheduler, tmp_path
):
    process, address = scheduler
    with dask(*ONE_WORKER, address):
        work = outcomes(
            errands.wait_for, [0, 1], shared=tmp_path / "never", scheduler=address
        )
        assert next(work).result == 0
        process.kill()
        with pytest.raises(CellTypeError, match="went away; what is finished is kept"):
            next(work)


def test_a_worker_without_this_package_is_refused(errands, scheduler):
    _, address = scheduler
    installed = sysconfig.get_path("purelib")
    if napari_celltype.__file__.startswith(installed):
        pytest.skip("this package is installed, not linked, so every worker has it")
    # Without `site`, links to packages elsewhere are not followed.
    without = {"python": ["-S"], "PYTHONPATH": installed}
    with dask(*ONE_WORKER, address, **without):
        work = outcomes(errands.double, [0], scheduler=address)
        with pytest.raises(CellTypeError, match="install the same versions"):
            next(work)
