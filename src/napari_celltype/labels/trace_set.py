"""Labelled traces without images: the `NAME.npz` data set that training reads.

The archive holds `traces` (n_examples, n_frames), `labels` (n_examples,) and, where
known, `subject_id`, `session_id`, `cell_id`, `line`, `label_source`, `n_pixels`,
`plane`, `native_frames`, `native_sampling_frequency` (n_examples,) and
`sampling_frequency` (Hz). It is read without pickle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import CellTypeError, LabelError
from napari_celltype.files import write_atomically
from napari_celltype.labels.table import SOURCES
from napari_celltype.recording import load_npz

# What an example may say about its origin; splits by subject, session or cell need it.
ORIGINS = ("subject_id", "session_id", "cell_id", "line")
TEXTS = (*ORIGINS, "label_source")
# What a recording was like before its traces were cut to one length and rate.
RECORDED = ("n_pixels", "plane", "native_frames", "native_sampling_frequency")


@dataclass(frozen=True, eq=False)
class Cells:
    """Labelled cells without their traces; the columns are those of a `TraceSet`."""

    labels: NDArray[np.str_]
    subject_id: NDArray[np.str_] | None = None
    session_id: NDArray[np.str_] | None = None
    cell_id: NDArray[np.str_] | None = None
    line: NDArray[np.str_] | None = None
    label_source: NDArray[np.str_] | None = None
    recorded: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    def counts(self) -> dict[str, int]:
        """Return the number of cells of each label, sorted by name."""
        names, counts = np.unique(self.labels, return_counts=True)
        return dict(zip(names.tolist(), counts.tolist(), strict=True))

    def take(self, rows: Sequence[int] | NDArray[Any]) -> Cells:
        """Return the cells at `rows` (indices or a boolean mask), in that order."""
        index = np.asarray(rows)
        columns: dict[str, Any] = {
            name: None if (values := getattr(self, name)) is None else values[index]
            for name in ("labels", *TEXTS)
        }
        recorded = {name: values[index] for name, values in self.recorded.items()}
        return Cells(**columns, recorded=recorded)

    def with_traces(
        self, traces: NDArray[np.float32], sampling_frequency: float | None
    ) -> TraceSet:
        """Return the cells with their traces, shape (n_cells, n_frames)."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        return TraceSet(traces, sampling_frequency=sampling_frequency, **columns)


@dataclass(frozen=True, eq=False)
class TraceSet:
    """Traces of cells whose type is known, one row per example.

    Attributes
    ----------
    traces : ndarray of float32, shape (n_examples, n_frames)
        Fluorescence, in any unit that the whole set shares.
    labels : ndarray of str, shape (n_examples,)
        A type, a parent or a negation, in canonical spelling.
    subject_id, session_id, cell_id, line : ndarray of str or None, shape (n_examples,)
        Animal, recording, neuron and mouse line of each example.
    sampling_frequency : float or None
        Frames per second, Hz.
    label_source : ndarray of str or None, shape (n_examples,)
        ``histology``, ``redcell``, ``manual``, ``imported`` or ``prediction``, as in a
        label table; None: all ground truth.
    recorded : mapping of str to ndarray of float64, each (n_examples,)
        What is known of `RECORDED`: pixels of the ROI, number of its plane, and frames
        and frame rate (Hz) of the recording; NaN where it is not known.

    Raises
    ------
    LabelError
        If the arrays do not fit each other, are empty, a label source is unknown, or
        the frame rate is not a positive number.
    """

    traces: NDArray[np.float32]
    labels: NDArray[np.str_]
    subject_id: NDArray[np.str_] | None = None
    session_id: NDArray[np.str_] | None = None
    cell_id: NDArray[np.str_] | None = None
    line: NDArray[np.str_] | None = None
    sampling_frequency: float | None = None
    label_source: NDArray[np.str_] | None = None
    recorded: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        traces = np.asarray(self.traces)
        if traces.ndim != 2 or 0 in traces.shape:
            raise LabelError(
                f"'traces' has the shape {traces.shape}, expected (n_examples, "
                "n_frames) with at least one of each; check what was saved."
            )
        n = len(traces)
        columns: dict[str, Any] = {
            "traces": _checked("traces", traces, n, "fiu", np.float32),
            "labels": _checked("labels", self.labels, n, "US", np.str_),
        }
        for name in TEXTS:
            if (values := getattr(self, name)) is not None:
                # Subjects are often plain numbers; they are names all the same.
                columns[name] = _checked(name, values, n, "USiu", np.str_)
        if strange := sorted(set(self.recorded) - set(RECORDED)):
            raise LabelError(
                f"{strange[0]!r} is none of {', '.join(RECORDED)}; leave it out or "
                "rename it."
            )
        columns["recorded"] = {
            name: _checked(name, values, n, "fiu", np.float64)
            for name, values in self.recorded.items()
        }
        if (sources := columns.get("label_source")) is not None:
            for row in np.flatnonzero(~np.isin(sources, SOURCES)).tolist():
                raise LabelError(
                    f"Row {row} has the label_source {str(sources[row])!r}; use one of "
                    f"{', '.join(SOURCES)}."
                )
        if self.sampling_frequency is not None:
            rate = np.asarray(self.sampling_frequency)
            if rate.size != 1 or rate.dtype.kind not in "fiu" or not 0 < rate < np.inf:
                raise LabelError(
                    f"'sampling_frequency' is {rate}, expected a positive number of "
                    "frames per second; correct it or leave it out."
                )
            columns["sampling_frequency"] = float(rate.reshape(()))
        for name, value in columns.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.traces)

    @property
    def n_frames(self) -> int:
        """Number of frames of every trace."""
        return int(self.traces.shape[1])

    @property
    def cells(self) -> Cells:
        """All that is known of the examples besides their traces."""
        return Cells(**{f.name: getattr(self, f.name) for f in fields(Cells)})

    def counts(self) -> dict[str, int]:
        """Return the number of examples of each label, sorted by name."""
        return self.cells.counts()

    def take(self, rows: Sequence[int] | NDArray[Any]) -> TraceSet:
        """Return the examples at `rows` (indices or a boolean mask), in that order."""
        traces = self.traces[np.asarray(rows)]
        return self.cells.take(rows).with_traces(traces, self.sampling_frequency)


