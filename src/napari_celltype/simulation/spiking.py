"""Spike trains: what each cell type fires, given the shared signals of a session."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_celltype.simulation.behaviour import Behaviour, wander
from napari_celltype.simulation.parameters import (
    BURST,
    DRIFT,
    KINDS,
    MODULATION,
    PYRAMIDAL,
    RATE_FACTORS,
    SIGNALS,
    SLICE,
    SPIKING,
    THETA,
)

_DRIFT_STEP = 0.2  # s; excitability changes more slowly than this


def draw_kinds(labels: NDArray[np.str_], rng: np.random.Generator) -> NDArray[np.str_]:
    """Draw the kind of each cell among those of its type, shape (n_cells,)."""
    kinds = np.empty(labels.size, dtype="U32")
    for cell_type, shares in KINDS.items():
        rows = np.flatnonzero(labels == cell_type)
        chances = np.array([share.low for share in shares.values()])
        kinds[rows] = rng.choice(list(shares), rows.size, p=chances / chances.sum())
    return kinds


def _firing_rates(
    kinds: NDArray[np.str_],
    behaviour: Behaviour,
    bin_width: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return the firing rate of each cell, shape (n_cells, n_bins), Hz."""
    # Resting rate x (1 + weighted signals) x excitability x theta, and place fields.
    resting, weights = _resting_and_weights(kinds, behaviour, rng)
    silent_share = PYRAMIDAL["silent_share"].draw_one(rng)
    silent = (kinds == "PY") & (rng.random(kinds.size) < silent_share)
    if behaviour.regime != "slice":
        resting[silent] *= PYRAMIDAL["silent_factor"].low
    rates = weights @ behaviour.signals
    rates += 1
    np.maximum(rates, 0.02, out=rates)
    rates *= _excitability(kinds, behaviour, bin_width, rng)
    rates *= resting[:, None]
    lively = np.flatnonzero((kinds == "PY") & ~silent)
    _add_place_fields(rates, lively, behaviour, rng)
    if behaviour.speed.any():
        rates *= _theta(kinds, behaviour, rng)
    return rates


