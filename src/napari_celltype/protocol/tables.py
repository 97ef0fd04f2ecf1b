"""The tables of a report: a DataFrame each, with its title and how to read it.

Cells are text, whole numbers, scores, `Spread`, `Interval` or None. `Table.texts` is
what a reader sees of them, `Table.flat` what a CSV file holds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from napari_celltype.celltypes import prior_shares
from napari_celltype.labels.notes import counted
from napari_celltype.protocol import paper, words
from napari_celltype.protocol.evaluation import UNITS, Evaluation
from napari_celltype.protocol.experiments import EPOCHS
from napari_celltype.protocol.learning import TARGET
from napari_celltype.protocol.metrics import FEWEST, Interval, precision_at
from napari_celltype.protocol.paper import HEADING
from napari_celltype.protocol.scores import Score, Spread

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]
Rows = Iterable[Row]
INTERVAL = "balanced accuracy [95 %]"
ACCURACY, SECONDS = "accuracy", "training time (s)"
# What stands behind the heading of each part of a cell in a CSV file.
_PARTS: Mapping[type, Mapping[str, str]] = {
    Spread: {" mean": "mean", " SD": "sd"},
    Interval: {"": "value", " low": "low", " high": "high"},
}


# What stands under a heading in the row of a score.
_CELLS: Mapping[str, Callable[[Score], Any]] = {
    "classifier": lambda s: s.name,
    "split": lambda s: words.way_title(s.way),
    INTERVAL: lambda s: s.interval,
    "over": lambda s: words.units_text(s.interval),
    "chance": lambda s: s.chance,
    "accuracy, mean (SD)": lambda s: s.accuracy,
    "majority level": lambda s: s.majority,
    "training time (s), mean (SD)": lambda s: s.train_seconds,
    "luck reaches": lambda s: s.luck,
    "splits": lambda s: s.n_splits,
    "examples": lambda s: s.n_examples,
    "cells": lambda s: s.n_cells,
    "parameters": lambda s: words.parameters_text(s.parameters) or words.UNDEFINED,
    "frames": lambda s: s.n_frames,
    "training examples": lambda s: s.n_train,
    "test examples": lambda s: s.n_test,
    f"accuracy, {HEADING}": lambda s: _printed(s),
    ACCURACY: lambda s: s.accuracy,
    SECONDS: lambda s: s.train_seconds,
}


def _row(score: Score, *headings: str, **more: Any) -> Row:
    return {**{heading: _CELLS[heading](score) for heading in headings}, **more}


@dataclass(frozen=True, eq=False)
class Table:
    """One table: `key` is the name of its CSV file, `caption` says how to read it."""

    key: str
    title: str
    caption: str
    frame: pd.DataFrame

    @property
    def texts(self) -> pd.DataFrame:
        """The cells as a reader sees them; the paper's as it prints them."""
        texts = self.frame.copy()
        for name, column in self.frame.items():
            printed = HEADING in str(name)
            texts[name] = [_cell_text(cell, printed) for cell in column]
        return texts

    @property
    def numeric(self) -> list[bool]:
        """Which columns hold numbers, and are aligned to the right."""
        return [not isinstance(cell, str) for cell in self.frame.iloc[0]]

    @property
    def flat(self) -> pd.DataFrame:
        """Plain cells: a spread becomes two columns, an interval three."""
        import pandas as pd

        columns: dict[str, Any] = {}
        for heading, column in self.frame.items():
            kinds = {type(cell) for cell in column}
            parts = next((parts for kind, parts in _PARTS.items() if kind in kinds), {})
            if not parts:
                columns[str(heading)] = list(column)
            for suffix, part in parts.items():
                columns[f"{heading}{suffix}"] = [
                    getattr(cell, part, math.nan) for cell in column
                ]
        return pd.DataFrame(columns)

    def as_json(self) -> dict[str, Any]:
        """Return the table as it stands in ``report.json``."""
        return {
            "key": self.key,
            "title": self.title,
            "columns": list(self.frame.columns),
            "rows": self.frame.to_numpy().tolist(),
            "caption": self.caption,
        }


