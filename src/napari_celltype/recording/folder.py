"""Where a recording lies, and its name: from a folder or file to its planes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from napari_celltype.errors import RecordingError

_PLANE = re.compile(r"plane(\d+)")
# What suite2p leaves in a plane folder, in small letters.
_OWN = {
    *(f"{name}.npy" for name in ("f", "fneu", "spks", "f_chan2", "fneu_chan2")),
    *(f"{name}.npy" for name in ("stat", "iscell", "redcell", "ops", "db")),
    *(f"{name}.npy" for name in ("settings", "reg_outputs", "detect_outputs")),
    *("fall.mat", "data.bin", "data_raw.bin", "data_chan2.bin", "data_chan2_raw.bin"),
}
_MOST_HINTS, _MOST_FOLDERS = 5, 2000
LOOKED_FOR = (
    "a session folder with suite2p/plane0, a suite2p folder with plane0, a plane "
    "folder with F.npy and stat.npy, or a stat.npy"
)


def is_suite2p_file(path: Path) -> bool:
    """Tell whether a file is one of suite2p's own, which are never changed."""
    if path.name.casefold() == "ophys.nwb":
        return any(path.parent.glob("plane*/stat.npy"))
    return path.name.casefold() in _OWN and (path.parent / "stat.npy").is_file()


def find_planes(path: str | Path, plane: int | None = None) -> list[Path]:
    """List the plane folders of a recording, or the one with a number.

    Parameters
    ----------
    path : str or Path
        A session folder, its `suite2p` folder, a plane folder, `combined`, or a file
        such as `stat.npy` in one of them. `combined` stands for its planes.
    plane : int, optional
        Take only this one. A plane folder of any other name than `planeN` is plane 0.

    Returns
    -------
    list of Path
        In the order of their numbers.

    Raises
    ------
    RecordingError
        If there is no suite2p recording; the message lists near misses. If it has
        no such plane.
    """
    path = Path(path).expanduser()
    try:
        return planes_numbered(_planes_of(path), plane, path)
    except OSError as error:
        raise RecordingError(
            f"{path} cannot be looked into ({error.strerror}); check its permissions."
        ) from None


def _planes_of(path: Path) -> list[Path]:
    if not path.exists():
        raise RecordingError(f"{path} does not exist{_similar_names(path)}.")
    folder = path
    if path.is_file():
        if path.suffix not in (".npy", ".bin", ".mat") or not _is_plane(path.parent):
            raise _not_a_recording(path)
        folder = path.parent
    if folder.name == "combined":
        planes = _planes_in(folder.parent)
        if not planes and _is_plane(folder):
            raise RecordingError(
                f"{folder} is suite2p's combined view, and the plane folders that it "
                f"was made from are not beside it; copy plane0, plane1 and so on there."
            )
        if planes:
            return planes
    if _is_plane(folder):
        return [folder]
    planes = _planes_in(folder) or _planes_in(folder / "suite2p")
    if not planes:
        raise _not_a_recording(path)
    return planes


def planes_numbered(
    planes: Sequence[Path], plane: int | None, path: Path
) -> list[Path]:
    """Return the plane folders, found at a path, that a number means; None means all.

    Raises
    ------
    RecordingError
        If there is none.
    """
    numbers = [plane_number(folder) or 0 for folder in planes]
    found = [p for p, n in zip(planes, numbers, strict=True) if plane in (None, n)]
    if not found:
        known = ", ".join(map(str, sorted(set(numbers))))
        raise RecordingError(f"{path} has no plane {plane}; it has {known}.")
    return found


def plane_number(folder: Path) -> int | None:
    """Return N for a folder named `planeN`, else None."""
    match = _PLANE.fullmatch(folder.name)
    return int(match[1]) if match else None


def _is_plane(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("stat.npy", "F.npy"))


def _planes_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    numbered = [(plane_number(child), child) for child in folder.iterdir()]
    found = [(n, child) for n, child in numbered if n is not None and _is_plane(child)]
    return [child for _, child in sorted(found)]


def _similar_names(path: Path) -> str:
    if not path.parent.is_dir():
        existing = next((p for p in path.parents if p.is_dir()), None)
        return f"; the last part that does is {existing}" if existing else ""
    names = [child.name for child in path.parent.iterdir()]
    close = get_close_matches(path.name, names, n=3, cutoff=0.5)
    return f"; similar in {path.parent}: {', '.join(close)}" if close else ""


