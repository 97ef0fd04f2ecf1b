"""The window of the terminal: napari with a recording loaded and the docks open.

Run as ``python -m napari_celltype.gui.app PATH``; the terminal starts it in a process
of its own.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
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
    asked = _parser().parse_args(arguments)
    ended = Event()
    signal.signal(signal.SIGTERM, lambda number, frame: ended.set())
    # After the arguments: a wrong one is told at once, not after napari has started.
    import napari
    from qtpy.QtCore import QTimer

    viewer, dock = open_window(
        asked.path,
        plane=asked.plane,
        fs=asked.fs,
        movie=asked.movie,
        model=asked.model,
        neuropil=asked.neuropil,
    )
    director = _Director(viewer, dock, asked.classify, asked.screenshot, ended)
    timer = QTimer(dock)
    timer.timeout.connect(director.look)
    timer.start(100)
    napari.run()
    if director.problem:
        print(director.problem, file=sys.stderr)
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
    """Show napari with all docks, and begin to read a recording.

    Parameters
    ----------
    path : Path
        A session folder, its `suite2p` folder, a plane folder, or a `stat.npy`.
    plane : int, optional
    fs : float, optional
        Frames per second and plane, Hz.
    movie : Path, optional
        The imaging stack.
    model : str
        The model that is chosen in the Classify dock.
    neuropil : str or float
        The input that is chosen there: ``model``, ``none``, or C of F - C * Fneu.
    """
    from napari import Viewer

    from napari_celltype.gui.commands import show_all_docks

    viewer = Viewer(title="Cell types")
    _enlarge(viewer)
    _, _, width, height = viewer.window.geometry()
    dock = show_all_docks(viewer)
    # Before they became tabs, the docks may have made the window larger.
    viewer.window.resize(width, height)
    dock.form.model.choose(model)
    dock.form.choose_input(neuropil)
    dock.open_paths([path], plane=plane, sampling_frequency=fs, movie=movie)
    return viewer, dock


def _enlarge(viewer: Viewer) -> None:
    """Give the docks room where napari starts with a small window."""
    from qtpy.QtGui import QGuiApplication

    screen = QGuiApplication.primaryScreen().availableGeometry()
    _, _, width, height = viewer.window.geometry()
    viewer.window.resize(
        min(max(width, _SIZE[0]), screen.width()),
        min(max(height, _SIZE[1]), screen.height()),
    )


class _Director:
    """Takes the window through what the command line asks for, one look at a time."""

    def __init__(
        self,
        viewer: Viewer,
        dock: ClassifyDock,
        classify: bool,
        screenshot: Path | None,
        ended: Event,
    ) -> None:
        self._viewer = viewer
        self._dock = dock
        self._classify = classify
        self._screenshot = screenshot
        self._ended = ended
        self._fits = 10
        self._settling = 12
        self.problem = ""

    def look(self) -> None:
        if self._ended.is_set():
            self._viewer.close()
            return
        session = self._dock.session
        if self._fits and session.active is not None:
            # The docks and the time slider find their places one after another.
            self._fits -= 1
            self._viewer.reset_view()
        if self._dock.job.running:
            return
        if self._classify and session.active is not None:
            self._classify = False
            self._dock.classify()
            return
        if self._screenshot is None:
            return
        if session.active is None or self._dock.notice.is_error:
            self._finish(self._dock.notice.text)
            return
        # A few turns of the event loop until the last frame is on the screen.
        self._select_one()
        self._settling -= 1
        if self._settling == 0:
            self._take_picture()

    def _select_one(self) -> None:
        """Select the ROI that the model is surest of, so that a trace is shown."""
        session = self._dock.session
        active = session.active
        if active is None or active.predictions is None or session.roi_id is not None:
            return
        probability = session.features(active)["probability"]
        if probability.notna().any():
            session.select(int(probability.fillna(-1.0).to_numpy().argmax()))

    def _take_picture(self) -> None:
        assert self._screenshot is not None
        try:
            self._viewer.screenshot(
                str(self._screenshot), canvas_only=False, flash=False
            )
        except OSError as error:
            self._finish(
                f"{self._screenshot} cannot be written ({error.strerror}); choose "
                "another place."
            )
        else:
            self._finish("")

    def _finish(self, problem: str) -> None:
        self.problem = problem
        self._screenshot = None
        self._viewer.close()


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
