"""What each kind of cell fires: numbers, units, sources."""

from __future__ import annotations

from napari_celltype.simulation.parameter import Parameter, fixed

REGIMES: dict[str, Parameter] = {
    "running": fixed("share of running sessions", 0.5, "", "assumed"),
    "quiet": fixed("share of quiet sessions", 0.2, "", "assumed"),
    "anaesthesia": fixed("share of anaesthetised ones", 0.15, "", "assumed"),
    "slice": fixed("share of slice-like ones", 0.15, "", "assumed"),
}
"""Regimes of a session; drawn without looking at the cell types."""

RATE_FACTORS: dict[str, Parameter] = {
    "running": fixed("firing rates, running session", 1, "", "by definition"),
    "quiet": fixed("firing rates, quiet session", 1, "", "by definition"),
    "anaesthesia": Parameter("rates under anaesthesia", 0.2, 0.7, "", "assumed"),
}
"""Factor on the resting rates in each regime but slices, which have their own."""

_INSIDE = "chosen so that real PY in vivo lie inside"
_SLICES = "DS24, DS25, DS26 (27 cells)"

SLICE: dict[str, Parameter] = {
    "rest_rate": Parameter(
        "rate between stimuli, every type", 0.01, 0.5, "Hz", "assumed", "log-normal"
    ).measured(0.76, 6.2, _SLICES),
    "response": Parameter(
        "rate at the height of a full response, every type",
        1,
        30,
        "Hz",
        "assumed",
        "log-normal",
    ).measured(7.2, 120, _SLICES),
}
"""Rates in slice-like sessions; alike in all types, so that they tell nothing."""

KINDS: dict[str, dict[str, Parameter]] = {
    "PY": {"PY": fixed("PY", 1, "", "by definition")},
    "PV": {
        "PV basket": fixed("PV basket", 0.79, "", "Bezaire and Soltesz 2013"),
        "PV axo-axonic": fixed("PV axo-axonic", 0.21, "", "Bezaire and Soltesz 2013"),
    },
    "SOM": {
        "SOM O-LM": fixed("SOM O-LM", 0.43, "", "Bezaire and Soltesz 2013"),
        "SOM bistratified": fixed(
            "SOM bistratified", 0.57, "", "Bezaire and Soltesz 2013"
        ),
    },
    "VIP": {"VIP": fixed("VIP", 1, "", "by definition")},
}
"""Kinds of cells of each type and their shares."""

PYRAMIDAL: dict[str, Parameter] = {
    "silent_share": Parameter("share of nearly silent PY", 0, 0.3, "", _INSIDE),
    "silent_factor": fixed("their rates, relative to the others", 0.05, "", "assumed"),
    "place_share": Parameter(
        "share of the others with a place field", 0.3, 0.6, "", "Dombeck 2010"
    ),
    "width": Parameter("width (4 deviations) of a field", 20, 60, "cm", "Dombeck 2010"),
    "peak_rate": Parameter(
        "rate in the middle of a field",
        3,
        20,
        "Hz",
        "Mizuseki and Buzsaki 2013",
        "log-normal",
    ),
    "reliability": Parameter("share of laps with activity", 0.3, 0.9, "", "assumed"),
}
"""Silent PY, and place fields, active while the animal runs."""

BURST: dict[str, Parameter] = {
    "interval": Parameter("time between spikes in a burst", 3, 8, "ms", "Harris 2001"),
    "most": fixed("most spikes in a burst", 6, "", "Harris 2001"),
}
"""Bursts of every kind of cell."""


def _order(value: int) -> Parameter:
    return fixed("gamma order of intervals, rounded", value, "", "assumed")


def _spiking(
    rest_rate: tuple[float, float, str],
    burst_share: tuple[float, float, str],
    further_spikes: tuple[float, float, str],
    regularity: Parameter,
    fluctuation: tuple[float, float, str],
) -> dict[str, Parameter]:
    low, high, source = rest_rate
    return {
        "rest_rate": Parameter("rate at rest", low, high, "Hz", source, "log-normal"),
        "burst_share": Parameter(
            "share of events that are bursts",
            burst_share[0],
            burst_share[1],
            "",
            burst_share[2],
        ),
        "burst_spikes": Parameter(
            "a cell's mean of further spikes in a burst",
            further_spikes[0],
            further_spikes[1],
            "",
            further_spikes[2],
        ),
        "regularity": regularity,
        "fluctuation": Parameter(
            "deviation of a cell's fast log rate, not in slices",
            fluctuation[0],
            fluctuation[1],
            "",
            fluctuation[2],
        ),
    }


