"""Sentences in a dock."""

from __future__ import annotations

import re

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

# What a sentence says to whoever works in a terminal, and to whoever works here.
_ELSEWHERE = re.compile(r" \(terminal: [^;)]*(?:; napari: ([^)]*))?\)")


class Words(QLabel):
    """Plain text that wraps and can be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)


def for_window(sentence: str) -> str:
    """Return a sentence without the options of the terminal.

    Parameters
    ----------
    sentence : str
        Such as "give its rate (terminal: --fs 30; napari: the box of Classify)".
    """
    return _ELSEWHERE.sub(lambda m: f" ({m[1]})" if m[1] else "", sentence)
