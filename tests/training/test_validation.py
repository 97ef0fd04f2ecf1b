"""What training holds out, and the scores on it."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from napari_celltype.errors import LabelError
from napari_celltype.labels import LabelledData, Targets, TraceSet
from napari_celltype.labels.reading import means_by_cell
from napari_celltype.training.held_out import HeldOut, hold_out
from napari_celltype.training.validation import Judge, probe_title


def cells(labels, **columns):
    n = len(labels)
    noise = np.random.default_rng(0).normal(size=(n, 40)).astype(np.float32)
    given = {name: np.array(values) for name, values in columns.items()}
    given.setdefault("cell_id", np.array([f"c{i}" for i in range(n)]))
    return TraceSet(noise, np.array(labels), sampling_frequency=10.0, **given)


def labelled_data(traces, cell):
    return LabelledData(traces, "test", None, (), "", cell)


def held(traces, validation="auto", **options):
    return hold_out(traces, Targets.of(traces.labels), validation, **options)


# Four animals of two types each, with six cells of each type.
FOUR = cells(
    ["PY", "PV"] * 24,
    subject_id=[f"m{i // 12}" for i in range(48)],
    session_id=[f"d{i // 6}" for i in range(48)],
)


def test_animals_are_held_out_where_several_hold_each_type():
    found = held(FOUR)
    assert found.way == "by-subject"
    assert not set(FOUR.subject_id[found.train]) & set(FOUR.subject_id[found.test])
    assert set(FOUR.labels[found.test]) == {"PY", "PV"}
    assert "12 cells of 1 of 4 animals" in found.sentence


def test_sessions_are_held_out_where_animals_do_not_do():
    one_animal = cells(FOUR.labels, subject_id=["m0"] * 48, session_id=FOUR.session_id)
    found = held(one_animal)
    assert found.way == "by-session"
    assert not set(FOUR.session_id[found.train]) & set(FOUR.session_id[found.test])
    assert "Not stricter, because: All examples of PV are of 1 animal" in found.sentence


def test_cells_are_held_out_of_one_session():
    twice = cells(["PY", "PV"] * 10, cell_id=[f"c{i // 4}" for i in range(20)])
    # Cells c0 to c4 hold both types each: a tracked neuron stays on one side.
    found = held(twice)
    assert found.way == "by-cell"
    assert not set(twice.cell_id[found.train]) & set(twice.cell_id[found.test])


def test_single_traces_of_unknown_cells_are_never_held_out():
    traces = TraceSet(FOUR.traces, FOUR.labels, sampling_frequency=10.0)
    found = held(traces)
    assert found.way is None
    assert len(found.train) == 48
    assert "tested on nothing" in found.sentence
    assert "No cell is given" in found.sentence
    with pytest.raises(LabelError, match="No cell is given"):
        held(traces, "cell")


def test_nothing_is_held_out_when_asked():
    assert held(FOUR, "none").way is None
    with pytest.raises(LabelError, match="'mouse' cannot be held out"):
        held(FOUR, "mouse")


def test_all_cells_of_an_untested_type_are_trained_on():
    labels = [*FOUR.labels[:44], "VIP", "VIP", "VIP", "VIP"]
    traces = cells(labels, subject_id=FOUR.subject_id)
    assert held(traces).way == "by-cell"  # VIP comes from one animal
    found = held(traces, untested=["VIP"])
    assert found.way == "by-subject"
    assert (traces.labels[found.train] == "VIP").sum() == 4


def test_the_animal_of_an_untested_type_is_trained_on():
    two = cells(
        [*FOUR.labels[:46], "VIP", "VIP"], subject_id=[f"m{i // 24}" for i in range(48)]
    )
    found = held(two, untested=["VIP"])
    # Of two animals the other one is held out.
    assert found.way == "by-subject"
    assert set(two.subject_id[found.test]) == {"m0"}
    assert set(two.subject_id[found.train]) == {"m1"}
    everywhere = cells([*["PY", "PV", "VIP"] * 16], subject_id=FOUR.subject_id)
    found = held(everywhere, untested=["VIP"])
    assert found.way == "by-cell"
    assert "Every animal holds VIP" in found.sentence


def test_tracked_cells_keep_sessions_together_and_the_rest_is_told():
    cell = [f"c{i % 12}" if i < 24 else f"x{i}" for i in range(48)]
    days = cells(FOUR.labels, session_id=[f"d{i // 12}" for i in range(48)])
    found = held(days)
    # Nobody says which cells came back on another day.
    assert found.way == "by-session"
    assert "only where its labels name it" in found.sentence
    named = held(replace(days, cell_id=np.array(cell)))
    assert named.way == "by-session"
    assert not set(np.array(cell)[named.train]) & set(np.array(cell)[named.test])
    assert " of 4 sessions" in named.sentence
    two_days = replace(days, cell_id=np.array(cell)).take(np.arange(24))
    joined = held(two_days)
    assert joined.way == "by-cell"
    assert "sessions that share a tracked cell count as one" in joined.sentence
    # Other animals have other neurons.
    assert "only where its labels" not in held(FOUR).sentence


def test_labels_that_name_no_type_and_predictions_are_not_scored():
    labels = ["PY", "PV", "IN", "PY"] * 12
    source = ["manual", "manual", "manual", "prediction"] * 12
    traces = cells(labels, subject_id=FOUR.subject_id, label_source=source)
    found = held(traces)
    assert set(traces.label_source[found.test]) == {"manual"}
    assert set(traces.labels[found.test]) == {"PY", "PV"}
    # Nor is anything of a held-out animal trained on.
    assert not set(traces.subject_id[found.train]) & set(traces.subject_id[found.test])


class Knowing:
    """A classifier that reads the probability of PV from a trace's first frame."""

    classes_ = ("PV", "PY")
    class_counts_ = np.array([18, 18])
    network_ = SimpleNamespace(any_length=False)

    def log_probabilities(self, traces, *_options):
        p = np.clip(traces[:, 0], 0.01, 0.99)
        return np.log(np.stack([p, 1 - p], axis=1))


