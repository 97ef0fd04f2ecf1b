"""Classify the ROIs of recordings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.classifiers import DEFAULT_MODEL
from napari_celltype.errors import RecordingError, SamplingFrequencyError
from napari_celltype.progress import (
    OnProgress,
    ShouldStop,
    ignore_progress,
    never_stop,
)
from napari_celltype.recording import (
    Recording,
    find_planes,
    open_recording,
    subtract_neuropil,
)
from napari_celltype.recording.folder import recording_names
from napari_celltype.workflows.predictions import Predictions
from napari_celltype.workflows.shares import prior_shares, training_shares

if TYPE_CHECKING:
    import pandas as pd

    from napari_celltype.classifiers import CellTypeModel
    from napari_celltype.classifiers.domain import Unlike
    from napari_celltype.recording import Traces


@dataclass(frozen=True)
class ClassifyRequest:
    """How recordings are to be classified.

    Attributes
    ----------
    model : str
        A bundled family, the name of a model, or a path.
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
    neuropil : str or float
        ``model`` (what the model was trained with), ``none`` (raw F), or C for
        F - C * Fneu.
    min_probability : float
        A type that is less probable is ``unsure``.
    only_iscell : bool
        Leave out the ROIs that suite2p does not call cells.
    prior : mapping of str to float or None
        Expected shares of the types, such as ``{"IN": 0.1}``; None takes what the
        model's card assumes.
    """

    model: str = DEFAULT_MODEL
    device: str = "auto"
    neuropil: str | float = "model"
    min_probability: float = 0.0
    only_iscell: bool = False
    prior: Mapping[str, float] | None = None


def require_possible(request: ClassifyRequest) -> None:
    """Refuse what no recording can be classified with, before any is opened.

    Raises
    ------
    ModelError
        If there is no such model, or its file is damaged.
    LabelError
        If the prior does not fit the model.
    """
    from napari_celltype.classifiers.models import find_model

    card = find_model(request.model).card
    prior_shares(request.prior or {}, card.classes, training_shares(card))


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
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> pd.DataFrame:
    """Classify every ROI of the given recordings.

    Parameters
    ----------
    recordings : Recording, path, or several of them
        Of a path that holds several planes, all planes are taken.
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
    import pandas as pd

    if isinstance(recordings, Recording | str | Path):
        recordings = [recordings]
    request = ClassifyRequest(
        model, device, neuropil, min_probability or 0.0, only_iscell, prior
    )
    require_possible(request)
    sources: list[Recording | Path] = []
    for item in recordings:
        sources += [item] if isinstance(item, Recording) else find_planes(item)
    if not sources:
        raise RecordingError("No recording was given; give at least one.")
    names = recording_names(
        [s.path if isinstance(s, Recording) else s for s in sources]
    )
    tables = []
    # One at a time is open, because the traces of each may fill gigabytes.
    for source, name in zip(sources, names, strict=True):
        if isinstance(source, Path):
            source = open_recording(source, sampling_frequency=sampling_frequency)
        predictions = classify_recording(
            source,
            request,
            name=name,
            on_progress=on_progress,
            should_stop=should_stop,
        )
        tables.append(predictions.table())
    return pd.concat(tables, ignore_index=True)


def classify_recording(
    recording: Recording,
    request: ClassifyRequest,
    *,
    name: str | None = None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Predictions:
    """Run one model on every ROI of one recording.

    Raises
    ------
    RecordingError, SamplingFrequencyError, ModelError, LabelError
        With one sentence that says what to do.
    Stopped
        If `should_stop` answered True.
    """
    from napari_celltype.classifiers import load_model, predict_recording_traces
    from napari_celltype.labels import load_labels

    frequency = recording.sampling_frequency
    if frequency is None:
        raise SamplingFrequencyError(
            f"{recording.path or 'The recording'} does not say its frame rate; give "
            "the rate per plane in Hz (terminal: --fs 30; napari: the frame rate box)."
        )
    if recording.n_rois == 0:
        raise RecordingError(
            f"{recording.path or 'The recording'} holds no ROI; run suite2p's cell "
            "detection again."
        )
    if not recording.segments:
        raise RecordingError(
            f"Every frame of {recording.path or 'the recording'} is marked bad, so "
            "nothing is left to classify; correct badframes and run suite2p again."
        )
    model = load_model(request.model, frequency)
    classes = tuple(DEFAULT_TYPES.in_order(model.card.classes))
    coefficient = _neuropil_coefficient(request, model)
    traces = subtract_neuropil(recording, coefficient)
    predicted = predict_recording_traces(
        model,
        traces,
        frequency,
        recording.segments,
        device=request.device,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    looks = _looks(recording, traces, model, should_stop)
    labels = load_labels(recording)
    order = [model.card.classes.index(c) for c in classes]
    answers = predicted.probabilities[:, order]
    n_windows, n_frames_used = predicted.n_windows, predicted.n_frames_used
    roi_warnings = [
        f"{' and '.join(unlike)} unlike the training data" if unlike else ""
        for unlike in looks.rois
    ]
    for roi_id in np.flatnonzero(~np.isfinite(answers).all(axis=1)):
        roi_warnings[roi_id] = "trace is not finite or never changes"
    if len(recording.merged_into):
        for part in np.flatnonzero(recording.merged_into >= 0):
            answers[part] = np.nan
            n_windows[part] = n_frames_used[part] = 0
            roi_warnings[part] = (
                f"part of the merged ROI {recording.merged_into[part]}, which carries "
                "the label"
            )
    of_the_model = Predictions(
        recording=recording,
        recording_name=recording_names([recording.path])[0] if name is None else name,
        card=model.card,
        model_name=model.name,
        model_sha256=model.sha256,
        classes=classes,
        probabilities=answers,
        model_probabilities=answers,
        n_windows=n_windows,
        n_frames_used=n_frames_used,
        input_name=f"F - {coefficient:g} * Fneu" if coefficient else "F",
        neuropil_coefficient=coefficient,
        warnings=(
            *recording.warnings,
            *predicted.notices,
            *looks.recording,
            *(labels.warnings if labels is not None else ()),
        ),
        roi_warnings=tuple(roi_warnings),
        labels=labels,
        only_iscell=request.only_iscell,
        shares=training_shares(model.card),
        min_probability=request.min_probability,
    )
    return of_the_model.with_prior(request.prior)


def _looks(
    recording: Recording, traces: Traces, model: CellTypeModel, should_stop: ShouldStop
) -> Unlike:
    """Compare the input with the model's training data, as far as its card knows it."""
    from napari_celltype.classifiers.domain import Unlike, recording_properties, unlike

    frequency = recording.sampling_frequency
    if model.card.domain is None or frequency is None:
        return Unlike((), ((),) * recording.n_rois)
    properties = recording_properties(
        model.card,
        traces,
        frequency,
        recording.segments,
        # Subtracted neuropil no longer says how much of it there was.
        neuropil=recording.neuropil if traces is recording.raw_traces else None,
        should_stop=should_stop,
    )
    return unlike(model.card.domain, properties)


def _neuropil_coefficient(request: ClassifyRequest, model: CellTypeModel) -> float:
    wanted = model.card.neuropil if request.neuropil == "model" else request.neuropil
    return 0.0 if wanted == "none" else float(wanted)
