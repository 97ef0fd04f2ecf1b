"""Which frames of its windows raised a network's score, and whether that can be shown.

The score of a class is its logit less the mean logit of all classes. Integrated
gradients (Sundararajan et al., ICML 2017, arXiv 1703.01365) share out among the frames
by how much it differs from the score of a flat trace, which is what the z-score makes
of zeros.

An attribution may look convincing and say nothing about what was learnt: it follows the
trace, whichever weights there are. So it has to pass the test of Adebayo et al.
(NeurIPS 2018, arXiv 1810.03292): the same attribution of networks of the same form with
random weights has to rank the frames differently.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from napari_celltype.classifiers.networks import Network
from napari_celltype.classifiers.preparation import pad_frames
from napari_celltype.classifiers.saved_model import CellTypeModel
from napari_celltype.classifiers.windows import lively
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)

STEPS = 24
RANDOM_NETWORKS = 3
# Rank correlation with a random network from which on nothing is shown: a quarter of
# the ranks' variance could then be had without having learnt anything.
LIMIT = 0.5
SMOOTHED_SECONDS = 1.0
# The test looks at no more windows than these, spread evenly.
MOST_TESTED = 5
_WINDOWS_AT_ONCE = 4


@dataclass(frozen=True, eq=False)
class Attribution:
    """What raised or lowered the score of one class, frame by frame.

    Attributes
    ----------
    name : str
        The class.
    scores : ndarray of float32, shape (n_windows, window_frames)
        Summed over `SMOOTHED_SECONDS` around each frame of the model; positive where
        the frames raised the score. Zeros in windows without change.
    correlation : float
        The largest rank correlation of the scores, with their signs or without, with
        those of any of `RANDOM_NETWORKS` networks with random weights; NaN without a
        window to look at.
    """

    name: str
    scores: NDArray[np.float32]
    correlation: float

    @property
    def passes(self) -> bool:
        """Whether it depends on what the network learnt, by the test of this module."""
        return self.correlation < LIMIT


def attribute(
    model: CellTypeModel,
    windows: NDArray[np.float32],
    name: str,
    *,
    seed: int = 0,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Attribution:
    """Share out a class's score among the frames of one ROI's windows.

    Works on the processor; the same input gives the same numbers.

    Parameters
    ----------
    model : CellTypeModel
    windows : ndarray, shape (n_windows, window_frames)
        At the model's frame rate, before the z-score; as `WindowPlan.cut` returns them.
    name : str
        A class of the model.
    seed : int
        Of the random networks' weights.
    on_progress, should_stop : callable
        Told and asked after every few windows.

    Returns
    -------
    Attribution

    Raises
    ------
    ValueError
        If the model has no such class.
    Stopped
        If `should_stop` answered True.
    """
    classes = [str(c) for c in model.classes_]
    if name not in classes:
        raise ValueError(f"the model has no class {name!r}; it has {classes}")
    column = classes.index(name)
    width = max(1, round(SMOOTHED_SECONDS * (model.card.sampling_frequency or 1.0)))
    alive = np.flatnonzero(lively(windows[None])[0])
    scores = np.zeros(windows.shape, dtype=np.float32)
    if not len(alive):
        return Attribution(name, scores, np.nan)
    classifier = model.classifier
    padded = pad_frames(windows[alive], classifier._minimum_frames())
    inputs = torch.from_numpy(classifier.normalization_.apply(padded))
    tested = np.linspace(0, len(alive) - 1, min(len(alive), MOST_TESTED)).astype(int)
    total = len(alive) + RANDOM_NETWORKS * len(tested)
    done = 0

    def advance(n_windows: int) -> None:
        nonlocal done
        raise_if_stopped(should_stop)
        done += n_windows
        on_progress(Progress("Looking at what raised the score", done, total))

    learnt = _smooth(_shares(classifier.network_, inputs, column, advance), width)
    scores[alive] = learnt[:, : windows.shape[1]]
    found = []
    for number in range(RANDOM_NETWORKS):
        random = _randomised(classifier.network_, seed + number)
        shares = _shares(random, inputs[tested], column, advance)
        found.append(_rank_correlations(learnt[tested], _smooth(shares, width)))
    return Attribution(name, scores, float(np.max(found)))


def _randomised(network: Network, seed: int) -> Network:
    """Return the same network with weights as before any training."""
    other = copy.deepcopy(network)
    other.initialise(torch.Generator().manual_seed(seed))
    return other


def _shares(
    network: Network,
    inputs: torch.Tensor,
    column: int,
    advance: Callable[[int], None],
) -> NDArray[np.float32]:
    """Return the integrated gradients (n_windows, n_frames) from a flat trace."""
    # The middle of each of the steps on the straight way from zeros to the input.
    way = (torch.arange(STEPS, dtype=torch.float32) + 0.5) / STEPS
    parts = []
    for start in range(0, len(inputs), _WINDOWS_AT_ONCE):
        some = inputs[start : start + _WINDOWS_AT_ONCE]
        points = (way[:, None, None] * some).flatten(0, 1).requires_grad_()
        logits = network(points)
        score = (logits[:, column] - logits.mean(dim=1)).sum()
        (slopes,) = torch.autograd.grad(score, points)
        parts.append(slopes.view(STEPS, *some.shape).mean(dim=0) * some)
        advance(len(some))
    shares: NDArray[np.float32] = torch.cat(parts).numpy()
    return shares


def _smooth(shares: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Return running sums over `width` frames."""
    from scipy.ndimage import uniform_filter1d

    summed: NDArray[np.float32]
    summed = width * uniform_filter1d(shares, width, axis=1, mode="constant")
    return summed


def _rank_correlations(
    one: NDArray[np.float32], other: NDArray[np.float32]
) -> tuple[float, float]:
    """Return Spearman's correlation with the signs and of the sizes alone.

    By windows, and their mean: a window with a larger score than all others would
    otherwise decide.
    """
    from scipy.stats import rankdata

    found = []
    for change in (np.asarray, np.abs):
        ranks = [rankdata(change(values), axis=1) for values in (one, other)]
        ranks = [r - r.mean(axis=1, keepdims=True) for r in ranks]
        sizes = np.sqrt((ranks[0] ** 2).sum(axis=1) * (ranks[1] ** 2).sum(axis=1))
        products = (ranks[0] * ranks[1]).sum(axis=1)
        # A network with dead units may not react at all, which is as different as can.
        along = np.divide(products, sizes, out=np.zeros_like(sizes), where=sizes > 0)
        found.append(float(along.mean()))
    return found[0], found[1]
