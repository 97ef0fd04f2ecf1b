from __future__ import annotations

import errno
import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import BinaryIO

import filelock
import pytest

from napari_celltype.errors import OutputError
from napari_celltype.files import (
    file_sha256,
    locked,
    place_from,
    without_places,
    write_atomically,
    write_text_atomically,
)


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


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_what_a_killed_writer_left_is_cleared_at_the_next_write(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path;"
        "from napari_celltype.files import write_atomically as write;"
        "write(Path(sys.argv[1]), lambda _: os.kill(os.getpid(), signal.SIGKILL))"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "file"], check=False)
    (left,) = tmp_path.iterdir()
    others = f".x.{'0' * 8}-1-{'0' * 8}.part", ".theirs.part"
    for name in others:  # of another machine and another program
        (tmp_path / name).touch()

    def write(file: BinaryIO) -> None:
        # One that is being written now stays.
        write_text_atomically(tmp_path / "other", "")

    write_atomically(tmp_path / "file", write)
    assert left.suffix == ".part"
    assert {p.name for p in tmp_path.iterdir()} == {"file", "other", *others}


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        ("/data/m1/suite2p/plane0", "m1/suite2p/plane0"),
        ("/data/m1/F.npy: 'lam' of dF/F", "m1/F.npy: 'lam' of dF/F"),
        ("see /mnt/data/a.tif, and '/home/Jane Doe/b.tif'", "see a.tif, and 'b.tif'"),
        (r"C:\Users\Jane Doe\own.safetensors", "own.safetensors"),
        (r"\\server\Jane\ops.npy is damaged", "ops.npy is damaged"),
        ("--labels=/home/Jane's/labels.csv", "--labels=labels.csv"),
        ("F/Fneu 3 / 4 ~/a ../b https://c.d/e tcp://h:1", None),
    ],
)
def test_what_is_shared_says_where_nothing_is(text: str, shared: str | None) -> None:
    content = {"a": [text, 1.5], "b": {"c": (text,)}}
    told = without_places(content, [Path("/data"), Path("/")])
    wanted = text if shared is None else shared
    assert told == {"a": [wanted, 1.5], "b": {"c": [wanted]}}


@pytest.mark.parametrize(
    ("folder", "path", "place"),
    [
        ("/mnt/mice/run", "/mnt/mice/run/list.csv", "list.csv"),
        ("/mnt/mice/run", "/mnt/mice/m1/day1", "../m1/day1"),
        ("/mnt/mice/results/run", "/mnt/mice/cells.npz", None),
        ("/home/jane/run", "/home/jane/cells.npz", "../cells.npz"),
        ("/home/run", "/home/jane/cells.npz", None),
        ("/run", "/home/jane/cells.npz", None),
    ],
)
def test_a_path_is_seen_from_a_folder_beside_it(
    folder: str, path: str, place: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/jane")
    assert place_from(Path(folder), Path(path)) == place
