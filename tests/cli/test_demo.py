import signal

import pandas as pd
import pytest
from typer.testing import CliRunner

from napari_celltype.answers.columns import output_columns
from napari_celltype.cli import demo
from napari_celltype.cli.program import app
from napari_celltype.export import read_table
from napari_celltype.models import DEFAULT_MODEL, families_of, list_models
from napari_celltype.simulation import simulate_recording, write_recording

pytestmark = pytest.mark.slow


@pytest.mark.gui
def test_the_demo_does_the_whole_job_with_no_input_of_the_users(tmp_path):
    folder = tmp_path / "demo"
    result = CliRunner().invoke(app, ["demo", "--headless", "-o", str(folder)])
    assert result.exit_code == 0, result.stderr

    table = read_table(folder / "cell_types.csv")
    assert list(table.columns) == output_columns(["PY", "PV", "SOM", "VIP"])
    # Most of the 40 simulated cells are found by suite2p and carry their true type.
    assert table["label"].ne("").sum() >= 25
    assert table["predicted"].isin(["PY", "PV", "SOM", "VIP"]).all()
    first, *others = families_of(list_models())
    assert first == DEFAULT_MODEL
    for model in others:
        other = pd.read_csv(folder / f"cell_types_{model}.csv")
        assert other["model"].unique() == f"{model}-10hz"
        assert len(other) == len(table)

    for picture in ("rois.png", "screenshot.png"):
        assert (folder / picture).read_bytes().startswith(b"\x89PNG")
    assert (folder / "suite2p" / "plane0" / "stat.npy").exists()
    summary = (folder / "summary.txt").read_text()
    assert "does not show that labels are right on real cells" in summary
    assert len(summary.splitlines()) <= 6
    assert result.stdout.strip() == summary.strip()


def test_ctrl_c_while_the_picture_is_taken_is_told(tmp_path, monkeypatch):
    simulated = simulate_recording(6, 700, 10.0, random_state=0)

    def run_suite2p(movie, output, **options):
        return write_recording(simulated, output).parent

    def save_screenshot(path, screenshot):
        signal.raise_signal(signal.SIGINT)
        return "KeyboardInterrupt"

    monkeypatch.setattr(demo, "_N_FRAMES", 100)
    monkeypatch.setattr(demo, "run_suite2p", run_suite2p)
    monkeypatch.setattr(demo, "save_screenshot", save_screenshot)
    folder = tmp_path / "demo"
    result = CliRunner().invoke(app, ["demo", "--headless", "-o", str(folder)])
    assert result.exit_code == 130
    assert (folder / "summary.txt").exists()
