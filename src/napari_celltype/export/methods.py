"""The methods paragraph of a paper, written from the provenance of a result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from napari_celltype.celltypes import DEFAULT_TYPES

PAPER = "Troullinou et al., IEEE Trans. Emerg. Top. Comput. Intell. 2021"
_MOST_WARNINGS = 4


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
    sentences += _stability(recordings)
    sentences += _warnings(recordings)
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
    if not card.get("subtypes_proven", False) and _has_subtypes(card):
        text += (
            " Its interneuron types are unproven on real cells, so its labels are "
            "hypotheses, not identifications."
        )
    return text


def _has_subtypes(card: Mapping[str, Any]) -> bool:
    classes = [str(name) for name in card.get("classes", ())]
    tree = DEFAULT_TYPES.including(classes)
    return not classes or any(tree.group(name) != name for name in classes)


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
    counts = ", ".join(f"{_about(right[n])} of {rois[n]} called {n}" for n in rois)
    return [
        f"With these shares and the model's calibration on {basis}, about {counts} are "
        "expected to be right."
    ]


def _stability(recordings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say that stability was computed, and what it is."""
    medians = [
        found["median"]
        for r in recordings
        if (found := r.get("stability")) and found["median"] is not None
    ]
    if not medians:
        return []
    low, high = f"{min(medians):.2g}", f"{max(medians):.2g}"
    return [
        "Labels were checked for stability: the share of changes of noise, baseline, "
        "gain, neuropil and length that leave the best guess as it is (median over "
        f"ROIs {low if low == high else f'{low} to {high}'} in "
        f"{_count(len(medians), 'recording')})."
    ]


def _warnings(recordings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Repeat what the program warned of; the provenance has them recording by one."""
    warned = [r["warnings"] for r in recordings if r.get("warnings")]
    if not warned:
        return []
    told = list(dict.fromkeys(sentence for part in warned for sentence in part))
    more = len(told) - _MOST_WARNINGS
    if more > 0:
        told[_MOST_WARNINGS:] = [f"{_count(more, 'further warning')}: see provenance."]
    of_all = f"{len(warned)} of {_count(len(recordings), 'recording')}"
    return [f"Warnings were given for {of_all}: {' '.join(told)}"]


def _rate(recording: Mapping[str, Any]) -> str | None:
    rate = recording.get("sampling_frequency")
    if rate is None:
        return None
    return f"{rate:g} Hz ({recording.get('sampling_frequency_source', 'unknown')})"


def _about(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _listed(values: Iterable[str | None]) -> str:
    """Join the distinct values in the order in which they appear."""
    return "; ".join(dict.fromkeys(v for v in values if v))
