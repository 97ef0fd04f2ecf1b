"""What a fitted classifier says about traces, in batches that fit the memory."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from napari_celltype.classifiers.device import (
    choose_device,
    in_batches,
    keep_freed_memory,
    traces_at_once,
)
from napari_celltype.classifiers.notices import Notice
from napari_celltype.classifiers.preparation import pad_frames
from napari_celltype.classifiers.softmax import log_softmax

if TYPE_CHECKING:
    from napari_celltype.classifiers.estimator import TraceClassifier


def log_probabilities(
    classifier: TraceClassifier,
    traces: NDArray[np.float32],
    n_frames: int,
    device: str,
    on_notice: Notice,
) -> NDArray[np.float64]:
    """Return the logarithm of each class's probability, (n_traces, n_classes).

    Parameters
    ----------
    classifier : TraceClassifier
        Fitted.
    traces : ndarray of float32, shape (n_traces, n_features)
    n_frames : int
        To which shorter traces are padded.
    device : str
    on_notice : callable
        Takes a sentence when the GPU's memory was too small for a batch.
    """
    target = choose_device(device)
    network = classifier.network_
    if target.type != "cpu":
        network = copy.deepcopy(network).to(target)

    def logits(start: int, stop: int) -> NDArray[np.float64]:
        padded = pad_frames(traces[start:stop], n_frames)
        scored = torch.from_numpy(classifier.normalization_.apply(padded))
        with torch.inference_mode():
            out = network(scored.to(target))
        values: NDArray[np.float64] = out.cpu().numpy().astype(np.float64)
        return values

    keep_freed_memory()
    batch = traces_at_once(target, n_frames, network.cached_frames)
    found = list(in_batches(logits, len(traces), batch, on_notice))
    return log_softmax(np.concatenate(found))
