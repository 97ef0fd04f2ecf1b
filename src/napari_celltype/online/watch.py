"""Follow a source, and say every few seconds which types its ROIs seem to be."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_celltype.answers import ClassifyRequest, Predictions
from napari_celltype.answers.classify import Done, predictions_of
from napari_celltype.answers.provenance import provenance
from napari_celltype.answers.shares import training_shares
from napari_celltype.celltypes import UNSURE, prior_shares
from napari_celltype.errors import ModelError, OutputError
from napari_celltype.export import write_table
from napari_celltype.findings import Finding
from napari_celltype.models import DEFAULT_MODEL, load_model
from napari_celltype.online.sources import POLL_TIME, Source, open_source
from napari_celltype.parameters import (
    REQUIRED,
    frame_rate_parameter,
    parameter,
    values_of,
)
from napari_celltype.progress import ShouldStop, never_stop
from napari_celltype.recording import (
    FROM_USER,
    RATE_DOUBTS,
    Recording,
    Segment,
    find_planes,
    open_recording,
    recording_names,
    require_known_rate,
)

if TYPE_CHECKING:
    from napari_celltype.models import CellTypeModel

_MOST_FINDINGS = 100  # that are kept


@dataclass(frozen=True)
class WatchRequest:
    """Which source is followed, and for how long."""

    source: str = parameter(
        REQUIRED,
        "What grows: suite2p's data.bin, an .npy or raw float32 file of frames by "
        "ROIs, or a socket tcp://HOST:PORT; see docs/online.md.",
        argument=True,
        metavar="SOURCE",
    )
    masks: Path | None = parameter(
        None,
        "The recording whose ROIs are followed, such as a plane folder; for data.bin "
        "its own folder by default.",
    )
    n_rois: int | None = parameter(
        None, "ROIs of a raw float32 file.", option="--rois", minimum=1
    )
    sampling_frequency: float | None = frame_rate_parameter()
    every: float = parameter(
        10.0, "Seconds between updates.", metavar="S", minimum=0.1, unit="s"
    )
    until: float | None = parameter(
        None, "End after so many seconds of recording.", metavar="S", minimum=0
    )


@dataclass(frozen=True, eq=False)
class Update:
    """What is known of a source at one time."""

    source: str
    n_frames: int
    sampling_frequency: float  # Hz
    first_answer: float  # s, length of the first window
    predictions: Predictions | None  # None before a first window is full
    is_new: bool  # whether the predictions differ from those of the last update
    findings: tuple[Finding, ...]  # since the last update
    settings: dict[str, Any]  # as asked for

    @property
    def seconds(self) -> float:
        """Length of the recording so far."""
        return self.n_frames / self.sampling_frequency

    @cached_property
    def named(self) -> dict[str, int]:
        """How many ROIs each type was found for."""
        if self.predictions is None:
            return {}
        found = Counter(map(str, self.predictions.decisions.predicted))
        return {name: found[name] for name in self.predictions.classes if found[name]}

    @cached_property
    def certainty(self) -> float:
        """Median probability of the predicted types; NaN before there are any."""
        if not self.named or self.predictions is None:
            return math.nan
        decisions = self.predictions.decisions
        some = np.asarray(decisions.predicted) != UNSURE
        return float(np.median(np.asarray(decisions.probability)[some]))

    @property
    def line(self) -> str:
        """What is known, in one line."""
        begin = f"{self.n_frames:,} frames, {self.seconds:.1f} s: "
        if self.predictions is None:
            return f"{begin}first answer after {self.first_answer:g} s"
        types = ", ".join(f"{name} {n}" for name, n in self.named.items())
        return (
            f"{begin}{sum(self.named.values())} of {self.predictions.recording.n_rois} "
            f"ROIs named ({types or 'none'}), median certainty {self.certainty:.2f}"
        )

    def values(self) -> dict[str, Any]:
        """Return the update in plain values for JSON; of ROIs where it is new."""
        found: dict[str, Any] = {
            "source": self.source,
            "n_frames": self.n_frames,
            "seconds": round(self.seconds, 3),
            "named": self.named,
            "certainty": None if math.isnan(self.certainty) else self.certainty,
            "findings": [{"code": f.code, "sentence": str(f)} for f in self.findings],
        }
        if self.predictions is not None and self.is_new:
            decisions = self.predictions.decisions
            chance = np.asarray(decisions.probability, dtype=float)
            found |= {
                "predicted": list(map(str, decisions.predicted)),
                "probability": [None if c != c else round(c, 6) for c in chance],
                "n_windows": self.predictions.n_windows.tolist(),
            }
        return found

    def write(self, output: Path, *, force: bool = False) -> None:
        """Write the output table and its provenance, in one step each.

        `OutputError` if it cannot be written, or there is no answer yet.
        """
        if self.predictions is None:
            raise OutputError(f"{output}: No window is full yet; wait for the first.")
        done = Done.of(self.predictions)
        origin = provenance([done.inputs], [done.card], self.settings)
        write_table(done.table, output, force=force, provenance=origin)


def watch(
    source: str | Path,
    model: str = DEFAULT_MODEL,
    *,
    masks: str | Path | None = None,
    n_rois: int | None = None,
    sampling_frequency: float | None = None,
    every: float = 10.0,
    until: float | None = None,
    device: str = "auto",
    should_stop: ShouldStop = never_stop,
) -> Iterator[Update]:
    """Classify ROIs while they are recorded.

    Parameters
    ----------
    source : str or Path
        A growing ``data.bin`` of suite2p, an ``.npy`` or raw float32 file of frames by
        ROIs, or a socket ``tcp://HOST:PORT``; docs/online.md describes them.
    model, device : str
        As of `classify`.
    masks : str or Path, optional
        The recording whose ROIs are followed; for ``data.bin`` its folder by default.
    n_rois : int, optional
        Of a raw float32 file.
    sampling_frequency : float, optional
        Frames per second, Hz, where `masks` do not say or say it wrong.
    every : float
        Seconds between updates.
    until : float, optional
        Seconds of recording after which to end.
    should_stop : callable, optional
        Asked several times a second; after True comes a last update.

    Yields
    ------
    Update
        ``update.predictions.table()`` is the output table of the windows so far.

    Raises
    ------
    RecordingError, SamplingFrequencyError, ModelError
        Before the first update, with one sentence that says what to do. What goes wrong
        later is among the findings of an update.
    """
    request = WatchRequest(
        str(source),
        None if masks is None else Path(masks),
        n_rois,
        sampling_frequency,
        every,
        until,
    )
    classifying = ClassifyRequest(model, device)
    return follow(request, classifying, should_stop=should_stop)


def follow(
    request: WatchRequest,
    classifying: ClassifyRequest,
    *,
    recording: Recording | None = None,
    should_stop: ShouldStop = never_stop,
) -> Iterator[Update]:
    """Do what `watch` does, with all that can be asked for.

    `recording` is the one of the masks where it is open already.
    """
    path, masks = Path(request.source), request.masks
    if (
        recording is None
        and masks is None
        and (path.is_dir() or (path.parent / "stat.npy").is_file())
    ):
        masks = path if path.is_dir() else path.parent
    is_movie = path.suffix != ".npy" and request.n_rois is None
    if masks is not None and (is_movie or request.masks is not None):
        recording = open_recording(masks, in_memory=False)
    if path.is_dir():
        # The frames are those of the source, whoever the masks are of.
        folder = path if (path / "data.bin").is_file() else find_planes(path)[0]
        path = folder / "data.bin"
    name = request.source if request.source.startswith("tcp:") else str(path)
    known = None if recording is None else recording.sampling_frequency
    rate = require_known_rate(request.sampling_frequency or known, name)
    model = _fitting_model(classifying, rate)
    source = open_source(name, masks=recording, n_rois=request.n_rois)
    if recording is None:
        recording = Recording(np.empty((0, 0), dtype=np.float32))
    if request.sampling_frequency is not None:
        recording = recording.with_sampling_frequency(rate, FROM_USER)
    settings = values_of(request) | values_of(classifying)
    settings = {n: str(v) if isinstance(v, Path) else v for n, v in settings.items()}
    return _updates(
        source, recording, rate, model, request, classifying, settings, should_stop
    )


def _fitting_model(classifying: ClassifyRequest, rate: float) -> CellTypeModel:
    model = load_model(classifying.model, rate)
    if model.card.neuropil != "none":
        raise ModelError(
            f"The model {model.card.name!r} was trained on F - "
            f"{model.card.neuropil:g} * Fneu, but while recording only raw traces are "
            "followed; take a model of raw traces."
        )
    shares = training_shares(model.card)
    prior_shares(classifying.prior or {}, model.card.classes, shares)
    return model


def _updates(
    source: Source,
    recording: Recording,
    rate: float,
    model: CellTypeModel,
    request: WatchRequest,
    classifying: ClassifyRequest,
    settings: dict[str, Any],
    should_stop: ShouldStop,
) -> Iterator[Update]:
    from napari_celltype.online.stream import TraceStream

    def new_stream(n_rois: int) -> TraceStream:
        return TraceStream(model, n_rois, rate, device=classifying.device)

    # Whatever of the model does not fit is said before anything is waited for.
    stream = new_stream(source.n_rois or 1)
    most = math.inf if request.until is None else max(1, round(request.until * rate))
    all_findings: deque[Finding] = deque(maxlen=_MOST_FINDINGS)
    findings = [w for w in recording.warnings if w.code in RATE_DOUBTS]
    predictions, n_seen = None, 0
    last = time.monotonic()
    try:
        for block in source:
            findings += block.findings
            all_findings += block.findings
            if len(block.frames):
                n_rois = block.frames.shape[1]
                if n_rois != stream.n_rois:
                    stream = new_stream(n_rois)
                if block.joins:
                    stream.join()
                stream.add(block.frames[: int(min(most - stream.n_frames, 2**62))])
            stream.work(POLL_TIME)
            ends = stream.n_frames >= most or should_stop()
            if not (ends or findings or time.monotonic() - last >= request.every):
                continue
            if ends:
                stream.finish()
            is_new = stream.n_windows > n_seen
            if is_new:
                n_seen = stream.n_windows
                seen = _seen(recording, stream.n_rois, stream.n_frames, all_findings)
                where = seen.path
                predictions = predictions_of(
                    replace(seen, sampling_frequency=rate),
                    classifying,
                    model,
                    stream.predicted(),
                    name=recording_names([where])[0] if where else source.name,
                )
            last = time.monotonic()
            yield Update(
                source.name,
                stream.n_frames,
                rate,
                stream.window_frames / rate,
                predictions,
                is_new,
                tuple(findings),
                settings,
            )
            findings = []
            if ends:
                return
    finally:
        source.close()


def _seen(
    recording: Recording, n_rois: int, n_frames: int, findings: deque[Finding]
) -> Recording:
    """Return the recording so far, of whose traces only the number is kept."""
    nothing = np.broadcast_to(np.float32(0), (n_rois, n_frames))
    return replace(
        recording,
        raw_traces=nothing,
        segments=(Segment(0, n_frames),),
        boundaries=(),
        neuropil=None,
        second_channel=None,
        movie=None,
        files={},
        warnings=(*recording.warnings, *findings),
    )
