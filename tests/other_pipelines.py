"""Files of other pipelines than suite2p, in their own layouts, written small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, issparse

N_ROIS, N_FRAMES, FRAME_SHAPE = 6, 1300, (20, 32)
STATUSES = ("accepted", "undecided", "rejected", "accepted", "accepted", "undecided")


def traces(seed: int) -> NDArray[np.float64]:
    """One row per ROI."""
    return np.random.default_rng(seed).standard_normal((N_ROIS, N_FRAMES))


def images() -> NDArray[np.float32]:
    """Return a patch of each ROI, (n_rois, Ly, Lx), at places that no two share."""
    found = np.zeros((N_ROIS, *FRAME_SHAPE), np.float32)
    for i, image in enumerate(found):
        image[2 * i : 2 * i + 2, 5 * i : 5 * i + 4] = 0.5
        image[2 * i, 5 * i + 1] = 1 + i
    return found


def write_caiman(path: Path, **changes: Any) -> Path:
    """Write a file as CaImAn's `save_dict_to_hdf5` does; `changes` of the estimates."""
    h5py = pytest.importorskip("h5py")
    estimates = {
        "A": csc_matrix(images().reshape(N_ROIS, -1, order="F").T),
        "C": traces(1),
        "YrA": traces(2),
        "S": np.zeros((N_ROIS, N_FRAMES)),
        "F_dff": None,
        "idx_components": np.array([0, 2, 5]),
        "dims": FRAME_SHAPE,
        "Cn": np.arange(640.0).reshape(FRAME_SHAPE),
    } | {k: v for k, v in changes.items() if k not in ("fr", "group")}
    data = {"fr": changes.get("fr", 20), "decay_time": 0.4, "dims": None}
    group = changes.get("group", "estimates")
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        _save(file, {"params": {"data": data}})
        _save(file.require_group(group), estimates)
    return path


def _save(group: Any, content: dict[str, Any]) -> None:
    for key, item in content.items():
        if isinstance(item, dict):
            _save(group.require_group(key), item)
        elif issparse(item):
            for name in ("data", "indptr", "indices", "shape"):
                group[f"{key}/{name}"] = getattr(item, name)
        elif item is not ...:
            group[key] = "NoneType" if item is None else np.array(item)


def write_inscopix(
    path: Path, *, tiffs: str | None = None, times: Any = None, **changes: Any
) -> Path:
    """Write cell traces as isxcore's `writeTraces` does, and a TIFF of each cell."""
    values = changes.get("values", traces(3))
    times = np.arange(values.shape[1]) / 20 if times is None else times
    names = [f"C{i}" for i in range(len(values))]
    lines = [
        " " + "".join(f", {name}" for name in names),
        "Time(s)/Cell Status" + "".join(f", {s}" for s in STATUSES[: len(values)]),
        *(
            f"{time:.16g}" + "".join(f", {value:.7g}" for value in frame)
            for time, frame in zip(times, values.T, strict=True)
        ),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    if tiffs is not None:
        for name, image in zip(names, images(), strict=True):
            tifffile.imwrite(path.with_name(f"{tiffs}_{name}.tiff"), image)
        tifffile.imwrite(
            path.with_name(f"{tiffs}_accepted-cells-map.tiff"), images().sum(axis=0)
        )
    return path
