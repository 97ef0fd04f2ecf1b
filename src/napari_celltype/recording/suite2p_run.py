"""Run the real suite2p on a movie, in a process of its own."""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import site
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from napari_celltype.errors import MissingDependencyError, OutputError, RecordingError
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.recording.movie import open_movie, tiff_files
from napari_celltype.recording.recording import require_possible
from napari_celltype.recording.settings import CONFIRMED_KEY

# Lines that suite2p prints when it starts a step, and how we call the step.
_STEPS = (
    ("converting to binary", "Copying the movie"),
    ("- REGISTRATION", "Registering frames"),
    ("- ROI DETECTION", "Finding ROIs"),
    ("- EXTRACTION", "Extracting traces"),
    ("- SPIKE DECONVOLUTION", "Deconvolving"),
    ("CLASSIFICATION", "Sorting cells from other ROIs"),
)
_STARTING = "Starting suite2p (half a minute)"
_PERCENT = re.compile(r"(\d+)%\|")
# Registration cuts frames into blocks; suite2p's own 128 fails on small frames.
_BLOCK = 128
_LOG_LINES = 6


def run_suite2p(
    movie: str | Path,
    output: str | Path,
    *,
    sampling_frequency: float,
    tau: float = 1.0,
    n_planes: int = 1,
    n_channels: int = 1,
    functional_channel: int = 1,
    diameter: float | None = None,
    device: str = "auto",
    settings: Mapping[str, Any] | None = None,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Path:
    """Run suite2p on a TIFF movie and leave a normal suite2p folder.

    Parameters
    ----------
    movie : str or Path
        A TIFF, or a folder with the TIFF files of one movie.
    output : str or Path
        Folder in which `suite2p/` is made.
    sampling_frequency : float
        Frames per second of one plane, Hz.
    tau : float
        Decay time of the calcium indicator, seconds.
    n_planes, n_channels : int
        How many take turns in the file.
    functional_channel : int
        The channel with the calcium indicator, counted from 1 as suite2p does.
    diameter : float or None
        Diameter of a cell in pixels; None for suite2p's own.
    device : str
        "auto", "cpu", "cuda" or "mps".
    settings : mapping or None
        More of suite2p's settings, nested as it nests them.
    on_progress, should_stop : callable

    Returns
    -------
    Path
        The suite2p folder, with `plane0` in it.

    Raises
    ------
    MissingDependencyError
        If suite2p is not installed.
    RecordingError
        If the movie cannot be read, or suite2p fails on it or finds no ROI.
    SamplingFrequencyError
        If the frame rate is impossible.
    OutputError
        If there is a suite2p folder already, or none can be made.
    Stopped
        On request; what suite2p had written is removed.
    """
    rate = require_possible(sampling_frequency)
    if find_spec("suite2p") is None:
        raise MissingDependencyError(
            'suite2p is not installed; install it with pip install "napari-celltype'
            '[suite2p]".'
        )
    files = [file.resolve() for file in tiff_files(Path(movie).expanduser())]
    frames = open_movie(movie, n_planes=n_planes, n_channels=n_channels)
    folder = Path(output).expanduser().resolve() / "suite2p"
    if folder.exists():
        raise OutputError(
            f"{folder} is there already and is left as it is; choose another output "
            f"folder or move it away."
        )
    job: dict[str, dict[str, Any]] = {
        "db": {
            "data_path": [str(files[0].parent)],
            "file_list": [file.name for file in files],
            "save_path0": str(folder.parent),
            "nplanes": n_planes,
            "nchannels": n_channels,
            "functional_chan": functional_channel,
        },
        "settings": {
            "fs": rate,
            CONFIRMED_KEY: rate,
            "tau": tau,
            # suite2p itself falls back to the processor where CUDA does not work.
            "torch_device": "cuda" if device == "auto" else device,
            "registration": {"block_size": _block_size(frames.shape[1:])},
            **({} if diameter is None else {"diameter": [diameter, diameter]}),
        },
    }
    for name, value in (settings or {}).items():
        known = job["settings"].get(name)
        if isinstance(known, dict) and isinstance(value, Mapping):
            value = known | dict(value)
        job["settings"][name] = value
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _run(job, n_planes, on_progress, should_stop, movie=files[0])
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written ({error.strerror}); choose another output "
            f"folder."
        ) from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if not any(folder.glob("plane*/F.npy")):
        raise RecordingError(
            f"suite2p found no ROI in {files[0]}; look at {folder} in its own window, "
            f"or try another diameter."
        )
    return folder


def _block_size(frame_shape: tuple[int, ...]) -> list[int]:
    return [_BLOCK if n >= 2 * _BLOCK else max(16, n // 2) for n in frame_shape]


def _run(
    job: dict[str, Any],
    n_planes: int,
    on_progress: OnProgress,
    should_stop: ShouldStop,
    *,
    movie: Path,
) -> None:
    total = n_planes * (len(_STEPS) - 1) + 1
    on_progress(Progress(_STARTING, 0, total))
    with tempfile.TemporaryDirectory(prefix="suite2p-home-") as home:
        job_file = Path(home) / "job.json"
        job_file.write_text(json.dumps(job), encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "napari_celltype.recording.suite2p_child", job_file],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=_environment(home),
        )
        tail: deque[str] = deque(maxlen=_LOG_LINES)
        try:
            done = 0
            for line in _lines(process, should_stop):
                tail.append(line)
                step = next((say for mark, say in _STEPS if mark in line), None)
                if step is not None:
                    on_progress(Progress(step, done, total))
                    done += 1
        finally:
            if process.poll() is None:
                process.kill()
            status = process.wait()
    if status != 0:
        raise RecordingError(
            f"suite2p failed on {movie} (exit status {status}); its last words were: "
            f"{' | '.join(tail) or 'none'}."
        )
    on_progress(Progress("suite2p has finished", total, total))


def _environment(home: str) -> dict[str, str]:
    """Give suite2p a home of its own, and keep it from losing packages over that."""
    own = {"HOME": home, "USERPROFILE": home, "PYTHONUNBUFFERED": "1"}
    own["PYTHONUSERBASE"] = site.getuserbase()
    package_root = str(Path(__file__).resolve().parents[2])
    paths = [package_root, os.environ.get("PYTHONPATH", "")]
    own["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return os.environ | own


def _lines(process: subprocess.Popen[str], should_stop: ShouldStop) -> Any:
    """Yield what the process says, looking up now and then whether to stop."""
    said: queue.Queue[str | None] = queue.Queue()
    assert process.stdout is not None
    reader = threading.Thread(target=_listen, args=(process.stdout, said), daemon=True)
    reader.start()
    while True:
        raise_if_stopped(should_stop)
        try:
            line = said.get(timeout=0.2)
        except queue.Empty:
            continue
        if line is None:
            return
        yield line


def _listen(stream: IO[str], said: queue.Queue[str | None]) -> None:
    with stream:
        for line in stream:
            if line.strip():
                said.put(line.strip())
    said.put(None)
