"""The dialog "Add public data", in a real window."""

import pytest
from qtpy.QtCore import Qt

from napari_celltype.datasets import make
from napari_celltype.datasets.public import Offer
from napari_celltype.gui.session import Session
from napari_celltype.gui.train.public_data import PublicData
from napari_celltype.gui.train.recordings_table import RecordingsTable
from napari_celltype.labels import load_traces


@pytest.fixture
def table(qtbot):
    table = RecordingsTable(Session())
    qtbot.addWidget(table)
    table.show()
    return table


@pytest.fixture
def dialog(table, qtbot):
    qtbot.mouseClick(table.add_public, Qt.MouseButton.LeftButton)
    (dialog,) = table.findChildren(PublicData)
    return dialog


@pytest.fixture
def file(tmp_path, nwb):
    genotype = "Pvalb-IRES-Cre/wt;Ai162(TIT2L-GC6s-ICL-TTA2)/wt"
    subject = {"subject__genotype": genotype, "subject__subject_id": "m1"}
    return nwb.write(tmp_path / "in" / "a.nwb", **subject)


def press(dialog, qtbot):
    with qtbot.waitSignal(dialog.job.ended, timeout=20_000):
        qtbot.mouseClick(dialog.make, Qt.MouseButton.LeftButton)


def choose(dialog, source, output):
    dialog.form.control("sources").box.setCurrentText(str(source))
    dialog.form.control("output").value = output


def test_a_folder_becomes_a_trace_set_among_the_recordings(
    table, dialog, file, qtbot, tmp_path
):
    assert not dialog.make.isEnabled()
    choose(dialog, file.parent, tmp_path)
    with qtbot.waitSignal(table.job.ended, timeout=20_000):
        press(dialog, qtbot)
    assert "PV             6        1         1" in dialog.text.text()
    assert table.session.collection.counts() == {"PV": 6}
    assert (tmp_path / "dataset.npz").is_file()
    choose(dialog, tmp_path / "missing", tmp_path / "b")
    press(dialog, qtbot)
    assert "missing" in dialog.job.notice.text


def test_a_download_is_asked_for_first(dialog, file, qtbot, tmp_path, monkeypatch):
    downloaded = []
    offer = Offer("000535", "1", "CC-BY-4.0", (("a.nwb", 2_000_000_000, "x"),), 9, None)
    monkeypatch.setattr(make, "find_offer", lambda *_, **__: offer)
    monkeypatch.setattr(
        make, "download", lambda *_, **__: (downloaded.append(1), ([file], []))[1]
    )
    choose(dialog, "dandi:000535", tmp_path / "a.npz")
    press(dialog, qtbot)
    assert "1 of 9 files, 2 GB, licence CC-BY-4.0" in dialog.text.text()
    assert (downloaded, dialog.make.text()) == ([], "Download and make")
    # Another choice is another question.
    choose(dialog, "dandi:000535", tmp_path / "b.npz")
    assert dialog.make.text() == "Make"
    press(dialog, qtbot)
    press(dialog, qtbot)
    assert downloaded == [1]
    assert "Wrote" in dialog.text.text()


def test_rates_that_differ_are_brought_to_one(dialog, file, nwb, qtbot, tmp_path):
    genotype = "Sst-IRES-Cre/wt;Ai162(TIT2L-GC6s-ICL-TTA2)/wt"
    subject = {"subject__genotype": genotype, "subject__subject_id": "m2"}
    nwb.write(file.with_name("b.nwb"), rate=7.75, **subject)
    choose(dialog, file.parent, tmp_path)
    press(dialog, qtbot)
    assert "7.75 Hz" in dialog.job.notice.text
    dialog.form.control("resample").value = 7.75
    press(dialog, qtbot)
    assert load_traces(tmp_path / "dataset.npz").sampling_frequency == 7.75
