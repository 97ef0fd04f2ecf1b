import subprocess
import sys

import pytest

from napari_celltype.errors import ModelError, OutputError, SamplingFrequencyError
from napari_celltype.models import (
    add_model,
    catalog,
    describe,
    list_models,
    load_model,
    pack_model,
)
from napari_celltype.models.catalog import find_model


@pytest.fixture
def user_models(tmp_path, monkeypatch):
    """Return the user's folder of models, which does not exist yet."""
    folder = tmp_path / "user models ü"
    monkeypatch.setenv("NAPARI_CELLTYPE_MODELS", str(folder))
    return folder


@pytest.fixture
def bundled(classifier, make_card, tmp_path, monkeypatch):
    """Bundle two small models of the family cnn, for 10 Hz and 5 Hz."""
    folder = tmp_path / "bundled"
    for rate in (10, 5):
        name = f"cnn-{rate}hz"
        card = make_card(name=name, family="cnn", sampling_frequency=float(rate))
        classifier.save(folder / f"{name}.safetensors", card)
    monkeypatch.setattr(catalog, "BUNDLED", folder)
    return folder


pytestmark = pytest.mark.usefixtures("user_models", "bundled")


def test_listing_makes_no_folder(user_models):
    list_models()
    assert not user_models.exists()


def test_bundled_models_come_before_the_users(model_file):
    add_model(model_file)
    assert [card.name for card in list_models()] == [
        "cnn-10hz",
        "cnn-5hz",
        "tiny-10hz",
    ]


@pytest.mark.parametrize(
    ("rate", "name"),
    [
        (30.0, "cnn-10hz"),
        (10.0, "cnn-10hz"),
        (9.91, "cnn-10hz"),
        (9.8, "cnn-5hz"),
        (5.0, "cnn-5hz"),
        (4.96, "cnn-5hz"),
        (None, "cnn-10hz"),
    ],
)
def test_family_gives_the_fastest_model_that_fits(rate, name):
    assert find_model("cnn", rate).card.name == name


def test_too_slow_recording_is_told_what_to_do():
    with pytest.raises(
        SamplingFrequencyError, match=r"needs 5 Hz.*check the frame rate"
    ):
        find_model("cnn", 4.0)


def test_unknown_name_lists_what_there_is():
    with pytest.raises(ModelError, match="there are cnn, cnn-10hz, cnn-5hz"):
        load_model("cnnn")


@pytest.mark.parametrize("name", ["cnn", "cnn-10hz"])
def test_bundled_names_cannot_be_taken(classifier, make_card, tmp_path, name):
    classifier.save(tmp_path / "a.safetensors", make_card(name=name))
    with pytest.raises(ModelError, match="belongs to a bundled model"):
        add_model(tmp_path / "a.safetensors")


def test_damaged_model_of_the_users_is_told_and_passed_over(user_models):
    user_models.mkdir()
    (user_models / "bad.safetensors").write_bytes(b"nothing")
    told = []
    assert len(list_models(on_notice=told.append)) == 2
    assert "bad.safetensors" in told[0]
    assert load_model("cnn", 30.0).card.name == "cnn-10hz"


def test_shown_card_ends_with_the_digest():
    file = find_model("cnn-5hz")
    assert describe(file.card, file.sha256).rstrip().endswith(file.sha256)


def test_cards_are_listed_without_torch_or_scikit_learn():
    code = (
        "import sys; from napari_celltype.models import list_models; "
        "list_models(); print(sorted({'torch', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_name_or_a_path_takes_that_model(model_file, tmp_path):
    assert load_model("cnn-5hz", 30.0).card.name == "cnn-5hz"
    assert load_model(model_file).card.name == "tiny-10hz"
    assert load_model(str(model_file)).card.name == "tiny-10hz"
    with pytest.raises(ModelError, match="no model file"):
        load_model(tmp_path / "cnn")


def test_a_model_is_added_once_and_replaced_by_force(
    classifier, make_card, model_file, tmp_path
):
    add_model(model_file)
    assert add_model(model_file).card.name == "tiny-10hz"
    assert load_model("tiny-10hz").card.window_frames == 60
    other = tmp_path / "b.safetensors"
    classifier.save(other, make_card(trained_on="Others."))
    with pytest.raises(ModelError, match="already have another model"):
        add_model(other)
    add_model(other, force=True)
    assert load_model("tiny-10hz").card.trained_on == "Others."


def test_packed_model_is_the_same_and_replaces_a_file_by_force_only(tmp_path):
    path = tmp_path / "for you.safetensors"
    path.write_text("precious")
    with pytest.raises(OutputError, match=r"ends in \.safetensors"):
        pack_model("cnn-10hz", tmp_path / "model.zip")
    with pytest.raises(OutputError, match="exists"):
        pack_model("cnn-10hz", path)
    pack_model("cnn-10hz", path, force=True)
    assert find_model(path).sha256 == find_model("cnn-10hz").sha256
