"""ROIs of NWB files: masks, images, and what is written beside them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.findings import Finding
from napari_celltype.recording.hdf5 import (
    MOST_HELD,
    array_of,
    follow,
    is_group,
    is_plain,
    members,
    texts_of,
)
from napari_celltype.recording.recording import NO_MASKS
from napari_celltype.recording.rois import RoiMasks, masks_left_out, smallest_frame
from napari_celltype.recording.suite2p import MAX_FRAME_PIXELS

_MOST_PIXELS, _MAX_PIXEL, _MOST_IMAGES = 1 << 35, 1 << 14, 20
_MOST_IN_MASKS = 1 << 24  # Pixels of all ROIs together; 100,000 somata have as many.
_MAX_MASK_RATIO = 10_000  # Masks are mostly zeros, which compress well.
# Names of images in the order in which they are shown, and ours for them.
_IMAGE_NAMES = (
    ("enhanced", "enhanced mean image"),
    ("max", "max projection"),
    ("corr", "correlation map"),
    ("mean|average|avg", "mean image"),
)
# Columns of what a cell is, and of the same cell on several days.
_TYPE = re.compile(
    r"(cell|neuron|roi|molecular|genetic|transcriptomic)?[_ ]?(sub)?"
    r"(type|class|identity)(s|_?names?|_?labels?)?"
)
_CELL = ("cell_id", "cell_specimen_id", "global_roi_id")
# Columns that this program adds, with this in front where the name was taken.
_OWN, _PREFIX = ("label", "label_source", "cell_id"), "celltype_"


def read_masks(
    table: Any, n_table: int, rows: NDArray[np.int64], warnings: list[Finding]
) -> RoiMasks:
    """Read the masks of some rows of a table of ROIs; none where they are damaged."""
    with masks_left_out(warnings):
        if (found := _masks(table, n_table)) is None:
            warnings.append(NO_MASKS)
        elif np.array_equal(rows, np.arange(n_table)):
            return found
        else:
            return RoiMasks.of([found[row] for row in rows.tolist()])
    return RoiMasks.of(())


def _masks(table: Any, n_table: int) -> RoiMasks | None:
    """Return the masks of all rows; x is the column of a pixel, as NWB means it."""
    parts: list[tuple[Any, Any, Any]] = []
    for name in ("pixel_mask", "voxel_mask"):
        pixels = array_of(follow(table, name), "V")
        ends = array_of(follow(table, f"{name}_index"), "iu")
        if pixels is None or ends is None:
            continue
        starts = np.concatenate([[0], ends]).astype(np.int64)
        if len(ends) != n_table or (np.diff(starts) < 0).any():
            raise ValueError(f"{name}_index does not fit the ROIs")
        if starts[-1] != len(pixels) or not {"x", "y"} <= set(pixels.dtype.names or ()):
            raise ValueError(f"{name} does not fit its index")
        is_weighted = "weight" in (pixels.dtype.names or ())
        weights = pixels["weight"] if is_weighted else np.ones(len(pixels))
        return _checked(pixels["y"], pixels["x"], weights, starts)
    if names := texts_of(follow(table, "roi_list")):
        for name in names:
            pixels = array_of(follow(table, f"{name}/pix_mask"), "iu")
            if pixels is None:
                return None
            pixels = pixels if pixels.ndim == 2 and pixels.shape[1] == 2 else pixels.T
            x, y = pixels.T
            given = array_of(follow(table, f"{name}/pix_mask_weight"))
            parts.append((y, x, np.ones(len(x)) if given is None else given))
    elif (images := follow(table, "image_mask")) is not None:
        if not is_plain(images, "fiub", _MAX_MASK_RATIO):
            raise ValueError(f"image_mask holds {images.dtype}")
        if len(images.shape) != 3 or len(images) != n_table:
            raise ValueError(f"image_mask has shape {images.shape}")
        size = math.prod(images.shape[1:])
        is_large = max(images.shape[1:]) > _MAX_PIXEL or size > MAX_FRAME_PIXELS
        if is_large or images.size > _MOST_PIXELS:
            raise ValueError(f"image_mask announces {images.size:,} values")
        # A few at a time: all images together may fill the memory.
        fits = MOST_HELD // max(size * images.dtype.itemsize, 1)
        step, left = max(min((images.chunks or (1,))[0], fits), 1), _MOST_IN_MASKS
        for start in range(0, n_table, step):
            for image in images[start : start + step]:
                x, y = np.nonzero(image)
                if (left := left - len(x)) < 0:
                    raise ValueError(
                        f"image_mask is not zero in more than {_MOST_IN_MASKS:,} "
                        f"pixels, which no ROIs cover"
                    )
                parts.append((y, x, image[x, y]))
    if not parts:
        return None
    starts = np.cumsum([0, *(len(y) for y, *_ in parts)], dtype=np.int64)
    y, x, weights = map(np.concatenate, zip(*parts, strict=True))
    return _checked(y, x, weights, starts)


def _checked(y: Any, x: Any, weights: Any, starts: NDArray[np.int64]) -> RoiMasks:
    for pixels in (y, x):
        if len(pixels) and not 0 <= pixels.min() <= pixels.max() < _MAX_PIXEL:
            raise ValueError("pixels lie where no image is")
    if not len(y) == len(x) == len(weights):
        raise ValueError("pixels and weights differ in number")
    # Copies, since masks close their arrays to writing.
    y, x = (np.array(pixels, dtype=np.int64) for pixels in (y, x))
    return RoiMasks(y, x, np.array(weights, dtype=np.float32), starts)


def read_images(
    file: Any,
    table: Any,
    rois: RoiMasks,
    plane: str | None,
    warnings: list[Finding],
) -> tuple[dict[str, NDArray[np.float32]], tuple[int, int]]:
    """Read projections that fit the masks, and the frame size.

    NWB says (x, y); who stores rows first is noticed where the masks do not fit. Of a
    file with several planes, those are taken whose name ends with the plane's number.
    """
    number = re.search(r"\d+$", plane or "")
    least, guess = smallest_frame(rois)
    found: dict[str, NDArray[np.float32]] = {}
    for place, name, dataset in _image_datasets(file, table):
        ending = re.search(r"\d+$", place)
        if plane is not None and (not number or not ending or ending[0] != number[0]):
            continue
        if not 0 < dataset.size <= _MAX_PIXEL**2 or len(found) == _MOST_IMAGES:
            continue
        values = array_of(dataset)
        shapes = () if values is None else (values.T, values)
        fits = (v for v in shapes if v.shape[0] >= least[0] and v.shape[1] >= least[1])
        if (image := next(fits, None)) is not None:
            image = np.array(image, dtype=np.float32)
            words = ((our, re.search(w, name.casefold())) for w, our in _IMAGE_NAMES)
            ours = next((o for o, hit in words if hit), name.replace("_", " "))
            found.setdefault(ours, image)
    order = ["mean image", "max projection"]
    names = sorted(found, key=lambda n: order.index(n) if n in order else len(order))
    images = {n: found[n] for n in names if found[n].shape == found[names[0]].shape}
    if images:
        height, width = images[names[0]].shape
        return images, (height, width)
    masks = follow(table, "image_mask")
    if len(rois) and masks is not None:
        return {}, (masks.shape[2], masks.shape[1])
    if len(rois):
        warnings.append(guess)
    return {}, least


def _image_datasets(file: Any, table: Any) -> Iterator[tuple[str, str, Any]]:
    """Give the name of what holds an image, its own name, and the dataset."""
    for name, item in members(follow(table, "reference_images") or ()):
        data = follow(item, "data") if is_group(item) else None
        if data is not None and len(data.shape) == 2:
            yield name, name, data
    for _, module in members(follow(file, "processing") or ()):
        for place, group in members(module) if is_group(module) else ():
            kind = group.attrs.get("neurodata_type")
            if is_group(group) and kind in ("Images", b"Images"):
                for name, item in members(group):
                    if not is_group(item) and len(item.shape or ()) == 2:
                        yield place, name, item


def roi_texts(
    file: Any,
    table: Any,
    ids: Sequence[int],
    rows: NDArray[np.int64],
    warnings: list[Finding],
    *,
    several: bool = False,
) -> dict[str, tuple[str, ...]]:
    """Return what the file says of each ROI: ``label``, ``label_source``, ``cell_id``.

    Types stand in a column of the table of ROIs, or in a table of their own whose rows
    have the ids of ROIs. Of `several` tables of ROIs, counted ids do not say which.
    """
    found: dict[str, list[str]] = {}
    names = [name for name, _ in members(table)]
    for name in _OWN:
        own = f"{_PREFIX}{name}" if f"{_PREFIX}{name}" in names else name
        if (values := _column(table, own, len(ids))) is not None:
            found[name] = values
    if "label_source" not in found:
        found.pop("label", None)
        types = [
            (f"{table.name}/{name}", values)
            for name in names
            if _TYPE.fullmatch(name.casefold())
            and (values := _column(table, name, len(ids))) is not None
        ] or [*_types_by_id(file, table, ids, warnings, several=several)]
        if len({tuple(values) for _, values in types}) > 1:
            places = ", ".join(place.strip("/") for place, _ in types)
            sentence = f"Types of cells stand in several places ({places}); left out."
            warnings.append(Finding("types-in-doubt", sentence))
        elif types:
            found["label"] = types[0][1]
    for name in _CELL:
        values = _column(table, name, len(ids), numbers=True)
        if values is not None and "cell_id" not in found:
            given = [v for v in values if v]
            if given and len(set(given)) == len(given):
                found["cell_id"] = values
    return {
        name: tuple(values[row] for row in rows.tolist())
        for name, values in found.items()
        if any(values)
    }


def _column(
    table: Any, name: str, n_rows: int, *, numbers: bool = False
) -> list[str] | None:
    """Return the texts of a column, or its numbers above 0 that do not count rows."""
    dataset = follow(table, name)
    if dataset is None or is_group(dataset) or dataset.shape != (n_rows,):
        return None
    values = texts_of(dataset)
    if values is None and numbers and (read := array_of(dataset, "iuf")) is not None:
        values = [f"{v:.0f}" if v > 0 else "" for v in read.tolist()]
        values = None if _is_counted(read.tolist()) else values
    return values


def _is_counted(numbers: Sequence[float]) -> bool:
    """Tell whether numbers only count rows, so that they say nothing of a cell."""
    n = len(numbers)
    return sorted(numbers) in ([*range(n)], [*range(1, n + 1)])


def _types_by_id(
    file: Any, table: Any, ids: Sequence[int], warnings: list[Finding], *, several: bool
) -> Iterator[tuple[str, list[str]]]:
    """Give the types of tables beside the ROIs, where the ids leave no doubt."""
    for _, module in members(follow(file, "processing") or ()):
        for _, other in members(module) if is_group(module) else ():
            keys = array_of(follow(other, "id"), "iu") if is_group(other) else None
            if keys is None or other.name == table.name:
                continue
            for name, _ in members(other):
                if not _TYPE.fullmatch(name.casefold()):
                    continue
                values = _column(other, name, len(keys))
                if values is None:
                    continue
                place = f"{other.name}/{name}".strip("/")
                by_id: Mapping[int, str] = dict(zip(keys.tolist(), values, strict=True))
                # Rows that are merely counted say nothing where one is missing.
                in_doubt = several or len(keys) != len(ids)
                missing = set(ids) - set(by_id)
                if (
                    missing
                    or len(by_id) < len(keys)
                    or (in_doubt and _is_counted(keys.tolist()))
                ):
                    sentence = (
                        f"{place} has {len(keys)} rows and there are {len(ids)} ROIs"
                        f"{' in one of several tables' * several}, and their ids leave "
                        f"doubt which belong together; its types are left out."
                    )
                    warnings.append(Finding("types-in-doubt", sentence))
                else:
                    yield place, [by_id[i] for i in ids]
