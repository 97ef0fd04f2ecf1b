"""The folder of a run: what was asked, and one line for each task that is done."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from napari_celltype.errors import OutputError
from napari_celltype.files import locked
from napari_celltype.labels.atomic import write_text_atomically
from napari_celltype.labels.folders import claim_folder
from napari_celltype.protocol.experiment import Outcome, Task

FORMAT = "napari-celltype run 1"
# May get longer on the same folder: no result depends on what else is computed.
GROWING = "classifiers"


class RunFolder:
    """A folder that a killed run goes on in, see `open`.

    It holds ``config.json``, ``results.jsonl`` (one line per finished task, on disk
    before the next task starts) and ``checkpoints/`` (of the unfinished ones).

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(
        cls,
        path: Path | None,
        configuration: Mapping[str, Any],
        *,
        force: bool = False,
    ) -> RunFolder:
        """Make a run folder, or go on in the one of the same configuration.

        Parameters
        ----------
        path : Path or None
            None makes a temporary folder that goes with this object.
        configuration : mapping
            Everything that the results depend on, in values that JSON knows.
        force : bool
            Take a folder that holds files of others.

        Raises
        ------
        OutputError
            If the folder holds files of others, was started with another
            configuration (but for `GROWING`), is in use by another process, or cannot
            be written.
        """
        if path is None:
            path = Path(tempfile.mkdtemp(prefix="napari-celltype-"))
            folder = cls(path)
            weakref.finalize(folder, shutil.rmtree, path, ignore_errors=True)
        else:
            folder = cls(path)
            claim_folder(path, force=force)
        with folder.locked():
            folder._agree(configuration)
            folder._cut_torn_line()
        return folder

    @property
    def results(self) -> Path:
        """The file of finished tasks."""
        return self.path / "results.jsonl"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out.

        Raises
        ------
        OutputError
            If another process works in the folder.
        """
        with locked(self.path / ".lock"):
            yield

    def finished(self) -> dict[tuple[str, int], Outcome]:
        """Return the outcomes so far; a line that cannot be read is not done."""
        if not self.results.exists():
            return {}
        outcomes = {}
        for line in self.results.read_bytes().splitlines():
            with suppress(ValueError, TypeError):
                outcome = Outcome(**json.loads(line))
                outcomes[outcome.key] = outcome
        return outcomes

    def append(self, outcome: Outcome) -> None:
        """Write the line of a finished task to disk and drop its checkpoint.

        Raises
        ------
        OutputError
            If it cannot be written; the lines before it are untouched.
        """
        line = json.dumps(asdict(outcome)).encode() + b"\n"
        try:
            with self.results.open("ab", buffering=0) as file:
                start = file.tell()
                try:
                    while line:
                        line = line[file.write(line) :]
                    os.fsync(file.fileno())
                except OSError:
                    file.truncate(start)
                    raise
        except OSError as error:
            raise OutputError(
                f"{self.results} cannot be written ({error.strerror or error}); what "
                "was finished before is kept, so make room and give the same command "
                "again."
            ) from None
        with suppress(OSError):
            self._checkpoint(outcome.key).unlink(missing_ok=True)

    def checkpoint(self, task: Task) -> Path:
        """Return the file in which a task keeps its training; its folder is made."""
        path = self._checkpoint(task.key)
        with suppress(OSError):  # the next line of results will say what is wrong
            path.parent.mkdir(exist_ok=True)
        return path

    def drop_checkpoints(self) -> None:
        """Remove what killed or abandoned trainings have left."""
        shutil.rmtree(self.path / "checkpoints", ignore_errors=True)

    def _checkpoint(self, key: tuple[str, int]) -> Path:
        """Return a name that every file system takes and no other task has."""
        condition, split = key
        digest = hashlib.sha256(condition.encode()).hexdigest()[:8]
        readable = re.sub(r"[^A-Za-z0-9]+", "-", condition).strip("-")[:40]
        return self.path / "checkpoints" / f"{readable}-{digest}-{split}"

    def _agree(self, configuration: Mapping[str, Any]) -> None:
        """Write the configuration, or compare it with the one of the folder."""
        wanted = json.loads(json.dumps(configuration))
        file = self.path / "config.json"
        text = json.dumps({"format": FORMAT, "configuration": wanted}, indent=2) + "\n"
        if not file.exists():
            write_text_atomically(file, text)
            return
        try:
            found = json.loads(file.read_bytes())
            started = found["configuration"] if found["format"] == FORMAT else None
        except (ValueError, KeyError, TypeError):
            started = None
        if not isinstance(started, dict):
            raise OutputError(
                f"{file} is not the configuration of a run of this version; choose "
                "another folder."
            )
        old, new = started.get(GROWING), wanted.get(GROWING)
        added = isinstance(old, list) and isinstance(new, list) and set(old) <= set(new)
        if added:
            started[GROWING] = new
        differences = list(_differences(started, wanted))
        if differences:
            raise OutputError(
                f"{self.path} was started with {', '.join(differences[:3])}; choose "
                "another folder, or give what it was started with."
            )
        if added and old != new:
            write_text_atomically(file, text)

    def _cut_torn_line(self) -> None:
        """Cut what a kill in the middle of a line has left."""
        try:
            with self.results.open("r+b") as file:
                file.truncate(file.read().rfind(b"\n") + 1)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise OutputError(
                f"{self.results} cannot be written ({error.strerror or error}); give "
                "yourself write permission there."
            ) from None


def _differences(started: Any, wanted: Any, name: str = "") -> Iterator[str]:
    """Say where two configurations differ: "epochs 20, not 5"."""
    if isinstance(started, dict) and isinstance(wanted, dict):
        for key in dict.fromkeys((*started, *wanted)):
            inner = f"{name} {key}".strip()
            yield from _differences(started.get(key), wanted.get(key), inner)
    elif isinstance(started, list) and isinstance(wanted, list):
        old, new = _named(started), _named(wanted)
        if old.keys() == new.keys():
            for key in old:
                yield from _differences(old[key], new[key], f"{name} {key}")
        if added := ", ".join([str(key) for key in new if key not in old][:3]):
            yield f"{name} without {added}"
        if dropped := ", ".join([str(key) for key in old if key not in new][:3]):
            yield f"{name} that include {dropped}"
    elif started != wanted:
        short = max(len(str(started)), len(str(wanted))) <= 40
        yield f"{name} {started}, not {wanted}" if short else f"different {name}"


def _named(items: list[Any]) -> dict[Any, Any]:
    """Return the items by name, or by position where they have none."""
    names = (
        item.get("name", position) if isinstance(item, dict) else item
        for position, item in enumerate(items)
    )
    return dict(zip(names, items, strict=True))
