import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from napari_celltype.errors import Stopped
from napari_celltype.models import NETWORKS, TraceClassifier, load_model

QUICK = {"epochs": 2, "random_state": 0, "device": "cpu"}


@pytest.mark.parametrize("architecture", NETWORKS)
def test_same_seed_gives_the_same_model(architecture, labelled):
    first, second = (
        TraceClassifier(architecture, dropout=0.3, **QUICK).fit(*labelled)
        for _ in range(2)
    )
    np.testing.assert_array_equal(
        first.predict_proba(labelled[0]), second.predict_proba(labelled[0])
    )


def test_predictions_do_not_depend_on_neighbours(classifier, labelled):
    together = classifier.predict_proba(labelled[0])
    alone = np.concatenate([classifier.predict_proba(x[None]) for x in labelled[0]])
    np.testing.assert_allclose(alone, together, atol=1e-6)


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch_size": 0}])
def test_counts_below_one_are_refused(wrong, labelled):
    with pytest.raises(ValueError, match="at least 1"):
        TraceClassifier(**{**QUICK, **wrong}).fit(*labelled)


def test_stopped_training_leaves_the_earlier_model(labelled):
    fitted = TraceClassifier("rnn", **QUICK).fit(*labelled)
    before = fitted.predict_proba(labelled[0])
    with pytest.raises(Stopped):
        fitted.fit(labelled[0][:, :-9], labelled[1], should_stop=lambda: True)
    np.testing.assert_array_equal(fitted.predict_proba(labelled[0]), before)


def test_grid_search_in_a_pipeline_runs(labelled):
    pipeline = make_pipeline(
        FunctionTransformer(lambda X: X - 1), TraceClassifier("rnn", **QUICK)
    )
    grid = GridSearchCV(pipeline, {"traceclassifier__timesteps": [2, 5]}, cv=2)
    grid.fit(*labelled)
    assert grid.best_params_["traceclassifier__timesteps"] in (2, 5)


def test_save_without_a_card_names_the_model_after_its_file(
    classifier, labelled, tmp_path
):
    path = tmp_path / "mine.safetensors"
    classifier.save(path)
    assert load_model(path).card.name == "mine"


def test_columns_follow_classes_and_sum_to_one(classifier, labelled):
    shares = classifier.predict_proba(labelled[0])
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-12)
    best = classifier.classes_[shares.argmax(axis=1)]
    np.testing.assert_array_equal(best, classifier.predict(labelled[0]))
    assert classifier.score(*labelled) > 0.9


def test_chance_comes_from_the_seed_and_global_generators_stay_untouched(labelled):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = (
        TraceClassifier("rnn", epochs=2, random_state=seed, device="cpu")
        .fit(*labelled)
        .predict_proba(labelled[0])
        for seed in (0, 1)
    )
    assert not np.array_equal(first, second)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
