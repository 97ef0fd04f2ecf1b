"""What processes that are killed do: write one file again and again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

PLANE = Path("m1", "day1", "suite2p", "plane0")
TABLES = ("csv", "parquet", "json", "npy", "mat")
# Where each kind writes.
TARGETS = {
    "labels": PLANE / "celltype_labels.json",
    "model": Path("killed.safetensors"),
    **{kind: Path(f"killed.{kind}") for kind in (*TABLES, "nwb")},
}
# What all ROIs of a version are, or what it is called.
VERSIONS = ("PV", "PY")


def writer(
    kind: str, folder: Path, elsewhere: Path | None = None
) -> Callable[[int], object]:
    """Return what writes version 0 or 1 of a file, there or elsewhere."""
    from dataclasses import replace

    from napari_celltype.export import (
        ExportedRecording,
        ExportRequest,
        read_table,
        write_export,
        write_table,
    )
    from napari_celltype.labels import Label, LabelFile, LabelTable
    from napari_celltype.models import load_model
    from napari_celltype.recording import open_recording

    path = (elsewhere or folder) / TARGETS[kind]
    if kind in TABLES:
        table = read_table(folder / "cell_types.csv")
        tables = [table.assign(label=name, predicted=name) for name in VERSIONS]
        return lambda turn: write_table(tables[turn], path, force=True)
    if kind == "model":
        loaded = load_model(folder / "quick.safetensors")
        cards = [replace(loaded.card, name=name) for name in VERSIONS]
        return lambda turn: loaded.classifier.save(path, cards[turn])
    recording = open_recording(folder / PLANE)
    labels = [LabelTable(tuple(Label(k, n) for k in range(6))) for n in VERSIONS]
    if kind == "labels":
        file = LabelFile(recording, elsewhere)
        file.load()
        return lambda turn: file.save(labels[turn])
    exported = [ExportedRecording(recording, "day1", table) for table in labels]
    request = ExportRequest(kind)
    return lambda turn: write_export([exported[turn]], request, path, force=True)


def version(kind: str, path: Path) -> int:
    """Tell which version a file is, 0 or 1; it is one of them whole."""
    from napari_celltype.export import read_table
    from napari_celltype.models import load_model

    if kind == "labels":
        found = {row["label"] for row in json.loads(path.read_text())["labels"]}
    elif kind == "model":
        found = {load_model(path).card.name}
    elif kind == "npy":
        import numpy as np

        # The model knows PY first.
        found = {VERSIONS[1 - int(code)] for code in np.load(path)[:, 0]}
    elif kind == "mat":
        from scipy.io import loadmat

        found = {str(cell[0]) for cell in loadmat(path)["label"][:, 0]}
    elif kind == "nwb":
        import pynwb

        with pynwb.NWBHDF5IO(path, "r") as file:
            ophys = file.read().processing["ophys"]
            (rois,) = ophys["ImageSegmentation"].plane_segmentations.values()
            found = set(rois["label"][:])
    else:
        found = set(read_table(path)["label"])
    (name,) = found
    return VERSIONS.index(name)


def write_on(kind: str, folder: Path, ready: Any) -> None:
    """Write both versions in turn until somebody kills this process."""
    write = writer(kind, folder)
    ready.send(True)
    while True:
        for turn in (0, 1):
            write(turn)


def label_often(roi_id: int, folder: Path, ready: Any) -> None:
    """Give one ROI a label five times; whoever else saved meanwhile is read again."""
    from dataclasses import replace

    from napari_celltype.errors import LabelConflict
    from napari_celltype.labels import Label, LabelFile, LabelTable
    from napari_celltype.recording import open_recording

    file = LabelFile(open_recording(folder / PLANE))
    labels = file.load() or LabelTable()
    ready.send(True)
    for number in range(5):
        saved = False
        while not saved:
            mine = Label(roi_id, "PV", note=str(number))
            rows = labels.by_roi() | {roi_id: mine}
            try:
                file.save(replace(labels, rows=tuple(rows.values())))
                saved = True
            except LabelConflict:
                labels = file.load() or LabelTable()


def run_on(data: Path, folder: Path, ready: Any) -> None:
    """Do an experiment until somebody kills this process, or it is done."""
    ready.send(True)
    scores(data, folder)


def scores(data: Path, folder: Path) -> Any:
    """Return the scores of a small experiment without its times."""
    from napari_celltype.protocol import PaperProtocol
    from napari_celltype.protocol.evaluate import evaluate

    report = evaluate(
        data,
        ("rnn", "svm-linear"),
        PaperProtocol("random", 2),
        folder=folder,
        epochs=2,
        threads=1,
    )
    return report.scores.drop(columns="train_seconds")