def _cell_text(cell: Any, printed: bool) -> str:
    """Return a cell as a reader sees it: scores with three digits."""
    if printed:
        return words.UNDEFINED if cell is None else f"{cell:g}"
    if isinstance(cell, Spread):
        return words.spread_text(cell)
    if isinstance(cell, Interval):
        bounds = f" [{words.number(cell.low)}, {words.number(cell.high)}]"
        return words.number(cell.value) + ("" if cell.too_few else bounds)
    if isinstance(cell, float):
        return words.number(cell)
    return words.UNDEFINED if cell is None else str(cell)


def report_tables(found: Evaluation) -> tuple[Table, ...]:
    """Return the tables of a report that have rows, in the order of reading."""
    tables = [
        Table(key, title, caption, _frame(rows(found)))
        for key, (title, caption, rows) in _TABLES.items()
    ]
    tables.insert(1, _paper_table(found))
    return tuple(table for table in tables if len(table.frame))


def scores_texts(scores: Sequence[Score]) -> pd.DataFrame:
    """Return each classifier under each way, with all that a score needs beside it."""
    return Table("", "", "", _frame(_scores(scores))).texts


def shares_in_tests(score: Score) -> dict[str, float]:
    """Return how common each type was among the tested answers; sums to 1."""
    tested = score.counts.sum(axis=1)
    shares = (tested / max(int(tested.sum()), 1)).tolist()
    return dict(zip(score.per_class, shares, strict=True))


def prevalence_table(score: Score, shares: Mapping[str, float]) -> Table:
    """Return the precision of each type at other shares than those of the tests.

    Precision: of the cells that would be called so, the share that is so. It rests on
    the answers of all splits together; "called so" counts those that named the type.

    Parameters
    ----------
    score : Score
        Of one classifier under one way of splitting.
    shares : mapping of str to float
        How common each type is in the user's tissue; any scale.

    Raises
    ------
    LabelError
        If a name is no class, a share is negative, or all are zero.
    """
    precision = precision_at(score.counts, tuple(score.per_class), shares)
    total = sum(shares.values())
    rows = [
        {
            "type": name,
            "precision": precision[name],
            "by chance": shares.get(name, 0.0) / total,
            "called so": n,
        }
        for name, n in zip(precision, score.counts.sum(axis=0).tolist(), strict=True)
    ]
    caption = f"From the answers of {score.name} in all splits, without an interval."
    return Table("prevalence", "Precision at your shares", caption, _frame(rows))


def _frame(rows: Rows) -> pd.DataFrame:
    """Return rows as a table, without columns of the paper where it prints nothing."""
    import pandas as pd

    frame = pd.DataFrame(list(rows), dtype=object)
    empty = [c for c in frame if HEADING in str(c) and frame[c].isna().all()]
    return frame.drop(columns=empty)


def _design(found: Evaluation) -> Rows:
    yield from map(asdict, found.design.rows)
    shares = {unit: found.design.exclusive.get(unit) for unit in UNITS}
    texts = {u: None if s is None else f"{100 * s:.0f} %" for u, s in shares.items()}
    yield {"label": "hold one type only", "examples": None, **texts}


_SCORES = [
    *("classifier", "split", INTERVAL, "over", "chance", "accuracy, mean (SD)"),
    *("majority level", "training time (s), mean (SD)", "splits", "examples", "cells"),
    f"accuracy, {HEADING}",
]


def _scores(scores: Sequence[Score]) -> Rows:
    return (_row(s, *_SCORES) for s in scores)


def _differences(found: Evaluation) -> Rows:
    named = any(d.name for d in found.differences)
    for d in found.differences:
        yield {
            "classifier": d.one,
            "minus": d.other,
            "split": words.way_title(d.way),
            "difference": d.mean,
            "low": d.low,
            "high": d.high,
            "p": d.p,
            "splits": d.n_splits,
            **({"name": d.name} if named else {}),
        }


