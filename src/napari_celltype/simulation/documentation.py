"""The parameter tables as Markdown, for the documentation."""

from __future__ import annotations

from collections.abc import Mapping

from napari_celltype.simulation import parameters
from napari_celltype.simulation.parameters import Parameter


def parameter_tables() -> str:
    """Return every number of the simulator with unit and source, as Markdown tables."""
    parts = [
        _table("Behaviour and stimuli", parameters.BEHAVIOUR),
        _table("Regimes", parameters.REGIMES),
        _table("Firing rates by regime", parameters.RATE_FACTORS),
        _table("Place fields", parameters.PLACE_CELLS),
    ]
    for cell_type, table in parameters.SPIKING.items():
        parts.append(_table(f"Spike trains of {cell_type}", table))
    for cell_type, table in parameters.MODULATION.items():
        title = f"What drives {cell_type} (multiples of the rate at rest)"
        parts.append(_table(title, table))
    parts += [
        _table("Slow drift of excitability", parameters.DRIFT),
        _table("Calcium per spike, relative to PY", parameters.CALCIUM),
        _indicators(),
        _table("Spread of kinetics and expression", parameters.KINETICS),
        _table("Nuisances", parameters.NUISANCES),
        _table("Types in a recording when no counts are given", parameters.MIXTURE),
        _table("Movie", parameters.MOVIE),
    ]
    return "\n\n".join(parts) + "\n"


def _table(title: str, table: Mapping[str, Parameter]) -> str:
    rows = [f"### {title}", "", "| parameter | value | unit | source |"]
    rows.append("|---|---|---|---|")
    rows += [
        f"| {p.meaning.replace('|', chr(92) + '|')} | {p.range_text()} | {p.unit} | "
        f"{p.source} |"
        for p in table.values()
    ]
    return "\n".join(rows)


def _indicators() -> str:
    rows = [
        "### Indicators",
        "",
        "| indicator | dF/F of one spike | rise (s) | decay (s) | exponent | "
        "saturation (spikes) | source |",
        "|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {name} | {i.amplitude:g} | {i.rise:g} | {i.decay:g} | {i.exponent:g} | "
        f"{i.saturation:g} | {i.source} |"
        for name, i in parameters.INDICATORS.items()
    ]
    return "\n".join(rows)
