"""Two windows that save to one file at the same moment wait for each other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# A file is saved in milliseconds; a mark that stays longer is of a program that died.
_PATIENCE = 1.0
_STEP = 0.01


@contextmanager
def saving_alone(path: Path) -> Iterator[None]:
    """Hold the mark ``.NAME.saving`` beside a file while it is checked and replaced.

    A mark left by a program that died is taken over after a second. Where no mark can
    be made (a read-only folder) nobody waits: the saving itself will say why it fails.

    Parameters
    ----------
    path : Path
        The file to be saved; its folder must be there.
    """
    mark = path.with_name(f".{path.name}.saving")
    made = _make(mark)
    try:
        yield
    finally:
        if made:
            with suppress(OSError):
                mark.unlink(missing_ok=True)


def _make(mark: Path) -> bool:
    last_try = time.monotonic() + _PATIENCE
    while True:
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            if time.monotonic() >= last_try:
                return True
            time.sleep(_STEP)
        except OSError:
            return False
        else:
            return True
