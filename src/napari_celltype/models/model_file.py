"""The file of a saved model: safetensors that hold the weights and the card.

Layout: 8 bytes with the header's length, a JSON header (tensor table and, under
``__metadata__``, the card as JSON text and the digest), the tensors' bytes. The SHA-256
covers the card, the tensor table and the tensors. Nothing in it is ever executed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_celltype.errors import ModelError, OutputError
from napari_celltype.models.card import ModelCard

if TYPE_CHECKING:
    import torch

SUFFIX = ".safetensors"
# The paper's networks have at most a few MB; a model of anyone's stays far below this.
MAX_BYTES = 512 * 2**20
_MAX_HEADER_BYTES = 4 * 2**20
COPY_AGAIN = "copy it again from where it came from"


def require_suffix(path: Path) -> None:
    """Refuse the name of a file that is to hold a model."""
    if path.suffix != SUFFIX:
        raise OutputError(
            f"A model is saved as a file that ends in {SUFFIX}, but {path.name!r} "
            "does not; choose another name."
        )


@dataclass(frozen=True, eq=False)
class ModelBytes:
    """The verified content of a model file, weights still as bytes."""

    path: Path
    content: bytes
    card: ModelCard
    sha256: str


def read_model_bytes(path: str | os.PathLike[str]) -> ModelBytes:
    """Read a model file and check its digest (torch is not needed), or `ModelError`."""
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
            content = file.read(size)
    except FileNotFoundError as error:
        raise ModelError(f"There is no model file {source}; check the path.") from error
    except OSError as error:
        raise ModelError(
            f"The model file {source} cannot be read ({error.strerror}); check its "
            "permissions."
        ) from error
    text, sha256 = verified(content, source, "card")
    try:
        card = ModelCard.from_json(text)
    except ModelError as error:
        raise ModelError(f"{source}: {error}") from error
    return ModelBytes(source, content, card, sha256)


def verified(content: bytes, source: Path, name: str) -> tuple[str, str]:
    """Return the text of that name in a signed file, and its SHA-256."""
    header, data = _split_content(content, source)
    metadata = header.pop("__metadata__", None)
    if (
        not isinstance(metadata, dict)
        or not isinstance(text := metadata.get(name), str)
        or not isinstance(stated := metadata.get("sha256"), str)
    ):
        raise ModelError(
            f"{source} is a safetensors file without a model card; only models that "
            "napari-celltype saved can be loaded."
        )
    sha256 = digest(text, header, data)
    if sha256 != stated:
        raise ModelError(
            f"The model file {source} was damaged or changed after it was saved "
            f"(SHA-256 {sha256[:12]}... instead of {stated[:12]}...); {COPY_AGAIN}."
        )
    return text, sha256


def signed(
    tensors: Mapping[str, torch.Tensor], name: str, text: str, path: Path
) -> tuple[bytes, str]:
    """Return the file of tensors and a text of that name, and its SHA-256."""
    import safetensors.torch

    plain = dict(tensors)
    header, data = _split_content(safetensors.torch.save(plain), path)
    sha256 = digest(text, header, data)
    return safetensors.torch.save(plain, {name: text, "sha256": sha256}), sha256


def _split_content(content: bytes, source: Path) -> tuple[dict[str, Any], bytes]:
    """Return the header and the tensors' bytes of a safetensors file."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 10 or length > min(len(content) - 8, _MAX_HEADER_BYTES):
        raise ModelError(
            f"{source} is no complete model file ({len(content)} bytes whose header "
            f"claims {length}); {COPY_AGAIN}."
        )
    try:
        header = json.loads(content[8 : 8 + length])
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise ModelError(
            f"{source} is no model file (its header is no JSON object); {COPY_AGAIN}."
        )
    return header, content[8 + length :]


def digest(card: str, tensor_table: Mapping[str, Any], data: bytes) -> str:
    """Return the SHA-256 of a card, a tensor table and the tensors, hexadecimal."""
    table = json.dumps(tensor_table, sort_keys=True)
    sha256 = hashlib.sha256()
    for part in (card.encode(), table.encode(), data):
        # Lengths keep two parts from being shifted into one another.
        sha256.update(len(part).to_bytes(8, "little"))
        sha256.update(part)
    return sha256.hexdigest()
