"""The whole of one task: cut, train one classifier on one split, answer its test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import LabelError
from napari_celltype.labels import Targets
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.protocol.environment import describe_environment, limit_threads
from napari_celltype.protocol.experiment import (
    PROBE,
    Condition,
    ExperimentData,
    Outcome,
    Task,
    build,
    fold_option,
    is_network,
    is_probe,
)
from napari_celltype.protocol.groups import COLUMNS, codes, identity, split_groups
from napari_celltype.protocol.splits import named
from napari_celltype.protocol.surrogates import surrogates_of

# Returns the inputs of a classifier for some rows of the data set.
Inputs = Callable[[NDArray[np.int64]], NDArray[Any]]


def perform(
    task: Task,
    data: ExperimentData,
    *,
    checkpoint: Path | None = None,
    threads: int | None = None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Outcome:
    """Train the classifier of a task and let it answer.

    The same task with the same threads on the same machine gives the same outcome but
    for times, also when a training goes on from a checkpoint. Networks learn from
    parents and negations as well; other classifiers from labels that name one class.

    Parameters
    ----------
    task : Task
    data : ExperimentData
    checkpoint : Path, optional
        File in which a network keeps its training after each epoch.
    threads : int, optional
        Of the numerical libraries, for as long as this takes; None leaves them alone.

    Returns
    -------
    Outcome
        `train_seconds` of a network is the time of its epochs, those before an
        interruption included; of others the time of the fit.

    Raises
    ------
    LabelError
        If the classifier is not known, or traces are shorter than the condition says.
    napari_celltype.errors.Stopped
        If `should_stop` answered True.
    """
    raise_if_stopped(should_stop)
    condition, split = task.condition, task.split
    seeds = np.random.SeedSequence(task.seed).generate_state(3) >> 1
    fit_seed, shuffle_seed, surrogate_seed = map(int, seeds)
    n_frames = _frames(condition, data)
    inputs = _inputs(condition, data, n_frames)
    classifier = build(condition, fit_seed, data.traces.sampling_frequency)
    # Rows whose labels the training rows have: their own unless they are shuffled.
    learned = split.train
    if condition.shuffled:
        learned = np.random.default_rng(shuffle_seed).permutation(learned)
    with limit_threads(threads):
        if is_network(condition):
            seconds = _fit_network(
                classifier,
                inputs(split.train),
                data.traces.labels[learned],
                data.targets.take(learned),
                checkpoint=checkpoint,
                score=_scorer(task, data, inputs) if condition.by_epoch else None,
                on_progress=on_progress,
                should_stop=should_stop,
            )
        else:
            on_progress(Progress(f"Training {condition.name}", 0, 1))
            one = named(data.traces, data.targets)[learned]
            trained = split.train[one]
            start = perf_counter()
            classifier.fit(
                inputs(trained),
                data.traces.labels[learned[one]],
                **_fold_groups(condition, data, trained),
            )
            seconds = perf_counter() - start
            on_progress(Progress(f"Training {condition.name}", 1, 1))
        raise_if_stopped(should_stop)

        def guess(traces: NDArray[Any]) -> list[int]:
            names = classifier.predict(traces)
            return [int(i) for i in _indices(names, data.targets.classes)]

        surrogates = {}
        if condition.surrogates:
            made = surrogates_of(
                inputs(split.test), data.traces.sampling_frequency, surrogate_seed
            )
            surrogates = {name: guess(traces) for name, traces in made.items()}
        new_guess = None
        if data.new is not None and not is_probe(condition):
            new_guess = guess(data.new.traces[:, :n_frames])
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
            chosen=_chosen(classifier),
            environment=describe_environment(classifier),
        )


def _frames(condition: Condition, data: ExperimentData) -> int:
    """Return the frames that a classifier sees, which all traces must have."""
    n_frames = condition.n_frames or data.traces.n_frames
    lengths = {"the data": data.traces.n_frames}
    if data.new is not None:
        lengths["the new data set"] = data.new.n_frames
    for where, length in lengths.items():
        if length < n_frames:
            raise LabelError(
                f"{condition.name} asks for {n_frames} frames and the traces of "
                f"{where} have {length}; cut all traces to {length} frames or fewer."
            )
    return n_frames


def _inputs(condition: Condition, data: ExperimentData, n_frames: int) -> Inputs:
    """Return what gives the traces, or the number of a probe, of some rows."""
    if not is_probe(condition):
        return lambda rows: data.traces.traces[rows, :n_frames]
    name = condition.classifier.removeprefix(PROBE)
    sessions = identity(data.traces, "session_id")
    column: NDArray[Any]
    if name == "session" and sessions is not None:
        column = codes(sessions)
    elif name in data.probes:
        column = data.probes[name]
    else:
        raise LabelError(
            f"The probe {name!r} is not known of these data; choose of "
            f"{', '.join(data.probes) or 'none'}."
        )
    return lambda rows: column[rows, None]


def _fit_network(
    classifier: Any,
    traces: NDArray[np.float32],
    labels: NDArray[np.str_],
    targets: Targets,
    *,
    checkpoint: Path | None,
    score: Callable[[Any], dict[str, float]] | None,
    on_progress: OnProgress,
    should_stop: ShouldStop,
) -> float:
    """Train a network on all labels; return the seconds of its epochs."""
    classifier.fit(
        traces,
        labels,
        targets=targets,
        checkpoint=checkpoint,
        after_epoch=score,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    return float(sum(row["seconds"] for row in classifier.history_))


def _fold_groups(
    condition: Condition, data: ExperimentData, rows: NDArray[np.int64]
) -> dict[str, NDArray[np.int64]]:
    """Return what stays together when parameters are searched, as an option of `fit`.

    The same as in the split around the search.
    """
    option = fold_option(condition)
    if option is None or condition.way not in COLUMNS:
        return {}
    return {option: split_groups(data.traces, condition.way)[rows]}


def _scorer(
    task: Task, data: ExperimentData, inputs: Inputs
) -> Callable[[Any], dict[str, float]]:
    """Return what scores a half-trained network on the test rows (Fig. 3)."""
    traces = inputs(task.split.test)
    truth = data.targets.index[task.split.test]

    def score(classifier: Any) -> dict[str, float]:
        guess = _indices(classifier.predict(traces), data.targets.classes)
        return {"test_accuracy": float((guess == truth).mean())}

    return score


def _indices(names: NDArray[Any], classes: tuple[str, ...]) -> NDArray[np.int64]:
    """Return class indices of predicted names; `classes` are sorted."""
    return np.searchsorted(np.asarray(classes), names.astype(str)).astype(np.int64)


def _chosen(classifier: Any) -> dict[str, Any]:
    """Return the parameters that a search inside the training set has found."""
    model = getattr(classifier, "named_steps", {}).get("model", classifier)
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in getattr(model, "best_params_", {}).items()
    }
