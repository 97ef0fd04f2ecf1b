"""Tells how long the main thread was busy at a stretch, and with what."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections import Counter
from typing import Any

from qtpy.QtCore import QObject, QTimer

_BEAT_MS = 5
_SAMPLE_S = 0.01


class Watchdog(QObject):
    """Takes the longest time for which the event loop of a window did not turn."""

    def __init__(self) -> None:
        super().__init__()
        self.worst = 0.0
        self.where: Counter[str] = Counter()
        self._main = threading.get_ident()
        self._spent = time.thread_time()
        self._samples: Counter[str] = Counter()
        self._stop = threading.Event()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._beat)
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Watchdog:
        self._spent = time.thread_time()
        self._timer.start(_BEAT_MS)
        self._thread.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._beat()
        self._timer.stop()
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        now = time.thread_time()
        busy, self._spent = now - self._spent, now
        samples, self._samples = self._samples, Counter()
        if busy > self.worst:
            self.worst, self.where = busy, samples

    def _sample(self) -> None:
        while not self._stop.wait(_SAMPLE_S):
            frame = sys._current_frames().get(self._main)
            ours = [
                f"{entry.filename.rsplit('/', 1)[-1]}:{entry.lineno} {entry.name}"
                for entry in traceback.extract_stack(frame)
                if "napari_celltype" in entry.filename
            ]
            self._samples[" > ".join(ours[-3:])] += 1
