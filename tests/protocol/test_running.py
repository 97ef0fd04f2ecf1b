"""Tasks of a run: each is done once, and how long they take."""

import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_celltype.errors import CellTypeError, LabelError, OutputError, Stopped
from napari_celltype.labels import Targets
from napari_celltype.progress import Progress
from napari_celltype.protocol.experiment import (
    Condition,
    ExperimentData,
    Outcome,
    Split,
    Task,
)
from napari_celltype.protocol.running import Remaining, RunFolder, run_tasks


@pytest.fixture
def data(small_traces):
    return ExperimentData(small_traces, Targets.of(small_traces.labels))


@pytest.fixture
def folder(tmp_path):
    return RunFolder.open(tmp_path / "run", {})


def make_tasks(*names, n_splits=2):
    rows = np.arange(4, dtype=np.int64)
    return [
        Task(Condition(name, name), Split(number, rows, rows + number), seed=number)
        for name in names
        for number in range(n_splits)
    ]


class Perform:
    """Answers 0 to everything, and remembers what it was asked."""

    def __init__(self):
        self.asked, self.broken = [], []

    def __call__(self, task, data, *, checkpoint, threads, on_progress, should_stop):
        if task.key in self.broken:
            raise LabelError("One class only.")
        self.asked.append(task.key)
        self.threads, self.checkpoint = threads, checkpoint
        on_progress(Progress("Training", 1, 5))
        rows = task.split.test.tolist()
        return Outcome(*task.key, train_seconds=0.1, rows=rows, guess=[0] * len(rows))


@pytest.fixture
def perform(monkeypatch):
    done = Perform()
    monkeypatch.setattr("napari_celltype.protocol.running.perform", done)
    return done


def test_what_is_done_is_not_done_again(data, folder, perform):
    tasks = make_tasks("rnn", "cnn")
    first = run_tasks(tasks[:3], data, folder)
    outcomes = run_tasks(tasks[::-1], data, folder)
    assert outcomes[:0:-1] == first
    assert perform.asked == [task.key for task in tasks]


@pytest.mark.usefixtures("perform")
def test_an_outcome_of_another_test_set_is_not_that_of_the_task(data, folder):
    (task,) = make_tasks("rnn", n_splits=1)
    folder.append(Outcome(*task.key, train_seconds=0.1, rows=[70], guess=[0]))
    (outcome,) = run_tasks([task], data, folder)
    assert outcome.rows == task.split.test.tolist()


def test_a_stop_keeps_what_is_finished(data, folder, perform):
    with pytest.raises(Stopped):
        run_tasks(
            make_tasks("rnn"), data, folder, should_stop=lambda: bool(perform.asked)
        )
    assert list(folder.finished()) == [("rnn", 0)]


def test_a_task_that_cannot_be_done_costs_none_that_is(data, folder, perform):
    perform.broken = [("rnn", 1)]
    with pytest.raises(LabelError):
        run_tasks(make_tasks("rnn"), data, folder)
    assert list(folder.finished()) == [("rnn", 0)]


@pytest.mark.usefixtures("perform")
def test_progress_names_the_split_and_counts_all_tasks(data, folder):
    told = []
    tasks = make_tasks("rnn", "cnn")
    run_tasks(tasks[:1], data, folder)
    run_tasks(tasks, data, folder, on_progress=told.append)
    assert told[0] == Progress(
        "rnn, split 2 of 2, Training (1 of 5): 1 of 4 done", 1, 4
    )
    assert told[1].message.startswith("rnn, split 2 of 2: 2 of 4 done, about")
    assert told[-1] == Progress("cnn, split 2 of 2: 4 of 4 done", 4, 4)


def test_threads_are_one_where_there_are_jobs(data, folder, perform):
    run_tasks(make_tasks("rnn", n_splits=1), data, folder)
    assert perform.threads is None
    run_tasks(make_tasks("cnn", n_splits=1), data, folder, jobs=2)
    assert perform.threads == 1
    # A finished run leaves no checkpoints.
    assert not folder.checkpoints.exists()


