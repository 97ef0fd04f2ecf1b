"""What was asked of a run, kept in its folder, so that it goes on without a command."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from napari_celltype.errors import OutputError
from napari_celltype.labels import TraceSet
from napari_celltype.labels.atomic import write_text_atomically
from napari_celltype.protocol.experiments import Training
from napari_celltype.protocol.splits import PaperProtocol
from napari_celltype.workflows.experiment_request import ExperimentRequest
from napari_celltype.workflows.labelled import Reading

NAME = "request.json"
FORMAT = "napari-celltype request 1"


def write_request(request: ExperimentRequest, folder: Path) -> None:
    """Keep a request in its run folder; traces in memory have no path to be kept.

    Files inside the folder are named by their place in it, so that it may be moved.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    kept = {
        "format": FORMAT,
        "experiment": request.experiment,
        "data": _place(request.data, folder),
        "new_data": _place(request.new_data, folder),
        "classifiers": list(request.classifiers),
        "protocol": asdict(request.protocol),
        "training": asdict(request.training),
        "reading": {
            **asdict(request.reading),
            "labels": _place(request.reading.labels, folder),
        },
        "command": request.command,
    }
    text = json.dumps(kept, indent=2, ensure_ascii=False)
    write_text_atomically(folder / NAME, f"{text}\n")


def read_request(folder: Path, data: Path | None = None) -> ExperimentRequest:
    """Return the request of a run folder; the same request on it goes on.

    Parameters
    ----------
    folder : Path
    data : Path, optional
        Where the data are, if the folder does not say so or they are not there any
        more.

    Raises
    ------
    OutputError
        If the folder is no run folder, or nobody knows where its data are.
    """
    if not (folder / NAME).is_file():
        raise OutputError(
            f"{folder} is not the folder of a run (it has no {NAME}); choose the "
            "folder that an evaluation made."
        )
    try:
        request = _request_of(json.loads((folder / NAME).read_bytes()), folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(
            f"The settings of the run in {folder} cannot be read ({error}); start a "
            "new run in another folder."
        ) from None
    known = Path(request.data) if isinstance(request.data, str | Path) else Path()
    if request.data and known.exists():
        return request
    if data is None:
        what = f"{known} is not there any more" if request.data else "it does not say"
        raise OutputError(
            f"The run in {folder} has no data: {what}; choose the data that it was "
            "started with, then resume it."
        )
    return replace(request, data=data)


def _request_of(kept: dict[str, Any], folder: Path) -> ExperimentRequest:
    if kept["format"] != FORMAT:
        raise ValueError(f"format {kept['format']!r}")
    reading = {**kept["reading"]}
    reading["labels"] = _found(reading["labels"], folder)
    reading["left_out"] = tuple(reading["left_out"])
    return ExperimentRequest(
        _found(kept["data"], folder) or "",
        kept["experiment"],
        folder,
        tuple(kept["classifiers"]),
        PaperProtocol(**kept["protocol"]),
        Training(**kept["training"]),
        Reading(**reading),
        _found(kept["new_data"], folder),
        command=kept["command"],
    )


def _place(path: str | Path | TraceSet | None, folder: Path) -> str | None:
    if path is None or isinstance(path, TraceSet):
        return None
    full = Path(path).expanduser().resolve()
    inside = full.is_relative_to(folder.resolve())
    return str(full.relative_to(folder.resolve()) if inside else full)


def _found(path: str | None, folder: Path) -> Path | None:
    return None if path is None else folder / path
