"""The card of a model that a user trained: what it learned from, and how it did."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.labels import LabelledData, TraceSet
from napari_celltype.labels.notes import counted
from napari_celltype.labels.reading import means_by_cell
from napari_celltype.protocol.words import units_text

if TYPE_CHECKING:
    from napari_celltype.models import CellTypeModel, ModelCard, TraceClassifier
    from napari_celltype.training.held_out import HeldOut
    from napari_celltype.training.request import TrainRequest
    from napari_celltype.training.validation import Validation

# Traces whose properties are measured at once, in double precision.
_AT_ONCE = 256


def card_of(
    classifier: TraceClassifier,
    data: LabelledData,
    request: TrainRequest,
    held: HeldOut,
    validation: Validation | None,
    base: CellTypeModel | None,
    notes: tuple[str, ...],
) -> ModelCard:
    """Return the card of a fitted classifier."""
    from napari_celltype.models import card_for
    from napari_celltype.models.estimator import NOT_FOR

    trained = data.cells.take(held.train)
    counts = ", ".join(f"{n} {name}" for name, n in trained.counts().items())
    if n_predicted := _n_predicted(trained):
        counts += f"; {counted(n_predicted, 'label')} of these a model gave"
    kind = "Labelled traces" if base is None else f"From {base.name} on, labelled cells"
    untested = [
        f"{name} was trained on {counted(trained.counts().get(name, 0), 'cell')} and "
        f"tested on none."
        for name in _untested_classes(classifier, validation)
        if validation is not None
    ]
    if validation is None:
        untested = ["Nobody tested it on any cell."]
    scores, chosen = [], []
    if validation is not None:
        scores = validation.as_scores()
        chosen = _chosen(len(classifier.history_), classifier.best_epoch_)
    trained_on = f"{kind} of {data.name}: {counts}."
    return card_for(
        classifier,
        name=model_name(request.output.stem),
        sampling_frequency=data.traces.sampling_frequency,
        neuropil=request.reading.neuropil if base is None else base.card.neuropil,
        trained_on=" ".join(
            [trained_on, *chosen, _calibrated(validation, len(classifier.history_))]
        ),
        training_data=_about(classifier, data, trained, request, held, base, notes),
        calibration=None if validation is None else validation.calibration,
        domain=_domain(data, held),
        scores=scores,
        not_for=" ".join([NOT_FOR, *untested]),
    )


def summary_of(
    validation: Validation | None, held_out: str, n_epochs: int, best_epoch: int
) -> list[str]:
    """Return how a model did on what was held out, in sentences."""
    from napari_celltype.training.validation import probe_title

    if validation is None:
        return [held_out]
    interval = validation.interval
    units = units_text(interval)
    spread = f"95 % interval {interval.low:.2f} to {interval.high:.2f}, over {units}"
    if interval.too_few:
        spread = f"too few for an interval: {units}"
    beside = [f"chance {validation.chance:.2f}"]
    if validation.probe is not None:
        name, score = validation.probe
        beside.append(f"{probe_title(name)} {score:.2f}")
    n_right, n_of = np.diag(validation.confusion), validation.confusion.sum(axis=1)
    recalls = ", ".join(
        f"{name} {right} of {n}"
        for name, right, n in zip(validation.classes, n_right, n_of, strict=True)
        if n
    )
    found = [
        f"Balanced accuracy {validation.score:.2f} on {validation.n_cells} cells that "
        f"were held out ({spread}); {', '.join(beside)}.",
        f"Right: {recalls}.",
        held_out,
    ]
    level = max(validation.chance, validation.probe[1] if validation.probe else 0.0)
    if validation.score <= level:
        found.insert(1, "That is no better than what it is compared with.")
    elif interval.low <= level:
        found.insert(1, "What it is compared with lies within the interval.")
    found += _chosen(n_epochs, best_epoch)
    found.append(_calibrated(validation, n_epochs))
    missing = [
        name for name, n in zip(validation.classes, n_of.tolist(), strict=True) if not n
    ]
    if missing:
        found.append(f"Trained but not tested: {', '.join(missing)}.")
    return found


def _chosen(n_epochs: int, kept: int) -> list[str]:
    """Say that the score is that of the best of several epochs, where it is."""
    if n_epochs < 2:
        return []
    return [
        f"Epoch {kept} of {n_epochs} was kept for being the best on the cells held "
        "out, which flatters the score."
    ]


def _calibrated(validation: Validation | None, n_epochs: int) -> str:
    """Say on what the model was calibrated, or that it was not."""
    from napari_celltype.training.validation import NOT_CALIBRATED

    if validation is None or validation.calibration is None:
        return NOT_CALIBRATED
    chose = ", the cells that chose the epoch" if n_epochs > 1 else ""
    return f"Calibrated on {validation.calibration.calibrated_on}{chose}."


def _untested_classes(
    classifier: TraceClassifier, validation: Validation | None
) -> list[str]:
    """Return the classes of which no cell was scored."""
    names = [str(name) for name in classifier.classes_]
    if validation is None:
        return names
    tested = validation.confusion.sum(axis=1)
    return [name for name, n in zip(names, tested.tolist(), strict=True) if not n]


def model_name(stem: str) -> str:
    """Return a file's name as a model's: letters, digits, '-', '_' and '.'."""
    plain = re.sub(r"[^\w.-]+", "-", stem).strip("-_.")[:100]
    return plain or "model"


def _about(
    classifier: TraceClassifier,
    data: LabelledData,
    trained: TraceSet,
    request: TrainRequest,
    held: HeldOut,
    base: CellTypeModel | None,
    notes: tuple[str, ...],
) -> dict[str, Any]:
    reading = request.reading
    about: dict[str, Any] = {
        "labels": trained.counts(),
        "trace_frames": data.traces.n_frames,
        **{
            f"{column}s": len(_known(values))
            for column in ("subject", "session", "cell")
            if (values := getattr(trained, f"{column}_id")) is not None
        },
        "fingerprint": data.fingerprint,
        "validation": held.sentence,
        "epochs_run": len(classifier.history_),
        "epoch_kept": classifier.best_epoch_,
    }
    if n_predicted := _n_predicted(trained):
        about["predicted_labels"] = n_predicted
    if base is not None:
        about |= {
            "windows": int(np.isin(data.cell, held.train).sum()),
            "base": {"name": base.name, "sha256": base.sha256},
            "layers_trained": request.tuned_layers,
        }
    if reading.merged:
        about["merged"] = dict(reading.merged)
    for name, values in (
        ("left_out", reading.left_out),
        ("untested", request.untested),
        ("notes", notes),
    ):
        if values:
            about[name] = list(values)
    if trained.subject_id is not None:
        about["subjects_by_label"] = {
            label: len(_known(trained.subject_id[trained.labels == label]))
            for label in trained.counts()
        }
    return about


def _n_predicted(cells: TraceSet) -> int:
    """Return how many labels are accepted predictions, which are no ground truth."""
    sources = cells.label_source
    return 0 if sources is None else int((sources == "prediction").sum())


def _known(values: NDArray[np.str_]) -> set[str]:
    """Return the different names that are not empty."""
    return {name for name in values.tolist() if name}


def _domain(data: LabelledData, held: HeldOut) -> dict[str, dict[str, float]] | None:
    """Return what is usual in the trained cells, so that unlike recordings are told."""
    from napari_celltype.models.domain import domain_of, trace_properties

    mine = np.isin(data.cell, held.train)
    traces, frequency = data.traces, data.traces.sampling_frequency
    lively = mine & (np.ptp(traces.traces, axis=1) > 0)
    if frequency is None or traces.n_frames < 4 or not lively.any():
        return None
    rows = np.flatnonzero(lively)
    blocks = [
        trace_properties(traces.traces[rows[start : start + _AT_ONCE]], frequency)
        for start in range(0, len(rows), _AT_ONCE)
    ]
    cell = np.unique(data.cell[rows], return_inverse=True)[1]
    found = {
        name: means_by_cell(np.concatenate([block[name] for block in blocks]), cell)
        for name in blocks[0]
    }
    if (rates := traces.recorded.get("native_sampling_frequency")) is not None:
        found["frame rate"] = rates[mine]
    return domain_of(found)
