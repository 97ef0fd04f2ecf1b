"""Where a result came from: versions, models, settings, inputs."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from napari_celltype.files import file_sha256
from napari_celltype.labels import LabelTable
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
        "suite2p_version": recording.suite2p_version,
        "rois": fingerprint(recording),
        "files": {path.name: _describe_file(path) for path in files if path.is_file()},
    }


def describe_labels(labels: LabelTable | None) -> dict[str, Any] | None:
    """Return how many cells were labelled as what and from where, in plain values.

    Parameters
    ----------
    labels : LabelTable or None

    Returns
    -------
    dict or None
        ``cells`` (ground truth about a cell's type), ``types`` and ``sources`` with
        their counts, ``blind`` (given while neither trace nor prediction was on
        screen), ``sight_unknown`` (nobody noted it), ``accepted_predictions``, which
        are no ground truth, and ``not_a_soma`` (ROIs that are no cell bodies); None
        without any.
    """
    rows = [] if labels is None else [row for row in labels if row.label]
    if not rows:
        return None
    truth = [row for row in rows if row.is_ground_truth]
    accepted = sum(row.source == "prediction" for row in rows)
    return {
        "cells": len(truth),
        "types": dict(Counter(row.label for row in truth).most_common()),
        "sources": dict(Counter(row.source for row in truth).most_common()),
        "blind": sum(row.seen_trace is False for row in truth),
        "sight_unknown": sum(row.seen_trace is None for row in truth),
        "accepted_predictions": accepted,
        "not_a_soma": len(rows) - len(truth) - accepted,
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
