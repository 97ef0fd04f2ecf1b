"""Errors whose message is one sentence for the user.

Each message says what was found, where, and what to do. The doors (terminal, napari)
catch `CellTypeError` once and show the sentence; everything else is a defect.
"""

from __future__ import annotations

import re


class CellTypeError(Exception):
    """The input or the data is wrong; the message says how to mend it."""

    def __str__(self) -> str:
        # A name or a cell that is quoted may hold line breaks or codes that change
        # the terminal, or be endless.
        text = re.sub(r"\s*[\r\n]+\s*", " ", super().__str__())
        text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
        return re.sub(r"\S{500,}", lambda m: f"{m[0][:200]}...{m[0][-200:]}", text)


class RecordingError(CellTypeError):
    """A suite2p folder, trace file or movie cannot be used as it is."""


class SamplingFrequencyError(RecordingError):
    """The frame rate is missing, impossible, or does not fit the model."""


class ModelError(CellTypeError):
    """A model is unknown, damaged, or does not fit the data."""


class LabelError(CellTypeError):
    """A label, a label table or a labelled data set cannot be used."""


class PriorError(LabelError):
    """Expected shares of the types do not fit the model, or each other."""


class LabelConflict(LabelError):
    """A label file was changed by somebody else after it was read here."""


class OutputError(CellTypeError):
    """A result cannot be written where it was asked for."""


class MissingDependencyError(CellTypeError):
    """An optional package is needed for what was asked."""


class Stopped(Exception):
    """Long work was stopped on request; what was finished is kept."""
