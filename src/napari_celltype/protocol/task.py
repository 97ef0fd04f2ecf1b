"""The whole of one task: cut, train one classifier on one split, answer its test.

Also threads, processor and versions, on which the last bits of a score depend.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype import progress
from napari_celltype.labels.trace_set import identity
from napari_celltype.protocol.experiment import (
    PROBE,
    Condition,
    ExperimentData,
    Outcome,
    Task,
    build,
)
from napari_celltype.protocol.groups import COLUMNS, codes, split_groups
from napari_celltype.protocol.splits import named

PACKAGES = ("napari-celltype", "numpy", "scikit-learn", "scipy", "torch")


def perform(
    task: Task,
    data: ExperimentData,
    *,
    checkpoint: Path | None = None,
    threads: int | None = None,
    on_progress: progress.OnProgress = progress.ignore_progress,
    should_stop: progress.ShouldStop = progress.never_stop,
) -> Outcome:
    """Train the classifier of a task and let it answer."""
    # The same task with the same threads on the same machine gives the same outcome
    # but for times, also when a training goes on from a checkpoint.
    progress.raise_if_stopped(should_stop)
    condition, split, labels = task.condition, task.split, data.traces.labels
    seeds = np.random.SeedSequence(task.seed).generate_state(3) >> 1
    fit_seed, shuffle_seed, surrogate_seed = map(int, seeds)
    n_frames = condition.n_frames or data.traces.n_frames
    inputs = _inputs(condition, data, n_frames)
    classifier = build(condition, fit_seed, data.traces.sampling_frequency)
    # Rows whose labels the training rows have: their own unless they are shuffled.
    learned = split.train
    if condition.shuffled:
        learned = np.random.default_rng(shuffle_seed).permutation(learned)

    def guess(traces: NDArray[Any], model: Any = classifier) -> list[int]:
        """Return the index among the sorted classes of each prediction."""
        names = model.predict(traces).astype(str)
        found: list[int] = np.searchsorted(data.targets.classes, names).tolist()
        return found

    def score(network: Any) -> dict[str, float]:
        """Score a half-trained network on the test rows (Fig. 3)."""
        right = np.equal(
            guess(inputs(split.test), network), data.targets.index[split.test]
        )
        return {"test_accuracy": float(right.mean())}

    with limit_threads(threads):
        if condition.is_network:
            from napari_celltype.models.estimator import EpochScoring

            # Networks learn from parents and negations as well.
            classifier.fit(
                inputs(split.train),
                labels[learned],
                targets=data.targets.take(learned),
                checkpoint=checkpoint,
                scoring=EpochScoring(score) if condition.by_epoch else None,
                on_progress=on_progress,
                should_stop=should_stop,
            )
            # Those before an interruption included.
            seconds = float(sum(row["seconds"] for row in classifier.history_))
        else:
            on_progress(progress.Progress(f"Training {condition.name}", 0, 1))
            one = named(data.traces, data.targets)[learned]
            trained = split.train[one]
            groups = {}
            if condition.fold_option is not None and condition.way in COLUMNS:
                # What stays together in a search, as in the split around it.
                together = split_groups(data.traces, condition.way)
                groups = {condition.fold_option: together[trained]}
            start = perf_counter()
            classifier.fit(inputs(trained), labels[learned[one]], **groups)
            seconds = perf_counter() - start
            on_progress(progress.Progress(f"Training {condition.name}", 1, 1))
        progress.raise_if_stopped(should_stop)
        surrogates = {}
        if condition.surrogates:
            from napari_celltype.protocol.rivals import surrogates_of

            made = surrogates_of(
                inputs(split.test), data.traces.sampling_frequency, surrogate_seed
            )
            surrogates = {name: guess(traces) for name, traces in made.items()}
        new_guess = None
        if data.new is not None and not condition.is_probe:
            new_guess = guess(data.new.traces[:, :n_frames])
        searched = getattr(classifier, "named_steps", {}).get("model", classifier)
        return Outcome(
            condition=condition.name,
            split=split.number,
            train_seconds=seconds,
            rows=split.test.tolist(),
            guess=guess(inputs(split.test)),
            partial_rows=split.partial.tolist(),
            partial_guess=guess(inputs(split.partial)) if split.partial.size else [],
            new_guess=new_guess,
            surrogates=surrogates,
            history=list(getattr(classifier, "history_", [])),
            chosen={
                name: value.item() if isinstance(value, np.generic) else value
                for name, value in getattr(searched, "best_params_", {}).items()
            },
            environment=describe_environment(classifier),
        )


def _inputs(
    condition: Condition, data: ExperimentData, n_frames: int
) -> Callable[[NDArray[np.int64]], NDArray[Any]]:
    """Return what gives the traces, or the number of a probe, of some rows."""
    if not condition.is_probe:
        return lambda rows: data.traces.traces[rows, :n_frames]
    name = condition.classifier.removeprefix(PROBE)
    if name == "session":
        sessions = identity(data.traces, "session_id")
        assert sessions is not None
        return lambda rows: codes(sessions)[rows, None]
    return lambda rows: data.probes[name][rows, None]


@contextmanager
def limit_threads(threads: int | None) -> Iterator[None]:
    """Let torch and the libraries under NumPy use so many threads, then as before."""
    if threads is None:
        yield
        return
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    with threadpool_limits(threads):
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def describe_environment(classifier: Any) -> dict[str, Any]:
    """Return what a result depends on beside the data, in plain values."""
    from importlib.metadata import version

    import torch

    from napari_celltype.models.device import choose_device

    device = choose_device(getattr(classifier, "device", "cpu"))
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    return {
        "threads": torch.get_num_threads(),
        "device": name,
        "processor": processor(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }


def processor() -> str:
    """Return the processor's model name, or its architecture where nobody tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()


def different_environments(outcomes: Iterable[Outcome]) -> tuple[dict[str, Any], ...]:
    """Return each environment that splits were computed in, once."""
    different: list[dict[str, Any]] = []
    for outcome in outcomes:
        environment = dict(outcome.environment)
        if environment and environment not in different:
            different.append(environment)
    return tuple(different)


def environment_note(outcomes: Iterable[Outcome]) -> str:
    """Return a sentence if splits of one run were not computed alike, else ""."""
    values: dict[str, dict[str, None]] = {}
    for outcome in outcomes:
        for name, value in outcome.environment.items():
            # Networks may have a GPU and the others never.
            of = f" of {outcome.condition}" if name == "device" else ""
            values.setdefault(f"{name}{of}", {})[str(value)] = None
    differing = [f"{n} {', '.join(of)}" for n, of in values.items() if len(of) > 1]
    if not differing:
        return ""
    return (
        f"The splits were not all computed alike ({'; '.join(differing)}), so scores "
        "may differ for that reason, and a new run need not give the same."
    )
