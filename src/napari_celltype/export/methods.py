"""The methods paragraph of a paper, written from the provenance of a result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

PAPER = "Troullinou et al., IEEE Trans. Emerg. Top. Comput. Intell. 2021"


def methods_paragraph(provenance: Mapping[str, Any]) -> str:
    """Return what a reader of a paper has to know about the labels.

    It says only what the provenance holds, and says so where the model was not proven
    on real cells.

    Parameters
    ----------
    provenance : mapping
        What `provenance` returned, or `read_provenance` read.
    """
    recordings = provenance.get("recordings", [])
    models = provenance.get("models", [])
    version = provenance.get("versions", {}).get("napari-celltype", "")
    n_rois = sum(r.get("n_rois", 0) for r in recordings)
    sentences = [
        f"Cell types of {n_rois} ROIs in {_count(len(recordings), 'recording')} were "
        f"predicted from their calcium traces with napari-celltype {version}".rstrip()
        + f", an implementation of the networks of {PAPER}."
    ]
    inputs = _listed(r.get("input") for r in recordings)
    if inputs:
        sentences.append(f"The input was suite2p's fluorescence ({inputs}).")
    rates = _listed(_rate(r) for r in recordings)
    if rates:
        sentences.append(f"The frame rate per plane was {rates}.")
    sentences += [_model_sentence(card) for card in models]
    sentences += dict.fromkeys(
        sentence
        for r in recordings
        for sentence in r.get("summary", {}).get("naming", ())
    )
    if any(r.get("only_iscell") for r in recordings):
        sentences.append("ROIs that suite2p does not call cells were left out.")
    shares = _listed(_shares(r) for r in recordings)
    if shares:
        sentences.append(f"The shares of the types were {shares}.")
    sentences += _expectations(recordings)
    return " ".join(sentences)


def _model_sentence(card: Mapping[str, Any]) -> str:
    name = card.get("name", "unnamed")
    digest = str(card.get("sha256", ""))[:12]
    classes = ", ".join(card.get("classes", ()))
    rate = card.get("sampling_frequency")
    text = f"The model {name}" + (f" (SHA-256 {digest})" if digest else "")
    text += f" tells {classes} apart" if classes else " was used"
    text += f" at {rate:g} Hz." if rate else "."
    if card.get("trained_on"):
        text += f" Training data: {str(card['trained_on']).rstrip('.')}."
    if not card.get("subtypes_proven", False):
        text += (
            " Its interneuron types are unproven on real cells, so its labels are "
            "hypotheses, not identifications."
        )
    return text


def _shares(recording: Mapping[str, Any]) -> str | None:
    if not recording.get("shares"):
        return None
    shares = ", ".join(f"{n} {100 * p:.3g} %" for n, p in recording["shares"].items())
    assumed = recording.get("prior") is None
    return f"{'assumed by the model' if assumed else 'given'} ({shares})"


def _expectations(recordings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say how many labels of each group are expected to be right, and on what basis."""
    rois: dict[str, int] = {}
    right: dict[str, float] = {}
    summaries = [r.get("summary", {}) for r in recordings]
    for summary in summaries:
        for name, called in summary.get("groups", {}).items():
            if called["rois"] and called["expected_right"] is not None:
                rois[name] = rois.get(name, 0) + called["rois"]
                right[name] = right.get(name, 0.0) + called["expected_right"]
    if not rois:
        return []
    basis = _listed(text for summary in summaries for text in summary["basis"])
    counts = ", ".join(f"{right[n]:.3g} of {rois[n]} called {n}" for n in rois)
    return [
        f"With these shares and the model's calibration on {basis}, about {counts} are "
        "expected to be right."
    ]


def _rate(recording: Mapping[str, Any]) -> str | None:
    rate = recording.get("sampling_frequency")
    if rate is None:
        return None
    return f"{rate:g} Hz ({recording.get('sampling_frequency_source', 'unknown')})"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _listed(values: Iterable[str | None]) -> str:
    """Join the distinct values in the order in which they appear."""
    return "; ".join(dict.fromkeys(v for v in values if v))
