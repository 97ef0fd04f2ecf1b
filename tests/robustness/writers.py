"""What processes that are killed do: write one file again and again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

PLANE = Path("m1", "day1", "suite2p", "plane0")
# Where each kind writes.
TARGETS = {
    "labels": PLANE / "celltype_labels.json",
    "model": Path("killed.safetensors"),
    "csv": Path("killed.csv"),
    "nwb": Path("killed.nwb"),
}


def writer(
    kind: str, folder: Path, elsewhere: Path | None = None
) -> Callable[[int], object]:
    """Return what writes version 0 or 1 of a file, there or elsewhere."""
    from dataclasses import replace

    from napari_celltype.export import ExportedRecording, ExportRequest, write_export
    from napari_celltype.labels import Label, LabelFile, LabelTable
    from napari_celltype.models import load_model, save_model
    from napari_celltype.recording import open_recording

    recording = open_recording(folder / PLANE)
    tables = [LabelTable(tuple(Label(k, n) for k in range(6))) for n in ("PV", "PY")]
    if kind == "labels":
        file = LabelFile(recording, elsewhere)
        file.load()
        return lambda turn: file.save(tables[turn])
    path = (elsewhere or folder) / TARGETS[kind]
    if kind == "model":
        loaded = load_model(folder / "quick.safetensors")
        cards = [replace(loaded.card, name=name) for name in ("a", "b")]
        return lambda turn: save_model(loaded.classifier, cards[turn], path)
    exported = [ExportedRecording(recording, "day1", table) for table in tables]
    request = ExportRequest(kind)
    return lambda turn: write_export([exported[turn]], request, path, force=True)


def write_on(kind: str, folder: Path, ready: Any) -> None:
    """Write both versions in turn until somebody kills this process."""
    write = writer(kind, folder)
    ready.send(True)
    while True:
        for turn in (0, 1):
            write(turn)


def label_often(roi_id: int, folder: Path, ready: Any) -> None:
    """Give one ROI a label ten times; whoever else saved meanwhile is read again."""
    from dataclasses import replace

    from napari_celltype.errors import LabelConflict
    from napari_celltype.labels import Label, LabelFile, LabelTable
    from napari_celltype.recording import open_recording

    file = LabelFile(open_recording(folder / PLANE))
    labels = file.load() or LabelTable()
    ready.send(True)
    for number in range(10):
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
