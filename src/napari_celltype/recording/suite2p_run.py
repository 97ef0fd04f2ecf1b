"""Run the real suite2p on a movie, in a process of its own."""

from __future__ import annotations

import json
import logging
import os
import shutil
import site
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from functools import partial
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
    wait_for,
)
from napari_celltype.recording.movie import open_movie
from napari_celltype.recording.recording import require_possible
from napari_celltype.recording.suite2p_settings import CONFIRMED_KEY
from napari_celltype.recording.tiff import tiff_files

# Lines that suite2p prints when it starts a step, and how we call the step.
_STEPS = (
    ("converting to binary", "Copying the movie"),
    ("- REGISTRATION", "Registering frames"),
    ("- ROI DETECTION", "Finding ROIs"),
    ("- EXTRACTION", "Extracting traces"),
    ("- SPIKE DECONVOLUTION", "Deconvolving"),
    ("CLASSIFICATION", "Sorting cells from other ROIs"),
)
# Registration cuts frames into blocks; suite2p's own 128 fails on small frames.
_BLOCK = 128
# suite2p takes half a minute to import and makes folders in the home directory while it
# does, so it never shares a process with us.
_CHILD = f"import sys; from {__name__} import _run_job; _run_job(sys.argv[1])"


def run_suite2p(
    movie: str | Path,
    output: str | Path,
    *,
    sampling_frequency: float,
    tau: float = 1.0,
    device: str = "auto",
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Path:
    """Run suite2p on a TIFF movie and leave a normal suite2p folder.

    Parameters
    ----------
    movie : str or Path
        A TIFF, or a folder with the TIFF files of one movie.
    output : str or Path
        Folder in which `suite2p/`, which is returned, is made.
    sampling_frequency : float
        Frames per second of one plane, Hz.
    tau : float
        Decay time of the calcium indicator, seconds.
    device : str
        "auto", "cpu", "cuda" or "mps".
    on_progress, should_stop : callable

    Raises
    ------
    MissingDependencyError
        If suite2p is not installed.
    RecordingError, SamplingFrequencyError
        If the movie cannot be read, its rate is impossible, or suite2p fails on it or
        finds no ROI.
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
    shape = open_movie(movie).shape[1:]
    blocks = [_BLOCK if n >= 2 * _BLOCK else max(16, n // 2) for n in shape]
    folder = Path(output).expanduser().resolve() / "suite2p"
    if folder.exists():
        raise OutputError(
            f"{folder} is there already and is left as it is; choose another output "
            f"folder or move it away."
        )
    job = {
        "db": {
            "data_path": [str(files[0].parent)],
            "file_list": [file.name for file in files],
            "save_path0": str(folder.parent),
        },
        "settings": {
            "fs": rate,
            CONFIRMED_KEY: rate,
            "tau": tau,
            # suite2p itself falls back to the processor where CUDA does not work.
            "torch_device": "cuda" if device == "auto" else device,
            "registration": {"block_size": blocks},
        },
    }
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _run(job, files[0], on_progress, should_stop)
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
            f"or run it there with another diameter."
        )
    return folder


def _run(
    job: dict[str, Any], movie: Path, on_progress: OnProgress, should_stop: ShouldStop
) -> None:
    total = len(_STEPS)
    on_progress(Progress("Starting suite2p (half a minute)", 0, total))
    with tempfile.TemporaryDirectory(prefix="suite2p-home-") as home:
        job_file = Path(home) / "job.json"
        job_file.write_text(json.dumps(job), encoding="utf-8")
        tail: deque[str] = deque(maxlen=6)
        done = 0
        process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, job_file],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=_environment(home),
        )
        assert process.stdout is not None
        next_line = partial(next, _lines(process.stdout), "")
        try:
            while line := wait_for(next_line, should_stop):
                if text := line.strip():
                    tail.append(text)
                step = next((name for mark, name in _STEPS if mark in line), None)
                if step is not None:
                    on_progress(Progress(step, done, total))
                    done += 1
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()
    if process.returncode != 0:
        raise RecordingError(
            f"suite2p failed on {movie} (exit status {process.returncode}); its last "
            f"words were: {' | '.join(tail) or 'none'}."
        )
    on_progress(Progress("suite2p has finished", total, total))


def _lines(stream: IO[str]) -> Iterator[str]:
    # Closed by who reads it: after a stop, its end may be long in coming.
    with stream:
        yield from stream


def _environment(home: str) -> dict[str, str]:
    """Give suite2p a home of its own, and keep it from losing packages over that."""
    paths = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH")]
    return os.environ | {
        "HOME": home,
        "USERPROFILE": home,
        "PYTHONUNBUFFERED": "1",
        "PYTHONUSERBASE": site.getuserbase(),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


def _run_job(job_file: str) -> None:
    """Run suite2p, in this process, as a JSON file with `db` and `settings` says."""
    import suite2p

    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    db, registration = job["db"], job["settings"].pop("registration")
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
    if hasattr(suite2p, "default_settings"):
        settings = suite2p.default_settings() | job["settings"]
        settings["registration"].update(registration)
        suite2p.run_s2p(db=suite2p.default_db() | db, settings=settings)
    else:
        # suite2p 0.14 keeps all settings in one flat dictionary.
        ops = suite2p.default_ops() | job["settings"] | registration
        suite2p.run_s2p(ops=ops, db={"tiff_list": db.pop("file_list"), **db})
