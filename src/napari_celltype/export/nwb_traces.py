"""Traces written to NWB block by block; imported only where pynwb is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
from hdmf.backends.hdf5 import H5DataIO
from hdmf.data_utils import GenericDataChunkIterator
from numpy.typing import NDArray

from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    raise_if_stopped,
)
from napari_celltype.recording import Traces

# Whole rows are read at a time, as they lie in suite2p's files.
# Few of them: while HDF5 compresses a block, nothing else of the program can run.
_BLOCK_ROIS = 8
_CHUNK_FRAMES = 32768


class TraceBlocks(GenericDataChunkIterator):
    """Hands (n_rois, n_frames) traces over as NWB wants them: (n_frames, n_rois)."""

    def __init__(
        self,
        traces: Traces,
        roi_ids: NDArray[np.int64],
        message: str,
        on_progress: OnProgress,
        should_stop: ShouldStop,
    ) -> None:
        self._traces, self._roi_ids, self._message = traces, roi_ids, message
        self._on_progress, self._should_stop = on_progress, should_stop
        self._n_done = 0
        self._shape = traces.shape[1], len(roi_ids)
        n_frames, n_rois = self._shape
        block = min(_BLOCK_ROIS, n_rois)
        super().__init__(
            chunk_shape=(min(_CHUNK_FRAMES, n_frames), block),
            buffer_shape=(n_frames, block),
        )

    def _get_data(self, selection: tuple[slice, ...]) -> NDArray[np.float32]:
        raise_if_stopped(self._should_stop)
        frames, rois = selection
        block = np.asarray(self._traces[self._roi_ids[rois], frames]).T
        self._n_done += block.size
        self._on_progress(
            Progress(self._message, self._n_done, self._shape[0] * self._shape[1])
        )
        return block

    def _get_maxshape(self) -> tuple[int, int]:
        return self._shape

    def _get_dtype(self) -> np.dtype[Any]:
        return np.dtype("float32")


def trace_data(
    traces: Traces,
    roi_ids: NDArray[np.int64],
    message: str,
    on_progress: OnProgress,
    should_stop: ShouldStop,
) -> Any:
    """Return traces as compressed data of a RoiResponseSeries; see `TraceBlocks`."""
    blocks = TraceBlocks(traces, roi_ids, message, on_progress, should_stop)
    return H5DataIO(data=blocks, compression="gzip", compression_opts=1, shuffle=True)
