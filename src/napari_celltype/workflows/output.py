"""Write results, with their provenance, where the user asked for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_celltype.errors import CellTypeError, OutputError, RecordingError, Stopped
from napari_celltype.export import (
    provenance,
    read_provenance,
    read_table,
    require_replaceable,
    write_mat,
    write_npy,
    write_table,
)
from napari_celltype.labels import load_labels
from napari_celltype.progress import (
    OnProgress,
    ShouldStop,
    ignore_progress,
    never_stop,
)
from napari_celltype.recording import Recording, open_recording
from napari_celltype.recording.naming import recording_names
from napari_celltype.workflows.batch import (
    BatchResult,
    classify_many,
    done,
    find_recordings,
)
from napari_celltype.workflows.classify import ClassifyRequest, classify_recording
from napari_celltype.workflows.export_formats import export_format
from napari_celltype.workflows.exporting import ExportRequest, write_export
from napari_celltype.workflows.material import Material
from napari_celltype.workflows.predictions import Predictions

if TYPE_CHECKING:
    import pandas as pd

TABLE_ENDINGS = (".csv", ".parquet", ".json")
_WRITERS: dict[str, Callable[..., Path]] = {
    ".csv": write_table,
    ".parquet": write_table,
    ".json": write_table,
    ".npy": write_npy,
    ".mat": write_mat,
}


def check_output(path: Path, *, force: bool = False) -> None:
    """Refuse an output before the work that it needs.

    Raises
    ------
    OutputError
        If the ending is unknown, or the file is not this program's and `force` is not
        set.
    """
    if path.suffix.lower() not in _WRITERS:
        raise OutputError(
            f"{path.name} ends in {path.suffix or 'nothing'}, which is no format of "
            f"the table; use {', '.join(_WRITERS)}."
        )
    require_replaceable(path, force)


def write_result(
    result: BatchResult, request: ClassifyRequest, path: Path, *, force: bool = False
) -> Path:
    """Write the table of classified recordings; the name says the format.

    Raises
    ------
    OutputError
        If the file may not be replaced or cannot be written.
    """
    origin = provenance(
        [d.inputs for d in result.done],
        [d.card for d in result.done],
        {
            **asdict(request),
            "failures": [asdict(f) for f in result.failures],
            "stopped": result.stopped,
        },
    )
    return _write(result.table, path, force, origin)


def export_table(predictions: Predictions, path: Path, *, force: bool = False) -> Path:
    """Write the table of one recording's predictions; the name says the format.

    Raises
    ------
    OutputError
        If the ending is unknown, the file may not be replaced or cannot be written.
    """
    check_output(path, force=force)
    finished = done(predictions)
    settings: dict[str, Any] = {"min_probability": predictions.min_probability}
    origin = provenance([finished.inputs], [finished.card], settings)
    return _write(finished.table, path, force, origin)


def export_path(
    path: Path,
    request: ExportRequest,
    output: Path,
    classifying: ClassifyRequest | None,
    *,
    sampling_frequency: float | None = None,
    plane: int | None = None,
    force: bool = False,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Path:
    """Write what is known about the ROIs of a recording, or a table in another format.

    Parameters
    ----------
    path : Path
        A recording, or a table that `classify` wrote.
    request : ExportRequest
        The format and what belongs to it.
    output : Path
        The file; the ending is added where the name has none.
    classifying : ClassifyRequest or None
        How a recording is classified first; None exports its labels only.
    sampling_frequency : float, optional
        Hz, where the files do not say or say it wrong.
    plane : int, optional
        Take only ``plane<N>``.
    force : bool
        Replace a file that this program did not write.
    on_progress, should_stop : callable, optional
        See `napari_celltype.progress`.

    Raises
    ------
    CellTypeError
        If the input cannot be read or classified, or the output not be written.
    Stopped
        If `should_stop` answered True.
    """
    chosen = export_format(request.format)
    if not output.suffix:
        output = output.with_name(f"{output.name}{chosen.ending}")
    if output.suffix.lower() != chosen.ending:
        raise OutputError(
            f"{output.name} does not end in {chosen.ending}, the format asked for; "
            "rename it or change --format."
        )
    require_replaceable(output, force)
    if path.is_file() and path.suffix.lower() in TABLE_ENDINGS:
        if chosen.kind != "table":
            raise CellTypeError(
                f"{path.name} is a table without masks and traces; give the recording "
                f"itself for --format {request.format}."
            )
        if classifying != ClassifyRequest():
            raise CellTypeError(
                f"{path.name} is a table that is exported as it is, so options of "
                "classifying do not apply; leave them out, or give the recording."
            )
        table = read_table(path)
        return _write(table, output, force, read_provenance(path) or {})
    planes = find_recordings([path], plane).planes
    if chosen.one_recording and len(planes) > 1:
        raise RecordingError(
            f"{path} holds {len(planes)} planes, but {chosen.title} is of one; choose "
            "one with --plane N."
        )
    if chosen.kind == "table" and classifying is not None:
        # Tables of many recordings are made without holding all their traces.
        result = classify_many(
            planes,
            classifying,
            sampling_frequency=sampling_frequency,
            on_progress=on_progress,
            should_stop=should_stop,
        )
        if result.stopped:
            raise Stopped
        if result.failures:
            raise CellTypeError(result.failures[0].reason)
        return write_result(result, classifying, output, force=force)
    if chosen.kind == "nwb":
        request.session.require_valid()
    materials = [
        _material(
            open_recording(folder, sampling_frequency=sampling_frequency),
            name,
            classifying,
            on_progress,
            should_stop,
        )
        for folder, name in zip(planes, recording_names(list(planes)), strict=True)
    ]
    return write_export(
        materials,
        request,
        output,
        force=force,
        on_progress=on_progress,
        should_stop=should_stop,
    )


def _material(
    recording: Recording,
    name: str,
    classifying: ClassifyRequest | None,
    on_progress: OnProgress,
    should_stop: ShouldStop,
) -> Material:
    if classifying is None:
        return Material(recording, name, labels=load_labels(recording))
    predictions = classify_recording(
        recording,
        classifying,
        name=name,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    return Material(recording, name, predictions, predictions.labels)


def _write(
    table: pd.DataFrame, path: Path, force: bool, origin: dict[str, Any]
) -> Path:
    return _WRITERS[path.suffix.lower()](table, path, force=force, provenance=origin)
