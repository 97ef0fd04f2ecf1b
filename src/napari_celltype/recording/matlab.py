"""The one door for MATLAB files, and suite2p's Fall.mat, kept when .npy files are gone.

SciPy reads them in a process of its own, because damaged files can end the process in
it; those of version 7.3 are HDF5 files.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import zlib
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from napari_celltype.errors import RecordingError
from napari_celltype.recording.hdf5 import (
    follow,
    is_group,
    is_plain,
    members,
    open_hdf5,
    text_of,
)
from napari_celltype.recording.npy import (
    MAX_RATIO,
    MAX_SMALL_BYTES,
    FileStamp,
    open_for_reading,
    require_fetched,
    require_stamp,
)
from napari_celltype.recording.unpickle import Damaged, Refused, safe_unpickle

FALL_MAT = "Fall.mat"
_CHILD = f"import sys; from {__name__} import _hand_over; _hand_over(*sys.argv[1:])"
_MATRIX, _COMPRESSED = 14, 15
_MOST_VARIABLES, _MOST_LEVELS, _ITEM_BYTES = 1000, 8, 4096


def read_mat(path: Path, *names: str) -> dict[str, Any]:
    """Read those of some variables, or fields of structs (``CaA0.F_dF``), that exist.

    As SciPy simplifies them: arrays without axes of length one, dicts for structs, and
    lists for cells. `RecordingError` if the file is damaged.
    """
    if _is_hdf5(path):
        with open_hdf5(path) as file:
            content = _Hdf5Content(path)
            items = {name: follow(file, name.replace(".", "/")) for name in names}
            return {n: content.value(i) for n, i in items.items() if i is not None}
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-c", _CHILD, path, *names],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60 + path.stat().st_size / 1e6,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            # Windows would open a console for it.
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        if child.returncode == 0:
            found: dict[str, Any] = safe_unpickle(child.stdout)
            return found
        reason = child.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    except (OSError, Refused, Damaged) as error:
        reason = str(error)
    except subprocess.TimeoutExpired:
        reason = "reading it does not end"
    raise RecordingError(
        f"{path} cannot be read as a MATLAB file ({reason[:200] or 'damaged'}); copy "
        f"it again."
    )


def names_in_mat(path: Path) -> list[str]:
    """List the variables of a file by its headers; what is damaged has none."""
    if _is_hdf5(path):
        with open_hdf5(path) as file:
            return list(islice(file, _MOST_VARIABLES))
    names = list[str]()
    with open_for_reading(path) as file:
        order = _byte_order(file.read(128))
        while len(head := file.read(8)) == 8 and len(names) < _MOST_VARIABLES:
            kind, n_bytes = np.frombuffer(head, f"{order}u4").tolist()
            end, start = file.tell() + n_bytes, file.read(min(n_bytes, 512))
            if kind == _COMPRESSED:
                try:
                    start = zlib.decompressobj().decompress(start, 512)[8:]
                except zlib.error:
                    break
            elif kind != _MATRIX:
                break
            names.append(_name_of_matrix(start, order))
            file.seek(end)
    return names


def _name_of_matrix(start: bytes, order: str) -> str:
    """Return the name in the first bytes of a variable, after its flags and shape."""
    words = np.frombuffer(start[: len(start) // 4 * 4], f"{order}u4").tolist()
    try:
        at = 6 + (words[5] + 7) // 8 * 2
        # Up to four characters stand where the longer ones' length does.
        short = words[at] >> 16
        length, at = (short, at + 1) if short else (words[at + 1], at + 2)
    except IndexError:
        return ""
    return start[4 * at : 4 * at + min(length, 63)].decode("ascii", "replace")


def _is_hdf5(path: Path) -> bool:
    with open_for_reading(path) as file:
        start = file.read(128)
    require_fetched(start, path)
    return b"MATLAB 7.3" in start or start.startswith(b"\x89HDF")


def _byte_order(header: bytes) -> str:
    return "<" if header.endswith(b"IM") else ">"


class _Hdf5Content:
    """Values of version 7.3, of which one may refer to others, or to itself."""

    def __init__(self, path: Path) -> None:
        self._left = max(MAX_SMALL_BYTES, MAX_RATIO * path.stat().st_size)

    def value(self, item: Any, level: int = 0) -> Any:
        """Return a variable, as SciPy would; MATLAB's first axis is the last here."""
        size = 0 if is_group(item) else item.nbytes
        self._left -= _ITEM_BYTES + size
        if self._left < 0 or level > _MOST_LEVELS:
            raise ValueError("it unpacks to far more than traces do")
        if is_group(item):
            return {name: self.value(one, level + 1) for name, one in members(item)}
        kind = text_of(item.attrs.get("MATLAB_class"))
        if "MATLAB_empty" in item.attrs:
            return [] if kind == "cell" else np.empty(0)
        if kind == "cell":
            cells = (item.file[cell] for cell in item[()].reshape(-1))
            return [self.value(cell, level + 1) for cell in cells]
        if not is_plain(item, "fiub"):
            return None
        values = np.squeeze(np.asarray(item[()]).T)
        if kind == "char":
            return "".join(map(chr, values.reshape(-1).tolist()))
        return values.astype(bool) if kind == "logical" else values


