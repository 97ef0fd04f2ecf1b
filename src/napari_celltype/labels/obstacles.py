"""What stands in the way of learning from a data set: the reader's and docks' own list.

The reader refuses what blocks here and notes the rest; the docks show the same findings
with their ways out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from napari_celltype.celltypes import TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.findings import Finding
from napari_celltype.labels.data_set import DataSet
from napari_celltype.labels.labelled_recording import LabelledRecording
from napari_celltype.labels.notes import counted, first_few
from napari_celltype.labels.recording_list import CONDITIONS
from napari_celltype.labels.targets import Targets
from napari_celltype.recording import SAME_RATE, Segment, frames_after_averaging
from napari_celltype.recording.windows import WindowPlan, rate_ratio, stretches


class Base(Protocol):
    """The model that training starts from, whose rate, window and neuropil hold."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def sampling_frequency(self) -> float | None: ...  # noqa: D102
    @property
    def window_frames(self) -> int: ...  # noqa: D102
    @property
    def neuropil(self) -> str | float: ...  # noqa: D102


@dataclass(frozen=True)
class Action:
    """One way out, as a button that changes fields of the `DataSet`."""

    text: str
    # What it does, and what that costs.
    tooltip: str
    change: Mapping[str, Any]

    def apply(self, data: DataSet) -> DataSet:
        """Return the data set after this choice."""
        return replace(data, **self.change)


@dataclass(frozen=True)
class Obstacle(Finding):
    """A finding about labelled data; `ways_out` are of type `Action`."""

    # Whether nothing can be learned before it is decided.
    blocks: bool = False


def require_none(found: Iterable[Obstacle]) -> None:
    """Refuse data in which something blocks."""
    for obstacle in found:
        if obstacle.blocks:
            raise LabelError(obstacle.sentence)


@dataclass(frozen=True)
class Frames:
    """How labelled recordings become traces of one length and frame rate."""

    # For each recording, without pieces where it is too short.
    plans: tuple[WindowPlan, ...]
    n_frames: int
    sampling_frequency: float | None
    # What blocks, and what is dropped, cut, brought down or in doubt.
    found: tuple[Obstacle, ...]


def plan_frames(
    data: DataSet,
    labelled: Sequence[LabelledRecording],
    *,
    timesteps: int | None = None,
    resample: float | None = None,
    base: Base | None = None,
    needs_rate: bool = False,
) -> Frames:
    """Choose one length and one frame rate for recordings; nothing is up-sampled.

    Parameters
    ----------
    labelled : sequence of LabelledRecording
        Those of its recordings that are used.
    timesteps : int or None
        Frames of every trace; None for those of the shortest recording.
    resample : float or None
        The frame rate of every trace (Hz), by averaging; None for the recordings' own.
    base : Base, optional
        Its rate and its window hold in place of both.
    needs_rate : bool
        Whether a frame rate that nobody knows blocks.

    Raises
    ------
    LabelError
        If `timesteps` or `resample` is impossible.
    """
    if timesteps is not None and timesteps < 2:
        raise LabelError(f"{timesteps} timesteps are no trace; use at least 2.")
    if resample is not None and not (math.isfinite(resample) and resample > 0):
        raise LabelError(
            f"A frame rate of {resample:g} Hz is impossible; use such as 10."
        )
    wanted = resample if base is None else base.sampling_frequency
    needs_rate = needs_rate or wanted is not None
    found = [*_doubtful_rates(data, labelled, needs_rate)]
    # Frames of a recording that become one.
    usable: dict[LabelledRecording, float] = {}
    slow = []
    for recording in labelled:
        rate = recording.sampling_frequency
        if wanted is None:
            usable[recording] = 1.0
        elif rate is not None:
            if ratio := rate_ratio(rate, wanted):
                usable[recording] = ratio
            else:
                slow.append(recording)
    if slow:
        least = min(r.sampling_frequency or 0 for r in slow)
        whose = "" if base is None else f" of {base.name}"
        way_out = _resample_to(least) if base is None else _remove_from(data, slow)
        found.append(
            Obstacle(
                "frame-rate-too-low",
                f"{_names(slow)}: at {least:g} Hz slower than the {wanted:g} Hz{whose},"
                f" and traces are never up-sampled.",
                (way_out,),
                blocks=True,
            )
        )
    if base is None:
        size, plans, cut = _whole(data, usable, timesteps)
        found += cut
    else:
        size = base.window_frames
        every = {
            r: WindowPlan.of(r.segments, ratio, size, r.sampling_frequency)
            for r, ratio in usable.items()
        }
        plans = {r: plan for r, plan in every.items() if plan.pieces}
        if short := [r for r in usable if r not in plans]:
            found.append(
                Obstacle(
                    "too-short",
                    f"{_names(short)}: shorter than the {size} frames at {wanted:g} Hz "
                    f"that {base.name} looks at, without joins and long gaps; nothing "
                    "is learned from it.",
                    (_remove_from(data, short),),
                    blocks=not plans,
                )
            )
    found += _bad_frames(plans)
    rate = wanted
    if wanted is None:
        rates = [r.sampling_frequency for r in plans if r.sampling_frequency]
        rate = float(np.median(rates)) if rates else None
        found += _rates_differ(plans)
    elif base is None and (fast := [r.name for r, p in plans.items() if p.ratio > 1]):
        undo = Action("Undo", "Keep their own frame rates.", {"resample": None})
        found.append(
            Obstacle(
                "averaged",
                f"Brought down to {wanted:g} Hz by averaging: {first_few(fast)}.",
                () if data.resample is None else (undo,),
            )
        )
    none = WindowPlan((), 1.0, size)
    return Frames(tuple(plans.get(r, none) for r in labelled), size, rate, tuple(found))


