"""Reader of cell traces that Inscopix's software exports as CSV.

The first line names the cells, the second says what somebody decided about each; then
follow the time in seconds and a value of each cell. Beside it may lie a TIFF of each
cell, ``NAME_C00.tiff``, and a map of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.findings import Finding
from napari_celltype.recording.file_reader import FileReader
from napari_celltype.recording.npy import open_for_reading, require_stamp
from napari_celltype.recording.recording import (
    NO_MASKS,
    Recording,
    Roi,
    rate_and_gaps,
    segments_between,
)
from napari_celltype.recording.rois import RoiMasks, masks_left_out
from napari_celltype.recording.suite2p import MAX_FRAME_PIXELS
from napari_celltype.recording.tiff import open_tiff, read_tiff
from napari_celltype.recording.traces import MEMORY_LIMIT

_MOST_HEADER = 1 << 20
_STATUS = re.compile(r"time ?\(s\) ?/ ?cell status", re.IGNORECASE)
# How C++ on Windows, and pandas, write the values of a dropped frame.
_NAN = re.compile(r"-?nan\([^,)]*\)|-?1\.#[A-Z]+\d*|(?<=,)(?=,|$)", re.IGNORECASE)
_SIGNS_OF_NAN = ("(", "#", ",,")
_TIFF = re.compile(r"(.+)_(.+)\.tiff?", re.IGNORECASE)
_MAP = "accepted-cells-map"
# Spatial filters are nowhere quite zero; a cell is where they are near their peak.
_LEAST_SHARE = 0.1


class _Inscopix(FileReader):
    NAME = "Inscopix"
    LOOKED_FOR = ".csv of cell traces"
    SUFFIXES = (".csv",)
    CITATION = "Inscopix Data Processing Software"

    def parts(self, path: Path) -> list[str]:
        """Look at the first two lines; of other tables a few letters are read."""
        with open_for_reading(path) as file:
            return [] if _header(file) is None else [""]

    def read(self, path: Path, name: str) -> Recording:
        """Read all at once."""
        names, statuses, values = _read(path)
        rate, gaps = rate_and_gaps(values[:, 0])
        sentence = (
            "The table does not say what its traces are: dF/F of the movie or a cell "
            "extraction's own unit; the bundled models learnt raw fluorescence of "
            "two-photon movies."
        )
        warnings = [Finding("traces-taken", sentence)]
        rois, shape, images = _masks(path, names, warnings)
        traces = np.ascontiguousarray(values[:, 1:].T, dtype=np.float32)
        # As Inscopix's software takes it, what nobody has decided about stays in.
        is_judged = {"accepted", "rejected"} & {*statuses}
        return Recording(
            raw_traces=traces,
            rois=rois,
            sampling_frequency=rate,
            segments=segments_between(gaps, np.zeros(len(values), dtype=bool)),
            frame_shape=shape,
            images=images,
            iscell=np.array(statuses) != "rejected" if is_judged else None,
            trace_kind="traces of Inscopix's software",
            warnings=tuple(warnings),
        )


READER: FileReader = _Inscopix()


def _header(file: IO[bytes]) -> tuple[list[str], list[str]] | None:
    """Return the names of cells and their statuses; None of another table."""
    start = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip(b' "\t')
    if not start.startswith(b","):
        return None
    file.seek(0)
    lines = (file.readline(_MOST_HEADER).decode("utf-8", "replace") for _ in range(2))
    names, statuses = ([c.strip(' "\t\r\n') for c in x.split(",")] for x in lines)
    return (names[1:], statuses[1:]) if _STATUS.fullmatch(statuses[0]) else None


def _read(path: Path) -> tuple[list[str], list[str], NDArray[np.float64]]:
    """Return names, statuses, and time and values of each frame."""
    if (size := require_stamp(path).size) > MEMORY_LIMIT:
        raise RecordingError(
            f"{path} has {size:,} bytes, too many to be read at once; export it as NWB."
        )
    with open_for_reading(path) as file:
        names, statuses = _header(file) or ([], [])
        first = file.readline()
        if len(statuses) != len(names) or not first.strip() or not names:
            raise RecordingError(
                f"{path} names {len(names)} cells and {len(statuses)} statuses, or "
                f"has no frame; export it again."
            )
        try:
            values = np.loadtxt(
                _cleaned(chain([first], file)), delimiter=",", comments=None, ndmin=2
            )
        except ValueError as error:
            raise RecordingError(
                f"{path} is no table of numbers ({error!s:.200}); export it again."
            ) from None
    if values.shape[1] != len(names) + 1:
        raise RecordingError(
            f"{path} names {len(names)} cells and has {values.shape[1] - 1} columns of "
            f"values; export it again."
        )
    return names, [status.casefold() for status in statuses], values


def _cleaned(lines: Iterable[bytes]) -> Iterator[str]:
    for line in lines:
        text = line.decode("ascii", "replace").replace(" ", "").rstrip()
        if any(sign in text for sign in _SIGNS_OF_NAN) or text.endswith(","):
            text = _NAN.sub("nan", text)
        yield text


def _masks(
    path: Path, names: Sequence[str], warnings: list[Finding]
) -> tuple[RoiMasks, tuple[int, int], dict[str, NDArray[np.float32]]]:
    """Read the TIFFs of cells beside the table, and the map of them."""
    series: dict[str, dict[str, Path]] = {}
    beside = sorted(file.name for file in path.parent.iterdir())
    for hit in filter(None, map(_TIFF.fullmatch, beside)):
        series.setdefault(hit[1], {})[hit[2]] = path.with_name(hit[0])
    whole = {base: files for base, files in series.items() if {*names} <= {*files}}
    called = [b for b in whole if re.match(rf"{re.escape(b)}(?![^\W_])", path.stem)]
    # All tables call their cells alike, so that images may be those of another.
    if not called and READER.planes_among(path.parent, beside) == [path]:
        called = [*whole] if len(whole) == 1 else []
    if not called:
        sentence = (
            f"Beside the table is no image of each cell (NAME_{names[0]}.tiff) that is "
            f"surely its own, so that they cannot be drawn; their traces are "
            f"classified all the same."
        )
        warnings.append(Finding(NO_MASKS.code, sentence))
        return RoiMasks.of(()), (0, 0), {}
    files = whole[max(called, key=len)]
    with masks_left_out(warnings):
        rois = []
        cell_map = _image(files[_MAP if _MAP in files else names[0]])
        for name in names:
            image = _image(files[name])
            if image.shape != cell_map.shape:
                raise RecordingError("their sizes differ")
            y, x = np.nonzero(image > max(_LEAST_SHARE * image.max(), 0))
            rois.append(Roi(y, x, image[y, x]))
        shape = cell_map.shape[0], cell_map.shape[1]
        return RoiMasks.of(rois), shape, {"cell map": cell_map} if _MAP in files else {}
    return RoiMasks.of(()), (0, 0), {}


def _image(path: Path) -> NDArray[np.float32]:
    with open_tiff(path) as tif:
        frames = read_tiff(tif, path).frames
        if len(frames) != 1 or frames.size > MAX_FRAME_PIXELS:
            raise RecordingError(f"{path.name} has the shape {frames.shape}")
        return np.asarray(frames[0], dtype=np.float32)
