"""What the metadata of a TIFF say about time, planes and channels.

ScanImage writes ``SI.name = value`` lines, OME an XML description, ImageJ
``name=value`` lines; tifffile splits the files apart, and the meaning is read here.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from napari_celltype.recording.tiff import open_tiff

if TYPE_CHECKING:
    from tifffile import TiffFile

_SCANIMAGE_LINE = re.compile(
    r"^(?:scanimage\.)?(SI[\w.]*)\s*=\s*(.+?)\s*$", re.MULTILINE
)
_SECONDS = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "min": 60.0}
_MICROMETRES = {"µm": 1.0, "um": 1.0, "micron": 1.0, "nm": 1e-3, "mm": 1e3}


def tiff_sampling_frequency(path: str | Path, *, n_planes: int = 1) -> float | None:
    """Read the frame rate of one plane from a TIFF's own metadata.

    ScanImage gives the volume rate (where there is one plane, the frame rate, which is
    divided by the number of frames that it averaged into one before saving), OME the
    `TimeIncrement`, ImageJ the frame interval or frames per second.

    Parameters
    ----------
    path : str or Path
    n_planes : int
        How many planes take turns in the file. Where the file does not know of them,
        its rate may be that of single images, and is not taken.

    Returns
    -------
    float or None
        Hz; None where the file does not say.

    Raises
    ------
    RecordingError
        If the file cannot be read.
    """
    with open_tiff(Path(path)) as tif:
        for read in (_scanimage_rate, _ome_rate, _imagej_rate):
            rate = read(tif, n_planes)
            if rate is not None and math.isfinite(rate) and rate > 0:
                return rate
    return None


def tiff_pixel_size(path: str | Path) -> tuple[float, float] | None:
    """Read the height and width of a pixel (micrometres) from OME metadata.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    RecordingError
        If the file cannot be read.
    """
    with open_tiff(Path(path)) as tif:
        pixels = _ome_pixels(tif)
    if pixels is None:
        return None
    sizes = [
        _number(pixels.get(f"PhysicalSize{axis}"))
        * _MICROMETRES.get(pixels.get(f"PhysicalSize{axis}Unit", "µm"), math.nan)
        for axis in "YX"
    ]
    if all(math.isfinite(size) and size > 0 for size in sizes):
        return sizes[0], sizes[1]
    return None


def scanimage_layout(tif: TiffFile) -> tuple[int, int] | None:
    """Return ScanImage's count of planes (with flyback) and channels per volume."""
    noted = _scanimage(tif)
    saved = noted.get("SI.hChannels.channelSave")
    if saved is None:
        return None
    n_channels = max(1, len(re.findall(r"\d+", saved)))
    if not _is_volume(noted):
        return 1, n_channels
    for name in (
        "SI.hStackManager.numFramesPerVolumeWithFlyback",
        "SI.hStackManager.numFramesPerVolume",
        "SI.hFastZ.numFramesPerVolume",
        "SI.hStackManager.actualNumSlices",
        "SI.hStackManager.numSlices",
    ):
        count = _number(noted.get(name))
        if math.isfinite(count) and count >= 1:
            flyback = 0.0
            if "WithFlyback" not in name:
                flyback = _number(noted.get("SI.hFastZ.numDiscardFlybackFrames", "0"))
            return int(count + flyback), n_channels
    return 1, n_channels


def _scanimage(tif: TiffFile) -> dict[str, str]:
    page = tif.pages.first
    return dict(_SCANIMAGE_LINE.findall(f"{page.software}\n{page.description}"))


def _is_volume(noted: dict[str, str]) -> bool:
    # Newer versions tell of a stack, moved in any way, beside or instead of hFastZ.
    return any(
        noted.get(name, "").strip("'\"").casefold() in ("true", "1")
        for name in ("SI.hFastZ.enable", "SI.hStackManager.enable")
    )


def _scanimage_rate(tif: TiffFile, n_planes: int) -> float | None:
    # Older versions keep the same words below other names (SI4., SI5.).
    noted = _scanimage(tif)
    values = {name.rpartition(".")[2]: value for name, value in noted.items()}
    averaged = _number(values.get("logAverageFactor", "1"))
    if _is_volume(noted):
        # Whether slices or volumes were averaged is not said.
        return _number(values.get("scanVolumeRate")) if averaged == 1 else None
    if n_planes > 1 or not averaged >= 1:
        return None
    return _number(values.get("scanFrameRate")) / averaged


def _ome_pixels(tif: TiffFile) -> ElementTree.Element | None:
    text = tif.ome_metadata
    # An entity could grow without bounds when it is read; OME has no use for any.
    if not text or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None
    return root.find(".//{*}Pixels")


def _ome_rate(tif: TiffFile, n_planes: int) -> float | None:
    pixels = _ome_pixels(tif)
    if pixels is None or "TimeIncrement" not in pixels.attrib:
        return None
    if n_planes > 1 and _number(pixels.get("SizeZ")) != n_planes:
        return None
    unit = _SECONDS.get(pixels.get("TimeIncrementUnit", "s"), math.nan)
    return _inverse(_number(pixels.get("TimeIncrement")) * unit)


def _imagej_rate(tif: TiffFile, n_planes: int) -> float | None:
    noted = tif.imagej_metadata or {}
    if n_planes > 1 and _number(noted.get("slices")) != n_planes:
        return None
    unit = _SECONDS.get(str(noted.get("tunit", "s")), math.nan)
    rate = _inverse(_number(noted.get("finterval")) * unit)
    return rate if math.isfinite(rate) else _number(noted.get("fps"))


def _inverse(value: float) -> float:
    return 1 / value if value > 0 else math.nan


def _number(value: object) -> float:
    try:
        return float(str(value).strip("'\""))
    except ValueError:
        return math.nan