def test_where_the_run_folder_is_not_there_is_no_checkpoint(data, folder, perform):
    run_tasks(
        make_tasks("rnn"),
        data,
        folder,
        on_outcome=lambda *done: shutil.rmtree(folder.checkpoints, ignore_errors=True),
    )
    assert perform.checkpoint is None


def test_two_runs_at_once_in_one_folder_are_refused(data, folder):
    with (
        folder.locked(),
        pytest.raises(CellTypeError, match="in use by another process"),
    ):
        run_tasks(make_tasks("rnn"), data, folder)


KILLED_IN_MID_RUN = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from errands import small_run
from napari_celltype.protocol.running import RunFolder
from napari_celltype.protocol.running import run_tasks

def kill(progress):
    if progress.message.startswith(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

data, tasks = small_run()
folder = RunFolder.open(Path(sys.argv[1]), {})
run_tasks(tasks, data, folder, threads=1, on_progress=kill)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="nobody is killed without warning")
def test_a_run_killed_in_mid_training_ends_as_one_that_was_not(errands, tmp_path):
    code = [sys.executable, "-c", KILLED_IN_MID_RUN]
    where = [tmp_path / "run", Path(__file__).parent]
    killed = subprocess.run([*code, *where, "lstm, split 1 of 2"], check=False)
    assert killed.returncode == -signal.SIGKILL
    folder = RunFolder.open(tmp_path / "run", {})
    assert list(folder.finished()) == [("rnn", 0), ("rnn", 1)]
    data, tasks = errands.small_run()
    resumed = run_tasks(tasks, data, folder, threads=1)
    whole = run_tasks(tasks, data, RunFolder.open(None, {}), threads=1)
    assert errands.without_times(resumed) == errands.without_times(whole)


def remaining_of(kinds, gone, *done):
    """Remaining after so many seconds in which tasks of (kind, seconds) were done."""
    times = iter([100.0, *[100.0 + gone] * 9])
    remaining = Remaining(kinds, lambda: next(times))
    for kind, seconds in done:
        remaining.finish(kind, seconds)
    return remaining


def test_nothing_is_said_before_the_first_task_is_done():
    assert str(remaining_of(["cnn", "cnn"], 10)) == ""


@pytest.mark.parametrize(
    ("kinds", "gone", "done", "left"),
    [
        # Tasks of a kind take what finished ones took,
        (["cnn"] * 3 + ["rnn"] * 2, 110, [("cnn", 100), ("rnn", 10)], 210),
        # and of a kind that is not known yet what the others take.
        (["cnn", "rnn"], 60, [("cnn", 60)], 60),
        # What runs at once is measured.
        (["cnn"] * 4, 60, [("cnn", 60), ("cnn", 60)], 60),
    ],
)
def test_seconds_left_follow_from_what_is_done(kinds, gone, done, left):
    assert remaining_of(kinds, gone, *done).seconds == pytest.approx(left)


@pytest.mark.parametrize(
    ("took", "said"),
    [
        (1.0, ", about 5 s left"),
        (42.0, ", about 40 s left"),
        (840.0, ", about 14 min left"),
        (7800.0, ", about 2 h 10 min left"),
    ],
)
def test_the_time_is_said_as_people_say_it(took, said):
    assert str(remaining_of(["cnn", "cnn"], took, ("cnn", took))) == said


CONFIGURATION = {
    "experiment": "evaluate",
    "classifiers": ["cnn"],
    "epochs": 20,
    "data": "a" * 64,
}
OUTCOME = Outcome(
    "cnn",
    0,
    train_seconds=1.25,
    rows=[3, 4],
    guess=[0, 1],
    history=[{"epoch": 1, "loss": 0.1 + 0.2, "accuracy": float("inf")}],
)


@pytest.fixture
def kept(tmp_path):
    return RunFolder.open(tmp_path / "run", CONFIGURATION)


def test_an_outcome_comes_back_as_it_was(kept):
    kept.append(OUTCOME)
    again = RunFolder.open(kept.path, CONFIGURATION)
    assert again.finished() == {("cnn", 0): OUTCOME}


