"""What the shipped models and their cards promise."""

import pytest

from napari_celltype.models import NETWORKS, load_model
from napari_celltype.models.catalog import BUNDLED
from napari_celltype.simulation import SIMULATOR_VERSION

NAMES = [f"{name}-{rate}hz" for name in NETWORKS for rate in (5, 10)]


@pytest.fixture(params=NAMES)
def model(request):
    return load_model(request.param)


def test_there_is_one_of_each_network_and_all_take_at_most_ten_megabytes():
    files = sorted(BUNDLED.glob("*.safetensors"))
    assert [f.stem for f in files] == sorted(NAMES)
    assert sum(f.stat().st_size for f in files) < 10e6


def test_a_card_says_that_it_was_trained_on_simulation_and_is_unproven(model):
    assert model.card.origin == "simulation"
    assert "simulat" in model.card.trained_on.lower()
    assert not model.card.subtypes_proven
    assert "unproven on real cells" in model.card.not_for


def test_a_card_holds_scores_on_simulation_and_on_real_cells(model):
    simulated = [score for score in model.card.scores if score.unit == "sessions"]
    assert simulated
    probed = [score for score in model.card.scores if score.data == "in vivo, OGB1"]
    assert any(score.probe for score in probed)


def test_a_window_is_a_minute_or_half_of_one_for_a_network_of_any_length(model):
    seconds = 30 if model.classifier.network_.any_length else 60
    assert model.card.window_frames == seconds * model.card.sampling_frequency


def test_all_models_were_trained_on_this_version_of_the_simulator(model):
    """Train the networks anew when it was raised (scripts/train_bundled.py)."""
    assert model.card.training_data["simulator_version"] == SIMULATOR_VERSION
