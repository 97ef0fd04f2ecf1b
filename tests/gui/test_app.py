"""The window of the terminal, in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.gui


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "napari_celltype.gui.app", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.slow
def test_a_picture_of_the_window_after_classifying(folder, models_folder, tmp_path):
    picture = tmp_path / "window.png"
    done = run(
        *(folder, "--model", "quick", "--classify", "--screenshot", picture),
        NAPARI_CELLTYPE_MODELS=str(models_folder),
    )
    assert done.returncode == 0, done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_ending_the_terminal_ends_its_window(folder):
    terminal = subprocess.Popen(
        [sys.executable, "-m", "napari_celltype.cli", "open", str(folder)],
        stderr=subprocess.PIPE,
        text=True,
    )
    (window,) = wait_for(lambda: children_of(terminal.pid))
    wait_for(lambda: is_caught(signal.SIGTERM, window))
    terminal.terminate()
    _, sentences = terminal.communicate(timeout=240)
    assert not Path(f"/proc/{window}").exists()
    assert terminal.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in sentences


def children_of(pid):
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in tasks.read_text().split()]


def is_caught(number, pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16) >> (number - 1) & 1


def wait_for(found):
    for _ in range(2400):
        if result := found():
            return result
        time.sleep(0.1)
    raise AssertionError("waited in vain")


@pytest.mark.slow
def test_what_cannot_be_read_ends_with_a_sentence(tmp_path):
    done = run(tmp_path, "--screenshot", tmp_path / "window.png")
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr
