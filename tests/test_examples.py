"""The examples run as their first lines say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

pytestmark = pytest.mark.slow


def run(name: str, *arguments: object) -> str:
    """Run an example like a user and return what it printed."""
    command = [sys.executable, EXAMPLES / name, *map(str, arguments)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_classify_folder(tmp_path: Path, suite2p_folder: Callable[..., Path]) -> None:
    for mouse in ("mouse1", "mouse2"):
        suite2p_folder(tmp_path / mouse, fs=10.0, n_frames=700, n_rois=5)
    table = tmp_path / "cell_types.csv"
    run("classify_folder.py", tmp_path, table, 10)
    assert len(table.read_text().splitlines()) == 1 + 2 * 5


def test_from_traces() -> None:
    assert "predicted" in run("from_traces.py")


def test_train_own_model(tmp_path: Path) -> None:
    model = tmp_path / "mine.safetensors"
    printed = run("train_own_model.py", model)
    assert "balanced accuracy on unseen animals" in printed
    assert model.exists()


def test_train_from_recordings(tmp_path: Path) -> None:
    model = tmp_path / "mine.safetensors"
    printed = run("train_from_recordings.py", model)
    assert "Epoch 5 of 5" in printed
    assert "1 of 4 animals" in printed
    assert "chance 0.25" in printed
    assert model.exists()


def test_how_common() -> None:
    printed = run("how_common.py")
    assert "All neurons of CA1" in printed
    assert "Given shares of the types: PY 89 %, IN 11 %" in printed


def test_evaluate_by_subject() -> None:
    printed = run("evaluate_by_subject.py")
    assert "By animal" in printed
    assert "RNN: rows are the true PV, PY" in printed


def test_export_nwb(tmp_path: Path) -> None:
    printed = run("export_nwb.py", tmp_path)
    assert "Subject: m1, sex F" in printed
    assert {f.name for f in tmp_path.iterdir()} >= {"m1.nwb", "m1.svg", "methods.txt"}
