"""From a path to its recordings: which pipeline wrote them, their planes and names.

A pipeline is a module with the functions of `Reader` and one line in `READERS`.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from itertools import count, islice
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np

from napari_celltype.errors import RecordingError
from napari_celltype.findings import Finding
from napari_celltype.recording import bugeon, caiman, crack, inscopix, nwb, suite2p
from napari_celltype.recording.recording import Recording, file_in
from napari_celltype.recording.traces import MEMORY_LIMIT


class SeveralRecordings(RecordingError):
    """A folder holds several recordings, and one is needed."""


_MOST_HINTS, _HINT_DEPTH, _MOST_FOLDERS = 5, 5, 2000


class Reader(Protocol):
    """What the module of a pipeline defines."""

    NAME: str
    LOOKED_FOR: str  # what its recordings look like, in words
    SUFFIXES: tuple[str, ...]  # of files that are recordings, or hold their planes

    def find_planes(self, path: Path) -> list[Path]:
        """List the planes of the recording at a path; [] if it is none."""

    def planes_among(self, folder: Path, names: Collection[str]) -> list[Path]:
        """List the planes that a folder with files of these names is or holds."""

    def plane_number(self, plane: Path) -> int:
        """Return the number of a plane, for `--plane` and the output table."""

    def session_folder(self, path: Path) -> Path:
        """Return the session of a plane or of a part of it, without a look at disk."""

    def is_own_file(self, path: Path) -> bool:
        """Tell whether the pipeline wrote a file, which is then never changed."""

    def why_not(self, names: Sequence[str]) -> str | None:
        """Say what a folder with these names in it lacks, if it looks like a half."""

    def open_plane(self, plane: Path, sampling_frequency: float | None) -> Recording:
        """Open a plane whose traces are read when they are asked for."""


READERS: tuple[Reader, ...] = (
    *(suite2p, nwb.READER, caiman.READER, inscopix.READER, crack.READER, bugeon),
)
FILE_SUFFIXES = tuple(suffix for reader in READERS for suffix in reader.SUFFIXES)


def open_recording(
    path: str | Path,
    plane: int | None = None,
    *,
    sampling_frequency: float | None = None,
    joins: str = "auto",
    in_memory: bool = True,
) -> Recording:
    """Open one plane of a recording; nothing in its folder is changed.

    Parameters
    ----------
    path : str or Path
        A session folder, its `suite2p` folder, a plane folder, `combined`, a
        `stat.npy`, or a file of NWB, CaImAn or Inscopix.
    plane : int or None
        Number of the plane; None for the first, with a warning where there are more.
    sampling_frequency : float or None
        Frames per second of one plane (Hz), when the files do not say, or say it wrong.
    joins : {"auto", "continuous", "break"}
        Where the recording is not continuous: ``auto`` takes numbered files of one
        folder for one acquisition, ``break`` each for a recording of its own.
    in_memory : bool
        Read traces of up to 2 GB at once; otherwise rows are read when asked for.

    Raises
    ------
    RecordingError, SamplingFrequencyError
        If the folder is no recording, its files are missing, damaged, of different
        lengths or being written, or the rate is impossible.
    """
    planes = _numbered(_find(path, below=True), plane, path)
    reader, folder = planes[0]
    recording = reader.open_plane(folder, sampling_frequency).with_joins(joins)
    traces = recording.raw_traces
    if in_memory and 4 * math.prod(traces.shape) <= MEMORY_LIMIT:
        traces = traces[:]
    if (changes := recording.changed_on_disk()) is not None:
        raise RecordingError(changes)
    recording = replace(recording, raw_traces=traces)
    for array in (*vars(recording).values(), *recording.images.values()):
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    if len(planes) == 1:
        return recording
    first, *others = (reader.plane_number(folder) for reader, folder in planes)
    finding = Finding(
        "more-planes",
        f"{path} has {len(planes)} planes and plane {first} was opened; the others "
        f"are {', '.join(map(str, others))}.",
    )
    return replace(recording, warnings=(finding, *recording.warnings))


def find_planes(path: str | Path, plane: int | None = None) -> list[Path]:
    """List the planes of a recording, or the one with a number.

    A folder that holds one recording stands for it. `combined` stands for the planes
    beside it, and for those that are in it alone. A plane folder has the number N of
    its name `planeN`, else the number that suite2p noted, else 0. `RecordingError`,
    with near misses, if there is no recording or no such plane.
    """
    return [folder for _, folder in _numbered(_find(path, below=True), plane, path)]


def _find(path: str | Path, *, below: bool = False) -> list[tuple[Reader, Path]]:
    """Find the planes at a path, or of the only recording near below it, or raise."""
    path = Path(path).expanduser()
    try:
        if planes := planes_at(path):
            return planes
        if path.is_symlink() and not path.exists():
            raise RecordingError(
                f"{path} is a link to {path.readlink()}, which is missing; copy or "
                f"fetch the file."
            )
        if not path.exists():
            raise RecordingError(f"{path} does not exist{_similar_names(path)}.")
        folder = path if path.is_dir() else path.parent
        near, _ = _apart(_search(folder, _HINT_DEPTH, _MOST_FOLDERS))
        if below and folder == path and len(_sessions(near)) == 1:
            # Deeper may lie others, or the session that a file near is analysed in.
            near, _ = _apart(sorted(_search(folder), key=lambda f: len(f[1].parts)))
            if len(sessions := _sessions(near)) == 1:
                return _find(near[0][1] if len(near) == 1 else sessions.pop())
        raise _not_a_recording(path, [p for _, p in near if p != folder])
    except OSError as error:
        raise RecordingError(
            f"{path} cannot be looked into ({error.strerror}); check its permissions."
        ) from None


def planes_at(path: Path) -> list[tuple[Reader, Path]]:
    """List the planes of the recording at a path, without a search below; or []."""
    for reader in READERS:
        if planes := reader.find_planes(path):
            return [(reader, plane) for plane in planes]
    return []


def _sessions(found: Iterable[tuple[Reader, Path]]) -> set[Path]:
    return {session_folder(plane) for _, plane in found}


def _numbered(
    planes: list[tuple[Reader, Path]], number: int | None, path: str | Path
) -> list[tuple[Reader, Path]]:
    """Return the planes, found at a path, that a number means; None means all."""
    if number is None:
        return planes
    numbers = [reader.plane_number(plane) for reader, plane in planes]
    if number not in numbers:
        known = ", ".join(map(str, sorted(set(numbers))))
        raise RecordingError(f"{path} has no plane {number}; it has {known}.")
    return [p for p, n in zip(planes, numbers, strict=True) if n == number]


@dataclass(frozen=True)
class Failure:
    """A recording that could not be used, and why, in one sentence."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Found:
    """Planes in a stable order, the paths that hold none, and what was left out."""

    planes: tuple[Path, ...]
    failures: tuple[Failure, ...] = ()
    # Files of other pipelines, each with the session in whose folder it lies.
    second: Mapping[Path, Path] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[Finding, ...]:
        """What a user should know of what was left out."""
        files = [*dict.fromkeys(map(session_folder, self.second))]
        sentence = (
            f"Left out, as second analyses of the sessions in whose folders they lie: "
            f"{', '.join(map(str, files[:_MOST_HINTS]))} ({len(files)} in all); give "
            f"their own paths to read them."
        )
        return (Finding("second-analysis", sentence),) if files else ()


