"""What `classify` says on standard error about what it found: a few short lines."""

from __future__ import annotations

from collections import Counter
from textwrap import shorten
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_celltype.answers.classify import BatchResult

_MOST_LINES = 6
_WIDTH = 100


def result_lines(result: BatchResult, *, asked: int, in_full: bool) -> list[str]:
    """Return the lines.

    Parameters
    ----------
    result : BatchResult
    asked : int
        How many recordings were to be classified.
    in_full : bool
        Also what the counts rest on, and every warning as it is; without it at most
        six lines.
    """
    lines = []
    if asked > 1:
        lines.append(f"{len(result.done)} of {asked} recordings classified.")
    if not result.done:
        return lines
    summary = result.summary()
    lines.append(summary.counts)
    if summary.expectation:
        lines.append(summary.expectation)
    if in_full:
        lines += summary.details()
        for done in result.done:
            lines += (
                f"note: {done.inputs['name']}: {w}" for w in done.inputs["warnings"]
            )
        return lines
    warned = Counter(w for done in result.done for w in set(done.inputs["warnings"]))
    room = _MOST_LINES - len(lines) - 1
    for warning, n in warned.most_common(room):
        often = f" ({n} recordings)" if n > 1 else ""
        lines.append(f"note: {shorten(warning, _WIDTH, placeholder=' ...')}{often}")
    more = len(warned) - room
    lines.append(
        (f"{more} more warnings, and details" if more > 0 else "Details")
        + ": --verbose, or the provenance file."
    )
    return lines
