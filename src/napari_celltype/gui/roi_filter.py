"""Which ROIs are looked at: by type, probability, iscell, label and words; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree

if TYPE_CHECKING:
    import pandas as pd

NameOf = Literal["predicted", "label"]
NAMES_OF: tuple[NameOf, ...] = get_args(NameOf)
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
    def text_shown(self) -> str:
        """What has to hold, in words; empty where every ROI passes."""
        words = []
        if text := self.text.strip():
            words.append(f"“{text}”")
        if self.name:
            words.append(f"{self.name_of} {self.name}")
        if (self.least, self.most) != (0.0, 1.0):
            words.append(f"probability {self.least:.2f} to {self.most:.2f}")
        if self.cell is not None:
            words.append("suite2p cells" if self.cell else "not suite2p cells")
        if self.labelled is not None:
            words.append("labelled" if self.labelled else "not labelled")
        return ", ".join(words)

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
        import pandas as pd

        wanted = self.applied_to(features)
        kept = pd.Series(True, index=features.index)
        text = wanted.text.strip().casefold()
        if text.isdecimal():
            kept &= features["roi_id"] == int(text)
        elif text:
            searched = (*_SEARCHED, "prediction_set") if "|" in text else _SEARCHED
            kept &= np.any(
                [_contains(features[c], text) for c in searched if c in features],
                axis=0,
            )
        if wanted.name:
            types = [t.name for t in tree.types]
            within = [name for name in types if tree.is_within(name, wanted.name)]
            kept &= features[wanted.name_of].isin([wanted.name, *within])
        if (wanted.least, wanted.most) != (0.0, 1.0):
            kept &= features["probability"].between(wanted.least, wanted.most)
        if wanted.cell is not None and "iscell" in features:
            kept &= features["iscell"] == wanted.cell
        if wanted.labelled is not None:
            kept &= features["label"].fillna("").ne("") == wanted.labelled
        return kept.to_numpy()


def names_in(
    features: pd.DataFrame, name_of: NameOf, tree: TypeTree = DEFAULT_TYPES
) -> list[str]:
    """Return the names that there are to choose from, parents of some included."""
    found = set(filter(None, features[name_of].dropna().unique()))
    known = {t.name for t in tree.types}
    parents = {tree.group(name) for name in found & known}
    return tree.in_order(sorted(found | parents))


def _contains(column: pd.Series, text: str) -> NDArray[np.bool_]:
    """Look once at each of the different words of a column."""
    codes, words = column.factorize()
    # Code -1, where there is no word, takes the last.
    found = np.array([*(text in str(w).casefold() for w in words), False])
    passed: NDArray[np.bool_] = found[codes]
    return passed
