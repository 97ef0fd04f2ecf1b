"""How red each ROI is beyond its green, and two lines between red and not red.

Green leaks into the red channel, and a mask that is bright or in focus is brighter in
both. So red is regressed on green over the cells, with a line that red cells do not
pull up (Theil-Sen: the median of all slopes), and what is left is the redness.

suite2p 1.1 does not correct for the leak: its function for that is there and is not
called (`chan2detect.detect`), so its redcell.npy is of the red image as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.labels.notes import counted
from napari_celltype.labels.table import Label, LabelTable
from napari_celltype.recording import Recording, RoiMasks, Traces

RED_IMAGE = "mean image, channel 2"
_BLOCK_ROIS = 500
# Fewer cells make no line, and fewer than the second number no two groups.
_MIN_FIT, _MIN_GROUPS = 10, 20
# All pairs of more points take seconds and change nothing that can be seen.
_MAX_FIT = 1500
# A median absolute deviation times this is the standard deviation of a Gaussian.
_MAD_TO_SD = 1.4826
# Two Gaussians are apart when their means differ by more than twice their spread.
_APART = 2.0
_SURE = 0.95
# Where to put the lines when nothing in the data says it.
_START_LOW, _START_HIGH = 1.0, 3.0


@dataclass(frozen=True, eq=False)
class RedChannel:
    """The red values of the ROIs and what green explains of them; arrays (n_rois,)."""

    # `green` is None where only suite2p's own values are known.
    red: NDArray[np.float64]
    green: NDArray[np.float64] | None
    # What is left of `red` above the line, in spreads (1.4826 x the median absolute
    # deviation) of the cells around it; `red` itself where there is no line.
    redness: NDArray[np.float64]
    # ROIs that the line was laid through: they stand alone, have values, and suite2p
    # calls them cells.
    cells: NDArray[np.bool_]
    # Of the line red = slope x green + intercept; `r2` is the share of the variance of
    # red that it explains. None where there is no line.
    slope: float | None
    intercept: float | None
    r2: float | None
    # Where the values came from, in words.
    source: str
    # What suite2p itself calls red.
    flags: NDArray[np.bool_] | None

    @property
    def sentence(self) -> str:
        """What the values are and how much green explains, in words."""
        n = counted(int(self.cells.sum()), "cell")
        if self.green is None:
            return (
                f"Red: {self.source} ({n}). This is what suite2p decided by and no "
                f"brightness, so nothing can be corrected for green."
            )
        if self.r2 is None:
            return f"Red: {self.source}. Too few cells ({n}) for a line; not corrected."
        return (
            f"Red: {self.source}. Over {n}, green explains {max(self.r2, 0):.0%} of "
            f"the differences in red (R2 = {self.r2:.2f}); what is left is redness."
        )


@dataclass(frozen=True)
class Lines:
    """A proposal: ROIs up to `low` are surely not red, from `high` on surely red."""

    low: float
    high: float
    sentence: str


@dataclass(frozen=True, eq=False)
class RedGroups:
    """What two lines make of the ROIs; boolean arrays of shape (n_rois,).

    `left_out` are cells between the lines, or without a value; they get no label.
    """

    red: NDArray[np.bool_]
    not_red: NDArray[np.bool_]
    left_out: NDArray[np.bool_]


def has_second_channel(recording: Recording) -> bool:
    """Tell whether suite2p had two channels, without reading a file."""
    return (
        RED_IMAGE in recording.images
        or recording.redcell is not None
        or recording.n_channels > 1
    )


def measure_red(recording: Recording) -> RedChannel:
    """Measure the redness of every ROI.

    Raises
    ------
    LabelError
        If the recording has no second channel.
    RecordingError
        If a file of the second channel is damaged.
    """
    found = _red_and_green(recording)
    if found is None:
        raise LabelError(
            f"{recording.path or 'The recording'} has no second channel (no "
            f"meanImg_chan2, F_chan2.npy or redcell.npy); run suite2p with two "
            f"channels, or label by hand."
        )
    red, green, source = found
    _, usable = _alone_and_cells(recording)
    usable = usable & np.isfinite(red)
    if green is not None:
        usable &= np.isfinite(green)
    slope = intercept = r2 = None
    redness = red
    if green is not None and usable.sum() >= _MIN_FIT:
        slope, intercept = _robust_line(green[usable], red[usable])
        residual = red - slope * green - intercept
        variance = float(np.var(red[usable]))
        left = float(np.var(residual[usable]))
        r2 = 1 - left / variance if variance > 0 else 0.0
        redness = residual / (_spread(residual[usable]) or 1.0)
    flags = recording.redcell
    return RedChannel(red, green, redness, usable, slope, intercept, r2, source, flags)


def propose_lines(red: RedChannel) -> Lines:
    """Propose the two lines; whoever looks at the picture decides.

    Two Gaussians are fitted to the redness of the cells. Where they are apart, the
    lines stand where a cell belongs to one of them with a probability of 95 %.
    """
    values = red.redness[red.cells]
    if red.r2 is None and red.flags is not None and values.size:
        flags = red.flags[red.cells]
        high = float(values[flags].min()) if flags.any() else float(values.max()) + 1e-3
        low = high if flags.all() else min(float(values[~flags].max()), high)
        return Lines(
            low,
            high,
            "The lines stand where suite2p itself drew the border between red and not "
            "red; nothing better can be proposed from its own values.",
        )
    found = _two_groups(values) if values.size >= _MIN_GROUPS else None
    if found is not None:
        return Lines(
            *found,
            "Proposal: two groups of cells can be told apart, and outside the lines a "
            "cell belongs to its group with 95 %. Check it against the image.",
        )
    middle = float(np.median(values)) if values.size else 0.0
    spread = _spread(values) if values.size else 1.0
    return Lines(
        middle + _START_LOW * spread,
        middle + _START_HIGH * spread,
        f"No proposal: two groups of cells cannot be told apart in "
        f"{counted(values.size, 'cell')}. The lines stand {_START_LOW:g} and "
        f"{_START_HIGH:g} spreads above the middle only to start with; set them by "
        f"eye, or do not label by red.",
    )


def red_groups(
    recording: Recording, red: RedChannel, low: float, high: float
) -> RedGroups:
    """Sort the ROIs by two lines."""
    if not low <= high:
        raise LabelError(
            f"The line 'surely not red' ({low:g}) is above 'surely red' ({high:g}); "
            f"exchange them."
        )
    alone, cells = _alone_and_cells(recording)
    is_red = alone & (red.redness >= high)
    not_red = cells & (red.redness <= low) & ~is_red
    return RedGroups(is_red, not_red, cells & ~is_red & ~not_red)


def disagreeing(present: LabelTable, groups: RedGroups, positive: str) -> int:
    """Return how many labels of one plane say something else than the red channel.

    Labels from the red channel itself, and predictions, do not count.
    """
    says = np.where(groups.red, positive, np.where(groups.not_red, f"!{positive}", ""))
    return sum(
        says[row.roi_id] not in ("", row.label)
        for row in present
        if row.label and row.source not in ("redcell", "prediction")
    )


def labels_from_red(
    recording: Recording,
    red: RedChannel,
    low: float,
    high: float,
    positive: str,
    tree: TypeTree = DEFAULT_TYPES,
) -> LabelTable:
    """Label ROIs by their redness: the type above one line, not the type below another.

    Parameters
    ----------
    red : RedChannel
        What `measure_red` returned.
    low, high : float
        Redness up to which an ROI is surely not red, and from which it surely is;
        between them it gets no label.
    positive : str
        The type that is red, such as ``PV`` in a Pvalb-Cre x Ai14 mouse.

    Raises
    ------
    LabelError
        If `positive` is no type, or `low` is above `high`.
    """
    groups = red_groups(recording, red, low, high)
    positive = tree.canonical(positive)
    if positive.startswith("!"):
        raise LabelError(f"{positive!r} is no type; name the type that is red.")
    rows = tuple(
        Label(
            roi_id,
            positive if groups.red[roi_id] else f"!{positive}",
            recording.plane,
            "redcell",
            seen_trace=False,
            note=f"redness {red.redness[roi_id]:.2f}, lines {low:.2f} and {high:.2f}",
        )
        for roi_id in np.flatnonzero(groups.red | groups.not_red).tolist()
    )
    return LabelTable(rows, tree)


def _red_and_green(
    recording: Recording,
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None, str] | None:
    """Take the red value of each ROI from the best source; None where there is none.

    The mean image of channel 2 under the mask of each ROI; else the mean of its trace
    in channel 2; else what suite2p decided by. The last is no brightness: the ratio of
    inside to inside plus surround, or the overlap with a mask that Cellpose found, and
    the file does not say which. Returns also the green values, measured as the red, and
    the source in words; NaN where an ROI has no value.
    """
    images = recording.images
    if RED_IMAGE in images and len(recording.rois):
        image = images.get("mean image")
        return (
            _mean_under_masks(recording, images[RED_IMAGE]),
            _mean_traces(recording.raw_traces)
            if image is None
            else _mean_under_masks(recording, image),
            "mean image of channel 2 under each mask",
        )
    if recording.second_channel is not None:
        red, green = map(_mean_traces, (recording.second_channel, recording.raw_traces))
        return red, green, "mean of F_chan2.npy"
    if recording.redcell_values is not None:
        return recording.redcell_values, None, "suite2p's own values in redcell.npy"
    return None


def _mean_under_masks(
    recording: Recording, image: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the mean under each ROI, weighted as suite2p does; NaN without weight."""
    masks = RoiMasks.of(recording.rois)
    weights = np.maximum(masks.lam, 0).astype(np.float64)
    values = image[masks.ypix, masks.xpix] * weights
    total, weight = (
        np.bincount(masks.roi_ids, weights=w, minlength=len(masks))
        for w in (values, weights)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weight > 0, total / weight, np.nan)


