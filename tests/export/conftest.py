from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from napari_celltype.answers.columns import output_columns
from napari_celltype.answers.decisions import decide
from napari_celltype.export import ExportedRecording
from napari_celltype.recording import open_recording

CLASSES = ("PY", "PV", "SOM", "VIP")
INPUTS = {"name": "m1", "path": "/secret/m1", "n_rois": 12, "warnings": ["a", "b"]}
CARD = {"name": "cnn", "classes": ("PY", "PV"), "trained_on": "Simulation."}


@dataclass(frozen=True, eq=False)
class WithTable(ExportedRecording):
    """A recording whose table a test chooses."""

    given: pd.DataFrame = field(kw_only=True)

    def table(self, only_iscell=None):
        return self.given

    def origin(self):
        return INPUTS, CARD


@pytest.fixture
def with_table():
    """A recording that is exported with a table: `with_table(recording, table)`."""

    def make(recording, table=None):
        given = make_table() if table is None else table
        return WithTable(recording, "m1", given=given)

    return make


def make_table(n_rois=12, seed=0, classes=CLASSES):
    """An output table with unsure, unusable and merged ROIs and awkward text."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([0.4] * len(classes), n_rois)
    if n_rois > 4:
        p[4] = np.nan
    said = decide(p, classes, 0.4)
    texts = ["", 'µ, "quoted"; x', "NA", "line\nbreak", "=1+1", " space ", "1.0"]
    table = pd.DataFrame(
        {
            "recording": "Mäuse/tag 1",
            "plane": 0,
            "roi_id": np.arange(n_rois),
            "y": rng.random(n_rois) * 512,
            "x": rng.random(n_rois) * 512,
            "n_pixels": rng.integers(10, 100, n_rois),
            "iscell": pd.array(
                rng.choice(np.array([True, False, None], dtype=object), n_rois),
                dtype="boolean",
            ),
            "label": rng.choice(["", "PV", "!PV", "IN"], n_rois),
            "label_source": rng.choice(["", "manual"], n_rois),
            "group": np.array(said.group, dtype=object),
            "p_IN": said.p_in,
            "predicted": np.array(said.predicted, dtype=object),
            "probability": said.probability,
            "prediction_set": rng.choice(["", "PY", "PV|SOM"], n_rois),
            **{f"p_{name}": p[:, k] for k, name in enumerate(classes)},
            "warnings": rng.choice(texts, n_rois),
            "merged_into": pd.array(
                [None if k % 3 else 7 for k in range(n_rois)], dtype="Int64"
            ),
            "cell_id": rng.choice(["", "007", "nan"], n_rois),
            "model": "cnn",
            "model_sha256": "0" * 64,
            "n_frames_used": rng.integers(0, 10**6, n_rois),
        }
    )
    text_columns = table.select_dtypes(exclude=["number", "boolean"]).columns
    table = table.astype(dict.fromkeys(text_columns, "str"))
    return table[output_columns(classes)]


@pytest.fixture
def recording(tmp_path, suite2p_folder):
    return open_recording(suite2p_folder(tmp_path / "s") / "plane0")


@pytest.fixture(scope="session")
def critical():
    """What nwbinspector finds critical in a file: `critical(path) -> list`."""

    def inspect(path):
        from nwbinspector import Importance, inspect_nwbfile

        least = Importance.CRITICAL.value
        found = list(inspect_nwbfile(nwbfile_path=path))
        return [f.message for f in found if f.importance.value >= least]

    return inspect


@pytest.fixture
def output_table():
    """Make an output table: `output_table(n_rois=12, seed=0, classes=...)`."""
    return make_table
