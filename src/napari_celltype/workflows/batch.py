"""Classify many recordings; a bad one does not stop the rest."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_celltype.errors import CellTypeError, RecordingError, Stopped
from napari_celltype.export import describe_labels, describe_recording, provenance
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
)
from napari_celltype.protocol.backends import WorkerLost, outcomes
from napari_celltype.protocol.running import Remaining
from napari_celltype.recording import find_planes, open_recording
from napari_celltype.recording.folder import planes_numbered, recording_names
from napari_celltype.workflows.classify import (
    ClassifyRequest,
    classify_recording,
    require_possible,
)
from napari_celltype.workflows.predictions import Predictions
from napari_celltype.workflows.summary import Summary, combine

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Failure:
    """A recording that could not be classified, and why, in one sentence."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Done:
    """What one recording gave.

    Attributes
    ----------
    table : pandas.DataFrame
        Its rows of the output table.
    inputs : dict
        What was read: files, frame rate and where it came from, settings.
    card : dict
        The card of the model that was used.
    summary : Summary
        The counts, and how many of them are expected to be right.
    """

    table: pd.DataFrame
    inputs: dict[str, Any]
    card: dict[str, Any]
    summary: Summary


@dataclass(frozen=True)
class BatchResult:
    """The recordings that were classified, in the order given, and the failures.

    Attributes
    ----------
    done : tuple of Done
    failures : tuple of Failure
    stopped : bool
        Whether the user stopped before all were tried.
    """

    done: tuple[Done, ...]
    failures: tuple[Failure, ...]
    stopped: bool = False

    def summary(self) -> Summary:
        """Return the counts over all recordings; at least one must be done."""
        return combine([d.summary for d in self.done])

    @property
    def table(self) -> pd.DataFrame:
        """The output tables one below the other."""
        import pandas as pd

        return pd.concat([d.table for d in self.done], ignore_index=True)

    def provenance(self, request: ClassifyRequest) -> dict[str, Any]:
        """Return where the table came from, in plain values for JSON."""
        settings = {
            **asdict(request),
            "failures": [asdict(f) for f in self.failures],
            "stopped": self.stopped,
        }
        inputs, cards = [d.inputs for d in self.done], [d.card for d in self.done]
        return provenance(inputs, cards, settings)


@dataclass(frozen=True)
class Found:
    """Plane folders, in a stable order, and the paths that hold none.

    Attributes
    ----------
    planes : tuple of Path
    failures : tuple of Failure
    """

    planes: tuple[Path, ...]
    failures: tuple[Failure, ...] = ()


def find_recordings(paths: Iterable[Path], plane: int | None = None) -> Found:
    """Find the plane folders at or below the given paths.

    Parameters
    ----------
    paths : iterable of Path
        Recordings, or folders that hold recordings.
    plane : int, optional
        Take only this one of each recording.

    Raises
    ------
    RecordingError
        If no path holds a recording.
    """
    planes: dict[Path, None] = {}
    failures = []
    for path in paths:
        try:
            planes.update(dict.fromkeys(_planes_at(path, plane)))
        except RecordingError as error:
            failures.append(Failure(path, str(error)))
    if not planes and failures:
        raise RecordingError(failures[0].reason)
    return Found(tuple(planes), tuple(failures))


def _planes_at(path: Path, plane: int | None) -> list[Path]:
    try:
        planes = find_planes(path)
    except RecordingError:
        planes = _search(path)
        if not planes:
            raise
    return planes_numbered(planes, plane, path)


def _search(path: Path) -> list[Path]:
    folders = sorted(
        Path(folder) for folder, _, files in os.walk(path) if "stat.npy" in files
    )
    # `combined` repeats what its sibling planes hold.
    return [
        folder
        for folder in folders
        if folder.name != "combined" or (folder.parent / "plane0") not in folders
    ]


def classify_many(
    planes: Sequence[Path],
    request: ClassifyRequest,
    *,
    sampling_frequency: float | None = None,
    jobs: int = 1,
    scheduler: str | None = None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> BatchResult:
    """Classify every plane folder; what fails is listed and does not stop the rest.

    Parameters
    ----------
    planes : sequence of Path
        Plane folders, as `find_recordings` returns them.
    request : ClassifyRequest
    sampling_frequency : float, optional
        Frames per second and plane, Hz, where the files do not say or say it wrong.
    jobs : int
        Processes on this machine, of one thread each.
    scheduler : str, optional
        Address of a Dask scheduler, ``tcp://host:port``; its workers do the work and
        must see the same files.
    on_progress, should_stop : callable, optional
        See `napari_celltype.progress`.

    Raises
    ------
    ModelError, LabelError
        If there is no such model, or the prior does not fit it.
    CellTypeError
        If a scheduler is asked for and cannot be reached.
    """
    require_possible(request)
    names = recording_names(list(planes))
    results: dict[int, Done | Failure] = {}
    remaining = Remaining(names)
    # Of many recordings done here, each tells only that it is done.
    inside = len(planes) == 1 or scheduler is not None
    stopped = False
    try:
        for finished in outcomes(
            partial(_classify_one, request=request, frequency=sampling_frequency),
            list(zip(planes, names, strict=True)),
            jobs=jobs,
            scheduler=scheduler,
            threads=1,
            on_progress=on_progress if inside else ignore_progress,
            should_stop=should_stop,
        ):
            index, result = finished.index, finished.result
            if isinstance(result, WorkerLost):
                result = Failure(planes[index], f"{planes[index]}: {result}")
            results[index] = result
            remaining.finish(names[index], finished.seconds)
            said = "done" if isinstance(result, Done) else "failed"
            message = f"{names[index]}: {said}{remaining}"
            on_progress(Progress(message, len(results), len(planes)))
    except Stopped:
        stopped = True
    except CellTypeError as error:
        # The scheduler is gone; what it has done so far is not lost.
        if not results:
            raise
        for index in set(range(len(planes))) - set(results):
            results[index] = Failure(planes[index], f"{planes[index]}: {error}")
    ordered = [results[i] for i in sorted(results)]
    return BatchResult(
        tuple(r for r in ordered if isinstance(r, Done)),
        tuple(r for r in ordered if isinstance(r, Failure)),
        stopped,
    )


def _classify_one(
    item: tuple[Path, str],
    shared: None,
    *,
    request: ClassifyRequest,
    frequency: float | None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Done | Failure:
    plane, name = item
    try:
        recording = open_recording(plane, sampling_frequency=frequency)
        predictions = classify_recording(
            recording,
            request,
            name=name,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    except Stopped:
        raise
    except CellTypeError as error:
        return Failure(plane, str(error))
    except Exception as error:  # noqa: BLE001 - a defect met in one recording
        # of 300 must not cost the other 299
        defect = f"{type(error).__name__}: {error}"
        return Failure(plane, f"{plane} could not be classified ({defect}).")
    return done(predictions)


def done(predictions: Predictions) -> Done:
    """Return the table and the provenance of one recording's predictions."""
    summary = predictions.summary()
    return Done(
        predictions.table(),
        {
            **describe_recording(predictions.recording),
            "name": predictions.recording_name,
            "input": predictions.input_name,
            "min_probability": predictions.min_probability,
            "shares": dict(predictions.shares),
            "prior": None if predictions.prior is None else dict(predictions.prior),
            "only_iscell": predictions.only_iscell,
            "model": predictions.model_name,
            "warnings": list(predictions.warnings),
            "labels": describe_labels(predictions.labels),
            "summary": asdict(summary),
        },
        {**asdict(predictions.card), "sha256": predictions.model_sha256},
        summary,
    )
