"""What stands beside every score: another way of splitting, probes, shuffled labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from napari_celltype.protocol.experiment import Condition, Experiment, ExperimentData
from napari_celltype.protocol.groups import identity
from napari_celltype.protocol.paper_protocol import PaperProtocol
from napari_celltype.protocol.surrogates import surrogate_note

SHUFFLED_SPLITS = 2


def with_controls(
    name: str,
    title: str,
    main: Sequence[Condition],
    best: Sequence[Condition],
    data: ExperimentData,
    protocol: PaperProtocol,
    notes: Iterable[str] = (),
) -> Experiment:
    """Make an experiment with what every score needs beside it.

    That is: the best classifiers under another way of splitting, single numbers as
    probes under both ways, and trainings on shuffled labels.

    Parameters
    ----------
    main : sequence of Condition
        What was asked for.
    best : sequence of Condition
        Those of which the counterparts are computed.
    """
    other, sentences = counterpart(data, protocol)
    probes = _probes(data, protocol.split)
    shuffled = [
        replace(
            one,
            name=f"{one.name}, shuffled labels",
            shuffled=True,
            surrogates=False,
            n_splits=min(SHUFFLED_SPLITS, protocol.n_splits),
        )
        for one in best
    ]
    others = []
    if other is not None:
        others = [
            replace(one, name=f"{one.name} ({other})", way=other)
            for one in (*best, *_probes(data, other))
        ]
    conditions = (*main, *probes, *shuffled, *others)
    said = [*notes, *sentences]
    if any(one.surrogates for one in conditions):
        said.append(surrogate_note(data.traces.sampling_frequency))
    return Experiment(name, title, conditions, tuple(said))


def counterpart(
    data: ExperimentData, protocol: PaperProtocol
) -> tuple[str | None, tuple[str, ...]]:
    """Return the way that runs beside the one asked for, and what is unknown.

    That is the strictest that the groups allow; beside the strictest, the paper's.
    """
    from napari_celltype.protocol.splits import strictest_way

    strictest, sentences = strictest_way(data.traces, data.targets)
    return "paper" if strictest == protocol.split else strictest, sentences


def _probes(data: ExperimentData, way: str) -> list[Condition]:
    """Return the probes that a way allows: an unseen session cannot be looked up."""
    names = list(data.probes)
    sessions = identity(data.traces, "session_id")
    if sessions is not None and way in ("paper", "random", "by-cell"):
        names.append("session")
    return [Condition(f"probe: {name}", f"probe: {name}", way=way) for name in names]
