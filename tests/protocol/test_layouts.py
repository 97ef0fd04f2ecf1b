"""Tables laid out as the paper lays them out."""

import pytest

from napari_celltype.classifiers import NETWORKS
from napari_celltype.protocol.scores import Spread


def table(run, key):
    return next(t for t in run.report.tables if t.key == key)


def test_table1_has_one_row_per_architecture(make_run):
    run = make_run("table1", epochs=20)
    columns = table(run, "table1").columns
    assert columns == (
        "architecture",
        "accuracy",
        "accuracy, the paper, on its own recordings",
        "training time (s)",
    )
    rows = {row[0]: row for row in table(run, "table1").rows}
    assert rows["CNN [C C P C D]"][2] == 0.8867
    assert rows["CNN [C C]"][2] is None
    score = next(s for s in run.report.asked if s.name == "CNN [C C]")
    assert rows["CNN [C C]"][1] == score.accuracy


def test_table2_has_the_cell_types_in_rows(make_run):
    run = make_run("table2", epochs=20, skill={"cnn": 0.9})
    laid = table(run, "table2")
    assert laid.columns == ("cell type", "precision", "recall", "specificity")
    assert [row[0] for row in laid.rows] == ["PV", "PY", "SOM", "VIP"]
    assert all(isinstance(cell, Spread) for row in laid.rows for cell in row[1:])


def test_table3_has_sizes_in_rows_and_networks_in_columns(make_run):
    run = make_run("table3", epochs=20)
    laid = table(run, "table3")
    assert laid.columns[:3] == (
        "training examples",
        "cnn accuracy",
        "cnn training time (s)",
    )
    sizes = [row[0] for row in laid.rows]
    assert sizes == sorted(sizes)
    assert len(sizes) == 4
    assert len(laid.columns) == 1 + 2 * len(NETWORKS)


def test_table4_lists_classifiers_and_names_selection(make_run):
    run = make_run("table4", epochs=20)
    assert [row[0] for row in table(run, "table4").rows][:4] == [
        "cnn",
        "rnn",
        "lstm",
        "adaboost",
    ]
    selection = {frozenset((d.one, d.other)) for d in run.report.differences if d.name}
    assert {"svm-rbf", "svm-rbf-search"} in selection
    assert all(f"{min(pair)}-search" in pair for pair in selection)


def test_table5_has_lengths_in_rows(make_run):
    run = make_run("table5", epochs=20)
    laid = table(run, "table5")
    assert laid.columns[0] == "frames"
    assert [row[0] for row in laid.rows] == [80]


def test_epochs_are_read_from_one_training(make_run):
    run = make_run("epochs", epochs=None, skill={"cnn": 0.7})
    laid = table(run, "epochs")
    assert [row[0] for row in laid.rows] == [20, 60, 100]
    assert laid.rows[1][1].mean == pytest.approx(0.7)
    assert laid.rows[1][2] == 0.8787


def test_fig3_has_baselines_at_every_epoch(make_run):
    run = make_run("fig3", epochs=4, skill={"cnn": 0.7, "adaboost": 0.4})
    laid = table(run, "fig3")
    assert [row[0] for row in laid.rows] == [1, 2, 3, 4]
    baseline = laid.columns.index("adaboost accuracy")
    assert len({row[baseline] for row in laid.rows}) == 1


def test_a_new_data_set_has_old_new_and_pooled_columns(make_run, make_traces):
    new = make_traces({"PV": 6, "SOM": 14}, seed=3)
    laid = table(make_run("new-dataset", new=new, epochs=20), "new-dataset")
    assert "119 (91 SOM, the rest PV), then as 210" in laid.caption
    assert laid.columns[-1] == "old and new pooled: the paper, on its own recordings"
    # The paper has no numbers of a network that is not its own.
    assert [row[-1] for row in laid.rows] == [0.8165, 0.783, 0.7328, None]


def test_another_way_than_the_papers_has_none_of_its_numbers(make_run):
    from napari_celltype.protocol import PaperProtocol

    run = make_run("table2", epochs=20, protocol=PaperProtocol("random", 2))
    asked = [t for t in run.report.tables if t.key != "conditions"]
    assert not any("own recordings" in c for t in asked for c in t.columns)
