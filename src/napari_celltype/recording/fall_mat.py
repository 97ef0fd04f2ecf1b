"""suite2p's Fall.mat, which people keep for MATLAB when the .npy files are gone.

SciPy reads it in a process of its own, because damaged files can end the process in it.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from napari_celltype.errors import RecordingError
from napari_celltype.recording.npy import (
    MAX_RATIO,
    MAX_SMALL_BYTES,
    FileStamp,
    open_for_reading,
    require_stamp,
)
from napari_celltype.recording.unpickle import Damaged, Refused, safe_unpickle

FALL_MAT = "Fall.mat"
_CHILD = f"import sys; from {__name__} import _hand_over; _hand_over(*sys.argv[1:])"
_MATRIX, _COMPRESSED = 14, 15


def is_fall_mat_alone(plane: Path) -> bool:
    """Tell whether a plane has a Fall.mat in the place of its .npy files."""
    there = [(plane / name).is_file() for name in (FALL_MAT, "F.npy", "stat.npy")]
    return there == [True, False, False]


def read_plane(path: Path) -> dict[str, Any]:
    """Return F, Fneu, iscell, redcell, stat and ops as the .npy files hold them."""
    found = _read(path, "F", "Fneu", "iscell", "redcell", "stat", "ops")
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
        content[name].flags.writeable = False
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
    ops = _read(path, "ops").get("ops")
    return ops if isinstance(ops, dict) else {}


def _read(path: Path, *names: str) -> dict[str, Any]:
    """Read some variables: arrays, dicts for structs, and lists of them for cells."""
    with open_for_reading(path) as file:
        if b"MATLAB 7.3" in file.read(128):
            raise RecordingError(
                f"{path} was saved by MATLAB as version 7.3, which is not read; load "
                f"it in MATLAB and save it with '-v7'."
            )
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
        f"{path} cannot be read as suite2p's Fall.mat ({reason[:200] or 'damaged'}); "
        f"copy it again."
    )


def _hand_over(path: str, *names: str) -> None:
    """Print variables, in this process, as a pickle for the reader of those."""
    from scipy.io import loadmat

    _require_traces(path)
    found = loadmat(path, variable_names=names, simplify_cells=True)
    content = {name: found[name] for name in names if name in found}
    pickle.dump(content, sys.stdout.buffer, protocol=4)


def _require_traces(path: str) -> None:
    """End this process if a file unpacks to far more than traces do."""
    with open(path, "rb") as file:
        left = max(MAX_SMALL_BYTES, MAX_RATIO * os.fstat(file.fileno()).st_size)
        order = "<" if file.read(128).endswith(b"IM") else ">"
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
