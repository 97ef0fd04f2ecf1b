"""Simulated recordings and trace sets as files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from napari_celltype import progress
from napari_celltype.answers.provenance import (
    provenance,
    require_replaceable,
    write_output,
)
from napari_celltype.files import claim_folder, write_atomically
from napari_celltype.labels import save_labels
from napari_celltype.labels.trace_set import require_npz, write_traces
from napari_celltype.parameters import parameter, seed_parameter
from napari_celltype.recording import open_recording


@dataclass(frozen=True)
class SimulateRequest:
    """What is simulated: a recording in `output`, or a trace set `dataset`."""

    output: Path | None = parameter(
        None, "A labelled recording.", option=("-o", "--output"), metavar="DIR"
    )
    n_cells: int = parameter(40, "Cells of the recording.", option="--cells", minimum=4)
    n_frames: int = parameter(4000, "Frames.", option="--frames", minimum=1)
    sampling_frequency: float = parameter(
        30.0, "Frames per second.", option="--fs", metavar="HZ", minimum=1
    )
    movie: bool = parameter(False, "Write the two-photon movie, too.")
    dataset: Path | None = parameter(
        None, "A labelled trace set instead.", metavar="FILE.npz"
    )
    counts: Mapping[str, int] = parameter(
        {"PY": 1000, "PV": 947, "SOM": 1000, "VIP": 1000},
        "Traces per type, with --dataset.",
        metavar="TYPE=N,...",
        example="PY=1000",
        minimum=0,
    )
    random_state: int = seed_parameter()
    force: bool = parameter(
        False, "Replace files, or write into a folder, that hold others' data."
    )


def write_simulation(
    request: SimulateRequest,
    *,
    on_progress: progress.OnProgress = progress.ignore_progress,
    should_stop: progress.ShouldStop = progress.never_stop,
) -> list[Path]:
    """Write what is simulated, and return the files or the plane folder."""
    from napari_celltype import simulation

    size = request.n_frames, request.sampling_frequency
    if (dataset := request.dataset) is not None:
        require_replaceable(require_npz(dataset), request.force)
        traces = simulation.simulate_traces(
            request.counts, *size, random_state=request.random_state
        )
        wanted = ("counts", "n_frames", "sampling_frequency", "random_state")
        settings = {name: getattr(request, name) for name in wanted}
        write_output(
            dataset,
            lambda path: write_atomically(path, partial(write_traces, traces)),
            force=request.force,
            provenance=provenance([], [], settings),
        )
        return [dataset]
    folder = request.output or Path()
    claim_folder(folder, force=request.force)
    on_progress(progress.Progress("Simulating the session"))
    simulated = simulation.simulate_recording(
        request.n_cells, *size, random_state=request.random_state
    )
    plane = simulation.write_recording(simulated, folder)
    save_labels(open_recording(plane), simulation.truth_table(simulated.labels))
    truth = simulation.write_truth(simulated, folder / "truth.npz")
    written = [plane, folder / "labels.csv", truth]
    if request.movie:
        movie = simulation.write_movie(
            simulated,
            folder / "movie.tif",
            on_progress=on_progress,
            should_stop=should_stop,
        )
        written.append(movie)
    return written
