"""The same cell on another day: how often matched ROIs get the same type.

A check without ground truth: a cell keeps its type, so what a model says of it on two
days should agree more often than what it says of two cells of these days.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import UNSURE
from napari_celltype.labels import guess_from_path

if TYPE_CHECKING:
    import pandas as pd

# Dealings of the matches, and resamplings of the cells.
_N_SHUFFLES = 500


@dataclass(frozen=True)
class DayAgreement:
    """How often a cell gets one type in two recordings; shares from 0 to 1."""

    n_cells: int
    n_pairs: int
    same: float
    interval: tuple[float, float]  # 95 %, by resampling cells
    shuffled: float  # mean, with the cells of each recording dealt anew

    def __str__(self) -> str:
        low, high = (f"{100 * bound:.0f}" for bound in self.interval)
        return (
            f"same type on another day: {100 * self.same:.0f} % [{low}-{high}] of "
            f"{self.n_pairs} pairs of ROIs, {self.n_cells} cells; "
            f"{100 * self.shuffled:.0f} % with shuffled matches"
        )


def agreement_over_days(table: pd.DataFrame) -> DayAgreement | None:
    """Compare what the same cells are called in several recordings.

    Parameters
    ----------
    table : DataFrame
        Output table of several recordings (`Predictions.table`). ROIs of one `cell_id`,
        as Track2p's or ROICaT's matches give it, are one cell, unless the recordings'
        names tell of two animals. `unsure` is no answer.

    Returns
    -------
    DayAgreement or None
        None if no cell has a name in two recordings.
    """
    named = table[(table["cell_id"] != "") & ~table["predicted"].isin(("", UNSURE))]
    animals = {name: guess_from_path(Path(name))[0] for name in set(table.recording)}
    cell = named["recording"].map(animals) + "\n" + named["cell_id"]
    by_day = (
        named.assign(cell=cell, name=named["predicted"].astype("category").cat.codes)
        .drop_duplicates(["cell", "recording"])
        .pivot(index="cell", columns="recording", values="name")
    )
    # (n_cells, n_days); -1 where a cell has no name.
    called = by_day.fillna(-1).to_numpy(dtype=np.int64)
    pairs, same = _agreeing(called)
    if not pairs.sum():
        return None
    random = np.random.default_rng(0)
    shuffled = []
    for _ in range(_N_SHUFFLES):
        dealt = called.copy()
        for day, names in zip(dealt.T, called.T, strict=True):
            day[names >= 0] = random.permutation(names[names >= 0])
        shuffled.append(_share(*_agreeing(dealt)))
    matched = np.flatnonzero(pairs)
    drawn = random.choice(matched, (_N_SHUFFLES, len(matched)))
    resampled = same[drawn].sum(axis=1) / pairs[drawn].sum(axis=1)
    low, high = np.quantile(resampled, (0.025, 0.975))
    return DayAgreement(
        n_cells=len(matched),
        n_pairs=int(pairs.sum()),
        same=_share(pairs, same),
        interval=(float(low), float(high)),
        shuffled=float(np.mean(shuffled)),
    )


def _agreeing(called: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count each cell's pairs of days with a name, and those with the same name."""

    def pairs_among(days: NDArray[np.bool_]) -> NDArray[np.int64]:
        n: NDArray[np.int64] = days.sum(axis=1)
        pairs: NDArray[np.int64] = n * (n - 1) // 2
        return pairs

    names = range(called.max(initial=-1) + 1)
    same = sum((pairs_among(called == name) for name in names), start=np.int64(0))
    return pairs_among(called >= 0), np.asarray(same)


def _share(pairs: NDArray[np.int64], same: NDArray[np.int64]) -> float:
    return float(same.sum() / pairs.sum())
