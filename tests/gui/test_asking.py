"""Where a dialog begins."""

import pytest
from qtpy.QtWidgets import QFileDialog

from napari_celltype.gui.widgets import ask_file, ask_folder


@pytest.fixture
def answers(monkeypatch):
    """The places at which dialogs began; the last one is what they answer."""
    began = []

    def folder(parent, title, start):
        began.append(start)
        return answer.pop(0)

    def file(parent, title, start, files):
        began.append(start)
        return answer.pop(0), files

    answer = []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", folder)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", file)
    return answer, began


def test_a_dialog_begins_where_the_last_one_of_its_kind_found_something(
    answers, tmp_path
):
    answer, began = answers
    session = tmp_path / "mice" / "mouse1"
    session.mkdir(parents=True)
    answer += [str(session), "", str(tmp_path / "a.csv"), ""]
    assert ask_folder(None, "Open", "recordings") == session
    assert ask_folder(None, "Open", "recordings") is None
    assert ask_file(None, "Import", "labels", "Tables (*.csv)") == tmp_path / "a.csv"
    assert ask_file(None, "Import", "labels", "Tables (*.csv)") is None
    assert began == ["", str(tmp_path / "mice"), "", str(tmp_path)]
