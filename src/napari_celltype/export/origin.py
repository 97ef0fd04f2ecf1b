"""Where a result came from: versions, models, settings, inputs."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from napari_celltype.export.ownership import file_sha256
from napari_celltype.recording import Recording, fingerprint

_PACKAGES = ("napari-celltype", "numpy", "torch", "scipy", "pandas", "suite2p")
# The files that a label depends on; larger ones are told by size and time only.
_FILES = (
    "F.npy",
    "Fneu.npy",
    "stat.npy",
    "iscell.npy",
    "redcell.npy",
    "ops.npy",
    "db.npy",
    "settings.npy",
    "celltype_labels.json",
)
MAX_HASHED_BYTES = 64 << 20


def describe_recording(recording: Recording) -> dict[str, Any]:
    """Return what a recording was when it was read, in plain values for JSON.

    Parameters
    ----------
    recording : Recording

    Returns
    -------
    dict
        ``path``, ``plane``, ``n_rois``, ``n_frames``, ``sampling_frequency`` (Hz) and
        its source, ``rois`` (fingerprint) and ``files`` with their size in bytes, time
        of change and, up to 64 MB, SHA-256.
    """
    folder = recording.path
    files = [] if folder is None else [folder / name for name in _FILES]
    return {
        "path": None if folder is None else str(folder),
        "plane": recording.plane,
        "n_rois": recording.n_rois,
        "n_frames": recording.n_frames,
        "n_segments": len(recording.segments),
        "sampling_frequency": recording.sampling_frequency,
        "sampling_frequency_source": recording.sampling_frequency_source,
        "sampling_frequency_confirmed": recording.sampling_frequency_confirmed,
        "rois": fingerprint(recording),
        "files": {path.name: _describe_file(path) for path in files if path.is_file()},
    }


def provenance(
    recordings: Sequence[Mapping[str, Any]],
    models: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the provenance of a result, in plain values for JSON.

    Parameters
    ----------
    recordings : sequence of mapping
        What `describe_recording` returned for each.
    models : sequence of mapping
        The cards of the models used, with their ``sha256`` where it is known.
    settings : mapping
        What was asked for.

    Returns
    -------
    dict
    """
    distinct: list[dict[str, Any]] = []
    for card in models:
        if dict(card) not in distinct:
            distinct.append(dict(card))
    return {
        "program": "napari-celltype",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": software_versions(),
        "settings": dict(settings),
        "models": distinct,
        "recordings": [dict(r) for r in recordings],
    }


def software_versions() -> dict[str, str]:
    """Return the versions of Python, the platform and the packages that matter."""
    versions = {"python": platform.python_version(), "platform": platform.platform()}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _describe_file(path: Path) -> dict[str, Any]:
    status = path.stat()
    changed = datetime.fromtimestamp(status.st_mtime, UTC)
    described: dict[str, Any] = {
        "bytes": status.st_size,
        "changed": changed.isoformat(timespec="seconds"),
    }
    if status.st_size <= MAX_HASHED_BYTES:
        described["sha256"] = file_sha256(path)
    return described
