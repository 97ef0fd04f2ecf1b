"""The card of a model that a user trained: what it learned from, and how it did."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.files import without_places
from napari_celltype.labels import LabelledData, TraceSet
from napari_celltype.labels.notes import counted
from napari_celltype.labels.reading import means_by_cell

if TYPE_CHECKING:
    from napari_celltype.models import CellTypeModel, ModelCard, TraceClassifier
    from napari_celltype.training.held_out import HeldOut
    from napari_celltype.training.request import TrainRequest
    from napari_celltype.training.validation import Validation


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
    from napari_celltype.training.validation import NOT_CALIBRATED

    trained = data.cells.take(held.train)
    n_of = trained.counts()
    counts = ", ".join(f"{n} {name}" for name, n in n_of.items())
    if n_predicted := _n_predicted(trained):
        counts += f"; {counted(n_predicted, 'label')} of these a model gave"
    kind = (
        "Labelled traces"
        if base is None
        else f"From {base.card.name} on, labelled cells"
    )
    trained_on = [f"{kind} of {data.name}: {counts}."]
    if validation is None:
        not_for = [NOT_FOR, "Nobody tested it on any cell."]
        trained_on.append(NOT_CALIBRATED)
    else:
        not_for = [NOT_FOR] + [
            f"{name} was trained on {counted(n_of.get(name, 0), 'cell')} and tested on "
            f"none."
            for name in untested_classes(validation)
        ]
        epochs = len(classifier.history_)
        trained_on += how_chosen(validation, epochs, classifier.best_epoch_)
    return card_for(
        classifier,
        name=model_name(request.output.stem),
        sampling_frequency=data.traces.sampling_frequency,
        neuropil=request.reading.neuropil if base is None else base.card.neuropil,
        trained_on=" ".join(trained_on),
        training_data=_about(classifier, data, trained, request, held, base, notes),
        calibration=None if validation is None else validation.calibration,
        domain=_domain(data, held),
        scores=[] if validation is None else validation.as_scores(),
        not_for=" ".join(not_for),
    )


def how_chosen(validation: Validation, n_epochs: int, kept: int) -> list[str]:
    """Say that the score is that of the best epoch, and on what was calibrated."""
    from napari_celltype.training.validation import NOT_CALIBRATED

    found, chose = [], ""
    if n_epochs > 1:
        found = [
            f"Epoch {kept} of {n_epochs} was kept for being the best on the cells held "
            "out, which flatters the score."
        ]
        chose = ", the cells that chose the epoch"
    calibration = validation.calibration
    if calibration is None:
        return [*found, NOT_CALIBRATED]
    return [*found, f"Calibrated on {calibration.calibrated_on}{chose}."]


def untested_classes(validation: Validation) -> list[str]:
    """Return the classes of which no cell was scored."""
    tested = {kind for kind, _, _ in validation.recalls()}
    return [name for name in validation.classes if name not in tested]


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
    reading, subjects = request.reading, trained.subject_id
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
    if base is not None:
        about |= {
            "windows": int(np.isin(data.cell, held.train).sum()),
            "base": {"name": base.card.name, "sha256": base.sha256},
            "layers_trained": request.tuned_layers,
        }
    chosen: dict[str, Any] = {
        "predicted_labels": _n_predicted(trained),
        "merged": dict(reading.merged),
        "left_out": list(reading.left_out),
        "untested": list(request.untested),
        "notes": without_places(notes),
    }
    about |= {name: value for name, value in chosen.items() if value}
    if subjects is not None:
        about["subjects_by_label"] = {
            label: len(_known(subjects[trained.labels == label]))
            for label in trained.counts()
        }
    return about


def _n_predicted(cells: TraceSet) -> int:
    """Return how many labels are accepted predictions, which are no ground truth."""
    sources = cells.label_source
    return 0 if sources is None else int((sources == "prediction").sum())


def _known(values: NDArray[np.str_]) -> set[str]:
    """Return the different names that are not empty."""
    return {*values.tolist()} - {""}


def _domain(data: LabelledData, held: HeldOut) -> dict[str, dict[str, float]] | None:
    """Return what is usual in the trained cells, so that unlike recordings are told."""
    from napari_celltype.models.domain import domain_of, trace_properties
    from napari_celltype.models.windows import blocks_of
    from napari_celltype.recording.windows import means_in_gaps

    traces, frequency = data.traces, data.traces.sampling_frequency
    values = means_in_gaps(traces.traces)
    mine = np.isin(data.cell, held.train)
    rows = mine & (np.ptp(values, axis=1) > 0)
    if frequency is None or traces.n_frames < 4 or not rows.any():
        return None
    blocks = [trace_properties(of, frequency) for _, of in blocks_of(values[rows])]
    cell = np.unique(data.cell[rows], return_inverse=True)[1]
    found = {
        name: means_by_cell(np.concatenate([block[name] for block in blocks]), cell)
        for name in blocks[0]
    }
    if (rates := traces.recorded.get("native_sampling_frequency")) is not None:
        found["frame rate"] = rates[mine]
    return domain_of(found)
