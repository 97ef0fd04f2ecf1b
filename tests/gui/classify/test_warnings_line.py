"""The line of warnings in the Classify dock."""

from __future__ import annotations

import pytest

from napari_celltype.gui.widgets import WarningsLine

SENTENCES = ("This recording is unlike the training data. " * 5, "Another one.")


@pytest.fixture
def line(qtbot):
    line = WarningsLine()
    qtbot.addWidget(line)
    line.resize(300, 40)
    line.show()
    line.show_warnings(SENTENCES)
    return line


def test_one_line_counts_the_warnings_and_begins_the_first(line):
    assert line.words.text().startswith("⚠ 2 warnings: This recording")
    assert "Another one" not in line.words.text()
    assert line.height() < 60
    line.show_warnings(())
    assert not line.isVisible()


def test_more_shows_every_sentence_until_less_or_others(line):
    line.more.click()
    assert line.words.text() == line.text
    assert "⚠ Another one." in line.words.text()
    line.more.click()
    assert line.words.text() != line.text
    line.more.click()
    line.show_warnings(SENTENCES[::-1])
    assert line.words.text().startswith("⚠ 2 warnings: Another one.")
    assert not line.more.isChecked()
