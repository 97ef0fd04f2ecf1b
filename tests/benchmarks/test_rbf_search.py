"""The benchmark of the grid search, at a size that takes a second."""

from __future__ import annotations

import rbf_search


def test_both_searches_give_the_same_answers(capsys):
    assert rbf_search.main(["--small"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("equal answers") == 2
    assert "all predictions are equal" in printed


def test_what_was_not_measured_is_said_to_be_extrapolated(capsys):
    rbf_search.main(["--small"])
    assert "extrapolated from 2" in capsys.readouterr().out
