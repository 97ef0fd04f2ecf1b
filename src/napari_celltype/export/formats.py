"""The registry of export formats, and writing and previewing by it.

A new format is a `Format` in a file of its own and its name in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_celltype.answers.classify import (
    ClassifyRequest,
    classify_many,
    classify_recording,
)
from napari_celltype.answers.provenance import (
    read_provenance,
    require_replaceable,
    write_output,
)
from napari_celltype.errors import CellTypeError, OutputError, RecordingError, Stopped
from napari_celltype.export.content import (
    Content,
    ExportedRecording,
    ExportRequest,
    Format,
    Preview,
)
from napari_celltype.export.figure import PDF, PNG, SVG
from napari_celltype.export.methods import METHODS
from napari_celltype.export.nwb import NWB
from napari_celltype.export.nwb_copy import NWB_COPY
from napari_celltype.export.tables import (
    CSV,
    JSON,
    LABELS,
    MAT,
    NPY,
    PARQUET,
    READ_ENDINGS,
    read_table,
)
from napari_celltype.labels import load_labels
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.recording import (
    find_recordings,
    open_recording,
    recording_names,
)

if TYPE_CHECKING:
    import pandas as pd

FORMATS = {
    one.key: one
    for one in (
        CSV,
        PARQUET,
        JSON,
        MAT,
        NPY,
        LABELS,
        NWB,
        NWB_COPY,
        PNG,
        SVG,
        PDF,
        METHODS,
    )
}


def preview_export(
    recordings: Sequence[ExportedRecording],
    request: ExportRequest,
    *,
    in_full: bool = False,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Preview:
    """Return what `write_export` would write, or raise as it would.

    Parameters
    ----------
    recordings : sequence of ExportedRecording
    request : ExportRequest
    in_full : bool
        Draw the figure as finely as asked for, not only for a look at it.
    on_progress, should_stop : callable, optional
        See `napari_celltype.progress`.
    """
    chosen = _possible(recordings, request)
    on_progress(Progress("Preparing the preview"))
    raise_if_stopped(should_stop)
    return chosen.preview(
        Content(recordings, request, in_full, on_progress, should_stop)
    )


def write_export(
    recordings: Sequence[ExportedRecording],
    request: ExportRequest,
    path: str | Path,
    *,
    force: bool = False,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Path:
    """Write one file of the recordings, with its provenance beside it.

    Parameters
    ----------
    recordings : sequence of ExportedRecording
    request : ExportRequest
    path : str or Path
        The file; the format's ending is added where the name has none.
    force : bool
        Replace a file that this program did not write.
    on_progress, should_stop : callable, optional
        See `napari_celltype.progress`.

    Raises
    ------
    OutputError
        If the recordings do not fit the format, the name ends otherwise, or the file
        may not be replaced or cannot be written; what was there stays.
    MissingDependencyError, SamplingFrequencyError
        If NWB is asked for without pynwb, or the frame rate is not known.
    """
    chosen = _possible(recordings, request)
    path, existing = chosen.file(Path(path)), request.existing
    if existing and existing.exists() and path.exists() and path.samefile(existing):
        raise OutputError(
            f"{path.name} is the file to be copied, which is never changed; choose "
            "another name for the copy."
        )
    raise_if_stopped(should_stop)
    content = Content(
        recordings, request, on_progress=on_progress, should_stop=should_stop
    )
    on_progress(Progress("Collecting where everything came from"))
    return _write(chosen, content, path, force)


def write_table(
    table: pd.DataFrame,
    path: str | Path,
    *,
    force: bool = False,
    provenance: Mapping[str, Any] | None = None,
) -> Path:
    """Write a finished output table; the name says the format.

    Parameters
    ----------
    table : pandas.DataFrame
        With the columns of `output_columns`.
    path : str or Path
        Ends in ``.csv``, ``.parquet``, ``.json``, ``.mat`` or ``.npy``.
    force : bool
        Replace a file that this program did not write.
    provenance : mapping, optional
        Goes into ``OUT.provenance.json`` beside it.

    Raises
    ------
    OutputError
        If the ending is another one, the table does not fit the format, or the file may
        not be replaced or cannot be written; what was there stays.
    """
    chosen = table_format(path)
    content = Content((), ExportRequest(chosen.key))
    content.tables, content.origin = [table], provenance or {}
    return _write(chosen, content, Path(path), force)


def check_table_path(path: str | Path, *, force: bool = False) -> None:
    """Refuse the name of a table before the work that it needs, as `write_table`."""
    table_format(path)
    require_replaceable(path, force)


def find_format(key: str) -> Format:
    """Return a format by its key, or raise `OutputError`."""
    if key not in FORMATS:
        raise OutputError(f"{key!r} is no export format; use {', '.join(FORMATS)}.")
    return FORMATS[key]


def table_format(path: str | Path) -> Format:
    """Return the format of a finished table by the ending of its name, or raise."""
    endings = {one.ending: one for one in FORMATS.values() if one.from_table}
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in endings:
        raise OutputError(
            f"{path.name} ends in {ending or 'nothing'}, which is no format of the "
            f"table; use {', '.join(endings)}."
        )
    return endings[ending]


def _possible(
    recordings: Sequence[ExportedRecording], request: ExportRequest
) -> Format:
    chosen = find_format(request.format)
    if not recordings:
        raise OutputError("There is no recording to export; open one first.")
    if chosen.one_recording and len(recordings) > 1:
        raise OutputError(
            f"{chosen.title}: a file holds one recording (plane), and these are "
            f"{len(recordings)}; choose one."
        )
    return chosen


def _write(chosen: Format, content: Content, path: Path, force: bool) -> Path:
    legend = {} if chosen.legend is None else chosen.legend(content.table)
    origin = {**legend, **content.origin}
    raise_if_stopped(content.should_stop)
    return write_output(
        path, partial(chosen.write, content), force=force, provenance=origin
    )


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
    """
    chosen = find_format(request.format)
    output = chosen.file(output)
    require_replaceable(output, force)
    if path.is_file() and path.suffix.lower() in READ_ENDINGS:
        if not chosen.from_table:
            raise CellTypeError(
                f"{path.name} is a table without masks and traces; give the recording "
                f"itself for --format {request.format}."
            )
        if classifying != ClassifyRequest():
            raise CellTypeError(
                f"{path.name} is a table that is exported as it is, so options of "
                "classifying do not apply; leave them out, or give the recording."
            )
        origin = read_provenance(path)
        return write_table(read_table(path), output, force=force, provenance=origin)
    planes = find_recordings([path], plane).planes
    if chosen.one_recording and len(planes) > 1:
        raise RecordingError(
            f"{path} holds {len(planes)} planes, but {chosen.title} is of one; choose "
            "one with --plane N."
        )
    if chosen.from_table and classifying is not None:
        # Tables of many recordings are made without holding all their traces.
        result = classify_many(
            planes,
            classifying,
            sampling_frequency=sampling_frequency,
            raise_errors=True,
            on_progress=on_progress,
            should_stop=should_stop,
        )
        if result.stopped:
            raise Stopped
        origin = result.provenance(classifying)
        return write_table(result.table, output, force=force, provenance=origin)
    if "session" in chosen.options:
        request.session.require_valid()
    recordings = []
    for folder, name in zip(planes, recording_names(list(planes)), strict=True):
        recording = open_recording(folder, sampling_frequency=sampling_frequency)
        labels, predictions = load_labels(recording), None
        if classifying is not None:
            predictions = classify_recording(
                recording,
                classifying,
                on_progress=on_progress,
                should_stop=should_stop,
            )
        recordings.append(
            ExportedRecording(recording, name, labels, predictions=predictions)
        )
    return write_export(
        recordings,
        request,
        output,
        force=force,
        on_progress=on_progress,
        should_stop=should_stop,
    )
