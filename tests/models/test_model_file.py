import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

from napari_celltype.errors import ModelError, OutputError
from napari_celltype.models import (
    NETWORKS,
    TraceClassifier,
    card_for,
    load_model,
    verify_model,
)
from napari_celltype.models import model_file as module
from napari_celltype.models.windows import NORMALIZATIONS


class Touch:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def header_of(path):
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def write(path, header, data):
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def resealed(source, target, *, card=None, table=None):
    """Copy a model with changes and a digest that fits them, as an attacker would."""
    header, data = header_of(source)
    metadata = header.pop("__metadata__")
    header.update(table or {})
    text = json.dumps({**json.loads(metadata["card"]), **(card or {})})
    metadata = {"card": text, "sha256": module.digest(text, header, data)}
    return write(target, {"__metadata__": metadata, **header}, data)


@pytest.mark.parametrize("architecture", NETWORKS)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_loaded_model_predicts_the_same(
    architecture, normalization, labelled, tmp_path
):
    fitted = TraceClassifier(
        architecture, normalization=normalization, epochs=1, device="cpu"
    ).fit(*labelled)
    path = tmp_path / "model.safetensors"
    fitted.save(path, card_for(fitted, name="m", sampling_frequency=10.0))
    np.testing.assert_array_equal(
        load_model(path).classifier.predict_proba(labelled[0]),
        fitted.predict_proba(labelled[0]),
    )


def test_other_programs_can_read_the_weights(model_file):
    tensors = safetensors.numpy.load_file(model_file)
    assert tensors["network.output.weight"].shape[0] == 3


def test_card_of_another_classifier_is_not_saved(classifier, make_card, labelled):
    other = TraceClassifier("rnn", epochs=1, device="cpu").fit(*labelled)
    with pytest.raises(ModelError, match="says architecture = 'cnn'"):
        other.save("never.safetensors", make_card())


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("a.pkl", r"ends in \.safetensors"), ("file/m.safetensors", "cannot be written")],
)
def test_a_place_for_no_model_is_refused(
    classifier, make_card, tmp_path, name, sentence
):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=sentence):
        classifier.save(tmp_path / name, make_card())


@pytest.mark.parametrize("keep", [0, 5, 200, -1, -1000])
def test_truncated_file_is_refused(model_file, tmp_path, keep):
    path = tmp_path / "cut.safetensors"
    path.write_bytes(model_file.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"cut\.safetensors"):
        load_model(path)


def test_safetensors_of_another_program_is_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    safetensors.numpy.save_file({"x": np.zeros(3)}, path)
    with pytest.raises(ModelError, match="without a model card"):
        load_model(path)


def test_pickle_is_refused_and_not_run(tmp_path):
    canary = tmp_path / "canary"
    path = tmp_path / "evil.safetensors"
    path.write_bytes(pickle.dumps(Touch(canary)))
    with pytest.raises(ModelError, match="no complete model file"):
        load_model(path)
    assert not canary.exists()


def test_file_larger_than_any_model_is_not_read(tmp_path):
    path = tmp_path / "sparse.safetensors"
    with path.open("wb") as file:
        file.truncate(module.MAX_BYTES + 1)
    with pytest.raises(ModelError, match="more than any model"):
        load_model(path)


@pytest.mark.parametrize(
    "card",
    [
        {"window_frames": 10**7},
        {"classes": ["PV", "PY"]},
        {"architecture": "rnn"},
        {"architecture": "evil"},
        {"normalization": "training-set"},
        {"normalization": "evil"},
        {"parameters": {"layers": "C" * 10**6}},
        {"parameters": {"layers": 10**4}},
        {"parameters": {"filters": [10**9, 10**9]}},
        {"parameters": {"filters": "ab"}},
        {"parameters": {"kernel_size": 10**9}},
        {"parameters": {"kernel_size": "x"}},
        {"parameters": {"dropout": [0.5]}},
        {"parameters": {"device": "cuda"}},
        {"parameters": {}},
    ],
)
def test_resealed_card_that_does_not_fit_is_refused(model_file, tmp_path, card):
    path = resealed(model_file, tmp_path / "evil.safetensors", card=card)
    with pytest.raises(ModelError, match=r"evil\.safetensors"):
        load_model(path)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [3], "data_offsets": [0, 2**60]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]},
        {"dtype": "PICKLE", "shape": [1], "data_offsets": [0, 4]},
        "no entry",
    ],
)
def test_resealed_tensor_table_that_lies_is_refused(model_file, tmp_path, entry):
    table = {"network.output.bias": entry}
    path = resealed(model_file, tmp_path / "evil.safetensors", table=table)
    with pytest.raises(ModelError, match=r"evil\.safetensors"):
        load_model(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(
    classifier, make_card, tmp_path, value
):
    spoilt = copy.deepcopy(classifier)
    with torch.no_grad():
        spoilt.network_.output.bias[0] = value
    spoilt.save(tmp_path / "nan.safetensors", make_card())
    with pytest.raises(ModelError, match="some weights are NaN or infinite"):
        load_model(tmp_path / "nan.safetensors")


def test_saving_leaves_the_one_file_whose_digest_it_returns(
    classifier, make_card, tmp_path
):
    path = tmp_path / "model.safetensors"
    sha256 = classifier.save(path, make_card())
    assert verify_model(path).sha256 == sha256
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"no model file .*absent\.safetensors"):
        load_model(tmp_path / "absent.safetensors")
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(tmp_path)


def test_one_changed_byte_of_weights_or_card_is_noticed(model_file, tmp_path):
    path = tmp_path / "changed.safetensors"
    content = model_file.read_bytes()
    for changed in (
        content[:-100] + bytes([content[-100] ^ 1]) + content[-99:],
        content.replace(b"simulation", b"stimulatio"),
    ):
        path.write_bytes(changed)
        with pytest.raises(ModelError, match="damaged or changed"):
            load_model(path)


@pytest.mark.parametrize(
    ("length", "header", "sentence"),
    [
        (2**43, b"{}" * 100, "no complete model file"),
        (100_000, b"[" * 100_000, "its header is no JSON"),
        (6, b"[1, 2]12345678", "its header is no JSON object"),
    ],
)
def test_impossible_header_is_refused(tmp_path, length, header, sentence):
    path = tmp_path / "evil.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + header)
    with pytest.raises(ModelError, match=sentence):
        load_model(path)
