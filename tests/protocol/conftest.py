"""Small labelled trace sets whose animals, sessions and cells are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from napari_celltype.labels import Targets, TraceSet

COUNTS = {"PV": 16, "PY": 24, "SOM": 16, "VIP": 16}


def build_traces(
    counts: Mapping[str, int] = COUNTS,
    *,
    n_frames: int = 80,
    n_subjects: int = 4,
    per_cell: int = 2,
    one_type_per_subject: bool = False,
    seed: int = 0,
    **columns: Any,
) -> TraceSet:
    """Traces that any classifier can learn: a sinusoid for each type, in noise.

    A cell has `per_cell` examples in one session; each subject has two sessions. Unless
    `one_type_per_subject`, each of `n_subjects` animals holds every type; else each
    type has `n_subjects` animals of its own. `columns` replace or add columns.
    """
    generator = np.random.default_rng(seed)
    rows: list[tuple[str, str, str, str]] = []
    for name, count in counts.items():
        for example in range(count):
            cell = example // per_cell
            subject = f"mouse-{cell % n_subjects}"
            if one_type_per_subject:
                subject = f"{name}-{subject}"
            session = f"{subject}/day-{cell // n_subjects % 2}"
            rows.append((name, subject, session, f"{session}/{name}-{cell}"))
    order = generator.permutation(len(rows))
    labels, subjects, sessions, cells = np.array(rows)[order].T
    time = np.arange(n_frames)
    cycles = np.unique(labels, return_inverse=True)[1].ravel() + 1
    traces = np.sin(2 * np.pi * cycles[:, None] * time / n_frames)
    traces = 1.5 * traces + generator.normal(size=traces.shape)
    given: dict[str, Any] = {
        "traces": traces,
        "labels": labels,
        "subject_id": subjects,
        "session_id": sessions,
        "cell_id": cells,
        "line": np.char.add(labels, "-Cre"),
        "sampling_frequency": 10.0,
    }
    return TraceSet(**{**given, **columns})


@pytest.fixture
def make_traces() -> Callable[..., TraceSet]:
    """See `build_traces`: ``make_traces({"PV": 8, "PY": 8}, n_frames=60)``."""
    return build_traces


@pytest.fixture(scope="session")
def small_traces() -> TraceSet:
    """72 examples of four types; four animals that hold all of them."""
    return build_traces()


@pytest.fixture(scope="session")
def small_targets(small_traces: TraceSet) -> Targets:
    """What the labels of `small_traces` mean."""
    return Targets.of(small_traces.labels)
