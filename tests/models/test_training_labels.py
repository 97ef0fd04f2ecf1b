"""Labels that leave several classes possible, from y to the loss."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from napari_celltype.errors import LabelError
from napari_celltype.labels import Targets
from napari_celltype.models import TraceClassifier
from napari_celltype.models.training import hit_count, loss_sum, read_labels, train

QUICK = {"epochs": 2, "random_state": 0, "device": "cpu"}


@pytest.fixture
def logits():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(6, 3, generator=generator, requires_grad=True)


def test_loss_of_single_classes_is_the_cross_entropy(logits):
    y = torch.tensor([0, 1, 2, 2, 1, 0])
    one_hot = torch.eye(3, dtype=torch.bool)[y]
    torch.testing.assert_close(
        loss_sum(logits, one_hot), cross_entropy(logits, y, reduction="sum")
    )


def test_loss_is_minus_the_logarithm_of_what_is_allowed(logits):
    allowed = torch.tensor([[True, False, True]] * 6)
    share = logits.softmax(1)[:, [0, 2]].sum(1)
    torch.testing.assert_close(loss_sum(logits, allowed), -share.log().sum())


def test_a_label_that_allows_everything_teaches_nothing(logits):
    loss_sum(logits, torch.ones(6, 3, dtype=torch.bool)).backward()
    torch.testing.assert_close(logits.grad, torch.zeros(6, 3))


def test_a_label_pushes_all_that_it_allows(logits):
    loss_sum(logits, torch.tensor([[True, False, True]] * 6)).backward()
    assert (logits.grad[:, [0, 2]] < 0).all()


@pytest.mark.filterwarnings("error")
def test_sure_logits_give_finite_gradients():
    logits = torch.tensor([[500.0, -500.0, 0.0]], requires_grad=True)
    loss_sum(logits, torch.tensor([[False, True, True]])).backward()
    assert torch.isfinite(logits.grad).all()


def test_a_guess_is_right_when_it_is_allowed():
    logits = torch.eye(3)
    allowed = torch.tensor(
        [[True, False, True], [True, False, True], [False, True, True]]
    )
    assert hit_count(logits, allowed) == 2


def test_numbers_stay_numbers():
    classes, targets = read_labels(np.array([3, 1, 3]), None)
    assert classes.tolist() == [1, 3]
    assert targets.index.tolist() == [1, 0, 1]


@pytest.mark.parametrize("dtype", [object, str])
def test_names_keep_their_kind(dtype):
    classes, _ = read_labels(np.array(["b", "a"], dtype=dtype), None)
    assert classes.dtype.kind == np.dtype(dtype).kind


def test_parent_and_negation_become_no_class():
    classes, targets = read_labels(np.array(["PY", "PV", "SOM", "IN", "!PV"]), None)
    assert classes.tolist() == ["PV", "PY", "SOM"]
    assert targets.allowed[3].tolist() == [True, False, True]
    assert targets.allowed[4].tolist() == [False, True, True]


def test_single_class_beside_its_parent_is_refused():
    with pytest.raises(ValueError, match="only one class"):
        read_labels(np.array(["PV", "IN"]), None)


def test_targets_of_another_length_are_refused():
    with pytest.raises(ValueError, match="2 labels and y 3"):
        read_labels(np.array(["a", "b", "a"]), Targets.of(["a", "b"]))


def test_negations_alone_are_refused(labelled):
    with pytest.raises(LabelError, match="only say what cells are not"):
        TraceClassifier("rnn", **QUICK).fit(labelled[0], ["!PV"] * 60)


def test_single_labels_train_the_same_weights_in_either_form(labelled):
    y = Targets.of(labelled[1].tolist())
    networks = []
    for targets in (y.index, y.allowed):
        fitted = TraceClassifier("rnn", **QUICK).fit(*labelled)
        network = fitted.network_
        generator = torch.Generator().manual_seed(0)
        network.initialise(generator)
        train(
            network,
            fitted.normalization_.apply(labelled[0]),
            targets,
            epochs=2,
            batch_size=16,
            learning_rate=1e-3,
            generator=generator,
            device=torch.device("cpu"),
            on_progress=lambda progress: None,
            should_stop=lambda: False,
            on_notice=pytest.fail,
        )
        networks.append(network.state_dict())
    for name, value in networks[0].items():
        torch.testing.assert_close(networks[1][name], value)


def test_counts_are_of_single_labels(labelled):
    y = labelled[1].copy()
    y[y == "SOM"] = np.where(np.arange(20) < 15, "SOM", "IN")
    y[0] = "!PV"
    fitted = TraceClassifier("rnn", **QUICK).fit(labelled[0], y)
    counts = dict(zip(fitted.classes_, fitted.class_counts_, strict=True))
    assert counts == {"PV": 20, "PY": 19, "SOM": 15}


def test_targets_give_classes_without_an_example(labelled):
    y = Targets.of([*labelled[1], "VIP"])
    fitted = TraceClassifier("rnn", **QUICK).fit(
        *labelled, targets=y.take(np.arange(60))
    )
    assert fitted.classes_.tolist() == ["PV", "PY", "SOM", "VIP"]
    assert fitted.class_counts_.tolist() == [20, 20, 20, 0]


def test_negations_are_learnt(labelled):
    X, truth = labelled
    most = np.arange(60) >= 6
    y = np.where(most & (truth == "PV"), "!SOM", truth)
    settings = {"filters": (8, 16), "kernel_size": 5, "learning_rate": 0.003}
    fitted = TraceClassifier(
        "cnn", epochs=30, random_state=0, device="cpu", **settings
    ).fit(X, y)
    guess = fitted.predict(X[y == "!SOM"])
    assert (guess != "SOM").mean() > 0.9


def test_history_counts_allowed_guesses_as_right(labelled):
    X, truth = labelled
    y = np.where(np.arange(60) < 50, truth, "!SOM")
    y[50:][truth[50:] == "SOM"] = "IN"
    fitted = TraceClassifier(
        "cnn",
        epochs=30,
        filters=(8, 16),
        kernel_size=5,
        learning_rate=0.003,
        random_state=0,
        device="cpu",
    ).fit(X, y)
    assert fitted.history_[-1]["accuracy"] > 0.9


def test_what_is_asked_after_an_epoch_joins_its_row(labelled):
    fitted = TraceClassifier("rnn", **QUICK).fit(
        *labelled, after_epoch=lambda trained: {"seen": len(trained.history_)}
    )
    assert [row["seen"] for row in fitted.history_] == [1, 2]


def test_asking_after_each_epoch_changes_nothing(labelled):
    def ask(trained):
        return {"score": trained.score(*labelled)}

    plain, asked = (
        TraceClassifier("lstm", dropout=0.3, **QUICK).fit(*labelled, after_epoch=f)
        for f in (None, ask)
    )
    np.testing.assert_array_equal(
        plain.predict_proba(labelled[0]), asked.predict_proba(labelled[0])
    )


def test_last_answer_is_that_of_the_fitted_classifier(labelled):
    fitted = TraceClassifier("rnn", **QUICK).fit(
        *labelled, after_epoch=lambda trained: {"score": trained.score(*labelled)}
    )
    assert fitted.history_[-1]["score"] == fitted.score(*labelled)
