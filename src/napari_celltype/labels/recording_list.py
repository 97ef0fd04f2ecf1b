"""The recording list `NAME.csv`: which recordings make up a labelled data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os.path import exists
from pathlib import Path

from napari_celltype.errors import CellTypeError, LabelError
from napari_celltype.labels.csv_rows import read_csv_rows, whole_number
from napari_celltype.recording import (
    find_planes,
    require_possible,
)

# What holds for all ROIs of a recording.
FACTS = ("subject_id", "session_id", "line", "indicator", "region", "preparation")
COLUMNS = ("path", "plane", "labels", "sampling_frequency", *FACTS)


@dataclass(frozen=True)
class ListedPlane:
    """One plane of a recording that belongs to a labelled data set.

    Attributes
    ----------
    folder : Path
        The plane folder.
    place : str
        Where it is listed, to begin a sentence with: ``cells.csv, line 3: ``.
    labels : Path or None
        A label table, or a folder of label files; None for the recording's own file.
    sampling_frequency : float or None
        Frames per second of one plane (Hz), where the files do not say.
    facts : mapping of str to str
        What is known of `FACTS`.
    one_of_several : bool
        Whether the recording has other planes that are taken as well.
    """

    folder: Path
    place: str = ""
    labels: Path | None = None
    sampling_frequency: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    one_of_several: bool = False


@dataclass(frozen=True)
class RecordingList:
    """The planes of a recording list, in its order.

    Attributes
    ----------
    planes : tuple of ListedPlane
    unused : tuple of str
        Columns that say nothing to this program.
    """

    planes: tuple[ListedPlane, ...]
    unused: tuple[str, ...] = ()


def read_recording_list(path: str | Path, plane: int | None = None) -> RecordingList:
    """Read a recording list and find the planes that it names.

    Parameters
    ----------
    path : str or Path
        CSV with the columns of `COLUMNS`, of which only `path` is required; paths are
        relative to the file.
    plane : int or None
        Number of the plane where the list names none; None for all planes.

    Raises
    ------
    LabelError
        Naming the line, if a value is impossible, a file is missing, or a recording is
        listed twice; or if `subject_id` or `line` is given in some lines only.
    RecordingError
        Naming the line, if a path is no recording.
    """
    path = Path(path)
    rows = read_csv_rows(path, ("path",))
    if not rows:
        raise LabelError(f"{path} lists no recording; give one path in each line.")
    _require_all_or_none(path, rows)
    planes: list[ListedPlane] = []
    first: dict[Path, int] = {}
    for line, cells in rows:
        place = f"{path}, line {line}: "
        try:
            found = _planes(cells, path.parent, place, plane)
            for listed in found:
                earlier = first.setdefault(listed.folder.resolve(), line)
                if earlier != line:
                    raise LabelError(
                        f"{listed.folder} was already given in line {earlier}; keep "
                        f"the right one."
                    )
        except CellTypeError as error:
            raise type(error)(f"{place}{error}") from None
        planes += found
    unused = [n for n in dict.fromkeys(n for _, c in rows for n in c) if n]
    return RecordingList(tuple(planes), tuple(n for n in unused if n not in COLUMNS))


def find_listed_planes(
    path: Path, plane: int | None = None, labels: Path | None = None
) -> list[ListedPlane]:
    """Return the planes of one recording, or the one with a number.

    Raises
    ------
    RecordingError
        If the path is no recording or has no such plane.
    LabelError
        If `labels` does not exist.
    """
    folders = find_planes(path, plane)
    if labels is not None and not exists(labels):
        raise LabelError(f"{labels} does not exist; correct the path of the labels.")
    return [
        ListedPlane(folder, labels=labels, one_of_several=len(folders) > 1)
        for folder in folders
    ]


def _planes(
    cells: Mapping[str, str], base: Path, place: str, plane: int | None
) -> list[ListedPlane]:
    if not cells["path"]:
        raise LabelError("path is empty; give the folder of the recording.")
    number = whole_number(cells.get("plane", ""), "plane")
    labels, rate = cells.get("labels"), cells.get("sampling_frequency", "")
    found = find_listed_planes(
        base / Path(cells["path"]).expanduser(),
        plane if number is None else number,
        base / Path(labels).expanduser() if labels else None,
    )
    return [
        ListedPlane(
            listed.folder,
            place,
            listed.labels,
            _rate(rate),
            {name: cells[name] for name in FACTS if cells.get(name)},
            listed.one_of_several,
        )
        for listed in found
    ]


def _rate(text: str) -> float | None:
    try:
        return require_possible(float(text)) if text else None
    except ValueError:
        raise LabelError(
            f"sampling_frequency is {text!r}; give the frames per second of one plane."
        ) from None


def _require_all_or_none(path: Path, rows: list[tuple[int, dict[str, str]]]) -> None:
    """Refuse gaps that would put one animal on both sides of a split."""
    for name in ("subject_id", "line"):
        empty = [line for line, cells in rows if not cells.get(name)]
        if empty and len(empty) < len(rows):
            raise LabelError(
                f"{path}, line {empty[0]}: {name} is empty and other lines give it; "
                f"fill it in everywhere or leave the column out."
            )
