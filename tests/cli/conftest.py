"""Small labelled trace sets on disk, and the program called as from a terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result


@pytest.fixture(scope="session")
def terminal() -> Callable[..., Result]:
    """Run the program in this process: `terminal("evaluate", path, ...)`."""

    def run(*words: object) -> Result:
        from napari_celltype.cli.program import app

        return CliRunner().invoke(app, [str(word) for word in words])

    return run


@pytest.fixture(scope="session")
def trace_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a trace set: `trace_file({"PY": 12, "PV": 12}, n_frames=80, **arrays)`.

    A type is a sinusoid of its own in noise; each of four animals has every type.
    Arrays given replace those of their name, None leaves one out.
    """

    def write(
        counts: dict[str, int] | None = None,
        *,
        n_frames: int = 80,
        name: str = "cells",
        seed: int = 0,
        **arrays: Any,
    ) -> Path:
        counts = counts or {"PV": 12, "PY": 12}
        labels = np.repeat(list(counts), list(counts.values()))
        cells = np.concatenate([np.arange(n) for n in counts.values()])
        cycles = np.repeat(np.arange(1, len(counts) + 1), list(counts.values()))
        time = np.arange(n_frames) / n_frames
        noise = np.random.default_rng(seed).normal(size=(len(labels), n_frames))
        content = {
            "traces": np.sin(2 * np.pi * cycles[:, None] * time) + noise,
            "labels": labels,
            "subject_id": np.char.add("mouse-", (cells % 4).astype(str)),
            "session_id": np.char.add("day-", (cells % 8).astype(str)),
            "sampling_frequency": 10.0,
            **arrays,
        }
        path = tmp_path_factory.mktemp("traces") / f"{name}.npz"
        np.savez(path, **{k: v for k, v in content.items() if v is not None})
        return path

    return write
