"""From spikes to what the microscope sees: calcium, indicator, nuisances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from napari_celltype.simulation.behaviour import Behaviour, wander
from napari_celltype.simulation.parameters import (
    CALCIUM,
    INDICATORS,
    KINETICS,
    NUISANCES,
    SIGNALS,
)

_COLOUR_STEP = 0.1  # s; `noise_colour` is a share at this length of a frame
# median|difference of two frames| of Gaussian noise with deviation 1
_MEDIAN_DIFFERENCE = 0.6745 * np.sqrt(2)


@dataclass(frozen=True, eq=False)
class Nuisances:
    """What shapes traces and says nothing about the types; arrays are (n_cells,)."""

    brightness: NDArray[np.float32]  # a.u.
    noise: NDArray[np.float32]  # shot noise nu, % / sqrt(Hz)
    bleaching: NDArray[np.float32]
    drift: NDArray[np.float32]
    contamination: NDArray[np.float32]
    z_motion: NDArray[np.float32]
    neuropil_brightness: NDArray[np.float32]  # a.u.
    neuropil_activity: NDArray[np.float32]  # deviation, dF/F
    decay_factor: NDArray[np.float32]  # kinetics relative to the indicator
    rise_factor: NDArray[np.float32]
    tail_factor: NDArray[np.float32]
    artefact: NDArray[np.float32]  # share of the brightness lost in one
    indicator: str
    expression: float  # the session's response over its indicator's
    bleaching_time: float  # s, as the other times
    neuropil_time: float
    noise_colour: float
    noise_time: float
    smoothing: float
    noise_skewness: float
    common_noise: float
    artefact_rate: float
    artefact_time: float


@dataclass(frozen=True, eq=False)
class Fluorescence:
    """Fluorescence of the cells of a session, all (n_cells, n_frames) float32, a.u."""

    raw_traces: NDArray[np.float32]  # suite2p's F: soma, share of neuropil, noise
    neuropil: NDArray[np.float32]  # suite2p's Fneu
    soma: NDArray[np.float32]  # without noise
    clean_neuropil: NDArray[np.float32]  # without noise


def noise_deviation(
    noise: NDArray[np.float32], sampling_frequency: float
) -> NDArray[np.float32]:
    """Return the deviation of one frame's dF/F (a fraction) for a noise nu."""
    factor = np.sqrt(sampling_frequency) / 100 / _MEDIAN_DIFFERENCE
    return np.asarray(noise * factor, dtype=np.float32)


def draw_nuisances(
    n_cells: int,
    rng: np.random.Generator,
    *,
    indicator: str | None = None,
    noise: float | None = None,
    expression: float | None = None,
) -> Nuisances:
    """Draw the nuisances of a session; no cell type is looked at."""
    table = NUISANCES
    brightness = table["brightness"].draw_one(rng)
    close, wide = (table[name].draw_one(rng) for name in ("noise", "population_noise"))
    on_population = rng.random() < table["population_share"].low
    drawn_expression = KINETICS["expression"].draw_one(rng)
    drawn_indicator = str(rng.choice(list(INDICATORS)))
    if noise is None:
        noise = wide if on_population else close
    corrected = rng.random() < table["corrected_share"].low
    left = table["corrected_drift"].draw_one(rng)
    drift = np.float32(left if corrected else 1)
    session_decay = KINETICS["session_decay"].draw_one(rng)
    smoothed = rng.random() < table["smoothed_share"].low
    level = table["neuropil_brightness"].draw_one(rng)
    activity = table["neuropil_activity"].draw_one(rng)
    cells = brightness * table["brightness_spread"].draw(rng, n_cells)

    def around(mean: float) -> NDArray[np.float32]:
        return (mean * rng.uniform(0.7, 1.3, n_cells)).astype(np.float32)

    return Nuisances(
        brightness=cells,
        noise=noise * table["noise_spread"].draw(rng, n_cells),
        bleaching=around(table["bleaching"].draw_one(rng)) * (not corrected),
        drift=drift * table["drift"].draw(rng, n_cells),
        contamination=table["contamination"].draw(rng, n_cells),
        z_motion=table["z_motion"].draw(rng, n_cells),
        neuropil_brightness=around(brightness * level),
        neuropil_activity=around(activity),
        decay_factor=session_decay * KINETICS["decay_factor"].draw(rng, n_cells),
        rise_factor=KINETICS["rise_factor"].draw(rng, n_cells),
        tail_factor=KINETICS["tail_factor"].draw(rng, n_cells),
        artefact=table["artefact"].draw(rng, n_cells),
        indicator=drawn_indicator if indicator is None else indicator,
        expression=drawn_expression if expression is None else expression,
        smoothing=table["smoothing"].draw_one(rng) * smoothed,
        bleaching_time=table["bleaching_time"].draw_one(rng),
        neuropil_time=table["neuropil_time"].draw_one(rng),
        noise_colour=table["noise_colour"].draw_one(rng),
        noise_time=table["noise_time"].draw_one(rng),
        noise_skewness=table["noise_skewness"].draw_one(rng),
        common_noise=table["common_noise"].draw_one(rng),
        artefact_rate=table["artefact_rate"].draw_one(rng),
        artefact_time=table["artefact_time"].draw_one(rng),
    )


