"""The window of the terminal, in a process of its own."""

import os
import subprocess
import sys

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
def test_what_cannot_be_read_ends_with_a_sentence(tmp_path):
    done = run(tmp_path, "--screenshot", tmp_path / "window.png")
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr
