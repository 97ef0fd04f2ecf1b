"""Evaluating in a real window: before, live, after, and when stopped."""

import re
import threading

import napari
import numpy as np
import pyqtgraph as pg
import pytest
from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QDesktopServices, QGuiApplication
from tests.gui.person import drop

import napari_celltype as nct
from napari_celltype.errors import Stopped
from napari_celltype.gui.evaluate import evaluate_dock
from napari_celltype.labels import save_traces
from napari_celltype.labels.reading import Reading
from napari_celltype.protocol import PaperProtocol
from napari_celltype.protocol.evaluate import (
    ExperimentRequest,
    read_request,
    run_experiment,
)
from napari_celltype.protocol.experiments import Training
from napari_celltype.protocol.words import caption

# Of waits, in ms: a busy machine takes its time.
LONG = 240_000


@pytest.fixture
def file(tmp_path):
    """40 traces of two types that a machine can tell apart, from four animals."""
    traces = np.random.default_rng(0).normal(size=(40, 60))
    traces[:20] += 3 * np.sin(np.arange(60))
    data = nct.TraceSet(
        traces,
        np.repeat(["PV", "PY"], 20),
        subject_id=np.array([f"mouse-{n % 4}" for n in range(40)]),
        cell_id=np.array([f"cell-{n}" for n in range(40)]),
        sampling_frequency=10.0,
    )
    return save_traces(data, tmp_path / "mice.npz")


@pytest.fixture
def dock(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1366, 768)
    _, dock = viewer.window.add_plugin_dock_widget("napari-celltype", "Evaluate")
    for name, box in dock.form.classifiers.items():
        box.setChecked(name in ("rnn", "svm-rbf"))
    dock.form.show_values({"n_splits": 2, "epochs": 1})
    return dock


def choose(dock, qtbot, path):
    """Choose data, and wait for how long it is expected to take."""
    dock.data.choose(path)
    qtbot.waitUntil(lambda: dock.expected.text.startswith("Expected"), timeout=LONG)
    qtbot.waitUntil(dock.run.isEnabled)


def click(qtbot, button):
    # What was shown just now is not laid out yet.
    qtbot.waitUntil(lambda: button.height() > 10)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def texts_of(table):
    """Return the cells of a table, but for the boxes in them."""
    columns = range(table.columnCount())
    return [
        [table.item(row, at).text() if table.item(row, at) else "" for at in columns]
        for row in range(table.rowCount())
    ]


def run_folder(tmp_path):
    return next(p for p in tmp_path.iterdir() if "-evaluation-" in p.name)


def hold_after(n_splits, monkeypatch):
    """Hold the run after some trainings, however quick the machine is."""
    go, held = threading.Event(), threading.Event()
    real = evaluate_dock.run_experiment

    def run(request, *, on_split, on_progress, **options):
        seen = []

        def add(row):
            on_split(row)
            seen.append(row)

        def show(progress):
            on_progress(progress)
            if len(seen) == n_splits and not held.is_set():
                held.set()
                assert go.wait(LONG / 1000)

        return real(request, on_split=add, on_progress=show, **options)

    monkeypatch.setattr(evaluate_dock, "run_experiment", run)
    return held, go


