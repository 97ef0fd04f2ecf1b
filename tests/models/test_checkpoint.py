"""A training that is killed, and the same call again."""

import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from napari_celltype.errors import OutputError, Stopped
from napari_celltype.models import TraceClassifier, training

SETTINGS = {"dropout": 0.3, "random_state": 0, "device": "cpu", "batch_size": 16}

# Trains with a checkpoint, and is killed where sys.argv says.
KILLED = """
import os, signal, sys
import numpy as np, torch
from napari_celltype.models import TraceClassifier, training

training.SECONDS_BETWEEN = 0
torch.set_num_threads(1)
data, path, architecture, batch, write, settings = sys.argv[1:]
X, y = (np.load(data)[name] for name in "Xy")
left = {"batch": int(batch), "write": int(write)}

def die(*where):
    left[where[0]] -= 1
    if left[where[0]] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return False

# Called between the last byte of a new file and its taking the old one's place.
os.fsync = lambda file: die("write")
TraceClassifier(architecture, epochs=6, **eval(settings)).fit(
    X, y, checkpoint=path, should_stop=lambda: die("batch")
)
"""


@pytest.fixture(autouse=True)
def each_epoch(monkeypatch):
    """Write after each epoch, however short, on one thread."""
    monkeypatch.setattr(training, "SECONDS_BETWEEN", 0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a run" / "rnn 0.safetensors"


def fit(data, *, architecture="rnn", epochs=6, changes=None, **options):
    settings = {**SETTINGS, **(changes or {})}
    return TraceClassifier(architecture, epochs=epochs, **settings).fit(
        *data, **options
    )


def state_of(fitted):
    """Everything learnt but the clock."""
    rows = [{k: v for k, v in r.items() if k != "seconds"} for r in fitted.history_]
    weights = {k: v.numpy() for k, v in fitted.network_.state_dict().items()}
    return rows, weights


def assert_same(first, second):
    rows, weights = state_of(first)
    other_rows, other_weights = state_of(second)
    assert rows == other_rows
    for name, value in weights.items():
        np.testing.assert_array_equal(other_weights[name], value)


def stopped_after(epochs, data, path, **options):
    """Train until so many epochs are finished, then stop in the middle of the next."""
    done = []
    with pytest.raises(Stopped):
        fit(
            data,
            checkpoint=path,
            on_progress=done.append,
            should_stop=lambda: len(done) >= epochs,
            **options,
        )


def epochs_trained(data, path, **options):
    """How many epochs the call had to train itself."""
    told = []
    fit(data, checkpoint=path, on_progress=told.append, **options)
    return sum(p.message.startswith("Training, loss") for p in told)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "batches", "writes"),
    [("rnn", 9, 99), ("rnn", 99, 2), ("lstm", 17, 99), ("cnn", 14, 99)],
)
def test_killed_training_ends_as_if_it_had_not_been(
    architecture, batches, writes, labelled, path, tmp_path
):
    data = tmp_path / "data.npz"
    np.savez(data, X=labelled[0], y=labelled[1])
    small = {"filters": (4, 8), "kernel_size": 5} if architecture == "cnn" else {}
    settings = {**SETTINGS, **small}
    numbers = [str(batches), str(writes)]
    arguments = [str(data), str(path), architecture, *numbers, repr(settings)]
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], timeout=200)
    assert killed.returncode == -signal.SIGKILL
    assert path.exists()
    options = {"architecture": architecture, "changes": small}
    again = fit(labelled, checkpoint=path, **options)
    assert_same(again, fit(labelled, **options))


def test_training_goes_on_after_the_last_finished_epoch(labelled, path):
    stopped_after(4, labelled, path)
    assert epochs_trained(labelled, path) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"random_state": 1},
        {"learning_rate": 0.01},
        {"batch_size": 8},
        {"units": 50},
        {"normalization": "training-set"},
    ],
)
def test_another_parameter_begins_anew(changes, labelled, path):
    fit(labelled, checkpoint=path, changes=changes)
    assert epochs_trained(labelled, path) == 6


@pytest.mark.parametrize("part", ["traces", "labels"])
def test_other_data_begin_anew(part, labelled, path):
    X, y = labelled[0].copy(), labelled[1].copy()
    if part == "traces":
        X[3, 5] += 1
    else:
        y[:2] = y[1::-1]
    fit((X, y), checkpoint=path)
    assert epochs_trained(labelled, path) == 6


def test_another_number_of_threads_begins_anew(labelled, path):
    fit(labelled, checkpoint=path)
    torch.set_num_threads(2)
    assert epochs_trained(labelled, path) == 6


@pytest.mark.parametrize(
    "damage", ["cut", "flipped bit", "text", "empty", "no card", "model"]
)
def test_another_file_begins_anew(damage, labelled, path, model_file):
    stopped_after(3, labelled, path)
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "flipped bit":
        content[-9] ^= 1
    elif damage == "text":
        content = b"not a checkpoint\n" * 100
    elif damage == "empty":
        content = b""
    elif damage == "model":
        content = model_file.read_bytes()
    else:
        content = b"\x02\0\0\0\0\0\0\0{}"
    path.write_bytes(content)
    assert_same(fit(labelled, checkpoint=path), fit(labelled))


def test_full_disk_is_a_sentence_and_keeps_the_earlier_file(labelled, path):
    resource = pytest.importorskip("resource", reason="limits of a file are POSIX's")
    stopped_after(3, labelled, path)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The kernel refuses to let a file grow, as it does when the disk is full.
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OutputError, match="cannot be written"):
            fit(labelled, checkpoint=path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before


def test_only_the_last_epoch_is_always_written(labelled, path, monkeypatch):
    monkeypatch.setattr(training, "SECONDS_BETWEEN", 3600)
    stopped_after(4, labelled, path)
    assert not path.exists()
    fit(labelled, checkpoint=path)
    assert epochs_trained(labelled, path) == 0


@pytest.mark.parametrize(("first", "then"), [(3, 6), (6, 3)])
def test_another_number_of_epochs_ends_as_if_begun_anew(first, then, labelled, path):
    fit(labelled, checkpoint=path, epochs=first)
    again = fit(labelled, checkpoint=path, epochs=then)
    assert_same(again, fit(labelled, epochs=then))
