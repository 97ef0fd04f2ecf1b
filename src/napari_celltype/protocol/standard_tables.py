"""The tables that every report has, whatever the experiment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from napari_celltype.protocol.comparison import Difference
from napari_celltype.protocol.design import UNITS, Design
from napari_celltype.protocol.paper_numbers import HEADING, printed_accuracy
from napari_celltype.protocol.report_table import Cell, Table
from napari_celltype.protocol.scores import Score
from napari_celltype.protocol.words import bare, in_words, same_training

BALANCED = "balanced accuracy"
INTERVAL = "balanced accuracy [95 %]"


def design_table(design: Design) -> Table:
    """Count what each label stands on; first in every report."""
    rows: list[tuple[Cell, ...]] = [
        (row.label, row.examples, *(getattr(row, unit) for unit in UNITS))
        for row in design.rows
    ]
    rows.append(
        (
            "hold one type only",
            None,
            *(_percent(design.exclusive.get(unit)) for unit in UNITS),
        )
    )
    caption = "A dash: the data do not say."
    return Table(
        "design",
        "What the data are",
        ("label", "examples", *UNITS),
        tuple(rows),
        caption,
    )


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.0f} %"


def scores_table(scores: Sequence[Score]) -> Table:
    """Return each classifier under each way, with all that a score needs beside it."""
    table = Table(
        "scores",
        "Scores",
        (
            "classifier",
            "split",
            INTERVAL,
            "over",
            "chance",
            "accuracy, mean (SD)",
            "majority level",
            "training time (s), mean (SD)",
            "splits",
            "examples",
            "cells",
        ),
        tuple(
            (
                s.name,
                in_words(s.way),
                s.interval,
                f"{s.interval.n} {s.interval.unit}",
                s.chance,
                s.accuracy,
                s.majority,
                s.train_seconds,
                s.n_splits,
                s.n_examples,
                s.n_cells,
            )
            for s in scores
        ),
        "Brackets: 95 % bootstrap interval of the score of all tested examples, drawn "
        "by whole groups as named under “over”; none where these are too few. "
        "Parentheses: standard deviation over splits. It is no error bar, because the "
        "training sets of the splits overlap. Chance belongs to the balanced accuracy; "
        "the majority level is the accuracy of always naming the most frequent type.",
    )
    printed = [printed_accuracy(s.classifier, s.parameters, s.way) for s in scores]
    return table.with_column(f"accuracy, {HEADING}", printed)


def side_by_side(scores: Sequence[Score], ways: Sequence[str]) -> Table | None:
    """Return the classifiers that ran under two ways, one way beside the other."""
    by_key = {(s.name, s.way): s for s in scores}
    names = [
        name
        for name in dict.fromkeys(s.name for s in scores)
        if all((name, way) in by_key for way in ways)
        and all(same_training(by_key[name, ways[0]], by_key[name, w]) for w in ways)
    ]
    if len(ways) < 2 or not names:
        return None
    return Table(
        "ways",
        f"{in_words(ways[0]).capitalize()} beside {in_words(ways[1])}",
        ("classifier", *(f"{in_words(way)}: {INTERVAL}" for way in ways), "chance"),
        tuple(
            (
                name,
                *(by_key[name, way].interval for way in ways),
                by_key[name, ways[0]].chance,
            )
            for name in names
        ),
        "Splits at random, the paper's among them, put traces of one cell, one "
        "recording and one animal on both sides. What is lost when they are "
        "kept apart may have been about the animal or the recording. Training sets "
        "of other sizes, and few animals, can lower a score as well.",
    )


def differences_table(differences: Sequence[Difference]) -> Table | None:
    """Return the comparisons of classifiers on the same splits."""
    if not differences:
        return None
    named = any(d.name for d in differences)
    return Table(
        "differences",
        "Differences between classifiers",
        (
            "classifier",
            "minus",
            "split",
            "difference",
            "low",
            "high",
            "p",
            "splits",
            *(("name",) if named else ()),
        ),
        tuple(
            (
                d.one,
                d.other,
                in_words(d.way),
                d.mean,
                d.low,
                d.high,
                d.p,
                d.n_splits,
                *((d.name,) if named else ()),
            )
            for d in differences
        ),
        "Difference in balanced accuracy on the same splits, with the 95 % interval "
        "and the p-value of the corrected t-test (Nadeau and Bengio 2003), which "
        "allows for overlapping training sets. It speaks of these cells and animals, "
        f"not of new ones. The p-values are not corrected for the {len(differences)} "
        f"comparison{'s' * (len(differences) != 1)} of this table, nor for the choice "
        "of the best classifier.",
    )


def classes_table(scores: Sequence[Score]) -> Table:
    """Return precision, recall and specificity of each type (Table II)."""
    measures = ("precision", "recall", "specificity")
    return Table(
        "classes",
        "By cell type",
        ("classifier", "split", "cell type", *measures, "tested"),
        tuple(
            (
                s.name,
                in_words(s.way),
                name,
                *(spreads[what] for what in measures),
                sum(s.counts[row]),
            )
            for s in scores
            for row, (name, spreads) in enumerate(s.per_class.items())
        ),
        "Mean over the splits that define it, standard deviation in parentheses. "
        "“tested” counts the answers of all splits. A dash: undefined in every split. "
        "Precision holds where types are as frequent as in these tests. Guessing among "
        "the types at random has each type's share of the tests as its precision, and "
        "one over the number of types as its recall.",
    )


def probes_table(probes: Sequence[Score], models: Sequence[Score]) -> Table | None:
    """Return single numbers beside the classifiers of the same splits."""
    if not probes:
        return None
    rows = [("probe", bare(s), s) for s in probes]
    rows += [("classifier", s.name, s) for s in models]
    ways = list(dict.fromkeys(s.way for s in (*models, *probes)))
    rows.sort(key=lambda row: (ways.index(row[2].way), -row[2].interval.value))
    return Table(
        "probes",
        "Single numbers as rivals",
        ("what", "name", "split", INTERVAL, "chance", "cells", "examples"),
        tuple(
            (
                what,
                name,
                in_words(s.way),
                s.interval,
                s.chance,
                s.n_cells,
                s.n_examples,
            )
            for what, name, s in rows
        ),
        "A probe is a small decision tree that sees one number of each example, under "
        "the same splits; “session” names the type most frequent in the recording. "
        "Where one comes near a classifier, the classifier has shown no more than this "
        "number, and may be reading how a cell was recorded and not what it is.",
    )


def shuffled_table(scores: Sequence[Score]) -> Table | None:
    """Return what is right after training on shuffled labels."""
    if not scores:
        return None
    return Table(
        "shuffled",
        "Shuffled labels",
        ("trained", "split", INTERVAL, "chance", "luck reaches", "splits", "cells"),
        tuple(
            (
                s.name,
                in_words(s.way),
                s.interval,
                s.chance,
                s.luck,
                s.n_splits,
                s.n_cells,
            )
            for s in scores
        ),
        "The same training on permuted labels. Anything above chance is luck or a "
        "leak; “luck reaches” is what 2.5 % of random dealings of the true labels "
        "exceed. Labels are dealt to single examples, so this cannot show that a "
        "network knows an animal again; splits by animal and the probes can.",
    )


def surrogates_table(scores: Sequence[Score]) -> Table | None:
    """Return the accuracy that is left on surrogates of the test traces."""
    scores = [s for s in scores if s.surrogates]
    if not scores:
        return None
    kinds = list(dict.fromkeys(kind for s in scores for kind in s.surrogates))
    rows: list[tuple[Cell, ...]] = [
        (
            s.name,
            in_words(s.way),
            s.balanced_accuracy,
            *(
                s.surrogates[kind]["balanced_accuracy"]
                if kind in s.surrogates
                else None
                for kind in kinds
            ),
            s.chance,
            s.n_cells,
        )
        for s in scores
    ]
    return Table(
        "surrogates",
        "What the trained classifiers still get right on surrogates",
        (
            "classifier",
            "split",
            f"real traces: {BALANCED}",
            *(f"{kind}: {BALANCED}" for kind in kinds),
            "chance",
            "cells",
        ),
        tuple(rows),
        "Mean over splits, standard deviation in parentheses. Phases at random keep "
        "the power spectrum and lose the shape of events; shuffled blocks keep the "
        "values and lose everything slower than a block.",
    )


def conditions_table(scores: Sequence[Score]) -> Table:
    """Return how each row of the report but the probes was computed."""
    return Table(
        "conditions",
        "What was computed",
        (
            "name",
            "classifier",
            "split",
            "parameters",
            "frames",
            "training examples",
            "test examples",
            "splits",
            "planned",
        ),
        tuple(
            (
                s.name,
                s.classifier,
                in_words(s.way),
                parameters_text(s.parameters),
                s.n_frames,
                s.n_train,
                s.n_test,
                s.n_splits,
                s.n_planned,
            )
            for s in scores
            if s.role != "probe"
        ),
        "Sizes are means over splits, and the probes have the same. Parameters that "
        "are not named have the values of docs/protocol.md.",
    )


def chosen_table(scores: Sequence[Score]) -> Table | None:
    """Return what grid searches inside the training sets chose."""
    rows: list[tuple[Cell, ...]] = []
    for s in scores:
        times = Counter(parameters_text(found) for found in s.chosen)
        rows += [
            (s.name, in_words(s.way), found, n) for found, n in times.most_common()
        ]
    if not rows:
        return None
    return Table(
        "chosen",
        "Parameters that were searched for",
        ("classifier", "split", "parameters", "splits"),
        tuple(rows),
        "Each search saw the training set of its split alone.",
    )


def parameters_text(parameters: Mapping[str, object]) -> str:
    """Return parameters as in "epochs 20, layers 2"."""
    return ", ".join(f"{name} {value}" for name, value in parameters.items()) or "–"


def partial_table(scores: Sequence[Score]) -> Table | None:
    """Return the answers to parents and negations, scored apart."""
    rows = tuple(
        (s.name, in_words(s.way), s.partial.right, s.partial.n)
        for s in scores
        if s.partial is not None
    )
    if not rows:
        return None
    return Table(
        "partial",
        "Labels that leave several types possible",
        ("classifier", "split", "answers that the label allows", "examples"),
        rows,
        "Parents such as IN and negations such as !PV in the test groups. A guess at "
        "random is allowed often, so this is no accuracy.",
    )
