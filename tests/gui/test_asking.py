"""Where a dialog begins."""

from qtpy.QtWidgets import QFileDialog

from napari_celltype.gui.widgets import ask_file, ask_folder


def test_a_dialog_begins_where_the_last_one_of_its_kind_found_something(
    monkeypatch, tmp_path
):
    session = tmp_path / "mice" / "mouse1"
    session.mkdir(parents=True)
    answers, began = [str(session), "", str(tmp_path / "a.csv"), ""], []

    def answer(parent, title, start, files=None):
        began.append(start)
        return answers.pop(0) if files is None else (answers.pop(0), files)

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", answer)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", answer)
    assert ask_folder(None, "Open", "recordings") == session
    assert ask_folder(None, "Open", "recordings") is None
    assert ask_file(None, "Import", "labels", "Tables (*.csv)") == tmp_path / "a.csv"
    assert ask_file(None, "Import", "labels", "Tables (*.csv)") is None
    assert began == ["", str(tmp_path / "mice"), "", str(tmp_path)]
