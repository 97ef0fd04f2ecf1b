"""One simulated imaging session, and sets of traces made of many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


@dataclass(frozen=True, eq=False)
class Session:
    """Everything about the cells of one simulated session.

    Attributes
    ----------
    labels, kinds : ndarray of str, shape (n_cells,)
        Cell type, and the kind inside it such as "SOM O-LM".
    sampling_frequency : float
        Hz.
    fluorescence : Fluorescence
        Raw traces, neuropil and their noise-free parts, (n_cells, n_frames).
    dff, spikes : ndarray of float32, shape (n_cells, n_frames)
        True relative fluorescence change of the soma, and spikes in each frame.
    behaviour : Behaviour
        Sampled once per frame.
    nuisances : Nuisances
    """

    labels: NDArray[np.str_]
    kinds: NDArray[np.str_]
    sampling_frequency: float
    fluorescence: Fluorescence
    dff: NDArray[np.float32]
    spikes: NDArray[np.float32]
    behaviour: Behaviour
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
    """Simulate the cells of one session.

    Parameters
    ----------
    labels : ndarray of str, shape (n_cells,)
        PY, PV, SOM or VIP for each cell.
    n_frames : int
    sampling_frequency : float
        Hz.
    random_state : int, numpy.random.Generator or None
        The same number gives the same bytes.
    regime, indicator : str or None
        Keys of `parameters.REGIMES` and `parameters.INDICATORS`; drawn, without a look
        at the labels, when None.
    noise : float or None
        Shot noise nu of the session, % / sqrt(Hz); drawn when None.
    expression : float or None
        Response of the session over its indicator's; drawn when None.

    Raises
    ------
    LabelError
        If a label is not a type that is simulated.
    SamplingFrequencyError
        If `sampling_frequency` is not positive.
    """
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
        labels.size,
        conditions,
        indicator=indicator,
        noise=noise,
        expression=expression,
    )
    behaviour = simulate_behaviour(chosen, n_bins, bin_width, shared)
    kinds = draw_kinds(labels, cells)
    spikes = simulate_spikes(kinds, behaviour, bin_width, cells)
    calcium = calcium_per_spike(labels, cells)
    dff = indicator_response(spikes, calcium, nuisances, bin_width, bins_per_frame)
    dff = np.ascontiguousarray(dff[:, warm_frames:])
    per_frame = spikes.reshape(labels.size, -1, bins_per_frame).sum(axis=2)
    seen = _at_frames(behaviour, bins_per_frame, warm_frames)
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


def simulate_sessions(
    counts: Mapping[str, int],
    n_frames: int,
    sampling_frequency: float,
    random_state: int | np.random.Generator | None = None,
    *,
    cells_per_session: int = 40,
    regimes: tuple[str, ...] | None = None,
) -> Iterator[Session]:
    """Yield sessions that together hold the counted cells, types mixed by chance."""
    rng = np.random.default_rng(random_state)
    labels = np.repeat(
        [DEFAULT_TYPES.canonical(name) for name in counts], list(counts.values())
    )
    if labels.size == 0:
        raise LabelError("No cell was asked for; give a count such as PY=100.")
    labels = rng.permutation(labels)
    n_sessions = int(np.ceil(labels.size / cells_per_session))
    parts = np.array_split(labels, n_sessions)
    for part, stream in zip(parts, rng.spawn(n_sessions), strict=True):
        regime = draw_regime(stream, regimes) if regimes else None
        yield simulate_session(
            part, n_frames, sampling_frequency, stream, regime=regime
        )


def simulate_traces(
    counts: Mapping[str, int],
    n_frames: int,
    sampling_frequency: float,
    random_state: int | np.random.Generator | None = None,
    *,
    neuropil_coefficient: float = 0.0,
    cells_per_session: int = 40,
    regimes: tuple[str, ...] | None = None,
) -> TraceSet:
    """Simulate labelled traces of many sessions.

    Parameters
    ----------
    counts : mapping of str to int
        Cells of each type, such as ``{"PY": 1000, "PV": 947}``.
    n_frames : int
        Frames of each trace.
    sampling_frequency : float
        Hz.
    random_state : int, numpy.random.Generator or None
        The same number gives the same bytes.
    neuropil_coefficient : float
        0 gives raw fluorescence; else F - coefficient * Fneu.
    cells_per_session : int
        Cells that share running, arousal, indicator and regime.
    regimes : tuple of str or None
        Draw only these regimes.

    Returns
    -------
    TraceSet
        Traces (n_cells, n_frames) float32 with labels, session, subject and cell ids;
        two sessions in a row are one subject.

    Raises
    ------
    LabelError
        If a type is unknown or no cell is asked for.
    SamplingFrequencyError
        If `sampling_frequency` is not positive.
    """
    n_cells = sum(counts.values())
    traces = np.empty((n_cells, n_frames), dtype=np.float32)
    labels: list[str] = []
    sessions: list[str] = []
    subjects: list[str] = []
    simulated = simulate_sessions(
        counts,
        n_frames,
        sampling_frequency,
        random_state,
        cells_per_session=cells_per_session,
        regimes=regimes,
    )
    for number, session in enumerate(simulated):
        size = session.labels.size
        traces[len(labels) : len(labels) + size] = session.traces(neuropil_coefficient)
        labels.extend(session.labels.tolist())
        sessions.extend([f"session-{number:04d}"] * size)
        subjects.extend([f"subject-{number // 2:04d}"] * size)
    return TraceSet(
        traces=traces,
        labels=np.array(labels),
        subject_id=np.array(subjects),
        session_id=np.array(sessions),
        cell_id=np.array([f"cell-{cell:05d}" for cell in range(n_cells)]),
        sampling_frequency=float(sampling_frequency),
    )


def _at_frames(
    behaviour: Behaviour, bins_per_frame: int, warm_frames: int
) -> Behaviour:
    at = slice(warm_frames * bins_per_frame, None, bins_per_frame)
    return replace(
        behaviour,
        speed=behaviour.speed[at],
        position=behaviour.position[at],
        lap=behaviour.lap[at],
        signals=np.ascontiguousarray(behaviour.signals[:, at]),
        theta_phase=behaviour.theta_phase[at],
    )