def test_before_during_and_after_a_run(dock, qtbot, file, tmp_path, monkeypatch):
    assert not dock.run.isEnabled()
    assert dock.run.toolTip() == "Add labelled recordings first."
    choose(dock, qtbot, file)
    assert dock.design.text.startswith("Every animal holds more than one type.")
    assert "20 PV (20 cells, 4 animals)" in dock.design.text
    assert "Split the paper's way and by animal." in dock.design.text
    assert "about" in dock.form.quick.text()

    held, go = hold_after(2, monkeypatch)
    click(qtbot, dock.run)
    assert not dock.run.isEnabled()
    assert dock.run.toolTip() == "An evaluation is running."
    qtbot.waitUntil(held.is_set, timeout=LONG)
    qtbot.waitUntil(lambda: dock.splits.rowCount() == 2)
    qtbot.waitUntil(lambda: not dock.splits.visibleRegion().isEmpty())
    assert dock.job.cancel.isVisible()
    with qtbot.waitSignal(dock.job.ended, timeout=LONG):
        go.set()
    folder = run_folder(tmp_path)
    assert str(folder) in dock.job.notice.text

    shown, report = dock.results, dock.results.report
    assert shown.isVisible()
    strict = max(s.interval.value for s in report.of("classifier", "by-subject"))
    sentence = shown.sentence.text()
    assert sentence.startswith(("On new animals better", "On new animals no better"))
    assert sentence.endswith(f" than chance: {strict:.2f}, chance 0.50.")
    assert len(shown.doubts.text().splitlines()) <= 2
    assert not shown.details.words.isVisible()
    click(qtbot, shown.details.button)
    details = shown.details.words.text()
    assert shown.details.words.isVisible()
    assert "A quick look: 2 splits" in details
    assert all(doubt in details for doubt in report.doubts)
    sides = [s for s in details.splitlines() if s.startswith(("By an", "The paper"))]
    assert len(sides) == 2
    assert all(re.search(r"chance 0\.50; .* cells of . animals$", s) for s in sides)
    splits = texts_of(dock.splits)
    assert len(splits) == sum(s.n_splits for s in report.results if s.role != "probe")
    assert {row[3] for row in splits} == {"0.50"}
    assert ["shuffled svm-rbf", "paper's 1"] in [row[:2] for row in splits]
    scores = report.scores.query("classifier == 'rnn'")["balanced_accuracy"]
    # The last training stands first.
    shown_scores = [row[2] for row in splits if row[:2] == ["rnn", "paper's 1"]]
    assert shown_scores == [f"{scores.iloc[0]:.2f}"]

    strictest = shown.which.currentText()
    assert strictest.endswith("by animal")
    counts = report.confusion(strictest.split(",")[0], "by-subject").counts
    matrix = texts_of(shown.matrix)
    assert [int(text.split("\n")[1]) for row in matrix for text in row] == [
        *counts.flat
    ]
    sentence = shown.matrix.item(0, 1).toolTip()
    assert sentence == f"{counts[0, 1]} of {counts[0].sum()} answers for PV named PY."
    # One precision of each type, of as many cells as were called so.
    shares = shown.prevalence
    before = texts_of(shares.table)
    for at, (_, _, precision, _, called) in enumerate(before):
        n_called = counts[:, at].sum()
        assert called == str(n_called)
        right = counts[at, at] / n_called if n_called else None
        assert precision == ("–" if right is None else f"{right:.3f}")
    shares.boxes["PV"].setValue(1)
    assert texts_of(shares.table) != before
    for box in shares.boxes.values():
        box.setValue(0)
    assert "not all 0" in shares.caption.text()
    click(qtbot, shares.as_tested)
    assert texts_of(shares.table) == before
    assert "not all 0" not in shares.caption.text()
    drawn = shown.bars.accessibleDescription()
    assert drawn.index("By animal, chance 0.50: rnn") < drawn.index("Paper's, chance")
    assert f"rnn {report.of('classifier', 'by-subject')[0].interval.value:.2f}" in drawn
    assert drawn.count(" alone ") == 2
    napari.current_viewer().theme = "light"
    letters = [i for i in shown.bars.scene().items() if isinstance(i, pg.TextItem)]
    assert {item.color.name() for item in letters} == {
        pg.mkColor(shown.bars.text_color).name()
    }
    assert len(letters) == 8

    clipboard = QGuiApplication.clipboard()
    click(qtbot, shown.copy_caption)
    assert clipboard.text() == caption(report)
    click(qtbot, shown.copy_methods)
    assert clipboard.text() == report.methods()
    assert "PyTorch" in report.methods()
    click(qtbot, shown.copy_figure)
    qtbot.waitUntil(lambda: "figure is on" in shown.job.notice.text, timeout=LONG)
    assert clipboard.image().width() > 1500
    shown.save_figure_as(tmp_path / "figure.svg")
    qtbot.waitUntil(lambda: "Wrote" in shown.job.notice.text, timeout=LONG)
    assert (tmp_path / "figure.svg").stat().st_size > 1000
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    click(qtbot, shown.open_report)
    assert opened == [QUrl.fromLocalFile(str(folder / "report.html"))]
    assert "napari-celltype evaluate" in report.command