_PV_ORDER = _order(3).measured(1.1, 1.1, "DS23, DS27 (5 cells)")
_NO_BURSTS = ((0.0, 0.0, "assumed"), (1.0, 1.0, "assumed"))
_PY_FLUCTUATION = (0.4, 1.3, "around the spikes of DS02 to DS16 (98 cells)")
_PV_FLUCTUATION = (0.2, 0.8, "around the spikes of DS23, DS27 (5 cells)")
_ANY_FLUCTUATION = (0.2, 1.3, "assumed, as wide as PY and PV together")

SPIKING: dict[str, dict[str, Parameter]] = {
    "PY": _spiking(
        (0.1, 4, f"Mizuseki and Buzsaki 2013; upper end {_INSIDE}"),
        (0.1, 0.5, "Harris 2001"),
        (1, 3, "Harris 2001"),
        _order(1),
        _PY_FLUCTUATION,
    ),
    "PV basket": _spiking(
        (4, 25, "Varga 2012"), *_NO_BURSTS, _PV_ORDER, _PV_FLUCTUATION
    ),
    "PV axo-axonic": _spiking(
        (3, 20, "Varga 2014"), *_NO_BURSTS, _PV_ORDER, _PV_FLUCTUATION
    ),
    "SOM O-LM": _spiking(
        (1.5, 12, "Katona 2014"),
        (0, 0.2, "Royer 2012"),
        (1, 2, "assumed"),
        _order(2),
        _ANY_FLUCTUATION,
    ),
    "SOM bistratified": _spiking(
        (2, 15, "Katona 2014"),
        (0, 0.2, "Royer 2012"),
        (1, 2, "assumed"),
        _order(2),
        _ANY_FLUCTUATION,
    ),
    "VIP": _spiking(
        (0.4, 4, "assumed"),
        (0.05, 0.3, "assumed"),
        (1, 3, "assumed"),
        _order(1),
        _ANY_FLUCTUATION,
    ),
}
"""Spike trains of each kind."""

THETA: dict[str, dict[str, Parameter]] = {
    kind: {
        "depth": Parameter(f"{kind}, depth", low, high, "", depth_source),
        "phase": Parameter(f"{kind}, preferred phase", early, late, "deg", source),
    }
    for kind, (low, high, depth_source), (early, late, source) in (
        ("PY", (0.1, 0.5, "assumed"), (-20, 60, "Klausberger 2003")),
        ("PV basket", (0.4, 0.9, "Varga 2012"), (240, 300, "Klausberger 2003")),
        ("PV axo-axonic", (0.4, 0.9, "Varga 2014"), (150, 220, "Klausberger 2003")),
        ("SOM O-LM", (0.5, 0.9, "Varga 2012"), (-20, 60, "Klausberger 2003")),
        ("SOM bistratified", (0.5, 0.9, "Katona 2014"), (-30, 30, "Klausberger 2004")),
        ("VIP", (0.1, 0.5, "assumed"), (0, 360, "assumed")),
    )
}
"""Theta modulation of the rate while running; the trough of theta is at 0 degrees."""


def _weights(*rows: tuple[str, float, float, float, str]) -> dict[str, Parameter]:
    return {
        signal: Parameter(signal, low, high, "", source, negative=negative)
        for signal, low, high, negative, source in rows
    }


