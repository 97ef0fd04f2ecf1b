"""Classify traces that come from elsewhere than suite2p (CaImAn, Minian, EXTRACT...).

    python examples/from_traces.py [TRACES.npy FRAMES_PER_SECOND]

TRACES.npy holds raw fluorescence, one row per cell and one column per frame. Without
arguments, simulated traces take its place.
"""

import sys

import numpy as np

import napari_celltype as nct


def main(trace_file: str | None = None, frame_rate: float = 15.0) -> None:
    if trace_file is None:
        counts = {"PY": 12, "PV": 4, "SOM": 4, "VIP": 4}
        simulated = nct.simulate_traces(counts, 3000, frame_rate, random_state=0)
        traces = simulated.traces
    else:
        traces = np.load(trace_file)

    recording = nct.Recording.from_traces(traces, sampling_frequency=float(frame_rate))
    table = nct.classify(recording, model="cnn")
    print(table[["roi_id", "group", "predicted", "probability"]])


if __name__ == "__main__":
    main(*sys.argv[1:])