def in_windows(sure):
    """Cells of FOUR in two windows each, that say PV with these probabilities."""
    pv = FOUR.labels == "PV"
    first = np.where(pv, sure[0], 1 - sure[0])
    second = np.where(pv, sure[1], 1 - sure[1])
    cell = np.repeat(np.arange(48), 2)
    windows = FOUR.take(cell)
    traces = windows.traces.copy()
    traces[:, 0] = np.stack([first, second], axis=1).ravel()
    return labelled_data(replace(windows, traces=traces), cell)


def judged(windows):
    targets = Targets.of(FOUR.labels)
    judge = Judge(windows, held(FOUR), targets)
    return judge, judge.judge(Knowing())


def test_a_cell_is_scored_once_by_the_mean_of_its_windows():
    # The second window errs, less surely than the first is right.
    judge, validation = judged(in_windows((0.9, 0.4)))
    assert validation.score == 1.0
    assert validation.n_cells == 12
    assert validation.confusion.tolist() == [[6, 0], [0, 6]]
    row = judge.after_epoch(Knowing())
    assert row["validation_balanced_accuracy"] == 1.0
    mean = np.mean(np.log([[0.9, 0.1], [0.4, 0.6]]), axis=0)
    expected = -(mean[0] - np.logaddexp(*mean))
    assert row["validation_loss"] == pytest.approx(expected)
    _, wrong = judged(in_windows((0.4, 0.3)))
    assert wrong.score == 0.0


