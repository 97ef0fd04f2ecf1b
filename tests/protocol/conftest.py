"""Small labelled trace sets whose animals, sessions and cells are known."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_celltype.labels import Targets, TraceSet
from napari_celltype.protocol import PaperProtocol
from napari_celltype.protocol.experiment import ExperimentData, Outcome, Plan, Task
from napari_celltype.protocol.experiments import Training, plan_experiment
from napari_celltype.protocol.report import Report, make_report

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


@dataclass(frozen=True, eq=False)
class MadeRun:
    """An experiment whose answers were made up instead of computed."""

    plan: Plan
    protocol: PaperProtocol
    outcomes: list[Outcome]

    @property
    def data(self) -> ExperimentData:
        return self.plan.data

    @property
    def tasks(self) -> tuple[Task, ...]:
        return self.plan.tasks

    @cached_property
    def report(self) -> Report:
        return make_report(self.plan, self.protocol, self.outcomes, name="mice.npz")

    def outcome(self, condition: str, split: int) -> Outcome:
        return next(o for o in self.outcomes if o.key == (condition, split))


def build_run(
    name: str = "evaluate",
    *,
    skill: Mapping[str, float] | None = None,
    classifiers: tuple[str, ...] = ("cnn", "svm-rbf"),
    traces: TraceSet | None = None,
    protocol: PaperProtocol | None = None,
    new: TraceSet | None = None,
    epochs: int | None = 2,
    seed: int = 0,
) -> MadeRun:
    """Plan an experiment for real and make its answers up.

    `skill` gives the share of known answers, the rest being guesses, by the name of the
    condition, else its classifier, else 0.
    """
    traces = build_traces() if traces is None else traces
    protocol = protocol or PaperProtocol(n_splits=3)
    random = np.random.default_rng(seed)
    targets = Targets.of(traces.labels)
    new_targets = None
    if new is not None:
        both = Targets.of([*traces.labels, *new.labels])
        new_targets = both.take(np.arange(len(traces), len(both.allowed)))
    data = ExperimentData(
        traces,
        targets,
        probes={"noise level": random.normal(size=len(traces))},
        new=new,
        new_targets=new_targets,
    )
    training = Training(epochs=epochs)
    planned = plan_experiment(name, data, protocol, training, classifiers)
    skills = skill or {}

    def answers(truth: NDArray[np.int64], share: float) -> list[int]:
        guess = random.integers(0, len(targets.classes), len(truth))
        known: list[int] = np.where(
            random.random(len(truth)) < share, truth, guess
        ).tolist()
        return known

    def outcome(task: Task) -> Outcome:
        condition, split = task.condition, task.split
        share = skills.get(condition.name, skills.get(condition.classifier, 0.0))
        if condition.shuffled:
            share = skills.get(condition.name, 0.0)
        truth = targets.index[split.test]
        epoch = {"epoch": 1, "loss": 1.0, "accuracy": 0.5, "seconds": 0.1}
        followed = {"test_accuracy": share} if condition.by_epoch else {}
        network = condition.classifier in ("cnn", "rnn", "lstm")
        return Outcome(
            condition.name,
            split.number,
            train_seconds=1.0 + split.number,
            rows=split.test.tolist(),
            guess=answers(truth, share),
            partial_rows=split.partial.tolist(),
            partial_guess=[0] * len(split.partial),
            new_guess=None
            if data.new_targets is None
            else answers(data.new_targets.index, share),
            surrogates={"phase-randomised": answers(truth, 0.0)}
            if condition.surrogates
            else {},
            history=[
                {**epoch, **followed, "epoch": number + 1}
                for number in range(condition.parameters["epochs"] if network else 0)
            ],
            environment={"threads": 1},
        )

    return MadeRun(planned, protocol, [outcome(task) for task in planned.tasks])


@pytest.fixture
def make_run() -> Callable[..., MadeRun]:
    """See `build_run`: ``make_run("table4", skill={"cnn": 0.8}).report``."""
    return build_run


@pytest.fixture(scope="session")
def made_run() -> MadeRun:
    """An evaluation of cnn and svm-rbf on `small_traces`, 3 splits."""
    return build_run(skill={"cnn": 0.8, "svm-rbf": 0.6, "probe: session": 0.2})


@pytest.fixture(scope="session")
def errands() -> Iterator[ModuleType]:
    """`errands.py`, where other processes can import it as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        yield importlib.import_module("errands")
