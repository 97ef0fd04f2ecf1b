"""One table for every suite2p recording below a folder.

    python examples/classify_folder.py FOLDER cell_types.csv [FRAMES_PER_SECOND]

The frame rate is needed only where the recordings do not say it.
"""

import sys
from pathlib import Path

import napari_celltype as nct
from napari_celltype.errors import CellTypeError
from napari_celltype.recording import find_recordings


def main(folder: str, table_file: str, frame_rate: str | None = None) -> None:
    recordings = []
    for plane in find_recordings([Path(folder)]).planes:
        try:
            rate = float(frame_rate) if frame_rate else None
            recordings.append(nct.open_recording(plane, sampling_frequency=rate))
        except CellTypeError as reason:
            print(f"left out: {reason}")

    table = nct.classify(recordings, model="cnn")
    table.to_csv(table_file, index=False)

    # Every ROI has a row; most analyses want the ones that suite2p calls cells, and
    # only those of whose type the network is sure.
    cells = table[table["iscell"].fillna(True).astype(bool)]
    for column in ("group", "predicted"):
        print(cells.groupby("recording")[column].value_counts().to_string())
    print(f"written: {table_file}")


if __name__ == "__main__":
    main(*sys.argv[1:])
