"""The benchmark of opening tells by its exit status whether a target was missed."""

import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "open_recording.py"


@pytest.mark.parametrize(
    ("seconds", "kept", "n_missed"),
    [
        ([0.5, 1.9], [1e6, 2e6], 0),
        ([5.0, 1.9], [1e6, 2e6], 0),
        ([2.5, 2.1], [1e6, 2e6], 1),
        ([0.5, 0.5], [1e6, 301e6], 1),
        ([2.5, 2.5], [301e6, 301e6], 2),
    ],
)
def test_missed_targets(seconds, kept, n_missed):
    assert len(runpy.run_path(str(SCRIPT))["missed_targets"](seconds, kept)) == n_missed


@pytest.mark.parametrize(("most_seconds", "status"), [(60.0, 0), (-60.0, 1)])
def test_exit_status(most_seconds, status, monkeypatch, tmp_path):
    script = runpy.run_path(str(SCRIPT))
    monkeypatch.setitem(script["main"].__globals__, "MOST_SECONDS", most_seconds)
    small = ["--rois", "20", "--frames", "50", "--repeats", "1"]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *small, "--folder", str(tmp_path)])
    assert script["main"]() == status
