"""Export a recording, classified first where that is asked for."""

from __future__ import annotations

from pathlib import Path

from napari_celltype.answers import read_provenance, require_replaceable
from napari_celltype.answers.classify import (
    ClassifyRequest,
    classify_many,
    classify_recording,
)
from napari_celltype.errors import CellTypeError, RecordingError, Stopped
from napari_celltype.export import (
    READ_ENDINGS,
    ExportedRecording,
    ExportRequest,
    find_format,
    read_table,
    write_export,
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
from napari_celltype.recording.folder import find_recordings, recording_names


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
            on_progress=on_progress,
            should_stop=should_stop,
        )
        if result.stopped:
            raise Stopped
        if result.failures:
            raise CellTypeError(result.failures[0].reason)
        origin = result.provenance(classifying)
        return write_table(result.table, output, force=force, provenance=origin)
    if "session" in chosen.options:
        request.session.require_valid()
    recordings = [
        _exported(
            open_recording(folder, sampling_frequency=sampling_frequency),
            name,
            classifying,
            on_progress,
            should_stop,
        )
        for folder, name in zip(planes, recording_names(list(planes)), strict=True)
    ]
    return write_export(
        recordings,
        request,
        output,
        force=force,
        on_progress=on_progress,
        should_stop=should_stop,
    )


def _exported(
    recording: Recording,
    name: str,
    classifying: ClassifyRequest | None,
    on_progress: OnProgress,
    should_stop: ShouldStop,
) -> ExportedRecording:
    if classifying is None:
        return ExportedRecording(recording, name, load_labels(recording))
    predictions = classify_recording(
        recording,
        classifying,
        name=name,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    return ExportedRecording(
        recording, name, predictions.labels, predictions=predictions
    )
