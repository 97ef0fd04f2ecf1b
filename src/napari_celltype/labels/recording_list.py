"""The recording list `NAME.csv`: which recordings make up a labelled data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os.path import exists
from pathlib import Path

from napari_celltype.errors import CellTypeError, LabelError
from napari_celltype.labels.csv_table import read_csv_rows, whole_number
from napari_celltype.recording import (
    find_planes,
    pipeline_of_file,
    require_possible,
)

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
    # The session that it is a second analysis of.
    second_of: Path | None = None


def is_recording_list(path: Path) -> bool:
    """Tell whether a path is that of a table and not that of a recording."""
    return path.suffix.lower() == ".csv" and pipeline_of_file(path) is None


def read_recording_list(
    path: Path, plane: int | None = None
) -> tuple[list[ListedPlane], tuple[str, ...]]:
    """Return the planes that a recording list names, and its columns of no use."""
    rows = read_csv_rows(path, ("path",))
    if not rows:
        raise LabelError(f"{path} lists no recording; give one path in each line.")
    # Gaps would put one animal on both sides of a split.
    for name in ("subject_id", "line"):
        empty = [line for line, cells in rows if not cells.get(name)]
        if empty and len(empty) < len(rows):
            raise LabelError(
                f"{path}, line {empty[0]}: {name} is empty and other lines give it; "
                f"fill it in everywhere or leave the column out."
            )
    planes: list[ListedPlane] = []
    first: dict[Path, int] = {}
    for line, cells in rows:
        place = f"{path}, line {line}: "
        try:
            for listed in _planes(cells, path.parent, plane):
                earlier = first.setdefault(listed.folder.resolve(), line)
                if earlier != line:
                    raise LabelError(
                        f"{listed.folder} was already given in line {earlier}; keep "
                        f"the right one."
                    )
                planes.append(replace(listed, place=place))
        except CellTypeError as error:
            raise type(error)(f"{place}{error}") from None
    return planes, tuple(name for name in rows[0][1] if name not in COLUMNS)


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
    cells: Mapping[str, str], base: Path, plane: int | None
) -> list[ListedPlane]:
    if not cells["path"]:
        raise LabelError("path is empty; give the folder of the recording.")
    number = whole_number(cells.get("plane", ""), "plane")
    labels, given = cells.get("labels"), cells.get("sampling_frequency")
    found = find_listed_planes(
        base / Path(cells["path"]).expanduser(),
        plane if number is None else number,
        base / Path(labels).expanduser() if labels else None,
    )
    try:
        rate = require_possible(float(given.replace(",", "."))) if given else None
    except ValueError:
        raise LabelError(
            f"sampling_frequency is {given!r:.60}; give the frames per second of one "
            f"plane."
        ) from None
    facts = {name: cells[name] for name in _FACTS if cells.get(name)}
    return [replace(p, sampling_frequency=rate, facts=facts) for p in found]
