"""One simulated imaging session, and a set of traces made of many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.errors import LabelError, SamplingFrequencyError
from napari_celltype.labels import TraceSet
from napari_celltype.simulation.behaviour import (
    Behaviour,
    draw_regime,
    simulate_behaviour,
)
from napari_celltype.simulation.fluorescence import (
    Fluorescence,
    Nuisances,
    calcium_per_spike,
    draw_nuisances,
    fluoresce,
    indicator_response,
)
from napari_celltype.simulation.parameters import KINDS
from napari_celltype.simulation.spiking import draw_kinds, simulate_spikes

_FINEST_BIN = 1 / 25  # s; calcium rises in about this time
_WARM_UP = 8.0  # s before the first frame, so that calcium starts in its usual state
_CELLS_PER_SESSION = 40  # in a trace set


@dataclass(frozen=True, eq=False)
class Session:
    """Everything about the cells of one simulated session."""

    labels: NDArray[np.str_]  # type of each cell, (n_cells,)
    kinds: NDArray[np.str_]  # the kind inside it, such as "SOM O-LM"
    sampling_frequency: float  # Hz
    fluorescence: Fluorescence  # (n_cells, n_frames), as the next two
    dff: NDArray[np.float32]  # true relative fluorescence change of the soma
    spikes: NDArray[np.float32]  # in each frame
    behaviour: Behaviour  # once per frame
    nuisances: Nuisances

    def traces(self, neuropil_coefficient: float = 0.0) -> NDArray[np.float32]:
        """Return F - coefficient * Fneu, shape (n_cells, n_frames)."""
        if neuropil_coefficient == 0:
            return self.fluorescence.raw_traces
        neuropil = np.float32(neuropil_coefficient) * self.fluorescence.neuropil
        return np.asarray(self.fluorescence.raw_traces - neuropil, dtype=np.float32)


def simulate_session(
    labels: NDArray[np.str_],
    n_frames: int,
    sampling_frequency: float,
    random_state: int | np.random.Generator | None = None,
    *,
    regime: str | None = None,
    indicator: str | None = None,
    noise: float | None = None,
    expression: float | None = None,
) -> Session:
    """Simulate the cells of one session, with parameters as of `simulate_recording`."""
    # Labels, shape (n_cells,), are PY, PV, SOM or VIP. What is None is drawn, without a
    # look at them. Unknown types and rates that are not positive are refused.
    labels = np.asarray(labels, dtype=np.str_)
    unknown = sorted(set(labels.tolist()) - set(KINDS))
    if unknown:
        raise LabelError(
            f"The simulator knows no cells of type {', '.join(unknown)}; use "
            f"{', '.join(KINDS)}."
        )
    if not sampling_frequency > 0:
        raise SamplingFrequencyError(
            f"A frame rate of {sampling_frequency} Hz cannot be simulated; give a "
            "positive number."
        )
    # One stream each, so that what is drawn for cells never shifts the nuisances.
    shared, cells, conditions, measuring = np.random.default_rng(random_state).spawn(4)
    bins_per_frame = int(np.ceil(1 / sampling_frequency / _FINEST_BIN - 1e-9))
    bin_width = 1 / sampling_frequency / bins_per_frame
    warm_frames = int(np.ceil(_WARM_UP * sampling_frequency))
    n_bins = (n_frames + warm_frames) * bins_per_frame

    chosen = draw_regime(conditions, (regime,) if regime else None)
    nuisances = draw_nuisances(
        labels.size, conditions, indicator=indicator, noise=noise, expression=expression
    )
    behaviour = simulate_behaviour(chosen, n_bins, bin_width, shared)
    kinds = draw_kinds(labels, cells)
    spikes = simulate_spikes(kinds, behaviour, bin_width, cells)
    calcium = calcium_per_spike(labels, cells)
    dff = indicator_response(spikes, calcium, nuisances, bin_width, bins_per_frame)
    dff = np.ascontiguousarray(dff[:, warm_frames:])
    per_frame = spikes.reshape(labels.size, -1, bins_per_frame).sum(axis=2)
    at = slice(warm_frames * bins_per_frame, None, bins_per_frame)
    seen = replace(
        behaviour,
        speed=behaviour.speed[at],
        position=behaviour.position[at],
        lap=behaviour.lap[at],
        signals=np.ascontiguousarray(behaviour.signals[:, at]),
        theta_phase=behaviour.theta_phase[at],
    )
    return Session(
        labels,
        kinds,
        float(sampling_frequency),
        fluoresce(dff, nuisances, seen, sampling_frequency, measuring),
        dff,
        per_frame[:, warm_frames:],
        seen,
        nuisances,
    )


def simulate_traces(
    counts: Mapping[str, int],
    n_frames: int,
    sampling_frequency: float,
    random_state: int | np.random.Generator | None = None,
) -> TraceSet:
    """Simulate labelled traces of many sessions, types mixed by chance.

    Parameters
    ----------
    counts : mapping of str to int
        Cells of each type, such as ``{"PY": 1000, "PV": 947}``.
    n_frames : int
    sampling_frequency : float
        Hz.
    random_state : int, numpy.random.Generator or None
        The same number gives the same bytes.

    Returns
    -------
    TraceSet
        Raw fluorescence (n_cells, n_frames) float32 with labels and ids; about 40 cells
        share a session, and two sessions a subject.

    Raises
    ------
    LabelError, SamplingFrequencyError
        If a type is unknown, no cell is asked for, or the rate is not positive.
    """
    rng = np.random.default_rng(random_state)
    names = [DEFAULT_TYPES.canonical(name) for name in counts]
    labels = rng.permutation(np.repeat(names, list(counts.values())))
    if labels.size == 0:
        raise LabelError("No cell was asked for; give a count such as PY=100.")
    n_sessions = int(np.ceil(labels.size / _CELLS_PER_SESSION))
    parts = np.array_split(labels, n_sessions)
    session = np.repeat(np.arange(n_sessions), [part.size for part in parts])
    traces = np.empty((labels.size, n_frames), dtype=np.float32)
    for number, stream in enumerate(rng.spawn(n_sessions)):
        simulated = simulate_session(
            parts[number], n_frames, sampling_frequency, stream
        )
        traces[session == number] = simulated.fluorescence.raw_traces
    return TraceSet(
        traces=traces,
        labels=labels,
        subject_id=np.array([f"subject-{number // 2:04d}" for number in session]),
        session_id=np.array([f"session-{number:04d}" for number in session]),
        cell_id=np.array([f"cell-{cell:05d}" for cell in range(labels.size)]),
        sampling_frequency=float(sampling_frequency),
    )
