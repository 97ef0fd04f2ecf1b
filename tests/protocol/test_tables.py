"""The tables of a report, and those that are laid out as the paper lays them out."""

import numpy as np
import pandas as pd
import pytest

from napari_celltype.models import NETWORKS
from napari_celltype.protocol import PaperProtocol
from napari_celltype.protocol.metrics import Interval
from napari_celltype.protocol.paper import (
    ACCURACY_BY_EPOCHS,
    HEADING,
    POOLED_WITH_NEW,
    TRAIN_SECONDS,
)
from napari_celltype.protocol.scores import Spread
from napari_celltype.protocol.tables import Table, prevalence_table, shares_in_tests


def frame(report, key):
    return next(t.frame for t in report.tables if t.key == key)


def test_cells_are_short_for_readers_and_plain_in_a_file():
    cells = {
        "name": ["cnn", "rnn"],
        "accuracy": [Spread(0.86, 0.0124), None],
        "score": [Interval(0.5, 0.4, 0.6, "cells", 9), Interval(0.5, np.nan, 0, "", 1)],
        "chance": [0.25, np.nan],
        f"accuracy, {HEADING}": [0.8867, None],
        "cells": [12, None],
    }
    table = Table("t", "T", "", pd.DataFrame(cells, dtype=object))
    assert table.texts.to_numpy().tolist() == [
        ["cnn", "0.860 (0.012)", "0.500 [0.400, 0.600]", "0.250", "0.8867", "12"],
        ["rnn", "–", "0.500", "–", "–", "–"],
    ]
    assert table.numeric == [False, True, True, True, True, True]
    parts = ["accuracy mean", "accuracy SD", "score", "score low", "score high"]
    assert list(table.flat)[1:6] == parts
    assert table.flat["score"].tolist() == [0.5, 0.5]
    assert table.flat["accuracy SD"].isna().tolist() == [False, True]


def test_a_report_of_an_evaluation_has_these_tables_in_this_order(made_run):
    keys = ["design", "scores", "differences", "classes", "probes", "shuffled"]
    keys += ["surrogates", "conditions"]
    assert [t.key for t in made_run.report.tables] == keys
    scores = frame(made_run.report, "scores")
    results = made_run.report.classifiers
    assert scores["classifier"].tolist() == [s.name for s in results]
    assert scores["accuracy, mean (SD)"].tolist() == [s.accuracy for s in results]
    probes = frame(made_run.report, "probes")
    assert set(probes["what"]) == {"probe", "classifier"}
    assert "session" in set(probes["name"])


def test_partial_labels_and_found_parameters_have_tables(make_run, make_traces):
    traces = make_traces({"PV": 16, "PY": 24, "SOM": 16, "IN": 16})
    run = make_run(traces=traces)
    for outcome, c in zip(run.outcomes, (1, 10, 10), strict=False):
        outcome.chosen["C"] = c
    chosen = frame(run.report, "chosen")
    assert chosen[["parameters", "splits"]].values.tolist() == [["C 10", 2], ["C 1", 1]]
    assert set(frame(run.report, "partial")["split"]) == {"by animal"}


@pytest.mark.slow
def test_table1_has_one_row_per_architecture(make_run):
    report = make_run("table1", epochs=20).report
    table = frame(report, "table1").set_index("architecture")
    paper = "accuracy, the paper, on its own recordings"
    assert table.columns.tolist() == ["accuracy", paper, "training time (s)"]
    assert table.loc["CNN [C C P C D]", paper] == 0.8867
    assert table.loc["CNN [C C]", paper] is None
    score = next(s for s in report.asked if s.name == "CNN [C C]")
    assert table.loc["CNN [C C]", "accuracy"] == score.accuracy


def test_table2_has_the_cell_types_in_rows(make_run):
    report = make_run("table2", epochs=20, skill={"cnn": 0.9}).report
    table = frame(report, "table2")
    assert table.columns.tolist() == ["cell type", "precision", "recall", "specificity"]
    assert table["cell type"].tolist() == ["PV", "PY", "SOM", "VIP"]
    assert table["recall"].tolist() == [
        spreads["recall"] for spreads in report.asked[0].per_class.values()
    ]


@pytest.mark.slow
def test_table3_has_sizes_in_rows_and_networks_in_columns(make_run):
    table = frame(make_run("table3", epochs=20).report, "table3")
    names = ["training examples", "cnn accuracy", "cnn training time (s)"]
    assert table.columns[:3].tolist() == names
    assert table.shape == (4, 1 + 2 * len(NETWORKS))
    assert table["training examples"].is_monotonic_increasing


