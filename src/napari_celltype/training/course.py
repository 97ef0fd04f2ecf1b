"""How a training goes: its epochs so far, the best of them, the time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_celltype.progress import OnProgress

if TYPE_CHECKING:
    from napari_celltype.models import TraceClassifier
    from napari_celltype.training.held_out import HeldOut
    from napari_celltype.training.validation import Judge


@dataclass(frozen=True, eq=False)
class Course:
    """How far a training is, after an epoch."""

    # One row per epoch, see `TraceClassifier.history_`; with a validation part also
    # "validation_balanced_accuracy" and "validation_loss".
    history: tuple[Mapping[str, float], ...]
    # All that were asked for.
    epochs: int
    # The epoch that would be kept now.
    best_epoch: int
    held_out: HeldOut
    # Balanced accuracy of guesses that know nothing.
    chance: float | None
    # The best single number on the same cells, and its balanced accuracy.
    probe: tuple[str, float] | None
    # ", about 14 min left", or nothing after the last epoch.
    left: str

    def sentence(self) -> str:
        """Return the epoch, its scores, what they compare with, and the time left."""
        from napari_celltype.training.validation import SCORE

        row = self.history[-1]
        done = f"Epoch {len(self.history)} of {self.epochs}"
        if self.chance is None:
            return f"{done}: loss {row['loss']:.3f}; nothing is held out{self.left}."
        best = self.history[self.best_epoch - 1][SCORE]
        beside = f"chance {self.chance:.2f}"
        if self.probe is not None:
            beside += f", {self.probe[0]} alone {self.probe[1]:.2f}"
        return (
            f"{done}: {row[SCORE]:.2f}; best {best:.2f} (epoch {self.best_epoch}); "
            f"{beside}; {len(self.held_out.test)} cells{self.left}."
        )


OnCourse = Callable[[Course], None]


class CourseWatch:
    """Scores each epoch and tells how the training goes."""

    def __init__(
        self, epochs: int, held: HeldOut, judge: Judge | None, on_course: OnCourse
    ) -> None:
        self._epochs, self._held, self._judge = epochs, held, judge
        self._on_course = on_course
        self._began: float | None = None
        self._before = 0
        self._left = ""

    def after_epoch(self, trained: TraceClassifier) -> Mapping[str, float]:
        """Return the scores of an epoch, which join the history."""
        from napari_celltype.models.training import best_epoch
        from napari_celltype.protocol.running import time_left_text
        from napari_celltype.training.validation import best_rank

        judge = self._judge
        scores = {} if judge is None else judge.after_epoch(trained)
        history = [*trained.history_[:-1], {**trained.history_[-1], **scores}]
        now = time.monotonic()
        if self._began is None:
            # Epochs of an earlier process took other time.
            self._began, self._before = now - history[-1]["seconds"], len(history) - 1
        each = (now - self._began) / (len(history) - self._before)
        n_left = self._epochs - len(history)
        self._left = time_left_text(each * n_left) if n_left else ""
        self._on_course(
            Course(
                tuple(history),
                self._epochs,
                best_epoch(history, None if judge is None else best_rank),
                self._held,
                None if judge is None else judge.chance,
                None if judge is None else judge.probe,
                self._left,
            )
        )
        return scores

    def telling(self, on_progress: OnProgress) -> OnProgress:
        """Return a report of progress that says how long it will take."""
        return lambda progress: on_progress(
            replace(progress, message=progress.message + self._left)
        )
