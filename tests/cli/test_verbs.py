"""The verbs in this process: exit status, what is printed, what is written."""

import json

import pandas as pd
import pytest

from napari_celltype.answers.columns import output_columns
from napari_celltype.models import NETWORKS

LONG = {"n_frames": 1900, "n_rois": 5}
VERBS = (
    "demo",
    "open",
    "classify",
    "train",
    "evaluate",
    "paper",
    "export",
    "simulate",
    "suite2p",
    "doctor",
)


@pytest.fixture
def run(terminal):
    return terminal


@pytest.mark.parametrize(
    "verb", [*VERBS, "models", "models list", "models show", "models add"]
)
def test_every_verb_explains_itself_with_an_example(run, verb):
    result = run(*verb.split(), "--help")
    assert result.exit_code == 0
    assert f"Example: napari-celltype {verb}" in result.stdout


def test_version_is_the_packages(run):
    from napari_celltype import __version__

    assert run("--version").stdout.strip() == f"napari-celltype {__version__}"
    assert __version__ in run("doctor").stdout


def test_classify_prints_csv_and_nothing_else_on_standard_output(
    run, session_folder, tmp_path
):
    result = run("classify", session_folder("m1", **LONG))
    assert result.exit_code == 0
    (tmp_path / "out.csv").write_text(result.stdout)
    table = pd.read_csv(tmp_path / "out.csv")
    assert list(table.columns) == output_columns(["PY", "PV", "SOM", "VIP"])
    assert "unproven on real cells" in result.stderr


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_classify_writes_a_table_with_its_provenance(
    run, session_folder, tmp_path, ending
):
    out = tmp_path / f"types.{ending}"
    result = run("classify", session_folder("m1", **LONG), "-o", out)
    assert result.exit_code == 0, result.stderr
    origin = json.loads((tmp_path / f"types.{ending}.provenance.json").read_text())
    assert origin["recordings"][0]["sampling_frequency"] == 30.0
    assert origin["models"][0]["name"] == "cnn-10hz"


def test_a_file_of_somebody_else_is_replaced_only_with_force(
    run, session_folder, tmp_path
):
    folder, out = session_folder("m1", **LONG), tmp_path / "types.csv"
    out.write_text("my own notes")
    refused = run("classify", folder, "-o", out)
    assert (refused.exit_code, out.read_text()) == (1, "my own notes")
    assert "--force" in refused.stderr
    assert run("classify", folder, "-o", out, "--force").exit_code == 0
    assert run("classify", folder, "-o", out).exit_code == 0  # now it is ours


def test_a_path_that_is_no_recording_does_not_stop_the_others(
    run, session_folder, tmp_path
):
    out = tmp_path / "types.csv"
    folder = session_folder("m1", **LONG)
    result = run("classify", folder, tmp_path / "nowhere", "-o", out)
    assert result.exit_code == 1
    assert len(pd.read_csv(out)) == 5
    assert "nowhere" in result.stderr


def test_a_bad_recording_among_good_ones_gives_their_table_and_status_1(
    run, session_folder, tmp_path
):
    for name in ("lab/m1", "lab/m2"):
        session_folder(name, **LONG)
    (tmp_path / "lab" / "m1" / "suite2p" / "plane0" / "F.npy").write_bytes(b"")
    out = tmp_path / "types.csv"
    result = run("classify", tmp_path / "lab", "-o", out)
    assert result.exit_code == 1
    assert pd.read_csv(out)["recording"].unique().tolist() == ["m2"]
    assert "F.npy" in result.stderr
    assert "1 of 2 recordings classified" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["classify"],
        ["classify", ".", "--min-probability", "2"],
        ["classify", ".", "--min-probability", "nan"],
        ["classify", ".", "--prior", "IN"],
        ["classify", ".", "--neuropil", "some"],
        ["export", ".", "--format", "xml", "-o", "x"],
        ["simulate"],
        ["simulate", "--dataset", "a.npz", "--counts", "PY"],
        ["sing"],
    ],
)
def test_wrong_usage_is_status_2(run, words):
    assert run(*words).exit_code == 2


@pytest.mark.parametrize("prior", ["glia=0.5", "!PV=0.5", "IN=2", "PY=0.5,IN=0.2"])
def test_a_wrong_prior_is_wrong_usage_and_says_why(run, session_folder, prior):
    result = run("classify", session_folder("m1", **LONG), "--prior", prior)
    assert result.exit_code == 2
    assert "--prior" in result.stderr
    assert "prior" in result.stderr.replace("--prior", "")
    assert "TYPE" not in result.stderr


