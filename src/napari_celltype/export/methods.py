"""The methods paragraph of a paper, written from the provenance of a result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE
from napari_celltype.export.content import Content, Format, Preview

PAPER = "Troullinou et al., IEEE Trans. Emerg. Top. Comput. Intell. 2021"
PAPER_DOI = "10.1109/TETCI.2020.3028581"
SUITE2P = "suite2p: Pachitariu et al., bioRxiv 061507, 2017 (doi:10.1101/061507)"
_MOST_WARNINGS = 4
_SOURCES = {
    "histology": "from histology",
    "redcell": "from a red channel",
    "manual": "by hand",
    "imported": "from a table",
}


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
    sentences = [_opening(provenance)]
    inputs = _listed(r.get("input") for r in recordings)
    if inputs:
        sentences.append(f"The input was suite2p's fluorescence ({inputs}).")
    rates = _listed(_rate(r) for r in recordings)
    if rates:
        sentences.append(f"The frame rate per plane was {rates}.")
    sentences += [_model_sentence(card) for card in models]
    if models:
        sentences.append(
            "Each ROI got the more probable group (pyramidal cell or interneuron) and "
            "the most probable type inside it."
        )
    least = _listed(f"{p:g}" for r in recordings if (p := r.get("min_probability")))
    if least:
        sentences.append(f"Types less probable than {least} were left {UNSURE}.")
    if any(r.get("only_iscell") for r in recordings):
        sentences.append("ROIs that suite2p does not call cells were left out.")
    shares = _listed(_shares(r) for r in recordings)
    if shares:
        sentences.append(f"The shares of the types were {shares}.")
    sentences += _named(recordings)
    sentences += _expectations(recordings)
    sentences += _labels(recordings)
    sentences += _warnings(recordings)
    sentences += _software(provenance)
    return " ".join(sentences)


def _opening(provenance: Mapping[str, Any]) -> str:
    recordings = provenance.get("recordings", [])
    version = provenance.get("versions", {}).get("napari-celltype", "")
    program = f"napari-celltype {version}".rstrip()
    n_rois = sum(r.get("n_rois", 0) for r in recordings)
    where = f"{_count(n_rois, 'ROI')} in {_count(len(recordings), 'recording')}"
    labelled = any(r.get("labels") for r in recordings)
    if not provenance.get("models"):
        said = "some were given a label" if labelled else "none has a label"
        return f"Of {where}, {said} in {program}; no model told their cell types."
    return (
        f"Cell types of {where} were predicted from their calcium traces with "
        f"{program}, an implementation of the networks of {PAPER}."
    )


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
            " Its interneuron types are unproven on real cells, so what it says "
            "of them is a hypothesis, not an identification."
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


def _named(recordings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say how many ROIs got which name."""
    counts: Counter[str] = Counter()
    for recording in recordings:
        types = recording.get("summary", {}).get("types", {})
        counts.update({name: called["rois"] for name, called in types.items()})
    if not counts:
        return []
    unsure = counts.pop(UNSURE, 0)
    named = ", ".join(f"{n} {name}" for name, n in counts.items() if n)
    return [f"Named were {named or 'none'}; {unsure} stayed {UNSURE}."]


def _labels(recordings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say how many cells people labelled as what, and what they saw meanwhile."""
    told = [labels for r in recordings if (labels := r.get("labels"))]
    types, sources = Counter[str](), Counter[str]()
    for labels in told:
        types.update(labels["types"])
        sources.update(labels["sources"])
    n_cells = types.total()
    accepted = sum(labels["accepted_predictions"] for labels in told)
    sentences = []
    if n_cells:
        kinds = ", ".join(
            f"{n} {'not ' * name.startswith('!')}{name.removeprefix('!')}"
            for name, n in types.items()
        )
        ways = ", ".join(f"{_SOURCES.get(s, s)} ({n})" for s, n in sources.items())
        sentences.append(
            f"{_count(n_cells, 'cell')} had a label that no model gave ({kinds}): "
            f"{ways}."
        )
        blind = sum(labels["blind"] for labels in told)
        unknown = sum(labels["sight_unknown"] for labels in told)
        seen = f"{blind} of these labels were given without sight of the trace or of a"
        seen += " prediction"
        seen += f", for {unknown} nobody noted it." if unknown else "."
        sentences.append(seen)
    if accepted:
        sentences.append(
            f"{_count(accepted, 'label')} repeated a prediction that a person "
            "accepted, which is no ground truth."
        )
    no_somata = sum(labels["not_a_soma"] for labels in told)
    if no_somata:
        counted = any(r.get("summary") for r in recordings)
        verb = "was" if no_somata == 1 else "were"
        sentences.append(
            f"{_count(no_somata, 'ROI')} {verb} labelled as no cell body"
            + "; what the model says of them is among the counts above" * counted
            + "."
        )
    return sentences


def _software(provenance: Mapping[str, Any]) -> list[str]:
    """Name the versions that numbers depend on, and what is to be cited."""
    found = provenance.get("versions", {})
    names = {"torch": "PyTorch", "numpy": "NumPy", "scipy": "SciPy"}
    wanted = names if provenance.get("models") else {"numpy": "NumPy"}
    versions = [f"{w} {found[n]}" for n, w in wanted.items() if n in found]
    recordings = provenance.get("recordings", [])
    of_files = _listed(r.get("suite2p_version") for r in recordings)
    if of_files:
        versions.append(f"suite2p {of_files} (of the files)")
    cite = [f"{PAPER} (doi:{PAPER_DOI})"] if provenance.get("models") else []
    # Files of a recording are suite2p's.
    cite += [SUITE2P] if any(r.get("files") for r in recordings) else []
    return [
        *([f"Software: {', '.join(versions)}."] if versions else []),
        *([f"To be cited: {'; '.join(cite)}."] if cite else []),
    ]


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


def _preview(content: Content) -> Preview:
    return Preview(methods_paragraph(content.origin))


def _write(content: Content, path: Path) -> None:
    path.write_bytes(f"{methods_paragraph(content.origin)}\n".encode())


METHODS = Format(
    "methods",
    "Methods paragraph",
    ".txt",
    "For a paper's methods.",
    _preview,
    _write,
)
