"""Spike trains: what each cell type fires, given the shared signals of a session."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_celltype.simulation.behaviour import Behaviour, wander
from napari_celltype.simulation.parameters import (
    DRIFT,
    MODULATION,
    PLACE_CELLS,
    RATE_FACTORS,
    SIGNALS,
    SPIKING,
)

_DRIFT_STEP = 1.0  # s; excitability wanders slowly, so it is drawn once a second


def firing_rates(
    labels: NDArray[np.str_],
    behaviour: Behaviour,
    bin_width: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return the firing rate of each cell, shape (n_cells, n_bins), Hz.

    A cell's resting rate is multiplied by one plus its weighted shared signals; place
    cells (PY) add their field on the laps on which they are active.
    """
    n_bins = behaviour.speed.size
    resting = np.empty(labels.size, dtype=np.float32)
    weights = np.empty((labels.size, len(SIGNALS)), dtype=np.float32)
    for cell_type in SPIKING:
        rows = np.flatnonzero(labels == cell_type)
        resting[rows] = SPIKING[cell_type]["rest_rate"].draw(rng, rows.size)
        for column, signal in enumerate(SIGNALS):
            parameter = MODULATION[cell_type][signal]
            weights[rows, column] = parameter.draw(rng, rows.size)
    resting *= RATE_FACTORS[behaviour.regime].draw_one(rng)

    rates = weights @ behaviour.signals
    rates += 1
    np.maximum(rates, 0.02, out=rates)
    rates *= _excitability(labels.size, n_bins, bin_width, rng)
    rates *= resting[:, None]
    _add_place_fields(rates, np.flatnonzero(labels == "PY"), behaviour, rng)
    return rates


def simulate_spikes(
    labels: NDArray[np.str_],
    behaviour: Behaviour,
    bin_width: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return spike counts, shape (n_cells, n_bins).

    Intervals are gamma-distributed of the type's order: the process that keeps every
    k-th spike of a Poisson process of k times the rate.
    """
    rates = firing_rates(labels, behaviour, bin_width, rng)
    spikes = np.empty(rates.shape, dtype=np.float32)
    for cell_type, table in SPIKING.items():
        rows = np.flatnonzero(labels == cell_type)
        order = round(table["regularity"].low)
        fine = rng.poisson(rates[rows] * np.float32(bin_width * order))
        if order > 1:
            # A random start, so that cells do not all fire their first spike late.
            fine[:, :1] += rng.integers(0, order, (rows.size, 1))
            kept = np.cumsum(fine, axis=1) // order
            fine = np.diff(kept, axis=1, prepend=0)
        share = table["burst_share"].draw(rng, rows.size)
        further = table["burst_spikes"].draw(rng, rows.size)
        _add_bursts(fine, share, further, rng)
        spikes[rows] = fine
    return spikes


def _excitability(
    n_cells: int, n_bins: int, bin_width: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    steps = int(np.ceil(n_bins * bin_width / _DRIFT_STEP)) + 1
    time = DRIFT["excitability_time"].draw_one(rng)
    deviation = DRIFT["excitability"].draw(rng, n_cells)[:, None]
    coarse = np.exp(deviation * wander((n_cells, steps), _DRIFT_STEP, time, rng))
    which = (np.arange(n_bins) * bin_width / _DRIFT_STEP).astype(np.int64)
    return np.asarray(coarse[:, which], dtype=np.float32)


def _add_place_fields(
    rates: NDArray[np.float32],
    pyramidal: NDArray[np.int64],
    behaviour: Behaviour,
    rng: np.random.Generator,
) -> None:
    share = PLACE_CELLS["share"].draw_one(rng)
    rows = pyramidal[rng.random(pyramidal.size) < share]
    if rows.size == 0 or not behaviour.speed.any():
        return
    laps = behaviour.lap - behaviour.lap[0]
    n_laps = int(laps[-1]) + 1
    centre = rng.uniform(0, behaviour.belt_length, rows.size).astype(np.float32)
    deviation = PLACE_CELLS["width"].draw(rng, rows.size) / 4
    peak = PLACE_CELLS["peak_rate"].draw(rng, rows.size)
    reliability = PLACE_CELLS["reliability"].draw(rng, rows.size)
    active = rng.random((rows.size, n_laps)) < reliability[:, None]
    gain = active * rng.gamma(4.0, 0.25, (rows.size, n_laps))  # mean 1 over active laps
    running = behaviour.signals[SIGNALS.index("running")]
    for row, cell in enumerate(rows):
        away = np.abs(behaviour.position - centre[row])
        away = np.minimum(away, behaviour.belt_length - away)
        field = np.exp(-0.5 * np.square(away / deviation[row])) * running
        rates[cell] += field * peak[row] * gain[row, laps].astype(np.float32)


def _add_bursts(
    spikes: NDArray[np.int64],
    share: NDArray[np.float32],
    further: NDArray[np.float32],
    rng: np.random.Generator,
) -> None:
    if not share.any():
        return
    rows, bins = np.nonzero(spikes)
    bursts = rng.random(rows.size) < share[rows]
    rows, bins = rows[bursts], bins[bursts]
    spikes[rows, bins] += 1 + rng.poisson(np.maximum(further[rows] - 1, 0))
