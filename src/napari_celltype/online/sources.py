"""What grows while a recording is made: a movie, a file of traces, a socket.

A source gives blocks of frames by ROIs. Nothing that it does ends the program: what
stalls, begins anew or makes no sense is a finding, and the source is looked at again.
"""

from __future__ import annotations

import math
import os
import socket
import struct
import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.findings import Finding
from napari_celltype.recording import Recording, RoiMasks, pipeline_of_file
from napari_celltype.recording.npy import read_header
from napari_celltype.recording.recording import FRAME_SIZE_GUESSED

POLL_TIME = 0.2  # s between looks at a source that has nothing new
PATIENCE = 5.0  # s without a frame after which that is said
_MOST_BYTES = 16 << 20  # of one block
_TAIL = 4096  # bytes by which a file that was written anew is known

# A message of the socket: magic, ROIs, frames, type of the values; then the values,
# frame by frame. Little-endian.
HEADER = struct.Struct("<4sII4s")
MAGIC = b"NCT1"
_TYPES = {b"f4\0\0": "<f4", b"f8\0\0": "<f8", b"i2\0\0": "<i2", b"u2\0\0": "<u2"}

_NOTHING = np.empty((0, 0), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Block:
    """What a source gave at one look."""

    frames: NDArray[np.float32]  # (n_new_frames, n_rois)
    findings: tuple[Finding, ...] = ()
    joins: bool = False  # the frames do not go on from those before


class Source(Iterator[Block]):
    """Blocks without end, one in at most about `POLL_TIME`; without frames if need be.

    `n_rois` is None until it is known; frames of another number of ROIs are refused.
    """

    def __init__(self, name: str, n_rois: int | None = None) -> None:
        self.name, self.n_rois = name, n_rois
        self._findings: list[Finding] = []
        self._state = ""  # code of the trouble that was said last
        self._joins = False
        self._last = time.monotonic()

    @abstractmethod
    def _read(self) -> NDArray[np.float32]:
        """Return the frames that are new, (n, n_rois); none if there are none."""

    def close(self) -> None:
        """Let go of what is open."""

    def __next__(self) -> Block:
        frames, now = self._read(), time.monotonic()
        if len(frames):
            if self._state == "source-stalled":
                self._findings.append(
                    Finding("source-goes-on", f"{self.name} goes on.")
                )
            self._state, self._last = "", now
        else:
            if not self._state and now - self._last >= PATIENCE:
                wait = f"no new frame for {now - self._last:.0f} s; waiting for more."
                self._say("source-stalled", wait)
            time.sleep(POLL_TIME)
        found, joins = tuple(self._findings), self._joins and bool(len(frames))
        self._findings.clear()
        self._joins = self._joins and not joins
        return Block(frames, found, joins)

    def _say(self, code: str, what: str) -> None:
        """Say what is the matter, once until it is over."""
        if self._state != code:
            self._findings.append(Finding(code, f"{self.name}: {what}"))
        self._state = code

    def _fits(self, n_rois: int) -> bool:
        """Tell whether a number of ROIs is that of the frames before."""
        if self.n_rois is None:
            self.n_rois = n_rois
        if n_rois == self.n_rois:
            return True
        self._say(
            "source-other-rois",
            f"frames of {n_rois} ROIs where {self.n_rois} are followed; they are not "
            "used, so start anew for other ROIs.",
        )
        return False


@dataclass(frozen=True)
class _Layout:
    """How frames lie in a file."""

    offset: int  # of the first frame, bytes
    dtype: np.dtype[Any]
    n_values: int  # of one frame
    is_filled: bool = False  # zeros stand where frames are still to come

    @property
    def frame_bytes(self) -> int:
        return self.n_values * self.dtype.itemsize


class GrowingFile(Source):
    """A raw float32 file, frame after frame one value for each ROI."""

    def __init__(self, path: Path, n_rois: int | None = None) -> None:
        super().__init__(str(path), n_rois)
        self.path = path
        self._n_read = 0
        self._layout: _Layout | None = None
        self._tail = b""
        self._ahead = 0  # up to where zeros were found to follow, bytes

    def _find_layout(self, file: BinaryIO) -> _Layout | None:
        """Return how frames lie; None if that is not to be seen, after saying why."""
        return _Layout(0, np.dtype("<f4"), self.n_rois or 1)

    def _traces(self, frames: NDArray[Any]) -> NDArray[np.float32]:
        """Return the values of the ROIs of frames, (n, n_rois)."""
        with np.errstate(over="ignore"):
            return frames.astype(np.float32)

    def _read(self) -> NDArray[np.float32]:
        try:
            with self.path.open("rb") as file:
                return self._read_open(file)
        except FileNotFoundError:
            self._say("source-missing", "not there yet; waiting for it.")
        except OSError as error:
            reason = error.strerror or error
            self._say("source-unreadable", f"cannot be read ({reason}); trying again.")
        return _NOTHING

    def _read_open(self, file: BinaryIO) -> NDArray[np.float32]:
        layout = self._find_layout(file)
        if layout is None:
            return _NOTHING
        self._start_again_if_other(file, layout)
        place = layout.offset + self._n_read * layout.frame_bytes
        left = os.fstat(file.fileno()).st_size - place
        most = max(1, _MOST_BYTES // layout.frame_bytes)
        # Of a frame that is half there the rest is waited for.
        n = min(left // layout.frame_bytes, most)
        if n <= 0:
            return _NOTHING
        file.seek(place)
        content = file.read(n * layout.frame_bytes)
        n = len(content) // layout.frame_bytes
        frames = np.frombuffer(content, layout.dtype, n * layout.n_values)
        frames = frames.reshape(n, layout.n_values)
        if layout.is_filled:
            # The last one that is not zero may be half written.
            begun = np.flatnonzero(frames.any(axis=1))
            n = int(begun[-1]) if begun.size else 0
            at_end = left == (n + 1) * layout.frame_bytes and bool(begun.size)
            n += at_end and bool(frames[-1].all())
            if not n and self._goes_on(file, place + len(content)):
                n = len(frames)
            frames = frames[:n]
        if n:
            self._n_read += n
            end = n * layout.frame_bytes
            self._tail = (self._tail + content[max(0, end - _TAIL) : end])[-_TAIL:]
        return self._traces(frames) if n else _NOTHING

    def _goes_on(self, file: BinaryIO, place: int) -> bool:
        """Tell whether there is more than zeros after a place, a block at each look."""
        self._ahead = max(self._ahead, place)
        file.seek(self._ahead)
        content = file.read(_MOST_BYTES)
        if content.count(0) < len(content):
            return True
        # After the end of the file it begins anew.
        self._ahead = self._ahead + len(content) if content else 0
        return False

    def _start_again_if_other(self, file: BinaryIO, layout: _Layout) -> None:
        """Begin at the first frame if what was read is no longer there."""
        if self._layout in (None, layout):
            end = layout.offset + self._n_read * layout.frame_bytes
            file.seek(end - len(self._tail))
            same = file.read(len(self._tail)) == self._tail
        else:
            same = self._n_read == 0
        self._layout = layout
        if same:
            return
        self._n_read, self._tail, self._joins = 0, b"", True
        self._findings.append(
            Finding(
                "source-restarted",
                f"{self.name} was written anew; it is read from its start, and the "
                "window that was not full is left out.",
            )
        )


class GrowingNpy(GrowingFile):
    """A `.npy` file whose frames lie one after another: (n_frames, n_rois) in C order.

    In Fortran order it is (n_rois, n_frames). How many frames the header announces does
    not matter; those that are zero for all ROIs at the end of the file are to come.
    """

    def _find_layout(self, file: BinaryIO) -> _Layout | None:
        if not os.fstat(file.fileno()).st_size:
            return None
        try:
            header = read_header(file, self.path, whole=False)
        except RecordingError as error:
            self._say("source-rubbish", f"{error} Trying again.")
            return None
        if len(header.shape) != 2 or header.dtype.kind not in "fiu":
            self._say(
                "source-rubbish",
                f"{header.dtype} values of shape {header.shape} where numbers of shape "
                "(n_frames, n_rois) were expected; trying again.",
            )
            return None
        n_rois = header.shape[0 if header.fortran_order else 1]
        if not n_rois or not self._fits(n_rois):
            return None
        return _Layout(header.offset, header.dtype, n_rois, is_filled=True)


class GrowingMovie(GrowingFile):
    """suite2p's `data.bin`, of which the traces of given ROIs are taken.

    A trace is the mean over the ROI's pixels, weighted by lam, without those that lie
    in several ROIs, as suite2p extracts it; of a merged ROI with all its pixels.
    """

    def __init__(self, path: Path, masks: Recording) -> None:
        from scipy.sparse import csr_matrix

        super().__init__(path, masks.n_rois)
        rois = RoiMasks.of(masks.rois)
        if any(w.code == FRAME_SIZE_GUESSED for w in masks.warnings) or not len(rois):
            raise RecordingError(
                f"{masks.path or 'The recording'} does not say the size of its frames "
                f"or has no masks, so traces cannot be taken from {path}; give the "
                "plane folder with ops.npy or settings.npy (--masks)."
            )
        pixel = rois.ypix * masks.frame_shape[1] + rois.xpix
        self._n_pixels = math.prod(masks.frame_shape)
        own = np.ones(len(rois), dtype=bool)
        own[masks.merged_into[masks.merged_into >= 0]] = False
        apart = own[rois.roi_ids]
        n_owners = np.bincount(pixel[apart], minlength=self._n_pixels)
        weight = np.where(apart & (n_owners[pixel] > 1), 0, rois.lam)
        total = np.bincount(rois.roi_ids, weight, minlength=len(rois))
        weight = weight / np.where(total > 0, total, 1)[rois.roi_ids]
        self._weights = csr_matrix(
            (weight.astype(np.float32), (rois.roi_ids, pixel)),
            shape=(len(rois), self._n_pixels),
        )

    def _find_layout(self, file: BinaryIO) -> _Layout | None:
        return _Layout(0, np.dtype("<i2"), self._n_pixels)

    def _traces(self, frames: NDArray[Any]) -> NDArray[np.float32]:
        pixels = np.ascontiguousarray(frames.T, dtype=np.float32)
        traces: NDArray[np.float32] = (self._weights @ pixels).T
        return traces


class TraceSocket(Source):
    """A TCP server that sends messages of frames by ROIs; see `HEADER`."""

    def __init__(self, address: str, n_rois: int | None = None) -> None:
        super().__init__(address, n_rois)
        try:
            parts = urlsplit(address)
            self._address = parts.hostname or "127.0.0.1", parts.port or 0
        except ValueError:
            self._address = "", 0
        if not self._address[1]:
            raise RecordingError(
                f"{address} names no port; write it as tcp://127.0.0.1:5000."
            )
        self._socket: socket.socket | None = None
        self._received = bytearray()

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._received.clear()

    def _read(self) -> NDArray[np.float32]:
        try:
            if self._socket is None:
                self._socket = socket.create_connection(self._address, POLL_TIME)
                self._socket.setblocking(False)
            ended = self._receive(self._socket)
        except OSError as error:
            reason = error.strerror or error
            self._lose("source-disconnected", f"not connected ({reason}); trying on.")
            return _NOTHING
        if len(frames := self._whole_messages()):
            return frames
        if ended and self._socket is not None:
            self._lose("source-disconnected", "the connection was ended; trying on.")
        return _NOTHING

    def _receive(self, connection: socket.socket) -> bool:
        """Take in what has come; tell whether no more will."""
        with suppress(BlockingIOError):
            while len(self._received) < 2 * _MOST_BYTES:
                content = connection.recv(1 << 20)
                if not content:
                    return True
                self._received += content
        return False

    def _lose(self, code: str, what: str) -> None:
        self._joins = self._joins or self._socket is not None
        self.close()
        self._say(code, what)

    def _whole_messages(self) -> NDArray[np.float32]:
        """Return the frames of the messages that are there in whole."""
        blocks: list[NDArray[np.float32]] = []
        while len(self._received) >= HEADER.size:
            magic, n_rois, n_frames, name = HEADER.unpack_from(self._received)
            dtype = np.dtype(_TYPES.get(name, "V1"))
            n_bytes = n_rois * n_frames * dtype.itemsize
            wrong = magic != MAGIC or name not in _TYPES or not n_rois
            if wrong or n_bytes > _MOST_BYTES:
                if not blocks:  # else at the next look
                    self._lose(
                        "source-rubbish",
                        "what it sends is no message of frames by ROIs "
                        f"({bytes(self._received[: HEADER.size])!r}); it is refused, "
                        "and connected to again.",
                    )
                break
            if len(self._received) < HEADER.size + n_bytes:
                break
            if blocks and n_rois != self.n_rois:
                break
            if not self._fits(n_rois):
                self._joins = True
                del self._received[: HEADER.size + n_bytes]
                continue
            values = np.frombuffer(
                self._received, dtype, n_rois * n_frames, HEADER.size
            )
            with np.errstate(over="ignore"):
                blocks.append(values.reshape(n_frames, n_rois).astype(np.float32))
            del values
            del self._received[: HEADER.size + n_bytes]
        return np.concatenate(blocks) if blocks else _NOTHING


def open_source(
    source: str, *, masks: Recording | None = None, n_rois: int | None = None
) -> Source:
    """Return what a path or an address means; it need not be there yet.

    ``tcp://HOST:PORT`` is a socket, ``NAME.npy`` a growing NumPy file, another file
    with `n_rois` one of raw float32 values, and without it a suite2p movie, whose ROIs
    are those of `masks`. `RecordingError` if the ROIs are not known.
    """
    known = masks.n_rois if masks is not None else n_rois
    if known is not None and n_rois not in (None, known):
        raise RecordingError(
            f"The masks have {known} ROIs, but {n_rois} were given; leave one out."
        )
    if source.startswith("tcp:"):
        return TraceSocket(source, known)
    path = Path(source)
    if path.suffix == ".npy":
        if path.exists() and (pipeline := pipeline_of_file(path)):
            raise RecordingError(
                f"{path} is {pipeline}'s own file, ROIs by frames, which is written "
                "at once; follow the data.bin beside it."
            )
        return GrowingNpy(path, known)
    if n_rois is not None:
        return GrowingFile(path, known)
    if masks is None:
        raise RecordingError(
            f"{path}: Which ROIs are followed is not known; give the plane folder of "
            "their masks (--masks) for a movie, or their number (--rois) for a file of "
            "float32 values."
        )
    return GrowingMovie(path, masks)
