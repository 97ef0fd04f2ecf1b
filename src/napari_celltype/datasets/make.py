"""A labelled trace set out of recordings whose cells are of known types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from napari_celltype import progress
from napari_celltype.answers.provenance import (
    provenance,
    require_replaceable,
    write_output,
)
from napari_celltype.datasets.public import download, find_offer, is_public
from napari_celltype.datasets.types import (
    DEFAULT_RULES,
    Rule,
    read_rules,
    tells_types,
    type_of,
    type_of_word,
    write_rules,
)
from napari_celltype.errors import CellTypeError, LabelError, RecordingError
from napari_celltype.files import file_sha256, write_atomically
from napari_celltype.labels import (
    Cells,
    DataSet,
    Label,
    LabelledRecording,
    LabelTable,
    Reading,
    find_labelled,
)
from napari_celltype.labels.label_file import find_label_file, labels_of_file
from napari_celltype.labels.notes import counted, first_few
from napari_celltype.labels.trace_set import require_npz, write_traces
from napari_celltype.parameters import REQUIRED, parameter

Confirm = Callable[[str], bool]


@dataclass(frozen=True)
class DatasetRequest:
    """Of which recordings a trace set is made, and how their types are known."""

    sources: tuple[str, ...] = parameter(
        REQUIRED,
        "Recordings (NWB, suite2p), folders that hold many, recording lists, or public "
        "sets such as dandi:000535.",
        argument=True,
        repeated=True,
        metavar="SOURCE...",
    )
    output: Path = parameter(
        REQUIRED, "The trace set, .npz.", option=("-o", "--output"), metavar="DATA"
    )
    types: Path | None = parameter(
        None,
        "Which genotype is which type: a CSV file with the columns genotype and type.",
        metavar="TABLE",
    )
    types_out: Path | None = parameter(
        None, "Write the table that is used, to be changed.", metavar="TABLE"
    )
    cache: Path | None = parameter(
        None, "Where downloads are kept; without it public/ beside DATA.", metavar="DIR"
    )
    limit: int | None = parameter(
        None, "Download at most N files of a public set.", minimum=1
    )
    yes: bool = parameter(False, "Download without a question.")
    reading: Reading = field(default_factory=Reading)
    force: bool = parameter(False, "Replace a file that this program did not write.")


@dataclass(frozen=True)
class MadeDataset:
    """What was made, and what was not used."""

    path: Path
    cells: Cells
    # Those that fit the genotype of a recording.
    rules: tuple[Rule, ...]
    notes: tuple[str, ...]
    # A sentence for each file or recording that gave nothing.
    failures: tuple[str, ...]

    def table(self) -> str:
        """Return the cells, animals and sessions of each type, as text."""
        rows: list[tuple[str, ...]] = [("type", "cells", "animals", "sessions")]
        for label, n in self.cells.counts().items():
            mine = self.cells.take(self.cells.labels == label)
            known = (mine.subject_id, mine.session_id)
            each = ["?" if v is None else str(len(np.unique(v))) for v in known]
            rows.append((label, str(n), *each))
        return "\n".join("{:<8}{:>8}{:>9}{:>10}".format(*row) for row in rows)


def make_dataset(
    request: DatasetRequest,
    *,
    confirm: Confirm = lambda question: False,
    on_progress: progress.OnProgress = progress.ignore_progress,
    should_stop: progress.ShouldStop = progress.never_stop,
) -> MadeDataset:
    """Write a labelled trace set of all recordings at or below some places.

    A cell's type is that of the recording's label file; else that of the file itself;
    else that of the mouse line, by a table of genotypes.

    Parameters
    ----------
    confirm : callable
        Asked before anything is downloaded, unless the request says yes.

    Raises
    ------
    CellTypeError
        If nothing can be used, or a download was not agreed to.
    OutputError
        If the trace set cannot be written.
    Stopped
        If `should_stop` answered True; downloads go on where they were.
    """
    watching: Any = {"on_progress": on_progress, "should_stop": should_stop}
    output = require_npz(request.output)
    require_replaceable(output, request.force)
    own_rules = request.types is not None
    rules = read_rules(request.types) if request.types else DEFAULT_RULES
    if request.types_out is not None:
        _write_rules(rules, request.types_out, request.force)
    paths, failures, licences = _paths(request, confirm, watching)
    found, unread = find_labelled(
        paths,
        sampling_frequency=request.reading.sampling_frequency,
        **watching,
    )
    failures += unread
    typed, reasons = [], Counter[str]()
    for recording in found:
        labelled, reason = _typed(recording, rules, own_rules)
        if labelled.rows or labelled.trace_set is not None:
            typed.append(labelled)
        else:
            reasons[reason] += 1
    notes = [
        f"Left out: {counted(n, 'recording')} {reason}"
        for reason, n in reasons.most_common()
    ]
    if not typed:
        raise LabelError(" ".join([*notes, *failures]) or "No recording was found.")
    data, read, unreadable = _read(typed, request.reading, watching)
    failures += unreadable
    on_progress(progress.Progress("Summing up the files"))
    sources = [_source(one, licences, should_stop) for one in data.recordings]
    used = {rule.pattern: rule.type for rule in rules}
    write_output(
        output,
        lambda path: write_atomically(path, partial(write_traces, read.traces)),
        force=request.force,
        provenance=provenance(sources, [], {"types": used}),
    )
    notes += [note for note in read.notes if note not in notes]
    nobody = [r.name for r in data.recordings if r.trace_set is None and not r.subject]
    if nobody:
        notes.append(
            f"No animal is known of {first_few(nobody)}, so that no cell has one and "
            f"nothing can be split by animal; leave that out, or give the animals in a "
            f"recording list (subject_id)."
        )
    cells = read.cells.cells
    fitting = tuple(r for r in rules if any(r.fits(one.line) for one in typed))
    return MadeDataset(output, cells, fitting, tuple(notes), tuple(failures))


def _paths(
    request: DatasetRequest, confirm: Confirm, watching: Mapping[str, Any]
) -> tuple[list[Path], list[str], dict[Path, str]]:
    """Return where recordings are, after downloads, and the licences of folders."""
    cache = request.cache or request.output.absolute().parent / "public"
    paths, failures, licences = list[Path](), list[str](), dict[Path, str]()
    for source in request.sources:
        if not is_public(source):
            paths.append(Path(source).expanduser())
            continue
        watching["on_progress"](progress.Progress(f"Asking for {source}"))
        offer = find_offer(source, request.limit, should_stop=watching["should_stop"])
        question = offer.described(cache)
        if not request.yes and not confirm(question):
            raise CellTypeError(f"{question} Nothing was downloaded; agree with --yes.")
        files, failed = download(offer, cache, **watching)
        paths += files
        failures += failed
        licences |= dict.fromkeys(files, offer.licence)
    return paths, failures, licences


def _typed(
    recording: LabelledRecording, rules: Sequence[Rule], own_rules: bool
) -> tuple[LabelledRecording, str]:
    """Return a recording with labels of its cells, or why there are none."""
    opened = recording.recording
    if opened is None:
        return recording, ""
    labels = recording.labels
    has_file = labels is not None and not labels.is_dir()
    if has_file or find_label_file(recording.path, labels) is not None:
        return recording, "whose label file names no type."
    words = set(filter(None, opened.roi_texts.get("label", ())))
    types = {word: type_of_word(word, rules, recording.tree) for word in words}
    meaning = {word: name for word, name in types.items() if name is not None}
    if meaning:
        table = labels_of_file(opened, recording.tree, meaning) or LabelTable()
        rows = tuple(row for row in table if row.names_type)
        return replace(
            recording, rows=rows, notes=()
        ), "whose file names no known type."
    line = recording.line
    if not line:
        return recording, (
            "whose file names no known type."
            if words
            else "without labels and genotype."
        )
    if not own_rules and not tells_types(line):
        return replace(recording, rows=()), (
            f"whose genotype {line!r:.80} names no calcium indicator that its Cre line "
            f"alone drives, so that its cells may be of any type; a table of types "
            f"decides (terminal: --types; napari: Types)."
        )
    name = type_of(line, rules)
    is_cell = opened.merged_into < 0
    if opened.iscell is not None:
        is_cell &= opened.iscell
    ids = opened.roi_texts.get("cell_id", ("",) * opened.n_rois)
    rows = tuple(
        Label(i, name, opened.plane, "imported", cell_id=ids[i])
        for i in np.flatnonzero(is_cell).tolist()
        if name
    )
    return (
        replace(recording, rows=rows, notes=()),
        f"whose genotype {line!r:.80} no rule, or several, decide about.",
    )


def _write_rules(rules: Sequence[Rule], path: Path, force: bool) -> None:
    """Write a table of rules, unless the file holds just these."""
    with suppress(LabelError):
        if read_rules(path) == rules:
            return
    require_replaceable(path, force)
    write_rules(rules, path)


def _read(
    recordings: Sequence[LabelledRecording],
    reading: Reading,
    watching: Mapping[str, Any],
) -> tuple[DataSet, Any, list[str]]:
    """Read all traces; a recording whose traces cannot be read costs itself."""
    data = DataSet(tuple(recordings), name="data set")
    try:
        return data, reading.load(data, only_tested=True, **watching), []
    except RecordingError:
        failures, sound = list[str](), list[LabelledRecording]()
        for one in recordings:
            progress.raise_if_stopped(watching["should_stop"])
            try:
                _ = one.traces(reading.coefficient)[one.roi_ids]
                sound.append(one)
            except RecordingError as error:
                failures.append(str(error))
        if not failures or not sound:
            raise
    data = replace(data, recordings=tuple(sound))
    return data, reading.load(data, only_tested=True, **watching), failures


def _source(
    one: LabelledRecording,
    licences: Mapping[Path, str],
    should_stop: progress.ShouldStop,
) -> dict[str, Any]:
    """Describe a recording: its files, and what is known of it."""
    progress.raise_if_stopped(should_stop)
    opened = one.recording
    files = [one.path] if opened is None else [f for f in opened.files if f.is_file()]
    licence = next((licences[file] for file in files if file in licences), "")
    return {
        "name": one.name,
        "subject_id": one.subject,
        "session_id": one.session,
        **{name: text for name, text in one.facts.items() if text},
        **({"licence": licence} if licence else {}),
        "cells": dict(one.counts),
        "traces": [] if opened is None else [str(w) for w in opened.warnings],
        "files": {f.name: {"sha256": file_sha256(f)} for f in files},
    }