def _doubtful_rates(
    data: DataSet, labelled: Sequence[LabelledRecording], needs_rate: bool
) -> Iterator[Obstacle]:
    if unknown := [r for r in labelled if r.sampling_frequency is None]:
        yield Obstacle(
            "frame-rate-unknown",
            f"{_names(unknown)}: the frame rate is not known. Give it in the column "
            "sampling_frequency of a recording list (terminal: or with --fs; napari: "
            "or open the recording and confirm it in Classify).",
            (_remove_from(data, unknown),),
            blocks=needs_rate or len(unknown) < len(labelled),
        )
    unsure = [r for r in labelled if r.sampling_frequency and not r.frequency_confirmed]
    if unsure:
        rate = f"{unsure[0].sampling_frequency:g} Hz"
        confirmed = tuple(
            replace(r, frequency_given=True, frequency_confirmed=True)
            if r in unsure
            else r
            for r in data.recordings
        )
        yes = Action(
            f"Yes, {rate}",
            "They were recorded at that rate. If not, give the right one in the "
            "Classify dock or in a recording list.",
            {"recordings": confirmed},
        )
        yield Obstacle(
            "frame-rate-unconfirmed",
            f"{_names(unsure)}: {rate} is suite2p's default, which nobody confirmed. "
            "With a wrong rate all is learned too fast or too slow.",
            (yes,),
        )


def _rates_differ(kept: Iterable[LabelledRecording]) -> Iterator[Obstacle]:
    rated = [(r.sampling_frequency, r.name) for r in kept if r.sampling_frequency]
    (low, slow), (high, fast) = min(rated, default=(0, "")), max(rated, default=(0, ""))
    if high > low * (1 + SAME_RATE):
        yield Obstacle(
            "frame-rates-differ",
            f"Frame rates differ: {slow} has {low:g} Hz and {fast} {high:g} Hz; bring "
            f"all down to one, such as {low:g} Hz (terminal: --resample {low:g}).",
            (_resample_to(low),),
            blocks=True,
        )


def _whole(
    data: DataSet, usable: Mapping[LabelledRecording, float], timesteps: int | None
) -> tuple[int, dict[LabelledRecording, WindowPlan], list[Obstacle]]:
    """Cut each trace once, from its first frame: to the shortest, or to `timesteps`."""
    lengths = {
        r: frames_after_averaging(r.n_frames, ratio) for r, ratio in usable.items()
    }
    kept = {r: n for r, n in lengths.items() if n >= (timesteps or 1)}
    found = []
    if not kept:
        if lengths:
            longest = max(lengths, key=lambda r: lengths[r])
            sentence = (
                f"No recording has {timesteps or 1} frames; the longest, "
                f"{longest.name}, has {lengths[longest]}, so use fewer timesteps."
            )
            found = [Obstacle("too-short", sentence, blocks=True)]
        return timesteps or 0, {}, found
    if short := [r.name for r in lengths if r not in kept]:
        sentence = (
            f"{len(short)} of {len(lengths)} recordings have fewer than {timesteps} "
            f"frames and are dropped: {first_few(short)}."
        )
        found.append(Obstacle("too-short", sentence))
    most, size = max(kept.values()), timesteps or min(kept.values())
    if most > size:
        shortest = [r for r, n in kept.items() if n == size]
        why = f"those of the shortest: {_names(shortest)}"
        # A few short recordings may be removed instead.
        few = timesteps is None and 2 * len(shortest) < len(kept)
        found.append(
            Obstacle(
                "cut",
                f"Traces of up to {most} frames are cut to their first {size}, "
                f"{'as asked' if timesteps else why}.",
                (_remove_from(data, shortest),) if few else (),
            )
        )
    plans = {}
    for recording in kept:
        native = Segment(0, math.ceil(size * usable[recording] - 1e-6))
        plans[recording] = WindowPlan(
            (native,),
            usable[recording],
            size,
            recording.segments,
            recording.sampling_frequency,
        )
    joined = [
        r.name
        for r, plan in plans.items()
        if any(s.start < plan.pieces[0].stop for s in stretches(r.segments)[1:])
    ]
    if joined:
        sentence = (
            f"In {len(joined)} of {counted(len(kept), 'recording')} the traces go "
            f"across joins of runs: {first_few(joined)}."
        )
        found.append(Obstacle("joins", sentence))
    return size, plans, found


