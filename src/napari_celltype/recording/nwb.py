"""Reader of NWB files: ROIs with their traces, masks and types, and what is known.

NWB 2 files of any lab, by the structure of the standard (series with a reference to
rows of a table of ROIs), and NWB 1 as the Allen Institute writes it. A plane is the
file, or ``file.nwb/NAME`` where it holds several.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from napari_celltype.errors import RecordingError
from napari_celltype.findings import Finding
from napari_celltype.recording import suite2p
from napari_celltype.recording.file_reader import FileReader, NoTraces
from napari_celltype.recording.hdf5 import (
    Hdf5Traces,
    array_of,
    follow,
    has_h5py,
    is_group,
    members,
    open_hdf5,
    text_of,
    texts_of,
    value_of,
)
from napari_celltype.recording.npy import FileStamp, require_stamp
from napari_celltype.recording.nwb_rois import read_images, read_masks, roi_texts
from napari_celltype.recording.recording import (
    DFF_ALONE,
    RATE_UNCONFIRMED,
    TRACE_KINDS,
    UNCONFIRMED,
    UNKNOWN,
    Pipeline,
    Recording,
    file_in,
    rate_and_gaps,
    segments_between,
)

FROM_TIMESTAMPS = "timestamps in the NWB file"

_MOST_GROUPS, _MOST_LEVELS = 20_000, 8
# What a series is, by its name and that of what holds it; the first that fits.
_KINDS = (
    ("", re.compile(r"deconv|event|spike|inferred|denois|chan(nel)?_?2")),
    ("scaled", re.compile(r"z_?score|norm(?!corr)")),
    ("dF/F", re.compile(r"d_?f_?over_?f|dff|df_f|delta_?f|dfof|(^|/)d_?f(/|$)")),
    ("corrected", re.compile("correct|subtract")),
    ("neuropil", re.compile("neuropil|fneu|background|surround")),
    ("demixed", re.compile("demix")),
)
# How our own export says that nobody knows the rate, and where time is continuous.
_OWN_DOUBT = "Nobody confirmed the frame rate"
_OWN_SEGMENTS = re.compile(r"Time is continuous only within the frames ([\d to,]+);")
_OWN_TABLE = "processing/ophys/CellTypeProvenance"


@dataclass(frozen=True)
class _Series:
    """Traces of some rows of a table of ROIs."""

    group: str
    data: str
    kind: str
    table: str
    rows: tuple[int, ...]


@dataclass(frozen=True)
class _Plane:
    """The best traces of some ROIs, and the neuropil around them."""

    name: str
    traces: _Series
    neuropil: _Series | None


class _Nwb(FileReader):
    NAME = "NWB"
    LOOKED_FOR = ".nwb with traces of ROIs"
    SUFFIXES = (".nwb",)
    CITATION = "Neurodata Without Borders: Rübel et al., eLife 11:e78362, 2022"
    OWN_NAME = re.compile(r".*")

    def parts(self, path: Path) -> list[str]:
        """Name the planes of a file."""
        # Without h5py, opening it says what to install.
        return [plane.name for plane in _planes_of(path)] if has_h5py() else [""]

    def find_planes(self, path: Path) -> list[Path]:
        """List the planes of a file; the only one goes by the file, also if named."""
        planes, file = super().find_planes(path), self.session_folder(path)
        is_only = bool(planes) and len(super().find_planes(file)) == 1
        return [file] if is_only else planes

    def planes_among(self, folder: Path, names: Collection[str]) -> list[Path]:
        """List the planes of files, without what suite2p wrote of its own."""
        others = (n for n in names if not suite2p.is_own_file(folder / n))
        return super().planes_among(folder, [*others])

    def is_own_file(self, path: Path) -> bool:
        """Tell that no file is one that only this format's own program writes."""
        return False

    def read(self, path: Path, name: str) -> Recording:
        """Read a plane."""
        planes, warnings = _planes_of(path), list[Finding]()
        chosen = next((p for p in planes if p.name == name), planes[0])
        one = chosen.traces
        with open_hdf5(path) as file:
            table, group = file[one.table], file[one.group]
            is_old = "roi_list" in table
            n_table = len(_roi_names(table) if is_old else _ids(table))
            rows = np.array(one.rows)
            _say_which(one, file, warnings)
            raw_traces = _traces(path, file, one, one.rows)
            n_frames = raw_traces.shape[1]
            neuropil = None
            if chosen.neuropil is not None:
                neuropil = _traces(path, file, chosen.neuropil, one.rows)
                neuropil = neuropil if neuropil.shape == raw_traces.shape else None
            facts = _facts(file, table)
            rate, source, gaps = _time(file, one, table, n_frames, warnings)
            rois = read_masks(table, n_table, rows, warnings)
            ending = name or None
            images, shape = read_images(file, table, rois, ending, warnings)
            found = (array_of(follow(table, n)) for n in ("iscell", "valid_roi"))
            flags, iscell = next((f for f in found if f is not None), None), None
            if flags is not None and flags.shape[:1] == (n_table,):
                iscell = flags.reshape(n_table, -1)[rows, 0] > 0
            several = len({p.traces.table for p in planes}) > 1
            texts = roi_texts(file, table, _ids(table), rows, warnings, several=several)
            comments = str(group.attrs.get("comments"))
        bad = np.zeros(n_frames, dtype=bool)
        if own := _OWN_SEGMENTS.match(comments):
            bad[:] = True
            spans = [[int(n) for n in s.split(" to ")] for s in own[1].split(", ")]
            gaps = [*gaps, *(first for first, _ in spans)]
            for first, last in spans:
                bad[first : last + 1] = False
        version = facts.pop("nwb_version", None)
        return Recording(
            raw_traces=raw_traces,
            rois=rois,
            sampling_frequency=rate,
            sampling_frequency_source=source,
            segments=segments_between([g for g in gaps if g < n_frames], bad),
            frame_shape=shape,
            images=images,
            neuropil=neuropil,
            iscell=iscell,
            plane=planes.index(chosen),
            pipeline=Pipeline(self.NAME, version, self.CITATION),
            # Demixed traces are raw: their unit and neuropil are those of the others.
            trace_kind=TRACE_KINDS["raw" if one.kind == "demixed" else one.kind],
            facts=facts,
            roi_texts=texts,
            warnings=tuple(warnings),
        )


