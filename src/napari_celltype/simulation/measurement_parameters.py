"""What microscope, indicator and preparation do: numbers, units, sources."""

from __future__ import annotations

from napari_celltype.simulation.parameter import Parameter, fixed

CALCIUM: dict[str, Parameter] = {
    "PY": Parameter("PY", 0.6, 1.6, "", "by definition", "log-normal"),
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
) -> dict[str, Parameter]:
    return {
        "amplitude": fixed("dF/F of one spike", amplitude, "", source),
        "rise": fixed("rise", rise, "s", source),
        "decay": fixed("decay", decay, "s", source),
        "tail_share": fixed("share of the slow tail", 0.1, "", "assumed"),
        "tail_decay": fixed("decay of the slow tail", 4 * decay, "s", "assumed"),
        "exponent": fixed("exponent", exponent, "", "assumed"),
        "saturation": fixed(
            "calcium at half of the maximum", saturation, "spikes", "assumed"
        ),
    }


INDICATORS: dict[str, dict[str, Parameter]] = {
    "GCaMP6f": _indicator(
        "Chen 2013", amplitude=0.19, rise=0.045, decay=0.4, exponent=1.4, saturation=12
    ),
    "GCaMP6s": _indicator(
        "Chen 2013", amplitude=0.23, rise=0.15, decay=1.2, exponent=1.5, saturation=10
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
        "Kerr 2005", amplitude=0.08, rise=0.01, decay=0.7, exponent=1.0, saturation=8
    ),
}
"""Calcium indicators; one is drawn per session, whatever the cell types.

A spike adds one unit of calcium c that rises, and decays with a fast part and a slow
tail. The indicator answers in proportion to ``c**e / (1 + (c / saturation)**e)``, where
e is the exponent, and with `amplitude` to one spike.
"""

KINETICS: dict[str, Parameter] = {
    "decay_factor": Parameter(
        "a cell's decay time over its indicator's",
        0.6,
        1.7,
        "",
        "assumed",
        "log-normal",
    ),
    "rise_factor": Parameter(
        "a cell's rise time over its indicator's", 0.7, 1.5, "", "assumed", "log-normal"
    ),
    "tail_factor": Parameter(
        "a cell's slow tail over its indicator's", 0.3, 2.5, "", "assumed", "log-normal"
    ),
    "expression": Parameter(
        "a session's response over its indicator's",
        0.4,
        1.6,
        "",
        "assumed",
        "log-normal",
    ),
}
"""Spread of the indicator's answer, alike in all types."""

NUISANCES: dict[str, Parameter] = {
    "noise": Parameter(
        "shot noise nu = 100 median|difference of dF/F| / sqrt(frame rate)",
        0.8,
        8,
        "% / sqrt(Hz)",
        "Rupprecht 2021",
        "log-normal",
    ),
    "noise_spread": Parameter(
        "a cell's noise over its session's", 0.6, 1.7, "", "assumed", "log-normal"
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
    "bleaching": Parameter("fluorescence lost to bleaching", 0, 0.3, "", "assumed"),
    "bleaching_time": Parameter("its time constant", 60, 1200, "s", "assumed"),
    "drift": Parameter(
        "deviation of the slow baseline drift", 0.005, 0.08, "dF/F", "assumed"
    ),
    "drift_time": Parameter("time in which it wanders", 20, 120, "s", "assumed"),
    "neuropil_brightness": Parameter(
        "neuropil over soma brightness", 0.3, 1.2, "", "assumed"
    ),
    "neuropil_activity": Parameter(
        "deviation of the neuropil signal", 0.02, 0.12, "dF/F", "assumed"
    ),
    "contamination": Parameter(
        "share of neuropil in a soma's pixels", 0.3, 0.9, "", "Pachitariu 2017"
    ),
    "z_motion": Parameter(
        "brightness change at full running speed",
        0,
        0.08,
        "",
        "assumed",
        negative=0.4,
    ),
}
"""What changes a trace and says nothing about the type; drawn without looking at it."""
