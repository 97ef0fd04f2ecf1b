"""A saved model: one safetensors file that holds the weights and the card.

Layout: 8 bytes with the header's length, a JSON header (tensor table and, under
``__metadata__``, the card as JSON text and the digest), the tensors' bytes. The SHA-256
covers the card, the tensor table and the tensors. Nothing in it is ever executed.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_celltype.classifiers.card import ModelCard
from napari_celltype.errors import ModelError, OutputError

if TYPE_CHECKING:
    import torch

    from napari_celltype.classifiers.estimator import TraceClassifier

SUFFIX = ".safetensors"
# The paper's networks have at most a few MB; a model of anyone's stays far below this.
MAX_BYTES = 512 * 2**20
MAX_HEADER_BYTES = 4 * 2**20
# Parameters of a card beside those that shape the network, and largest values where
# the general limit does not suit.
_TRAINING = ("epochs", "batch_size", "learning_rate", "random_state")
_MOST = {"layers": 100, "epochs": 10**9, "batch_size": 10**9, "random_state": 2**32}
_AGAIN = "copy it again from where it came from"


@dataclass(frozen=True, eq=False)
class CellTypeModel:
    """A trained classifier with its card.

    Attributes
    ----------
    classifier : TraceClassifier
        Fitted; takes windows of ``card.window_frames`` frames.
    card : ModelCard
    sha256 : str
        Digest over card and weights, hexadecimal.
    name : str
    """

    classifier: TraceClassifier
    card: ModelCard
    sha256: str
    name: str


@dataclass(frozen=True, eq=False)
class ModelBytes:
    """The verified content of a model file, weights still as bytes."""

    path: Path
    content: bytes
    card: ModelCard
    sha256: str


def save_model(
    classifier: TraceClassifier, card: ModelCard, path: str | os.PathLike[str]
) -> str:
    """Write a fitted classifier and its card to one file, atomically.

    Parameters
    ----------
    classifier : TraceClassifier
        Fitted.
    card : ModelCard
        Must describe this classifier; `card_for` makes one that does.
    path : path
        Ends in ``.safetensors``.

    Returns
    -------
    str
        The SHA-256 that `verify_model` will find.

    Raises
    ------
    ModelError
        If the card describes another classifier.
    OutputError
        If the file cannot be written.
    """
    import safetensors.torch
    import torch

    target = Path(path)
    if target.suffix != SUFFIX:
        raise OutputError(
            f"A model is saved as a file that ends in {SUFFIX}, but {target.name!r} "
            "does not; choose another name."
        )
    for name, said, is_ in (
        ("classes", card.classes, tuple(str(c) for c in classifier.classes_)),
        ("window_frames", card.window_frames, classifier.n_features_in_),
        ("architecture", card.architecture, classifier.architecture),
        ("normalization", card.normalization, classifier.normalization),
    ):
        if said != is_:
            raise ModelError(
                f"The card of {card.name!r} says {name} = {said!r}, but the classifier "
                f"has {is_!r}; make the card of this classifier with `card_for`."
            )
    tensors = {
        f"network.{key}": value.contiguous()
        for key, value in classifier.network_.state_dict().items()
    }
    statistics = classifier.normalization_
    if statistics.mean is not None and statistics.deviation is not None:
        tensors["normalization.mean"] = torch.from_numpy(statistics.mean)
        tensors["normalization.deviation"] = torch.from_numpy(statistics.deviation)
    text = card.to_json()
    header, data = _split(safetensors.torch.save(tensors), target)
    sha256 = _digest(text, header, data)
    metadata = {"card": text, "sha256": sha256}
    write_atomically(target, safetensors.torch.save(tensors, metadata=metadata))
    return sha256


def read_model(path: str | os.PathLike[str]) -> CellTypeModel:
    """Load a model file.

    Raises
    ------
    ModelError
        If it is absent, damaged, changed since it was saved, or no model.
    """
    return build_model(read_model_bytes(path))


def verify_model(path: str | os.PathLike[str]) -> ModelBytes:
    """Check a model file whole, its digest and that it builds a network.

    Returns
    -------
    ModelBytes
        `card` and `sha256` of the file.

    Raises
    ------
    ModelError
        If it is absent, damaged, changed since it was saved, or no model.
    """
    content = read_model_bytes(path)
    build_model(content)
    return content


def read_model_bytes(path: str | os.PathLike[str]) -> ModelBytes:
    """Read a model file and check its digest; torch is not needed.

    Raises
    ------
    ModelError
        If it is absent, damaged, changed since it was saved, or no model.
    """
    source = Path(path)
    try:
        # Read once, not mapped: a file that shrinks under a map kills the process.
        size = source.stat().st_size
        if size > MAX_BYTES:
            raise ModelError(
                f"{source} has {size / 2**20:.0f} MB, more than any model of this "
                f"program ({MAX_BYTES // 2**20} MB); choose a model file."
            )
        with source.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise ModelError(f"There is no model file {source}; check the path.") from error
    except OSError as error:
        raise ModelError(
            f"The model file {source} cannot be read ({error.strerror}); check its "
            "permissions."
        ) from error
    header, data = _split(content, source)
    metadata = header.pop("__metadata__", None)
    if (
        not isinstance(metadata, dict)
        or not isinstance(text := metadata.get("card"), str)
        or not isinstance(said := metadata.get("sha256"), str)
    ):
        raise ModelError(
            f"{source} is a safetensors file without a model card; only models that "
            "napari-celltype saved can be loaded."
        )
    sha256 = _digest(text, header, data)
    if sha256 != said:
        raise ModelError(
            f"The model file {source} was damaged or changed after it was saved "
            f"(SHA-256 {sha256[:12]}... instead of {said[:12]!s}...); {_AGAIN}."
        )
    try:
        card = ModelCard.from_json(text)
    except ModelError as error:
        raise ModelError(f"{source}: {error}") from error
    return ModelBytes(source, content, card, sha256)


def build_model(file: ModelBytes) -> CellTypeModel:
    """Build the classifier of a verified file.

    Raises
    ------
    ModelError
        If the weights do not fit the card.
    """
    import safetensors
    import safetensors.torch

    from napari_celltype.classifiers.estimator import restore_classifier

    card = file.card
    try:
        tensors = safetensors.torch.load(file.content)
        classifier = restore_classifier(
            _constructor_parameters(card),
            card.classes,
            card.window_frames,
            {
                key.removeprefix("network."): value
                for key, value in tensors.items()
                if not key.startswith("normalization.")
            },
            _normalization(card, tensors),
        )
    except (
        safetensors.SafetensorError,
        ValueError,
        TypeError,
        OverflowError,
        RuntimeError,
    ) as error:
        raise ModelError(
            f"The model file {file.path} does not hold a network that fits its card "
            f"({str(error).splitlines()[0][:200]}); {_AGAIN}."
        ) from error
    return CellTypeModel(classifier, card, file.sha256, card.name)


def _constructor_parameters(card: ModelCard) -> dict[str, Any]:
    """Return the constructor's parameters if they are plain and of sane size."""
    from napari_celltype.classifiers.estimator import STRUCTURE

    parameters = dict(card.parameters)
    if strange := set(parameters) - {*STRUCTURE, *_TRAINING}:
        raise ValueError(f"unknown parameter {min(strange)[:60]!r}")
    for key, value in parameters.items():
        if isinstance(value, str | list) and len(value) > 100:
            raise ValueError(f"{key} has {len(value)} parts")
        most = _MOST.get(key, 10**5)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, int | float) and abs(item) > most:
                raise ValueError(f"{key} is out of all proportion")
    if isinstance(parameters.get("filters"), list):
        parameters["filters"] = tuple(parameters["filters"])
    parameters["architecture"] = card.architecture
    parameters["normalization"] = card.normalization
    return parameters


