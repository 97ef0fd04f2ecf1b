"""Bad input at the terminal: one sentence, status 1, nothing written or lost."""

import json

import numpy as np
import pytest

from napari_celltype.labels import Label, LabelTable, save_labels
from napari_celltype.recording import open_recording

LONG = {"n_frames": 1900, "n_rois": 5}


def _missing(plane):
    (plane / "F.npy").unlink()
    return "F.npy"


def _truncated(plane):
    data = (plane / "F.npy").read_bytes()
    (plane / "F.npy").write_bytes(data[: len(data) // 2])
    return "F.npy"


def _different_lengths(plane):
    np.save(plane / "F.npy", np.load(plane / "F.npy")[:-1])
    return "4 traces"


def _system_call(plane):
    (plane / "stat.npy").write_bytes(b"cos\nsystem\n(S'touch canary'\ntR.")
    return "stat.npy"


def _no_rate(plane):
    ops = np.load(plane / "ops.npy", allow_pickle=True).item()
    del ops["fs"]
    np.save(plane / "ops.npy", np.array(ops, dtype=object))
    return "--fs"


def _rate_zero(plane):
    ops = np.load(plane / "ops.npy", allow_pickle=True).item()
    np.save(plane / "ops.npy", np.array({**ops, "fs": 0.0}, dtype=object))
    return "--fs"


def _label_of_a_row_that_does_not_exist(plane):
    save_labels(open_recording(plane), LabelTable((Label(1, "PV"),)))
    path = plane / "celltype_labels.json"
    content = json.loads(path.read_text())
    text = json.dumps(content).replace('"roi_id": 1,', '"roi_id": 999,')
    assert text != json.dumps(content)
    path.write_text(text)
    return "999"


@pytest.mark.parametrize(
    "spoil",
    [
        _missing,
        _truncated,
        _different_lengths,
        _system_call,
        _no_rate,
        _rate_zero,
        _label_of_a_row_that_does_not_exist,
    ],
    ids=lambda f: f.__name__.strip("_"),
)
def test_a_spoilt_recording(terminal, session_folder, tmp_path, monkeypatch, spoil):
    plane = session_folder("m1", **LONG) / "suite2p" / "plane0"
    expected = spoil(plane)
    before = {p.name: p.read_bytes() for p in plane.iterdir()}
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out" / "types.csv"
    result = terminal("classify", "m1", "-o", out)
    assert result.exit_code == 1
    errors = [x for x in result.stderr.splitlines() if x.startswith("error: ")]
    assert len(errors) == 1
    assert expected in errors[0]
    assert not out.parent.exists()
    assert not (tmp_path / "canary").exists()
    assert {p.name: p.read_bytes() for p in plane.iterdir()} == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["classify", "m1", "--fs", "0"], "frame rate"),
        (["classify", "m1", "--fs", "nan"], "frame rate"),
        (["classify", "m1", "--fs", "2"], "never up-sampled"),
        (["classify", "m1", "--plane", "4"], "plane 4"),
        (["classify", "m1", "--model", "gru"], "no model 'gru'"),
        (["classify", "m1", "--device", "cuda:9"], "cuda:9"),
        (["classify", "m1", "--device", "abacus"], "abacus"),
        (["classify", "m2"], "m1"),
        (["classify", "m1", "-o", "types.xlsx"], ".xlsx"),
        (["classify", "m1", "-o", "m1/suite2p/plane0/stat.npy/t.csv"], "stat.npy"),
        (["open", "nowhere"], "nowhere"),
        (["open", "a:rat:"], "a:rat:"),
        (["suite2p", "m1/suite2p/plane0/F.npy", "-o", "s"], "F.npy"),
        (["models", "show", "gru"], "no model 'gru'"),
        (["models", "verify", "m1/suite2p/plane0/F.npy"], "F.npy"),
    ],
)
def test_a_request_that_cannot_be_met(
    terminal, session_folder, tmp_path, monkeypatch, words, sentence
):
    session_folder("m1", **LONG)
    monkeypatch.chdir(tmp_path)
    result = terminal(*words)
    assert result.exit_code == 1
    errors = [x for x in result.stderr.splitlines() if x.startswith("error: ")]
    assert len(errors) == 1
    assert sentence in errors[0]
    assert [p.name for p in tmp_path.iterdir()] == ["m1"]
