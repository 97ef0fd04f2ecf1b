"""The script that trains the bundled models, end to end at tiny sizes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "train_bundled.py"


def run(work: Path, *options: str) -> str:
    command = [sys.executable, str(SCRIPT), "--quick", "--work", str(work), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    run(work, "--seeds", "1", "--variants", "--jobs", "2")
    return work


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_cards_pages_and_figures_are_written_for_all_models(trained):
    names = [f"{a}-{rate}hz" for a in ("cnn", "lstm", "rnn") for rate in (10, 5)]
    quick = trained / "quick"
    assert sorted(f.stem for f in (quick / "weights").iterdir()) == sorted(names)
    pages = {f.name for f in (quick / "pages").iterdir()}
    figures = {f"{name}-reliability.png" for name in names}
    assert pages == {"README.md", *figures, *(f"{name}.md" for name in names)}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_is_trained_is_not_left(trained):
    listed = run(trained, "--list", "--seeds", "1", "--variants")
    assert "done  cnn-10hz, seed 1, plain" in listed
    assert "left" not in listed