MODULATION: dict[str, dict[str, Parameter]] = {
    "PY": _weights(
        ("running", 0, 0.5, 0.3, "Mizuseki and Buzsaki 2013"),
        ("speed", 0, 0.5, 0.3, "assumed"),
        ("approach", 0, 0.6, 0.4, "assumed"),
        ("reward", 0, 0.8, 0.3, "assumed"),
        ("arousal", 0, 0.5, 0.4, "assumed"),
        ("disinhibition", 0.1, 1.0, 0.1, "Turi 2019"),
        ("ripple", 2, 20, 0, "Buzsaki 2015"),
        ("up_state", 1, 6, 0, "Steriade 1993"),
    ),
    "PV basket": _weights(
        ("running", 0.2, 1.2, 0.15, "Varga 2012"),
        ("speed", 0.2, 1.0, 0.15, "Arriaga and Han 2017"),
        ("approach", 0, 0.3, 0.5, "assumed"),
        ("reward", 0, 0.4, 0.5, "assumed"),
        ("arousal", 0, 0.5, 0.2, "Dudok 2021"),
        ("disinhibition", -0.4, 0.05, 0, "assumed"),
        ("ripple", 2, 8, 0, "Lapray 2012"),
        ("up_state", 1, 4, 0, "assumed"),
    ),
    "PV axo-axonic": _weights(
        ("running", 0.3, 1.5, 0.05, "Dudok 2021"),
        ("speed", 0.2, 1.0, 0.1, "Dudok 2021"),
        ("approach", 0, 0.3, 0.5, "assumed"),
        ("reward", 0, 0.4, 0.5, "assumed"),
        ("arousal", 0.1, 0.8, 0.1, "Dudok 2021"),
        ("disinhibition", -0.4, 0.05, 0, "assumed"),
        ("ripple", -1.0, -0.4, 0, "Dudok 2021"),
        ("up_state", 1, 4, 0, "assumed"),
    ),
    "SOM O-LM": _weights(
        ("running", 0.3, 1.5, 0.15, "Varga 2012"),
        ("speed", 0.5, 2.0, 0.15, "Arriaga and Han 2017"),
        ("approach", 0, 0.5, 0.5, "assumed"),
        ("reward", 0, 0.6, 0.6, "assumed"),
        ("arousal", 0, 0.6, 0.3, "Geiller 2020"),
        ("disinhibition", -0.9, -0.2, 0.1, "Turi 2019"),
        ("ripple", -1.0, 0.5, 0, "Varga 2012"),
        ("up_state", 0.5, 3, 0, "assumed"),
    ),
    "SOM bistratified": _weights(
        ("running", 0.1, 1.2, 0.35, "Katona 2014"),
        ("speed", 0.2, 1.5, 0.3, "Arriaga and Han 2017"),
        ("approach", 0, 0.5, 0.5, "assumed"),
        ("reward", 0, 0.6, 0.6, "assumed"),
        ("arousal", 0, 0.6, 0.3, "Geiller 2020"),
        ("disinhibition", -0.9, -0.2, 0.1, "Turi 2019"),
        ("ripple", 2, 8, 0, "Katona 2014"),
        ("up_state", 0.5, 3, 0, "assumed"),
    ),
    "VIP": _weights(
        ("running", 0, 1.0, 0.4, "Turi 2019"),
        ("speed", 0, 0.8, 0.4, "Turi 2019"),
        ("approach", 0.5, 3.0, 0.3, "Turi 2019"),
        ("reward", 0.5, 4.0, 0.25, "Turi 2019"),
        ("arousal", 0.5, 2.5, 0.25, "Fu 2014"),
        ("disinhibition", 0.5, 2.5, 0.1, "Turi 2019"),
        ("ripple", 0, 2, 0.5, "assumed"),
        ("up_state", 0.5, 3, 0, "assumed"),
    ),
}
"""How much each shared signal adds, in multiples of the resting rate."""

DRIFT: dict[str, Parameter] = {
    "excitability": Parameter(
        "deviation of a cell's slow log rate", 0.1, 0.6, "", "assumed"
    ),
    "excitability_time": Parameter("time in which it wanders", 3, 30, "s", "assumed"),
    "fluctuation_time": Parameter(
        "time in which the fast log rate fluctuates, of a session",
        0.1,
        2,
        "s",
        _INSIDE,
        "log-normal",
    ),
    "fluctuation_shared": Parameter(
        "share of its variance that all cells of a session have in common",
        0,
        0.4,
        "",
        "assumed",
    ),
}
"""Slow wandering of each cell's excitability, and the time of the fast one."""
