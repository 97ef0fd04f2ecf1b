"""Guess the subject and the session of a recording from its path.

A guess is offered to the user, who can change it; what cannot be guessed stays empty.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_EDGE = r"(?<![A-Za-z0-9])"
_BIDS_SUBJECT = re.compile(rf"{_EDGE}sub-([A-Za-z0-9]+)", re.IGNORECASE)
_BIDS_SESSION = re.compile(r"(?<![A-Za-z])ses-([A-Za-z0-9]+)", re.IGNORECASE)
_SUBJECT, _SHORT_SUBJECT = (
    re.compile(rf"{_EDGE}(?:{words})[-_ #]?\d+[A-Za-z]?(?![A-Za-z0-9])", re.IGNORECASE)
    # M2 may also be a part of the cortex, so that it gives way to a word.
    for words in ("mouse|mice|animal|subject|subj|rat", "an|ms|m")
)
_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])"
    r"|\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?!\d)"
)
_SESSION = re.compile(
    rf"{_EDGE}(?:session|sess|ses|day|run|rec|recording|exp|experiment|fov|d|s)"
    r"[-_ #]?\d+[A-Za-z]?(?![A-Za-z0-9])",
    re.IGNORECASE,
)
# Tags that labs give to animals: TX61, JB-012, KO3.
_TAG = re.compile(r"[A-Za-z]{1,4}[-_]?\d{1,5}[A-Za-z]?")
_PLANE = re.compile(r"plane\d+|combined|suite2p|stat\.npy", re.IGNORECASE)
# Folders that hold subjects, and are none.
_ROOM = re.compile(
    r"data\d*|datasets?|raw|processed|recordings?|imaging|2p|two-?photon|results?"
    r"|analysis|projects?|experiments?|home|users?|mnt|media|tmp|pytest.*|derivatives"
    r"|sourcedata|animals|mice|subjects|cohort.*|exp(?:eriment)?[-_ ]?\d+"
    r"|.+[-_ ]cre.*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Guess:
    """What a path seems to say; empty where it says nothing.

    Attributes
    ----------
    subject, session : str
    """

    subject: str = ""
    session: str = ""


def guess_from_path(path: str | Path) -> Guess:
    """Guess subject and session from the folders of a recording.

    Understood are BIDS and NWB names (``sub-01/ses-02``, ``sub-01_ses-02_ophys``),
    words with numbers (``mouse12``, ``session 3``, ``day2``), dates, and an animal's
    tag above a date (``TX61/2021_05_03/1``).

    Parameters
    ----------
    path : str or Path
        Of a plane folder, or of anything in or above it.

    Returns
    -------
    Guess
        Without a date, number or word for the session it is the folder's own name.
    """
    parts = [p for p in Path(path).parts if p.strip("/\\") and not _PLANE.fullmatch(p)]
    at, session = _session(parts)
    return Guess(_subject(parts, at), session)


def _session(parts: list[str]) -> tuple[int | None, str]:
    """Return where the session stands, None where no folder looks like one."""
    for at in reversed(range(len(parts))):
        if found := _BIDS_SESSION.search(parts[at]):
            return at, found[1]
    for pattern in (_DATE, _SESSION):
        for at in reversed(range(len(parts))):
            if found := pattern.search(parts[at]):
                if pattern is _SESSION and _ROOM.fullmatch(parts[at]):
                    continue
                # Runs of one day have folders of their own below it.
                below = [p for p in parts[at + 1 :] if len(p) <= 20]
                name = found[0] if below or pattern is _DATE else parts[at]
                own = _SESSION.search(parts[at]) if pattern is _DATE else None
                runs = ([own[0]] if own else []) + below
                return at, "_".join([name, *runs])
    return None, parts[-1] if parts else ""


def _subject(parts: list[str], session_at: int | None) -> str:
    for pattern, group in ((_BIDS_SUBJECT, 1), (_SUBJECT, 0), (_SHORT_SUBJECT, 0)):
        for part in reversed(parts):
            if found := pattern.search(part):
                return found[group]
    if session_at is None:
        return ""
    # An animal's tag before the date in one name, or the folder above the date.
    name = parts[session_at]
    date = _DATE.search(name)
    if date:
        before = re.split(r"[_ .]", name[: date.start()].strip("_-. "))[0]
        if _TAG.fullmatch(before):
            return before
    above = [
        part
        for part in parts[:session_at]
        if not _ROOM.fullmatch(part) and not _DATE.search(part)
    ]
    if not above:
        return ""
    nearest = above[-1]
    # The folder right above a date may have any name.
    named = (
        date
        and nearest == parts[session_at - 1]
        and re.fullmatch(r"[A-Za-z][\w-]{1,20}", nearest)
    )
    return nearest if named or _TAG.fullmatch(nearest) else ""
