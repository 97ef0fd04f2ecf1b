"""The frame rate of a plane, and how sure of it we are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from napari_celltype.recording.recording import (
    ASK_ABOUT_DEFAULT,
    ASK_FOR_RATE,
    FROM_SUITE2P,
    FROM_TIFF,
    FROM_USER,
    UNCONFIRMED,
    UNKNOWN,
    require_possible,
)
from napari_celltype.recording.settings import number

SUITE2P_DEFAULT = 10.0
# `run_suite2p` leaves the user's rate here too: then 10 Hz is no default but a choice.
CONFIRMED_KEY = "napari_celltype_fs"
# Rates that differ by less are one rate, written with different care.
SAME_RATE = 0.02


class FrameRate(NamedTuple):
    """Frames per second of one plane (Hz), its source, and what was odd about it."""

    value: float | None
    source: str
    warnings: tuple[str, ...] = ()


def decide_frame_rate(
    settings: Mapping[str, Any],
    given: float | None,
    rate_of_tiff: Callable[[], float | None],
) -> FrameRate:
    """Choose among the user's word, suite2p's settings and the TIFF's own metadata.

    The user's word wins, now or when `run_suite2p` ran. suite2p's `fs` is taken next,
    except when it is exactly the 10 Hz that suite2p starts with: then nobody may have
    set it, and the TIFF decides.

    Parameters
    ----------
    settings : mapping
    given : float or None
        The user's frame rate, Hz.
    rate_of_tiff : callable
        Looks into the source TIFF; called only where it can matter.

    Raises
    ------
    SamplingFrequencyError
        If the user's frame rate is impossible.
    """
    if given is not None:
        return FrameRate(require_possible(given), FROM_USER)
    noted = number(settings.get("fs"))
    if noted is not None and noted > 0 and noted != SUITE2P_DEFAULT:
        return FrameRate(noted, FROM_SUITE2P)
    if noted is not None and noted == number(settings.get(CONFIRMED_KEY)):
        return FrameRate(noted, FROM_USER)
    measured = rate_of_tiff()
    if measured is not None:
        if noted == SUITE2P_DEFAULT and not np.isclose(measured, noted, rtol=SAME_RATE):
            return FrameRate(
                measured,
                FROM_TIFF,
                (
                    f"suite2p used its default of 10 Hz and the TIFF says {measured:g} "
                    f"Hz, which is taken; give the frame rate if neither is right.",
                ),
            )
        return FrameRate(measured, FROM_TIFF)
    if noted == SUITE2P_DEFAULT:
        return FrameRate(noted, UNCONFIRMED, (ASK_ABOUT_DEFAULT,))
    if noted is not None:
        return FrameRate(
            None,
            UNKNOWN,
            (f"suite2p notes a frame rate of {noted:g} Hz; give the right one.",),
        )
    return FrameRate(None, UNKNOWN, (ASK_FOR_RATE,))
