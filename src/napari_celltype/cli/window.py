"""Open the napari window in a process of its own.

The terminal and the window never share a process: a crash of a graphics driver then
costs neither the table nor the terminal's exit status.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from napari_celltype.errors import MissingDependencyError

_INSTALL = 'python -m pip install ".[gui]"'


def open_window(
    path: Path,
    *,
    movie: Path | None = None,
    fs: float | None = None,
    plane: int | None = None,
    neuropil: str | float = "model",
    model: str | None = None,
) -> int:
    """Open napari with a recording and the docks, and wait until it is closed.

    Parameters
    ----------
    path : Path
        The recording.
    movie : Path, optional
        The imaging stack.
    fs : float, optional
        Frames per second and plane, Hz.
    plane : int, optional
        Open only this plane.
    neuropil : str or float
        The input that is chosen: ``model``, ``none``, or C of F - C * Fneu.
    model : str, optional
        Classify with this model at once.

    Returns
    -------
    int
        Exit status of the window's process.

    Raises
    ------
    MissingDependencyError
        If napari is not installed or there is no display.
    """
    if reason := _no_window():
        raise MissingDependencyError(reason)
    command = _command(path, movie, fs, plane, neuropil, model)
    with subprocess.Popen(command) as window:
        # Whoever ends the terminal's process ends the window too.
        before = signal.signal(signal.SIGTERM, lambda *_: window.terminate())
        try:
            return window.wait()
        except BaseException:
            window.kill()
            raise
        finally:
            signal.signal(signal.SIGTERM, before)


def save_screenshot(
    path: Path, screenshot: Path, *, model: str | None = None
) -> str | None:
    """Save a picture of the real window; on Linux without a display, by Xvfb.

    Returns
    -------
    str or None
        Why there is no picture, or None when it was saved.
    """
    command = _command(path, model=model)
    command += ["--screenshot", str(screenshot)]
    if reason := _no_window():
        xvfb = shutil.which("xvfb-run")
        if xvfb is None or find_spec("napari") is None:
            return reason
        screen = "-screen 0 1600x1000x24"
        command = [xvfb, "-a", "-s", screen, *command]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode == 0 and screenshot.exists():
        return None
    lines = finished.stderr.strip().splitlines()
    return lines[-1] if lines else f"napari ended with status {finished.returncode}."


def _command(
    path: Path,
    movie: Path | None = None,
    fs: float | None = None,
    plane: int | None = None,
    neuropil: str | float = "model",
    model: str | None = None,
) -> list[str]:
    command = [sys.executable, "-m", "napari_celltype.gui.app", str(path)]
    command += ["--neuropil", str(neuropil)]
    if movie is not None:
        command += ["--movie", str(movie)]
    if fs is not None:
        command += ["--fs", str(fs)]
    if plane is not None:
        command += ["--plane", str(plane)]
    if model is not None:
        command += ["--model", model, "--classify"]
    return command


def _no_window() -> str | None:
    if find_spec("napari") is None:
        return f"napari is not installed; run {_INSTALL}."
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return (
            "There is no display for the window; run on a desktop, log in with "
            "`ssh -X`, or start it with `xvfb-run -a`."
        )
    return None
