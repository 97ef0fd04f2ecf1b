"""Training in a real window: start, watch, cancel, keep, throw away, use, close."""

import threading
from shutil import copy

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QLabel, QPushButton

from napari_celltype.gui.commands import show_dock
from napari_celltype.labels.obstacles import Obstacle
from napari_celltype.models import list_models, load_model


@pytest.fixture
def recordings(labelled, tmp_path):
    """The folder of two mice with 12 labelled cells each, 30 s at 10 Hz."""
    for n in (1, 2):
        labelled(f"mouse{n}/day1", ["PY", "PV"] * 6, n_frames=300, fs=10.0, seed=n)
    return tmp_path / "data"


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_CELLTYPE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


class TrainWindow:
    def __init__(self, viewer, qtbot):
        self.viewer, self.qtbot = viewer, qtbot
        _, self.dock = viewer.window.add_plugin_dock_widget("napari-celltype", "Train")

    def click(self, button):
        assert button.isEnabled(), button.toolTip()
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    def add(self, folder):
        job = self.dock.recordings.job
        with self.qtbot.waitSignal(job.ended, timeout=20_000):
            self.dock.recordings.add_paths([folder])

    def choose(self, combo, data):
        combo.setCurrentIndex(combo.findData(data))

    def until_epoch(self, number):
        self.qtbot.waitUntil(
            lambda: len(self.dock.plot.scores) >= number, timeout=60_000
        )

    def ended(self):
        return self.qtbot.waitSignal(self.dock.job.ended, timeout=60_000)


@pytest.fixture
def window(make_napari_viewer, qtbot, models):
    return TrainWindow(make_napari_viewer(show=True), qtbot)


def workers():
    return [t for t in threading.enumerate() if t.name == "napari-celltype work"]


def test_from_recordings_to_a_model_in_the_classify_list(window, recordings, models):
    dock, form = window.dock, window.dock.form
    assert not dock.train.isEnabled()
    assert "Add labelled recordings first" in dock.why_not.text
    window.add(recordings)
    # 30 s are no window of the bundled model; a network of its own takes them.
    assert "shorter than the 600 frames" in dock.train.toolTip()
    # Said once, above.
    assert not dock.why_not.isVisible()
    # The network is the base's, unless training starts from nothing.
    assert form.value("base") == "cnn"
    assert not form.native("architecture").isEnabled()
    assert "Off: " in form.native("architecture").toolTip()
    window.choose(form.native("base"), "")
    window.choose(form.native("architecture"), "rnn")
    form.native("epochs").setValue(3)
    assert form.about_held_out.text == "Held out: whole animals."
    for name, why in (("", "Give the model"), ("cnn", "bundled"), ("a/b", "digits")):
        form.name.setText(name)
        assert not dock.train.isEnabled()
        assert why in dock.why_not.text
        assert not form.about_name.isVisible()
    form.name.setText("mine")

    with window.ended():
        window.click(dock.train)
        assert not dock.train.isEnabled()
        assert not form.isEnabled()
    card = load_model(models / "mine.safetensors").card
    assert card.scores[0].n == 12
    saved, found = dock.result.text().splitlines()
    assert saved == "Saved as mine: RNN, from scratch."
    assert "chance 0.50" in found
    window.click(dock.details.button)
    assert "12 cells of 1 of 2 animals" in dock.details.words.text()
    assert len(dock.plot.scores) == 3
    assert dock.copy.isVisible()
    window.click(dock.copy)
    command = QApplication.clipboard().text()
    assert "napari-celltype train" in command
    assert "--architecture rnn" in command
    assert "Replaces your model mine" in form.about_name.text

    window.click(dock.use)
    classify = show_dock(window.viewer, "Classify")
    assert classify.form.model.value == "mine"
    # A model that comes later joins the list, and the choice stays.
    form.name.setText("later")
    with window.ended():
        window.click(dock.train)
    assert classify.form.model.choice.findData("later") >= 0
    assert classify.form.model.value == "mine"


def test_the_network_that_is_shown_is_the_one_that_is_trained(
    sit_down, recordings, models, models_folder
):
    models.mkdir()
    copy(models_folder / "quick.safetensors", models)
    me = sit_down()
    dock = me.open_dock("Train")
    form = dock.form
    me.choose(form.native("base"), "scratch")
    me.choose(form.native("architecture"), "LSTM")
    for start, network in (("RNN (bundled)", "RNN"), ("quick", "CNN")):
        me.choose(form.native("base"), start)
        assert form.native("architecture").currentText() == network
        assert not form.native("architecture").isEnabled()
    me.answer(dock.recordings.add_folders, recordings)
    me.wait(lambda: dock.recordings.table.rowCount() == 2)
    me.type_in(form.native("epochs"), "1")
    me.type_in(form.name, "my own")
    assert form.about_name.text == "Saved as my-own."
    me.click(dock.train)
    me.read(dock, "Saved as my-own: CNN, from quick on.", 60)
    card = load_model(models / "my-own.safetensors").card
    assert card.architecture == "cnn"


