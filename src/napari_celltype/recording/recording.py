"""What a recording is: traces, ROI masks, images, frame rate, segments, movie."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_celltype.errors import RecordingError, SamplingFrequencyError
from napari_celltype.findings import Finding
from napari_celltype.recording.frames import LazyFrames
from napari_celltype.recording.npy import FileStamp, describe_changes


class Traces(Protocol):
    """A (n_rois, n_frames) float32 array in memory, or one read in blocks."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102
    def __getitem__(self, key: Any, /) -> NDArray[np.float32]: ...


@dataclass(frozen=True, eq=False)
class Roi:
    """One region of interest: rows, columns and weights of its pixels, (n_pixels,)."""

    ypix: NDArray[np.int64]
    xpix: NDArray[np.int64]
    lam: NDArray[np.float32]

    @cached_property
    def centroid(self) -> tuple[float, float]:
        """Mean row and column of the pixels; NaN without pixels."""
        if not self.ypix.size:
            return float("nan"), float("nan")
        return float(self.ypix.mean()), float(self.xpix.mean())


@dataclass(frozen=True)
class Segment:
    """Frames `start` (inclusive) to `stop` (exclusive) with no join or bad frame."""

    start: int
    stop: int
    # Whether only bad frames lie between it and the segment before it.
    continues: bool = field(default=False, compare=False)


def frames_inside(segments: Sequence[Segment], n_frames: int) -> NDArray[np.bool_]:
    """Tell which frames lie in a segment, (n_frames,)."""
    inside = np.zeros(n_frames, dtype=bool)
    for segment in segments:
        inside[segment.start : segment.stop] = True
    return inside


def segments_between(
    joins: Collection[int], bad: NDArray[np.bool_]
) -> tuple[Segment, ...]:
    """Cut the frames of a recording before each join and at bad frames."""
    cut = np.zeros(len(bad) + 1, dtype=bool)
    cut[[0, -1, *joins]] = True
    cut[np.flatnonzero(np.diff(bad)) + 1] = True
    edges = np.flatnonzero(cut)
    starts, stops = (side[~bad[edges[:-1]]] for side in (edges[:-1], edges[1:]))
    stretch = np.searchsorted(sorted(joins), starts, "right")
    continues = np.diff(stretch, prepend=-1) == 0
    columns = (column.tolist() for column in (starts, stops, continues))
    return tuple(map(Segment, *columns))


# Two frames that are further apart, in seconds and in frames, are not continuous.
_GAP_SECONDS, _GAP_FRAMES = 1.0, 1.5


def rate_and_gaps(times: NDArray[Any]) -> tuple[float | None, list[int]]:
    """Return the frame rate (Hz) by the times of frames (s), and those after a gap.

    Times that are not finite are passed over; the rate is None where time stands still.
    """
    frames = np.flatnonzero(np.isfinite(times))
    steps = np.diff(frames)
    apart = np.diff(times[frames].astype(np.float64)) / steps
    if not len(apart) or (apart <= 0).any():
        return None, []
    usual = float(np.median(apart))
    late = (apart - usual) * steps + usual > max(_GAP_SECONDS, _GAP_FRAMES * usual)
    return 1 / usual, frames[1:][late].tolist()


def file_in(path: Path, suffixes: Collection[str]) -> Path | None:
    """Return the file that a path is or is a part of, by its name alone."""
    places = (path, path.parent)
    return next((p for p in places if p.suffix.lower() in suffixes), None)


# Where a frame rate came from, and so how sure of it we are.
FROM_USER = "user"
FROM_TIFF = "TIFF metadata"
FROM_SUITE2P = "suite2p settings"
UNCONFIRMED = "suite2p default of 10 Hz, unconfirmed"
UNKNOWN = "unknown"
# Rates that differ by less are one rate, written with different care.
SAME_RATE = 0.02
# Codes of findings that go when the frame rate, or the frame size, is known for sure.
RATE_UNKNOWN, RATE_UNCONFIRMED = "frame-rate-unknown", "frame-rate-unconfirmed"
ANOTHER_RATE, RATE_OF_TIFF = "movie-of-another-rate", "frame-rate-of-tiff"
RATE_DOUBTS = (RATE_UNKNOWN, RATE_UNCONFIRMED, ANOTHER_RATE)
FRAME_SIZE_GUESSED = "frame-size-guessed"
# What traces are, in words; of several in a file the first is taken.
TRACE_KINDS = {
    "raw": "raw fluorescence",
    "demixed": "raw fluorescence after demixing",
    "corrected": "fluorescence after neuropil correction",
    "dF/F": "dF/F",
    "scaled": "z-scored or normalised fluorescence",
}
ONLY_DFF = "only-df-over-f"
DFF_ALONE = Finding(
    ONLY_DFF,
    "The file holds dF/F and no raw fluorescence, and the bundled models learnt raw "
    "fluorescence; trust a model that was trained on dF/F.",
)
NO_MASKS = Finding(
    "no-masks",
    "The file holds no masks of the ROIs, so that they cannot be drawn; their traces "
    "are classified all the same.",
)
NEUROPIL_UNLIKE_TRACES = "neuropil-unlike-traces"
# Code of the finding that files were taken for one acquisition.
TAKEN_FOR_CONTINUOUS = "taken-for-continuous"


