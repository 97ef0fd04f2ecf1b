"""Reader of CaImAn's results, as `cnm.save("x.hdf5")` writes them.

CaImAn writes each attribute of its CNMF object as a data set or a group of that name:
a sparse matrix as the group of its three arrays, None as the text "NoneType".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.findings import Finding
from napari_celltype.recording.file_reader import FileReader
from napari_celltype.recording.hdf5 import (
    Hdf5Traces,
    array_of,
    follow,
    has_h5py,
    is_group,
    open_hdf5,
    value_of,
)
from napari_celltype.recording.recording import (
    DFF_ALONE,
    RATE_UNCONFIRMED,
    TRACE_KINDS,
    Recording,
    Traces,
)
from napari_celltype.recording.rois import RoiMasks, masks_left_out
from napari_celltype.recording.suite2p import MAX_FRAME_PIXELS
from napari_celltype.recording.traces import StoredTraces

_DEFAULT_RATE = 30.0  # of CaImAn, where nobody gives one


class _CaImAn(FileReader):
    NAME = "CaImAn"
    LOOKED_FOR = ".hdf5 or .h5 with estimates"
    SUFFIXES = (".hdf5", ".h5")
    CITATION = "CaImAn: Giovannucci et al., eLife 8:e38173, 2019"

    def parts(self, path: Path) -> list[str]:
        """Look for the estimates."""
        with open_hdf5(path) as file:
            return [] if _estimates(file) is None else [""]

    def why_not(self, names: Sequence[str]) -> str | None:
        """Say that files cannot be looked into."""
        if has_h5py() or not any(n.lower().endswith(self.SUFFIXES) for n in names):
            return None
        return f"its {' or '.join(self.SUFFIXES)} files need h5py: pip install h5py"

    def read(self, path: Path, name: str) -> Recording:
        """Read all but traces."""
        warnings = list[Finding]()
        with open_hdf5(path) as file:
            estimates = _estimates(file)
            traces, kind = _traces(path, estimates, warnings)
            n_rois = traces.shape[0]
            rate = value_of(follow(file, "params/data/fr"))
            rois, shape = RoiMasks.of(()), (0, 0)
            with masks_left_out(warnings):
                rois, shape = _masks(file, estimates, n_rois)
            accepted = array_of(follow(estimates, "idx_components"), "fiu")
            image = array_of(follow(estimates, "Cn"), "f")
        if rate == _DEFAULT_RATE:
            sentence = (
                f"The frame rate, {rate:g} Hz, is also CaImAn's default (fr); give "
                f"yours if it is another."
            )
            warnings.append(Finding(RATE_UNCONFIRMED, sentence))
        images = {}
        if image is not None and image.shape == shape:
            images["correlation map"] = np.nan_to_num(image).astype(np.float32)
        return Recording(
            raw_traces=traces,
            rois=rois,
            sampling_frequency=rate,
            frame_shape=shape,
            images=images,
            iscell=None if accepted is None else np.isin(np.arange(n_rois), accepted),
            trace_kind=kind,
            warnings=tuple(warnings),
        )


READER: FileReader = _CaImAn()


def _estimates(file: Any) -> Any:
    """Return the group with the results; before CaImAn 1.4 it is the file."""
    for group in (follow(file, "estimates"), file):
        traces = (_matrix(group, name) for name in ("C", "F_dff"))
        if is_group(follow(group, "A")) and any(t is not None for t in traces):
            return group
    return None


def _matrix(group: Any, name: str) -> Any:
    """Return the data set of a matrix; None where CaImAn had none."""
    item = follow(group, name)
    is_matrix = item is not None and not is_group(item) and len(item.shape or ()) == 2
    return item if is_matrix else None


class _Sum(StoredTraces):
    """Denoised traces and their residuals, which together are what was measured."""

    def __init__(self, denoised: Hdf5Traces, residuals: Hdf5Traces) -> None:
        super().__init__(denoised.path)
        self._parts = denoised, residuals
        self.shape = denoised.shape

    def _read(self, wanted: NDArray[np.int64]) -> NDArray[Any]:
        denoised, residuals = self._parts
        values = denoised._read(wanted)
        with np.errstate(over="ignore", invalid="ignore"):
            values += residuals._read(wanted)
        return values


def _traces(path: Path, estimates: Any, warnings: list[Finding]) -> tuple[Traces, str]:
    """Return the traces that are measured, not modelled, and what they are."""
    found: dict[str, Hdf5Traces] = {}
    for name in ("C", "YrA", "R", "F_dff"):
        if (data := _matrix(estimates, name)) is not None:
            rows = np.arange(data.shape[0])
            found[name] = Hdf5Traces(path, data, rows)
    residuals = found.get("YrA", found.get("R"))
    if "C" in found and residuals is not None:
        if residuals.shape != found["C"].shape:
            raise RecordingError(
                f"{path} holds C of shape {found['C'].shape} and residuals of shape "
                f"{residuals.shape}; run CaImAn again and save both."
            )
        sentence = (
            "The traces are C + YrA: CaImAn's denoised traces with their residuals, "
            "without background, in its own unit."
        )
        warnings.append(Finding("traces-taken", sentence))
        return _Sum(found["C"], residuals), TRACE_KINDS["corrected"]
    if "F_dff" in found:
        warnings.append(DFF_ALONE)
        return found["F_dff"], TRACE_KINDS["dF/F"]
    raise RecordingError(
        f"{path} holds C, which CaImAn's model has denoised, and not the measured "
        f"trace C + YrA; run cnm.estimates.compute_residuals(Yr) in CaImAn and save "
        f"the file again."
    )


def _masks(file: Any, estimates: Any, n_rois: int) -> tuple[RoiMasks, tuple[int, int]]:
    """Return the columns of A, whose rows are the pixels, column by column."""
    places = ((estimates, "dims"), (file, "dims"), (file, "params/data/dims"))
    given = (array_of(follow(group, name), "iu") for group, name in places)
    dims = next((d.reshape(-1).tolist() for d in given if d is not None), [])
    if len(dims) != 2 or min(dims) < 1 or dims[0] * dims[1] > MAX_FRAME_PIXELS:
        raise ValueError(f"dims are {dims}")
    kinds = {"data": "fiu", "indices": "iu", "indptr": "iu", "shape": "iu"}
    parts = [array_of(follow(estimates, f"A/{n}"), kinds[n]) for n in kinds]
    weights, pixels, starts, size = (np.empty(0) if p is None else p for p in parts)
    if (
        size.tolist() != [dims[0] * dims[1], n_rois]
        or starts.shape != (n_rois + 1,)
        or weights.shape != pixels.shape
        or [starts[0], starts[-1]] != [0, pixels.size]
        or (np.diff(starts.astype(np.int64)) < 0).any()
    ):
        raise ValueError("A does not fit the traces")
    kept = weights > 0
    pixels = pixels[kept].astype(np.int64)
    if pixels.size and not 0 <= pixels.min() <= pixels.max() < dims[0] * dims[1]:
        raise ValueError("A has pixels outside the frame")
    columns, rows = np.divmod(pixels, dims[0])
    starts = np.concatenate([[0], np.cumsum(kept)])[starts]
    masks = RoiMasks(rows, columns, weights[kept].astype(np.float32), starts)
    return masks, (dims[0], dims[1])
