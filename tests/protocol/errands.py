"""What other processes do in tests: they import it from here."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_celltype.labels import Targets, TraceSet
from napari_celltype.protocol.experiment import (
    Condition,
    ExperimentData,
    Outcome,
    Split,
    Task,
)


def double(item: int, shared: Any, **told: Any) -> int:
    return 2 * item


def kind_of_shared(item: int, shared: Any) -> str:
    return type(shared).__name__


def n_threads(item: int, shared: Any) -> int:
    import torch

    return torch.get_num_threads()


def fail(item: int, shared: Any) -> int:
    raise ValueError(f"item {item} is bad")


def die_at_first(item: int, flag: Path) -> int:
    """Item 1 kills its process, but only the first time."""
    if item == 1 and not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def die_always(item: int, shared: Any) -> int:
    """Item 1 kills whatever process does it."""
    if item == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def wait_for(item: int, flag: Path) -> int:
    """Item 0 is done at once, the others when the flag is there."""
    while item and not flag.exists():
        time.sleep(0.1)
    return item


def begin_and_wait(item: int, folder: Path) -> int:
    """Say that it began, and wait to be told to end."""
    (folder / "begun").touch()
    while not (folder / "end").exists():
        time.sleep(0.1)
    return item


def small_run() -> tuple[ExperimentData, list[Task]]:
    """Two networks on two splits of noise, which take a second."""
    random = np.random.default_rng(0)
    labels = np.tile(["PV", "PY", "SOM", "VIP"], 10)
    traces = TraceSet(random.normal(size=(40, 60)), labels)
    tasks = []
    for name in ("rnn", "lstm"):
        for number in range(2):
            rows = random.permutation(40)
            condition = Condition(name, name, {"epochs": 3, "dropout": 0.2})
            tasks.append(Task(condition, Split(number, rows[:30], rows[30:]), number))
    return ExperimentData(traces, Targets.of(labels)), tasks


def without_times(outcomes: list[Outcome]) -> list[Outcome]:
    """Return outcomes that are equal where only the times differ."""
    return [
        replace(
            outcome,
            train_seconds=0.0,
            history=[{**row, "seconds": 0.0} for row in outcome.history],
        )
        for outcome in outcomes
    ]
