"""What one viewer knows: the only mutable state of the window, free of Qt.

Layers, tables and plots are projections of a `Session`; a click or a key is a call of
one of its methods. Every change emits a signal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_celltype.answers.columns import layer_features
from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.gui.opened import OpenRecording, titles_of
from napari_celltype.gui.opening import read_again
from napari_celltype.gui.roi_filter import RoiFilter
from napari_celltype.labels.data_set import DataSet, at_confirmed_rate
from napari_celltype.models import DEFAULT_MODEL
from napari_celltype.recording import RATE_DOUBTS, Recording

if TYPE_CHECKING:
    import pandas as pd

    from napari_celltype.answers import Predictions
    from napari_celltype.labels import LabelTable


class Session:
    """The open recordings of one viewer and what is being looked at."""

    # With the key of a recording: it came, went, or was read again or given another
    # frame rate; its predictions changed; they were dropped, since they were made at
    # another frame rate; its labels changed; the features of its ROIs changed (after a
    # pause where many changes follow one another).
    opened: ClassVar = Signal(str)
    closed: ClassVar = Signal(str)
    replaced: ClassVar = Signal(str)
    predicted: ClassVar = Signal(str)
    outdated: ClassVar = Signal(str)
    labelled: ClassVar = Signal(str)
    described: ClassVar = Signal(str)
    # Another recording is active; other ROIs are selected; other ROIs pass the filter.
    activated: ClassVar = Signal()
    selected: ClassVar = Signal()
    filtered: ClassVar = Signal()
    # Colours, minimum probability, assumed shares, or whether predictions are shown.
    recolored: ClassVar = Signal()
    # The vocabulary or a colour; the recordings to learn from; the user's own models.
    types_changed: ClassVar = Signal()
    collected: ClassVar = Signal()
    models_changed: ClassVar = Signal()
    # A sentence for the user; an empty one clears the last.
    notice: ClassVar = Signal(str)

    def __init__(self) -> None:
        # The model, or family of models, that classifies next.
        self.model = DEFAULT_MODEL
        # These are read by everybody and changed by the methods only; the recordings by
        # key, in the order in which they were opened.
        self.recordings: dict[str, OpenRecording] = {}
        self.roi_id: int | None = None  # of the active recording, selected last
        self.roi_ids: tuple[int, ...] = ()  # all that are selected
        self.tree = DEFAULT_TYPES  # with the user's own types
        self.predictions_shown = True  # not while labelling blind
        self.by_group = False  # of the colours
        self.min_probability = 0.0  # less probable types are hidden
        self.prior: Mapping[str, float] | None = None  # None: the shares of the card
        self.roi_filter = RoiFilter()
        self.collection = DataSet()  # to learn from
        self._active: str | None = None
        self._features: WeakKeyDictionary[OpenRecording, pd.DataFrame]
        self._features = WeakKeyDictionary()

    @property
    def active(self) -> OpenRecording | None:
        """The recording that the docks are about."""
        return None if self._active is None else self.recordings[self._active]

    @property
    def titles(self) -> dict[str, str]:
        """What the open recordings are called, by key; no two alike."""
        return titles_of(self.recordings.values())

    def predictions(self, opened: OpenRecording) -> Predictions | None:
        """Return what may be seen of the predictions, None while they are hidden."""
        return opened.predictions if self.predictions_shown else None

    def features(self, opened: OpenRecording) -> pd.DataFrame:
        """Return the table behind the ROIs, see `layer_features`."""
        if opened not in self._features:
            self._features[opened] = layer_features(
                opened.recording, self.labels_seen(opened), self.predictions(opened)
            )
        return self._features[opened]

    def labels_seen(self, opened: OpenRecording) -> LabelTable | None:
        """Return the labels; accepted predictions only while predictions are shown."""
        if opened.labels is None or self.predictions_shown:
            return opened.labels
        rows = (row for row in opened.labels if row.source != "prediction")
        return replace(opened.labels, rows=tuple(rows))

    def shown(self, opened: OpenRecording) -> NDArray[np.bool_]:
        """Tell which ROIs pass the filter, shape (n_rois,)."""
        if not self.roi_filter.text_shown:
            return np.ones(opened.recording.n_rois, dtype=bool)
        return self.roi_filter.mask(self.features(opened), self.tree)

    def open(self, opened: OpenRecording) -> None:
        """Add a recording and make it the active one."""
        again = opened.key in self.recordings
        if again:
            opened = read_again(self.recordings[opened.key], opened)
        if opened.labels is not None:
            self.set_tree(self.tree.with_types_of(opened.labels.tree))
            # Types that others spell otherwise are spelled as here.
            labels = replace(opened.labels, tree=self.tree)
            opened = replace(opened, labels=labels)
        recording = at_confirmed_rate(opened.recording, self.collection)
        opened = replace(opened, recording=recording)
        self.recordings[opened.key] = opened
        if again:
            if self._active == opened.key:
                self.select(None)
            self.replaced.emit(opened.key)
            self.predicted.emit(opened.key)
        else:
            self.opened.emit(opened.key)
        self.activate(opened.key)

    def close(self, key: str) -> None:
        """Forget a recording."""
        if key not in self.recordings:
            return
        del self.recordings[key]
        if self._active == key:
            self._active = None
            self.roi_id, self.roi_ids = None, ()
        self.closed.emit(key)
        if self._active is None:
            self.activate(next(reversed(self.recordings), None))

    def activate(self, key: str | None) -> None:
        """Make a recording the one that the docks are about."""
        if key == self._active and key is not None:
            return
        self._active = key
        self.roi_id, self.roi_ids = None, ()
        self.activated.emit()
        self.selected.emit()

    def select(self, roi_id: int | None) -> None:
        """Select one ROI of the active recording, or none."""
        self.select_many(() if roi_id is None else (roi_id,))

    def select_many(self, roi_ids: Iterable[int], current: int | None = None) -> None:
        """Select ROIs of the active recording."""
        rois = tuple(dict.fromkeys(roi_ids))
        current = current if current in rois else next(reversed(rois), None)
        if (rois, current) != (self.roi_ids, self.roi_id):
            self.roi_ids, self.roi_id = rois, current
            self.selected.emit()

    def set_labels(self, key: str, labels: LabelTable | None) -> None:
        """Take over the labels of a recording."""
        self.recordings[key] = replace(self.recordings[key], labels=labels)
        self.labelled.emit(key)

    def set_tree(self, tree: TypeTree) -> None:
        """Take over the user's own types and colours."""
        if tree != self.tree:
            self.tree = tree
            self.types_changed.emit()

    def set_filter(self, roi_filter: RoiFilter) -> None:
        """Show other ROIs."""
        if roi_filter != self.roi_filter:
            self.roi_filter = roi_filter
            self.filtered.emit()

    def set_collection(self, collection: DataSet) -> None:
        """Take over other recordings to learn from, or other choices about them."""
        if collection is self.collection:
            return
        self.collection = collection
        for key, opened in list(self.recordings.items()):
            self._take_over(key, at_confirmed_rate(opened.recording, collection))
        self.collected.emit()

    def show_predictions(self, shown: bool) -> None:
        """Show predictions, or hide them so that labels are given blind."""
        if shown != self.predictions_shown:
            self.predictions_shown = shown
            self._features.clear()
            self.recolored.emit()

    def set_predictions(self, key: str, predictions: Predictions) -> None:
        """Take over predictions; ignored when the recording is closed meanwhile."""
        opened = self.recordings.get(key)
        if opened is not None:
            # Classes of a user's model get a colour, the same one everywhere.
            self.set_tree(self.tree.including(predictions.classes))
            # The user may have changed both while the model was running.
            predictions = predictions.with_min_probability(self.min_probability)
            predictions = self._with_prior(predictions)
            self.recordings[key] = replace(opened, predictions=predictions)
            self.predicted.emit(key)

    def set_sampling_frequency(self, key: str, hertz: float) -> None:
        """Take the user's word for a frame rate."""
        old = self.recordings[key].recording
        is_doubtful = any(w.code in RATE_DOUBTS for w in old.warnings)
        is_known = old.sampling_frequency_confirmed and not is_doubtful
        if old.sampling_frequency == hertz and is_known:
            return
        self._take_over(key, old.with_sampling_frequency(hertz))

    def set_movie(self, key: str, recording: Recording, path: Path) -> None:
        """Take a recording over that differs from the open one by its movie."""
        self.recordings[key] = replace(self.recordings[key], movie_path=path)
        self._take_over(key, recording)

    def _take_over(self, key: str, recording: Recording) -> None:
        """Show another movie or frame rate; predictions at another rate are dropped."""
        opened = self.recordings[key]
        before, predictions = opened.recording, opened.predictions
        if recording is before:
            return
        same_rate = recording.sampling_frequency == before.sampling_frequency
        if predictions is not None and same_rate:
            predictions = replace(predictions, recording=recording)
        else:
            predictions = None
        self.recordings[key] = replace(
            opened, recording=recording, predictions=predictions
        )
        self.replaced.emit(key)
        if opened.predictions is not None:
            self.predicted.emit(key)
            if predictions is None:
                self.outdated.emit(key)

    def color_by_group(self, by_group: bool) -> None:
        """Colour by group, or by type."""
        if by_group != self.by_group:
            self.by_group = by_group
            self.recolored.emit()

    def set_min_probability(self, threshold: float) -> None:
        """Hide the names that are less probable."""
        if threshold != self.min_probability:
            self.min_probability = threshold
            self._change_predictions(lambda p: p.with_min_probability(threshold))

    def set_prior(self, prior: Mapping[str, float] | None) -> None:
        """Assume other shares of the types, in all recordings; None for the card's."""
        if prior != self.prior:
            self.prior = prior
            self._change_predictions(self._with_prior)

    def _change_predictions(self, change: Callable[[Predictions], Predictions]) -> None:
        for key, opened in self.recordings.items():
            if opened.predictions is not None:
                predictions = change(opened.predictions)
                self.recordings[key] = replace(opened, predictions=predictions)
        self.recolored.emit()

    def _with_prior(self, predictions: Predictions) -> Predictions:
        try:
            return predictions.with_prior(self.prior)
        except LabelError as error:
            # Made by a model without the types that the shares are about.
            self.tell(str(error))
            return predictions

    def tell(self, sentence: str) -> None:
        """Show a sentence to the user; an empty one clears the last."""
        self.notice.emit(sentence)