def test_cancel_keeps_what_is_finished_and_the_run_goes_on(
    dock, qtbot, file, tmp_path, monkeypatch
):
    choose(dock, qtbot, file)
    held, go = hold_after(3, monkeypatch)
    click(qtbot, dock.run)
    qtbot.waitUntil(held.is_set, timeout=LONG)
    with qtbot.waitSignal(dock.job.ended, timeout=LONG):
        click(qtbot, dock.job.cancel)
        go.set()
    folder = run_folder(tmp_path)
    kept = (folder / "results.jsonl").read_bytes()
    assert dock.job.notice.text.startswith("Cancelled. The 3 finished trainings")
    assert not dock.job.notice.is_error
    assert not dock.results.isVisible()
    qtbot.waitUntil(lambda: "that are left" in dock.expected.text, timeout=LONG)
    assert dock.run.text() == "Run (goes on)"

    # As another day would: the folder alone says what the run was.
    dock.form.show_values({"n_splits": 5})
    with qtbot.waitSignal(dock.job.ended, timeout=LONG):
        dock.resume_run(folder)
    assert (folder / "results.jsonl").read_bytes().startswith(kept)
    assert dock.results.isVisible()
    assert dock.form.value("n_splits") == 2
    assert dock.form.value("folder") == folder
    assert dock.data.chosen == file
    done = (folder / "results.jsonl").read_bytes()

    # A finished run only shows its report.
    dock.results.hide()
    with qtbot.waitSignal(dock.job.ended, timeout=LONG):
        dock.resume_run(folder)
    assert dock.results.isVisible()
    assert (folder / "results.jsonl").read_bytes() == done

    with qtbot.waitSignal(dock.job.ended, timeout=LONG):
        dock.resume_run(tmp_path)
    assert dock.job.notice.is_error
    assert "not the folder of a run" in dock.job.notice.text


def test_a_run_of_the_terminal_goes_on_with_what_the_form_has_no_box_for(
    dock, qtbot, file, tmp_path
):
    folder = tmp_path / "run"
    asked = ExperimentRequest(
        file,
        folder=folder,
        classifiers=("rnn", "svm-linear-search"),
        protocol=PaperProtocol("by-cell", n_splits=1, random_state=3),
        training=Training(1, "cpu", "training-set-per-timestep"),
        reading=Reading(timesteps=40),
    )
    seen = []
    with pytest.raises(Stopped):
        run_experiment(asked, on_split=seen.append, should_stop=lambda: bool(seen))
    # The terminal's run and the window's: the same settings, so the same folder.
    with qtbot.waitSignal(dock.job.ended, timeout=LONG):
        dock.resume_run(folder)
    assert not dock.job.notice.is_error, dock.job.notice.text
    shown = dock.form.request()
    assert (shown.protocol, shown.training) == (asked.protocol, asked.training)
    assert shown.reading.timesteps == 40
    qtbot.waitUntil(dock.run.isEnabled, timeout=LONG)
    assert dock.run.text() == "Run (goes on)"
    assert "Split by cell" in dock.design.text
    # One classifier more, in the same folder.
    dock.form.classifiers["svm-rbf"].setChecked(True)
    qtbot.waitUntil(dock.run.isEnabled, timeout=LONG)
    with qtbot.waitSignal(dock.job.ended, timeout=LONG):
        click(qtbot, dock.run)
    assert not dock.job.notice.is_error, dock.job.notice.text
    names = {s.name for s in dock.results.report.asked}
    assert names == {"rnn", "svm-linear-search", "svm-rbf"}
    # Other data: nothing of the run is left, its folder least of all.
    dock.data.choose(tmp_path / "other.npz")
    assert dock.form.value("folder") is None
    assert dock.form.request().protocol.split == "paper"


def test_what_cannot_be_evaluated_is_a_sentence_and_run_is_off(dock, qtbot, tmp_path):
    dock.data.choose(tmp_path / "nothing.npz")
    assert not dock.run.isEnabled()
    assert "is not there" in dock.run.toolTip()
    one = nct.TraceSet(np.random.default_rng(0).normal(size=(6, 60)), ["PV"] * 6)
    dock.data.choose(save_traces(one, tmp_path / "one.npz"))
    qtbot.waitUntil(lambda: dock.expected.is_error, timeout=LONG)
    assert not dock.run.isEnabled()
    assert dock.run.toolTip() == dock.expected.text
    for box in dock.form.classifiers.values():
        box.setChecked(False)
    assert dock.run.toolTip() == "Tick at least one classifier."


