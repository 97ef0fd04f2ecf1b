"""Train the last layer of a bundled model on labelled recordings, as the dock does.

    python examples/train_from_recordings.py my_model.safetensors [FOLDER]

FOLDER holds suite2p recordings with labels, each animal in a folder of its own. Without
it, four simulated recordings take its place, and the score says nothing about real
cells.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import napari_celltype as nct
from napari_celltype.labels import (
    DataSet,
    Reading,
    find_labelled,
    read_label_table,
    save_labels,
)
from napari_celltype.simulation import write_recording
from napari_celltype.training import TrainRequest, train_model
from napari_celltype.training.obstacles import find_obstacles


def main(model_file: str, folder: str | None = None) -> None:
    with TemporaryDirectory() as scratch:
        if folder is None:
            simulate(Path(scratch) / "data")
        train(Path(folder or Path(scratch) / "data"), Path(model_file))


def train(folder: Path, model_file: Path) -> None:
    recordings, _failures = find_labelled([folder])
    data = DataSet(recordings)
    print("labelled ROIs:", data.counts())
    # What the dock shows below its table; a type too rare to test has three ways out.
    for obstacle in find_obstacles(data):
        print("-", obstacle.sentence, [action.text for action in obstacle.ways_out])

    trained = train_model(
        TrainRequest(
            data,
            model_file,
            epochs=5,
            base="rnn",
            reading=Reading.of(data),
            untested=data.untested,
        ),
        on_course=lambda course: print(course.sentence()),
    )
    print("\n".join(trained.summary()))
    print(f"written: {model_file}; use it as `napari-celltype classify --model FILE`")


def simulate(folder: Path) -> None:
    for number in range(1, 5):
        recording = nct.simulate_recording(24, 700, 10.0, random_state=number)
        session = folder / f"mouse{number}" / "day1"
        plane = nct.open_recording(write_recording(recording, session))
        save_labels(plane, read_label_table(session / "labels.csv", plane))


if __name__ == "__main__":
    main(*sys.argv[1:])
