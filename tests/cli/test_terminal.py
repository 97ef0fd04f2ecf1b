"""The program as a process of its own: Ctrl-C, broken pipes, plain progress."""

import os
import signal
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "napari_celltype.cli"]
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def stopped(command, is_late_enough):
    """Press Ctrl-C after a line of progress; return status and what is said then."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stderr is not None
    for line in process.stderr:
        if is_late_enough(line):
            break
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=120)[1]
    return process.returncode, said


def test_debug_may_stand_behind_the_verb(tmp_path):
    command = [*COMMAND, "classify", str(tmp_path / "nowhere"), "--debug"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "Traceback" in result.stderr


@pytest.mark.slow
@posix
def test_ctrl_c_keeps_what_is_finished_and_is_status_130(session_folder, tmp_path):
    for k in range(40):
        session_folder(f"lab/m{k:02}", n_frames=1900, n_rois=5)
    out = tmp_path / "types.csv"
    command = [*COMMAND, "classify", str(tmp_path / "lab"), "-o", str(out)]
    status, said = stopped(command, lambda line: "done" in line)
    assert status == 130
    assert "Stopping" in said
    assert 1 <= len(set(out.read_text().splitlines()[1:])) < 200


@pytest.mark.slow
@posix
def test_an_evaluation_goes_on_after_ctrl_c(trace_file, tmp_path):
    command = [*COMMAND, "evaluate", str(trace_file()), "--classifiers", "rnn"]
    command += ["--splits", "4", "--epochs", "2", "-o", str(tmp_path / "run")]
    status, said = stopped(command, lambda x: " done" in x and " 0 of " not in x)
    assert status == 130
    assert "The same command goes on from here." in said
    finished = (tmp_path / "run" / "results.jsonl").read_bytes()
    assert finished
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "run" / "results.jsonl").read_bytes().startswith(finished)
    assert (tmp_path / "run" / "report.html").exists()
