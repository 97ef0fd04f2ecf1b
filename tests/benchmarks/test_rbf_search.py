"""The benchmark of the grid search, at a size that takes a second."""

from __future__ import annotations

import rbf_search


def test_both_searches_give_the_same_answers(capsys):
    assert rbf_search.main(["--small"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("equal answers") == 2
    assert "all predictions are equal" in printed
    assert "extrapolated from 2" in printed
