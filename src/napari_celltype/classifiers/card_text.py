"""A model card as text, for `models show` and the docks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_celltype.classifiers.card import ModelCard

_Z_SCORES = {
    "trace": "of each window by itself",
    "training-set": "by the mean and deviation of the training set",
    "training-set-per-timestep": "by the training set's mean and deviation per frame",
}


def describe(card: ModelCard, sha256: str | None = None) -> str:
    """Return a card as Markdown that also reads well as plain text.

    `ModelCard.scores` maps the title of a data set to its numbers. A number may be
    given with its interval as ``{"value": 0.8, "low": 0.7, "high": 0.9, "n": 40}``;
    mappings inside a data set (one preparation, one probe) become indented lists.

    Parameters
    ----------
    card : ModelCard
    sha256 : str, optional
        Digest to show.
    """
    rate = (
        f"{card.sampling_frequency:g} Hz"
        if card.sampling_frequency is not None
        else "a frame rate that was not recorded"
    )
    seconds = (
        f" ({card.window_frames / card.sampling_frequency:g} s)"
        if card.sampling_frequency
        else ""
    )
    neuropil = (
        "raw fluorescence, neuropil not subtracted"
        if card.neuropil == "none"
        else f"fluorescence minus {card.neuropil:g} x neuropil"
    )
    proven = (
        "yes"
        if card.subtypes_proven
        else "no; interneuron subtypes are unproven on real cells"
    )
    lines = [
        f"# {card.name}",
        "",
        f"{card.architecture.upper()} that tells {', '.join(card.classes)} apart.",
        "",
        f"- Trained on: {card.trained_on}",
        f"- Origin: {card.origin}",
        f"- Subtypes proven on real cells: {proven}",
        f"- Expects: {neuropil}; windows of {card.window_frames} frames at {rate}"
        f"{seconds}; z-score {_Z_SCORES.get(card.normalization, card.normalization)}",
        f"- Unsure below: probability {card.min_probability:g}",
    ]
    if card.assumed_shares is not None:
        shares = ", ".join(f"{k} {v:.0%}" for k, v in card.assumed_shares.items())
        lines.append(f"- Shares of the types assumed where none are given: {shares}")
    if card.calibration is not None:
        lines.append(
            f"- Prediction sets: {card.calibration.coverage:.0%} coverage, "
            f"calibrated on {card.calibration.calibrated_on}"
        )
    lines += [f"- Intended use: {card.intended_use}", f"- Not for: {card.not_for}"]
    lines += ["", "## Scores", ""]
    lines += _score_lines(card.scores, 0) or ["None were measured."]
    lines += ["", "## Training", ""]
    lines += _score_lines({**card.training_data, **card.parameters}, 0)
    used = ", ".join(f"{name} {number}" for name, number in card.versions.items())
    lines += ["", f"Created {card.created}" + (f" with {used}." if used else ".")]
    if sha256:
        lines.append(f"SHA-256 {sha256}")
    # A card from elsewhere must not send control sequences to a terminal.
    return "".join(c for c in "\n".join(lines) + "\n" if c.isprintable() or c == "\n")


def _score_lines(values: Mapping[str, Any], depth: int) -> list[str]:
    """Write nested scores as an indented list."""
    lines = []
    for name, value in values.items():
        if value is None:
            continue
        bullet = f"{'  ' * depth}- {name.replace('_', ' ')}:"
        if isinstance(value, Mapping) and "value" in value:
            lines.append(f"{bullet} {_with_interval(value)}")
        elif isinstance(value, Mapping) and depth < 6:
            lines += [bullet, *_score_lines(value, depth + 1)]
        else:
            lines.append(f"{bullet} {_plain(value)}")
    return lines


def _with_interval(score: Mapping[str, Any]) -> str:
    text = _plain(score["value"])
    if "low" in score and "high" in score:
        text += f" (interval {_plain(score['low'])} to {_plain(score['high'])})"
    if "n" in score:
        text += f", n = {_plain(score['n'])}"
    return text


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list | tuple):
        return ", ".join(_plain(item) for item in value)
    return str(value)
