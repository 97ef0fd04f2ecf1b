"""Train a network on labelled data and save it as a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_celltype import progress
from napari_celltype.errors import LabelError, ModelError, OutputError
from napari_celltype.labels import DataSet, LabelledData, Targets
from napari_celltype.training.course import CourseWatch, OnCourse
from napari_celltype.training.request import TrainRequest, data_folder

if TYPE_CHECKING:
    from napari_celltype.models import CellTypeModel, ModelCard, TraceClassifier
    from napari_celltype.models.estimator import FineTuning
    from napari_celltype.models.model_file import ModelBytes
    from napari_celltype.training.validation import Validation


@dataclass(frozen=True, eq=False)
class Trained:
    """A model that was trained and saved."""

    path: Path
    card: ModelCard
    sha256: str
    # A sentence for each thing that was cut, left out or decided.
    notes: tuple[str, ...]
    # What was held out, in a sentence.
    held_out: str
    # Scores on the cells that were held out.
    validation: Validation | None
    # One row per epoch.
    history: tuple[Mapping[str, float], ...]
    # The epoch whose weights were kept.
    best_epoch: int

    def summary(self) -> list[str]:
        """Return how the model did on what was held out, in sentences."""
        from napari_celltype.protocol.words import units_text
        from napari_celltype.training.trained_card import how_chosen, untested_classes
        from napari_celltype.training.validation import probe_title

        validation = self.validation
        if validation is None:
            return [self.held_out]
        interval = validation.interval
        units = units_text(interval)
        spread = (
            f"95 % interval {interval.low:.2f} to {interval.high:.2f}, over {units}"
        )
        if interval.too_few:
            spread = f"too few for an interval: {units}"
        level, beside = validation.chance, f"chance {validation.chance:.2f}"
        if validation.probe is not None:
            name, score = validation.probe
            level = max(level, score)
            beside += f", {probe_title(name)} {score:.2f}"
        recalls = ", ".join(
            f"{kind} {n} of {of}" for kind, n, of in validation.recalls()
        )
        found = [
            f"Balanced accuracy {validation.score:.2f} on {validation.n_cells} cells "
            f"that were held out ({spread}); {beside}.",
            f"Right: {recalls}.",
            self.held_out,
            *how_chosen(validation, len(self.history), self.best_epoch),
        ]
        if validation.score <= level:
            found.insert(1, "That is no better than what it is compared with.")
        elif interval.low <= level:
            found.insert(1, "What it is compared with lies within the interval.")
        if missing := untested_classes(validation):
            found.append(f"Trained but not tested: {', '.join(missing)}.")
        return found


def train_model(
    request: TrainRequest,
    *,
    on_progress: progress.OnProgress = progress.ignore_progress,
    should_stop: progress.ShouldStop = progress.never_stop,
    on_course: OnCourse = lambda course: None,
    should_finish: progress.ShouldStop = progress.never_stop,
) -> Trained:
    """Train a network on labelled data and save it with a card.

    Some cells are held out where that is possible; the weights of the epoch that does
    best on them are kept. While it trains, ``OUTPUT.checkpoint`` lies beside the
    output: the same request goes on from it after an interruption, and ends with the
    same weights.

    Parameters
    ----------
    on_course : callable, optional
        Takes a `Course` after each epoch.
    should_finish : callable, optional
        Once it answers True and an epoch is finished, the best epoch is kept and saved.

    Raises
    ------
    OutputError
        If the output is somebody else's file, or cannot be written.
    LabelError
        If the data hold fewer than two classes, do not say their frame rate, or what
        was asked for cannot be held out.
    CellTypeError
        If the data cannot be read, or the base or the device is not there.
    Stopped
        If `should_stop` answered True.
    """
    from napari_celltype.models.estimator import EpochScoring
    from napari_celltype.training.held_out import hold_out
    from napari_celltype.training.trained_card import card_of
    from napari_celltype.training.validation import Judge, best_rank

    _require_model_place(request.output, force=request.force)
    data, base, remarks = _read(request, on_progress, should_stop)
    cells, tree = data.cells, data.tree
    targets = Targets.of(cells.labels, tree)
    untested = [tree.canonical(name) for name in request.untested]
    if strange := sorted(set(untested) - set(targets.classes)):
        raise LabelError(
            f"{', '.join(strange)} cannot be marked untested, since there is no such "
            f"class; the classes are {', '.join(targets.classes)}."
        )
    held = hold_out(
        cells,
        targets,
        request.validation,
        untested=untested,
        random_state=request.random_state,
    )
    on_progress(progress.Progress("Preparing the scores"))
    judge = Judge(data, held, targets) if len(held.test) else None
    watch = CourseWatch(request.epochs, held, judge, on_course)
    rows = np.flatnonzero(np.isin(data.cell, held.train))
    classifier, start = _classifier_for(request, base)
    checkpoint = checkpoint_of(request.output)
    classifier.fit(
        data.traces.traces[rows],
        data.traces.labels[rows],
        targets=targets.take(data.cell[rows]),
        checkpoint=checkpoint,
        start=start,
        # Cells that are scored choose the epoch, though nothing is trained on them.
        scoring=EpochScoring(
            watch.after_epoch, None if judge is None else best_rank, data.fingerprint
        ),
        should_finish=should_finish,
        on_progress=watch.telling(on_progress),
        should_stop=should_stop,
    )
    validation = None if judge is None else judge.judge(classifier)
    notes = (*data.notes, *remarks)
    card = card_of(classifier, data, request, held, validation, base, notes)
    sha256 = classifier.save(request.output, card)
    checkpoint.unlink(missing_ok=True)
    return Trained(
        request.output,
        card,
        sha256,
        notes,
        held.sentence,
        validation,
        tuple(classifier.history_),
        classifier.best_epoch_,
    )


def checkpoint_of(output: Path) -> Path:
    """Return where a training is kept while it goes on."""
    return output.with_name(output.name + ".checkpoint")


def _require_model_place(path: Path, *, force: bool = False) -> None:
    """Refuse a place where no model can or may be written, before the training."""
    from napari_celltype.models.model_file import read_model_bytes, require_suffix

    require_suffix(path)
    if path.is_dir():
        raise OutputError(f"{path} is a folder; give the name of a file in it.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise OutputError(
            f"No model can be written to {path.parent} ({error.strerror}); choose "
            "another folder."
        ) from None
    if not path.exists() or force:
        return
    try:
        read_model_bytes(path)
    except ModelError:
        raise OutputError(
            f"{path} is there already and is no model of napari-celltype; choose "
            "another name, or replace it with --force (force=True)."
        ) from None


def _read(
    request: TrainRequest,
    on_progress: progress.OnProgress,
    should_stop: progress.ShouldStop,
) -> tuple[LabelledData, CellTypeModel | None, tuple[str, ...]]:
    """Return labelled data, the base, and what has to be known of it."""
    from napari_celltype.models.model import build_model

    reading = request.reading
    data = reading.open(request.data, on_progress=on_progress, should_stop=should_stop)
    if isinstance(request.data, DataSet):
        data.write(data_folder(request.output))
    base, remarks = None, data.remarks()
    if request.base is not None:
        file, of_base = find_base(request.base, data.slowest)
        if request.output.exists() and request.output.samefile(file.path):
            raise OutputError(
                f"{request.output} is the model that training starts from; choose "
                "another name, so that later trainings can start from it, too."
            )
        base, remarks = build_model(file), (*of_base, *remarks)
    if data.trace_set is not None:
        # Of a trace set it can only say what was subtracted before, for the card.
        reading = replace(reading, neuropil="none")
    labelled = reading.load(
        data,
        base=None if base is None else base.card,
        needs_rate=True,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    return labelled, base, remarks


def find_base(
    name: str, sampling_frequency: float | None = None
) -> tuple[ModelBytes, tuple[str, ...]]:
    """Find the model that a training starts from, and what has to be known of it.

    Of a family, the one for the slowest recording's frame rate (Hz). Nothing is
    fine-tuned twice: of a model that was fine-tuned itself it is its base. The network
    is not built, so that torch is not needed.

    Raises
    ------
    ModelError
        If there is no such model, its own base is gone or another one by now, or it
        does not say its frame rate.
    SamplingFrequencyError
        If the recordings are slower than every model of a family.
    """
    from napari_celltype.models import find_model

    file = find_model(name, sampling_frequency)
    remarks: tuple[str, ...] = ()
    origin = file.card.training_data.get("base")
    if isinstance(origin, Mapping):
        first = find_model(str(origin.get("name")))
        if first.sha256 != origin.get("sha256"):
            raise ModelError(
                f"{file.card.name} was fine-tuned from another version of "
                f"{first.card.name!r} than the one that is there; start from another "
                "model."
            )
        remarks = (
            f"{file.card.name} was itself fine-tuned from {first.card.name}, so "
            f"training started from {first.card.name}, with all labels.",
        )
        file = first
    elif file.card.origin == "user":
        remarks = (
            f"{file.card.name} may have been trained on some of the cells that are "
            "held out here; if so, the score flatters.",
        )
    if file.card.sampling_frequency is None:
        raise ModelError(
            f"{file.card.name} does not say at which frame rate it was trained, so "
            "nothing can be trained from it; start from another model."
        )
    return file, remarks


def _classifier_for(
    request: TrainRequest, base: CellTypeModel | None
) -> tuple[TraceClassifier, FineTuning | None]:
    """Return an unfitted classifier, and the weights that it starts from."""
    from sklearn.base import clone

    from napari_celltype.models import TraceClassifier
    from napari_celltype.models.estimator import FineTuning

    shared: dict[str, Any] = {
        "epochs": request.epochs,
        "random_state": request.random_state,
        "device": request.device,
    }
    if base is None:
        scratch = TraceClassifier(
            request.architecture, normalization=request.normalization, **shared
        )
        return scratch, None
    classifier: TraceClassifier = clone(base.classifier).set_params(**shared)
    return classifier, FineTuning(base.classifier, request.tuned_layers)
