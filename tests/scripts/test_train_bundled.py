"""The script that trains the bundled models, end to end at tiny sizes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_celltype.models import load_model

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import bundled_networks
from bundled_networks import Training, learning_rate
from bundled_sessions import TRAINING, Part, simulate

MODELS = ["cnn-10hz", "pooled-10hz"]


def run(work: Path, *options: str) -> str:
    script = Path(bundled_networks.__file__).with_name("train_bundled.py")
    command = [sys.executable, str(script), "--quick"]
    command += ["--work", str(work), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    run(work)
    return work / "quick"


@pytest.mark.slow
def test_cards_pages_and_figures_are_written(trained):
    assert sorted(f.stem for f in (trained / "weights").iterdir()) == MODELS
    pages = {f.name for f in (trained / "pages").iterdir()}
    figures = {f"{name}-reliability.png" for name in MODELS}
    assert pages == {"README.md", *figures, *(f"{name}.md" for name in MODELS)}


@pytest.mark.slow
def test_the_same_command_goes_on_where_it_was_and_ends_with_the_same_weights(trained):
    def weights():
        files = sorted((trained / "weights").iterdir())
        return [load_model(f).classifier.network_.state_dict() for f in files]

    before = weights()
    assert "round" not in run(trained.parent)
    for old, new in zip(before, weights(), strict=True):
        assert all((old[name] == new[name]).all() for name in old)


def test_a_session_is_the_same_in_any_part(tmp_path):
    whole = np.load(simulate(Part(TRAINING, 0, 2, 1), tmp_path))
    second = np.load(simulate(Part(TRAINING, 1, 1, 1), tmp_path))
    rows = whole["session 5"] == 1
    np.testing.assert_array_equal(whole["traces 5"][rows], second["traces 5"])


def test_the_learning_rate_rises_and_falls_to_nearly_nothing():
    training = Training("rnn", 10.0, 4, 8)
    rates = [learning_rate(training, p / 100) for p in range(101)]
    top = rates.index(max(rates))
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] < 0.01 * rates[top]
