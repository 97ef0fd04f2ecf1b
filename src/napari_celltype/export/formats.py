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
from napari_celltype.errors import CellTypeError, OutputError
from napari_celltype.export.content import (
    Content,
    ExportedRecording,
    ExportRequest,
    Format,
    Preview,
)
from napari_celltype.export.figure import FIGURES
from napari_celltype.export.methods import METHODS
from napari_celltype.export.nwb import NWB
from napari_celltype.export.nwb_copy import NWB_COPY
from napari_celltype.export.tables import READ_ENDINGS, TABLES, read_table
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
    pipeline_of_file,
    recording_names,
)

if TYPE_CHECKING:
    import pandas as pd

FORMATS = {one.key: one for one in (*TABLES, NWB, NWB_COPY, *FIGURES, METHODS)}


def preview_export(
    recordings: Sequence[ExportedRecording],
    request: ExportRequest,
    *,
    in_full: bool = False,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Preview:
    """Return what `write_export` would write, in less than full detail by default."""
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

    The format's ending is added where the name has none. A file that this program did
    not write is replaced only with `force`.

    Raises
    ------
    OutputError, MissingDependencyError, SamplingFrequencyError
        If the recordings do not fit the format, pynwb is missing, or the file may not
        be replaced or cannot be written; what was there stays.
    """
    chosen = _possible(recordings, request)
    path = chosen.file(Path(path))
    sources = [request.existing, *(f for r in recordings for f in r.recording.files)]
    if path.exists() and any(s and s.exists() and path.samefile(s) for s in sources):
        raise OutputError(
            f"{path.name} is the file to be copied or exported, which is never "
            "changed; choose another name."
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
    """Write a finished output table; the ending of the name says the format.

    Raises
    ------
    OutputError
        If the ending is unknown, the table does not fit the format, or the file may not
        be replaced or cannot be written; what was there stays.
    """
    chosen = table_format(path)
    content = Content((), ExportRequest(chosen.key))
    content.tables, content.origin = [table], provenance or {}
    return _write(chosen, content, Path(path), force)


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
    chosen.require_one(len(recordings))
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
    classifying : ClassifyRequest or None
        How a recording is classified first; None exports its labels only.
    sampling_frequency : float, optional
        Hz, where the files do not say or say it wrong.
    """
    watching: Any = {"on_progress": on_progress, "should_stop": should_stop}
    chosen = find_format(request.format)
    output = chosen.file(output)
    require_replaceable(output, force)
    is_table = path.is_file() and path.suffix.lower() in READ_ENDINGS
    if is_table and pipeline_of_file(path) is None:
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
    chosen.require_one(len(planes))
    if chosen.from_table and classifying is not None:
        # Tables of many recordings are made without holding all their traces.
        result = classify_many(
            planes,
            classifying,
            sampling_frequency=sampling_frequency,
            raise_errors=True,
            **watching,
        )
        origin = result.provenance(classifying)
        return write_table(result.table, output, force=force, provenance=origin)
    if "session" in chosen.options:
        request.session.require_valid()
    recordings = []
    for folder, name in zip(planes, recording_names(list(planes)), strict=True):
        recording = open_recording(folder, sampling_frequency=sampling_frequency)
        labels, predictions = load_labels(recording), None
        if classifying is not None:
            predictions = classify_recording(recording, classifying, **watching)
        recordings.append(
            ExportedRecording(recording, name, labels, predictions=predictions)
        )
    return write_export(recordings, request, output, force=force, **watching)
