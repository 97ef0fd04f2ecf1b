"""Which ROIs are looked at: by type, probability, iscell, label and words; no Qt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree

if TYPE_CHECKING:
    import pandas as pd

NameOf = Literal["predicted", "label"]
NAMES_OF: tuple[NameOf, ...] = get_args(NameOf)
WORDS_OF = {"predicted": "predicted", "label": "label"}
_SEARCHED = ("group", "predicted", "label", "why_unsure", "warnings")


@dataclass(frozen=True)
class RoiFilter:
    """What a ROI has to be to be shown; a criterion at its default lets all pass."""

    text: str = ""
    name_of: NameOf = "predicted"
    name: str = ""
    least: float = 0.0
    most: float = 1.0
    cell: bool | None = None
    labelled: bool | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it lets every ROI pass."""
        return not any(self._words())

    @property
    def text_shown(self) -> str:
        """What has to hold, in words."""
        return ", ".join(self._words())

    def applied_to(self, features: pd.DataFrame) -> RoiFilter:
        """Return what of it can be applied."""
        if features["probability"].notna().any():
            return self
        name = self.name if self.name_of == "label" else ""
        return replace(self, name=name, least=0.0, most=1.0)

    def mask(
        self, features: pd.DataFrame, tree: TypeTree = DEFAULT_TYPES
    ) -> NDArray[np.bool_]:
        """Tell which ROIs pass; see `applied_to`."""
        return self.applied_to(features)._mask(features, tree)

    def _mask(self, features: pd.DataFrame, tree: TypeTree) -> NDArray[np.bool_]:
        kept = np.ones(len(features), dtype=bool)
        text = self.text.strip().casefold()
        if text.isdecimal():
            kept &= features["roi_id"].to_numpy() == int(text)
        elif text:
            kept &= _with_text(features, text)
        if self.name:
            kept &= self._named(features, tree)
        if (self.least, self.most) != (0.0, 1.0):
            kept &= features["probability"].between(self.least, self.most).to_numpy()
        if self.cell is not None and "iscell" in features:
            kept &= features["iscell"].to_numpy() == self.cell
        if self.labelled is not None:
            kept &= has_label(features) == self.labelled
        return kept

    def _named(self, features: pd.DataFrame, tree: TypeTree) -> NDArray[np.bool_]:
        return _holds(features[self.name_of], lambda n: _is_within(n, self.name, tree))

    def _words(self) -> Iterator[str]:
        if self.text.strip():
            yield f"“{self.text.strip()}”"
        if self.name:
            yield f"{WORDS_OF[self.name_of]} {self.name}"
        if (self.least, self.most) != (0.0, 1.0):
            yield f"probability {self.least:.2f} to {self.most:.2f}"
        if self.cell is not None:
            yield "suite2p cells" if self.cell else "not suite2p cells"
        if self.labelled is not None:
            yield "labelled" if self.labelled else "not labelled"


def has_label(features: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which ROIs have a label, shape (n_rois,)."""
    labels = features["label"]
    given: NDArray[np.bool_] = (labels.notna() & (labels != "")).to_numpy()
    return given


def names_in(
    features: pd.DataFrame, name_of: NameOf, tree: TypeTree = DEFAULT_TYPES
) -> list[str]:
    """Return the names that there are to choose from, parents of some included."""
    found = set(filter(None, features[name_of].dropna().unique()))
    known = {t.name for t in tree.types}
    parents = {tree.group(name) for name in found & known}
    return tree.in_order(sorted(found | parents))


def _with_text(features: pd.DataFrame, text: str) -> NDArray[np.bool_]:
    found = np.zeros(len(features), dtype=bool)
    searched = (*_SEARCHED, "prediction_set") if "|" in text else _SEARCHED
    for column in searched:
        if column in features:
            found |= _holds(features[column], lambda word: text in word.casefold())
    return found


def _holds(column: pd.Series, says: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Ask once for each word of a column; what is not said holds for nothing."""
    codes, words = column.factorize()
    # Code -1, of what is not said, takes the last.
    answers = np.array([*(says(str(word)) for word in words), False])
    told: NDArray[np.bool_] = answers[codes]
    return told


def _is_within(name: str, ancestor: str, tree: TypeTree) -> bool:
    known = {t.name for t in tree.types}
    if name in known and ancestor in known:
        return tree.is_within(name, ancestor)
    return name == ancestor
