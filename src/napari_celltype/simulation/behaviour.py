"""What all cells of a session share: running, laps, rewards, arousal, ripples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from napari_celltype.simulation.parameters import BEHAVIOUR, REGIMES, SIGNALS

_STEP = 0.1  # s; behaviour is simulated at 10 Hz and interpolated to the bins
_FULL_SPEED = 20.0  # cm/s; the speed at which the "speed" signal is one
_MOVING = 1.0  # cm/s
_AWAKE = ("running", "quiet")


@dataclass(frozen=True, eq=False)
class Behaviour:
    """The shared signals of one session, each array with n_bins as its last axis."""

    regime: str
    speed: NDArray[np.float32]  # cm/s
    position: NDArray[np.float32]  # on the belt, cm
    lap: NDArray[np.int64]  # laps finished
    belt_length: float  # cm
    signals: NDArray[np.float32]  # (len(SIGNALS), n_bins), between 0 and about 1
    theta_phase: NDArray[np.float32]  # radians, 0 at the trough; counts while running


def wander(
    shape: tuple[int, ...], step: float, time: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return noise of unit variance that wanders in `time` s, last axis in steps."""
    decay = float(np.exp(-step / time))
    noise = rng.standard_normal(shape, dtype=np.float32)
    noise[..., 1:] *= np.float32(np.sqrt(1 - decay**2))
    return np.asarray(lfilter([1.0], [1.0, -decay], noise, axis=-1), dtype=np.float32)


def draw_regime(rng: np.random.Generator, allowed: tuple[str, ...] | None) -> str:
    """Draw the regime of a session by the shares of `REGIMES`, or among `allowed`."""
    names = allowed or tuple(REGIMES)
    shares = np.array([REGIMES[name].low for name in names])
    return str(rng.choice(names, p=shares / shares.sum()))


