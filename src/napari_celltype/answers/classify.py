"""Classify the ROIs of one recording or of many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.answers.days import DayAgreement, agreement_over_days
from napari_celltype.answers.predictions import Predictions
from napari_celltype.answers.provenance import describe_recording, provenance
from napari_celltype.answers.shares import training_shares
from napari_celltype.answers.summary import Summary, combine
from napari_celltype.celltypes import DEFAULT_TYPES, prior_shares
from napari_celltype.errors import CellTypeError, RecordingError, Stopped
from napari_celltype.findings import Finding
from napari_celltype.models import DEFAULT_MODEL, NETWORKS
from napari_celltype.parameters import (
    device_parameter,
    joins_parameter,
    neuropil_parameter,
    parameter,
    values_of,
)
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
)
from napari_celltype.protocol.backends import WorkerLost, outcomes
from napari_celltype.protocol.running import Remaining
from napari_celltype.recording import (
    Failure,
    Recording,
    find_recordings,
    open_recording,
    recording_names,
    require_known_rate,
    subtract_neuropil,
)

if TYPE_CHECKING:
    import pandas as pd

    from napari_celltype.models import CellTypeModel
    from napari_celltype.models.model import TracePredictions


@dataclass(frozen=True)
class ClassifyRequest:
    """How recordings are to be classified."""

    model: str = parameter(
        DEFAULT_MODEL,
        f"Of {', '.join(NETWORKS)}, or a model's name or file.",
        metavar="NAME|FILE",
    )
    device: str = device_parameter()
    neuropil: str | float = neuropil_parameter(
        "model",
        {"model": "as the model was trained", "none": "raw F"},
        "What the model was trained with, raw F, or F - C * Fneu.",
    )
    min_probability: float = parameter(
        0.0,
        "An ROI whose type is less probable is unsure.",
        label="Hide below",
        metavar="P",
        minimum=0,
        maximum=1,
        step=0.05,
    )
    only_iscell: bool = parameter(
        False, "Leave out what suite2p does not call a cell.", label="Cells only"
    )
    prior: Mapping[str, float] | None = parameter(
        None,
        "Expected shares of the types, such as IN=0.11 (all neurons of CA1) or PV=1 "
        "(only PV cells carry the indicator); by default what the model's card "
        "assumes.",
        label="Prevalence",
        metavar="TYPE=SHARE,...",
        example="IN=0.1",
    )
    joins: str = joins_parameter()


def classify(
    recordings: Recording | str | Path | Iterable[Recording | str | Path],
    model: str = DEFAULT_MODEL,
    *,
    device: str = "auto",
    min_probability: float | None = None,
    only_iscell: bool = False,
    prior: Mapping[str, float] | None = None,
    neuropil: str | float = "model",
    sampling_frequency: float | None = None,
    joins: str = "auto",
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> pd.DataFrame:
    """Classify every ROI of the given recordings.

    Parameters
    ----------
    recordings : Recording, path, or several of them
        Of a path that holds several planes or recordings, all are taken.
    model : str
        A bundled family, a model's name, or a model file.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
    min_probability : float, optional
        A type that is less probable is ``unsure``; by default none is.
    only_iscell : bool
        Leave out the ROIs that suite2p does not call cells.
    prior : mapping of str to float, optional
        Expected shares of the types, such as ``{"IN": 0.1}``.
    neuropil : {"model", "none"} or float
        ``model`` takes what the model was trained with, ``none`` the raw trace F, and
        a number C takes F - C * Fneu.
    sampling_frequency : float, optional
        Frames per second and plane, Hz, where the files do not say or say it wrong.
    joins : {"auto", "continuous", "break"}
        Where recordings are not continuous, see `open_recording`; ``auto`` keeps what a
        given Recording says.
    on_progress, should_stop : callable, optional
        See `napari_celltype.progress`.

    Returns
    -------
    pandas.DataFrame
        The output table: one row per ROI, see docs/output.md.

    Raises
    ------
    RecordingError, SamplingFrequencyError, ModelError, LabelError
        With one sentence that says what to do.
    Stopped
        If `should_stop` answered True.
    """
    if isinstance(recordings, Recording | str | Path):
        recordings = [recordings]
    sources: list[Recording | Path] = []
    for item in recordings:
        if isinstance(item, Recording):
            sources.append(item)
        else:
            sources += find_recordings([Path(item)]).planes
    if not sources:
        raise RecordingError("No recording was given; give at least one.")
    return classify_many(
        sources,
        ClassifyRequest(
            model, device, neuropil, min_probability or 0.0, only_iscell, prior, joins
        ),
        sampling_frequency=sampling_frequency,
        raise_errors=True,
        on_progress=on_progress,
        should_stop=should_stop,
    ).table


def classify_recording(
    recording: Recording,
    request: ClassifyRequest,
    *,
    name: str | None = None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Predictions:
    """Run one model on every ROI of one recording, or raise as `classify`."""
    from napari_celltype.models import load_model, predict_recording_traces

    recording = recording.with_joins(request.joins)
    where = recording.path or "The recording"
    frequency = require_known_rate(recording.sampling_frequency, where)
    if recording.n_rois == 0:
        raise RecordingError(
            f"{where} holds no ROI; run suite2p's cell detection again."
        )
    if not recording.segments:
        raise RecordingError(
            f"{where}: Every frame is marked bad, so nothing is left to classify; "
            "correct badframes and run suite2p again."
        )
    model = load_model(request.model, frequency)
    wanted = model.card.neuropil if request.neuropil == "model" else request.neuropil
    coefficient = 0.0 if wanted == "none" else float(wanted)
    traces = subtract_neuropil(recording, coefficient)
    predicted = predict_recording_traces(
        model,
        traces,
        frequency,
        recording.segments,
        # Subtracted neuropil no longer says how much of it there was.
        neuropil=recording.neuropil if traces is recording.raw_traces else None,
        device=request.device,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    return predictions_of(recording, request, model, predicted, coefficient, name=name)


def predictions_of(
    recording: Recording,
    request: ClassifyRequest,
    model: CellTypeModel,
    predicted: TracePredictions,
    coefficient: float = 0.0,
    *,
    name: str | None = None,
) -> Predictions:
    """Return what a model has said of traces, less some neuropil, as the answer."""
    from napari_celltype.labels import load_labels
    from napari_celltype.models.domain import unlike

    card = model.card
    order = [card.classes.index(c) for c in DEFAULT_TYPES.in_order(card.classes)]
    probabilities = predicted.probabilities[:, order]
    n_windows, n_frames_used = predicted.n_windows, predicted.n_frames_used
    unlike_training, of_rois = unlike(card.domain or {}, predicted.properties)
    roi_warnings = [
        f"{' and '.join(names)} unlike the training data" if names else ""
        for names in of_rois
    ] or [""] * recording.n_rois
    damaged = predicted.n_damaged / recording.n_frames
    for roi_id in np.flatnonzero(damaged):
        share = f"{100 * damaged[roi_id]:.2g} % of the frames have no finite value"
        roi_warnings[roi_id] = "; ".join(filter(None, (roi_warnings[roi_id], share)))
    for roi_id in np.flatnonzero(~np.isfinite(probabilities).all(axis=1)):
        roi_warnings[roi_id] = "trace is not finite or never changes"
    for part in np.flatnonzero(recording.merged_into >= 0):
        probabilities[part] = np.nan
        n_windows[part] = n_frames_used[part] = 0
        roi_warnings[part] = f"part of the merged ROI {recording.merged_into[part]}"
    labels = load_labels(recording)
    findings = [
        *(Finding("device", notice) for notice in predicted.notices),
        *_of_damage(damaged),
        *(Finding("unlike-training", sentence) for sentence in unlike_training),
        *(Finding("labels", text) for text in (labels.warnings if labels else ())),
    ]
    return Predictions(
        recording=recording,
        recording_name=recording_names([recording.path])[0] if name is None else name,
        card=card,
        model_sha256=model.sha256,
        model_probabilities=probabilities,
        n_windows=n_windows,
        n_frames_used=n_frames_used,
        input_name=f"F - {coefficient:g} * Fneu" if coefficient else "F",
        findings=tuple(findings),
        roi_warnings=tuple(roi_warnings),
        labels=labels,
        only_iscell=request.only_iscell,
        min_probability=request.min_probability,
    ).with_prior(request.prior)


def _of_damage(share: NDArray[np.float64]) -> Iterator[Finding]:
    """Say how much of the traces is not finite."""
    if n := int((share > 0).sum()):
        yield Finding(
            "not-finite",
            f"{n} of {len(share)} ROIs have frames without a finite value, up to "
            f"{100 * share.max():.2g} %; such frames are not used.",
        )


@dataclass(frozen=True)
class Done:
    """What one recording gave: its rows, provenance, the model's card, and counts."""

    table: pd.DataFrame
    inputs: dict[str, Any]
    card: dict[str, Any]
    summary: Summary

    @classmethod
    def of(cls, answer: Predictions) -> Done:
        """Return the table and the provenance of one recording's predictions."""
        return cls(
            answer.table(),
            describe_recording(
                answer.recording, answer.recording_name, answer.labels, answer
            ),
            {**asdict(answer.card), "sha256": answer.model_sha256},
            answer.summary(),
        )


