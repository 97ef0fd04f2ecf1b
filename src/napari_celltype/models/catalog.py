"""Which models there are, bundled and the user's, and how a name becomes one."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from napari_celltype.errors import ModelError, OutputError, SamplingFrequencyError
from napari_celltype.files import write_atomically
from napari_celltype.models.card import ModelCard
from napari_celltype.models.model_file import (
    SUFFIX,
    ModelBytes,
    read_model_bytes,
    require_suffix,
)
from napari_celltype.models.registry import DEFAULT_MODEL, Notice, warn_notice
from napari_celltype.recording import SAME_RATE

if TYPE_CHECKING:
    from napari_celltype.models.model import CellTypeModel

BUNDLED = Path(__file__).parent / "bundled"
# An environment variable that names another folder of the user's models.
FOLDER_VARIABLE = "NAPARI_CELLTYPE_MODELS"


def user_folder() -> Path:
    """Return the folder of the user's models, whether it exists or not."""
    if chosen := os.environ.get(FOLDER_VARIABLE):
        return Path(chosen)
    import platformdirs

    data = platformdirs.user_data_path("napari-celltype", appauthor=False)
    return data / "models"


def list_models(*, on_notice: Notice = warn_notice) -> list[ModelCard]:
    """Return the cards of all models: the bundled ones, then the user's.

    `on_notice` takes a sentence for each file of the user's that cannot be used.
    """
    return [file.card for file in [*_bundled(), *_users(on_notice)]]


def families_of(cards: Iterable[ModelCard]) -> list[str]:
    """Return the bundled families among some cards by name, the default first."""
    families = {card.family for card in cards if card.origin == "simulation"}
    return sorted(families, key=lambda name: (name != DEFAULT_MODEL, name))


def load_model(
    name_or_path: str | os.PathLike[str], sampling_frequency: float | None = None
) -> CellTypeModel:
    """Load a model by its name, its family, or its file.

    Parameters
    ----------
    name_or_path : str or path
        A name ("cnn-10hz"), a path to a ``.safetensors`` file, or a family ("cnn"): the
        fastest bundled model of it whose rate is not above the recording's.
    sampling_frequency : float, optional
        Frame rate of the recording, Hz; without one a family gives its fastest model.

    Raises
    ------
    ModelError, SamplingFrequencyError
        If there is no such model, its file is damaged, or a whole family too fast.
    """
    from napari_celltype.models.model import build_model

    return build_model(find_model(name_or_path, sampling_frequency))


def find_model(
    name_or_path: str | os.PathLike[str], sampling_frequency: float | None = None
) -> ModelBytes:
    """Find a model as `load_model` does, without building it (torch is not needed)."""
    text = os.fspath(name_or_path)
    is_path = isinstance(name_or_path, os.PathLike) or Path(text).name != text
    if is_path or text.endswith(SUFFIX):
        return read_model_bytes(text)
    bundled = _bundled()
    if family := [file for file in bundled if file.card.family == text]:
        return _fastest(family, sampling_frequency)
    damaged: list[str] = []
    named = [*bundled, *_users(damaged.append)]
    for file in named:
        if file.card.name == text:
            return file
    families = dict.fromkeys(file.card.family for file in bundled)
    names = [*families, *(file.card.name for file in named)]
    raise ModelError(
        f"There is no model {text!r}; there are {', '.join(names) or 'none'}, or give "
        f"the path of a {SUFFIX} file." + "".join(f" ({why})" for why in damaged)
    )


def verify_model(path: str | os.PathLike[str]) -> ModelBytes:
    """Check a model file whole: its digest, and that it builds a network."""
    from napari_celltype.models.model import build_model

    content = read_model_bytes(path)
    build_model(content)
    return content


def pack_model(
    name: str, path: str | os.PathLike[str], *, force: bool = False
) -> ModelBytes:
    """Copy a model to one file that another lab can add."""
    file = find_model(name)
    target = Path(path)
    require_suffix(target)
    if target.exists() and not force:
        raise OutputError(f"{target} exists; choose another name or use --force.")
    write_atomically(target, lambda part: part.write(file.content))
    return file


def add_model(path: str | os.PathLike[str], *, force: bool = False) -> ModelBytes:
    """Add a model file to the user's models, if the name on its card is not taken."""
    file = verify_model(path)
    name = file.card.name
    bundled = [file.card for file in _bundled()]
    if name in {card.name for card in bundled} | {card.family for card in bundled}:
        raise ModelError(
            f"The name {name!r} of the model in {file.path} belongs to a bundled "
            "model; save it again under another name."
        )
    target = user_folder() / f"{name}{SUFFIX}"
    if target.exists() and not force:
        if target.read_bytes() == file.content:
            return file
        raise ModelError(
            f"You already have another model named {name!r}; save the new one under "
            "another name, or use --force to replace the old one."
        )
    write_atomically(target, lambda part: part.write(file.content))
    return file


def _bundled() -> list[ModelBytes]:
    return [read_model_bytes(path) for path in sorted(BUNDLED.glob(f"*{SUFFIX}"))]


def _users(on_notice: Notice) -> list[ModelBytes]:
    """Read the user's models, passing over files that cannot be used."""
    found = []
    for path in sorted(user_folder().glob(f"*{SUFFIX}")):
        try:
            found.append(read_model_bytes(path))
        except ModelError as error:
            on_notice(str(error))
    return found


def _fastest(family: list[ModelBytes], sampling_frequency: float | None) -> ModelBytes:
    """Return the fastest model of a family that a recording of this rate fits."""
    rates = {file.card.sampling_frequency or 0.0: file for file in family}
    most = math.inf if sampling_frequency is None else sampling_frequency
    fitting = [rate for rate in rates if rate <= most * (1 + SAME_RATE)]
    if not fitting:
        raise SamplingFrequencyError(
            f"The recording has {sampling_frequency:g} frames per second, but the "
            f"slowest {family[0].card.family} model needs {min(rates):g} Hz and traces "
            "are never up-sampled; check the frame rate (terminal: --fs), or train a "
            "model at this rate."
        )
    return rates[max(fitting)]