def simulate_spikes(
    kinds: NDArray[np.str_],
    behaviour: Behaviour,
    bin_width: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return spike counts, shape (n_cells, n_bins)."""
    # Intervals are gamma-distributed of the kind's order: every k-th spike of a Poisson
    # process of k times the rate. Bursts add spikes; events are rarer by as much.
    rates = _firing_rates(kinds, behaviour, bin_width, rng)
    spikes = np.empty(rates.shape, dtype=np.float32)
    for kind, table in SPIKING.items():
        rows = np.flatnonzero(kinds == kind)
        order = round(table["regularity"].low)
        share = table["burst_share"].draw(rng, rows.size)
        further = table["burst_spikes"].draw(rng, rows.size)
        events = rates[rows] / (1 + share * further)[:, None]
        fine = rng.poisson(events * np.float32(bin_width * order))
        if order > 1:
            # A random start, so that cells do not all fire their first spike late.
            fine[:, :1] += rng.integers(0, order, (rows.size, 1))
            kept = np.cumsum(fine, axis=1) // order
            fine = np.diff(kept, axis=1, prepend=0)
        _add_bursts(fine, share, further, bin_width, rng)
        spikes[rows] = fine
    return spikes


def _resting_and_weights(
    kinds: NDArray[np.str_], behaviour: Behaviour, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw resting rates (n_cells,), Hz, and weights (n_cells, n_signals)."""
    resting = np.empty(kinds.size, dtype=np.float32)
    weights = np.zeros((kinds.size, len(SIGNALS)), dtype=np.float32)
    for kind, table in MODULATION.items():
        rows = np.flatnonzero(kinds == kind)
        resting[rows] = SPIKING[kind]["rest_rate"].draw(rng, rows.size)
        for signal, parameter in table.items():
            weights[rows, SIGNALS.index(signal)] = parameter.draw(rng, rows.size)
    if behaviour.regime == "slice":
        resting = SLICE["rest_rate"].draw(rng, kinds.size)
        response = SLICE["response"].draw(rng, kinds.size)
        weights[:, SIGNALS.index("puff")] = response / resting
        return resting, weights
    return resting * RATE_FACTORS[behaviour.regime].draw_one(rng), weights


def _theta(
    kinds: NDArray[np.str_], behaviour: Behaviour, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the factor that theta puts on the rates, (n_cells, n_bins)."""
    depth = np.empty(kinds.size, dtype=np.float32)
    phase = np.empty(kinds.size, dtype=np.float32)
    for kind, table in THETA.items():
        rows = np.flatnonzero(kinds == kind)
        depth[rows] = table["depth"].draw(rng, rows.size)
        phase[rows] = np.deg2rad(table["phase"].draw(rng, rows.size))
    running = behaviour.signals[SIGNALS.index("running")]
    waves = np.stack([np.cos(behaviour.theta_phase), np.sin(behaviour.theta_phase)])
    mixing = np.stack([depth * np.cos(phase), depth * np.sin(phase)], axis=1)
    factor: NDArray[np.float32] = mixing @ (waves * running)
    factor += 1
    return factor


def _excitability(
    kinds: NDArray[np.str_],
    behaviour: Behaviour,
    bin_width: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return the factor of slow and fast wandering on the rates, (n_cells, n_bins)."""
    n_cells, n_bins = kinds.size, behaviour.speed.size
    steps = int(np.ceil(n_bins * bin_width / _DRIFT_STEP)) + 1
    time = DRIFT["excitability_time"].draw_one(rng)
    deviation = DRIFT["excitability"].draw(rng, n_cells)[:, None]
    log_rate = deviation * wander((n_cells, steps), _DRIFT_STEP, time, rng)
    if behaviour.regime != "slice":
        for kind, table in SPIKING.items():
            rows = np.flatnonzero(kinds == kind)
            deviation[rows, 0] = table["fluctuation"].draw(rng, rows.size)
        time = DRIFT["fluctuation_time"].draw_one(rng)
        shared = np.float32(DRIFT["fluctuation_shared"].draw_one(rng))
        fast = wander((n_cells, steps), _DRIFT_STEP, time, rng) * np.sqrt(1 - shared)
        fast += np.sqrt(shared) * wander((steps,), _DRIFT_STEP, time, rng)
        # The mean rate stays what it is.
        log_rate += deviation * fast - deviation**2 / 2
    coarse = np.exp(log_rate)
    which = (np.arange(n_bins) * bin_width / _DRIFT_STEP).astype(np.int64)
    return np.asarray(coarse[:, which], dtype=np.float32)


def _add_place_fields(
    rates: NDArray[np.float32],
    lively: NDArray[np.int64],
    behaviour: Behaviour,
    rng: np.random.Generator,
) -> None:
    share = PYRAMIDAL["place_share"].draw_one(rng)
    rows = lively[rng.random(lively.size) < share]
    if rows.size == 0 or not behaviour.speed.any():
        return
    laps = behaviour.lap - behaviour.lap[0]
    n_laps = int(laps[-1]) + 1
    centre = rng.uniform(0, behaviour.belt_length, rows.size).astype(np.float32)
    deviation = PYRAMIDAL["width"].draw(rng, rows.size) / 4
    peak = PYRAMIDAL["peak_rate"].draw(rng, rows.size)
    reliability = PYRAMIDAL["reliability"].draw(rng, rows.size)
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
    bin_width: float,
    rng: np.random.Generator,
) -> None:
    """Follow a share of the spikes by further ones, each a few milliseconds later."""
    if not share.any():
        return
    rows, bins = np.nonzero(spikes)
    bursts = rng.random(rows.size) < share[rows]
    rows, bins = rows[bursts], bins[bursts]
    possible = round(BURST["most"].low) - 2  # further spikes beyond the first one
    chance = (further[rows] - 1) / possible
    count = 1 + rng.binomial(possible, chance)
    interval = BURST["interval"].draw(rng, rows.size) / 1000 / bin_width
    first = rng.random(rows.size)
    for number in range(1, possible + 2):
        going = count >= number
        at = bins[going] + (first[going] + number * interval[going]).astype(np.int64)
        seen = at < spikes.shape[1]
        np.add.at(spikes, (rows[going][seen], at[seen]), 1)
