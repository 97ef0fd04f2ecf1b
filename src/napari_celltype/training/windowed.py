"""Labelled cells as the windows that a model looks at, which fine-tuning learns from.

Recordings are brought down to the model's frame rate and cut inside their segments, as
they are when the model classifies them. All windows of a recording are used, whatever
the length of the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError, RecordingError, SamplingFrequencyError
from napari_celltype.labels import LabelledData, Targets, TraceSet, load_traces
from napari_celltype.labels.choices import apply_choices
from napari_celltype.labels.common_frames import CommonFrames
from napari_celltype.labels.gathering import columns_of
from napari_celltype.labels.labelled_data import fingerprint_of
from napari_celltype.labels.labelled_plane import (
    LabelledPlane,
    describe_file,
    merge_own_types,
    open_labelled_plane,
)
from napari_celltype.labels.notes import (
    first_few,
    notes_on_labels,
    notes_on_recordings,
    nothing_labelled,
    unusable_note,
)
from napari_celltype.labels.reading import Reading
from napari_celltype.labels.recording_list import (
    ListedPlane,
    find_listed_planes,
    read_recording_list,
)
from napari_celltype.models.card import ModelCard
from napari_celltype.models.windows import lively, plan_windows
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    raise_if_stopped,
)
from napari_celltype.recording import recording_names

# ROIs whose whole traces are read at once.
_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Windows:
    """Labelled data with one row for each window.

    Attributes
    ----------
    data : LabelledData
    cell : ndarray of int64, shape (n_windows,)
        The example that each window is of, from 0; windows of one follow each other.
    """

    data: LabelledData
    cell: NDArray[np.int64]

    @property
    def first(self) -> NDArray[np.int64]:
        """The first window of each example, shape (n_examples,)."""
        return np.flatnonzero(np.diff(self.cell, prepend=-1)).astype(np.int64)

    @property
    def cells(self) -> TraceSet:
        """The examples with all that is known of them; of the traces a window."""
        return self.data.traces.take(self.first)

    def means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return means over the windows of each example, shape (n_examples, ...)."""
        return means_by_cell(values, self.cell)