def test_a_torn_last_line_is_cut_off(kept):
    kept.append(OUTCOME)
    whole = kept.results.read_bytes()
    kept.results.write_bytes(whole + whole[:20])
    RunFolder.open(kept.path, CONFIGURATION)
    assert kept.results.read_bytes() == whole


@pytest.mark.parametrize(
    "line", [b"\x00\x00\x00", b"[]", b'{"other": 1}', b"{", b'"x"', b"[" * 10**5]
)
def test_a_line_that_is_no_outcome_is_not_done(kept, line):
    kept.results.write_bytes(line + b"\n")
    kept.append(OUTCOME)
    assert list(kept.finished()) == [("cnn", 0)]


@pytest.mark.parametrize("edit", [(b"[3, 4]", b"[3, 5]"), (b"[0, 1]", b"[0, 1e9]")])
def test_an_outcome_that_was_edited_is_not_done(kept, edit):
    kept.append(OUTCOME)
    kept.append(replace(OUTCOME, split=1, rows=[7, 8], guess=[1, 0]))
    kept.results.write_bytes(kept.results.read_bytes().replace(*edit))
    assert list(kept.finished()) == [("cnn", 1)]


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"epochs": 5}, "epochs 20, not 5;"),
        ({"classifiers": []}, "classifiers that include cnn;"),
        ({"data": "b" * 64}, "different data;"),
        ({"new": 1}, "new None, not 1;"),
    ],
)
def test_another_configuration_is_refused_by_name(kept, change, difference):
    with pytest.raises(OutputError) as caught:
        RunFolder.open(kept.path, {**CONFIGURATION, **change})
    assert f"was started with {difference}" in str(caught.value)


def test_classifiers_may_be_added_and_not_taken_away(kept):
    more = {**CONFIGURATION, "classifiers": ["rnn", "cnn"]}
    RunFolder.open(kept.path, more)
    assert RunFolder.open(kept.path, more).path == kept.path
    with pytest.raises(OutputError, match="classifiers that include rnn;"):
        RunFolder.open(kept.path, CONFIGURATION)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"configuration": {}}', "[" * 100_000, "\0"]
)
def test_a_configuration_of_something_else_is_refused(kept, text):
    (kept.path / "config.json").write_text(text)
    with pytest.raises(OutputError, match="not the configuration of a run"):
        RunFolder.open(kept.path, CONFIGURATION)


def test_without_a_path_the_folder_goes_with_the_object():
    folder = RunFolder.open(None, CONFIGURATION)
    path = folder.path
    assert path.is_dir()
    del folder
    assert not path.exists()


@pytest.mark.parametrize("name", ["CNN [C C P C D]", 'probe: "a/b\\c"', "x" * 200])
def test_every_file_system_takes_the_name_of_a_checkpoint(kept, name):
    assert re.fullmatch(r"[\w-]{1,80}", kept.checkpoint((name, 0)).name)


def test_the_checkpoint_of_a_finished_task_is_removed(kept):
    checkpoint = kept.checkpoint(OUTCOME.key)
    checkpoint.parent.mkdir()
    checkpoint.touch()
    kept.append(OUTCOME)
    assert not checkpoint.exists()


FILL = """
import resource, sys
from dataclasses import replace
from pathlib import Path
from napari_celltype.errors import OutputError
from napari_celltype.protocol.experiment import Outcome
from napari_celltype.protocol.running import RunFolder
folder = RunFolder(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    for split in range(100):
        folder.append(Outcome("cnn", split, 1.0, [0] * 20, [0] * 20))
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit to the size of files")
def test_a_full_disk_keeps_what_was_finished(kept):
    said = subprocess.run(
        [sys.executable, "-c", FILL, kept.path],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.startswith(f"{kept.results} cannot be written (File too large);")
    assert kept.results.read_bytes().endswith(b"}\n")
    before = kept.finished()
    kept.append(replace(OUTCOME, split=99))
    assert set(kept.finished()) == {*before, ("cnn", 99)}