def _mean_traces(traces: Traces) -> NDArray[np.float64]:
    starts = range(0, traces.shape[0], _BLOCK_ROIS)
    blocks = (np.asarray(traces[start : start + _BLOCK_ROIS]) for start in starts)
    return np.concatenate([block.mean(axis=1, dtype=np.float64) for block in blocks])


def _alone_and_cells(
    recording: Recording,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which ROIs are no part of a merged one, and which of these are cells."""
    alone = recording.merged_into < 0
    return alone, alone if recording.iscell is None else alone & recording.iscell


def _robust_line(
    green: NDArray[np.float64], red: NDArray[np.float64]
) -> tuple[float, float]:
    from scipy.stats import theilslopes

    if np.ptp(green) == 0:
        return 0.0, float(np.median(red))
    if green.size > _MAX_FIT:
        # Evenly through the sorted greens, so that nothing is left to chance.
        order = np.argsort(green, kind="stable")
        some = order[np.linspace(0, green.size - 1, _MAX_FIT).astype(int)]
        green, red = green[some], red[some]
    slope = float(theilslopes(red, green).slope)
    return slope, float(np.median(red - slope * green))


def _spread(values: NDArray[np.float64]) -> float:
    deviations = np.abs(values - np.median(values))
    return float(_MAD_TO_SD * np.median(deviations)) or float(np.std(values))


def _two_groups(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return the two lines where the values are of two Gaussians that are apart."""
    from sklearn.mixture import GaussianMixture

    column = values[:, np.newaxis]
    if np.unique(values).size < _MIN_GROUPS:
        return None
    one = GaussianMixture(1, random_state=0).fit(column)
    two = GaussianMixture(2, n_init=5, random_state=0).fit(column)
    lower, upper = np.argsort(two.means_.ravel())
    means = two.means_.ravel()[[lower, upper]]
    mean_variance = float(two.covariances_.mean())
    apart = (means[1] - means[0]) / np.sqrt(mean_variance)
    if two.bic(column) >= one.bic(column) or apart <= _APART:
        return None
    grid = np.linspace(means[0], means[1], 1001)
    p_red = two.predict_proba(grid[:, np.newaxis])[:, upper]
    # The first and the last place between the means where the group is not sure.
    unsure = np.flatnonzero((p_red > 1 - _SURE) & (p_red < _SURE))
    if not unsure.size:
        middle = float(grid[np.argmax(p_red >= _SURE)])
        return middle, middle
    return float(grid[unsure[0]]), float(grid[unsure[-1]])
