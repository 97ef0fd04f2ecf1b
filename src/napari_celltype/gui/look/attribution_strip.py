"""Under the trace: what a network reacted to, where that can be shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtWidgets import QLabel

from napari_celltype.gui.plot import Plot
from napari_celltype.gui.tasks import Cancelled, Failed, Finished, Outcome, TaskRunner
from napari_celltype.workflows import Predictions
from napari_celltype.workflows.explanation import Explanation, explain_roi

_HEIGHT = 64
_WORKING = "Looking at what raised the model's score ..."


class AttributionStrip(Plot):
    """The explanation of one ROI where it passed the test, and a sentence about it.

    Parameters
    ----------
    beside : Plot
        Whose time axis it follows.

    Attributes
    ----------
    sentence : QLabel
        To be placed by whoever shows the strip.
    tasks : TaskRunner
    explanation : Explanation or None
        What is shown.
    """

    def __init__(self, beside: Plot, parent: Any = None) -> None:
        super().__init__(parent)
        self.tasks = TaskRunner(self)
        self.explanation: Explanation | None = None
        self._frequency: float | None = None
        self._asked: tuple[Predictions, int] | None = None
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.setXLink(beside)
        self.setFixedHeight(_HEIGHT)
        self.getPlotItem().hideAxis("bottom")
        self.setToolTip(
            "Integrated gradients of the model's score, summed over a second. Shown "
            "only where they differ from those of networks that learnt nothing."
        )
        self._curves = [self.plot([], [], fillLevel=0.0) for _ in range(2)]
        for curve in self._curves:
            curve.setDownsampling(auto=True, method="peak")
            curve.setClipToView(True)
        self._show(None, "")

    @property
    def text(self) -> str:
        """What is said."""
        return str(self.sentence.text())

    def explain(self, predictions: Predictions, roi_id: int) -> None:
        """Look at a ROI in the background, unless it is shown already."""
        if self._asked is not None and self._asked == (predictions, roi_id):
            return
        self._asked = (predictions, roi_id)
        self._frequency = predictions.recording.sampling_frequency
        self._show(None, _WORKING)
        self.tasks.start(
            lambda on_progress, should_stop: explain_roi(
                predictions, roi_id, on_progress=on_progress, should_stop=should_stop
            ),
            on_end=self._on_end,
        )

    def show_none(self, why: str) -> None:
        """Show no explanation, and say why."""
        self._asked = None
        self.tasks.cancel()
        self._show(None, why)

    def set_theme(self, background: str, text: str) -> None:
        """Take over the colours of the window."""
        super().set_theme(background, text)
        for curve, faint in zip(self._curves, (220, 110), strict=True):
            color = pg.mkColor(text)
            color.setAlpha(faint)
            curve.setPen(pg.mkPen(color))
            curve.setBrush(pg.mkBrush(color))

    def _on_end(self, outcome: Outcome[Explanation]) -> None:
        if self._asked is None:
            return
        if isinstance(outcome, Finished):
            self._show(outcome.result, outcome.result.sentence)
        elif isinstance(outcome, Failed):
            self._show(None, outcome.sentence)
        elif isinstance(outcome, Cancelled):
            self._asked = None
            self._show(None, "Cancelled.")

    def _show(self, explanation: Explanation | None, sentence: str) -> None:
        self.sentence.setText(sentence)
        self.sentence.setVisible(bool(sentence))
        self.explanation = explanation
        shown = explanation is not None and explanation.passes
        self.setVisible(shown)
        if explanation is None or not shown:
            return
        time, scores = _outline(explanation, self._frequency or 1.0)
        for curve, values in zip(
            self._curves, (np.maximum(scores, 0), np.minimum(scores, 0)), strict=True
        ):
            curve.setData(time, values)
        most = float(np.abs(scores).max()) or 1.0
        self.setYRange(-most, most, padding=0.02)
        ticks = [(most * 0.6, "raised"), (0, "0"), (-most * 0.6, "lowered")]
        self.getAxis("left").setTicks([ticks])


def _outline(
    explanation: Explanation, frequency: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return time and score, at zero where each window begins and ends."""
    ends = ((0, 0), (1, 1))
    time = np.pad(explanation.frames / frequency, ends, mode="edge")
    return time.ravel(), np.pad(explanation.scores, ends).ravel().astype(np.float64)
