"""What the same answer says if interneurons are common, or as rare as in all of CA1.

    python examples/how_common.py [RECORDING [FRAMES_PER_SECOND]]

The network runs once; only the assumed shares of the types change. Without arguments,
simulated traces take the place of a recording.
"""

import sys

import napari_celltype as nct
from napari_celltype.answers import (
    ClassifyRequest,
    classify_recording,
    prevalence_choices,
)


def main(path: str | None = None, frame_rate: str = "10") -> None:
    rate = float(frame_rate)
    if path is None:
        counts = {"PY": 24, "PV": 4, "SOM": 4, "VIP": 4}
        simulated = nct.simulate_traces(counts, 2000, rate, random_state=0)
        recording = nct.Recording.from_traces(simulated.traces, sampling_frequency=rate)
    else:
        recording = nct.open_recording(path, sampling_frequency=rate)

    answer = classify_recording(recording, ClassifyRequest(model="cnn"))
    for choice in prevalence_choices(answer.card):
        print(f"\n{choice.label}. {choice.note}")
        for sentence in answer.with_prior(choice.prior).summary().details():
            print(f"  {sentence}")


if __name__ == "__main__":
    main(*sys.argv[1:])
