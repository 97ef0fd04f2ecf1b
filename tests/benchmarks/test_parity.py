"""Our networks beside Keras's: one small run, and the parts that need no Keras."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import parity
import pytest

LEARNT = ("cnn", "rnn")
COUNTS = {"PY": 150, "PV": 150, "SOM": 150}


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    """Run the benchmark on few short traces, in a process of its own."""
    for name in ("keras", "tensorflow"):
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed; it comes with the extra 'bench'")
    folder = tmp_path_factory.mktemp("parity")
    counts = ",".join(f"{name}={count}" for name, count in COUNTS.items())
    subprocess.run(
        [
            *(sys.executable, parity.__file__, "--dataset", "rhythms"),
            *("--counts", counts, "--frames", "120", "--splits", "2"),
            *("--epochs", "5", "--threads", "1", "--architectures", *LEARNT),
            *("--folder", str(folder)),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=False,
    )
    return json.loads((folder / "summary.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("architecture", parity.ARCHITECTURES)
@pytest.mark.parametrize("of", ["logits", "loss", "loss after a step"])
def test_same_weights_give_the_same(of, architecture, summary):
    assert summary["agreement"][architecture][of] <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("architecture", LEARNT)
def test_trained_networks_are_as_right_as_keras(architecture, summary):
    """Within three standard errors of two shares of so few test traces."""
    found = summary["accuracy"][architecture]
    share = (found["ours"]["mean"] + found["keras"]["mean"]) / 2
    n_tested = found["splits"] * sum(COUNTS.values()) // 5
    error = np.sqrt(2 * share * (1 - share) / n_tested)
    assert abs(found["difference"]["mean"]) <= 3 * error
    assert found["ours"]["mean"] > 0.5  # Chance, which is 0.33, would show nothing.


def test_means_within_the_spread_are_level():
    assert parity.compare([0.80, 0.84, 0.82], [0.81, 0.85, 0.80])["level"]


def test_means_further_apart_than_the_spread_are_not_level():
    assert not parity.compare([0.80, 0.81, 0.82], [0.85, 0.86, 0.87])["level"]


def test_difference_is_ours_less_keras():
    found = parity.compare([0.80, 0.81], [0.85, 0.88])
    assert found["difference"]["mean"] == pytest.approx(-0.06)


def test_real_windows_are_of_one_preparation_and_not_slower(make_cell):
    cells = [
        make_cell(0, "PY", seconds=130),
        make_cell(1, "SOM", seconds=70),
        make_cell(2, "PY", rate=8.0),
        make_cell(3, "PY", indicator="GCaMP6s"),
    ]
    windows = parity.real_windows(cells, "in-vivo")
    assert windows.traces.shape == (3, 600)
    assert windows.labels.tolist() == ["PY", "PY", "IN"]
    assert windows.cell_id.tolist() == ["cell0", "cell0", "cell1"]
