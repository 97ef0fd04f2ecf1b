"""Write the cell types of a recording as an NWB file, a figure and a methods paragraph.

    python examples/export_nwb.py OUT [SUITE2P_FOLDER [FRAMES_PER_SECOND]]

OUT is a folder for the three files. Without a suite2p folder a simulated recording
takes its place. Needs pynwb: python -m pip install pynwb
"""

import sys
import tempfile
from pathlib import Path

import napari_celltype as nct
from napari_celltype.answers import ClassifyRequest, classify_recording
from napari_celltype.cli.simulate import SimulateRequest, write_simulation
from napari_celltype.export import (
    ExportedRecording,
    ExportRequest,
    NwbSession,
    preview_export,
    write_export,
)


def main(out: str, folder: str | None = None, frame_rate: str | None = None) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        if folder is None:
            folder, frame_rate = temporary, "10"
            write_simulation(SimulateRequest(Path(folder), 30, 700, 10.0))
        rate = None if frame_rate is None else float(frame_rate)
        recording = nct.open_recording(folder, sampling_frequency=rate)
        predictions = classify_recording(recording, ClassifyRequest())
        classified = ExportedRecording(
            recording, "m1", predictions.labels, predictions=predictions
        )

        # What you do not say is written as not known.
        session = NwbSession(subject_id="m1", species="Mus musculus", sex="F")
        nwb = ExportRequest("nwb", session=session)
        print(preview_export([classified], nwb).text)
        for name, request in (
            ("m1.nwb", nwb),
            ("m1.svg", ExportRequest("svg")),
            ("methods.txt", ExportRequest("methods")),
        ):
            written = write_export([classified], request, Path(out) / name)
            print(f"written: {written}")


if __name__ == "__main__":
    main(*sys.argv[1:])
