"""The recording list `NAME.csv`: which recordings make up a labelled data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os.path import exists
from pathlib import Path

from napari_celltype.errors import CellTypeError, LabelError
from napari_celltype.labels.csv_table import read_csv_rows, whole_number
from napari_celltype.recording import find_planes, require_possible

# What holds for all ROIs of a recording.
CONDITIONS = ("indicator", "region", "preparation")
_FACTS = ("subject_id", "session_id", "line", *CONDITIONS)
COLUMNS = ("path", "plane", "labels", "sampling_frequency", *_FACTS)


@dataclass(frozen=True)
class ListedPlane:
    """One plane of a recording that belongs to a labelled data set."""

    folder: Path
    # To begin a sentence with: "cells.csv, line 3: ".
    place: str = ""
    # A label table, or a folder of label files; None for the recording's own file.
    labels: Path | None = None
    sampling_frequency: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    # Whether the recording has other planes that are taken as well.
    one_of_several: bool = False


@dataclass(frozen=True)
class RecordingList:
    """The planes of a recording list, in its order."""

    planes: tuple[ListedPlane, ...]
    unused: tuple[str, ...] = ()


def read_recording_list(path: str | Path, plane: int | None = None) -> RecordingList:
    """Read a recording list and find the planes that it names."""
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
    """Return the planes of one recording, or the one with a number."""
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
            {name: cells[name] for name in _FACTS if cells.get(name)},
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