def find_recordings(paths: Iterable[Path], plane: int | None = None) -> Found:
    """Find the planes, or one of each recording, at or below the paths, or raise."""
    planes: dict[Path, Path] = {}
    failures, second = list[Failure](), dict[Path, tuple[Path, Path]]()
    for path in paths:
        try:
            found, others = _at_or_below(path, plane)
            # Links may lead to one folder twice.
            for one in found:
                planes.setdefault(one.resolve(), one)
            for pair in others.items():
                second.setdefault(pair[0].resolve(), pair)
        except RecordingError as error:
            failures.append(Failure(path, str(error)))
    if not planes and failures:
        raise RecordingError(failures[0].reason)
    # What was given by its own path is no second.
    left_out = dict(pair for real, pair in second.items() if real not in planes)
    return Found(tuple(planes.values()), tuple(failures), left_out)


def _at_or_below(path: Path, plane: int | None) -> tuple[list[Path], dict[Path, Path]]:
    found, second = list[tuple[Reader, Path]](), dict[Path, Path]()
    with suppress(RecordingError, OSError):
        found = planes_at(path)
    if not found:
        found, second = _apart(sorted(_search(path), key=lambda found: found[1]))
        # Where there is none, it says why, and what is near.
        found = found or _find(path)
    return [folder for _, folder in _numbered(found, plane, path)], second


def _apart(
    found: Iterable[tuple[Reader, Path]],
) -> tuple[list[tuple[Reader, Path]], dict[Path, Path]]:
    """Leave out what counts cells twice; return also files in a session's folder.

    Beside what it was made of, what this program exported is no second recording.
    """
    found = [*found]
    if len(_sessions(found)) < 2:
        return found, {}
    planes = [plane for _, plane in found]
    exports = {plane for plane in planes if nwb.is_export(plane)}
    sessions = _sessions(one for one in found if one[1] not in exports)
    # The folders of each session, from its own down to those of its planes.
    folders = {
        folder: session_folder(plane)
        for plane in planes
        if file_of(plane) is None
        for folder in (plane, *plane.parents)
        if folder.is_relative_to(session_folder(plane))
    }
    second = {
        plane: folders[file.parent]
        for plane in planes
        if plane not in exports
        if (file := file_of(plane)) is not None and file.parent in folders
    }
    copies = {
        plane
        for plane in exports
        if any(s.is_relative_to(session_folder(plane).parent) for s in sessions)
    }.union(second)
    return [one for one in found if one[1] not in copies], second