def calcium_per_spike(
    labels: NDArray[np.str_], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw the calcium that one spike adds in each cell, relative to a PY cell."""
    calcium = np.empty(labels.size, dtype=np.float32)
    for cell_type, parameter in CALCIUM.items():
        rows = np.flatnonzero(labels == cell_type)
        calcium[rows] = parameter.draw(rng, rows.size)
    return calcium


def indicator_response(
    spikes: NDArray[np.float32],
    calcium: NDArray[np.float32],
    nuisances: Nuisances,
    bin_width: float,
    bins_per_frame: int,
) -> NDArray[np.float32]:
    """Turn spikes (n_cells, n_bins) into dF/F (n_cells, n_bins / bins_per_frame)."""
    table = {key: number.low for key, number in INDICATORS[nuisances.indicator].items()}
    response = np.empty(spikes.shape, dtype=np.float32)
    for cell, train in enumerate(spikes):
        decay = table["decay"] * float(nuisances.decay_factor[cell])
        rise = min(table["rise"] * float(nuisances.rise_factor[cell]), 0.5 * decay)
        tail = min(table["tail"] * float(nuisances.tail_factor[cell]), 0.8)
        slow = max(table["slow"], 2 * decay)
        # The highest calcium that one spike would add, see `INDICATORS`.
        times = rise * np.linspace(0, 12, 100)
        late = (1 - tail) * np.exp(-times / decay) + tail * np.exp(-times / slow)
        peak = float(np.max(late - np.exp(-times / rise)))
        response[cell] = _decaying(train, rise, decay, (1 - tail) / peak, bin_width)
        if tail:
            response[cell] += _decaying(train, rise, slow, tail / peak, bin_width)
        response[cell] *= calcium[cell]
    np.maximum(response, 0, out=response)
    exponent, saturation = table["exponent"], table["saturation"]
    powered = response ** np.float32(exponent)
    half = saturation**exponent
    powered /= 1 + powered / np.float32(half)
    frames = powered.reshape(len(spikes), -1, bins_per_frame).mean(axis=2)
    amplitude = table["amplitude"] * (1 + 1 / half) * nuisances.expression
    frames *= np.float32(amplitude)
    return np.asarray(frames, dtype=np.float32)


def _decaying(
    train: NDArray[np.float32], rise: float, decay: float, height: float, step: float
) -> NDArray[np.float32]:
    """Add height * (exp(-t / decay) - exp(-t / rise)) for each spike, steps in s."""
    fall, climb = np.exp(-step / decay), np.exp(-step / rise)
    filtered = lfilter(
        np.array([height * (fall - climb)], dtype=np.float32),
        np.array([1, -fall - climb, fall * climb], dtype=np.float32),
        train,
    )
    return np.asarray(filtered, dtype=np.float32)


def fluoresce(
    dff: NDArray[np.float32],
    nuisances: Nuisances,
    behaviour: Behaviour,
    sampling_frequency: float,
    rng: np.random.Generator,
) -> Fluorescence:
    """Add gain, bleaching, drift, z-motion, neuropil and noise to dF/F."""
    n_cells, n_frames = dff.shape
    column = {
        name: value[:, None].astype(np.float32)
        for name, value in vars(nuisances).items()
        if isinstance(value, np.ndarray)
    }
    seconds = np.arange(n_frames, dtype=np.float32) / np.float32(sampling_frequency)
    fading = 1 - column["bleaching"] * (
        1 - np.exp(-seconds / np.float32(nuisances.bleaching_time))
    )
    speed = behaviour.signals[SIGNALS.index("speed")]
    step = 1 / sampling_frequency
    brain = 1 + column["z_motion"] * speed
    brain -= column["artefact"] * _artefacts(n_frames, nuisances, step, rng)
    drift_time = NUISANCES["drift_time"].draw_one(rng)
    drift = column["drift"] * wander((n_cells, n_frames), step, drift_time, rng)

    soma = column["brightness"] * fading * brain * np.maximum(1 + drift + dff, 0.1)
    wandering = nuisances.neuropil_time
    shared = _neuropil_activity(dff, behaviour, step, wandering, rng)
    own = wander((n_cells, n_frames), step, wandering, rng)
    activity = column["neuropil_activity"] * (shared + np.float32(0.4) * own)
    neuropil = column["neuropil_brightness"] * fading * brain
    neuropil *= np.maximum(1 + activity, 0.2)

    raw = soma + column["contamination"] * neuropil
    deviation = noise_deviation(column["noise"], sampling_frequency)
    resting = (
        column["brightness"] + column["contamination"] * (column["neuropil_brightness"])
    )
    noise = _noise(deviation, n_frames, nuisances, step, rng)
    noise *= deviation * np.sqrt(raw * resting)
    around = rng.standard_normal(raw.shape, dtype=np.float32)
    around *= np.float32(0.2) * deviation * column["neuropil_brightness"]
    return Fluorescence(raw + noise, neuropil + around, soma, neuropil)


def _artefacts(
    n_frames: int, nuisances: Nuisances, step: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the motion artefacts that all cells see, (n_frames,), about 1 high."""
    begins = rng.random(n_frames) < nuisances.artefact_rate / 60 * step
    size = begins * rng.uniform(0.5, 1.5, n_frames)
    decay = float(np.exp(-step / nuisances.artefact_time))
    return np.asarray(lfilter([1.0], [1.0, -decay], size), dtype=np.float32)


def _noise(
    deviation: NDArray[np.float32],
    n_frames: int,
    nuisances: Nuisances,
    step: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return noise whose steps are, on average, those of white noise of deviation 1."""
    side = nuisances.smoothing
    # The longer a frame, the less white noise is left beside the coloured one.
    slow = nuisances.noise_colour * min(1.0, step / _COLOUR_STEP)
    colour = slow / (1 - nuisances.noise_colour + slow)
    shape = (len(deviation), n_frames + 2)
    white = rng.standard_normal(shape, dtype=np.float32)
    common = nuisances.common_noise
    white *= np.float32(np.sqrt(1 - common))
    white += np.sqrt(common) * rng.standard_normal(shape[1], dtype=np.float32)
    skewness = np.minimum(nuisances.noise_skewness * deviation, 1)
    white += skewness / 6 * (np.square(white) - 1)
    noise = white[:, 1:-1] * np.float32(1 - 2 * side)
    if side:
        noise += np.float32(side) * (white[:, :-2] + white[:, 2:])
    coloured = wander(noise.shape, step, nuisances.noise_time, rng)
    # Variance of the steps of smoothed white noise over that of plain white noise.
    steps = side**2 + (1 - 3 * side) ** 2
    coloured_steps = 1 - np.exp(-step / nuisances.noise_time)
    noise *= np.float32(np.sqrt(1 - colour))
    noise += np.float32(np.sqrt(colour)) * coloured
    noise /= np.float32(np.sqrt((1 - colour) * steps + colour * coloured_steps))
    return noise


def _neuropil_activity(
    dff: NDArray[np.float32],
    behaviour: Behaviour,
    step: float,
    time: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return the neuropil signal, deviation about 1: cells around, arousal, unseen."""
    deviation = dff.std(axis=1, keepdims=True) + np.float32(1e-6)
    cells = ((dff - dff.mean(axis=1, keepdims=True)) / deviation).mean(axis=0)
    arousal = behaviour.signals[SIGNALS.index("arousal")]
    mixture = 2 * cells + arousal - arousal.mean()
    mixture += 0.7 * wander((dff.shape[1],), step, time, rng)
    return np.asarray(mixture / (mixture.std() + 1e-6), dtype=np.float32)