def test_a_cancelled_training_keeps_its_best_epoch_or_nothing(
    window, recordings, models
):
    dock, form = window.dock, window.dock.form
    window.add(recordings)
    window.choose(form.native("base"), "")
    window.choose(form.native("architecture"), "rnn")
    form.native("epochs").setValue(10_000)
    form.name.setText("kept")
    window.click(dock.train)
    window.until_epoch(2)
    window.click(dock.job.cancel)
    assert dock.choice.isVisible()
    assert dock.job.running
    window.click(dock.choice.go_on)
    assert not dock.choice.isVisible()
    window.click(dock.job.cancel)
    with window.ended():
        window.click(dock.choice.keep)
    about = load_model(models / "kept.safetensors").card.training_data
    assert about["epochs_run"] < 10_000
    assert (
        f"Epoch {about['epoch_kept']} of {about['epochs_run']}"
        in dock.details.words.text()
    )
    assert dock.choice.keep.text() == f"Keep epoch {about['epoch_kept']} (best)"

    # Before the first epoch there is nothing to ask about, nor to throw away.
    left = models / "gone.safetensors.checkpoint"
    left.write_bytes(b"of an earlier training")
    form.name.setText("gone")
    window.click(dock.train)
    with window.ended():
        window.click(dock.job.cancel)
    assert not dock.choice.isVisible()
    assert "Stopped before an epoch" in dock.job.notice.text
    assert left.read_bytes() == b"of an earlier training"

    window.click(dock.train)
    window.until_epoch(2)
    window.click(dock.job.cancel)
    with window.ended():
        window.click(dock.choice.throw)
    assert "no model was saved" in dock.job.notice.text
    assert [c.name for c in list_models() if c.origin == "user"] == ["kept"]
    assert not list(models.glob("gone*"))

    # A dock that is closed leaves no thread, and nobody who still listens.
    window.click(dock.train)
    window.until_epoch(2)
    session = dock.session
    window.viewer.window.remove_dock_widget(dock.parentWidget())
    dock.deleteLater()
    window.dock = dock = form = None
    window.qtbot.waitUntil(lambda: not workers(), timeout=20_000)
    session.models_changed.emit()
    session.collected.emit()
    window.viewer.theme = "light"


def test_a_type_of_one_animal_is_decided_about_and_nothing_may_be_held_out(
    window, recordings, labelled
):
    dock, form = window.dock, window.dock.form
    labels = [*("PY", "PV") * 5, "PY", "VIP"]
    labelled("mouse2/day1", labels, n_frames=300, fs=10.0, seed=2)
    window.add(recordings)
    window.choose(form.native("base"), "")
    assert "VIP: 1 cell from 1 animal" in dock.train.toolTip()
    shown = dock.recordings.obstacle_list
    buttons = {button.text(): button for button in shown.findChildren(QPushButton)}
    window.click(buttons["Train anyway, marked untested"])
    assert dock.train.isEnabled()
    window.choose(form.native("validation"), "none")
    window.choose(form.native("architecture"), "rnn")
    form.native("epochs").setValue(10_000)
    window.click(dock.train)
    window.qtbot.waitUntil(lambda: dock.course.isVisible(), timeout=60_000)
    assert "nothing is held out" in dock.course.text
    window.click(dock.job.cancel)
    # Without a score no epoch is the best.
    assert dock.choice.keep.text() == "Finish this epoch and keep it"
    with window.ended():
        window.click(dock.choice.keep)
    assert "tested on nothing" in dock.result.text()
    assert dock.plot.scores == []
    # A model that later trainings may start from is not replaced by one of them.
    window.choose(form.native("base"), "my-model")
    assert "shorter than" not in dock.why_not.text
    assert "my-model is what training starts from" in dock.why_not.text
    assert not dock.train.isEnabled()
    # However much stands in the way, all lines of it are seen.
    dock.recordings.show_obstacles(
        tuple(Obstacle("test", "What stands in the way. " * n) for n in range(9))
    )
    labels = [label for label in shown.findChildren(QLabel) if label.wordWrap()]
    assert len(labels) >= 9
    last = labels[-1]
    window.qtbot.waitUntil(lambda: 0 < last.width() <= shown.width() < 400)
    window.qtbot.waitUntil(lambda: last.parentWidget().y() > 100)
    window.qtbot.waitUntil(
        lambda: all(t.height() >= t.heightForWidth(t.width()) for t in labels)
    )
