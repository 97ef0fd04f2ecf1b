"""TIFF files as lazy frames; their metadata; planes and channels that take turns."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.recording.frames import LazyFrames, RawFrames, SelectedFrames
from napari_celltype.recording.npy import require_stamp, require_unchanged

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPageSeries

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf8")
_SCANIMAGE_LINE = re.compile(
    r"^(?:scanimage\.)?(SI[\w.]*)\s*=\s*(.+?)\s*$", re.MULTILINE
)
_SECONDS = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "min": 60.0}
_MICROMETRES = {"µm": 1.0, "um": 1.0, "micron": 1.0, "nm": 1e-3, "mm": 1e3}
# The largest frames of microscopes, and more images than any series has.
_MOST_PIXELS, _MOST_IMAGES = 1 << 27, 1 << 24


@contextmanager
def open_tiff(path: Path) -> Iterator[TiffFile]:
    """Open a TIFF; an error in the block, too, becomes a sentence about the file."""
    from tifffile import TiffFile

    # It logs every damaged page; the error says it once.
    log = logging.getLogger("tifffile")
    was_off, log.disabled = log.disabled, True
    try:
        # For ScanImage files tifffile guesses the pages from the first two; asked not
        # to, it looks where they are.
        with TiffFile(path, is_scanimage=False) as tif:
            yield tif
    except RecordingError:
        raise
    except OSError as error:
        raise RecordingError(
            f"{path} cannot be read ({error.strerror or error}); check that it is "
            f"there and whole."
        ) from None
    except Exception as error:  # noqa: BLE001 - on damaged files tifffile and its codecs
        # raise what they happen to stumble over
        reason = shorten(str(error), 200) or type(error).__name__
        raise RecordingError(
            f"{path} is not a readable TIFF ({reason}); copy it again or give another."
        ) from None
    finally:
        log.disabled = was_off


class _EncodedFrames(LazyFrames):
    """Frames of a TIFF, by the first bytes and lengths of their strips or tiles."""

    def __init__(
        self,
        path: Path,
        frame_shape: tuple[int, int],
        dtype: np.dtype[Any],
        pieces: Sequence[tuple[tuple[int, ...], tuple[int, ...]]],
    ) -> None:
        self.path, self.stamp, self._pieces = path, require_stamp(path), pieces
        self.shape = (len(pieces), *frame_shape)
        self.dtype = dtype.newbyteorder("=")

    def read_frame(self, index: int) -> NDArray[Any]:
        """Read and decode frame `index`, shape (Ly, Lx)."""
        from tifffile import TiffFrame

        require_unchanged(self.path, self.stamp)
        offsets, lengths = self._pieces[index]
        with open_tiff(self.path) as tif:
            frame = TiffFrame(
                tif,
                index,
                keyframe=tif.pages.first,
                dataoffsets=offsets,
                databytecounts=lengths,
            )
            pixels: NDArray[Any] = frame.asarray()
        return pixels.astype(self.dtype, copy=False)


class TiffFrames(NamedTuple):
    """All images of a TIFF, and the axes that they are ordered by, slowest first."""

    frames: LazyFrames
    axes: str
    lengths: tuple[int, ...]
    files: tuple[Path, ...]


def read_tiff(tif: TiffFile, path: Path) -> TiffFrames:
    """Find the frames of an open TIFF without reading their pixels."""
    # Where pages have an order of their own, tifffile's view of them says which. Else
    # it is not asked for: it takes minutes for files that were written frame by frame.
    if tif.is_ome:
        # For such numbers tifffile itself would fill the memory.
        _require_possible(_ome_counts(tif), path)
    ordered = tif.is_ome or tif.is_imagej or tif.is_stk or tif.is_lsm
    if not ordered and len(tif.pages) > 1:
        return _read_pages(tif, path)
    series = tif.series[0]
    axes, dtype = series.axes, series.dtype
    if not axes.endswith("YX") or dtype is None or dtype.kind not in "iuf":
        raise RecordingError(
            f"{path} holds {dtype} images with the axes {axes}; give a TIFF "
            f"with one grey value per pixel."
        )
    lengths = series.shape[:-2]
    frame_shape = int(series.shape[-2]), int(series.shape[-1])
    _require_possible([math.prod(lengths)], path)
    if series.dataoffset is not None:
        n_bytes = math.prod(frame_shape) * dtype.itemsize
        offsets = series.dataoffset + n_bytes * np.arange(math.prod(lengths))
        stored = np.dtype(dtype).newbyteorder(tif.byteorder)
        raw = RawFrames(path, frame_shape, stored, offsets)
        return TiffFrames(raw, axes[:-2], lengths, (path,))
    frames, files = _scattered(series, path, frame_shape)
    return TiffFrames(frames, axes[:-2], lengths, files)


def _read_pages(tif: TiffFile, path: Path) -> TiffFrames:
    """Take every page as a frame: programs that write frame by frame leave it so."""
    tif.pages.useframes = True
    try:
        pages = list(tif.pages)
    except RuntimeError:
        raise RecordingError(
            f"{path} holds images of different sizes; give a TIFF with one frame size."
        ) from None
    frame_shape, dtype = tif.pages.first.shape, tif.pages.first.dtype
    if len(frame_shape) != 2 or dtype is None or dtype.kind not in "iuf":
        raise RecordingError(
            f"{path} holds {dtype} images of shape {frame_shape}; give a TIFF with one "
            f"grey value per pixel."
        )
    frames = _pages_of_one_file(path, pages, (frame_shape[0], frame_shape[1]))
    return TiffFrames(frames, "T", (len(pages),), (path,))


def _scattered(
    series: TiffPageSeries, path: Path, frame_shape: tuple[int, int]
) -> tuple[LazyFrames, tuple[Path, ...]]:
    """Collect pages one by one; an OME series may lie in several files."""
    positions_in: dict[Path, list[int]] = {}
    for position, page in enumerate(series.pages):
        if page is None:
            raise RecordingError(
                f"{path}: frame {position} lies in a file that is not beside it; copy "
                f"all files of the series."
            )
        file = Path(page.parent.filehandle.path)
        positions_in.setdefault(file, []).append(position)

    parts: list[LazyFrames] = []
    part_of, frame_of = np.empty((2, len(series.pages)), dtype=np.int64)
    for file, positions in positions_in.items():
        part_of[positions] = len(parts)
        frame_of[positions] = np.arange(len(positions))
        pages = [series.pages[position] for position in positions]
        parts.append(_pages_of_one_file(file, pages, frame_shape))
    frames = parts[0] if len(parts) == 1 else SelectedFrames(parts, part_of, frame_of)
    return frames, tuple(positions_in)


def _pages_of_one_file(
    file: Path, pages: list[Any], frame_shape: tuple[int, int]
) -> LazyFrames:
    keyframe = pages[0].keyframe
    if keyframe.shape != frame_shape:
        raise RecordingError(
            f"{file} holds images of {keyframe.shape} pixels among images of "
            f"{frame_shape}; give a TIFF with one frame size."
        )
    if math.prod(frame_shape) > _MOST_PIXELS:
        raise RecordingError(
            f"{file} announces images of {frame_shape[0]} x {frame_shape[1]} pixels, "
            f"more than any microscope's; copy it again."
        )
    pieces = [(page.dataoffsets, page.databytecounts) for page in pages]
    plain = (
        keyframe.compression == 1
        and not keyframe.is_tiled
        and keyframe.fillorder == 1
        and keyframe.bitspersample == 8 * keyframe.dtype.itemsize
        and all(_is_one_run(offsets, lengths) for offsets, lengths in pieces)
    )
    if plain:
        stored = np.dtype(keyframe.dtype).newbyteorder(keyframe.parent.byteorder)
        first = np.array([offsets[0] for offsets, _ in pieces], dtype=np.int64)
        return RawFrames(file, frame_shape, stored, first)
    return _EncodedFrames(file, frame_shape, np.dtype(keyframe.dtype), pieces)


def _is_one_run(offsets: tuple[int, ...], lengths: tuple[int, ...]) -> bool:
    ends = [o + n for o, n in zip(offsets, lengths, strict=True)]
    return bool(ends) and list(offsets[1:]) == ends[:-1]


def tiff_files(path: Path) -> list[Path]:
    """List a TIFF, or the TIFF files of a folder in the order of their numbers."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise RecordingError(f"{path} does not exist; choose the movie's TIFF.")
    from tifffile import natural_sorted

    files = [str(f) for f in path.iterdir() if f.suffix.lower() in TIFF_SUFFIXES]
    if not files:
        raise RecordingError(f"{path} holds no TIFF files; choose the movie's folder.")
    return [Path(file) for file in natural_sorted(files)]