def load_traces(path: str | Path, tree: TypeTree = DEFAULT_TYPES) -> TraceSet:
    """Read a labelled trace set from `NAME.npz`, without pickle.

    Parameters
    ----------
    tree : TypeTree
        Vocabulary; aliases such as ``SST`` become canonical (``SOM``).

    Raises
    ------
    RecordingError
        If the file is missing, is no archive of plain arrays, or would unpack to an
        absurd size.
    LabelError
        If an array is missing or does not fit, or a label is no known type.
    """
    path = Path(path)
    arrays = load_npz(path)
    missing = [name for name in ("traces", "labels") if name not in arrays]
    if missing:
        raise LabelError(
            f"{path} holds no array {' and no array '.join(map(repr, missing))}, only "
            f"{', '.join(sorted(arrays)) or 'nothing'}; save it with "
            f"numpy.savez(path, traces=..., labels=...)."
        )
    try:
        read = TraceSet(
            arrays["traces"],
            arrays["labels"],
            **{name: arrays.get(name) for name in TEXTS},
            sampling_frequency=arrays.get("sampling_frequency"),  # type: ignore[arg-type]
            recorded={name: arrays[name] for name in RECORDED if name in arrays},
        )
        names, rows = np.unique(read.labels, return_index=True)
        known = {}
        for row, name in sorted(zip(rows.tolist(), names.tolist(), strict=True)):
            try:
                known[name] = tree.canonical(name)
            except LabelError as error:
                raise LabelError(f"Row {row}: {error}") from None
    except CellTypeError as error:
        raise LabelError(f"{path}: {error}") from None
    return replace(read, labels=np.array([known[n] for n in read.labels.tolist()]))


def save_traces(trace_set: TraceSet, path: str | Path) -> Path:
    """Write a labelled trace set as `NAME.npz`, in one step.

    Raises
    ------
    LabelError
        If the name does not end in ``.npz``.
    OutputError
        If the file cannot be written.
    """
    path = require_npz(Path(path))
    return write_atomically(path, lambda file: write_traces(trace_set, file))


def require_npz(path: Path) -> Path:
    """Return the path of a trace set, which has to end in ``.npz``."""
    if path.suffix != ".npz":
        raise LabelError(
            f"{path} does not end in .npz, as a trace set must; rename it."
        )
    return path


def write_traces(trace_set: TraceSet, file: BinaryIO) -> None:
    """Write a labelled trace set to an open binary file."""
    arrays = {name: getattr(trace_set, name) for name in ("traces", "labels", *TEXTS)}
    arrays |= trace_set.recorded
    if trace_set.sampling_frequency is not None:
        arrays["sampling_frequency"] = np.array(trace_set.sampling_frequency)
    np.savez(file, **{n: values for n, values in arrays.items() if values is not None})


def _checked(name: str, values: Any, n: int, kinds: str, dtype: Any) -> NDArray[Any]:
    """Return one value per example, of a kind that `dtype` can hold."""
    values = np.asarray(values)
    n_axes = 2 if name == "traces" else 1
    if values.ndim != n_axes or len(values) != n:
        raise LabelError(
            f"{name!r} has the shape {values.shape} and there are {n} traces; give one "
            "value for each trace."
        )
    if values.dtype.kind not in kinds:
        expected = "text" if "U" in kinds else "real numbers"
        raise LabelError(
            f"{name!r} holds {values.dtype} values, expected {expected}; check what "
            "was saved."
        )
    with np.errstate(over="ignore"):
        checked = np.ascontiguousarray(values, dtype=dtype).view()
    checked.flags.writeable = False
    return checked


def identity(traces: TraceSet | Cells, column: str) -> NDArray[np.str_] | None:
    """Return names that differ where the origins do, shape (n_examples,)."""
    # Day 1 of two animals is two sessions, and cell 7 of two animals is two cells, so
    # both carry the animal where it is known. An empty cell name means that nothing is
    # known, and such an example is a cell of its own.
    names: NDArray[np.str_] | None = getattr(traces, column)
    if names is None or not (names != "").any():
        return None
    full = names
    if column in ("session_id", "cell_id") and traces.subject_id is not None:
        full = np.char.add(np.char.add(traces.subject_id, "\x1f"), names)
    if column == "cell_id":
        own = np.char.add("\x1f\x1f", np.arange(len(names)).astype(str))
        full = np.where(names == "", own, full)
    return full