READER: FileReader = _Nwb()


def is_export(plane: Path) -> bool:
    """Tell whether this program wrote a file or added to it, so that it is a copy."""
    file = file_in(plane, READER.SUFFIXES)
    if file is not None:
        with suppress(RecordingError), open_hdf5(file) as content:
            return follow(content, _OWN_TABLE) is not None
    return False


def _planes_of(path: Path) -> tuple[_Plane, ...]:
    return _listed(path, require_stamp(path))


@lru_cache(maxsize=4096)
def _listed(path: Path, stamp: FileStamp) -> tuple[_Plane, ...]:
    """List the planes of a file as it is at a stamp."""
    with open_hdf5(path) as file:
        series = _find_series(file)
    planes: list[_Plane] = []
    for table in dict.fromkeys(one.table for one in series):
        mine = [one for one in series if one.table == table]
        kinds = {one.kind for one in mine}
        best = next((kind for kind in TRACE_KINDS if kind in kinds), None)
        taken = [one for one in mine if one.kind == best]
        rows = [row for one in taken for row in one.rows]
        if len(set(rows)) < len(rows):
            names = ", ".join(one.group for one in taken)
            raise RecordingError(
                f"{path} has several traces of the same ROIs ({names}), and nothing "
                f"says which is meant; keep one of them in a copy of the file."
            )
        around = [one for one in mine if one.kind == "neuropil"]
        for one in taken:
            fits = [n for n in around if set(n.rows) >= set(one.rows)]
            planes.append(_Plane("", one, fits[0] if len(fits) == 1 else None))
    if not planes:
        raise NoTraces(
            f"{path} holds no fluorescence of ROIs (RoiResponseSeries with a "
            f"PlaneSegmentation); give the file with the processed imaging data."
        )
    named = [
        [plane.traces.table.rpartition("/")[2] for plane in planes],
        [plane.traces.group.rpartition("/")[2] for plane in planes],
        [plane.traces.group.strip("/").replace("/", "-") for plane in planes],
    ]
    unlike = next(names for names in named if len(set(names)) == len(names))
    found = [replace(p, name=n) for n, p in zip(unlike, planes, strict=True)]
    return tuple(sorted(found, key=lambda plane: _natural(plane.name)))


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(n or 0), text) for n, text in re.findall(r"(\d+)|(\D+)", name)]


def _find_series(file: Any) -> list[_Series]:
    """Find the series of a file, one after another, and what they are of."""
    version = text_of(value_of(follow(file, "nwb_version")))
    if version.startswith(("NWB-1", "1.")):
        return list(_series_of_version_1(file))
    found = []
    for group in _groups(file):
        rois, data = (follow(group, name) for name in ("rois", "data"))
        reference = getattr(rois, "attrs", {}).get("table")
        if data is None or not reference:
            continue
        kind, table = _kind(group), file[reference]
        rows = array_of(rois, "iu")
        if kind and rows is not None and is_group(table):
            n_rois = len(_ids(table))
            if (
                rows.ndim != 1
                or not len(rows)
                or not 0 <= rows.min() <= rows.max() < (n_rois)
            ):
                raise RecordingError(
                    f"{file.filename}: {group.name} refers to rows that "
                    f"{table.name} with its {n_rois} ROIs has not; correct the file."
                )
            found.append(
                _Series(group.name, data.name, kind, table.name, tuple(rows.tolist()))
            )
    return found


