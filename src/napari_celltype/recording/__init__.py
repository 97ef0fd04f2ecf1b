"""What a suite2p recording is, and how its files are read."""

from napari_celltype.recording.folder import find_planes
from napari_celltype.recording.movie import attach_movie, open_movie
from napari_celltype.recording.neuropil import subtract_neuropil
from napari_celltype.recording.npy import load_npy, load_npz
from napari_celltype.recording.opening import open_recording
from napari_celltype.recording.recording import (
    FROM_SUITE2P,
    FROM_TIFF,
    FROM_USER,
    UNCONFIRMED,
    UNKNOWN,
    Movie,
    Recording,
    Roi,
    Segment,
    Traces,
)
from napari_celltype.recording.rois import RoiMasks, fingerprint, label_image
from napari_celltype.recording.second_channel import (
    RED_IMAGE,
    SecondChannel,
    has_second_channel,
    read_second_channel,
)
from napari_celltype.recording.suite2p_run import run_suite2p
from napari_celltype.recording.tiff import tiff_sampling_frequency

__all__ = [
    "FROM_SUITE2P",
    "FROM_TIFF",
    "FROM_USER",
    "RED_IMAGE",
    "UNCONFIRMED",
    "UNKNOWN",
    "Movie",
    "Recording",
    "Roi",
    "RoiMasks",
    "SecondChannel",
    "Segment",
    "Traces",
    "attach_movie",
    "find_planes",
    "fingerprint",
    "has_second_channel",
    "label_image",
    "load_npy",
    "load_npz",
    "open_movie",
    "open_recording",
    "read_second_channel",
    "run_suite2p",
    "subtract_neuropil",
    "tiff_sampling_frequency",
]
