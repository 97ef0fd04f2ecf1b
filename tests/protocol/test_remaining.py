import pytest

from napari_celltype.protocol.running import Remaining


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_nothing_is_said_before_the_first_task_is_done(clock):
    remaining = Remaining(["cnn", "cnn"], clock)
    clock.now += 10
    assert str(remaining) == ""


def test_tasks_of_a_kind_take_what_finished_ones_took(clock):
    remaining = Remaining(["cnn", "cnn", "cnn", "rnn", "rnn"], clock)
    clock.now += 110
    remaining.finish("cnn", 100.0)
    remaining.finish("rnn", 10.0)
    assert remaining.seconds == pytest.approx(210)


def test_a_kind_that_is_not_known_yet_takes_what_the_others_take(clock):
    remaining = Remaining(["cnn", "rnn"], clock)
    clock.now += 60
    remaining.finish("cnn", 60.0)
    assert remaining.seconds == pytest.approx(60)


def test_what_runs_at_once_is_measured(clock):
    remaining = Remaining(["cnn"] * 4, clock)
    clock.now += 60
    remaining.finish("cnn", 60.0)
    remaining.finish("cnn", 60.0)
    assert remaining.seconds == pytest.approx(60)


@pytest.mark.parametrize(
    ("took", "said"),
    [
        (1.0, ", about 5 s left"),
        (42.0, ", about 40 s left"),
        (840.0, ", about 14 min left"),
        (7800.0, ", about 2 h 10 min left"),
    ],
)
def test_the_time_is_said_as_people_say_it(clock, took, said):
    remaining = Remaining(["cnn", "cnn"], clock)
    clock.now += took
    remaining.finish("cnn", took)
    assert str(remaining) == said


def test_nothing_is_left_at_the_end(clock):
    remaining = Remaining(["cnn"], clock)
    clock.now += 10
    remaining.finish("cnn", 10.0)
    assert str(remaining) == ""
