"""Simulated recordings and trace sets as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from napari_celltype.answers import provenance, require_replaceable, write_output
from napari_celltype.labels import Label, LabelTable, save_labels
from napari_celltype.labels.folders import claim_folder
from napari_celltype.labels.trace_set import require_npz, write_traces
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
)
from napari_celltype.recording import open_recording


def simulate_folder(
    folder: Path,
    *,
    n_cells: int,
    n_frames: int,
    sampling_frequency: float,
    movie: bool = False,
    random_state: int = 0,
    force: bool = False,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> list[Path]:
    """Write a labelled recording: a suite2p folder, its labels, and the truth.

    Parameters
    ----------
    folder : Path
        Gets ``suite2p/plane0``, ``labels.csv``, ``truth.npz`` and, with `movie`,
        ``movie.tif``.
    n_cells, n_frames : int
    sampling_frequency : float
        Hz.
    movie : bool
        Write the two-photon movie, too.
    random_state : int
        The same number gives the same files.
    force : bool
        Write into a folder that holds somebody else's files.
    on_progress, should_stop : callable, optional
        See `napari_celltype.progress`.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    OutputError
        If the folder cannot be written or belongs to something else.
    Stopped
        If `should_stop` answered True.
    """
    from napari_celltype.simulation import (
        simulate_recording,
        write_movie,
        write_recording,
        write_truth,
    )

    claim_folder(folder, force=force)
    on_progress(Progress("Simulating the session"))
    simulated = simulate_recording(
        n_cells, n_frames, sampling_frequency, random_state=random_state
    )
    plane = write_recording(simulated, folder)
    save_labels(open_recording(plane), truth_table(list(simulated.labels)))
    written = [plane, folder / "labels.csv"]
    written.append(write_truth(simulated, folder / "truth.npz"))
    if movie:
        written.append(
            write_movie(
                simulated,
                folder / "movie.tif",
                on_progress=on_progress,
                should_stop=should_stop,
            )
        )
    return written


def simulate_dataset_file(
    path: Path,
    counts: Mapping[str, int],
    *,
    n_frames: int,
    sampling_frequency: float,
    random_state: int = 0,
    force: bool = False,
) -> Path:
    """Write a labelled trace set of simulated cells.

    Parameters
    ----------
    path : Path
        Ends in ``.npz``.
    counts : mapping of str to int
        Traces of each type.
    n_frames : int
    sampling_frequency : float
        Hz.
    random_state : int
        The same number gives the same traces.
    force : bool
        Replace a file that this program did not write.

    Raises
    ------
    LabelError
        If a type is unknown or the name does not end in ``.npz``.
    OutputError
        If the file cannot be written or is somebody else's.
    """
    from napari_celltype.simulation import simulate_traces

    require_replaceable(require_npz(path), force)
    traces = simulate_traces(counts, n_frames, sampling_frequency, random_state)
    settings = {
        "counts": dict(counts),
        "n_frames": n_frames,
        "sampling_frequency": sampling_frequency,
        "random_state": random_state,
    }
    return write_output(
        path,
        lambda file: write_traces(traces, file),
        force=force,
        provenance=provenance([], [], settings),
    )


def truth_table(labels: list[str]) -> LabelTable:
    """Return the simulator's truth as labels; empty texts leave ROIs unlabelled."""
    return LabelTable(
        tuple(
            Label(roi_id, label, source="imported", note="simulator truth")
            for roi_id, label in enumerate(labels)
            if label
        )
    )