def _series_of_version_1(file: Any) -> Iterator[_Series]:
    for _, module in members(follow(file, "processing")):
        tables = follow(module, "ImageSegmentation")
        for holder in ("Fluorescence", "DfOverF"):
            for name, group in members(follow(module, holder) or ()):
                data = follow(group, "data")
                plane = next(
                    (t for t, _ in members(tables or ()) if name.startswith(t)), None
                )
                if data is None or plane is None or not (kind := _kind(group)):
                    continue
                table = tables[plane]
                rows = tuple(range(len(_roi_names(table))))
                yield _Series(group.name, data.name, kind, table.name, rows)
                # Where older files have the neuropil.
                if (inside := follow(group, "neuropil_traces")) is not None:
                    yield _Series(group.name, inside.name, "neuropil", table.name, rows)


def _groups(file: Any) -> Iterator[Any]:
    """Go through the groups that may be or hold series, level by level."""
    level = [
        item
        for n in ("processing", "acquisition", "analysis")
        if is_group(item := follow(file, n))
    ]
    left = _MOST_GROUPS
    for _ in range(_MOST_LEVELS):
        below = []
        for group in level:
            yield group
            if "id" not in group and "data" not in group:
                below += [item for _, item in members(group) if is_group(item)]
        level, left = below[:left], left - len(below)


def _kind(group: Any) -> str:
    """Return what a series is of; empty where it is no fluorescence of its ROIs."""
    name = "/".join(group.name.split("/")[-2:]).casefold()
    return next((kind for kind, words in _KINDS if words.search(name)), "raw")


def _ids(table: Any) -> list[int]:
    """Return the ids of the rows of a table."""
    ids = array_of(follow(table, "id"), "iu")
    return [] if ids is None else ids.reshape(-1).tolist()


def _roi_names(table: Any) -> list[str]:
    return texts_of(follow(table, "roi_list")) or []


def _traces(path: Path, file: Any, series: _Series, rows: Sequence[int]) -> Hdf5Traces:
    """Return the traces of some rows of the table, in that order."""
    column = {row: place for place, row in enumerate(series.rows)}
    columns = np.array([column[row] for row in rows], dtype=np.int64)
    return Hdf5Traces(path, file[series.data], columns, n_rois=len(series.rows))


def _say_which(series: _Series, file: Any, warnings: list[Finding]) -> None:
    unit = text_of(file[series.data].attrs.get("unit")) or "none given"
    warnings.append(
        Finding(
            "traces-taken",
            f"The traces are {series.group.strip('/')}, {TRACE_KINDS[series.kind]} "
            f"(unit: {unit}).",
        )
    )
    if series.kind == "dF/F":
        warnings.append(DFF_ALONE)


def _time(
    file: Any, one: _Series, table: Any, n_frames: int, warnings: list[Finding]
) -> tuple[float | None, str, list[int]]:
    """Return the frame rate, where it came from, and the frames that follow a gap."""
    group, gaps, source = file[one.group], list[int](), UNKNOWN
    start = follow(group, "starting_time")
    rate = None if start is None else start.attrs.get("rate")
    times = array_of(follow(group, "timestamps"), "fiu")
    if times is not None and times.shape == (n_frames,):
        measured, gaps = rate_and_gaps(times)
        if measured is not None:
            rate, source = measured, FROM_TIMESTAMPS
    imaging = follow(table, "imaging_plane")
    if rate is None and is_group(imaging):
        rate = value_of(follow(imaging, "imaging_rate"))
    if _OWN_DOUBT in str(group.attrs.get("comments")):
        sentence = f"{_OWN_DOUBT} when this file was written."
        warnings.append(Finding(RATE_UNCONFIRMED, sentence))
        source = UNCONFIRMED
    return rate, source, gaps


def _facts(file: Any, table: Any) -> dict[str, str]:
    """Return what the file says of the animal, the session and the imaging."""
    plane = follow(table, "imaging_plane")
    if plane is None:
        plane = follow(file, f"general/optophysiology/{table.name.split('/')[-1]}")
    places = {
        "subject_id": (file, "general/subject/subject_id", "general/specimen_name"),
        "session_id": (file, "general/session_id"),
        "line": (file, "general/subject/genotype"),
        "species": (file, "general/subject/species"),
        "age": (file, "general/subject/age"),
        "sex": (file, "general/subject/sex"),
        "indicator": (plane, "indicator"),
        "region": (plane, "location"),
        "nwb_version": (file, "nwb_version"),
    }
    found = {}
    for name, (group, *paths) in places.items():
        values = (value_of(follow(group, path)) for path in paths if is_group(group))
        texts = (
            text_of(v if isinstance(v, str | bytes) else str(v))
            for v in values
            if v is not None
        )
        text = next((t for t in texts if t.casefold() not in ("", UNKNOWN)), "")
        if text:
            found[name] = text
    version = text_of(file.attrs.get("nwb_version"))
    return {**found, "nwb_version": version} if version else found