@dataclass(frozen=True)
class Pipeline:
    """The program that made the ROIs and traces, as the files say, and its paper."""

    name: str
    version: str | None
    citation: str


@dataclass(frozen=True, eq=False)
class Recording:
    """One plane of a recording; all arrays are read-only.

    Attributes
    ----------
    raw_traces : Traces, shape (n_rois, n_frames), float32
        suite2p `F.npy`: raw fluorescence.
    rois : sequence of Roi
        In the row order of `stat.npy`; empty for traces from elsewhere.
    sampling_frequency, sampling_frequency_source : float or None, str
        Frames per second of this plane, Hz, and where that came from, in words.
    segments : tuple of Segment
        Frame ranges between which nothing is continuous.
    boundaries : tuple of int
        Frames at which another file or folder begins, whether it is a join or not.
    frame_shape : tuple of int
        (Ly, Lx), pixels.
    images : mapping of str to ndarray, shape (Ly, Lx)
        Named projections: "mean image", "max projection", ...
    neuropil : Traces or None
        suite2p `Fneu.npy`, shape (n_rois, n_frames), float32.
    iscell, redcell : ndarray of bool or None, shape (n_rois,)
    redcell_values : ndarray of float64 or None, shape (n_rois,)
        What the pipeline decided `redcell` by.
    second_channel : Traces or None
        Fluorescence of the other channel, (n_rois, any number of frames).
    merged_into : ndarray of int64, shape (n_rois,)
        Row of the merged ROI that a part belongs to; -1 for ROIs that stand alone.
    movie : LazyFrames or None
        Lazy (n_frames, Ly, Lx).
    plane, functional_channel : int
        Those that the traces are of, counted from 0.
    n_planes, n_channels : int
        How many take turns in the movie that suite2p was run on.
    path, pipeline : Path or None, Pipeline or None
        The plane folder, and what wrote it; None for traces from elsewhere.
    neuropil_coefficient : float or None
        What suite2p used to subtract neuropil before deconvolution.
    pixel_size : tuple of float or None
        Height and width of a pixel, micrometres, where the TIFF's metadata say.
    files : mapping of Path to FileStamp
        Size and time of change of the files that were read.
    trace_kind : str
        What `raw_traces` are, in words; a data set cannot mix two kinds.
    facts : mapping of str to str
        What the file says by itself: subject_id, session_id, line, indicator, region,
        species, age, sex.
    roi_texts : mapping of str to tuple of str, each (n_rois,)
        What the file says of each ROI: label (in its own words), label_source, cell_id.
    warnings : tuple of Finding
        What was unusual in the files.
    """

    raw_traces: Traces
    rois: Sequence[Roi] = ()
    sampling_frequency: float | None = None
    sampling_frequency_source: str = UNKNOWN
    segments: tuple[Segment, ...] = ()
    boundaries: tuple[int, ...] = ()
    frame_shape: tuple[int, int] = (0, 0)
    images: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    neuropil: Traces | None = None
    iscell: NDArray[np.bool_] | None = None
    redcell: NDArray[np.bool_] | None = None
    redcell_values: NDArray[np.float64] | None = None
    second_channel: Traces | None = None
    merged_into: NDArray[np.int64] = field(
        default_factory=lambda: np.empty(0, dtype=np.int64)
    )
    movie: LazyFrames | None = None
    plane: int = 0
    n_planes: int = 1
    n_channels: int = 1
    functional_channel: int = 0
    path: Path | None = None
    neuropil_coefficient: float | None = None
    pipeline: Pipeline | None = None
    pixel_size: tuple[float, float] | None = None
    files: Mapping[Path, FileStamp] = field(default_factory=dict)
    trace_kind: str = TRACE_KINDS["raw"]
    facts: Mapping[str, str] = field(default_factory=dict)
    roi_texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.merged_into):
            alone = np.full(self.n_rois, -1, dtype=np.int64)
            alone.flags.writeable = False
            object.__setattr__(self, "merged_into", alone)

    @classmethod
    def from_traces(
        cls,
        traces: ArrayLike,
        *,
        sampling_frequency: float,
        neuropil: ArrayLike | None = None,
    ) -> Recording:
        """Make a recording of traces that come from elsewhere.

        Parameters
        ----------
        traces, neuropil : array_like, shape (n_rois, n_frames)
            Raw fluorescence, any unit; copied as float32.
        sampling_frequency : float
            Frames per second, Hz.

        Raises
        ------
        RecordingError
            If the arrays are empty, not two-dimensional or of different shapes.
        SamplingFrequencyError
            If the frame rate is not a positive number.
        """
        raw = _read_only_matrix(traces, "traces")
        around = None if neuropil is None else _read_only_matrix(neuropil, "neuropil")
        if around is not None and around.shape != raw.shape:
            raise RecordingError(
                f"The traces have shape {raw.shape} and the neuropil {around.shape}; "
                f"give one row of neuropil for each trace."
            )
        return cls(
            raw_traces=raw,
            neuropil=around,
            sampling_frequency=require_possible(sampling_frequency),
            sampling_frequency_source=FROM_USER,
            segments=(Segment(0, raw.shape[1]),),
        )

    @property
    def n_rois(self) -> int:
        """Number of ROIs (rows of F.npy)."""
        return self.raw_traces.shape[0]

    @property
    def n_frames(self) -> int:
        """Number of frames (columns of F.npy)."""
        return self.raw_traces.shape[1]

    @property
    def sampling_frequency_confirmed(self) -> bool:
        """Whether the frame rate is known and is not suite2p's untouched default."""
        return self.sampling_frequency_source not in (UNCONFIRMED, UNKNOWN)

    def with_sampling_frequency(
        self, sampling_frequency: float | None, source: str = FROM_USER
    ) -> Recording:
        """Return the recording with a frame rate (Hz) that somebody vouches for.

        None leaves it as it is. `SamplingFrequencyError` if it is no positive number.
        """
        if sampling_frequency is None:
            return self
        settled = (*RATE_DOUBTS, RATE_OF_TIFF)
        return replace(
            self,
            sampling_frequency=require_possible(sampling_frequency),
            sampling_frequency_source=source,
            warnings=tuple(w for w in self.warnings if w.code not in settled),
        )

    def with_joins(self, joins: str) -> Recording:
        """Return the recording with other `segments`.

        ``auto`` keeps them, ``continuous`` has no join, ``break`` one at each file.
        """
        joined = {s.start for s in self.segments[1:] if not s.continues}
        choices = {"continuous": set(), "break": joined.union(self.boundaries)}
        if joins == "auto":
            return self
        if joins not in choices:
            raise RecordingError(
                f"joins is {joins!r}; use auto, {' or '.join(choices)}."
            )
        bad = ~frames_inside(self.segments, self.n_frames)
        return replace(
            self,
            segments=segments_between(choices[joins], bad),
            warnings=tuple(w for w in self.warnings if w.code != TAKEN_FOR_CONTINUOUS),
        )

    def changed_on_disk(self) -> str | None:
        """Say in one sentence which files changed since they were read, or None."""
        return describe_changes(self.files)


