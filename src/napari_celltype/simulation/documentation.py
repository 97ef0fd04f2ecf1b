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
        _table("Rates in slice-like sessions", parameters.SLICE),
    ]
    for cell_type, shares in parameters.KINDS.items():
        parts.append(_table(f"Kinds of {cell_type} and their shares", shares))
    parts += [
        _table("Silent pyramidal cells and place fields", parameters.PYRAMIDAL),
        _table("Bursts", parameters.BURST),
    ]
    for kind, table in parameters.SPIKING.items():
        parts.append(_table(f"Spike trains of {kind}", table))
    for kind, table in parameters.MODULATION.items():
        title = f"What drives {kind} (multiples of the rate at rest)"
        parts.append(_table(title, table))
    theta = {
        f"{kind} {name}": parameter
        for kind, table in parameters.THETA.items()
        for name, parameter in table.items()
    }
    parts += [
        _table("Theta while running (its trough at 0 degrees)", theta),
        _table("Slow drift of excitability", parameters.DRIFT),
        _table("Calcium per spike, relative to PY", parameters.CALCIUM),
    ]
    for name, table in parameters.INDICATORS.items():
        parts.append(_table(f"Indicator {name}", table))
    parts += [
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
        f"{_source(p)} |"
        for p in table.values()
    ]
    return "\n".join(rows)


def _source(parameter: Parameter) -> str:
    """Return the source and, of a measured number, what stands in for it."""
    other = parameter.literature
    if other is None:
        return parameter.source
    return (
        f"{parameter.source}; without these cells {other.range_text()}, {other.source}"
    )