def test_chance_and_the_best_number_stand_beside_the_score():
    _, validation = judged(in_windows((0.9, 0.9)))
    assert validation.chance == 0.5
    assert 0 <= validation.probe[1] <= 1
    balanced, *recalls = validation.as_scores()
    assert (balanced.chance, balanced.n, balanced.unit) == (0.5, 12, "animals")
    assert (balanced.probe, balanced.probe_value) == validation.probe
    # One held-out animal is no sample of animals.
    assert balanced.low is None
    assert [(r.measure, r.n) for r in recalls] == [
        ("recall of PV", 6),
        ("recall of PY", 6),
    ]


def test_a_number_that_tells_the_types_is_found():
    traces = FOUR.traces + 50 * (FOUR.labels == "PV")[:, None]
    data = labelled_data(replace(FOUR, traces=traces), np.arange(48))
    judge = Judge(data, held(FOUR), Targets.of(FOUR.labels))
    assert judge.probe == ("mean", 1.0)


def test_the_animal_alone_is_compared_with_where_sessions_are_held_out():
    # Each animal has one type, as animals of one line have.
    traces = cells(
        ["PY"] * 24 + ["PV"] * 24,
        subject_id=["m0"] * 24 + ["m1"] * 24,
        session_id=[f"d{i // 6}" for i in range(48)],
    )
    data = labelled_data(traces, np.arange(48))
    found = held(traces)
    assert found.way == "by-session"
    judge = Judge(data, found, Targets.of(traces.labels))
    assert judge.probe == ("animal", 1.0)
    assert probe_title("animal") == "the commonest type of its animal"


def test_means_over_windows_of_unequal_number():
    values = np.array([1.0, 3.0, 5.0, 2.0])
    cell = np.array([0, 0, 1, 2])
    assert means_by_cell(values, cell).tolist() == [2.0, 5.0, 2.0]


def calibrated(n_cells, n_windows, rare=0, way="by-cell", **columns):
    """The calibration of a judge with so many held-out cells, all of their windows."""
    labels = ["PV"] * (rare or n_cells // 2)
    labels += ["PY"] * (n_cells - len(labels))
    traces = cells(labels, **columns)
    cell = np.repeat(np.arange(n_cells), n_windows)
    sure = np.random.default_rng(1).uniform(0.3, 0.9, len(cell))
    windows = traces.take(cell)
    shown = windows.traces.copy()
    shown[:, 0] = np.where(windows.labels == "PV", sure, 1 - sure)
    data = labelled_data(replace(windows, traces=shown), cell)
    rows = np.arange(n_cells)
    judge = Judge(data, HeldOut(rows, rows, way, ""), Targets.of(traces.labels))
    return judge.judge(Knowing()).calibration


def test_enough_held_out_cells_calibrate_the_model():
    by_cell = calibrated(60, [1] * 5 + [4] * 55)
    assert by_cell.calibrated_on == "60 held-out cells"
    assert (by_cell.sessions, by_cell.cells) == (60, 60)
    assert [step.n_windows for step in by_cell.steps] == [1, 2, 4]
    assert all(limit > 0 for limit in by_cell.steps[0].prediction_set.values())


def test_a_step_takes_as_many_cells_with_so_many_windows():
    # Of 60 cells 45 have two windows.
    found = calibrated(60, [1] * 15 + [2] * 45)
    assert [step.n_windows for step in found.steps] == [1]


def test_few_animals_leave_every_class_in_the_prediction_set():
    animals = [f"m{i % 6}" for i in range(60)]
    found = calibrated(60, [1] * 60, way="by-subject", subject_id=animals)
    assert found.calibrated_on == "60 held-out cells of 6 animals"
    assert found.steps[0].prediction_set == {"PV": 0.0, "PY": 0.0}


@pytest.mark.parametrize(("n_cells", "rare"), [(48, 24), (60, 9)])
def test_too_few_held_out_cells_calibrate_nothing(n_cells, rare):
    assert calibrated(n_cells, [1] * n_cells, rare) is None


def test_traces_of_one_neuron_count_once():
    twice = [f"c{i // 2}" for i in range(60)]
    assert calibrated(60, [1] * 60, cell_id=twice) is None