def simulate_behaviour(
    regime: str, n_bins: int, bin_width: float, rng: np.random.Generator
) -> Behaviour:
    """Simulate the shared signals of one session."""
    steps = int(np.ceil(n_bins * bin_width / _STEP)) + 2
    belt = BEHAVIOUR["belt_length"].draw_one(rng)
    speed, distance, rewards = np.zeros((3, steps))
    if regime in _AWAKE:
        speed, distance, rewards = _run(steps, belt, regime == "quiet", rng)
    seconds = np.arange(steps) * _STEP
    when = np.arange(n_bins) * bin_width
    drives = {"running": (speed > _MOVING).astype(float), "speed": speed / _FULL_SPEED}
    to_reward = belt - distance % belt
    length = BEHAVIOUR["approach_length"].low
    drives["approach"] = np.exp(-to_reward / length) * (speed > _MOVING)
    drives["reward"] = _decay(rewards, BEHAVIOUR["reward_decay"].low)
    drives["arousal"] = _arousal(regime, drives, steps, rng)
    drives["disinhibition"] = _disinhibition(regime, drives, steps, rng)
    if regime == "anaesthesia":
        drives["up_state"] = _slow_oscillation(steps, rng)
    if regime == "slice":
        drives["puff"] = _puffs(steps, rng)
    signals = np.zeros((len(SIGNALS), n_bins), dtype=np.float32)
    for name, drive in drives.items():
        signals[SIGNALS.index(name)] = np.interp(when, seconds, drive)
    distance_then = np.interp(when, seconds, distance)
    speed_then = np.interp(when, seconds, speed).astype(np.float32)
    if regime in _AWAKE:
        signals[SIGNALS.index("ripple")] = _ripples(speed_then, bin_width, rng)
    return Behaviour(
        regime,
        speed_then,
        (distance_then % belt).astype(np.float32),
        (distance_then // belt).astype(np.int64),
        belt,
        signals,
        _theta_phase(n_bins, bin_width, rng),
    )


def _run(
    steps: int, belt: float, quiet: bool, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Walk bout by bout; the animal stops for a while at the reward of each lap."""
    change = wander((steps,), _STEP, BEHAVIOUR["speed_change"].low, rng)
    wandering = np.exp(0.3 * change)
    usual = BEHAVIOUR["speed"].draw_one(rng)
    longer = BEHAVIOUR["quiet_rest_factor"].low if quiet else 1.0
    speed, distance, rewards = np.zeros((3, steps))
    place = rng.uniform(0, belt)
    running = rng.random() < (0.2 if quiet else 0.7)
    until = _bout(running, longer, rng) * rng.random()
    now = 0.0
    for step in range(steps):
        if step * _STEP >= until:
            running = not running
            until += _bout(running, longer, rng)
        target = usual * wandering[step] if running else 0.0
        now += 0.25 * (target - now)  # inertia of about 0.4 s
        before = place // belt
        place += now * _STEP
        if place // belt > before:
            rewards[step] = 1.0
            running = False
            until = step * _STEP + BEHAVIOUR["reward_pause"].draw_one(rng)
        speed[step], distance[step] = now, place
    return speed, distance, rewards


def _bout(running: bool, longer: float, rng: np.random.Generator) -> float:
    if running:
        return BEHAVIOUR["run_duration"].draw_one(rng)
    return BEHAVIOUR["rest_duration"].draw_one(rng) * longer


def _decay(events: NDArray[np.float64], time: float) -> NDArray[np.float64]:
    decayed: NDArray[np.float64] = lfilter([1.0], [1.0, -np.exp(-_STEP / time)], events)
    return np.minimum(decayed, 1.5)


def _arousal(
    regime: str,
    drives: dict[str, NDArray[np.float64]],
    steps: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    decay = BEHAVIOUR["arousal_decay"].draw_one(rng)
    gain = 1 - float(np.exp(-_STEP / decay))
    slow = lfilter([gain], [1.0, gain - 1], drives["running"] + 2 * drives["reward"])
    time = BEHAVIOUR["arousal_time"].draw_one(rng)
    deviation = BEHAVIOUR["arousal_fluctuation"].draw_one(rng)
    own = deviation * np.abs(wander((steps,), _STEP, time, rng))
    awake = 1.0 if regime in _AWAKE else 0.3
    return np.asarray(np.clip(awake * (0.6 * slow + own), 0, 1.5), dtype=np.float64)


def _disinhibition(
    regime: str,
    drives: dict[str, NDArray[np.float64]],
    steps: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Wander by itself and with reward, approach and arousal, while awake."""
    time = BEHAVIOUR["disinhibition_time"].draw_one(rng)
    own = 0.5 * np.abs(wander((steps,), _STEP, time, rng))
    if regime not in _AWAKE:
        return np.zeros(steps)
    driven = drives["reward"] + 0.5 * drives["approach"] + 0.3 * drives["arousal"]
    return np.asarray(np.clip(own + 0.4 * driven, 0, 1.5), dtype=np.float64)


def _theta_phase(
    n_bins: int, bin_width: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    frequency = BEHAVIOUR["theta"].draw_one(rng)
    irregular = 1 + 0.07 * wander((n_bins,), bin_width, 0.5, rng)
    phase = 2 * np.pi * np.cumsum(frequency * bin_width * irregular.astype(float))
    return np.asarray(phase % (2 * np.pi), dtype=np.float32)


def _slow_oscillation(steps: int, rng: np.random.Generator) -> NDArray[np.float64]:
    frequency = BEHAVIOUR["slow_oscillation"].draw_one(rng)
    irregular = np.exp(0.3 * wander((steps,), _STEP, 3.0, rng))
    phase = 2 * np.pi * np.cumsum(frequency * irregular * _STEP)
    depth = np.clip(1 + 0.5 * wander((steps,), _STEP, 15.0, rng), 0, 2)
    return np.asarray(np.clip(np.sin(phase), 0, 1) * depth, dtype=np.float64)


def _puffs(steps: int, rng: np.random.Generator) -> NDArray[np.float64]:
    interval = BEHAVIOUR["puff_interval"].draw_one(rng)
    events = (rng.random(steps) < _STEP / interval) * rng.uniform(0.5, 1.5, steps)
    decay = float(np.exp(-_STEP / BEHAVIOUR["puff_decay"].draw_one(rng)))
    rise = float(np.exp(-_STEP / 0.3))
    response = lfilter([1 - rise], np.convolve([1, -decay], [1, -rise]), events)
    return np.asarray(np.minimum(response, 1.5), dtype=np.float64)


def _ripples(
    speed: NDArray[np.float32], bin_width: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    rate = BEHAVIOUR["ripple_rate"].draw_one(rng)
    at_rest = speed < _MOVING
    starts = (rng.random(speed.size) < rate * bin_width) & at_rest
    length = BEHAVIOUR["ripple_duration"].low / bin_width
    kernel = np.ones(max(1, round(length)), dtype=np.float32) * min(1.0, length)
    spread = np.convolve(starts.astype(np.float32), kernel)[: speed.size]
    return np.minimum(spread, 1).astype(np.float32)