def _search(
    folder: Path, depth: float = math.inf, most_folders: int | None = None
) -> Iterator[tuple[Reader, Path]]:
    """Look for planes in a folder and below, down to a number of levels."""
    # A link may lead back to where it is, or above.
    seen, root = set[Path](), folder.resolve()
    walk = os.walk(folder, followlinks=True)
    for place, below, names in islice(walk, most_folders):
        here = Path(place)
        real = here.resolve()
        if real in seen or (real != root and root.is_relative_to(real)):
            below.clear()
            continue
        seen.add(real)
        # Hidden folders hold what programs keep for themselves, such as git-annex.
        below[:] = sorted(name for name in below if not name.startswith("."))
        if len(here.relative_to(folder).parts) >= depth:
            below.clear()
        for reader in READERS:
            yield from ((reader, p) for p in reader.planes_among(here, names))


def recording_names(planes: Sequence[Path | None]) -> list[str]:
    """Name each plane by its session folder, relative to the common folder.

    ``/data/m1/day1/suite2p/plane0`` and ``/data/m2/day1/suite2p/plane0`` are called
    ``m1/day1`` and ``m2/day1``; a single one goes by its session folder's own name.
    Where that would give one name to two folders with the same number, all have longer
    names. None stands for traces from elsewhere.
    """
    folders = [None if p is None else Path(os.path.abspath(p)) for p in planes]
    sessions = {f: session_folder(f) for f in folders if f is not None}
    if len({session.drive for session in sessions.values()}) > 1:
        named = {f: s.as_posix().replace(":", "", 1) for f, s in sessions.items()}
        return [named.get(f, "traces") if f else "traces" for f in folders]
    common = Path(os.path.commonpath(sessions.values())) if sessions else Path()
    names = {f: s.relative_to(common).as_posix() for f, s in sessions.items()}
    names |= {f: common.name for f, s in sessions.items() if s == common}
    for longer in (sessions, {folder: folder for folder in sessions}):
        often = Counter(names.values())
        keys = [(n, _plane_number(f)) for f, n in names.items() if often[n] > 1]
        if len(set(keys)) == len(keys):
            break
        above = common.parent
        names = {f: p.relative_to(above).as_posix() for f, p in longer.items()}
    elsewhere, number = "traces {}" if folders.count(None) > 1 else "traces", count(1)
    return [
        elsewhere.format(next(number)) if folder is None else names[folder]
        for folder in folders
    ]


def name_of_recording(plane: Path, names: Iterable[str]) -> str | None:
    """Return which name that `recording_names` may have given is that of a plane.

    It is the end of its path, the longest where several are; None if none is.
    """
    places = (Path(os.path.abspath(plane)), plane.resolve())
    ends = {p.parts for place in places for p in (place, session_folder(place))}
    found = [
        name
        for name in names
        if any(end[-len(own) :] == own for own in [_parts(name)] for end in ends)
    ]
    return max(found, key=lambda name: len(_parts(name)), default=None)


def _parts(name: str) -> tuple[str, ...]:
    return PurePosixPath(name).parts


def _plane_number(plane: Path) -> int:
    return next(
        (r.plane_number(plane) for r in READERS if r.session_folder(plane) != plane),
        0,
    )


def session_folder(path: Path) -> Path:
    """Return the session folder of a path in it, of any machine, by its names alone."""
    sessions = (reader.session_folder(path) for reader in READERS)
    return next((session for session in sessions if session != path), path)


def file_of(path: Path) -> Path | None:
    """Return the file that a plane is or is a part of; None if it is a folder."""
    return file_in(path, FILE_SUFFIXES)


def pipeline_of_file(path: Path) -> str | None:
    """Return the name of the pipeline that a file belongs to; None if to none."""
    return next((r.NAME for r in READERS if r.is_own_file(path)), None)


def _similar_names(path: Path) -> str:
    if not path.parent.is_dir():
        existing = next((p for p in path.parents if p.is_dir()), None)
        return f"; the last part that does is {existing}" if existing else ""
    names = [child.name for child in path.parent.iterdir()]
    close = get_close_matches(path.name, names, n=3, cutoff=0.5)
    return f"; similar in {path.parent}: {', '.join(close)}" if close else ""


def _not_a_recording(path: Path, below: Sequence[Path]) -> RecordingError:
    folder = path if path.is_dir() else path.parent
    if near := [str(plane.relative_to(folder)) for plane in below[:_MOST_HINTS]]:
        return SeveralRecordings(
            f"{path} is no recording itself; recordings were found in "
            f"{', '.join(near)}; open one of these."
        )
    inside = sorted(child.name for child in folder.iterdir())
    lacks = (reader.why_not(inside) for reader in READERS)
    if inside:
        rest = " and more" if len(inside) > 5 else ""
        hint = next(filter(None, lacks), f"it holds {', '.join(inside[:5])}{rest}")
    else:
        hint = "it is empty"
    *kinds, last = (f"{reader.NAME} ({reader.LOOKED_FOR})" for reader in READERS)
    return RecordingError(
        f"{path} is no recording of {', '.join(kinds)} or {last}; {hint}."
    )
