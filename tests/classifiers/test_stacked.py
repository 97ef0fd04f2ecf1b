"""Networks that are trained together learn what each would have learnt alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from napari_celltype.classifiers import TraceClassifier
from napari_celltype.classifiers.stacked import fit_together, tf32
from napari_celltype.errors import Stopped
from napari_celltype.labels import Targets
from napari_celltype.progress import Progress

CPU = torch.device("cpu")
N_NETWORKS, N_TRAINING, N_EXAMPLES = 3, 21, 32
LABELS = np.array(["PV", "PY", "SOM", "VIP"])[np.arange(N_EXAMPLES) % 4]

SETTINGS: dict[str, dict[str, Any]] = {
    "cnn": {"architecture": "cnn"},
    "cnn, pooling and dropout first": {"architecture": "cnn", "layers": "DPCDPC"},
    "rnn": {"architecture": "rnn"},
    "rnn, dropout": {
        "architecture": "rnn",
        "timesteps": 4,
        "layers": 2,
        "dropout": 0.3,
        "recurrent_dropout": 0.4,
    },
    "rnn, frames to spare": {"architecture": "rnn", "timesteps": 7},
    "lstm": {"architecture": "lstm"},
    "lstm, dropout": {
        "architecture": "lstm",
        "timesteps": 3,
        "dropout": 0.3,
        "recurrent_dropout": 0.4,
    },
    "by trace": {"architecture": "rnn", "normalization": "trace"},
    "by frame": {"architecture": "rnn", "normalization": "training-set-per-timestep"},
}


@pytest.fixture
def traces() -> NDArray[np.float32]:
    random = np.random.default_rng(0)
    cycles = 1 + np.arange(N_EXAMPLES)[:, None] % 4
    wave = np.sin(2 * np.pi * cycles * np.arange(60) / 60)
    noisy = 300 + 20 * (wave + random.standard_normal((N_EXAMPLES, 60)))
    traces = noisy.astype(np.float32)
    traces.flags.writeable = False  # As those of a trace set are.
    return traces


def classifiers_of(**settings: Any) -> list[TraceClassifier]:
    """Classifiers of one kind; three of four batches are whole, the last is not."""
    settings = {"normalization": "training-set", "batch_size": 6, **settings}
    return [
        TraceClassifier(epochs=2, device="cpu", random_state=seed, **settings)
        for seed in range(N_NETWORKS)
    ]


def rows_of() -> list[NDArray[np.int64]]:
    random = np.random.default_rng(1)
    return [random.permutation(N_EXAMPLES)[:N_TRAINING] for _ in range(N_NETWORKS)]


def both_ways(
    settings: dict[str, Any], traces: NDArray[np.float32], labels: NDArray[np.str_]
) -> tuple[list[TraceClassifier], list[TraceClassifier]]:
    """The same classifiers, fitted together and each alone."""
    together, alone = classifiers_of(**settings), classifiers_of(**settings)
    rows, targets = rows_of(), Targets.of(labels)
    of_rows = [targets.take(learned) for learned in rows]
    fit_together(together, traces, of_rows, rows, device=CPU)
    for classifier, learned, means in zip(alone, rows, of_rows, strict=True):
        classifier.fit(traces[learned], labels[learned], targets=means)
    return together, alone


def logits(classifier: TraceClassifier, traces: NDArray[np.float32]) -> Any:
    scored = torch.from_numpy(classifier.normalization_.apply(traces))
    with torch.inference_mode():
        return classifier.network_(scored).numpy()


@pytest.mark.parametrize("name", SETTINGS)
def test_logits_are_those_of_separate_fits(
    name: str, traces: NDArray[np.float32]
) -> None:
    together, alone = both_ways(SETTINGS[name], traces, LABELS)
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_allclose(logits(a, traces), logits(b, traces), atol=1e-4)


@pytest.mark.parametrize("architecture", ["cnn", "rnn", "lstm"])
def test_partial_labels_teach_as_in_separate_fits(
    architecture: str, traces: NDArray[np.float32]
) -> None:
    labels = LABELS.astype("U4")
    labels[::5], labels[3::7] = "IN", "!PV"
    settings = {"architecture": architecture}
    together, alone = both_ways(settings, traces, labels)
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_allclose(logits(a, traces), logits(b, traces), atol=1e-4)


def test_networks_of_different_seeds_differ(traces: NDArray[np.float32]) -> None:
    first, second, _ = both_ways({"architecture": "rnn"}, traces, LABELS)[0]
    assert np.abs(logits(first, traces) - logits(second, traces)).max() > 0.01


def test_fitted_attributes_are_those_of_fit(traces: NDArray[np.float32]) -> None:
    for a, b in zip(*both_ways({"architecture": "rnn"}, traces, LABELS), strict=True):
        assert a.classes_.tolist() == b.classes_.tolist()
        assert a.class_counts_.tolist() == b.class_counts_.tolist()
        assert a.n_features_in_ == b.n_features_in_
        assert a.normalization_.mean == b.normalization_.mean
        assert a.normalization_.deviation == b.normalization_.deviation
        assert a.network_.settings == b.network_.settings
        assert not a.network_.training


def test_history_tells_what_separate_fits_tell(traces: NDArray[np.float32]) -> None:
    for a, b in zip(*both_ways({"architecture": "lstm"}, traces, LABELS), strict=True):
        for ours, theirs in zip(a.history_, b.history_, strict=True):
            assert ours.keys() == theirs.keys()
            assert ours["epoch"] == theirs["epoch"]
            assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-4)
            assert ours["accuracy"] == pytest.approx(theirs["accuracy"], abs=1e-6)


def test_traces_shorter_than_the_network_are_padded() -> None:
    short = np.random.default_rng(0).standard_normal((N_EXAMPLES, 20))
    together, alone = both_ways({"architecture": "cnn"}, short, LABELS)
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_allclose(
            a.predict_proba(short), b.predict_proba(short), atol=1e-4
        )


def test_fitted_classifiers_can_be_saved(traces: NDArray[np.float32], tmp_path) -> None:
    together, _ = both_ways({"architecture": "cnn"}, traces, LABELS)
    assert together[0].save(tmp_path / "first.safetensors")


def test_progress_counts_epochs(traces: NDArray[np.float32]) -> None:
    told: list[Progress] = []
    rows, targets = rows_of(), Targets.of(LABELS)
    fit_together(
        classifiers_of(architecture="rnn"),
        traces,
        [targets.take(learned) for learned in rows],
        rows,
        device=CPU,
        on_progress=told.append,
    )
    assert [(p.done, p.total) for p in told] == [(1, 2), (2, 2)]


def test_stopping_leaves_none_fitted(traces: NDArray[np.float32]) -> None:
    classifiers, rows = classifiers_of(architecture="rnn"), rows_of()
    targets = Targets.of(LABELS)
    with pytest.raises(Stopped):
        fit_together(
            classifiers,
            traces,
            [targets.take(learned) for learned in rows],
            rows,
            device=CPU,
            should_stop=lambda: True,
        )
    assert not any(hasattr(c, "network_") for c in classifiers)


def test_classifiers_that_differ_are_refused(traces: NDArray[np.float32]) -> None:
    classifiers, rows = classifiers_of(architecture="rnn"), rows_of()
    classifiers[1].set_params(units=7)
    targets = Targets.of(LABELS)
    with pytest.raises(ValueError, match="same parameters"):
        fit_together(
            classifiers,
            traces,
            [targets.take(learned) for learned in rows],
            rows,
            device=CPU,
        )


def test_rows_of_different_number_are_refused(traces: NDArray[np.float32]) -> None:
    rows, targets = rows_of(), Targets.of(LABELS)
    rows[2] = rows[2][:-1]
    with pytest.raises(ValueError, match="number of training rows"):
        fit_together(
            classifiers_of(architecture="rnn"),
            traces,
            [targets.take(learned) for learned in rows],
            rows,
            device=CPU,
        )


def test_precision_is_as_before_afterwards() -> None:
    products = torch.backends.cuda.matmul
    before = products.allow_tf32
    with pytest.raises(KeyError), tf32():
        raise KeyError
    assert products.allow_tf32 == before


@pytest.mark.skipif(
    not hasattr(torch.backends.cuda.matmul, "fp32_precision"),
    reason="this torch tells its precision elsewhere",
)
def test_products_and_convolutions_take_tf32() -> None:
    with tf32():
        assert torch.backends.cuda.matmul.fp32_precision == "tf32"
        assert torch.backends.cudnn.conv.fp32_precision == "tf32"