def _classes(found: Evaluation) -> Rows:
    for s in found.shown_everywhere:
        tested, called = s.counts.sum(axis=1).tolist(), s.counts.sum(axis=0)
        shares: Mapping[str, float] = {}
        if found.prior is not None:
            shares = prior_shares(found.prior, found.classes, shares_in_tests(s))
            precision = precision_at(s.counts, found.classes, shares)
        for at, (name, spreads) in enumerate(s.per_class.items()):
            row = {**_row(s, "classifier", "split"), "cell type": name, **spreads}
            if shares:
                row["share of all"] = shares[name]
                enough = called[at] >= FEWEST
                row["precision at this share"] = precision[name] if enough else None
            yield {**row, "tested": tested[at]}


def _probes(found: Evaluation) -> Rows:
    probes = found.of("probe")
    models = found.shown_everywhere if probes else ()
    ways = list(dict.fromkeys(s.way for s in (*models, *probes)))
    headings = ("split", INTERVAL, "chance", "cells", "examples")
    return (
        {"what": s.role, "name": s.bare_name, **_row(s, *headings)}
        for way in ways
        for s in sorted((*probes, *models), key=lambda s: -s.interval.value)
        if s.way == way
    )


def _shuffled(found: Evaluation) -> Rows:
    headings = ("split", INTERVAL, "chance", "luck reaches", "splits", "cells")
    return ({"trained": s.name, **_row(s, *headings)} for s in found.of("shuffled"))


def _surrogates(found: Evaluation) -> Rows:
    for s in found.of("classifier"):
        if s.surrogates:
            yield {
                **_row(s, "classifier", "split"),
                "real traces: balanced accuracy": s.balanced_accuracy,
                **{
                    f"{kind}: balanced accuracy": spreads["balanced_accuracy"]
                    for kind, spreads in s.surrogates.items()
                },
                **_row(s, "chance", "cells"),
            }


def _learning(found: Evaluation) -> Rows:
    for curve in found.learning:
        rows = zip(curve.sizes, curve.examples, curve.spread, curve.scores, strict=True)
        for size, examples, spread, scores in rows:
            precisions = zip(curve.names[1:], scores[1:].tolist(), strict=True)
            yield {
                "classifier": curve.classifier,
                "trained on": curve.amount(size),
                "training examples": examples,
                "balanced accuracy, mean (SD)": spread,
                **{f"precision of {name}": value for name, value in precisions},
            }


def _more_data(found: Evaluation) -> Rows:
    for curve in found.learning_of_top:
        now = curve.sizes[-1]
        for name in curve.names:
            fit, score = curve.fit(name), name
            if name in curve.shares:
                score = f"precision of {name}, {100 * curve.shares[name]:.3g} % of all"
            yield {
                "trained on": curve.amount(now),
                "score": score,
                "now": curve.scores[-1, curve.names.index(name)],
                **{
                    f"with {n} times as many": curve.interval(fit.at(n * now))
                    for n in (2, 4)
                },
                f"{100 * TARGET:g} % with": words.needed_text(curve, name),
            }


def _partial(found: Evaluation) -> Rows:
    for s in found.of("classifier"):
        if s.partial is not None:
            right = {"answers that the label allows": s.partial.right}
            yield {**_row(s, "classifier", "split"), **right, "examples": s.partial.n}


def _chosen(found: Evaluation) -> Rows:
    for s in found.of("classifier"):
        times = Counter(words.parameters_text(parameters) for parameters in s.chosen)
        for parameters, n in times.most_common():
            yield _row(s, "classifier", "split", parameters=parameters, splits=n)


def _conditions(found: Evaluation) -> Rows:
    headings = ("split", "parameters", "frames", "training examples", "test examples")
    return (
        {"name": s.name, "classifier": s.classifier, **_row(s, *headings, "splits")}
        for s in found.results
        if s.role != "probe"
    )


