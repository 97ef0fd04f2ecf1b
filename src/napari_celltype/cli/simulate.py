"""Simulated recordings and trace sets as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_celltype.answers import provenance, require_replaceable, write_output
from napari_celltype.files import claim_folder
from napari_celltype.labels import Label, LabelTable, save_labels
from napari_celltype.labels.trace_set import require_npz, write_traces
from napari_celltype.parameters import parameter, seed_parameter
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
)
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
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> list[Path]:
    """Write what is simulated, and return the files or the plane folder."""
    from napari_celltype.simulation import (
        simulate_recording,
        write_movie,
        write_recording,
        write_truth,
    )

    if request.dataset is not None:
        return [_write_dataset(request, request.dataset)]
    folder = request.output or Path()
    claim_folder(folder, force=request.force)
    on_progress(Progress("Simulating the session"))
    simulated = simulate_recording(
        request.n_cells,
        request.n_frames,
        request.sampling_frequency,
        random_state=request.random_state,
    )
    plane = write_recording(simulated, folder)
    save_labels(open_recording(plane), truth_table(simulated.labels.tolist()))
    written = [plane, folder / "labels.csv"]
    written.append(write_truth(simulated, folder / "truth.npz"))
    if request.movie:
        written.append(
            write_movie(
                simulated,
                folder / "movie.tif",
                on_progress=on_progress,
                should_stop=should_stop,
            )
        )
    return written


def _write_dataset(request: SimulateRequest, path: Path) -> Path:
    from napari_celltype.simulation import simulate_traces

    require_replaceable(require_npz(path), request.force)
    settings: dict[str, Any] = {
        "counts": dict(request.counts),
        "n_frames": request.n_frames,
        "sampling_frequency": request.sampling_frequency,
        "random_state": request.random_state,
    }
    traces = simulate_traces(**settings)

    def write(temporary: Path) -> None:
        with temporary.open("xb") as file:
            write_traces(traces, file)

    origin = provenance([], [], settings)
    return write_output(path, write, force=request.force, provenance=origin)


def truth_table(labels: Sequence[str]) -> LabelTable:
    """Return the simulator's truth as labels; empty texts leave ROIs unlabelled."""
    return LabelTable(
        tuple(
            Label(roi_id, label, source="imported", note="simulator truth")
            for roi_id, label in enumerate(labels)
            if label
        )
    )
