"""What in a ROI's trace raised the score of the type that a model guessed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import ModelError, RecordingError
from napari_celltype.progress import (
    OnProgress,
    ShouldStop,
    ignore_progress,
    never_stop,
)
from napari_celltype.recording import subtract_neuropil
from napari_celltype.workflows.predictions import Predictions

NOT_SHOWN = (
    "The explanation does not depend on what the network learnt, so it is not shown."
)


@dataclass(frozen=True, eq=False)
class Explanation:
    """The frames that raised or lowered a model's score for one type.

    Attributes
    ----------
    roi_id : int
    name : str
        The type: the ROI's best guess.
    frames : ndarray of float64, shape (n_windows, window_frames)
        Frames of the recording, at its own rate, that the scores belong to.
    scores : ndarray of float32, shape (n_windows, window_frames)
        See `Attribution`.
    correlation : float
        With networks of random weights, see `Attribution`.
    passes : bool
        Whether the scores depend on what the network learnt and may be shown.
    """

    roi_id: int
    name: str
    frames: NDArray[np.float64]
    scores: NDArray[np.float32]
    correlation: float
    passes: bool

    @property
    def sentence(self) -> str:
        """What is seen, or why nothing is."""
        if not self.passes:
            return NOT_SHOWN
        return (
            f"Frames that raised (above the line) or lowered the model's score for "
            f"{self.name}; this is about the model, not the cell"
        )


def explain_roi(
    predictions: Predictions,
    roi_id: int,
    *,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Explanation:
    """Look at what the model reacted to in the windows that a ROI was classified by.

    Parameters
    ----------
    predictions : Predictions
    roi_id : int
    on_progress, should_stop : callable
        See `napari_celltype.progress`.

    Raises
    ------
    ModelError
        If the model that classified is not there any more, or is another one now.
    RecordingError
        If the ROI was not classified, or its trace cannot be read.
    Stopped
        If `should_stop` answered True.
    """
    from napari_celltype.classifiers import load_model
    from napari_celltype.classifiers.attribution import attribute
    from napari_celltype.classifiers.windows import plan_windows

    recording = predictions.recording
    frequency = recording.sampling_frequency
    if frequency is None or not predictions.n_windows[roi_id]:
        raise RecordingError(
            f"ROI {roi_id} was not classified, so there is nothing to explain; choose "
            "another one."
        )
    model = load_model(predictions.model_name)
    if model.sha256 != predictions.model_sha256:
        raise ModelError(
            f"The model {predictions.model_name!r} is another one than when this "
            "recording was classified; classify again."
        )
    traces = subtract_neuropil(recording, predictions.neuropil_coefficient)
    plan = plan_windows(model.card, traces.shape[1], frequency, recording.segments)
    windows = plan.cut(np.asarray(traces[roi_id : roi_id + 1], dtype=np.float32))[0]
    name = predictions.classes[int(predictions.probabilities[roi_id].argmax())]
    found = attribute(
        model, windows, name, on_progress=on_progress, should_stop=should_stop
    )
    steps = plan.first_frames()[:, None] + np.arange(plan.window_frames) + 0.5
    return Explanation(
        roi_id,
        name,
        steps * plan.ratio - 0.5,
        found.scores,
        found.correlation,
        found.passes,
    )