# Key: title, how to read it, and its rows.
_TABLES: Mapping[str, tuple[str, str, Callable[[Evaluation], Rows]]] = {
    "design": ("What the data are", "A dash: the data do not say.", _design),
    "scores": (
        "Scores",
        "Splits at random put traces of one cell, recording and animal on both sides; "
        "what is lost when these are kept apart may have been about them. Brackets: "
        "95 % bootstrap interval over the groups under “over”, where these are enough. "
        "Parentheses: standard deviation over splits, no error bar. Chance belongs to "
        "the balanced accuracy; majority level: accuracy of the most frequent type.",
        lambda found: _scores(found.classifiers),
    ),
    "differences": (
        "Differences between classifiers",
        "In balanced accuracy on the same splits, with 95 % interval and p-value of "
        "the corrected t-test (Nadeau and Bengio 2003): of these cells and animals, "
        "and not corrected for the number of comparisons.",
        _differences,
    ),
    "classes": (
        "By cell type",
        "Mean and standard deviation over splits; “tested” counts all answers. "
        "Precision holds where types are as frequent as in these tests; with --prior, "
        "that of all answers together also where they are as frequent as said, unless "
        f"fewer than {FEWEST} answers say so.",
        _classes,
    ),
    "probes": (
        "Single numbers as rivals",
        "A probe is a small decision tree on one number of each example, under the "
        "same splits; “session” names the commonest type of the recording. A "
        "classifier that one comes near may be reading how a cell was recorded.",
        _probes,
    ),
    "shuffled": (
        "Shuffled labels",
        "The same training on permuted labels. Above chance is luck or a leak; “luck "
        "reaches” is what 2.5 % of random dealings of the true labels exceed.",
        _shuffled,
    ),
    "surrogates": (
        "What the trained classifiers still get right on surrogates",
        "Phases at random keep the power spectrum and lose the shape of events; "
        "shuffled blocks keep the values and lose everything slower than a block.",
        _surrogates,
    ),
    "more-data": (
        "How much data make 90 % right",
        "Curves ceiling - drop * n^-exponent through the measured scores, of the "
        "classifier in the sentence on top. Precision: of the cells that would be "
        "called so, the share that is so, where that share of all cells is. Brackets: "
        "95 % of curves through resampled test animals or cells.",
        _more_data,
    ),
    "learning-curve": (
        "Scores with less data",
        "The same tests throughout; smaller training sets are within larger ones. "
        f"Precision: at the shares above; a dash: fewer than {FEWEST} test cells are "
        "called so, or the classifier is not better than chance.",
        _learning,
    ),
    "partial": (
        "Labels that leave several types possible",
        "Parents such as IN and negations such as !PV in the test groups. A guess at "
        "random is allowed often, so this is no accuracy.",
        _partial,
    ),
    "chosen": (
        "Parameters that were searched for",
        "Each search saw the training set of its split alone.",
        _chosen,
    ),
    "conditions": (
        "What was computed",
        "Sizes are means over splits. Parameters that are not named have the values of "
        "docs/protocol.md.",
        _conditions,
    ),
}


def _paper_table(found: Evaluation) -> Table:
    """Return the table of the paper's experiment that was run, as the paper has it."""
    key, scores = found.experiment, found.asked
    rows = _PAPER.get(key)
    if rows is None or not scores:
        return Table(key, found.title, "", _frame([]))
    one = scores[0]
    caption = (
        f"Mean over {counted(one.n_splits, 'split')}, their standard deviation in "
        f"parentheses. {one.n_test} test examples per split, {words.tested_text(one)} "
        f"in all. Chance of the balanced accuracy {words.number(one.chance)}; accuracy "
        f"of always naming the most frequent type {words.number(one.majority)}."
    )
    if key == "new-dataset":
        caption = f"{caption} {paper.NEW_DATA_SENTENCE}"
    elif any(_printed(s) == paper.ONE_FRAME_PER_STEP for s in scores):
        caption = f"{caption} {paper.ONE_FRAME_SENTENCE}"
    return Table(key, found.title, caption, _frame(rows(scores)))


def _printed(score: Score, epochs: int | None = None) -> float | None:
    return paper.printed_accuracy(score.classifier, score.parameters, score.way, epochs)