def test_an_error_is_one_line_without_traceback_unless_debugged(run, tmp_path):
    result = run("classify", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stderr.startswith("error: ")
    result = run("--debug", "classify", tmp_path / "nowhere")
    assert "nowhere" in str(result.exception)
    assert result.exception.__class__.__name__ == "RecordingError"


def test_two_recordings_for_a_file_of_one_are_not_classified_first(
    run, session_folder, tmp_path
):
    for name in ("lab/m1", "lab/m2"):
        session_folder(name, n_rois=2, n_frames=300)
    result = run("classify", tmp_path / "lab", "-o", tmp_path / "all.npy")
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert "a file holds one recording" in result.stderr


def test_export_takes_a_table_that_classify_wrote_as_it_is(
    run, session_folder, tmp_path
):
    table, out = tmp_path / "types.csv", tmp_path / "types.parquet"
    run("classify", session_folder("m1", **LONG), "-o", table)
    words = ("export", table, "--format", "parquet", "-o", out)
    refused = run(*words, "--min-probability", "0.5")
    assert refused.exit_code == 1
    assert "do not apply" in refused.stderr
    result = run(*words)
    assert result.exit_code == 0, result.stderr
    assert pd.read_parquet(out)["predicted"].tolist() == (
        pd.read_csv(table)["predicted"].tolist()
    )


def test_simulate_writes_a_recording_that_classify_takes(run, tmp_path):
    made = run("simulate", "-o", tmp_path / "sim", "--cells", 8, "--frames", 1900)
    assert made.exit_code == 0, made.stderr
    result = run("classify", tmp_path / "sim", "-o", tmp_path / "types.csv")
    assert result.exit_code == 0, result.stderr
    labels = pd.read_csv(tmp_path / "types.csv")["label"]
    assert set(labels) <= {"PY", "PV", "SOM", "VIP"}


def test_simulate_refuses_a_folder_with_other_files(run, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    result = run("simulate", "-o", tmp_path, "--cells", 4, "--frames", 10)
    assert result.exit_code == 1
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_simulate_writes_a_trace_set_and_may_replace_its_own(run, tmp_path):
    from napari_celltype import load_traces

    words = ["simulate", "--dataset", tmp_path / "d.npz", "--counts", "PY=3,PV=2"]
    assert run(*words, "--frames", 50).exit_code == 0
    assert run(*words, "--frames", 60).exit_code == 0
    assert load_traces(tmp_path / "d.npz").traces.shape == (5, 60)


def test_models_travel_between_labs(run, tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_CELLTYPE_MODELS", str(tmp_path / "mine"))
    packed = tmp_path / "packed.safetensors"
    assert run("models", "pack", "rnn-5hz", packed).exit_code == 0
    assert "is whole" in run("models", "verify", packed).stdout
    card = run("models", "show", "rnn-5hz").stdout
    assert card in run("models", "show", packed).stdout
    data = bytearray(packed.read_bytes())
    data[-1] ^= 1
    packed.write_bytes(data)
    assert run("models", "verify", packed).exit_code == 1
    assert run("models", "add", packed).exit_code == 1


def test_models_lists_the_bundled_ones_whose_cards_say_what_they_cannot_do(
    run, tmp_path, monkeypatch
):
    monkeypatch.setenv("NAPARI_CELLTYPE_MODELS", str(tmp_path))
    names = [line.split()[0] for line in run("models").stdout.splitlines()]
    assert names == sorted(f"{n}-{r}hz" for n in NETWORKS for r in (5, 10))
    assert "unproven on real cells" in run("models", "show", "cnn").stdout


def test_classify_says_in_six_lines_what_it_found(run, session_folder):
    folders = [session_folder(f"lab/m{n}", **LONG) for n in (1, 2)]
    lines = run("classify", *folders).stderr.splitlines()
    lines = [line for line in lines if " %" not in line and "done" not in line]
    assert 2 <= len(lines) <= 6
    assert lines[0] == "2 of 2 recordings classified."
    assert lines[1].startswith("10 ROIs: ")
    assert "--verbose" in lines[-1]


def test_verbose_says_what_the_counts_rest_on(run, session_folder):
    words = ("classify", session_folder("m1", **LONG), "--verbose")
    said = run(*words).stderr
    assert "are expected to be right (on simulation, if the share" in said
    assert "Assumed shares of the types: PY 50 %, IN 50 %" in said
    assert "Given shares of the types: PY 90 %, IN 10 %." in (
        run(*words, "--prior", "IN=0.1").stderr
    )


def test_shares_that_the_user_gives_stand_in_summary_and_provenance(
    run, session_folder, tmp_path
):
    out = tmp_path / "types.csv"
    result = run(
        "classify", session_folder("m1", **LONG), "-o", out, "--prior", "IN=0.1"
    )
    assert len(result.stderr.splitlines()) <= 6
    origin = json.loads((tmp_path / "types.csv.provenance.json").read_text())
    (recording,) = origin["recordings"]
    assert recording["prior"] == {"IN": 0.1}
    assert recording["shares"]["PY"] == pytest.approx(0.9)
    called = recording["summary"]["groups"]
    assert sum(c["rois"] for c in called.values()) == 5
