"""The tables of a report, laid out as the paper lays its experiments out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from napari_celltype.protocol.paper_numbers import (
    HEADING,
    NEW_DATA_SENTENCE,
    ONE_FRAME_PER_STEP,
    ONE_FRAME_SENTENCE,
    printed_accuracy,
    printed_pooled,
    printed_seconds,
)
from napari_celltype.protocol.report_table import Cell, Table, number
from napari_celltype.protocol.scores import Score, Spread
from napari_celltype.protocol.words import counted, tested_text

# Section IV-B looks at these.
EPOCHS = (20, 60, 100)
ACCURACY, SECONDS = "accuracy", "training time (s)"


def layout(experiment: str, title: str, scores: Sequence[Score]) -> Table | None:
    """Return the table of one of the paper's experiments, None of any other.

    Parameters
    ----------
    experiment : str
        Name of the experiment, "table1" ... "new-dataset".
    title : str
    scores : sequence of Score
        Of the classifiers under the way that was asked for, in order.
    """
    make = _LAYOUTS.get(experiment)
    if make is None or not scores:
        return None
    columns, rows = make(scores)
    table = Table(experiment, title, columns, rows, _caption(experiment, scores))
    return _without_empty(table)


def _rows_of(heading: str, scores: Sequence[Score]) -> _Body:
    """One row per classifier: accuracy and training time over splits."""
    rows: list[tuple[Cell, ...]] = [
        (s.name, s.accuracy, _paper_accuracy(s), s.train_seconds) for s in scores
    ]
    return (heading, ACCURACY, _paper(ACCURACY), SECONDS), tuple(rows)


def _table1(scores: Sequence[Score]) -> _Body:
    return _rows_of("architecture", scores)


def _table4(scores: Sequence[Score]) -> _Body:
    return _rows_of("classifier", scores)


def _table2(scores: Sequence[Score]) -> _Body:
    measures = ("precision", "recall", "specificity")
    rows: list[tuple[Cell, ...]] = [
        (name, *(spreads[what] for what in measures))
        for name, spreads in scores[0].per_class.items()
    ]
    return ("cell type", *measures), tuple(rows)


def _table3(scores: Sequence[Score]) -> _Body:
    # Whole animals or sessions seldom add up to the size that was asked for.
    whole = any(s.n_train != s.n_asked for s in scores)
    return _pivot(
        "training examples asked for" if whole else "training examples",
        scores,
        lambda s: s.n_asked or s.n_train,
        {
            **({"trained on": lambda s: s.n_train} if whole else {}),
            ACCURACY: lambda s: s.accuracy,
            SECONDS: lambda s: s.train_seconds,
            _paper(SECONDS): lambda s: printed_seconds(
                s.classifier, s.parameters, s.way, s.n_train
            ),
        },
    )


def _table5(scores: Sequence[Score]) -> _Body:
    return _pivot(
        "frames",
        scores,
        lambda s: s.n_frames,
        {
            ACCURACY: lambda s: s.accuracy,
            _paper(ACCURACY): lambda s: (
                _paper_accuracy(s) if s.n_frames == 4000 else None
            ),
            SECONDS: lambda s: s.train_seconds,
        },
    )


def _epochs(scores: Sequence[Score]) -> _Body:
    longest = max(len(s.curve_mean) for s in scores)
    rows = tuple(
        (
            epoch,
            *(
                cell
                for s in scores
                for cell in (
                    _at_epoch(s, epoch),
                    printed_accuracy(s.classifier, s.parameters, s.way, epoch),
                )
            ),
        )
        for epoch in sorted({*EPOCHS, longest})
        if epoch <= longest
    )
    columns = [
        f"{s.name}{end}" for s in scores for end in (" accuracy", f", {HEADING}")
    ]
    return ("epochs", *columns), rows


def _fig3(scores: Sequence[Score]) -> _Body:
    longest = max(len(s.curve_mean) for s in scores)
    rows = tuple(
        (
            epoch,
            *(_at_epoch(s, epoch) if s.curve_mean else s.accuracy for s in scores),
        )
        for epoch in range(1, longest + 1)
    )
    return ("epoch", *(f"{s.name} accuracy" for s in scores)), rows


def _new_dataset(scores: Sequence[Score]) -> _Body:
    rows: list[tuple[Cell, ...]] = []
    for s in scores:
        if s.new is None:
            continue
        rows.append(
            (
                s.name,
                s.accuracy,
                s.new.accuracy,
                s.new.interval,
                s.new.chance,
                s.new.majority,
                s.new.n_examples,
                s.new.n_cells,
                s.new.pooled_accuracy,
                printed_pooled(s.classifier, s.parameters, s.way),
            )
        )
    columns = (
        "classifier",
        "old data: accuracy",
        "new data: accuracy",
        "new data: balanced accuracy [95 %]",
        "new data: chance",
        "new data: majority level",
        "new examples",
        "new cells",
        "old and new pooled: accuracy",
        f"old and new pooled: {HEADING}",
    )
    return columns, tuple(rows)


_Body = tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]
_LAYOUTS: Mapping[str, Callable[[Sequence[Score]], _Body]] = {
    "table1": _table1,
    "table2": _table2,
    "table3": _table3,
    "table4": _table4,
    "table5": _table5,
    "epochs": _epochs,
    "fig3": _fig3,
    "new-dataset": _new_dataset,
}


def _pivot(
    heading: str,
    scores: Sequence[Score],
    row_of: Callable[[Score], int],
    measures: Mapping[str, Callable[[Score], Cell]],
) -> _Body:
    """One row per size, and for each classifier one column per measure."""
    classifiers = list(dict.fromkeys(s.classifier for s in scores))
    cells = {(row_of(s), s.classifier): s for s in scores}
    rows = []
    for size in sorted({row_of(s) for s in scores}):
        row: list[Cell] = [size]
        for classifier in classifiers:
            score = cells.get((size, classifier))
            row += [None if score is None else of(score) for of in measures.values()]
        rows.append(tuple(row))
    columns = [f"{c} {what}" for c in classifiers for what in measures]
    return (heading, *columns), tuple(rows)


def _at_epoch(score: Score, epoch: int) -> Spread | None:
    if score.curve != "test" or epoch > len(score.curve_mean):
        return None
    return Spread(score.curve_mean[epoch - 1], score.curve_sd[epoch - 1])


def _paper(what: str) -> str:
    return f"{what}, {HEADING}"


def _paper_accuracy(score: Score) -> float | None:
    return printed_accuracy(score.classifier, score.parameters, score.way)


def _caption(experiment: str, scores: Sequence[Score]) -> str:
    one = scores[0]
    caption = (
        f"Mean over {counted(one.n_splits, 'splits')}, their standard deviation in "
        f"parentheses (no error bar: the training sets overlap). {one.n_test} test "
        f"examples per split; {tested_text(one)} tested in all. "
        f"Chance of the balanced accuracy {number(one.chance)}; accuracy of always "
        f"naming the most frequent type "
        f"{number(one.majority)}."
    )
    if experiment == "new-dataset":
        return f"{caption} {NEW_DATA_SENTENCE}"
    if any(_paper_accuracy(s) == ONE_FRAME_PER_STEP for s in scores):
        return f"{caption} {ONE_FRAME_SENTENCE}"
    return caption


def _without_empty(table: Table) -> Table:
    """Drop the columns of the paper's numbers where it prints none."""
    kept = [
        column
        for column in range(len(table.columns))
        if any(row[column] is not None for row in table.rows)
    ]
    return Table(
        table.key,
        table.title,
        tuple(table.columns[c] for c in kept),
        tuple(tuple(row[c] for c in kept) for row in table.rows),
        table.caption,
    )
