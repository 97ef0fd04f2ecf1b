import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_celltype.answers.provenance import (
    describe_recording,
    is_ours,
    provenance,
    provenance_path,
    read_provenance,
    require_replaceable,
    write_output,
)
from napari_celltype.errors import OutputError
from napari_celltype.recording import Recording, open_recording


def test_inputs_are_told_by_size_time_and_content(tmp_path, suite2p_folder):
    plane = suite2p_folder(tmp_path / "größe") / "plane0"
    described = describe_recording(open_recording(plane), "m1")
    told = described["files"]["F.npy"]
    assert told["bytes"] == (plane / "F.npy").stat().st_size
    assert told["sha256"] == hashlib.sha256((plane / "F.npy").read_bytes()).hexdigest()


def test_the_frame_rate_says_where_it_came_from(tmp_path, suite2p_folder):
    plane = suite2p_folder(tmp_path, fs=10.0) / "plane0"
    described = describe_recording(open_recording(plane), "m1")
    assert described["sampling_frequency"] == 10.0
    assert described["sampling_frequency_confirmed"] is False
    assert "unconfirmed" in described["sampling_frequency_source"]


def test_traces_from_elsewhere_have_no_files():
    recording = Recording(np.zeros((3, 50), np.float32), sampling_frequency=5.0)
    assert describe_recording(recording, "m1")["files"] == {}


def test_provenance_is_json_and_names_each_model_once():
    card = {"name": "cnn-10hz"}
    content = provenance([], [card, dict(card)], {"model": "cnn"})
    assert json.loads(json.dumps(content))["models"] == [card]
    assert content["versions"]["numpy"] == np.__version__


def _write(path, data=b"new", **options):
    return write_output(path, lambda part: part.write_bytes(data), **options)  # type: ignore[arg-type]


def test_our_own_output_is_replaced_unless_it_was_edited_by_hand(tmp_path):
    path = _write(tmp_path / "t.csv", b"old")
    _write(path)
    assert path.read_bytes() == b"new"
    path.write_bytes(b"edited")
    with pytest.raises(OutputError, match="changed since"):
        _write(path)


def test_a_file_of_the_users_is_replaced_only_with_force(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"mine")
    with pytest.raises(OutputError, match="was not written by napari-celltype"):
        _write(path)
    assert path.read_bytes() == b"mine"
    _write(path, force=True)
    assert path.read_bytes() == b"new"
    assert is_ours(path)


def test_files_of_suite2p_are_never_replaced(tmp_path, suite2p_folder):
    session = suite2p_folder(tmp_path / "s", n_frames=50, data_bin=False)
    (session / "ophys.nwb").write_bytes(b"suite2p's")
    for path in (session / "plane0" / "iscell.npy", session / "ophys.nwb"):
        before = path.read_bytes()
        with pytest.raises(OutputError, match="suite2p's own file"):
            _write(path, force=True)
        assert path.read_bytes() == before
    _write(session / "plane0" / "celltype.npy")


def test_provenance_of_another_file_does_not_claim_this_one(tmp_path):
    first = _write(tmp_path / "a.csv", b"one", provenance={"settings": {"x": 1}})
    second = _write(tmp_path / "b.csv", b"two", provenance=read_provenance(first))
    content = read_provenance(second)
    assert content is not None
    assert content["file"] == "b.csv"
    assert content["settings"] == {"x": 1}
    assert is_ours(second)


@pytest.mark.parametrize("text", ["", "[", "[]", "{}", "\x00", '{"format": 3}'])
def test_a_damaged_provenance_protects_the_file(tmp_path, text):
    path = _write(tmp_path / "t.csv")
    provenance_path(path).write_text(text)
    assert not is_ours(path)


def test_a_folder_is_no_output(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        require_replaceable(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_folder_that_cannot_be_written_to_is_said():
    # Not even root can make files there.
    with pytest.raises(OutputError, match="cannot be written"):
        _write(Path("/proc/self/t.csv"))


def test_a_full_disk_leaves_the_old_file(tmp_path):
    resource = pytest.importorskip("resource", reason="Windows has no file limits")
    path = _write(tmp_path / "t.csv", b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OutputError, match="cannot be written"):
            _write(path, b"x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == b"old"
    assert is_ours(path)
    assert [p.name for p in tmp_path.glob(".*")] == []


def test_a_writer_that_fails_leaves_the_old_file(tmp_path):
    path = _write(tmp_path / "t.csv", b"old")

    def fail(part):
        part.write_bytes(b"half")
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        write_output(path, fail)
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_while_writing_leaves_the_old_file(tmp_path):
    path = _write(tmp_path / "t.csv", b"old")
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from napari_celltype.answers.provenance import write_output\n"
        "def write(part):\n"
        "    part.write_bytes(b'half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_output(Path(sys.argv[1]), write)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    assert is_ours(path)