def _bad_frames(kept: Iterable[LabelledRecording]) -> Iterator[Obstacle]:
    good = {
        r.name: sum(s.stop - s.start for s in r.segments) / r.n_frames for r in kept
    }
    bad = {name: 1 - share for name, share in good.items()}
    if marked := [name for name, share in bad.items() if share > 0]:
        yield Obstacle(
            "bad-frames",
            f"Bad frames, up to {100 * max(bad.values()):.2g} %, of which no value is "
            f"used: {first_few(marked)}.",
        )


def label_findings(data: DataSet, with_predictions: bool = False) -> Iterator[Obstacle]:
    """Yield what is wrong with the labels, or is to be known about them."""
    recordings, labelled = data.recordings, data.labelled(with_predictions)
    n_predicted = sum(r.n_predictions for r in recordings) * (not with_predictions)
    if not labelled:
        reasons = [
            f"{n} {what}"
            for n, what in (
                (n_predicted, "given by a model"),
                (sum(r.n_set_aside for r in recordings), "whose ROI is gone"),
                (sum(r.n_parts for r in recordings), "of parts of merged ROIs"),
            )
            if n
        ]
        where = "" if data.path is None else f"{data.path}: "
        only = f" (only {', '.join(reasons)})" if reasons else ""
        yield Obstacle(
            "no-labels",
            f"{where}no cell is labelled with a type{only}; label cells in napari, or "
            f"give a label table.{_notes(recordings)}",
            blocks=True,
        )
        return
    if bare := [r for r in recordings if r not in labelled]:
        yield Obstacle(
            "unlabelled-recordings",
            f"{len(bare)} of {counted(len(recordings), 'recording')} without labels: "
            f"{_names(bare)}.{_notes(bare)}",
            (_remove_from(data, bare),),
        )
    kinds: dict[str, list[LabelledRecording]] = {}
    for r in labelled:
        if r.recording is not None:
            kinds.setdefault(r.recording.trace_kind, []).append(r)
    if len(kinds) > 1:
        each = " and ".join(f"{kind} ({_names(of)})" for kind, of in kinds.items())
        yield Obstacle(
            "trace-kinds-differ",
            f"The recordings hold {each}, which cannot be mixed; keep those of one "
            "kind.",
            tuple(_remove_from(data, of) for of in kinds.values()),
            blocks=True,
        )
    for code, name, what in (
        ("set-aside", "n_set_aside", "whose ROI is not there any more"),
        ("merged-parts", "n_parts", "of parts of merged ROIs (label the merged ROI)"),
    ):
        if of := [r for r in recordings if getattr(r, name)]:
            n = counted(sum(getattr(r, name) for r in of), "label")
            yield Obstacle(code, f"Left out: {n} {what}, in {_names(of)}.")
    seen = [
        r.rows[i].seen_trace is True if r.rows else False
        for r in labelled
        for i in r.chosen(with_predictions).tolist()
    ]
    if any(seen):
        yield Obstacle(
            "not-blind",
            f"Not blind: {sum(seen)} of {counted(len(seen), 'label')} were given while "
            "the trace or a prediction was on screen; scores on them may be too high.",
        )
    if n_predicted:
        yield Obstacle(
            "predictions",
            f"Left out: {counted(n_predicted, 'label')} that a model gave, which are "
            "no ground truth.",
        )
    if data.unused:
        yield Obstacle(
            "unused-columns",
            f"Columns of the list that are not used: {first_few(data.unused)}.",
        )
    for name in CONDITIONS:
        counts = Counter(r.facts.get(name, "not given") for r in labelled)
        if len(counts) > 1:
            how_many = (f"{value} ({n})" for value, n in counts.most_common())
            yield Obstacle(
                "recordings-differ",
                f"The recordings differ in {name}, by which types may be told apart in "
                f"place of the cells: {first_few(how_many)}.",
            )


def type_obstacle(labels: Iterable[str], tree: TypeTree) -> Obstacle | None:
    """Return why labels leave nothing to tell apart, if so."""
    try:
        classes = Targets.of(labels, tree).classes
    except LabelError as error:
        return Obstacle("types", str(error), blocks=True)
    if len(classes) > 1:
        return None
    return Obstacle(
        "types",
        f"All labels leave one type only, {classes[0]}; label cells of another type, "
        "since a classifier needs two.",
        blocks=True,
    )


def _remove_from(data: DataSet, gone: Sequence[LabelledRecording]) -> Action:
    what = gone[0].name if len(gone) == 1 else f"these {len(gone)}"
    return Action(
        f"Remove {what}",
        "Takes it out of this table; no file is touched.",
        {"recordings": data.removed({r.key for r in gone}).recordings},
    )


def _resample_to(rate: float) -> Action:
    return Action(
        f"Resample to {rate:g} Hz",
        "Faster recordings are averaged down to the slowest one's rate.",
        {"resample": rate},
    )


def _notes(recordings: Iterable[LabelledRecording]) -> str:
    return "".join(f" {note}" for r in recordings for note in r.notes)


def _names(recordings: Sequence[LabelledRecording]) -> str:
    return first_few([r.name for r in recordings], 3)
