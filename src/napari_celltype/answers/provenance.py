"""Where a file came from, and whether it may be replaced.

`OUT.provenance.json` beside each output names versions, models, settings, inputs and
its SHA-256. An output that was edited by hand no longer has that digest, and is
protected like any other file of the user's.
"""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_celltype.errors import OutputError
from napari_celltype.files import (
    file_sha256,
    replace_atomically,
    without_places,
    write_text_atomically,
)
from napari_celltype.labels import LabelTable
from napari_celltype.labels.label_file import label_path
from napari_celltype.recording import (
    Recording,
    fingerprint,
    pipeline_of_file,
    session_folder,
)

if TYPE_CHECKING:
    from napari_celltype.answers.predictions import Predictions

FORMAT = "napari-celltype provenance"
VERSION = 1
_PACKAGES = ("napari-celltype", "numpy", "torch", "scipy", "pandas", "suite2p")
# Larger files are told by size and time only.
_MAX_HASHED_BYTES = 64 << 20


def describe_recording(
    recording: Recording,
    name: str,
    labels: LabelTable | None = None,
    predictions: Predictions | None = None,
) -> dict[str, Any]:
    """Return what is known about a recording and its ROIs, in plain values for JSON.

    ``rois`` is their fingerprint; of ``files`` there are size in bytes, time of change
    and, up to 64 MB, SHA-256. Predictions add how the model was used and what it gave.
    """
    folder = recording.path
    files = [] if folder is None else [*recording.files, label_path(recording)]
    described = {
        "path": None if folder is None else str(folder.resolve()),
        "plane": recording.plane,
        "n_rois": recording.n_rois,
        "n_frames": recording.n_frames,
        "n_segments": len(recording.segments),
        "sampling_frequency": recording.sampling_frequency,
        "sampling_frequency_source": recording.sampling_frequency_source,
        "sampling_frequency_confirmed": recording.sampling_frequency_confirmed,
        "pipeline": None if recording.pipeline is None else asdict(recording.pipeline),
        "rois": fingerprint(recording),
        "files": {path.name: _describe_file(path) for path in files if path.is_file()},
        "name": name,
        "warnings": [str(warning) for warning in recording.warnings],
        "labels": describe_labels(labels),
    }
    if predictions is not None:
        described |= {
            "input": predictions.input_name,
            "min_probability": predictions.min_probability,
            "shares": dict(predictions.shares),
            "prior": None if predictions.prior is None else dict(predictions.prior),
            "only_iscell": predictions.only_iscell,
            "model": predictions.card.name,
            "warnings": [str(warning) for warning in predictions.warnings],
            "summary": asdict(predictions.summary()),
        }
    return described


def _describe_file(path: Path) -> dict[str, Any]:
    status = path.stat()
    changed = datetime.fromtimestamp(status.st_mtime, UTC)
    described: dict[str, Any] = {
        "bytes": status.st_size,
        "changed": changed.isoformat(timespec="seconds"),
    }
    if status.st_size <= _MAX_HASHED_BYTES:
        described["sha256"] = file_sha256(path)
    return described


def describe_labels(labels: LabelTable | None) -> dict[str, Any] | None:
    """Return how many cells were labelled as what and from where, in plain values.

    ``cells`` have ground truth about their type, ``blind`` labels were given while
    neither trace nor prediction was on screen, ``accepted_predictions`` are no ground
    truth. None without any label.
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
    """Return the provenance of a result; cards of models carry their ``sha256``.

    A recording's ``path`` is that below the folder of all data, which its name counts
    from; no other path stands in it, since it is shared with the result.
    """
    inputs, roots = [dict(one) for one in recordings], set()
    for one in inputs:
        if one.get("path"):
            path = Path(one["path"])
            root = _data_folder(path, one["name"])
            roots.add(root)
            one["path"] = path.relative_to(root).as_posix()
    distinct: list[Mapping[str, Any]] = []
    for card in models:
        if card not in distinct:
            distinct.append(card)
    content: dict[str, Any] = {
        "program": "napari-celltype",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": software_versions(),
        "settings": settings,
        "models": distinct,
        "recordings": inputs,
    }
    shared: dict[str, Any] = without_places(content, roots)
    return shared


def _data_folder(path: Path, name: str) -> Path:
    """Return the folder in which a plane's session goes by its name."""
    session, names = session_folder(path), Path(name).parts
    named = session.parts[-len(names) :] == names
    return session.parents[len(names) - 1] if named else session.parent


def software_versions() -> dict[str, str]:
    """Return the versions of Python, the platform and the packages that matter."""
    # It takes the package email with it, and the terminal shall start at once.
    from importlib.metadata import PackageNotFoundError, version

    versions = {"python": platform.python_version(), "platform": platform.platform()}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


def provenance_path(path: str | Path) -> Path:
    """Return ``OUT.provenance.json`` for an output."""
    path = Path(path)
    return path.with_name(path.name + ".provenance.json")


def read_provenance(path: str | Path) -> dict[str, Any] | None:
    """Return the provenance of an output; None where there is none to be read."""
    try:
        content = json.loads(provenance_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    ours = isinstance(content, dict) and content.get("format") == FORMAT
    return content if ours else None


def is_ours(path: str | Path) -> bool:
    """Tell whether this program wrote a file and nobody has changed it since."""
    content = read_provenance(path)
    return content is not None and content.get("sha256") == file_sha256(Path(path))


def require_replaceable(path: str | Path, force: bool = False) -> None:
    """Refuse, before long work, to replace a file that this program did not write."""
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path} is a folder; give the name of a file in it.")
    pipeline = pipeline_of_file(path) if path.exists() else None
    if pipeline is not None:
        raise OutputError(
            f"{path} is {pipeline}'s own file, which is never changed; choose another "
            "name."
        )
    if path.exists() and not force and not is_ours(path):
        raise OutputError(
            f"{path} is there already and was not written by napari-celltype, or was "
            f"changed since; choose another name, or replace it with --force "
            f"(force=True)."
        )


def write_output(
    path: str | Path,
    write: Callable[[Path], object],
    *,
    force: bool = False,
    provenance: Mapping[str, Any] | None = None,
) -> Path:
    """Write an output and its provenance, each in one step.

    Parameters
    ----------
    write : callable
        Takes the name of a temporary file, and writes it.
    provenance : mapping, optional
        Without it only the file's SHA-256 is noted.

    Raises
    ------
    OutputError
        If the file may not be replaced or cannot be written; what was there stays.
    """
    path = Path(path)
    require_replaceable(path, force)
    replace_atomically(path, write)
    # Stopped between the two files, the output is complete and needs --force next time.
    of_this_file = {
        "format": FORMAT,
        "version": VERSION,
        "file": path.name,
        "sha256": file_sha256(path),
    }
    # Last again, because the provenance may have been read from another output.
    content = {**of_this_file, **(provenance or {}), **of_this_file}
    text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
    write_text_atomically(provenance_path(path), text + "\n")
    return path