def require_possible(sampling_frequency: float) -> float:
    """Return the frame rate as float, or `SamplingFrequencyError` if none can be so."""
    try:
        rate = float(sampling_frequency)
    except (TypeError, ValueError):
        rate = math.nan
    if not (math.isfinite(rate) and rate > 0):
        raise SamplingFrequencyError(
            f"A frame rate of {sampling_frequency!r} Hz is impossible; give the frames "
            f"per second of one plane, such as 30."
        )
    return rate


def possible_rate(
    value: object, source: object, warnings: list[Finding]
) -> float | None:
    """Return the frame rate that a file says, Hz; None and a finding if none can be."""
    try:
        return require_possible(np.asarray(value).item())
    except (SamplingFrequencyError, ValueError):
        sentence = f"{source} does not say a frame rate that is possible."
        warnings.append(Finding(RATE_UNKNOWN, sentence))
        return None


def require_known_rate(sampling_frequency: float | None, what: object) -> float:
    """Return the frame rate, Hz, or raise `SamplingFrequencyError` if it is None."""
    if sampling_frequency is None:
        raise SamplingFrequencyError(
            f"{what or 'The recording'} does not say its frame rate; give the frames "
            f"per second of one plane in Hz (terminal: --fs 30; napari: the frame rate "
            f"box of Classify)."
        )
    return sampling_frequency


def _read_only_matrix(values: ArrayLike, name: str) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        matrix = np.array(values, dtype=np.float32)
    if matrix.ndim != 2 or not matrix.size:
        raise RecordingError(
            f"The {name} have shape {matrix.shape}; give one row per ROI and one "
            f"column per frame."
        )
    matrix.flags.writeable = False
    return matrix