def test_what_is_dropped_on_the_line_for_a_path_is_chosen(dock, file):
    dock.data.source.setCurrentIndex(1)
    drop(dock.data.path_line, file)
    assert dock.data.chosen == file


def test_a_quick_look_shows_what_it_runs(dock):
    form = dock.form
    form.show_values({"classifiers": ("cnn",), "n_splits": 10, "epochs": 4})
    form.quick.click()
    assert form.value("classifiers") == ("rnn", "svm-rbf")
    assert (form.value("n_splits"), form.value("epochs")) == (3, 4)
    assert not form.native("n_splits").isEnabled()
    request = form.request()
    assert request.classifiers == ("rnn", "svm-rbf")
    assert (request.protocol.n_splits, request.training.epochs) == (3, 4)
    form.quick.click()
    assert form.request().classifiers == ("cnn",)
    assert form.value("n_splits") == 10


def test_a_learning_curve_is_off_until_it_is_ticked_and_follows_the_shares(
    dock, qtbot, file, tmp_path
):
    assert not dock.form.request().learning_curve
    dock.form.native("learning_curve").click()
    asked = dock.form.request()
    assert asked.learning_curve
    classifiers = ("svm-rbf",)
    request = ExperimentRequest(
        file, classifiers=classifiers, learning_curve=True, protocol=asked.protocol
    )
    shown = dock.results
    shown.show_report(run_experiment(request), tmp_path)
    text = shown.prevalence.caption.text
    assert "90 % of cells called PV right, where 50 % are PV:" in text()
    shown.prevalence.boxes["PV"].setValue(1)
    assert "called PV right, where 1.96 % are PV:" in text()
    shown.prevalence.boxes["PV"].setValue(0)
    assert "called PV right, where 0 % are PV: 0" not in text()


def test_a_dock_closed_in_mid_run_leaves_no_thread_and_what_was_finished(
    dock, qtbot, file, tmp_path, monkeypatch
):
    choose(dock, qtbot, file)
    held, go = hold_after(2, monkeypatch)
    click(qtbot, dock.run)
    qtbot.waitUntil(held.is_set, timeout=LONG)
    gone = []
    dock.destroyed.connect(lambda: gone.append(True))
    dock.parent().deleteLater()
    qtbot.waitUntil(lambda: bool(gone))
    go.set()
    for thread in threading.enumerate():
        if thread.name == "napari-celltype work":
            thread.join(30)
    folder = run_folder(tmp_path)
    assert len((folder / "results.jsonl").read_bytes().splitlines()) == 2
    assert read_request(folder).data == file


def test_the_table_of_recordings_is_evaluated_as_a_list(
    dock, qtbot, tmp_path, labelled, monkeypatch
):
    sessions = [
        labelled(f"{animal}/day1", ["PV", "PY"] * 6, n_frames=80, fs=10.0)
        for animal in ("m1", "m2", "m3", "m4")
    ]
    table = dock.data.table
    table.add_paths(sessions)
    qtbot.waitUntil(lambda: len(table.session.collection.recordings) == 4, timeout=LONG)
    qtbot.waitUntil(dock.run.isEnabled, timeout=LONG)
    n_cells = int(dock.design.text.split(" PV (")[0].split()[-1])
    assert f"{n_cells} PV ({n_cells} cells, 4 animals)" in dock.design.text
    held, go = hold_after(1, monkeypatch)
    click(qtbot, dock.run)
    qtbot.waitUntil(held.is_set, timeout=LONG)
    # Others are taken in the Train dock meanwhile.
    collection = table.session.collection
    table.session.set_collection(collection.removed([collection.recordings[3].key]))
    with qtbot.waitSignal(dock.job.ended, timeout=LONG):
        go.set()
    assert dock.results.isVisible(), dock.job.notice.text
    (folder,) = (tmp_path / "data" / "m1").glob("recordings-evaluation-*")
    assert (folder / "recordings.csv").is_file()
    assert (folder / "report.html").is_file()
    assert read_request(folder).data == folder / "recordings.csv"

    # Other recordings are other data, in the same table.
    qtbot.waitUntil(lambda: "3 animals" in dock.design.text, timeout=LONG)
    assert f"{n_cells * 3 // 4} PV" in dock.design.text
    assert dock.run.text() == "Run"
