"""The methods paragraph of a paper, written from the provenance of a result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE
from napari_celltype.export.content import Format, Preview
from napari_celltype.labels.notes import counted

PAPER = "Troullinou et al., IEEE Trans. Emerg. Top. Comput. Intell. 2021"
_PAPER_DOI = "10.1109/TETCI.2020.3028581"
_MOST_WARNINGS = 4
_SOURCES = {
    "histology": "from histology",
    "redcell": "from a red channel",
    "manual": "by hand",
    "imported": "from a table",
}
_SOFTWARE = {"torch": "PyTorch", "numpy": "NumPy", "scipy": "SciPy"}


def methods_paragraph(provenance: Mapping[str, Any]) -> str:
    """Return what a paper has to say about the labels, as far as it is known."""
    recordings = provenance.get("recordings", [])
    models = provenance.get("models", [])
    versions = provenance.get("versions", {})
    program = f"napari-celltype {versions.get('napari-celltype', '')}".rstrip()
    n_rois = sum(r.get("n_rois", 0) for r in recordings)
    where = f"{counted(n_rois, 'ROI')} in {counted(len(recordings), 'recording')}"
    labels = [r["labels"] for r in recordings if r.get("labels")]
    summaries = [r["summary"] for r in recordings if r.get("summary")]
    pipelines = [r["pipeline"] for r in recordings if r.get("pipeline")]
    found_by = dict.fromkeys(p["name"] for p in pipelines) or ["the file"]
    if models:
        first = (
            f"Cell types of {where} were predicted from their calcium traces with "
            f"{program}, an implementation of the networks of {PAPER}."
        )
    else:
        some = "some were given a label" if labels else "none has a label"
        first = f"Of {where}, {some} in {program}; no model told their cell types."
    inputs = _listed(r.get("input") for r in recordings)
    rates = _listed(
        f"{rate:g} Hz ({r.get('sampling_frequency_source', 'unknown')})"
        for r in recordings
        if (rate := r.get("sampling_frequency")) is not None
    )
    least = _listed(f"{p:g}" for r in recordings if (p := r.get("min_probability")))
    shares = _listed(_shares(r) for r in recordings if r.get("shares"))
    sentences = [
        first,
        inputs and f"The input was fluorescence ({inputs}).",
        rates and f"The frame rate per plane was {rates}.",
        *map(_model, models),
        "Each ROI got the more probable group (pyramidal cell or interneuron) and the "
        "most probable type inside it." * bool(models),
        least and f"Types less probable than {least} were left {UNSURE}.",
        f"ROIs that {' or '.join(found_by)} does not call cells were left out."
        * any(r.get("only_iscell") for r in recordings),
        shares and f"The shares of the types were {shares}.",
        *_named(summaries),
        *_labelled(labels, bool(summaries)),
        _warnings(recordings),
        _software(versions, pipelines, bool(models)),
    ]
    cited = [f"{PAPER} (doi:{_PAPER_DOI})"] if models else []
    cited += dict.fromkeys(pipeline["citation"] for pipeline in pipelines)
    sentences.append(f"To be cited: {'; '.join(cited)}." if cited else "")
    return " ".join(filter(None, sentences))


def _model(card: Mapping[str, Any]) -> str:
    digest = str(card.get("sha256", ""))[:12]
    classes = [str(name) for name in card.get("classes", ())]
    rate = card.get("sampling_frequency")
    text = f"The model {card.get('name', 'unnamed')}"
    text += f" (SHA-256 {digest})" if digest else ""
    text += f" tells {', '.join(classes)} apart" if classes else " was used"
    text += f" at {rate:g} Hz." if rate else "."
    if card.get("trained_on"):
        text += f" Training data: {str(card['trained_on']).rstrip('.')}."
    tree = DEFAULT_TYPES.including(classes)
    finer = not classes or any(tree.group(name) != name for name in classes)
    if finer and not card.get("subtypes_proven", False):
        text += (
            " Its interneuron types are unproven on real cells, so what it says "
            "of them is a hypothesis, not an identification."
        )
    return text


def _shares(recording: Mapping[str, Any]) -> str:
    shares = ", ".join(f"{n} {100 * p:.3g} %" for n, p in recording["shares"].items())
    assumed = recording.get("prior") is None
    return f"{'assumed by the model' if assumed else 'given'} ({shares})"


def _warnings(recordings: Sequence[Mapping[str, Any]]) -> str:
    """Tell a few of the warnings; the provenance has all, recording by recording."""
    warned = [r["warnings"] for r in recordings if r.get("warnings")]
    if not warned:
        return ""
    found = list(dict.fromkeys(sentence for part in warned for sentence in part))
    if (more := len(found) - _MOST_WARNINGS) > 0:
        further = f"{counted(more, 'further warning')}: see provenance."
        found[_MOST_WARNINGS:] = [further]
    of_all = f"{len(warned)} of {counted(len(recordings), 'recording')}"
    return f"Warnings were given for {of_all}: {' '.join(found)}"


def _software(
    versions: Mapping[str, str], pipelines: list[Mapping[str, Any]], classified: bool
) -> str:
    used = [f"{t} {versions[n]}" for n, t in _SOFTWARE.items() if n in versions]
    used *= classified
    for name in dict.fromkeys(p["name"] for p in pipelines):
        if of_files := _listed(p["version"] for p in pipelines if p["name"] == name):
            used.append(f"{name} {of_files} (of the files)")
    return f"Software: {', '.join(used)}." if used else ""


def _named(summaries: Iterable[Mapping[str, Any]]) -> list[str]:
    """Say how many ROIs got which name, and how many are expected to be right."""
    types, rois, right = Counter[str](), Counter[str](), Counter[str]()
    bases: list[str] = []
    for summary in summaries:
        types.update({n: c["rois"] for n, c in summary.get("types", {}).items()})
        bases += summary.get("basis", ())
        for name, called in summary.get("groups", {}).items():
            if called["rois"] and called["expected_right"] is not None:
                rois[name] += called["rois"]
                right[name] += called["expected_right"]
    sentences = []
    if types:
        unsure = types.pop(UNSURE, 0)
        named = ", ".join(f"{n} {name}" for name, n in types.items() if n)
        sentences.append(f"Named were {named or 'none'}; {unsure} stayed {UNSURE}.")
    if rois:
        counts = ", ".join(
            f"{right[name]:{'.0f' if right[name] >= 100 else '.3g'}} of {n} called "
            f"{name}"
            for name, n in rois.items()
        )
        sentences.append(
            f"With these shares and the model's calibration on {_listed(bases)}, about "
            f"{counts} are expected to be right."
        )
    return sentences


def _labelled(tables: list[Mapping[str, Any]], classified: bool) -> list[str]:
    """Say how many cells people labelled as what, and what they saw meanwhile."""
    types, sources, total = Counter[str](), Counter[str](), Counter[str]()
    for labels in tables:
        types.update(labels["types"])
        sources.update(labels["sources"])
        total.update({n: k for n, k in labels.items() if isinstance(k, int)})
    sentences = []
    if n_cells := types.total():
        kinds = ", ".join(
            f"{n} {'not ' * name.startswith('!')}{name.removeprefix('!')}"
            for name, n in types.items()
        )
        ways = ", ".join(f"{_SOURCES.get(s, s)} ({n})" for s, n in sources.items())
        unknown = total["sight_unknown"]
        sentences += [
            f"{counted(n_cells, 'cell')} had a label that no model gave ({kinds}): "
            f"{ways}.",
            f"{total['blind']} of these labels were given without sight of the trace "
            "or of a prediction"
            + (f", for {unknown} nobody noted it." if unknown else "."),
        ]
    if accepted := total["accepted_predictions"]:
        sentences.append(
            f"{counted(accepted, 'label')} repeated a prediction that a person "
            "accepted, which is no ground truth."
        )
    if no_somata := total["not_a_soma"]:
        sentences.append(
            f"{counted(no_somata, 'ROI')} {'was' if no_somata == 1 else 'were'} "
            "labelled as no cell body"
            + "; what the model says of them is among the counts above" * classified
            + "."
        )
    return sentences


def _listed(values: Iterable[str | None]) -> str:
    """Join the distinct values in the order in which they appear."""
    return "; ".join(dict.fromkeys(v for v in values if v))


METHODS = Format(
    "methods",
    "Methods paragraph",
    ".txt",
    "For a paper's methods.",
    lambda content: Preview(methods_paragraph(content.origin)),
    lambda content, path: path.write_bytes(
        f"{methods_paragraph(content.origin)}\n".encode()
    ),
)
