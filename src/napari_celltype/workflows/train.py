"""Train a network on labelled data and save it as a model."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import LabelError, ModelError, OutputError
from napari_celltype.labels import LabelledData, Targets, TraceSet
from napari_celltype.progress import (
    OnProgress,
    ShouldStop,
    ignore_progress,
    never_stop,
)
from napari_celltype.workflows.labelled import Reading

if TYPE_CHECKING:
    from napari_celltype.classifiers import ModelCard, TraceClassifier

# Traces whose properties are measured at once, in double precision.
_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class TrainRequest:
    """What is trained on what, and where the model goes.

    Attributes
    ----------
    data : str, Path or TraceSet
    output : Path
        Ends in ``.safetensors``.
    architecture : str
        ``cnn``, ``rnn`` or ``lstm``.
    epochs : int
    normalization : str
        As in `TraceClassifier`.
    reading : Reading
        Its `timesteps` are the frames that the model will look at, and of a trace set
        its `neuropil` is what was subtracted from the traces.
    random_state : int
    device : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
    force : bool
        Replace a file that is no model of this program.
    """

    data: str | Path | TraceSet
    output: Path
    architecture: str = "cnn"
    epochs: int = 20
    normalization: str = "trace"
    reading: Reading = field(default_factory=Reading)
    random_state: int = 0
    device: str = "auto"
    force: bool = False


@dataclass(frozen=True)
class Trained:
    """A model that was trained and saved.

    Attributes
    ----------
    path : Path
    card : ModelCard
    sha256 : str
    notes : tuple of str
        A sentence for each thing that was cut or left out of the data.
    """

    path: Path
    card: ModelCard
    sha256: str
    notes: tuple[str, ...]


def train_model(
    request: TrainRequest,
    *,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Trained:
    """Train a network on all labelled data and save it with a card.

    While it trains, ``OUTPUT.checkpoint`` lies beside the output: the same request goes
    on from it after an interruption, and ends with the same weights.

    Raises
    ------
    OutputError
        If the output is somebody else's file, or cannot be written.
    LabelError
        If the data hold fewer than two classes, or do not say their frame rate.
    CellTypeError
        If the data cannot be read, or the device is not there.
    Stopped
        If `should_stop` answered True.
    """
    from napari_celltype.classifiers import TraceClassifier, save_model

    require_model_place(request.output, force=request.force)
    reading = request.reading
    if isinstance(request.data, TraceSet) or Path(request.data).suffix == ".npz":
        # Of a trace set it can only say what was subtracted before, for the card.
        reading = replace(reading, neuropil="none")
    data = reading.load(request.data, on_progress=on_progress, should_stop=should_stop)
    traces = data.traces
    targets = Targets.of(traces.labels, data.tree)
    if traces.sampling_frequency is None:
        raise LabelError(
            f"{data.name} does not say its frame rate, without which a model cannot "
            "classify recordings; give it in Hz (--fs 30)."
        )
    classifier = TraceClassifier(
        request.architecture,
        epochs=request.epochs,
        normalization=request.normalization,
        random_state=request.random_state,
        device=request.device,
    )
    checkpoint = request.output.with_name(request.output.name + ".checkpoint")
    classifier.fit(
        traces.traces,
        traces.labels,
        targets=targets,
        checkpoint=checkpoint,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    card = _card(classifier, data, request)
    sha256 = save_model(classifier, card, request.output)
    checkpoint.unlink(missing_ok=True)
    return Trained(request.output, card, sha256, data.notes)


def require_model_place(path: Path, *, force: bool = False) -> None:
    """Refuse a place where no model can or may be written, before the training.

    Raises
    ------
    OutputError
        If the name does not end in ``.safetensors``, or a file is there that is no
        model of this program and `force` is not set.
    """
    from napari_celltype.classifiers.model_file import SUFFIX, read_model_bytes

    if path.suffix != SUFFIX:
        raise OutputError(
            f"A model is saved as a file that ends in {SUFFIX}, but {path.name!r} "
            "does not; choose another name."
        )
    if path.is_dir():
        raise OutputError(f"{path} is a folder; give the name of a file in it.")
    if not path.exists() or force:
        return
    try:
        read_model_bytes(path)
    except ModelError:
        raise OutputError(
            f"{path} is there already and is no model of napari-celltype; choose "
            "another name, or replace it with --force (force=True)."
        ) from None


def _card(
    classifier: TraceClassifier, data: LabelledData, request: TrainRequest
) -> ModelCard:
    from napari_celltype.classifiers import card_for

    traces = data.traces
    counts = ", ".join(f"{n} {name}" for name, n in traces.counts().items())
    about: dict[str, Any] = {
        "labels": traces.counts(),
        "trace_frames": traces.n_frames,
        **{
            f"{column}s": len(_known(values))
            for column in ("subject", "session", "cell")
            if (values := getattr(traces, f"{column}_id")) is not None
        },
        "fingerprint": data.fingerprint,
    }
    if data.notes:
        about["notes"] = list(data.notes)
    if traces.subject_id is not None:
        about["subjects_by_label"] = {
            label: len(_known(traces.subject_id[traces.labels == label]))
            for label in traces.counts()
        }
    return card_for(
        classifier,
        name=_name(request.output.stem),
        sampling_frequency=traces.sampling_frequency,
        neuropil=request.reading.neuropil,
        trained_on=f"Labelled traces of {data.name}: {counts}.",
        training_data=about,
        domain=_domain(traces),
    )


def _known(values: NDArray[np.str_]) -> set[str]:
    """Return the different names that are not empty."""
    return {name for name in values.tolist() if name}


def _name(stem: str) -> str:
    """Return a file's name as a model's: letters, digits, '-', '_' and '.'."""
    plain = re.sub(r"[^\w.-]+", "-", stem).strip("-_.")[:100]
    return plain or "model"


def _domain(traces: TraceSet) -> dict[str, dict[str, float]] | None:
    """Return what is usual in the traces, so that unlike recordings are told."""
    from napari_celltype.classifiers.domain import domain_of, trace_properties

    frequency = traces.sampling_frequency
    lively = traces.traces[np.ptp(traces.traces, axis=1) > 0]
    if frequency is None or traces.n_frames < 4 or not len(lively):
        return None
    blocks = [
        trace_properties(lively[start : start + _AT_ONCE], frequency)
        for start in range(0, len(lively), _AT_ONCE)
    ]
    found = {n: np.concatenate([block[n] for block in blocks]) for n in blocks[0]}
    if (rates := traces.recorded.get("native_sampling_frequency")) is not None:
        found["frame rate"] = rates
    return domain_of(found)
