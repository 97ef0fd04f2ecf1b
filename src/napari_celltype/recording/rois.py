"""ROI masks: kept flat, drawn as a label image, summarised."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.findings import Finding
from napari_celltype.recording.recording import FRAME_SIZE_GUESSED, Recording, Roi


class RoiMasks(Sequence[Roi]):
    """All ROIs of a plane, their pixels one after another in three flat arrays.

    ROI i has the pixels ``starts[i]:starts[i + 1]``; `starts` has the shape
    (n_rois + 1,). All are read-only.
    """

    def __init__(
        self,
        ypix: NDArray[np.int64],
        xpix: NDArray[np.int64],
        lam: NDArray[np.float32],
        starts: NDArray[np.int64],
    ) -> None:
        self.ypix, self.xpix, self.lam, self.starts = ypix, xpix, lam, starts
        for array in (ypix, xpix, lam, starts):
            array.flags.writeable = False

    @classmethod
    def of(cls, rois: Sequence[Roi]) -> RoiMasks:
        """Return any sequence of ROIs in this form."""
        if isinstance(rois, RoiMasks):
            return rois
        starts = np.cumsum([0, *(len(roi.ypix) for roi in rois)], dtype=np.int64)
        return cls(
            np.concatenate([np.empty(0, np.int64), *(roi.ypix for roi in rois)]),
            np.concatenate([np.empty(0, np.int64), *(roi.xpix for roi in rois)]),
            np.concatenate([np.empty(0, np.float32), *(roi.lam for roi in rois)]),
            starts,
        )

    def __len__(self) -> int:
        return len(self.starts) - 1

    @overload
    def __getitem__(self, index: int) -> Roi: ...
    @overload
    def __getitem__(self, index: slice) -> list[Roi]: ...
    def __getitem__(self, index: int | slice) -> Roi | list[Roi]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        i = range(len(self))[index]
        pixels = slice(self.starts[i], self.starts[i + 1])
        return Roi(self.ypix[pixels], self.xpix[pixels], self.lam[pixels])

    @cached_property
    def n_pixels(self) -> NDArray[np.int64]:
        """Pixels of each ROI, shape (n_rois,)."""
        return np.diff(self.starts)

    @cached_property
    def roi_ids(self) -> NDArray[np.int64]:
        """Row of the ROI that each flat pixel belongs to."""
        return np.repeat(np.arange(len(self)), self.n_pixels)

    @cached_property
    def centroids(self) -> NDArray[np.float64]:
        """Mean row and column of each ROI, shape (n_rois, 2); NaN without pixels."""
        with np.errstate(invalid="ignore"):
            return np.stack(
                [
                    np.bincount(self.roi_ids, weights=pix, minlength=len(self))
                    / self.n_pixels
                    for pix in (self.ypix, self.xpix)
                ],
                axis=1,
            )


@contextmanager
def masks_left_out(warnings: list[Finding]) -> Iterator[None]:
    """Let masks that cannot be read cost no more than themselves."""
    try:
        yield
    except (RecordingError, ValueError) as error:
        sentence = f"The masks of the ROIs cannot be used ({error}); left out."
        warnings.append(Finding("masks-unreadable", sentence))


def smallest_frame(rois: RoiMasks) -> tuple[tuple[int, int], Finding]:
    """Return (Ly, Lx) of what holds all ROIs, and that it is guessed."""
    height, width = (int(p.max(initial=-1)) + 1 for p in (rois.ypix, rois.xpix))
    sentence = (
        f"The files do not say the frame size; {height} x {width} pixels is the "
        f"smallest that holds all ROIs."
    )
    return (height, width), Finding(FRAME_SIZE_GUESSED, sentence)


def label_image(recording: Recording) -> NDArray[np.int32]:
    """Draw the ROIs: pixel value ``roi_id + 1``, 0 where there is none.

    A shared pixel goes to the ROI with the larger weight, and every ROI keeps at least
    one pixel that it can be clicked on. Parts of a merged ROI are not drawn: their
    pixels belong to the merged one.
    """
    rois = RoiMasks.of(recording.rois)
    image = np.zeros(recording.frame_shape, dtype=np.int32)
    # Traces may have no ROIs.
    drawn = recording.merged_into[: len(rois)] < 0
    # Of repeated positions the last assignment stays, so the largest weight goes last.
    order = np.argsort(rois.lam, kind="stable")
    order = order[drawn[rois.roi_ids[order]]]
    image[rois.ypix[order], rois.xpix[order]] = rois.roi_ids[order] + 1

    owned = np.bincount(image.ravel(), minlength=len(rois) + 1)
    for i in np.flatnonzero(drawn & (owned[1:] == 0)):
        roi = rois[int(i)]
        for k in np.argsort(-roi.lam, kind="stable"):
            y, x = roi.ypix[k], roi.xpix[k]
            if owned[image[y, x]] > 1:
                owned[image[y, x]] -= 1
                image[y, x] = i + 1
                break
    return image


def fingerprint(recording: Recording) -> dict[str, int | str]:
    """Summarise the ROIs that labels are made on, for JSON.

    ``n_rois``, and ``masks_sha256`` of the pixel positions of all ROIs, in order.
    """
    rois = RoiMasks.of(recording.rois)
    digest = hashlib.sha256()
    for array in (rois.starts, rois.ypix, rois.xpix):
        digest.update(np.ascontiguousarray(array, dtype="<i8").data)
    return {"n_rois": recording.n_rois, "masks_sha256": digest.hexdigest()}
