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
from napari_celltype.progress import (
    OnProgress,
    ShouldStop,
    ignore_progress,
    never_stop,
)
from napari_celltype.workflows.batch import (
    BatchResult,
    classify_many,
    done,
    find_recordings,
)
from napari_celltype.workflows.classify import ClassifyRequest
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
    ending: str,
    output: Path,
    request: ClassifyRequest,
    *,
    sampling_frequency: float | None = None,
    plane: int | None = None,
    force: bool = False,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Path:
    """Write the labelled ROI table of a recording, or of a table, in another format.

    Parameters
    ----------
    path : Path
        A recording, which is classified first, or a table that `classify` wrote.
    ending : str
        ``csv``, ``parquet``, ``npy`` or ``mat``.
    output : Path
        The file; the ending is added where the name has none.
    request : ClassifyRequest
        How a recording is classified.
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
    if not output.suffix:
        output = output.with_name(f"{output.name}.{ending}")
    if output.suffix.lower() != f".{ending}":
        raise OutputError(
            f"{output.name} does not end in .{ending}, the format asked for; rename "
            "it or change --format."
        )
    check_output(output, force=force)
    if path.is_file() and path.suffix.lower() in TABLE_ENDINGS:
        if request != ClassifyRequest():
            raise CellTypeError(
                f"{path.name} is a table that is exported as it is, so options of "
                "classifying do not apply; leave them out, or give the recording."
            )
        table = read_table(path)
        return _write(table, output, force, read_provenance(path) or {})
    planes = find_recordings([path], plane).planes
    if ending == "npy" and len(planes) > 1:
        raise RecordingError(
            f"{path} holds {len(planes)} planes, but celltype.npy has the rows of one; "
            "choose one with --plane N."
        )
    result = classify_many(
        planes,
        request,
        sampling_frequency=sampling_frequency,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    if result.stopped:
        raise Stopped
    if result.failures:
        raise CellTypeError(result.failures[0].reason)
    return write_result(result, request, output, force=force)


def _write(
    table: pd.DataFrame, path: Path, force: bool, origin: dict[str, Any]
) -> Path:
    return _WRITERS[path.suffix.lower()](table, path, force=force, provenance=origin)
