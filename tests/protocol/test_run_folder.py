import os
import re
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from napari_celltype.errors import OutputError
from napari_celltype.protocol.experiment import Condition, Outcome, Split, Task
from napari_celltype.protocol.run_folder import RunFolder

CONFIGURATION = {
    "experiment": "evaluate",
    "classifiers": ["cnn"],
    "epochs": 20,
    "protocol": {"n_splits": 10},
    "conditions": [{"name": "cnn", "parameters": {"layers": "CCPCD"}}],
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


def make_task(name, split=0):
    none = np.empty(0, np.int64)
    return Task(Condition(name, "cnn"), Split(split, none, none), seed=0)


@pytest.fixture
def folder(tmp_path):
    return RunFolder.open(tmp_path / "run", CONFIGURATION)


def test_an_outcome_comes_back_as_it_was(folder):
    folder.append(OUTCOME)
    again = RunFolder.open(folder.path, CONFIGURATION)
    assert again.finished() == {("cnn", 0): OUTCOME}


def test_a_torn_last_line_is_cut_off(folder):
    folder.append(OUTCOME)
    whole = folder.results.read_bytes()
    folder.results.write_bytes(whole + whole[:20])
    again = RunFolder.open(folder.path, CONFIGURATION)
    assert again.results.read_bytes() == whole


@pytest.mark.parametrize("line", [b"\x00\x00\x00", b"[]", b'{"other": 1}', b"{"])
def test_a_line_that_is_no_outcome_is_not_done(folder, line):
    folder.results.write_bytes(line + b"\n")
    folder.append(OUTCOME)
    assert list(folder.finished()) == [("cnn", 0)]


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"epochs": 5}, "epochs 20, not 5;"),
        ({"protocol": {"n_splits": 3}}, "protocol n_splits 10, not 3;"),
        (
            {"conditions": [{"name": "cnn", "parameters": {"layers": "CC"}}]},
            "conditions cnn parameters layers CCPCD, not CC;",
        ),
        (
            {"conditions": [*CONFIGURATION["conditions"], {"name": "rnn"}]},
            "conditions without rnn;",
        ),
        ({"conditions": []}, "conditions that include cnn;"),
        ({"classifiers": []}, "classifiers that include cnn;"),
        ({"data": "b" * 64}, "different data;"),
        ({"new": 1}, "new None, not 1;"),
    ],
)
def test_another_configuration_is_refused_by_name(folder, change, difference):
    with pytest.raises(OutputError) as caught:
        RunFolder.open(folder.path, {**CONFIGURATION, **change})
    assert f"was started with {difference}" in str(caught.value)


def test_classifiers_may_be_added_and_not_taken_away(folder):
    more = {**CONFIGURATION, "classifiers": ["rnn", "cnn"]}
    RunFolder.open(folder.path, more)
    assert RunFolder.open(folder.path, more).path == folder.path
    with pytest.raises(OutputError, match="classifiers that include rnn;"):
        RunFolder.open(folder.path, CONFIGURATION)


def test_a_folder_with_files_of_others_is_refused(tmp_path):
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(OutputError, match="did not write"):
        RunFolder.open(tmp_path, CONFIGURATION)


def test_a_folder_with_files_of_others_is_taken_by_force(tmp_path):
    (tmp_path / "thesis.txt").touch()
    RunFolder.open(tmp_path, CONFIGURATION, force=True)
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"configuration": {}}'])
def test_a_configuration_of_something_else_is_refused(folder, text):
    (folder.path / "config.json").write_text(text)
    with pytest.raises(OutputError, match="not the configuration of a run"):
        RunFolder.open(folder.path, CONFIGURATION)


def test_without_a_path_the_folder_goes_with_the_object():
    folder = RunFolder.open(None, CONFIGURATION)
    path = folder.path
    assert path.is_dir()
    del folder
    assert not path.exists()


@pytest.mark.parametrize("name", ["CNN [C C P C D]", 'probe: "a/b\\c"', "x" * 200])
def test_every_file_system_takes_the_name_of_a_checkpoint(folder, name):
    assert re.fullmatch(r"[\w-]{1,80}", folder.checkpoint(make_task(name)).name)


def test_every_task_has_a_checkpoint_of_its_own(folder):
    tasks = [make_task("a b"), make_task("a-b"), make_task("a b", 1)]
    assert len({folder.checkpoint(task) for task in tasks}) == 3


def test_the_checkpoint_of_a_finished_task_is_removed(folder):
    checkpoint = folder.checkpoint(make_task("cnn"))
    checkpoint.touch()
    folder.append(OUTCOME)
    assert not checkpoint.exists()


HOLD = """
import sys
from pathlib import Path
from napari_celltype.protocol.run_folder import RunFolder
with RunFolder(Path(sys.argv[1])).locked():
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_until_the_first_has_died(folder):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, folder.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout.readline().strip() == b"locked"
        with pytest.raises(OutputError, match="in use by another process"):
            RunFolder.open(folder.path, CONFIGURATION)
        os.kill(holder.pid, signal.SIGKILL)
    RunFolder.open(folder.path, CONFIGURATION)


FILL = """
import resource, sys
from dataclasses import replace
from pathlib import Path
from napari_celltype.errors import OutputError
from napari_celltype.protocol.experiment import Outcome
from napari_celltype.protocol.run_folder import RunFolder
folder = RunFolder(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    for split in range(100):
        folder.append(Outcome("cnn", split, 1.0, [0] * 20, [0] * 20))
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit to the size of files")
def test_a_full_disk_keeps_what_was_finished(folder):
    said = subprocess.run(
        [sys.executable, "-c", FILL, folder.path],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.startswith(f"{folder.results} cannot be written (File too large);")
    assert folder.results.read_bytes().endswith(b"}\n")
    before = folder.finished()
    folder.append(replace(OUTCOME, split=99))
    assert set(folder.finished()) == {*before, ("cnn", 99)}