def _one_row_each(heading: str) -> Callable[[Sequence[Score]], Rows]:
    """One row per classifier: accuracy and training time over splits."""
    headings = (ACCURACY, f"{ACCURACY}, {HEADING}", SECONDS)
    return lambda scores: ({heading: s.name, **_row(s, *headings)} for s in scores)


def _table2(scores: Sequence[Score]) -> Rows:
    for name, spreads in scores[0].per_class.items():
        yield {"cell type": name, **spreads}


def _table3(scores: Sequence[Score]) -> Rows:
    # Whole animals or sessions seldom add up to the size that was asked for.
    whole = any(s.n_train != s.n_asked for s in scores)
    heading = "training examples asked for" if whole else "training examples"
    rows: dict[int, Row] = {}
    for s in scores:
        size = s.n_asked or s.n_train
        row = rows.setdefault(size, {heading: size})
        if whole:
            row[f"{s.classifier} trained on"] = s.n_train
        row[f"{s.classifier} {ACCURACY}"] = s.accuracy
        row[f"{s.classifier} {SECONDS}"] = s.train_seconds
        printed = None
        if paper.trained_alike(s.classifier, s.parameters, s.way):
            printed = paper.TRAIN_SECONDS[s.classifier].get(s.n_train)
        row[f"{s.classifier} {SECONDS}, {HEADING}"] = printed
    return [rows[size] for size in sorted(rows)]


def _table5(scores: Sequence[Score]) -> Rows:
    rows: dict[int, Row] = {}
    for s in scores:
        printed = _printed(s) if s.n_frames == paper.FRAMES else None
        row = rows.setdefault(s.n_frames, {"frames": s.n_frames})
        row[f"{s.classifier} {ACCURACY}"] = s.accuracy
        row[f"{s.classifier} {ACCURACY}, {HEADING}"] = printed
        row[f"{s.classifier} {SECONDS}"] = s.train_seconds
    return [rows[size] for size in sorted(rows)]


def _epochs(scores: Sequence[Score]) -> Rows:
    longest = len(scores[0].curve_mean)
    for epoch in sorted(e for e in {*EPOCHS, longest} if e <= longest):
        row: Row = {"epochs": epoch}
        for s in scores:
            row[f"{s.name} accuracy"] = _at_epoch(s, epoch)
            row[f"{s.name}, {HEADING}"] = _printed(s, epoch)
        yield row


def _fig3(scores: Sequence[Score]) -> Rows:
    for epoch in range(1, 1 + max(len(s.curve_mean) for s in scores)):
        accuracies = {f"{s.name} accuracy": _at_epoch(s, epoch) for s in scores}
        yield {"epoch": epoch, **accuracies}


def _at_epoch(score: Score, epoch: int) -> Spread:
    """Return the accuracy after an epoch, or at all of what has none."""
    if not score.curve_mean:
        return score.accuracy
    return Spread(score.curve_mean[epoch - 1], score.curve_sd[epoch - 1])


def _new_dataset(scores: Sequence[Score]) -> Rows:
    for s in scores:
        if s.new is None:
            continue
        alike = paper.trained_alike(s.classifier, s.parameters, s.way)
        pooled = paper.POOLED_WITH_NEW[s.classifier] if alike else None
        yield {
            "classifier": s.name,
            "old data: accuracy": s.accuracy,
            "new data: accuracy": s.new.accuracy,
            f"new data: {INTERVAL}": s.new.interval,
            "new data: chance": s.new.chance,
            "new data: majority level": s.new.majority,
            "new examples": s.new.n_examples,
            "new cells": s.new.n_cells,
            "old and new pooled: accuracy": s.new.pooled_accuracy,
            f"old and new pooled: {HEADING}": pooled,
        }


_PAPER: Mapping[str, Callable[[Sequence[Score]], Rows]] = {
    "table1": _one_row_each("architecture"),
    "table2": _table2,
    "table3": _table3,
    "table4": _one_row_each("classifier"),
    "table5": _table5,
    "epochs": _epochs,
    "fig3": _fig3,
    "new-dataset": _new_dataset,
}
