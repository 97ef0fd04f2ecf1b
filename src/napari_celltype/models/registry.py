"""All networks there are, by name; free of imports, so that lists are shown at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable

# By the name of the architecture: module and class.
NETWORKS: dict[str, str] = {
    "cnn": ".networks:ConvolutionalNetwork",
    "rnn": ".networks:RecurrentNetwork",
    "lstm": ".networks:LstmNetwork",
    "pooled": ".networks:PooledNetwork",
}

# The family that classifies where no model is named.
DEFAULT_MODEL = "cnn"

# Takes a sentence about something unusual that was dealt with.
Notice = Callable[[str], None]


def network_title(architecture: str) -> str:
    """Return the name of a network as it is written: CNN, but pooled."""
    return architecture.upper() if len(architecture) <= 4 else architecture


def warn_notice(sentence: str) -> None:
    """Pass a notice on as a Python warning."""
    warnings.warn(sentence, RuntimeWarning, stacklevel=3)
