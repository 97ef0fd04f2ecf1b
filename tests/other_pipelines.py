"""Files of other pipelines than suite2p, in their own layouts, written small."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

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


def write_inscopix(path: Path, *, tiffs: str | None = None, times: Any = None) -> Path:
    """Write cell traces as isxcore's `writeTraces` does, and a TIFF of each cell."""
    values = traces(3)
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


def write_mat_7_3(path: Path, content: dict[str, Any]) -> Path:
    """Write variables as MATLAB's -v7.3 does: cells of references, axes reversed."""
    h5py = pytest.importorskip("h5py")

    boxed = (str, dict, list, np.ndarray)

    def put(file: Any, place: str, value: Any) -> Any:
        if isinstance(value, dict):
            item, kind = file.create_group(place), "struct"
            for name, one in value.items():
                put(file, f"{place}/{name}", one)
        elif isinstance(value, list) and isinstance((*value, 0)[0], boxed):
            cells = [put(file, f"#refs#/{place}_{i}", v) for i, v in enumerate(value)]
            refs = np.array([[cell.ref for cell in cells]], dtype=h5py.ref_dtype)
            item, kind = file.create_dataset(place, data=refs), "cell"
        elif isinstance(value, str):
            codes = np.array([*map(ord, value)], dtype=np.uint16)
            item, kind = file.create_dataset(place, data=codes[:, None]), "char"
        else:
            array = np.atleast_2d(np.asarray(value))
            names = {"bool": "logical", "float32": "single", "float64": "double"}
            kind = names.get(str(array.dtype), str(array.dtype))
            stored = array.T if array.size else np.array(array.shape)
            stored = stored.astype("u1") if kind == "logical" else stored
            item = file.create_dataset(place, data=stored)
            if not array.size:
                item.attrs["MATLAB_empty"] = 1
        item.attrs["MATLAB_class"] = np.bytes_(kind)
        return item

    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in content.items():
            put(file, name, value)
    head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + bytes(8)
    with path.open("r+b") as raw:
        raw.write(head + b"\x00\x02IM")
    return path


def write_crack_file(path: Path, *, is_7_3: bool = False, **changes: Any) -> Path:
    """Write a session of CRACK: 2 areas of 7 ROIs, 3 trials of 120, 80, 100 frames."""
    from scipy.io import savemat

    rng = np.random.default_rng(0)
    trials = [rng.standard_normal((7, n)) for n in (120, 80, 100)]
    area = {
        "F_dF": trials,
        "deconv": trials,
        "celltype": np.arange(7)[:, None],
        "sampling_rate": 10.0,
    } | changes
    content: dict[str, Any] = {"licks": np.ones(3), "CaA0": area, "CaA1": area}
    path.parent.mkdir(parents=True, exist_ok=True)
    if is_7_3:
        return write_mat_7_3(path, content)

    def column(value: Any) -> Any:
        cell = np.empty((len(value), 1), dtype=object)
        cell[:, 0] = value
        return cell

    for name, fields in content.items():
        if isinstance(fields, dict):
            content[name] = {
                k: column(v) if isinstance(v, list) else v for k, v in fields.items()
            }
    savemat(path, content, do_compression=True)
    return path


def write_bugeon_folder(
    folder: Path,
    stimuli: dict[str, int] | None = None,
    *,
    rate: float = 4.0,
    words: Sequence[str] = ("EC", "IN", "Pvalb-Vipr2", "Sst-Chodl", "Vip-A", "Lamp5-B"),
    order: Literal["C", "F"] = "F",
    events: bool = False,
) -> Path:
    """Write a date of Bugeon et al. 2022; `stimuli` are folders and their frames."""
    rng, n = np.random.default_rng(1), len(words)
    for name, frames in (
        stimuli or {"Blank/01": 300, "Natural Scenes/01": 200}
    ).items():
        (place := folder / name).mkdir(parents=True)
        values = rng.standard_normal((frames, n))
        values = np.maximum(values, 0) if events else values
        np.save(place / "frame.neuralActivity.npy", np.asarray(values, order=order))
        np.save(place / "frame.times.npy", np.arange(frames)[:, None] / rate)
        np.save(place / "frame.states.npy", np.zeros((frames, 1)))
    (folder / "neuron.ttype.txt").write_text("\n".join(words) + "\n")
    np.save(folder / "neuron.prob_ttypes.npy", np.full((n, 1, 3), [0.9, 0.1, 0.0]))
    ids = [np.nan if word in ("EC", "IN") else 10.0 + i for i, word in enumerate(words)]
    np.save(folder / "neuron.UniqueID.npy", np.array(ids)[:, None])
    return folder
