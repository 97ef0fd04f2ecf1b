"""A model card as text, for `models show`, the docks and the documentation."""

from __future__ import annotations

from collections.abc import Mapping

from napari_celltype.classifiers.calibration import Calibration
from napari_celltype.classifiers.card import ModelCard
from napari_celltype.classifiers.score_text import plain, score_lines, table_lines

_Z_SCORES = {
    "trace": "of each window by itself",
    "training-set": "by the mean and deviation of the training set",
    "training-set-per-timestep": "by the training set's mean and deviation per frame",
}
_INTERVALS = "In brackets the interval, and n the cells, where they were measured."


def describe(card: ModelCard, sha256: str | None = None) -> str:
    """Return a card as Markdown that also reads well as plain text.

    `ModelCard.scores` maps the title of a data set to its numbers. A number may be
    given with its interval as ``{"value": 0.8, "low": 0.7, "high": 0.9, "n": 40}``;
    mappings inside a data set (one preparation, one probe) become headings and lists,
    counts of guesses by true type, and curves, become tables.

    Parameters
    ----------
    card : ModelCard
    sha256 : str, optional
        Digest to show.
    """
    lines = [
        f"# {card.name}",
        "",
        f"{card.architecture.upper()} that tells {', '.join(card.classes)} apart.",
        "",
        *_what_it_is(card),
        *_input(card),
        *_promises(card),
        *_scores(card),
        "## What it is for",
        "",
        plain(card.intended_use),
        "",
        "## What not to use it for",
        "",
        plain(card.not_for),
        "",
        "## Training",
        "",
        *score_lines({**card.training_data, **card.parameters}),
    ]
    used = ", ".join(f"{name} {number}" for name, number in card.versions.items())
    lines.append(f"Created {card.created}" + (f" with {used}." if used else "."))
    if sha256:
        lines += ["", f"SHA-256 {sha256}"]
    # A card from elsewhere must not send control sequences to a terminal.
    return "".join(c for c in "\n".join(lines) + "\n" if c.isprintable() or c == "\n")


def _what_it_is(card: ModelCard) -> list[str]:
    proven = (
        "yes"
        if card.subtypes_proven
        else "no; interneuron subtypes are unproven on real cells"
    )
    lines = [
        "## What it is",
        "",
        f"- Trained on: {plain(card.trained_on)}",
        f"- Origin: {card.origin}",
        f"- Subtypes proven on real cells: {proven}",
    ]
    if card.assumed_shares is not None:
        shares = _shares(card.assumed_shares)
        lines.append(f"- Shares of the types assumed where none are given: {shares}")
    return [*lines, ""]


def _input(card: ModelCard) -> list[str]:
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
    lines = [
        "## What input it expects",
        "",
        f"- Traces: {neuropil}",
        f"- Cut into: windows of {card.window_frames} frames at {rate}{seconds}; "
        "faster recordings are averaged down, slower ones are refused",
        f"- Z-score: {z_score}",
        "",
    ]
    if card.domain:
        rows = [
            [name, plain(limits["low"]), plain(limits["high"])]
            for name, limits in card.domain.items()
        ]
        lines += [
            "98 % of cells like those of its training lie in each of these ranges; a "
            "recording whose median does not is warned about:",
            "",
            *table_lines(["property", "from", "to"], rows),
        ]
    return lines


def _promises(card: ModelCard) -> list[str]:
    title = "## What it promises, and on what"
    if card.calibration is None:
        line = "Nothing was calibrated: how many of its names are right is not known."
        return [title, "", line, ""]
    return [title, "", *_calibration_lines(card.calibration)]


def _calibration_lines(calibration: Calibration) -> list[str]:
    on = f"on {plain(calibration.calibrated_on)}"
    classes = list(calibration.steps[0].prediction_set)
    rows = [
        [
            str(step.n_windows),
            f"{step.temperature:g}",
            *(f"{step.prediction_set[c]:.3g}" for c in classes),
        ]
        for step in calibration.steps
    ]
    return [
        f"- Probabilities are calibrated {on}: the mean log-probability of a cell's "
        "windows is divided by the temperature for their number.",
        "- Prediction sets hold the type of at least "
        f"{calibration.coverage:.0%} {on}: of the cells of each type, sessions counted "
        "alike.",
        f"- Both were set on {calibration.sessions} sessions with {calibration.cells} "
        f"cells, {on}.",
        "",
        "A type is in the prediction set from these probabilities (of the model):",
        "",
        *table_lines(["windows from", "temperature", *classes], rows),
    ]


def _scores(card: ModelCard) -> list[str]:
    """Write the scores on simulation, then those on real cells."""
    if not card.scores:
        return ["## Scores", "", "None were measured.", ""]
    real = [title for title in card.scores if "real" in title.lower()]
    simulated = [t for t in card.scores if t not in real and card.origin != "user"]
    simulated.sort(key=lambda title: title.startswith("reliability"))
    others = [t for t in card.scores if t not in real and t not in simulated]
    lines = []
    for title, names in (
        ("Scores on simulation", simulated),
        ("Scores on real cells", real),
        ("Scores", others),
    ):
        if names:
            lines += [f"## {title}", "", _INTERVALS, ""]
        for name in names:
            if len(names) == 1 and isinstance(card.scores[name], Mapping):
                lines += [f"Measured on: {plain(name)}", ""]
                lines += score_lines(card.scores[name])
            else:
                lines += score_lines({name: card.scores[name]})
    return lines


def _shares(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {share:.3g}" for name, share in shares.items())