def test_table3_of_whole_animals_has_a_row_for_each_size(make_run):
    report = make_run("table3", protocol=PaperProtocol("by-subject", 3)).report
    table = frame(report, "table3")
    names = ["training examples asked for", "cnn trained on"]
    assert table.columns[:2].tolist() == names
    asked = table[names[0]]
    assert asked.nunique() == len(asked) == 4
    assert (table[names[1]] <= asked).all()
    assert report.asked[0].name == f"cnn, at most {asked[0]} training examples"


@pytest.mark.slow
def test_table4_lists_classifiers_and_names_selection(make_run):
    report = make_run("table4", epochs=20).report
    first = frame(report, "table4")["classifier"].tolist()[:4]
    assert first == ["cnn", "rnn", "lstm", "adaboost"]
    table = frame(report, "differences")
    selection = table[table["name"] == "selection"]
    pairs = [{row.classifier, row.minus} for row in selection.itertuples()]
    assert {"svm-rbf", "svm-rbf-search"} in pairs
    assert all(f"{min(pair)}-search" in pair for pair in pairs)


def test_table5_has_lengths_in_rows(make_run):
    table = frame(make_run("table5", epochs=20).report, "table5")
    assert table["frames"].tolist() == [80]


def test_epochs_are_read_from_one_training(make_run):
    report = make_run("epochs", epochs=None, skill={"cnn": 0.7}).report
    table = frame(report, "epochs")
    assert table["epochs"].tolist() == [20, 60, 100]
    assert table["cnn accuracy"][1].mean == pytest.approx(0.7)
    assert table[f"cnn, {HEADING}"][1] == 0.8787


@pytest.mark.slow
def test_fig3_has_baselines_at_every_epoch(make_run):
    run = make_run("fig3", epochs=4, skill={"cnn": 0.7, "adaboost": 0.4})
    table = frame(run.report, "fig3")
    assert table["epoch"].tolist() == [1, 2, 3, 4]
    assert table["adaboost accuracy"].nunique() == 1


@pytest.mark.slow
def test_a_new_data_set_has_old_new_and_pooled_columns(make_run, make_traces):
    new = make_traces({"PV": 6, "SOM": 14}, seed=3)
    report = make_run("new-dataset", new=new, epochs=20).report
    caption = next(t.caption for t in report.tables if t.key == "new-dataset")
    assert "119 (91 SOM, the rest PV), then as 210" in caption
    # The paper has no numbers of a network that is not its own.
    pooled = frame(report, "new-dataset")[f"old and new pooled: {HEADING}"]
    assert pooled.tolist() == [0.8165, 0.783, 0.7328, None]


def test_another_way_than_the_papers_has_none_of_its_numbers(make_run):
    run = make_run("table2", epochs=20, protocol=PaperProtocol("random", 2))
    asked = [t for t in run.report.tables if t.key != "conditions"]
    assert not any(HEADING in column for t in asked for column in t.frame)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["table4", "epochs", "new-dataset"])
def test_no_number_of_the_paper_stands_without_its_label(name, make_run, make_traces):
    new = make_traces({"PV": 6, "SOM": 14}, seed=3) if name == "new-dataset" else None
    report = make_run(name, new=new, epochs=None).report
    printed = {v for of in ACCURACY_BY_EPOCHS.values() for v in of.values()}
    printed |= {v for of in TRAIN_SECONDS.values() for v in of.values()}
    printed |= set(POOLED_WITH_NEW.values())
    headings = [
        heading
        for table in report.tables
        for heading, column in table.frame.items()
        for cell in column
        if isinstance(cell, float) and cell in printed
    ]
    assert headings
    assert all(heading.endswith(HEADING) for heading in headings)


def test_a_rare_type_has_a_lower_precision_and_its_chance_beside_it(made_run):
    score = made_run.report.of("classifier")[0]
    rare = {"PV": 4, "PY": 89, "SOM": 4, "VIP": 3}
    at_rare, as_tested = (
        prevalence_table(score, shares).frame.set_index("type").loc["PV"]
        for shares in (rare, shares_in_tests(score))
    )
    assert at_rare["precision"] < as_tested["precision"]
    assert at_rare["by chance"] == pytest.approx(0.04)
