"""The window of the terminal: napari with a recording loaded and the docks open.

Run as ``python -m napari_celltype.gui.app PATH``; the terminal starts it in a process
of its own.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from napari_celltype.models import DEFAULT_MODEL, NETWORKS

if TYPE_CHECKING:
    from napari import Viewer

    from napari_celltype.gui.classify.classify_dock import ClassifyDock

_SIZE = (1366, 768)


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the window and wait until it is closed; return the exit status."""
    asked = vars(_parser().parse_args(arguments))
    classify, screenshot = asked.pop("classify"), asked.pop("screenshot")
    ended = Event()
    signal.signal(signal.SIGTERM, lambda number, frame: ended.set())
    # After the arguments: a wrong one is reported before napari starts.
    import napari
    from qtpy.QtCore import QTimer

    viewer, dock = open_window(**asked)
    steps = _steps(viewer, dock, classify, screenshot)
    problem = ""

    def take_a_step() -> None:
        nonlocal problem
        try:
            if not ended.is_set():
                next(steps)
                return
        except StopIteration as last:
            if last.value is None:
                return
            problem = last.value
        viewer.close()

    timer = QTimer(dock)
    timer.timeout.connect(take_a_step)
    timer.start(100)
    napari.run()
    if problem:
        print(problem, file=sys.stderr)
        return 1
    return 128 + signal.SIGTERM if ended.is_set() else 0


def open_window(
    path: Path,
    *,
    plane: int | None = None,
    fs: float | None = None,
    movie: Path | None = None,
    model: str = DEFAULT_MODEL,
    neuropil: str | float = "model",
) -> tuple[Viewer, ClassifyDock]:
    """Show napari with all docks, and begin to read a recording."""
    from napari import Viewer
    from qtpy.QtGui import QGuiApplication

    from napari_celltype.gui.commands import show_all_docks

    viewer = Viewer(title="Cell types")
    # napari may start with a window that is too small for the docks.
    screen = QGuiApplication.primaryScreen().availableGeometry()
    _, _, width, height = viewer.window.geometry()
    width = min(max(width, _SIZE[0]), screen.width())
    height = min(max(height, _SIZE[1]), screen.height())
    dock = show_all_docks(viewer)
    # Before they became tabs, the docks may have made the window larger.
    viewer.window.resize(width, height)
    dock.form.model.choose(model)
    dock.form.choose_input(neuropil)
    dock.open_paths([path], plane=plane, sampling_frequency=fs, movie=movie)
    return viewer, dock


def _steps(
    viewer: Viewer, dock: ClassifyDock, classify: bool, screenshot: Path | None
) -> Generator[None, None, str | None]:
    """Do what the command line asks for; the window works at each `yield`.

    Returns what went wrong, empty where nothing did, or None to leave the window open.
    """
    session = dock.session
    yield
    while dock.job.running:
        yield
    if session.active is not None:
        # The docks and the time slider find their places one after another.
        for _ in range(10):
            viewer.reset_view()
            yield
        if classify:
            dock.classify()
            while dock.job.running:
                yield
    if screenshot is None:
        return None
    active = session.active
    if active is None or dock.notice.is_error:
        return str(dock.notice.text)
    if active.predictions is not None:
        # The ROI that the model is surest of, so that a trace is shown.
        probability = session.features(active)["probability"]
        if probability.notna().any():
            session.select(int(probability.fillna(-1.0).to_numpy().argmax()))
    # A few turns of the event loop until the last frame is on the screen.
    for _ in range(12):
        yield
    try:
        viewer.screenshot(str(screenshot), canvas_only=False, flash=False)
    except OSError as error:
        return (
            f"{screenshot} cannot be written ({error.strerror}); choose another place."
        )
    return ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m napari_celltype.gui.app")
    parser.add_argument("path", type=Path, help="a suite2p folder")
    parser.add_argument("--movie", type=Path, help="the imaging stack")
    parser.add_argument("--plane", type=int, help="open only this plane")
    parser.add_argument("--fs", type=float, help="frames per second and plane, Hz")
    parser.add_argument(
        "--model", default=DEFAULT_MODEL, help=f"{', '.join(NETWORKS)}, or a file"
    )
    parser.add_argument(
        "--neuropil",
        type=lambda text: text if text in ("model", "none") else float(text),
        default="model",
        help="model, none, or C of F - C * Fneu",
    )
    parser.add_argument("--classify", action="store_true", help="classify at once")
    parser.add_argument(
        "--screenshot",
        type=Path,
        metavar="PNG",
        help="save a picture of the window when all is done, and exit",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
