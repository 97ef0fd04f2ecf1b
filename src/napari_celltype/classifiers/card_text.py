"""A model card as text, for `models show`, the docks and the documentation."""

from __future__ import annotations

import textwrap

from napari_celltype.classifiers import network_title
from napari_celltype.classifiers.card import ModelCard
from napari_celltype.classifiers.score import score_table

_WIDTH = 88
_Z_SCORES = {
    "trace": "of each trace that the network sees, by itself",
    "training-set": "by the mean and deviation of the training set",
    "training-set-per-timestep": "by the training set's mean and deviation per frame",
}


def describe(card: ModelCard, sha256: str | None = None) -> str:
    """Return a card as Markdown that also reads well as plain text, on one screen.

    Parameters
    ----------
    card : ModelCard
    sha256 : str, optional
        Digest to show.
    """
    classes = ", ".join(card.classes)
    what = f"Tells {classes} apart (network: {network_title(card.architecture)})."
    if not card.subtypes_proven:
        what += " Interneuron subtypes are unproven on real cells."
    used = ", ".join(f"{name} {number}" for name, number in card.versions.items())
    lines = [
        f"# {card.name}",
        "",
        *_wrapped(what),
        "",
        *_wrapped(f"- Trained on: {card.trained_on}"),
        *_wrapped(f"- Input: {_input(card)}"),
        *_wrapped(f"- Calibrated: {_calibration(card)}"),
        *_wrapped(f"- For: {card.intended_use}"),
        *_wrapped(f"- Not for: {card.not_for}"),
        "",
        *_scores(card),
        "",
        *_wrapped(f"Created {card.created}" + (f" with {used}." if used else ".")),
    ]
    if sha256:
        lines.append(f"SHA-256 {sha256}")
    # A card from elsewhere must not send control sequences to a terminal.
    return "".join(c for c in "\n".join(lines) + "\n" if c.isprintable() or c == "\n")


def _wrapped(text: str) -> list[str]:
    indent = "  " if text.startswith("- ") else ""
    return textwrap.wrap(
        " ".join(text.split()),
        _WIDTH,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _input(card: ModelCard) -> str:
    rate, seconds = "a frame rate that was not recorded", ""
    if card.sampling_frequency is not None:
        rate = f"{card.sampling_frequency:g} Hz"
        seconds = f" ({card.window_frames / card.sampling_frequency:g} s)"
    neuropil = (
        "raw fluorescence, neuropil not subtracted"
        if card.neuropil == "none"
        else f"fluorescence minus {card.neuropil:g} x neuropil"
    )
    z_score = _Z_SCORES.get(card.normalization, card.normalization)
    return (
        f"{neuropil}; windows of {card.window_frames} frames at {rate}{seconds}; "
        f"z-score {z_score}."
    )


def _calibration(card: ModelCard) -> str:
    if card.calibration is None:
        return "no; how often a probability is right is not known."
    of = card.calibration
    # Of a user's own model the number of cells is in the words.
    user = card.origin == "user"
    size = "" if user else f", {of.sessions} sessions, {of.cells} cells"
    said = (
        f"on {of.calibrated_on}{size}; prediction sets hold the type of at least "
        f"{of.coverage:.0%} there."
    )
    if card.assumed_shares:
        shares = (f"{name} {share:.3g}" for name, share in card.assumed_shares.items())
        said += f" Shares assumed where none are given: {', '.join(shares)}."
    return said


def _scores(card: ModelCard) -> list[str]:
    if not card.scores:
        return ["No scores were measured."]
    units = " or ".join(dict.fromkeys(score.unit for score in card.scores))
    return [
        *score_table(card.scores),
        "",
        *_wrapped(
            f"n: cells. In brackets the 95 % interval, resampling {units}. Best "
            "number: the single number of a trace that does best on the same cells."
        ),
    ]
