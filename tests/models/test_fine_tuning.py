"""Fine-tuning the last layers of a network, and keeping its best epoch."""

import numpy as np
import pytest

from napari_celltype.errors import ModelError, Stopped
from napari_celltype.models import TraceClassifier, training
from napari_celltype.models.estimator import EpochScoring, FineTuning
from napari_celltype.models.networks import weighted_layers

SMALL = {
    "cnn": {"filters": (4, 6), "kernel_size": 5},
    "rnn": {"units": 8},
    "lstm": {"units": 6},
}


def new(architecture="rnn", **changes):
    settings = {"epochs": 3, "random_state": 0, "device": "cpu", "batch_size": 16}
    return TraceClassifier(
        architecture, **{**settings, **SMALL[architecture], **changes}
    )


@pytest.fixture(scope="module", params=SMALL)
def base(request, labelled):
    return new(request.param, random_state=7).fit(*labelled)


@pytest.fixture
def rnn(labelled):
    return new(random_state=7).fit(*labelled)


def weights(fitted):
    return [
        {name: w.detach().numpy().copy() for name, w in layer.named_parameters()}
        for layer in weighted_layers(fitted.network_)
    ]


def same(first, second):
    return [
        all(np.array_equal(a[name], b[name]) for name in a)
        for a, b in zip(first, second, strict=True)
    ]


@pytest.mark.parametrize("layers", [1, 2])
def test_all_layers_but_the_last_keep_every_bit(base, labelled, layers):
    before = weights(base)
    tuned = new(base.architecture).fit(*labelled, start=FineTuning(base, layers))
    kept = same(before, weights(tuned))
    assert kept == [True] * (len(kept) - layers) + [False] * layers
    assert all(same(before, weights(base)))


def test_other_classes_get_outputs_of_their_own(base, labelled):
    traces, labels = labelled
    labels = np.where(labels == "SOM", "VIP", labels)
    tuned = new(base.architecture, learning_rate=1e-12).fit(
        traces, labels, start=FineTuning(base)
    )
    assert tuned.classes_.tolist() == ["PV", "PY", "VIP"]
    # A class that the base knows starts where it was.
    old, now = base.network_.output.weight, tuned.network_.output.weight
    known = [base.classes_.tolist().index(name) for name in ("PV", "PY")]
    np.testing.assert_allclose(now[:2].detach(), old[known].detach(), atol=1e-6)


def test_the_same_seed_gives_the_same_weights(rnn, labelled):
    first, second = (new().fit(*labelled, start=FineTuning(rnn)) for _ in range(2))
    other = new(random_state=1).fit(*labelled, start=FineTuning(rnn))
    assert all(same(weights(first), weights(second)))
    assert not all(same(weights(first), weights(other)))


def test_the_z_score_of_the_base_is_used(labelled):
    traces, labels = labelled
    settings = {"normalization": "training-set"}
    base = new(**settings).fit(traces, labels)
    tuned = new(**settings).fit(traces * 3, labels, start=FineTuning(base))
    np.testing.assert_array_equal(tuned.normalization_.mean, base.normalization_.mean)


def test_another_length_is_refused_of_other_classes_too(labelled):
    traces, labels = labelled
    base = new("cnn").fit(traces, labels)
    others = np.char.add(labels.astype(str), "x")
    with pytest.raises(ValueError, match="another length"):
        new("cnn").fit(traces[:, :40], others, start=FineTuning(base))


def test_another_structure_or_length_is_refused(rnn, labelled):
    traces, labels = labelled
    with pytest.raises(ValueError, match="base's parameters"):
        new(units=9).fit(traces, labels, start=FineTuning(rnn))
    with pytest.raises(ValueError, match="another length"):
        new().fit(traces[:, :40], labels, start=FineTuning(rnn, 2))
    with pytest.raises(ModelError, match="choose 1 to 2"):
        new().fit(traces, labels, start=FineTuning(rnn, 3))


def scores(numbers):
    """Score epochs by one number after the other, and keep the best."""
    left = iter(numbers)
    return EpochScoring(
        lambda trained: {"score": next(left)}, lambda row: (row["score"],)
    )


def test_the_weights_of_the_best_epoch_are_kept(labelled):
    best = new(epochs=5).fit(*labelled, scoring=scores([0.1, 0.9, 0.3, 0.9, 0.2]))
    assert best.best_epoch_ == 2
    assert len(best.history_) == 5
    assert all(same(weights(best), weights(new(epochs=2).fit(*labelled))))


def test_a_training_that_is_ended_early_keeps_its_best_epoch(labelled):
    epochs = []
    ended = new(epochs=50).fit(
        *labelled,
        scoring=scores([0.1, 0.9, 0.3, *[0] * 50]),
        on_progress=lambda progress: epochs.append(progress.done),
        should_finish=lambda: 3 in epochs,
    )
    assert (ended.best_epoch_, len(ended.history_)) == (2, 3)
    assert all(same(weights(ended), weights(new(epochs=2).fit(*labelled))))


def test_without_a_rank_an_early_end_keeps_the_last_whole_epoch(labelled):
    ended = new(epochs=50).fit(*labelled, should_finish=lambda: True)
    assert ended.best_epoch_ == 1
    assert all(same(weights(ended), weights(new(epochs=1).fit(*labelled))))


def test_a_killed_fine_tuning_goes_on_and_remembers_its_best_epoch(
    rnn, labelled, tmp_path, monkeypatch
):
    monkeypatch.setattr(training, "SECONDS_BETWEEN", 0)
    path, told = tmp_path / "a.safetensors", []
    asked = {"start": FineTuning(rnn)}
    numbers = [0.1, 0.9, 0.3, 0.2, 0.4]
    at_once = new(epochs=5).fit(*labelled, scoring=scores(numbers), **asked)
    with pytest.raises(Stopped):
        new(epochs=5).fit(
            *labelled,
            scoring=scores(numbers),
            checkpoint=path,
            on_progress=lambda progress: told.append(progress.done),
            should_stop=lambda: 3 in told,
            **asked,
        )
    resumed = new(epochs=5).fit(
        *labelled, scoring=scores(numbers[3:]), checkpoint=path, **asked
    )
    assert resumed.best_epoch_ == 2
    assert all(same(weights(resumed), weights(at_once)))
    # Another base is another training.
    other = new(random_state=8).fit(*labelled)
    anew = new(epochs=5).fit(
        *labelled,
        scoring=scores(numbers),
        checkpoint=path,
        start=FineTuning(other),
    )
    assert not all(same(weights(resumed), weights(anew)))
