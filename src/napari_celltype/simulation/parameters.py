"""Every number of the simulator, with its unit and where it comes from.

A source names the study that the sign and the order of magnitude follow; the exact
range is this simulator's choice. "measured on" names the data sets that a number was
estimated from, "assumed" marks numbers without a study behind them.
"""

from __future__ import annotations

from napari_celltype.simulation.firing_parameters import (
    BURST,
    DRIFT,
    KINDS,
    MODULATION,
    PYRAMIDAL,
    RATE_FACTORS,
    REGIMES,
    SLICE,
    SPIKING,
    THETA,
)
from napari_celltype.simulation.measurement_parameters import (
    CALCIUM,
    INDICATORS,
    KINETICS,
    NUISANCES,
)
from napari_celltype.simulation.parameter import Parameter, fixed

__all__ = [
    "BEHAVIOUR",
    "BURST",
    "CALCIUM",
    "DRIFT",
    "INDICATORS",
    "KINDS",
    "KINETICS",
    "MIXTURE",
    "MODULATION",
    "MOVIE",
    "NUISANCES",
    "PYRAMIDAL",
    "RATE_FACTORS",
    "REGIMES",
    "SIGNALS",
    "SLICE",
    "SPIKING",
    "THETA",
    "TRACE_MODULES",
    "Parameter",
]

TRACE_MODULES = (
    "parameter",
    "parameters",
    "firing_parameters",
    "measurement_parameters",
    "behaviour",
    "spiking",
    "fluorescence",
    "session",
)
"""Modules of this package that determine simulated traces; cards carry their digest."""

_SLICES = "DS24, DS25, DS26 (27 cells)"

BEHAVIOUR: dict[str, Parameter] = {
    "belt_length": Parameter(
        "length of the belt, one lap", 180, 200, "cm", "Danielson 2016"
    ),
    "run_duration": Parameter(
        "length of a running bout", 4, 40, "s", "assumed", "log-normal"
    ),
    "rest_duration": Parameter(
        "length of a rest between bouts", 2, 20, "s", "assumed", "log-normal"
    ),
    "quiet_rest_factor": fixed(
        "rests in quiet wakefulness are longer by", 8, "", "assumed"
    ),
    "speed": Parameter("speed inside a bout", 6, 30, "cm/s", "Dombeck 2010"),
    "speed_change": fixed("time in which speed wanders", 2, "s", "assumed"),
    "reward_pause": Parameter("stop at the reward", 0.5, 4, "s", "assumed"),
    "reward_decay": fixed("decay of the reward signal", 1.5, "s", "assumed"),
    "approach_length": fixed(
        "distance over which the reward is approached", 25, "cm", "Turi 2019"
    ),
    "arousal_decay": Parameter("decay of arousal", 3, 15, "s", "assumed"),
    "arousal_fluctuation": Parameter(
        "deviation of arousal that wanders by itself", 0.2, 0.8, "", "Reimer 2014"
    ),
    "arousal_time": Parameter(
        "time in which it wanders", 5, 40, "s", "Reimer 2014", "log-normal"
    ),
    "disinhibition_time": Parameter(
        "time in which disinhibition wanders", 1, 5, "s", "assumed"
    ),
    "theta": Parameter("theta while running", 6.5, 9, "Hz", "Buzsaki 2002"),
    "ripple_rate": Parameter(
        "sharp-wave ripples at rest", 0.1, 0.6, "1/s", "Buzsaki 2015"
    ),
    "ripple_duration": fixed("length of a ripple", 0.08, "s", "Buzsaki 2015"),
    "slow_oscillation": Parameter(
        "slow oscillation under anaesthesia", 0.3, 1.0, "Hz", "Steriade 1993"
    ),
    "puff_interval": Parameter(
        "time between two stimuli in a slice-like session",
        8,
        40,
        "s",
        "assumed",
        "log-normal",
    ).measured(7, 130, _SLICES),
    "puff_decay": Parameter(
        "decay of the response to one", 1, 8, "s", "assumed", "log-normal"
    ).measured(1, 9.7, _SLICES),
}
"""Signals that all cells of a session share."""

SIGNALS = (
    "running",
    "speed",
    "approach",
    "reward",
    "arousal",
    "disinhibition",
    "ripple",
    "up_state",
    "puff",
)
"""Shared signals that drive cells; each lies between 0 and about 1."""

MIXTURE: dict[str, Parameter] = {
    "PY": fixed("PY", 0.55, "", "assumed; more interneurons than in CA1"),
    "PV": fixed("PV", 0.15, "", "assumed"),
    "SOM": fixed("SOM", 0.15, "", "assumed"),
    "VIP": fixed("VIP", 0.15, "", "assumed"),
}
"""Shares of the types in a simulated recording when no counts are given."""

MOVIE: dict[str, Parameter] = {
    "soma_radius": Parameter("radius of a soma", 4.2, 5.8, "pixels", "assumed"),
    "offset": fixed("detector offset", 100, "counts", "assumed"),
    "gain": fixed("counts per photon", 20, "counts", "assumed"),
    "motion": fixed("deviation of the rigid motion", 0.7, "pixels", "assumed"),
    "motion_time": fixed("time in which the brain moves", 1, "s", "assumed"),
    "vessels": fixed("blood vessels that shade the field", 4, "", "assumed"),
}
"""The two-photon movie."""
