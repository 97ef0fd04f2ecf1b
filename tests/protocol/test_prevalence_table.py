import numpy as np
import pytest

from napari_celltype.errors import LabelError
from napari_celltype.protocol.prevalence_table import prevalence_table, shares_in_tests


def column(table, name):
    return [row[table.columns.index(name)] for row in table.rows]


def test_at_the_shares_in_tests_it_is_the_precision_of_the_matrix(made_run):
    score = made_run.report.of("classifier")[0]
    shares = shares_in_tests(score)
    assert sum(shares.values()) == pytest.approx(1)
    table = prevalence_table(score, shares)
    counts = np.array(score.counts)
    called = counts.sum(axis=0)
    assert column(table, "called so") == called.tolist()
    right = counts.diagonal()[called > 0] / called[called > 0]
    precision = np.array(column(table, "precision"))
    assert precision[called > 0] == pytest.approx(right)


def test_a_rare_type_has_a_lower_precision_and_its_chance_beside_it(made_run):
    score = made_run.report.of("classifier")[0]
    rare = {"PV": 4, "PY": 89, "SOM": 4, "VIP": 3}
    table = prevalence_table(score, rare)
    at = column(table, "type").index("PV")
    as_tested = prevalence_table(score, shares_in_tests(score))
    assert column(table, "precision")[at] < column(as_tested, "precision")[at]
    assert column(table, "by chance")[at] == pytest.approx(0.04)


def test_shares_that_are_all_nothing_are_refused(made_run):
    with pytest.raises(LabelError, match="not all 0"):
        prevalence_table(made_run.report.of("classifier")[0], {"PV": 0.0})
