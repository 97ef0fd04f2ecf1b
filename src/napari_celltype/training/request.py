"""What is trained on what: the one declaration of the parameters of a training."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from napari_celltype.labels import DataSet, Reading, TraceSet
from napari_celltype.labels.data_set import LIST_NAME
from napari_celltype.models import DEFAULT_MODEL, NETWORKS, network_title
from napari_celltype.parameters import (
    REQUIRED,
    command_line,
    device_parameter,
    labelled_data_parameter,
    normalization_parameter,
    parameter,
    seed_parameter,
)


@dataclass(frozen=True, eq=False)
class TrainRequest:
    """What is trained on what, and where the model goes."""

    # Of a data set the recording list is written beside the model, in "trained on".
    data: str | Path | TraceSet | DataSet = labelled_data_parameter()
    output: Path = parameter(
        REQUIRED,
        "A .safetensors file with its card.",
        option=("-o", "--output"),
        metavar="MODEL",
    )
    architecture: str = parameter(
        DEFAULT_MODEL,
        "The network; that of the base where there is one.",
        label="Network",
        choices=lambda: {name: network_title(name) for name in NETWORKS},
    )
    epochs: int = parameter(
        20,
        "Times that all training cells are gone through; the best epoch is kept.",
        minimum=1,
    )
    normalization: str = normalization_parameter("trace")
    reading: Reading = field(default_factory=Reading)
    random_state: int = seed_parameter()
    device: str = device_parameter()
    force: bool = parameter(False, "Replace a file that is no model of this program.")
    base: str | None = parameter(
        None,
        f"Start from this model (of {', '.join(NETWORKS)}, or a name or a file) and "
        "train its last layers only. Rate, length and neuropil are then the base's.",
        label="Start from",
        metavar="NAME|FILE",
    )
    tuned_layers: int = parameter(
        1,
        "How many layers of a base are trained, counted from the output; 1 needs the "
        "fewest cells.",
        label="Layers learned",
        minimum=1,
    )
    validation: str = parameter(
        "auto",
        "What is held out and scored after each epoch: a fifth of the cells or more, "
        "in whole groups; auto takes the strictest possible.",
        label="Hold out",
        choices={
            "auto": "strictest possible",
            "subject": "whole animals",
            "session": "whole sessions",
            "cell": "single cells",
            "none": "nothing (no score)",
        },
    )
    untested: tuple[str, ...] = parameter(
        (),
        "Train on all cells of a type that is too rare to test; may be repeated.",
        metavar="TYPE",
        repeated=True,
    )


def request_for(
    data: DataSet, name: str, *, folder: Path | None = None, **settings: Any
) -> TrainRequest:
    """Return what is to be trained on a data set, with the choices made about it."""
    from napari_celltype.models.catalog import user_folder
    from napari_celltype.models.model_file import SUFFIX

    # A base brings its own frame rate.
    own_rate = {} if settings.get("base") is None else {"resample": None}
    return TrainRequest(
        data,
        (folder or user_folder()) / f"{name}{SUFFIX}",
        reading=Reading.of(data, **own_rate),
        untested=tuple(n for n in data.untested if n in data.classes),
        **settings,
    )


def command_for(request: TrainRequest) -> str:
    """Return the command that trains the same model on a data set in a terminal."""
    data = request.data
    assert isinstance(data, DataSet)
    whole = data.trace_set
    place = data_folder(request.output) / LIST_NAME if whole is None else whole.path
    return command_line("train", replace(request, data=place))


def data_folder(output: Path) -> Path:
    """Return where the list of a data set and the labels in the window are written."""
    return output.parent / "trained on" / output.stem
