"""What microscope, indicator and preparation do: numbers, units, sources."""

from __future__ import annotations

from collections.abc import Mapping

from napari_celltype.simulation.parameter import Parameter, fixed

_INSIDE = "chosen so that real PY in vivo lie inside"
_PY_IN_VIVO = "DS02, DS09, DS10, DS11, DS12, DS13, DS15, DS16 (104 cells)"
_GCAMP6F = "DS09, DS10, DS11 (39 cells)"
_GCAMP6S = "DS12, DS13, DS15, DS16 (50 cells)"
_OGB1 = "DS02 (9 cells)"

CALCIUM: dict[str, Parameter] = {
    "PY": Parameter("PY", 0.6, 1.6, "", "assumed", "log-normal").measured(
        0.66, 1.6, _PY_IN_VIVO
    ),
    "PV": Parameter("PV", 0.15, 0.6, "", "Aponte 2008 (buffering)", "log-normal"),
    "SOM": Parameter("SOM", 0.3, 1.2, "", "assumed", "log-normal"),
    "VIP": Parameter("VIP", 0.4, 1.6, "", "assumed", "log-normal"),
}
"""Calcium per spike, relative to a PY cell."""


def _indicator(
    source: str,
    *,
    amplitude: float,
    rise: float,
    decay: float,
    exponent: float,
    saturation: float,
    measured: Mapping[str, tuple[float, str]] | None = None,
) -> dict[str, Parameter]:
    table = {
        "amplitude": fixed("dF/F of one spike", amplitude, "", source),
        "rise": fixed("rise", rise, "s", source),
        "decay": fixed("decay", decay, "s", source),
        "tail": fixed("share of the slow tail", 0.1, "", "assumed"),
        "slow": fixed("decay of the slow tail", 3, "s", "assumed"),
        "exponent": fixed("exponent", exponent, "", "assumed"),
        "saturation": fixed(
            "calcium at half of the maximum",
            saturation,
            "spikes",
            "assumed",
        ),
    }
    for name, (value, cells) in (measured or {}).items():
        table[name] = table[name].measured(value, value, cells)
    return table


INDICATORS: dict[str, dict[str, Parameter]] = {
    "GCaMP6f": _indicator(
        "Chen 2013",
        amplitude=0.19,
        rise=0.045,
        decay=0.4,
        exponent=1.4,
        saturation=16,
        measured={
            "amplitude": (0.038, "DS09, DS10, DS11 (44 cells)"),
            "rise": (0.01, _GCAMP6F),
            "decay": (0.32, _GCAMP6F),
            "tail": (0.15, _GCAMP6F),
            "slow": (1.5, "DS09, DS10, DS11 (33 cells)"),
            "exponent": (2, _GCAMP6F),
        },
    ),
    "GCaMP6s": _indicator(
        "Chen 2013",
        amplitude=0.23,
        rise=0.15,
        decay=1.2,
        exponent=1.5,
        saturation=10,
        measured={
            "amplitude": (0.065, _GCAMP6S),
            "rise": (0.09, _GCAMP6S),
            "decay": (0.8, _GCAMP6S),
            "tail": (0.03, _GCAMP6S),
            "slow": (6, "DS12, DS13, DS15, DS16 (27 cells)"),
            "exponent": (1.8, _GCAMP6S),
            "saturation": (30, _GCAMP6S),
        },
    ),
    "GCaMP7f": _indicator(
        "Dana 2019", amplitude=0.25, rise=0.05, decay=0.5, exponent=1.3, saturation=10
    ),
    "GCaMP8m": _indicator(
        "Zhang 2023",
        amplitude=0.35,
        rise=0.015,
        decay=0.25,
        exponent=1.2,
        saturation=12,
    ),
    "OGB-1": _indicator(
        "Kerr 2005",
        amplitude=0.08,
        rise=0.01,
        decay=0.7,
        exponent=1,
        saturation=8,
        measured={
            "amplitude": (0.049, "DS02 (10 cells)"),
            "decay": (0.63, _OGB1),
            "tail": (0.15, _OGB1),
            "slow": (3, _OGB1),
            "exponent": (1, _OGB1),
            "saturation": (30, _OGB1),
        },
    ),
}
"""Calcium indicators; one is drawn per session, whatever the cell types.

A spike adds calcium c of unit peak, (1 - tail) exp(-t / decay) + tail exp(-t / slow) -
exp(-t / rise). The indicator answers in proportion to ``c**e / (1 + (c /
saturation)**e)``, where e is the exponent, and with `amplitude` to one spike.
"""