def _not_a_recording(path: Path) -> RecordingError:
    folder = path if path.is_dir() else path.parent
    near = _recordings_below(folder)
    names = sorted(child.name for child in folder.iterdir())
    if near:
        hint = f"recordings were found in {', '.join(near)}; open one of these"
    elif "Fall.mat" in names:
        hint = "Fall.mat is there, but the .npy files that suite2p writes are not"
    elif any(plane_number(folder / name) is not None for name in names):
        hint = "its plane folders hold no stat.npy: suite2p has not finished there"
    elif names:
        hint = f"it holds {', '.join(names[:5])}{' and more' if len(names) > 5 else ''}"
    else:
        hint = "it is empty"
    return RecordingError(
        f"{path} is not a suite2p recording (looked for {LOOKED_FOR}); {hint}."
    )


def _recordings_below(folder: Path) -> list[str]:
    """Name a few plane folders up to three levels down, without looking for long."""
    found: list[str] = []
    level, n_seen = [folder], 0
    for _ in range(3):
        below: list[Path] = []
        for parent in level:
            children = sorted(child for child in parent.iterdir() if child.is_dir())
            below += [
                child for child in children if os.access(child, os.R_OK | os.X_OK)
            ]
        n_seen += len(below)
        found += [str(c.relative_to(folder)) for c in below if _is_plane(c)]
        if len(found) >= _MOST_HINTS or n_seen > _MOST_FOLDERS:
            break
        level = below
    return found[:_MOST_HINTS]


def recording_names(planes: Sequence[Path | None]) -> list[str]:
    """Name each plane folder by its session folder, relative to the common folder.

    ``/data/m1/day1/suite2p/plane0`` and ``/data/m2/day1/suite2p/plane0`` are called
    ``m1/day1`` and ``m2/day1``; a single one goes by its session folder's own name.

    Parameters
    ----------
    planes : sequence of Path or None
        Plane folders; None for traces from elsewhere.
    """
    sessions = [None if p is None else _session_folder(p.resolve()) for p in planes]
    known = {s for s in sessions if s is not None}
    if len(known) < 2:
        return ["traces" if s is None else s.name for s in sessions]
    common = Path(os.path.commonpath([str(s) for s in known]))
    return [
        "traces"
        if s is None
        else (common.name if s == common else s.relative_to(common).as_posix())
        for s in sessions
    ]


def _session_folder(plane: Path) -> Path:
    folder = plane.parent if plane.name.startswith("plane") else plane
    return folder.parent if folder.name == "suite2p" else folder


@dataclass(frozen=True)
class Failure:
    """A recording that could not be used, and why, in one sentence."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Found:
    """Plane folders, in a stable order, and the paths that hold none.

    Attributes
    ----------
    planes : tuple of Path
    failures : tuple of Failure
    """

    planes: tuple[Path, ...]
    failures: tuple[Failure, ...] = ()


def find_recordings(paths: Iterable[Path], plane: int | None = None) -> Found:
    """Find the plane folders at or below the given paths.

    Parameters
    ----------
    paths : iterable of Path
        Recordings, or folders that hold recordings.
    plane : int, optional
        Take only this one of each recording.

    Raises
    ------
    RecordingError
        If no path holds a recording.
    """
    planes: dict[Path, None] = {}
    failures = []
    for path in paths:
        try:
            planes.update(dict.fromkeys(_planes_at(path, plane)))
        except RecordingError as error:
            failures.append(Failure(path, str(error)))
    if not planes and failures:
        raise RecordingError(failures[0].reason)
    return Found(tuple(planes), tuple(failures))


def _planes_at(path: Path, plane: int | None) -> list[Path]:
    try:
        planes = find_planes(path)
    except RecordingError:
        planes = _search(path)
        if not planes:
            raise
    return planes_numbered(planes, plane, path)


def _search(path: Path) -> list[Path]:
    folders = sorted(
        Path(folder) for folder, _, files in os.walk(path) if "stat.npy" in files
    )
    # `combined` repeats what its sibling planes hold.
    return [
        folder
        for folder in folders
        if folder.name != "combined" or (folder.parent / "plane0") not in folders
    ]
