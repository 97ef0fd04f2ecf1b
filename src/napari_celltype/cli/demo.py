"""The main job end to end on a simulated movie, with no input of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.answers.classify import (
    BatchResult,
    ClassifyRequest,
    Done,
    classify_recording,
)
from napari_celltype.answers.predictions import Predictions
from napari_celltype.cli.window import save_screenshot
from napari_celltype.export import (
    ExportedRecording,
    ExportRequest,
    FigureOptions,
    write_export,
    write_table,
)
from napari_celltype.export.content import TWO_COLUMNS
from napari_celltype.files import claim_folder, write_text_atomically
from napari_celltype.labels import save_labels
from napari_celltype.models import (
    DEFAULT_MODEL,
    families_of,
    list_models,
    network_title,
)
from napari_celltype.parameters import device_parameter, parameter, seed_parameter
from napari_celltype.progress import OnProgress, Progress, ShouldStop, raise_if_stopped
from napari_celltype.recording import open_recording, run_suite2p

_SAMPLING_FREQUENCY = 10.0  # Hz; what the faster bundled models work at
_N_FRAMES = 1200  # two minutes: two windows of the bundled models
_N_CELLS = 40
_DECAY = 0.7  # s, what suite2p advises for fast indicators such as this GCaMP7f


@dataclass(frozen=True)
class DemoRequest:
    """Where the demo goes, and how."""

    output: Path = parameter(
        Path("celltype-demo"),
        "Where results go.",
        option=("-o", "--output"),
        metavar="DIR",
    )
    headless: bool = parameter(False, "Save files and exit; no window waits.")
    random_state: int = seed_parameter()
    device: str = device_parameter()
    verbose: bool = parameter(
        False, "Say all that the result rests on.", option=("-v", "--verbose")
    )
    force: bool = parameter(False, "Write into a folder that holds files of others.")


def run_demo(
    request: DemoRequest, *, on_progress: OnProgress, should_stop: ShouldStop
) -> tuple[Path, str]:
    """Run suite2p on a simulated movie, classify; return its folder and a summary."""
    from napari_celltype.simulation import (
        match_rois,
        simulate_recording,
        truth_table,
        write_movie,
        write_truth,
    )

    watching: Any = {"on_progress": on_progress, "should_stop": should_stop}
    folder = request.output
    claim_folder(folder, force=request.force)
    on_progress(Progress("Simulating a session"))
    simulated = simulate_recording(
        _N_CELLS, _N_FRAMES, _SAMPLING_FREQUENCY, random_state=request.random_state
    )
    movie = write_movie(simulated, folder / "movie.tif", **watching)
    write_truth(simulated, folder / "truth.npz")
    frequency = _SAMPLING_FREQUENCY
    session = run_suite2p(
        movie, folder, sampling_frequency=frequency, tau=_DECAY, **watching
    )
    # The demo itself has set this rate, so it is no unconfirmed default.
    recording = open_recording(folder, sampling_frequency=frequency)
    matches = match_rois(simulated.rois, recording.rois, recording.frame_shape)
    truth = np.where(matches >= 0, simulated.labels[matches], "")
    save_labels(recording, truth_table(truth))
    answers: list[Predictions] = []
    name = folder.resolve().name
    for model in families_of(list_models()):
        raise_if_stopped(should_stop)
        on_progress(Progress(f"Classifying with the {network_title(model)}"))
        asked = ClassifyRequest(model, request.device)
        answer = classify_recording(recording, asked, name=name, **watching)
        suffix = "" if model == DEFAULT_MODEL else f"_{model}"
        result = BatchResult((Done.of(answer),), ())
        write_table(
            result.table,
            folder / f"cell_types{suffix}.csv",
            force=True,
            provenance=result.provenance(asked),
        )
        answers.append(answer)
    classified = ExportedRecording(
        recording, name, answers[0].labels, predictions=answers[0]
    )
    figure = ExportRequest("png", figure=FigureOptions(width=TWO_COLUMNS))
    write_export([classified], figure, folder / "rois.png", force=True)
    lines = _summary(folder, answers[0], truth)
    if request.headless:
        screenshot = folder / "screenshot.png"
        missing = save_screenshot(session, screenshot)
        lines.append(
            f"No window: {missing}" if missing else f"The window: {screenshot}"
        )
    summary = "\n".join(lines) + "\n"
    write_text_atomically(folder / "summary.txt", summary)
    # Ctrl-C has ended the window of the picture, but not this process.
    raise_if_stopped(should_stop)
    if request.verbose:
        details = [
            f"{int((truth != '').sum())} of the ROIs overlap one of the "
            f"{len(simulated.rois)} simulated cells by half or more.",
            *(_agreement(answer, truth) for answer in answers),
            *answers[0].summary().details(),
            *map(str, answers[0].warnings),
        ]
        summary += "\n" + "\n".join(details)
    return session, summary


def _summary(folder: Path, answer: Predictions, truth: NDArray[np.str_]) -> list[str]:
    """Say what was found; a score on 40 simulated cells is a check, not a result."""
    summary = answer.summary()
    known = truth[truth != ""]
    commonest = max(np.unique(known, return_counts=True)[1], default=0)
    return [
        f"suite2p found {summary.counts}.",
        f"{_agreement(answer, truth)} The commonest type alone would reach "
        f"{commonest}.",
        *([f"Of these, {summary.expectation}."] if summary.expectation else []),
        "This shows that the software works. It does not show that labels are right on "
        "real cells: the models learnt from the same simulator.",
        f"Table and picture: {folder / 'cell_types.csv'}, {folder / 'rois.png'}",
    ]


def _agreement(answer: Predictions, truth: NDArray[np.str_]) -> str:
    decisions = answer.decisions
    known = truth != ""
    groups = np.where(truth == "PY", "PY", "IN") == np.array(decisions.group)
    types = np.array(decisions.predicted) == truth
    return (
        f"{answer.card.name} agrees with the simulator for {groups[known].sum()} of "
        f"{known.sum()} cells as PY or interneuron, for {types[known].sum()} in type."
    )
