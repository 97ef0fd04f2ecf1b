"""A training on disk, from which the same training goes on after any kind of end."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_celltype.errors import ModelError
from napari_celltype.files import write_atomically
from napari_celltype.models.model_file import digest, split_content

# An epoch of the RNN takes a tenth of a second, less than writing it safely may take.
SECONDS_BETWEEN = 3.0

History = list[dict[str, float]]


class Checkpoint:
    """The last finished epoch of one training, in one file.

    Nothing is written within `SECONDS_BETWEEN` of the last time, except the last epoch:
    what is lost when the process is killed is at most that, and one epoch.

    Parameters
    ----------
    path : Path
        A safetensors file, replaced in one step; no code is run to read it.
    key : str
        From `training_key`; a file with another one is not read.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self.key = key
        self._written = time.monotonic()

    def load(
        self, like: Mapping[str, Tensor], most_epochs: int
    ) -> tuple[dict[str, Tensor], History] | None:
        """Return the tensors and the history of the file if they can be trusted.

        Parameters
        ----------
        like : mapping of str to tensor
            Names, shapes and types that the tensors must have.
        most_epochs : int
            A training that is longer already is of no use.

        Returns
        -------
        tuple or None
            None when the file is absent, damaged, of another training or too far on.
        """
        try:
            content = self.path.read_bytes()
            header, data = split_content(content, self.path)
            metadata = header.pop("__metadata__")
            text = metadata["training"]
            if metadata["sha256"] != digest(text, header, data):
                return None
            said = json.loads(text)
            if said["key"] != self.key or len(said["history"]) > most_epochs:
                return None
            tensors = safetensors.torch.load(content)
        except (
            OSError,
            ModelError,
            KeyError,
            TypeError,
            ValueError,
            safetensors.SafetensorError,
        ):
            return None
        if {n: (t.shape, t.dtype) for n, t in tensors.items()} != {
            n: (t.shape, t.dtype) for n, t in like.items()
        }:
            return None
        history: History = said["history"]
        return tensors, history

    def is_due(self) -> bool:
        """Tell whether the last writing was long enough ago."""
        return time.monotonic() - self._written >= SECONDS_BETWEEN

    def save(
        self, tensors: Mapping[str, Tensor], history: Sequence[Mapping[str, float]]
    ) -> None:
        """Write the state after an epoch, atomically.

        Raises
        ------
        OutputError
            If the folder cannot be written to or the disk is full; the file that was
            there before is untouched.
        """
        plain = {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in tensors.items()
        }
        text = json.dumps({"key": self.key, "history": list(history)})
        header, data = split_content(safetensors.torch.save(plain), self.path)
        metadata = {"training": text, "sha256": digest(text, header, data)}
        content = safetensors.torch.save(plain, metadata=metadata)
        write_atomically(self.path, lambda file: file.write(content))
        self._written = time.monotonic()


def training_key(
    traces: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    settings: Mapping[str, Any],
) -> str:
    """Return a digest of all that the weights after an epoch depend on.

    The versions of torch and of this program and the number of threads belong to it:
    another one may give other last bits.

    Parameters
    ----------
    traces : ndarray of float32, shape (n_traces, n_frames)
    allowed : ndarray of bool, shape (n_traces, n_classes)
    settings : mapping
        Everything else, in plain values.
    """
    said = {
        "torch": torch.__version__,
        "napari-celltype": version("napari-celltype"),
        "threads": torch.get_num_threads(),
        "shapes": [traces.shape, allowed.shape],
        **settings,
    }
    sha256 = hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode())
    sha256.update(np.ascontiguousarray(traces).data)
    sha256.update(np.ascontiguousarray(allowed).data)
    return sha256.hexdigest()