def tiff_sampling_frequency(path: str | Path, *, n_planes: int = 1) -> float | None:
    """Read the frame rate of one plane from a TIFF's own metadata.

    ScanImage gives the volume rate (where there is one plane, the frame rate, which is
    divided by the number of frames that it averaged into one before saving), OME the
    `TimeIncrement`, ImageJ the frame interval or frames per second. Where the file does
    not know that `n_planes` take turns in it, its rate may be that of single images,
    and is not taken. None where the file does not say; `RecordingError` if it cannot be
    read.
    """
    with open_tiff(Path(path)) as tif:
        for read in (_scanimage_rate, _ome_rate, _imagej_rate):
            rate = read(tif, n_planes)
            if rate is not None and math.isfinite(rate) and rate > 0:
                return rate
    return None


def tiff_pixel_size(path: str | Path) -> tuple[float, float] | None:
    """Read the height and width of a pixel (micrometres) from OME metadata."""
    with open_tiff(Path(path)) as tif:
        pixels = _ome_pixels(tif)
    height, width = (
        _number(pixels.get(f"PhysicalSize{axis}"))
        * _MICROMETRES.get(pixels.get(f"PhysicalSize{axis}Unit", "µm"), math.nan)
        for axis in "YX"
    )
    return (height, width) if 0 < height < math.inf and 0 < width < math.inf else None


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


def _ome(tif: TiffFile) -> ElementTree.Element:
    """Return what OME noted; an empty element where there is nothing to be read."""
    text = tif.ome_metadata
    # An entity could grow without bounds when it is read; OME has no use for any.
    if text and "<!DOCTYPE" not in text and "<!ENTITY" not in text:
        try:
            return ElementTree.fromstring(text)
        except ElementTree.ParseError:
            pass
    return ElementTree.Element("OME")


def _ome_counts(tif: TiffFile) -> Iterator[float]:
    """Give the numbers of images that OME notes in any place."""
    for element in _ome(tif).iter():
        yield math.prod(_number(element.get(f"Size{axis}", "1")) for axis in "TZC")
        for name in ("PlaneCount", "NumPlanes", "IFD", "FirstT", "FirstZ", "FirstC"):
            yield _number(element.get(name))


def _require_possible(counts: Iterable[float], path: Path) -> None:
    if any(count > _MOST_IMAGES for count in counts):
        raise RecordingError(
            f"{path} announces more images than any movie has; copy it again or give "
            f"another."
        )


def _ome_pixels(tif: TiffFile) -> Mapping[str, str]:
    pixels = _ome(tif).find(".//{*}Pixels")
    return {} if pixels is None else pixels.attrib


def _ome_rate(tif: TiffFile, n_planes: int) -> float | None:
    pixels = _ome_pixels(tif)
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
