"""Work in the background and its four outcomes."""

import threading

import pytest
from qtpy.QtCore import QObject, Qt

from napari_celltype.errors import RecordingError
from napari_celltype.gui.tasks import (
    Cancelled,
    Failed,
    Finished,
    JobBar,
    Superseded,
    TaskRunner,
)
from napari_celltype.progress import Progress, raise_if_stopped


@pytest.fixture
def runner(qapp):
    owner = QObject()
    made = TaskRunner(owner)
    made.setProperty("owner", owner)
    yield made
    owner.deleteLater()


def outcome_of(qtbot, runner, work, act=lambda: None):
    outcomes = []
    with qtbot.waitSignal(runner.ended):
        runner.start(work, on_end=outcomes.append)
        act()
    return outcomes


def until_stopped(on_progress, should_stop):
    waiting = threading.Event()
    while True:
        raise_if_stopped(should_stop)
        waiting.wait(0.005)


def test_finished_has_the_result(qtbot, runner):
    assert outcome_of(qtbot, runner, lambda **_: 42) == [Finished(42)]


@pytest.mark.parametrize(
    ("sentence", "here"),
    [
        ("F.npy is missing; copy it.", "F.npy is missing; copy it."),
        ("give its rate (terminal: --fs 30).", "give its rate."),
        ("give it (terminal: --fs; napari: the rate box).", "give it (the rate box)."),
        ("m1 (plane 0) has none.", "m1 (plane 0) has none."),
    ],
)
def test_a_failure_names_no_option_of_the_terminal(qtbot, runner, sentence, here):
    def work(on_progress, should_stop):
        raise RecordingError(sentence)

    assert outcome_of(qtbot, runner, work) == [Failed(here)]


def test_a_defect_is_failed_and_logged(qtbot, runner, caplog):
    def work(on_progress, should_stop):
        raise ZeroDivisionError("division by zero")

    (outcome,) = outcome_of(qtbot, runner, work)
    assert isinstance(outcome, Failed)
    assert "ZeroDivisionError" in outcome.sentence
    assert "Traceback" in caplog.text


def test_cancelled_is_not_failed(qtbot, runner):
    outcomes = outcome_of(qtbot, runner, until_stopped, runner.cancel)
    assert outcomes == [Cancelled()]


def test_newer_work_supersedes(qtbot, runner):
    outcomes = []
    runner.start(until_stopped, on_end=outcomes.append)
    runner.start(lambda **_: "new", on_end=outcomes.append)
    assert outcomes == [Superseded()]
    with qtbot.waitSignal(runner.ended):
        pass
    assert outcomes == [Superseded(), Finished("new")]


def test_progress_arrives_on_the_main_thread(qtbot, runner):
    seen = []
    go_on = threading.Event()

    def work(on_progress, should_stop):
        on_progress(Progress("Reading", 1, 2))
        go_on.wait(10)

    def note(progress):
        seen.append((progress, threading.current_thread()))
        go_on.set()

    with qtbot.waitSignal(runner.ended):
        runner.start(work, on_end=lambda outcome: None, on_progress=note)
    assert seen == [(Progress("Reading", 1, 2), threading.main_thread())]


def test_the_work_of_a_closed_widget_is_told_to_stop(qtbot):
    owner = QObject()
    outcomes = []
    TaskRunner(owner).start(until_stopped, on_end=outcomes.append)
    owner.deleteLater()
    qtbot.waitUntil(
        lambda: "napari-celltype work" not in [t.name for t in threading.enumerate()]
    )
    assert outcomes == []


def test_work_that_has_ended_is_not_told_to_stop(qtbot, qapp, runner):
    def connected():
        return (
            qapp.receivers(qapp.aboutToQuit),
            runner.receivers(runner.destroyed),
        )

    before = connected()
    outcome_of(qtbot, runner, lambda **_: 42)
    qtbot.waitUntil(lambda: connected() == before)


def test_what_is_being_done_can_be_read_in_full(qtbot):
    bar = JobBar()
    qtbot.addWidget(bar)
    bar.resize(260, 60)
    bar.show()
    sentence = "Reading the traces of plane 3 of 12 of a recording with a long name"
    with qtbot.waitSignal(bar.ended):
        bar.start(sentence, until_stopped, lambda outcome: None)
        assert bar.message.text() == sentence
        assert bar.message.wordWrap()
        qtbot.mouseClick(bar.cancel, Qt.MouseButton.LeftButton)
    assert not bar.message.isVisible()
    assert bar.notice.text == "Cancelled."