def _normalization(card: ModelCard, tensors: Mapping[str, torch.Tensor]) -> Any:
    from napari_celltype.classifiers.preparation import NORMALIZATIONS, Normalization

    if card.normalization not in NORMALIZATIONS:
        raise ValueError(f"normalization {card.normalization!r} is not known")
    if card.normalization == "trace":
        return Normalization("trace")
    mean = tensors.get("normalization.mean")
    deviation = tensors.get("normalization.deviation")
    if mean is None or deviation is None or mean.shape != deviation.shape:
        raise ValueError("the statistics of the training set are missing")
    return Normalization(card.normalization, mean.numpy(), deviation.numpy())


def _split(content: bytes, source: Path) -> tuple[dict[str, Any], bytes]:
    """Return the header and the tensors' bytes of a safetensors file."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 10 or length > min(len(content) - 8, MAX_HEADER_BYTES):
        raise ModelError(
            f"{source} is no complete model file ({len(content)} bytes whose header "
            f"claims {length}); {_AGAIN}."
        )
    try:
        header = json.loads(content[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise ModelError(
            f"{source} is no model file (its header is no JSON); {_AGAIN}."
        ) from error
    if not isinstance(header, dict):
        raise ModelError(f"{source} is no model file (its header is no object).")
    return header, content[8 + length :]


def _digest(card: str, tensor_table: Mapping[str, Any], data: bytes) -> str:
    table = json.dumps(tensor_table, sort_keys=True)
    digest = hashlib.sha256()
    for part in (card.encode(), table.encode(), data):
        # Lengths keep two parts from being shifted into one another.
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def write_atomically(target: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".model-")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files that only their owner reads; models are to be shared.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except OSError as error:
        if temporary is not None:
            with suppress(FileNotFoundError):
                Path(temporary).unlink()
        raise OutputError(
            f"The model cannot be written to {target} ({error.strerror}); choose a "
            "folder that you may write to."
        ) from error