def means_by_cell(
    values: NDArray[np.float64], cell: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return means over the windows of each cell, which follow each other.

    Parameters
    ----------
    values : ndarray of float64, shape (n_windows, ...)
    cell : ndarray of int64, shape (n_windows,)
        From 0, ascending.
    """
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    n = np.bincount(cell).reshape(-1, *[1] * (values.ndim - 1))
    means: NDArray[np.float64] = np.add.reduceat(values, first, axis=0) / n
    return means


def whole_traces(data: LabelledData) -> Windows:
    """Return labelled data whose traces are not cut."""
    return Windows(data, np.arange(len(data.traces)))


def slowest_rate(data: str | Path | TraceSet, reading: Reading) -> float | None:
    """Return the frame rate (Hz) of the slowest recording, None where nobody knows it.

    Raises
    ------
    CellTypeError
        If a recording cannot be read.
    """
    if isinstance(data, TraceSet):
        return reading.sampling_frequency or data.sampling_frequency
    if _is_trace_set(data):
        return reading.sampling_frequency or load_traces(data).sampling_frequency
    planes, _ = _open(Path(data), reading, 0.0)
    rates = [p.sampling_frequency for p in planes if p.rows and p.sampling_frequency]
    return min(rates, default=None)


def load_windows(
    data: str | Path | TraceSet,
    card: ModelCard,
    reading: Reading,
    *,
    on_progress: OnProgress,
    should_stop: ShouldStop,
) -> Windows:
    """Read labelled data as a model would see them.

    Parameters
    ----------
    data : str, Path or TraceSet
        As for `load_labelled_data`. Of a trace set it is taken for granted that its
        traces have the neuropil taken away, or not, as the model wants it.
    card : ModelCard
        Its frame rate, window and neuropil hold.
    reading : Reading
        Without `timesteps`, `resample` and `neuropil`, which are the model's.
    on_progress, should_stop : callable
        See `napari_celltype.progress`.

    Raises
    ------
    LabelError
        If labels or options do not fit, or nothing is as long as a window.
    SamplingFrequencyError
        If a recording is slower than the model, or does not say its rate.
    RecordingError
        If a file is missing or cannot be read.
    Stopped
        If `should_stop` answered True.
    """
    if reading.timesteps is not None or reading.resample is not None:
        raise LabelError(
            f"Frame rate and length are those of the model {card.name!r} that training "
            "starts from; leave --resample and --timesteps out."
        )
    on_progress(Progress("Reading the labels"))
    if _is_trace_set(data):
        whole = replace(reading, neuropil="none").load(data)
        return _of_traces(whole, card)
    assert not isinstance(data, TraceSet)
    path = Path(data)
    coefficient = 0.0 if card.neuropil == "none" else float(card.neuropil)
    planes, tree = _open(path, reading, coefficient)
    labelled = [plane for plane in planes if plane.rows]
    if not labelled:
        raise LabelError(nothing_labelled(str(path), planes))
    parts: list[NDArray[np.float32]] = []
    counts: list[NDArray[np.int64]] = []
    short: list[str] = []
    for number, plane in enumerate(labelled):
        raise_if_stopped(should_stop)
        on_progress(
            Progress(f"Reading the traces of {plane.title}", number, len(labelled))
        )
        windows, n_windows = _cut(plane, card)
        if windows is None:
            short.append(plane.title)
        else:
            parts.append(windows)
        counts.append(n_windows)
    if not parts:
        raise LabelError(
            f"No labelled recording of {path} is as long as the {card.window_frames} "
            f"frames at {card.sampling_frequency:g} Hz that {card.name!r} looks at; "
            "use longer recordings, or train from scratch."
        )
    kept = [n > 0 for n in counts]
    unusable = [
        f"{plane.title} ROI {row.roi_id}"
        for plane, keep in zip(labelled, kept, strict=True)
        if plane.title not in short
        for row, good in zip(plane.rows, keep.tolist(), strict=True)
        if not good
    ]
    rows = LabelledData(
        _numbered(columns_of(labelled, kept), card),
        path.stem if path.is_file() else recording_names([planes[0].listed.folder])[0],
        tree,
        (
            *notes_on_labels(planes),
            *_notes(labelled, short, card),
            *unusable_note(unusable),
        ),
        "",
        [
            *([describe_file(path)] if path.is_file() else []),
            *(plane.described for plane in planes),
        ],
    )
    n_windows = np.concatenate([n[n > 0] for n in counts])
    return _assembled(rows, np.concatenate(parts), n_windows, reading)


def _of_traces(whole: LabelledData, card: ModelCard) -> Windows:
    """Cut the traces of a trace set, whose choices were made already."""
    traces = whole.traces
    if traces.sampling_frequency is None:
        raise SamplingFrequencyError(
            f"{whole.name} does not say its frame rate, so it cannot be brought to the "
            f"{card.sampling_frequency:g} Hz of {card.name!r}; give it in Hz "
            "(terminal: --fs 30)."
        )
    plan = plan_windows(card, traces.n_frames, traces.sampling_frequency, ())
    windows = plan.cut(traces.traces)
    alive = lively(windows)
    n_windows = alive.sum(axis=1)
    rows = np.flatnonzero(n_windows)
    numbers = np.arange(len(rows), dtype=np.float32)[:, None]
    columns = replace(traces, traces=traces.traces[:, :1]).take(rows)
    rate = card.sampling_frequency
    data = replace(
        whole, traces=replace(columns, traces=numbers, sampling_frequency=rate)
    )
    return _assembled(data, windows[alive], n_windows[rows], Reading())


def _numbered(columns: dict[str, Any], card: ModelCard) -> TraceSet:
    """Return examples with their number in the place of a trace.

    So it can be told afterwards which of them choices of the user have left.
    """
    numbers = np.arange(len(columns["labels"]), dtype=np.float32)[:, None]
    return TraceSet(numbers, sampling_frequency=card.sampling_frequency, **columns)


def _assembled(
    data: LabelledData,
    windows: NDArray[np.float32],
    n_windows: NDArray[np.int64],
    reading: Reading,
) -> Windows:
    """Apply the user's choices to numbered examples, and give them their windows."""
    rows, said = apply_choices(data.traces, data.tree, reading.merged, reading.left_out)
    chosen = rows.traces[:, 0].astype(np.int64)
    stops = np.cumsum(n_windows)
    of = [np.arange(stops[n] - n_windows[n], stops[n]) for n in chosen]
    cell = np.repeat(np.arange(len(chosen)), n_windows[chosen])
    traces = replace(rows.take(cell), traces=windows[np.concatenate(of)])
    classes = Targets.of(traces.labels, data.tree).classes
    if len(classes) < 2:
        raise LabelError(
            f"All labels of {data.name} leave one type only, {classes[0]}; a "
            "classifier needs cells of at least two."
        )
    whole = replace(
        data,
        traces=traces,
        notes=(*data.notes, *said),
        fingerprint=fingerprint_of(traces, data.tree),
    )
    return Windows(whole, cell)


def _cut(
    plane: LabelledPlane, card: ModelCard
) -> tuple[NDArray[np.float32] | None, NDArray[np.int64]]:
    """Return the windows of a plane's labelled ROIs, and how many each has.

    None in place of windows where the recording is shorter than one.
    """
    n_windows = np.zeros(len(plane.rows), dtype=np.int64)
    if plane.sampling_frequency is None:
        raise SamplingFrequencyError(
            f"{plane.listed.place}{plane.title} does not say its frame rate; give it "
            "in the column sampling_frequency of a recording list (terminal: --fs)."
        )
    try:
        plan = plan_windows(
            card, plane.n_frames, plane.sampling_frequency, plane.segments
        )
    except SamplingFrequencyError as error:
        raise SamplingFrequencyError(
            f"{plane.listed.place}{plane.title}: {error}"
        ) from None
    except RecordingError:
        return None, n_windows
    roi_ids = np.array([row.roi_id for row in plane.rows], dtype=np.int64)
    parts = []
    for start in range(0, len(roi_ids), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        traces = np.asarray(plane.traces[roi_ids[rows]], dtype=np.float32)
        finite: NDArray[np.bool_] = np.asarray(np.isfinite(traces).all(axis=1))
        windows = plan.cut(np.where(finite[:, None], traces, np.float32(0)))
        alive = lively(windows) & finite[:, None]
        n_windows[rows] = alive.sum(axis=1)
        parts.append(windows[alive])
    return np.concatenate(parts), n_windows


def _notes(
    labelled: list[LabelledPlane], short: list[str], card: ModelCard
) -> list[str]:
    # Windows lie inside segments, so that no trace goes across a join.
    no_joins = CommonFrames(
        0,
        card.sampling_frequency,
        (1.0,) * len(labelled),
        tuple(plane.title not in short for plane in labelled),
        (),
    )
    notes = notes_on_recordings(labelled, no_joins)
    if short:
        notes.append(
            f"{len(short)} of {len(labelled)} recordings are shorter than the "
            f"{card.window_frames} frames of a window and were left out: "
            f"{first_few(short)}."
        )
    return notes


def _open(
    path: Path, reading: Reading, coefficient: float
) -> tuple[list[LabelledPlane], TypeTree]:
    listed = _planes(path, reading)
    tree = merge_own_types(listed, DEFAULT_TYPES)
    names = recording_names([plane.folder for plane in listed])
    return [
        open_labelled_plane(
            plane,
            name,
            tree,
            sampling_frequency=reading.sampling_frequency,
            neuropil_coefficient=coefficient,
            with_predictions=reading.with_predictions,
        )
        for plane, name in zip(listed, names, strict=True)
    ], tree


def _planes(path: Path, reading: Reading) -> list[ListedPlane]:
    path = path.expanduser()
    if path.suffix.lower() == ".csv":
        return list(read_recording_list(path, reading.plane).planes)
    return find_listed_planes(path, reading.plane, reading.labels)


def _is_trace_set(data: str | Path | TraceSet) -> bool:
    return isinstance(data, TraceSet) or Path(data).suffix.lower() == ".npz"
