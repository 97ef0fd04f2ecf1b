"""This checkout beside a former commit: what a user waits for, as ratios.

    sh scripts/on_screen.sh python benchmarks/former.py COMMIT

Both take turns in fresh processes of one run. The least processor time of all rounds
is compared, since other programs can only add to it; wanted: at most 1.10.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("help", "python", "window")
LIMIT = 1.10


def least(call: Callable[[], object], times: int, clock: Callable[[], float]) -> float:
    """Return the least time of some calls, in seconds."""
    taken = []
    for _ in range(times):
        start = clock()
        call()
        taken.append(clock() - start)
    return min(taken)


def children() -> float:
    """Return the processor time of child processes that have ended, in seconds."""
    times = os.times()
    return times.children_user + times.children_system


def measure_help(recording: str) -> dict[str, float]:
    command = [sys.executable, "-m", "napari_celltype.cli", "--help"]

    def run() -> None:
        subprocess.run(command, check=True, capture_output=True)

    return {"--help": least(run, 3, children)}


def measure_python(recording: str) -> dict[str, float]:
    import numpy as np
    import torch

    import napari_celltype as nct

    torch.set_num_threads(1)
    x = np.random.default_rng(0).normal(size=(64, 600)).astype(np.float32)
    y = np.array(["PY", "PV", "SOM", "VIP"] * 16)

    def train(name: str) -> Callable[[], object]:
        network = nct.TraceClassifier(name, epochs=4, random_state=0, device="cpu")
        return lambda: network.fit(x, y)

    calls = {
        "open": lambda: nct.open_recording(recording),
        "classify": lambda: nct.classify(recording),
        **{f"train {name}": train(name) for name in ("cnn", "rnn", "lstm")},
    }
    return {name: least(call, 3, time.process_time) for name, call in calls.items()}


def measure_window(recording: str) -> dict[str, float]:
    """Measure the main thread alone, by what any version of the plugin has."""
    import napari
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QPushButton, QWidget

    viewer = napari.Viewer()
    start = time.thread_time()
    viewer.open(recording, plugin="napari-celltype")
    QTest.qWait(1500)
    found = {"open in napari": time.thread_time() - start}
    rois = next(layer for layer in viewer.layers if layer.name.endswith(" ROIs"))
    _, dock = viewer.window.add_plugin_dock_widget("napari-celltype", "Classify")
    viewer.window.add_plugin_dock_widget("napari-celltype", "Label")
    QTest.qWait(1000)
    canvas = next(
        widget
        for widget in dock.window().findChildren(QWidget)
        if type(widget).__name__ == "CanvasBackendDesktop"
    )
    button = next(
        button
        for button in dock.findChildren(QPushButton)
        if button.text() == "Classify"
    )

    def color() -> None:
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        while not rois.features["p_IN"].notna().any():
            QTest.qWait(50)
        QTest.qWait(500)

    def press() -> None:
        for key in (Qt.Key.Key_1, Qt.Key.Key_2) * 10:
            QTest.keyClick(canvas, key)
        QTest.qWait(500)

    found["classify and colour in napari"] = least(color, 1, time.thread_time)
    canvas.setFocus()
    for key in (Qt.Key.Key_L, Qt.Key.Key_J):
        QTest.keyClick(canvas, key)
    found["20 label keys"] = least(press, 3, time.thread_time)
    if not set(rois.features["label"]) & {"PY", "PV"}:
        raise RuntimeError("The keys labelled nothing.")
    QTest.keyClick(canvas, Qt.Key.Key_L)
    viewer.close()
    return found


def run(tree: Path, part: str, recording: Path) -> dict[str, float]:
    """Measure one part with the code of a checkout, in a process of its own."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree / "src"),
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "ignore",
        "PYTHONDONTWRITEBYTECODE": "",  # As a user, who starts it more than once.
    }
    command = [sys.executable, __file__, "--part", part, str(recording)]
    done = subprocess.run(
        command, env=environment, cwd=recording, stdout=subprocess.PIPE, check=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(commit: str, rounds: int) -> int:
    best: dict[str, dict[str, float]] = {}
    git = ["git", "-C", str(ROOT), "worktree"]
    with tempfile.TemporaryDirectory() as folder:
        former, recording = Path(folder, "former"), Path(folder, "recording")
        subprocess.run([*git, "add", "-q", "--detach", former, commit], check=True)
        simulate = ["simulate", "-o", str(recording), "--cells", "300"]
        subprocess.run(
            [
                sys.executable,
                "-m",
                "napari_celltype.cli",
                *simulate,
                "--frames",
                "6000",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        try:
            for _ in range(rounds):
                for part in PARTS:
                    for name, tree in (("former", former), ("now", ROOT)):
                        for what, seconds in run(tree, part, recording).items():
                            row = best.setdefault(what, {})
                            row[name] = min(seconds, row.get(name, seconds))
        finally:
            subprocess.run([*git, "remove", "--force", former], check=True)
    print(f"{'':32} former, s    now, s   now / former")
    ratios = {what: row["now"] / row["former"] for what, row in best.items()}
    for what, row in best.items():
        slower = "  slower" if ratios[what] > LIMIT else ""
        print(
            f"{what:32} {row['former']:9.3f} {row['now']:9.3f} "
            f"{ratios[what]:14.2f}{slower}"
        )
    return int(max(ratios.values()) > LIMIT)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commit", help="or, with --part, a recording")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part is None:
        return compare(options.commit, options.rounds)
    print(json.dumps(globals()[f"measure_{options.part}"](options.commit)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
