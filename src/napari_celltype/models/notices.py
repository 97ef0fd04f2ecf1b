"""Sentences about something unusual that was dealt with: not errors, but told."""

from __future__ import annotations

import warnings
from collections.abc import Callable

Notice = Callable[[str], None]


def warn_notice(sentence: str) -> None:
    """Pass a notice on as a Python warning."""
    warnings.warn(sentence, RuntimeWarning, stacklevel=3)
