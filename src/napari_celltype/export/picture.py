"""The picture of the ROIs: colours, fainter the less probable, and the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_celltype.answers.columns import class_columns
from napari_celltype.celltypes import UNSURE, TypeTree
from napari_celltype.recording import Recording

if TYPE_CHECKING:
    import pandas as pd

UNCLASSIFIED_COLOR = "#B8B8B8"

# Opacity of a fill at chance and at certainty: a guess has to look like one.
FAINTEST, STRONGEST = 0.15, 0.95


def fill_strength(
    probability: NDArray[np.float64], n_names: int
) -> NDArray[np.float64]:
    """Return how far probabilities are from chance (0) on the way to certainty (1)."""
    chance = 1 / max(n_names, 2)
    return np.clip((probability - chance) / (1 - chance), 0, 1)


def label_color(label: str, tree: TypeTree) -> str:
    """Return the colour of a type, or of the type in a label; grey for neither."""
    colors = {t.name: t.color for t in tree.types}
    return colors.get(label.removeprefix("!"), UNCLASSIFIED_COLOR)


def roi_fills(
    table: pd.DataFrame, by_group: bool, tree: TypeTree
) -> dict[int, tuple[str, float]]:
    """Return colour and opacity of each ROI that the model named, by roi_id."""
    if "predicted" not in table.columns:
        return {}
    probability = table["probability"].to_numpy(dtype=float)
    if by_group:
        p_in = table["p_IN"].to_numpy(dtype=float)
        probability = np.maximum(p_in, 1 - p_in)
    n_names = 2 if by_group else len(class_columns(table.columns))
    opacity = FAINTEST + fill_strength(probability, n_names) * (STRONGEST - FAINTEST)
    names = table["group" if by_group else "predicted"]
    return {
        int(roi_id): (label_color(name, tree), alpha)
        for roi_id, name, alpha in zip(
            table["roi_id"], names, opacity.tolist(), strict=True
        )
        if name and name != UNSURE
    }


def background(recording: Recording) -> NDArray[np.float32]:
    """Return the mean image between its 1st and 99.5th percentile, somewhat dark."""
    image = recording.images.get("mean image")
    if image is None or not np.isfinite(image).any():
        return np.zeros(recording.frame_shape, dtype=np.float32)
    low, high = np.nanpercentile(image, (1, 99.5))
    scaled = (np.nan_to_num(image, nan=low) - low) / max(high - low, 1e-9)
    # Colours have to stand out against the brightest cell.
    return np.asarray(0.55 * np.clip(scaled, 0, 1), dtype=np.float32)
