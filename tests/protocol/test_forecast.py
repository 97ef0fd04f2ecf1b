"""What is said of an evaluation before it starts."""

import numpy as np
import pytest

import napari_celltype as nct
from napari_celltype.errors import Stopped
from napari_celltype.protocol.evaluate import ExperimentRequest, run_experiment
from napari_celltype.protocol.experiments import Training
from napari_celltype.protocol.forecast import Forecaster


def traces(n_subjects=4, *, one_type=False):
    labels = np.repeat(["PV", "PY"], 12)
    cells = np.arange(24)
    subjects = np.char.add("mouse-", (cells % n_subjects).astype(str))
    if one_type:
        subjects = np.char.add(labels, subjects)
    noise = np.random.default_rng(0).normal(size=(24, 60))
    return nct.TraceSet(noise, labels, subject_id=subjects, sampling_frequency=10.0)


def request(data, **options):
    given = {
        "classifiers": ("rnn",),
        "protocol": nct.PaperProtocol(n_splits=2),
        "training": Training(epochs=1),
        **options,
    }
    return ExperimentRequest(data, **given)


def test_the_design_stands_first_and_the_time_is_called_an_estimate():
    found = Forecaster().forecast(request(traces(one_type=True)))
    assert (
        found.design_lines[0] == "⚠ Type and animal cannot be separated in these data."
    )
    assert "12 PV (4 animals)" in found.design_lines[-2]
    assert found.design_lines[-1].startswith("Split the paper's way and ")
    assert found.sentence.startswith("Expected: about ")


def test_longer_trainings_are_expected_to_take_longer_without_timing_anew():
    forecaster, data = Forecaster(), traces()
    short = forecaster.forecast(request(data))
    told = []
    long = forecaster.forecast(
        request(data, training=Training(epochs=5000)), on_progress=told.append
    )
    assert long.seconds > 5 * short.seconds
    assert long.quick_seconds < long.seconds / 5
    assert not any("Timing" in progress.message for progress in told)


def test_what_is_done_is_not_expected_again(tmp_path):
    asked = request(traces(), folder=tmp_path / "run")
    steps = []
    with pytest.raises(Stopped):
        run_experiment(
            asked, on_split=steps.append, should_stop=lambda: len(steps) >= 2
        )
    forecaster = Forecaster()
    left = forecaster.forecast(asked)
    assert left.n_tasks - left.n_left == len(steps)
    assert f"the {left.n_left} of {left.n_tasks} trainings that are left" in (
        left.sentence
    )
    run_experiment(asked)
    done = forecaster.forecast(asked)
    assert done.n_left == 0
    assert "are done" in done.sentence


def test_timing_stops_when_asked():
    told = []
    with pytest.raises(Stopped):
        Forecaster().forecast(
            request(traces()),
            on_progress=told.append,
            should_stop=lambda: any("Timing" in p.message for p in told),
        )