@dataclass(frozen=True)
class BatchResult:
    """The recordings that were classified, in the order given, and the failures."""

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

    @cached_property
    def over_days(self) -> DayAgreement | None:
        """How often cells with a `cell_id` get one type in two recordings."""
        return agreement_over_days(self.table) if self.done else None

    def provenance(self, request: ClassifyRequest) -> dict[str, Any]:
        """Return where the table came from, in plain values for JSON."""
        settings = {
            **values_of(request),
            "over_days": self.over_days and asdict(self.over_days),
            "failures": [asdict(f) for f in self.failures],
            "stopped": self.stopped,
        }
        inputs, cards = [d.inputs for d in self.done], [d.card for d in self.done]
        return provenance(inputs, cards, settings)


def classify_many(
    recordings: Sequence[Recording | Path],
    request: ClassifyRequest,
    *,
    sampling_frequency: float | None = None,
    jobs: int = 1,
    scheduler: str | None = None,
    raise_errors: bool = False,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> BatchResult:
    """Classify recordings one by one; what fails is listed and does not stop the rest.

    Parameters
    ----------
    recordings : sequence of Recording or Path
        Paths are plane folders; each is opened when its turn comes, because its traces
        may fill gigabytes.
    sampling_frequency : float, optional
        Of the paths, Hz, where the files do not say or say it wrong.
    jobs, scheduler
        Processes of one thread each on this machine, or the address of a Dask scheduler
        whose workers see the same files.
    raise_errors : bool
        Raise the first error, and `Stopped`, instead of listing it.

    Raises
    ------
    ModelError, PriorError, CellTypeError
        If there is no such model, the prior does not fit it, or no scheduler answers.
    """
    from napari_celltype.models import find_model

    # What no recording can be classified with is refused before any is opened.
    card = find_model(request.model).card
    prior_shares(request.prior or {}, card.classes, training_shares(card))
    names = recording_names(
        [r.path if isinstance(r, Recording) else r for r in recordings]
    )
    results: dict[int, Done | Failure] = {}
    remaining, stopped = Remaining(names), False
    # Of many recordings done here, only that each is done is shown.
    inside = len(recordings) == 1 or scheduler is not None

    def failure(index: int, reason: str) -> Failure:
        path = _path(recordings[index], names[index])
        return Failure(path, f"{path}: {reason}")

    try:
        for finished in outcomes(
            partial(
                _classify_one,
                request=request,
                frequency=sampling_frequency,
                raise_errors=raise_errors,
            ),
            list(zip(recordings, names, strict=True)),
            jobs=jobs,
            scheduler=scheduler,
            threads=1,
            on_progress=on_progress if inside else ignore_progress,
            should_stop=should_stop,
        ):
            index, result = finished.index, finished.result
            if isinstance(result, WorkerLost):
                result = failure(index, str(result))
            results[index] = result
            remaining.finish(names[index], finished.seconds)
            outcome = "done" if isinstance(result, Done) else "failed"
            message = f"{names[index]}: {outcome}{remaining}"
            on_progress(Progress(message, len(results), len(recordings)))
    except Stopped:
        if raise_errors:
            raise
        stopped = True
    except CellTypeError as error:
        # The scheduler is gone; what it has done so far is not lost.
        if raise_errors or not results:
            raise
        for index in set(range(len(recordings))) - set(results):
            results[index] = failure(index, str(error))
    ordered = [results[i] for i in sorted(results)]
    return BatchResult(
        tuple(r for r in ordered if isinstance(r, Done)),
        tuple(r for r in ordered if isinstance(r, Failure)),
        stopped,
    )


def _classify_one(
    item: tuple[Recording | Path, str],
    shared: None,
    *,
    request: ClassifyRequest,
    frequency: float | None,
    raise_errors: bool,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Done | Failure:
    source, name = item
    try:
        recording = (
            source
            if isinstance(source, Recording)
            else open_recording(source, sampling_frequency=frequency)
        )
        return Done.of(
            classify_recording(
                recording,
                request,
                name=name,
                on_progress=on_progress,
                should_stop=should_stop,
            )
        )
    except Stopped:
        raise
    except Exception as error:
        if raise_errors:
            raise
        path = _path(source, name)
        if isinstance(error, CellTypeError):
            return Failure(path, str(error))
        # A defect met in one recording of 300 must not cost the other 299.
        defect = f"{type(error).__name__}: {error}"
        return Failure(path, f"{path} could not be classified ({defect}).")


def _path(source: Recording | Path, name: str) -> Path:
    return source if isinstance(source, Path) else source.path or Path(name)
