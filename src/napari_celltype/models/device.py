"""Which processor the networks run on, and what to do when its memory is short."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

from napari_celltype.errors import CellTypeError
from napari_celltype.models.registry import Notice

Result = TypeVar("Result")

# Frames of traces in one forward pass on a GPU, which wants many to keep it busy.
_ACCELERATOR_FRAMES = 2**21


def choose_device(name: str) -> torch.device:
    """Return the device of a name: auto, cpu, cuda, cuda:N or mps; `CellTypeError`."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    wanted = re.fullmatch(r"cpu|mps|cuda(?::(\d{1,4}))?", name)
    if wanted is None:
        raise CellTypeError(
            f"The device {name!r} is not known; use auto, cpu, cuda, cuda:N or mps."
        )
    missing, n_gpus = "", torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "mps" and not torch.backends.mps.is_available():
        missing = "no Apple GPU"
    elif name.startswith("cuda") and int(wanted[1] or 0) >= n_gpus:
        missing = f"{n_gpus or 'no'} CUDA GPU{'s' if n_gpus != 1 else ''}"
    if missing:
        raise CellTypeError(
            f"The device {name!r} was asked for, but PyTorch finds {missing} here; use "
            "'auto' or 'cpu', or run `napari-celltype doctor` to see what is missing."
        )
    return torch.device(name)


def traces_at_once(device: torch.device, n_frames: int, cached_frames: int) -> int:
    """Return how many traces of `n_frames` frames to put through a network at once."""
    frames = cached_frames if device.type == "cpu" else _ACCELERATOR_FRAMES
    return max(1, frames // n_frames)


def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next tensors of the same sizes."""
    # glibc returns it to the system and takes it back page by page, 20,000 pages in a
    # step of the paper's CNN, a tenth to a fifth of its time. It stops doing so (up to
    # 64 MB) once a piece of nearly 32 MB was freed, which is the most that it learns
    # from; the piece is never written to, so it costs nothing. Elsewhere this is idle.
    torch.empty(31 * 2**18)


def in_batches(
    function: Callable[[int, int], Result],
    n_rows: int,
    batch_size: int,
    on_notice: Notice,
) -> Iterator[Result]:
    """Yield ``function(start, stop)`` row after row, with less when memory is short."""
    start = 0
    while start < n_rows:
        rows = min(batch_size, n_rows - start)
        try:
            result = function(start, start + rows)
        except torch.OutOfMemoryError:
            if rows == 1:
                raise
            result = None
        # Out of the except block, whose traceback keeps the failed tensors alive.
        if result is None:
            batch_size = halve(rows, on_notice)
        else:
            yield result
            start += rows


def halve(batch_size: int, on_notice: Notice) -> int:
    """Return half a batch size, say so, and let the GPU forget its unused memory."""
    smaller = (batch_size + 1) // 2
    on_notice(
        f"The GPU's memory was too small: going on with {smaller} "
        f"trace{'s' if smaller != 1 else ''} at a time."
    )
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return smaller
