"""What NWB wants to know about a session, and what is said where nobody knows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from napari_celltype.errors import OutputError
from napari_celltype.parameters import parameter

# NWB demands a start time. The customary stand-in is a day on which nobody imaged.
_UNKNOWN_START = datetime(1900, 1, 1, tzinfo=UTC)
UNKNOWN = "unknown"
# "Zero days or older" is NWB's way to write an age of which nothing is known.
_UNKNOWN_AGE = "P0D/"
_SEXES = ("M", "F", "O", "U")
_DURATION = r"P(?!$)(\d+(\.\d+)?[YMWD])*(T(?!$)(\d+(\.\d+)?[HMS])+)?"
_AGE = re.compile(rf"({_DURATION})(/({_DURATION})?)?|/{_DURATION}")


def _text(about: str, **more: Any) -> Any:
    return parameter("", about, option=None, **more)


@dataclass(frozen=True)
class NwbSession:
    """What the user says about a session; an empty text where it is not known."""

    session_description: str = _text(
        "What happened in the session.",
        label="Session",
        example="Mouse runs in the dark",
    )
    identifier: str = _text(
        "A text that no other NWB file has; made up at random where empty."
    )
    session_start_time: str = _text(
        "When the recording began, ISO 8601; without a time zone that of this computer "
        "is taken.",
        label="Start",
        example="2024-05-17T14:30",
    )
    subject_id: str = _text("The animal's name.", label="Animal", example="m1")
    species: str = _text("Latin name of genus and species.", example="Mus musculus")
    age: str = _text(
        "ISO 8601: P90D is 90 days, P12W 12 weeks, P8W/P10W a range.", example="P90D"
    )
    sex: str = _text(
        "Sex of the animal.",
        choices={"": "not known", "F": "female", "M": "male", "O": "other"},
        free=True,
    )
    lab: str = _text("Name of the laboratory.")
    institution: str = _text("Name of the university or institute.")
    experimenter: str = _text(
        "Several are separated by semicolons.", example="Lastname, Firstname"
    )
    indicator: str = _text("The calcium indicator.", example="GCaMP6f")
    location: str = _text(
        "The brain region of the imaging plane.", label="Region", example="CA1"
    )
    device: str = _text(
        "The microscope, in words.", label="Microscope", example="Two-photon, 16x"
    )

    @classmethod
    def of(cls, values: Mapping[str, str]) -> NwbSession:
        """Return a session with some fields given by name."""
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise OutputError(
                    f"{name!r} is no field of an NWB session; use {', '.join(known)}."
                )
        return cls(**{name: value.strip() for name, value in values.items()})

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names of the fields that nobody gave, without the identifier."""
        given = asdict(self)
        return tuple(n for n, text in given.items() if not text and n != "identifier")

    @property
    def start(self) -> datetime:
        """The start time; `_UNKNOWN_START` where it is not known."""
        if not self.session_start_time:
            return _UNKNOWN_START
        try:
            start = datetime.fromisoformat(self.session_start_time)
        except ValueError:
            raise OutputError(
                f"The session start time {self.session_start_time!r} is no ISO 8601 "
                "time; write it like 2024-05-17T14:30:00."
            ) from None
        start = start if start.tzinfo else start.astimezone()
        if start > datetime.now(UTC):
            raise OutputError(
                f"The session start time {self.session_start_time!r} lies in the "
                "future; correct it."
            )
        return start

    def require_valid(self) -> None:
        """Refuse what an NWB file could not say, by an `OutputError`."""
        _ = self.start
        if self.age and not _AGE.fullmatch(self.age):
            raise OutputError(
                f"The age {self.age!r} is no ISO 8601 duration; write P90D for 90 days "
                "or P12W for 12 weeks."
            )
        if self.sex and self.sex not in _SEXES:
            raise OutputError(
                f"The sex {self.sex!r} is none of {', '.join(_SEXES)} (male, female, "
                "other, unknown); choose one."
            )
        if set(self.subject_id) & set("/\\"):
            raise OutputError(
                f"The subject id {self.subject_id!r} has a slash in it, which NWB does "
                "not allow; write it otherwise."
            )

    def described(self) -> str:
        """Return the session's description, with what nobody gave."""
        text = self.session_description or "No description was given."
        if unknown := self.unknown:
            text += f" Not given when this file was written: {', '.join(unknown)}."
        if not self.session_start_time:
            text += (
                f" The start time {_UNKNOWN_START:%Y-%m-%d} stands for an unknown one."
            )
        return text

    def subject(self) -> dict[str, Any]:
        """Return the arguments of pynwb's Subject."""
        known = {
            "subject_id": self.subject_id or UNKNOWN,
            "age": self.age or _UNKNOWN_AGE,
            "sex": self.sex or "U",
        }
        if self.species:
            known["species"] = self.species
        absent = [
            n for n in self.unknown if n in ("subject_id", "species", "age", "sex")
        ]
        if absent:
            known["description"] = f"Not known or not given: {', '.join(absent)}."
        return known
