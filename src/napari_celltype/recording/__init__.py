"""What a recording is, and how its files are read."""

from napari_celltype.recording.movie import attach_movie, open_movie
from napari_celltype.recording.npy import load_npy, load_npz
from napari_celltype.recording.readers import (
    FILE_SUFFIXES,
    Failure,
    SeveralRecordings,
    file_of,
    find_planes,
    find_recordings,
    name_of_recording,
    open_recording,
    pipeline_of_file,
    planes_at,
    recording_names,
    session_folder,
)
from napari_celltype.recording.recording import (
    FROM_TIFF,
    FROM_USER,
    RATE_DOUBTS,
    RATE_UNCONFIRMED,
    SAME_RATE,
    UNCONFIRMED,
    Recording,
    Roi,
    Segment,
    Traces,
    require_known_rate,
    require_possible,
)
from napari_celltype.recording.rois import RoiMasks, fingerprint, label_image
from napari_celltype.recording.suite2p_run import run_suite2p
from napari_celltype.recording.tiff import tiff_sampling_frequency
from napari_celltype.recording.traces import (
    area_average,
    frames_after_averaging,
    subtract_neuropil,
)

__all__ = [
    "FILE_SUFFIXES",
    "FROM_TIFF",
    "FROM_USER",
    "RATE_DOUBTS",
    "RATE_UNCONFIRMED",
    "SAME_RATE",
    "UNCONFIRMED",
    "Failure",
    "Recording",
    "Roi",
    "RoiMasks",
    "Segment",
    "SeveralRecordings",
    "Traces",
    "area_average",
    "attach_movie",
    "file_of",
    "find_planes",
    "find_recordings",
    "fingerprint",
    "frames_after_averaging",
    "label_image",
    "load_npy",
    "load_npz",
    "name_of_recording",
    "open_movie",
    "open_recording",
    "pipeline_of_file",
    "planes_at",
    "recording_names",
    "require_known_rate",
    "require_possible",
    "run_suite2p",
    "session_folder",
    "subtract_neuropil",
    "tiff_sampling_frequency",
]
