"""Disks that are full, read-only or gone, and two processes that write one file."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
from contextlib import contextmanager, suppress

import pytest

from napari_celltype.errors import CellTypeError, OutputError
from napari_celltype.labels import Label, LabelFile, LabelTable, load_labels
from napari_celltype.recording import open_recording

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs Unix")

KINDS = ("labels", "model", "csv", "parquet", "nwb")
MOUNT = ("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs")


@pytest.fixture
def disk(tmp_path):
    """A disk of 4 MB where one may be mounted, else a folder."""
    folder = tmp_path / "disk"
    folder.mkdir()
    root = os.geteuid() == 0
    mounted = root and not subprocess.run([*MOUNT, folder], check=False).returncode
    yield folder
    if mounted:
        subprocess.run(["umount", folder], check=True)


@contextmanager
def full(disk):
    if not disk.is_mount():
        limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, most))
        yield
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
        return
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    yield
    (disk / "filler").unlink()


@contextmanager
def read_only(disk):
    folders = [disk, *(p for p in disk.rglob("*") if p.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    allow_everything(False)
    try:
        (disk / "probe").touch()
    except OSError:
        yield
    else:
        pytest.skip("this user may write where nobody may")
    finally:
        allow_everything(True)
        for folder in folders:
            folder.chmod(0o755)


def allow_everything(allowed):
    """Give root the right to write where a folder forbids it, or take it away."""
    if sys.platform != "linux" or os.geteuid():
        return
    libc = ctypes.CDLL(None)
    # The version of the structures; CAP_DAC_OVERRIDE among the effective rights.
    header, rights = (ctypes.c_uint32 * 2)(0x20080522), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, rights) == 0
    rights[0] = rights[0] | 2 if allowed else rights[0] & ~2
    libc.capset(header, rights)


@pytest.mark.parametrize("trouble", [full, read_only])
@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_written_is_said_and_what_was_there_stays(
    kind, trouble, disk, lab, writers
):
    write = writers.writer(kind, lab, disk)
    write(0)
    target = writers.TARGETS[kind]
    (path,) = disk.rglob(target.name)
    with trouble(disk):
        with pytest.raises(OutputError, match=r"make room|write permission"):
            write(1)
        assert writers.version(kind, path) == 0
    assert not [*disk.rglob("*.part")]
    write(1)
    assert writers.version(kind, path) == 1


@pytest.mark.parametrize("trouble", [full, read_only])
def test_labels_that_cannot_be_saved_are_kept_elsewhere(trouble, disk, lab, tmp_path):
    recording = open_recording(lab / "m1" / "day1")
    file, labels = LabelFile(recording, disk), LabelTable((Label(1, "VIP"),))
    with trouble(disk):
        with pytest.raises(OutputError):
            file.save(labels)
        # The limit of a file's size holds everywhere.
        if trouble is read_only or disk.is_mount():
            copy = file.save_copy(labels, tmp_path / "rescued")
            assert copy.is_relative_to(tmp_path / "rescued")
            assert "VIP" in copy.read_text()
    file.save(labels)
    assert load_labels(recording, disk).by_roi()[1].label == "VIP"
    assert file.copy is None


@pytest.mark.parametrize("trouble", [full, read_only])
def test_a_run_goes_on_when_there_is_room_again(trouble, disk, lab, writers, tmp_path):
    data = lab / "cells.npz"
    with trouble(disk), pytest.raises(OutputError):
        writers.scores(data, disk / "run")
    again = writers.scores(data, disk / "run")
    assert again.equals(writers.scores(data, tmp_path / "run"))


@pytest.mark.parametrize("mount_point_stays", [False, True])
def test_a_share_that_vanishes_gives_a_sentence(
    mount_point_stays, lab, suite2p_folder, tmp_path
):
    from napari_celltype.answers import classify

    share = tmp_path / "share"
    root = suite2p_folder(share / "m1", n_rois=4, n_frames=700, fs=10.0)
    recording = open_recording(root, in_memory=False)
    file = LabelFile(recording)
    share.rename(tmp_path / "gone")
    if mount_point_stays:
        share.mkdir()
    model = str(lab / "quick.safetensors")
    for work in (
        lambda: recording.raw_traces[0],
        lambda: recording.movie[0],
        lambda: classify(recording, model),
        lambda: classify(root, model),
        lambda: file.save(LabelTable((Label(1, "PV"),))),
    ):
        with pytest.raises(CellTypeError):
            work()
    assert not [*share.rglob("*")]
    assert share.exists() is mount_point_stays


def test_two_processes_that_label_one_recording_lose_nothing(lab, writers, started):
    processes = [started(writers.label_often, k, lab) for k in (0, 1, 2)]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    labels = load_labels(open_recording(lab / writers.PLANE)).by_roi()
    assert [labels[k].note for k in (0, 1, 2)] == ["4", "4", "4"]


def test_two_processes_in_one_run_folder_give_the_scores_of_one(
    lab, writers, started, tmp_path
):
    data, folder = lab / "cells.npz", tmp_path / "run"
    other = started(writers.run_on, data, folder)
    with suppress(OutputError):
        writers.scores(data, folder)
    other.join(60)
    whole = writers.scores(data, tmp_path / "whole")
    assert writers.scores(data, folder).equals(whole)
