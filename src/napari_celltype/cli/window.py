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
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from napari_celltype.errors import MissingDependencyError
from napari_celltype.parameters import (
    REQUIRED,
    frame_rate_parameter,
    neuropil_parameter,
    parameter,
    plane_parameter,
    terminal_arguments,
)


@dataclass(frozen=True)
class OpenRequest:
    """What the window shows."""

    path: Path = parameter(
        REQUIRED, "suite2p session, plane folder or stat.npy.", argument=True
    )
    movie: Path | None = parameter(None, "The imaging stack, a TIFF.", metavar="FILE")
    sampling_frequency: float | None = frame_rate_parameter()
    neuropil: str | float = neuropil_parameter(
        "model",
        ("model", "none"),
        "What the model was trained with, raw F, or F - C * Fneu.",
    )
    plane: int | None = plane_parameter()


def open_window(request: OpenRequest, *more: str) -> int:
    """Open napari, wait until it is closed, and return its exit status."""
    if reason := _no_window():
        raise MissingDependencyError(reason)
    with subprocess.Popen([*_command(request), *more]) as window:
        # Whoever ends the terminal's process ends the window too.
        before = signal.signal(signal.SIGTERM, lambda *_: window.terminate())
        try:
            return window.wait()
        except BaseException:
            window.kill()
            raise
        finally:
            signal.signal(signal.SIGTERM, before)


def save_screenshot(path: Path, screenshot: Path) -> str | None:
    """Save a picture of the window, by Xvfb if need be; return why there is none."""
    command = _command(OpenRequest(path))
    command += ["--classify", "--screenshot", str(screenshot)]
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


def _command(request: OpenRequest) -> list[str]:
    return [
        *(sys.executable, "-m", "napari_celltype.gui.app"),
        *terminal_arguments(request),
    ]


def _no_window() -> str | None:
    if find_spec("napari") is None:
        return 'napari is not installed; run python -m pip install ".[gui]".'
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return (
            "There is no display for the window; run on a desktop, log in with "
            "`ssh -X`, or start it with `xvfb-run -a`."
        )
    return None
