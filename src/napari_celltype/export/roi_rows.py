"""The part of the output table that needs no model: the ROIs and their labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_celltype.recording import Recording, RoiMasks

if TYPE_CHECKING:
    import pandas as pd

    from napari_celltype.labels import LabelTable


def roi_rows(
    recording: Recording, name: str, labels: LabelTable | None = None
) -> pd.DataFrame:
    """Return one row per ROI in the order of `stat.npy`.

    Parameters
    ----------
    recording : Recording
    name : str
        What the column `recording` says.
    labels : LabelTable, optional
        What is known about the ROIs.

    Returns
    -------
    pandas.DataFrame
        Columns of the output table: ``recording``, ``plane``, ``roi_id``, ``y``,
        ``x`` (pixels), ``n_pixels``, ``iscell``, ``label``, ``label_source``,
        ``merged_into`` and ``cell_id``.
    """
    import pandas as pd

    n_rois = recording.n_rois
    masks = RoiMasks.of(recording.rois)
    has_masks = len(masks) == n_rois
    centroids = masks.centroids if has_masks else np.full((n_rois, 2), np.nan)
    rows = labels.by_roi() if labels is not None else {}
    given = [rows.get(roi_id) for roi_id in range(n_rois)]
    columns: dict[str, object] = {
        "recording": name,
        "plane": recording.plane,
        "roi_id": np.arange(n_rois),
        "y": centroids[:, 0].round(2),
        "x": centroids[:, 1].round(2),
        "n_pixels": masks.n_pixels if has_masks else np.zeros(n_rois, np.int64),
        "iscell": pd.array(
            [None] * n_rois if recording.iscell is None else recording.iscell,
            dtype="boolean",
        ),
        "label": [row.label if row else "" for row in given],
        "label_source": [row.source if row else "" for row in given],
        "merged_into": pd.array(
            [int(m) if m >= 0 else None for m in recording.merged_into]
            or [None] * n_rois,
            dtype="Int64",
        ),
        "cell_id": [row.cell_id if row else "" for row in given],
    }
    return pd.DataFrame(columns)