KINETICS: dict[str, Parameter] = {
    "decay_factor": Parameter(
        "a cell's decay time over its indicator's",
        0.6,
        1.7,
        "",
        "assumed",
        "log-normal",
    ).measured(0.4, 1.6, "DS02, DS09, DS10, DS11, DS12, DS13, DS15, DS16 (98 cells)"),
    "rise_factor": Parameter(
        "a cell's rise time over its indicator's", 0.7, 1.5, "", "assumed", "log-normal"
    ).measured(0.44, 2.5, "DS09, DS10, DS11, DS12, DS13, DS15, DS16 (89 cells)"),
    "tail_factor": Parameter(
        "a cell's slow tail over its indicator's", 0.3, 2.5, "", "assumed", "log-normal"
    ).measured(0.28, 2.7, "DS02, DS09, DS10, DS11, DS13, DS15, DS16 (68 cells)"),
    "expression": Parameter(
        "a session's response over its indicator's",
        0.4,
        3,
        "",
        _INSIDE,
        "log-normal",
    ),
    "session_decay": Parameter(
        "a session's decay time over its indicator's",
        0.5,
        2.5,
        "",
        _INSIDE,
        "log-normal",
    ),
}
"""Spread of the indicator's answer, alike in all types."""

NUISANCES: dict[str, Parameter] = {
    "noise": Parameter(
        "shot noise nu = 100 median|difference of dF/F| / sqrt(frame rate) of a "
        "session on few cells",
        0.4,
        2,
        "% / sqrt(Hz)",
        "Rupprecht 2021",
        "log-normal",
    ).measured(
        0.3,
        1.3,
        "DS02, DS09, DS10, DS11, DS12, DS13, DS15, DS16, DS22, DS23, DS24, DS25, DS26, "
        "DS27 (138 cells)",
    ),
    "population_noise": Parameter(
        "shot noise nu of a session on a population",
        0.8,
        10,
        "% / sqrt(Hz)",
        "Rupprecht 2021",
        "log-normal",
    ),
    "population_share": fixed("share of population sessions", 0.7, "", "assumed"),
    "noise_spread": Parameter(
        "a cell's noise over its session's", 0.6, 1.7, "", "assumed", "log-normal"
    ).measured(
        0.64,
        1.8,
        "DS02, DS09, DS10, DS11, DS12, DS13, DS15, DS16, DS23, DS24, DS25, DS26 "
        "(135 cells)",
    ),
    "brightness": Parameter(
        "resting fluorescence of a session", 100, 3000, "a.u.", "assumed", "log-normal"
    ),
    "brightness_spread": Parameter(
        "a cell's brightness over its session's",
        0.4,
        2.5,
        "",
        "assumed",
        "log-normal",
    ),
    "noise_colour": Parameter(
        "share of the noise that is coloured, at 10 Hz", 0, 0.3, "", _INSIDE
    ),
    "noise_time": Parameter(
        "correlation time of that share", 0.03, 1, "s", _INSIDE, "log-normal"
    ),
    "smoothed_share": fixed(
        "share of sessions with frames smoothed by registration, resampling or "
        "averaging",
        0.25,
        "",
        "assumed",
    ),
    "smoothing": Parameter(
        "weight of each neighbouring frame in them", 0, 0.25, "", _INSIDE
    ),
    "noise_skewness": Parameter(
        "skewness of the noise over its deviation (photon counts: 1)",
        0.5,
        3,
        "",
        "assumed",
    ),
    "common_noise": Parameter(
        "share of the noise that all cells have in common", 0, 0.1, "", "assumed"
    ),
    "artefact_rate": Parameter(
        "motion artefacts", 0.1, 4, "1/min", "assumed", "log-normal"
    ),
    "artefact_time": Parameter("decay of one", 0.1, 0.6, "s", "assumed"),
    "artefact": Parameter(
        "brightness lost in one", 0, 0.1, "", "assumed", negative=0.25
    ),
    "corrected_share": fixed(
        "share of sessions whose baseline was corrected", 0.5, "", _INSIDE
    ),
    "corrected_drift": Parameter(
        "drift left in them, over the drift of others", 0.1, 0.5, "", "assumed"
    ),
    "bleaching": Parameter("fluorescence lost to bleaching", 0, 0.3, "", "assumed"),
    "bleaching_time": Parameter("its time constant", 60, 1200, "s", "assumed"),
    "drift": Parameter(
        "deviation of the slow baseline drift",
        0.005,
        0.08,
        "dF/F",
        "assumed",
        "log-normal",
    ).measured(
        0.004,
        0.092,
        "DS02, DS09, DS10, DS11, DS12, DS13, DS15, DS22 (55 cells)",
    ),
    "drift_time": Parameter("time in which it wanders", 20, 120, "s", "assumed"),
    "neuropil_brightness": Parameter(
        "neuropil over soma brightness", 0.3, 1.2, "", "assumed"
    ),
    "neuropil_activity": Parameter(
        "deviation of the neuropil signal", 0.02, 0.12, "dF/F", "assumed"
    ),
    "neuropil_time": Parameter(
        "time in which its own part wanders", 0.2, 2, "s", "assumed", "log-normal"
    ),
    "contamination": Parameter(
        "share of neuropil in a soma's pixels", 0.3, 0.9, "", "Pachitariu 2017"
    ),
    "z_motion": Parameter(
        "brightness change at full running speed",
        0,
        0.04,
        "",
        _INSIDE,
        negative=0.4,
    ),
}
"""What changes a trace and says nothing about the type; drawn without looking at it."""
