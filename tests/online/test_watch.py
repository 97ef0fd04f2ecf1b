"""Growing files and a real local socket, written while they are followed."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import napari_celltype as nct
from napari_celltype.answers import ClassifyRequest
from napari_celltype.errors import CellTypeError
from napari_celltype.online import Update, WatchRequest, follow, sources
from napari_celltype.online.sources import HEADER, MAGIC, Block, Source, open_source
from napari_celltype.recording import Recording, open_recording

N_ROIS = 4


def traces(n_frames: int, n_rois: int = N_ROIS, seed: int = 0) -> np.ndarray:
    """Return frames by ROIs of slow noise."""
    # The first frames do not depend on how many follow.
    noise = np.random.default_rng(seed).normal(size=(n_frames + 20, n_rois))
    slow = np.lib.stride_tricks.sliding_window_view(noise, 20, axis=0).mean(axis=2)
    return (100 + 30 * slow[:n_frames] + noise[:n_frames]).astype(np.float32)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "POLL_TIME", 0.01)


def codes(block: Block | Update) -> list[str]:
    return [finding.code for finding in block.findings]


def all_of(source: Source, n_frames: int) -> tuple[np.ndarray, list[str]]:
    """Read until so many frames have come; the codes of what was found meanwhile."""
    found, frames = [], []
    while sum(map(len, frames)) < n_frames:
        block = next(source)
        found += [*codes(block), *["join"] * block.joins]
        if len(block.frames):
            frames.append(block.frames)
    return np.concatenate(frames), found


def last(request: WatchRequest, model: str = "rnn") -> Update:
    *_, update = follow(request, ClassifyRequest(model, device="cpu"))
    return update


def offline(frames: np.ndarray, rate: float, model: str) -> Any:
    recording = Recording.from_traces(frames.T, sampling_frequency=rate)
    return nct.classify(recording, model, device="cpu")


NUMBERS = ["p_PY", "p_PV", "p_SOM", "p_VIP", "p_IN", "probability", "n_frames_used"]


@pytest.mark.parametrize("rate", [10.0, 29.97])
@pytest.mark.parametrize("model", ["rnn", "pooled"])
def test_the_answer_is_that_of_the_whole_recording(
    tmp_path: Path, rate: float, model: str
) -> None:
    frames = traces(round(200 * rate))
    frames[round(59.8 * rate) : round(60.2 * rate), 0] = np.nan  # bridged
    frames[round(70 * rate) : round(75 * rate), 1] = np.nan
    frames[round(60 * rate) : round(100 * rate), 2] = np.inf
    frames[:, 3] = 5  # says nothing
    path = tmp_path / "grown.raw"
    frames.tofile(path)
    request = WatchRequest(str(path), None, N_ROIS, rate, until=200)
    table = last(request, model).predictions.table()
    wanted = offline(frames, rate, model)
    assert np.isfinite(wanted["p_IN"]).tolist() == [True, True, True, False]
    np.testing.assert_allclose(
        table[NUMBERS].to_numpy(float), wanted[NUMBERS].to_numpy(float), atol=1e-6
    )
    for column in ("predicted", "prediction_set", "model", "model_sha256"):
        assert table[column].tolist() == wanted[column].tolist()


def test_frames_come_in_any_pieces(tmp_path: Path) -> None:
    from napari_celltype.models import load_model
    from napari_celltype.online.stream import TraceStream

    model, frames = load_model("rnn-5hz"), traces(1000)
    whole, pieces = (TraceStream(model, N_ROIS, 7.3) for _ in range(2))
    whole.add(frames)
    for cut in np.split(frames, [1, 2, 437, 438, 439, 900]):
        pieces.add(cut)
    found, wanted = pieces.predicted(), whole.predicted()
    assert whole.n_windows == pieces.n_windows == 2
    np.testing.assert_array_equal(found.probabilities, wanted.probabilities)


@pytest.mark.parametrize("model", ["rnn", "pooled"])
def test_memory_does_not_grow(model: str) -> None:
    from napari_celltype.models import load_model
    from napari_celltype.online import stream as module

    one = load_model(f"{model}-5hz")
    stream = module.TraceStream(one, 2, 5.0)
    room = stream._buffer.nbytes
    for seed in range(15):
        stream.add(traces(300, 2, seed))
        stream.work()
    assert stream._buffer.nbytes == room
    assert stream.n_windows == 15 * 300 // one.card.window_frames
    if stream._kept is not None:
        seconds = len(stream._kept) * stream.window_frames / 5
        assert seconds == module.MOST_KEPT
        assert (stream.predicted().n_frames_used == 3000).all()


def test_many_rois_are_asked_about_piece_by_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from napari_celltype.models import load_model
    from napari_celltype.online import stream as module

    model, frames = load_model("rnn-5hz"), traces(320, 5)
    whole, stream = (module.TraceStream(model, 5, 5.0) for _ in range(2))
    whole.add(frames)
    wanted = whole.predicted().probabilities
    monkeypatch.setattr(module, "_SAMPLES_AT_ONCE", 700)  # 2 of 5 ROIs
    done = []
    for frame in frames:
        stream.add(frame[None])
        stream.work(0)
        done.append(stream.n_windows)
    assert done.index(1) == 299 + 2
    np.testing.assert_allclose(stream.predicted().probabilities, wanted, atol=1e-6)


def test_a_pause_costs_the_window_that_was_not_full() -> None:
    from napari_celltype.models import load_model
    from napari_celltype.online.stream import TraceStream

    stream = TraceStream(load_model("rnn-5hz"), N_ROIS, 5.0)
    stream.add(traces(450))
    stream.join()
    stream.add(traces(299))
    stream.finish()
    assert stream.n_windows == 1
    stream.add(traces(1))
    stream.finish()
    assert stream.n_windows == 2
    assert stream.n_frames == 750


def test_raw_file_grows_is_cut_and_written_anew(tmp_path: Path) -> None:
    path, frames = tmp_path / "f.raw", traces(30)
    source = open_source(str(path), n_rois=N_ROIS)
    assert codes(next(source)) == ["source-missing"]
    assert not codes(next(source))  # said once
    content = frames.tobytes()
    path.write_bytes(content[:100])  # half of the 7th frame
    assert len(next(source).frames) == 6
    path.write_bytes(content[:200])
    found, _ = all_of(source, 6)
    np.testing.assert_array_equal(found, frames[6:12])
    path.write_bytes(traces(5, seed=1).tobytes())
    found, said = all_of(source, 5)
    np.testing.assert_array_equal(found, traces(5, seed=1))
    assert said == ["source-restarted", "join"]
    path.write_bytes(content)  # longer than what was read, and another
    found, said = all_of(source, 30)
    np.testing.assert_array_equal(found, frames)
    assert said == ["source-restarted", "join"]


def test_a_stall_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PATIENCE", 0.0)
    path = tmp_path / "f.raw"
    path.write_bytes(traces(1).tobytes())
    source = open_source(str(path), n_rois=N_ROIS)
    said = [codes(next(source)) for _ in range(4)]
    assert said == [[], ["source-stalled"], [], []]
    path.write_bytes(traces(2).tobytes())
    assert codes(next(source)) == ["source-goes-on"]


def test_npy_that_is_set_aside_at_once(tmp_path: Path) -> None:
    path, frames = tmp_path / "live.npy", traces(20)
    grown = np.lib.format.open_memmap(path, "w+", np.float32, (20, N_ROIS))
    source = open_source(str(path))
    assert not len(next(source).frames)
    grown[:8] = frames[:8]
    grown[8, :2] = frames[8, :2]  # half written
    grown.flush()
    np.testing.assert_array_equal(next(source).frames, frames[:8])
    grown[8:] = frames[8:]
    grown.flush()
    np.testing.assert_array_equal(all_of(source, 12)[0], frames[8:])


def test_zeros_before_other_frames_are_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_MOST_BYTES", 5 * N_ROIS * 4)
    path, frames = tmp_path / "live.npy", traces(70)
    frames[11:43] = 0  # from within a block, over several
    grown = np.lib.format.open_memmap(path, "w+", np.float32, (99, N_ROIS))
    source = open_source(str(path))
    grown[:11] = frames[:11]
    grown.flush()
    found, _ = all_of(source, 10)
    for _ in range(50):
        assert not len(next(source).frames)
    grown[:70] = frames
    grown.flush()
    later, _ = all_of(source, 59)
    np.testing.assert_array_equal(np.concatenate([found, later]), frames[:69])


@pytest.mark.parametrize("fortran", [False, True])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2"])
def test_npy_whose_header_says_more(tmp_path: Path, fortran: bool, dtype: str) -> None:
    path, frames = tmp_path / "live.npy", traces(20).astype(dtype)
    with path.open("wb") as file:
        shape = (N_ROIS, 999) if fortran else (999, N_ROIS)
        header = {"descr": dtype, "fortran_order": fortran, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(frames.tobytes())
    found, _ = all_of(open_source(str(path), n_rois=N_ROIS), 20)
    np.testing.assert_array_equal(found, frames.astype(np.float32))
    other = open_source(str(path), n_rois=7)
    assert codes(next(other)) == ["source-other-rois"]
    assert not len(next(other).frames)


@pytest.mark.parametrize(
    "content",
    [b"no array", np.lib.format.magic(1, 0) + b"\xff\xff{'descr': exit()}"],
    ids=["text", "code"],
)
def test_rubbish_in_npy_is_said_and_survived(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "live.npy"
    path.write_bytes(content)
    source = open_source(str(path))
    assert codes(next(source)) == ["source-rubbish"]
    np.save(path, traces(6))
    assert len(all_of(source, 6)[0]) == 6


@pytest.mark.parametrize("merged", [(), ((0, 1),)])
def test_movie_gives_the_traces_that_suite2p_extracts(
    suite2p_folder: Callable[..., Path], tmp_path: Path, merged: Any
) -> None:
    plane = suite2p_folder(tmp_path, n_rois=9, merged=merged) / "plane0"
    stat = np.load(plane / "stat.npy", allow_pickle=True)
    # Two ROIs share pixels, which suite2p leaves out.
    stat[2]["ypix"], stat[2]["xpix"] = stat[0]["ypix"].copy(), stat[0]["xpix"] + 3
    np.save(plane / "stat.npy", stat)
    rng = np.random.default_rng(0)
    recording = open_recording(plane)
    shape = (40, *recording.frame_shape)
    movie = rng.integers(0, 3000, shape).astype("<i2")
    (plane / "data.bin").write_bytes(movie.tobytes()[:-7])
    found, _ = all_of(open_source(str(plane / "data.bin"), masks=recording), 39)
    places = [set(zip(s["ypix"], s["xpix"], strict=True)) for s in stat]
    for roi, entry in enumerate(stat):
        others = set().union(*(p for n, p in enumerate(places[:9]) if n != roi))
        pixels = zip(entry["ypix"], entry["xpix"], strict=True)
        kept = np.array([p not in others or roi >= 9 for p in pixels])
        lam = entry["lam"][kept] / entry["lam"][kept].sum()
        wanted = movie[:39, entry["ypix"][kept], entry["xpix"][kept]] @ lam
        np.testing.assert_allclose(found[:, roi], wanted, rtol=1e-5)


class Server:
    """Sends what it is given to whoever connects, one connection after another."""

    def __init__(self, *connections: list[bytes]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, args=(connections,))
        self._thread.start()

    def _serve(self, connections: tuple[list[bytes], ...]) -> None:
        with self._listener:
            for parts in connections:
                connection, _ = self._listener.accept()
                with connection:
                    for part in parts:
                        connection.sendall(part)
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(1)  # until the other side has closed

    def join(self) -> None:
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    servers: list[Server] = []

    def start(*connections: list[bytes]) -> str:
        servers.append(Server(*connections))
        return servers[-1].address

    yield start
    for server in servers:
        server.join()


def message(frames: np.ndarray, name: bytes = b"f4\0\0") -> bytes:
    n_frames, n_rois = frames.shape
    return HEADER.pack(MAGIC, n_rois, n_frames, name) + frames.tobytes()


def test_socket_that_breaks_off_and_sends_rubbish(serve: Callable[..., str]) -> None:
    frames = traces(60)
    whole = message(frames[:20])
    source = open_source(
        serve(
            [whole[:7], whole[7:100], whole[100:], message(frames[20:40])[:50]],
            [b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"],
            [
                message(frames[40:50]) + message(traces(5, 3)) * 2,
                message(frames[50:].astype("<f8"), b"f8\0\0"),
            ],
        )
    )
    found, said = all_of(source, 40)
    source.close()
    np.testing.assert_array_equal(found, np.delete(frames, np.s_[20:40], axis=0))
    assert said == [
        *("source-disconnected", "source-rubbish", "join"),
        *("source-other-rois", "join"),
    ]


@pytest.mark.parametrize(
    "header",
    [
        (MAGIC, 0, 5, b"f4\0\0"),
        (MAGIC, 2**31, 2**31, b"f4\0\0"),
        (MAGIC, 4, 5, b"O\0\0\0"),
    ],
)
def test_impossible_messages_are_refused(
    serve: Callable[..., str], header: tuple[Any, ...]
) -> None:
    source = open_source(serve([HEADER.pack(*header)]))
    while not (block := next(source)).findings:
        assert not len(block.frames)
    assert codes(block) == ["source-rubbish"]
    source.close()


def test_nobody_there_is_said_and_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    source = open_source(f"tcp://127.0.0.1:{port}")
    assert codes(next(source)) == ["source-disconnected"]
    assert not codes(next(source))


def test_watch_in_python_follows_a_socket(serve: Callable[..., str]) -> None:
    frames = traces(700)
    parts = [message(frames[i : i + 35]) for i in range(0, 700, 35)]
    updates = list(
        nct.watch(
            serve(parts),
            "rnn",
            sampling_frequency=10,
            every=0.1,
            until=65,
            device="cpu",
        )
    )
    assert updates[-1].n_frames == 650
    wanted = offline(frames[:650], 10.0, "rnn")
    table = updates[-1].predictions.table()
    np.testing.assert_allclose(table["p_IN"], wanted["p_IN"], atol=1e-6)
    assert table["roi_id"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("source", "more", "word"),
    [
        ("f.raw", {"sampling_frequency": 10}, "--rois"),
        ("f.raw", {"n_rois": 4}, "--fs"),
        ("f.raw", {"n_rois": 4, "sampling_frequency": 2}, "needs 5 Hz"),
        ("tcp://127.0.0.1", {"sampling_frequency": 10}, "port"),
        ("tcp://127.0.0.1:x", {"sampling_frequency": 10}, "port"),
    ],
)
def test_what_cannot_be_followed_is_refused(
    source: str, more: dict[str, Any], word: str
) -> None:
    with pytest.raises(CellTypeError, match=word):
        next(nct.watch(source, "rnn", **more))


def test_suite2ps_own_traces_do_not_grow(
    suite2p_folder: Callable[..., Path], tmp_path: Path
) -> None:
    plane = suite2p_folder(tmp_path) / "plane0"
    with pytest.raises(CellTypeError, match=r"data\.bin"):
        nct.watch(plane / "F.npy", sampling_frequency=10)
    with pytest.raises(CellTypeError, match="13 were given"):
        nct.watch(plane / "data.bin", masks=plane, n_rois=13)


@pytest.mark.slow
def test_a_folder_is_followed_whatever_the_masks_are(
    suite2p_folder: Callable[..., Path], tmp_path: Path
) -> None:
    masks, other = (suite2p_folder(tmp_path / name, fs=10.0) for name in "ab")
    movie = other / "plane0" / "data.bin"
    request = WatchRequest(str(other), masks, sampling_frequency=10)
    cpu = ClassifyRequest("rnn", device="cpu")
    assert next(follow(request, cpu)).source == str(movie)
    # As of the dock, where a recording is open; then of a folder without ROIs.
    request = WatchRequest(str(other), sampling_frequency=10)
    opened = open_recording(masks)
    assert next(follow(request, cpu, recording=opened)).source == str(movie)
    movie = movie.rename(tmp_path / "data.bin")
    request = WatchRequest(str(tmp_path), masks, sampling_frequency=10)
    assert next(follow(request, cpu)).source == str(movie)


def test_a_rate_that_nobody_confirmed_is_said_at_once(
    suite2p_folder: Callable[..., Path], tmp_path: Path
) -> None:
    plane = suite2p_folder(tmp_path, fs=10.0) / "plane0"
    said = [
        codes(next(nct.watch(plane, "rnn", sampling_frequency=rate, until=1)))
        for rate in (None, 10)
    ]
    assert said == [["frame-rate-unconfirmed"], []]


def test_a_plane_folder_is_followed_at_the_terminal(
    suite2p_folder: Callable[..., Path], tmp_path: Path
) -> None:
    from typer.testing import CliRunner

    from napari_celltype.cli.program import app

    plane = suite2p_folder(tmp_path, n_rois=5, fs=10.0) / "plane0"
    shape = open_recording(plane).frame_shape
    movie = np.random.default_rng(0).integers(0, 3000, (610, *shape)).astype("<i2")
    (plane / "data.bin").write_bytes(movie.tobytes())
    out, lines = tmp_path / "out.csv", tmp_path / "updates.jsonl"
    words = ["watch", plane, "--model", "rnn", "--device", "cpu", "--every", "0.1"]
    words += ["--until", "60", "-o", out, "--jsonl", lines]
    ran = CliRunner().invoke(app, list(map(str, words)))
    assert ran.exit_code == 0, ran.output
    assert "600 frames, 60.0 s: 5 of 5 ROIs named" in ran.output
    import pandas as pd

    table = pd.read_csv(out)
    assert list(table["roi_id"]) == [0, 1, 2, 3, 4]
    assert table["x"].notna().all()
    update = json.loads(lines.read_text().splitlines()[-1])
    assert update["predicted"] == list(table["predicted"])
    assert update["n_windows"] == [1] * 5
    assert json.loads((tmp_path / "out.csv.provenance.json").read_text())["settings"]
    assert not list(tmp_path.glob(".*.part"))
    again = CliRunner().invoke(app, list(map(str, words)))
    assert again.exit_code == 1
    assert "updates.jsonl is there already" in again.output


@pytest.mark.slow
def test_ctrl_c_keeps_everything(tmp_path: Path) -> None:
    path, out = tmp_path / "f.raw", tmp_path / "out.csv"
    traces(620).tofile(path)
    words = ["watch", path, "--rois", N_ROIS, "--fs", 10, "--every", 0.1, "-o", out]
    words += ["--model", "rnn", "--device", "cpu"]
    command = [sys.executable, "-m", "napari_celltype.cli", *map(str, words)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if "ROIs named" in line:
                break
        traces(900).tofile(path)  # goes on from the same frames
        for line in run.stderr:
            if line.startswith("900 frames"):
                run.send_signal(signal.SIGINT)
                break
        rest = run.stderr.read()
    assert run.returncode == 130
    assert f"written: {out}" in rest
    assert "Traceback" not in rest
    assert len(out.read_text().splitlines()) == 1 + N_ROIS
