from __future__ import annotations

import errno
import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import filelock
import pytest

from napari_celltype.errors import OutputError
from napari_celltype.files import file_sha256, locked


def test_the_digest_is_that_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    assert file_sha256(path) == hashlib.sha256(b"content").hexdigest()


def test_a_lock_keeps_others_out_until_it_is_free(tmp_path: Path) -> None:
    lock, held, free = tmp_path / "folder" / ".lock", Event(), Event()

    def hold() -> None:
        with locked(lock):
            held.set()
            free.wait()

    def take(timeout: float) -> bool:
        with locked(lock, timeout):
            return True

    with ThreadPoolExecutor() as pool:
        holding = pool.submit(hold)
        held.wait()
        with pytest.raises(OutputError, match="is in use by another process"):
            take(0)
        waiting = pool.submit(take, 60)
        free.set()
        assert waiting.result()
        assert holding.exception() is None
    assert take(0)


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").touch()
    with (
        pytest.raises(OutputError, match="folder cannot be written to"),
        locked(tmp_path / "folder" / ".lock"),
    ):
        pass


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOLCK, "no locks"), NotImplementedError()]
)
def test_a_file_system_without_locks_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with locked(tmp_path / ".lock"):
        pass
