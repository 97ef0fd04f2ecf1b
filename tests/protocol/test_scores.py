import pytest

from napari_celltype.protocol.scores import split_row


def test_a_row_says_what_the_report_will_say_of_the_split(made_run):
    rows = [
        split_row(task, outcome, made_run.data)
        for task, outcome in zip(made_run.tasks, made_run.outcomes, strict=True)
    ]
    assert {row.role for row in rows} == {"classifier", "probe", "shuffled"}
    scores = made_run.report.scores.set_index(["classifier", "split"])
    mine = [r for r in rows if r.role == "classifier" and r.way == "paper"]
    assert len(mine) == len(scores)
    for row in mine:
        told = scores.loc[(row.name, row.split)]
        assert row.balanced_accuracy == pytest.approx(told["balanced_accuracy"])
        assert row.accuracy == pytest.approx(told["accuracy"])
        assert row.chance == 0.25
    other = [r for r in rows if r.role == "classifier" and r.way != "paper"]
    assert {row.name for row in other} == {row.name for row in mine}