def is_fall_mat_alone(plane: Path) -> bool:
    """Tell whether a plane has a Fall.mat in the place of its .npy files."""
    there = [(plane / name).is_file() for name in (FALL_MAT, "F.npy", "stat.npy")]
    return there == [True, False, False]


def read_plane(path: Path) -> dict[str, Any]:
    """Return F, Fneu, iscell, redcell, stat and ops as the .npy files hold them."""
    found = read_mat(path, "F", "Fneu", "iscell", "redcell", "stat", "ops")
    stat, ops = found.pop("stat", None), found.pop("ops", None)
    arrays = {k: np.asarray(v) for k, v in found.items()}
    # SciPy drops axes of length one, and what is empty was never there.
    content = {k: np.atleast_2d(v) for k, v in arrays.items() if v.size}
    stat = [stat] if isinstance(stat, dict) else stat
    if not isinstance(stat, list) or "F" not in content:
        raise RecordingError(f"{path} holds no F or no stat; is it suite2p's Fall.mat?")
    for name in content.keys() & {"F", "Fneu"}:
        if content[name].dtype.kind not in "fiu" or content[name].ndim != 2:
            raise RecordingError(f"{path}: {name} holds no traces; copy it again.")
        content[name] = np.ascontiguousarray(content[name], np.float32)
    for name in content.keys() & {"iscell", "redcell"}:
        if content[name].size % len(content["F"]) == 0:
            content[name] = content[name].reshape(len(content["F"]), -1)
    content["stat"] = np.empty(len(stat), dtype=object)
    for i, roi in enumerate(stat):
        is_roi = isinstance(roi, dict)
        content["stat"][i] = {k: np.atleast_1d(roi[k]) for k in roi} if is_roi else None
    return content | {"ops": ops if isinstance(ops, dict) else {}}


def read_fall_mat_settings(path: Path) -> dict[str, Any]:
    """Return ops."""
    return dict(_read_settings(path, require_stamp(path)))


@lru_cache(maxsize=16)
def _read_settings(path: Path, stamp: FileStamp) -> dict[str, Any]:
    ops = read_mat(path, "ops").get("ops")
    return ops if isinstance(ops, dict) else {}


def _hand_over(path: str, *names: str) -> None:
    """Print variables, in this process, as a pickle for the reader of those."""
    from scipy.io import loadmat

    _require_traces(path)
    variables = [name.partition(".")[0] for name in names]
    content = loadmat(path, variable_names=variables, simplify_cells=True)
    for name in names:
        variable, _, field = name.partition(".")
        if field and isinstance(found := content.get(variable), dict):
            content[name] = found.get(field)
    for name in content.keys() & {*names}:
        is_cell = isinstance(value := content[name], np.ndarray) and value.dtype == "O"
        content[name] = value.reshape(-1).tolist() if is_cell else value
    content = {n: content[n] for n in names if content.get(n) is not None}
    pickle.dump(content, sys.stdout.buffer, protocol=4)


def _require_traces(path: str) -> None:
    """End this process if a file unpacks to far more than traces do."""
    with open(path, "rb") as file:
        left = max(MAX_SMALL_BYTES, MAX_RATIO * os.fstat(file.fileno()).st_size)
        order = _byte_order(file.read(128))
        while len(head := file.read(8)) == 8:
            kind, n_bytes = np.frombuffer(head, f"{order}u4").tolist()
            end = file.tell() + n_bytes
            if kind not in (_MATRIX, _COMPRESSED) or not n_bytes:
                sys.exit(f"it holds an element of the type {kind}")
            unpack = zlib.decompressobj()
            while kind == _COMPRESSED and left >= 0 and file.tell() < end:
                packed = file.read(min(1 << 16, end - file.tell()))
                left -= len(unpack.decompress(packed)) if packed else left + 1
            if left < 0:
                sys.exit("it unpacks to far more than traces do, or is truncated")
            file.seek(end)
