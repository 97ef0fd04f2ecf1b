"""Labelled data as the use cases take them: a path, or what is in memory already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from napari_celltype.labels.labelled_data import LabelledData, load_labelled_data
from napari_celltype.labels.trace_set import TraceSet
from napari_celltype.parameters import (
    frame_rate_parameter,
    neuropil_parameter,
    parameter,
    plane_parameter,
)
from napari_celltype.progress import (
    OnProgress,
    ShouldStop,
    ignore_progress,
    never_stop,
)


@dataclass(frozen=True)
class Reading:
    """How labelled data are read."""

    labels: Path | None = parameter(
        None,
        "A label table, or a folder of label files, for a suite2p folder.",
        metavar="FILE",
    )
    timesteps: int | None = parameter(
        None,
        "Cut all traces to N frames; without it to the shortest. (Not the T of RNN and "
        "LSTM, the parts that a trace is cut into.)",
        minimum=1,
    )
    resample: float | None = parameter(
        None, "Bring all recordings down to this frame rate.", metavar="HZ"
    )
    sampling_frequency: float | None = frame_rate_parameter()
    neuropil: str | float = neuropil_parameter(
        "none",
        {"none": "raw F"},
        "Raw F, or F - C * Fneu, of recordings; of a trace set, what its traces are.",
    )
    plane: int | None = plane_parameter()
    with_predictions: bool = parameter(
        False, "Train on accepted predictions, too; they are never tested on."
    )
    merged: Mapping[str, str] = parameter(
        {},
        "Take cells of a type for its parent's, such as VIP=IN; may be repeated.",
        option="--merge",
        metavar="TYPE=PARENT",
        example="VIP=IN",
        repeated=True,
    )
    left_out: tuple[str, ...] = parameter(
        (),
        "Leave cells of a type out; may be repeated.",
        option="--leave-out",
        metavar="TYPE",
        repeated=True,
    )

    def traces_are(self, data: str | Path | TraceSet) -> tuple[str, ...]:
        """Say what the traces of some data are, where that is known: not of arrays.

        Parameters
        ----------
        data : str, Path or TraceSet
        """
        if isinstance(data, TraceSet) or Path(data).suffix.lower() == ".npz":
            return ()
        if self.neuropil == "none":
            return ("Traces were suite2p's raw fluorescence F.",)
        return (f"Traces were F - {self.neuropil} Fneu of suite2p.",)

    def load(
        self,
        data: str | Path | TraceSet,
        *,
        only_tested: bool = False,
        on_progress: OnProgress = ignore_progress,
        should_stop: ShouldStop = never_stop,
    ) -> LabelledData:
        """Return labelled data of a file, a recording or an array in memory.

        Parameters
        ----------
        data : str, Path or TraceSet
        only_tested : bool
            Nothing is trained on them: one type will do, and predictions are left out.
        on_progress, should_stop : callable, optional
            See `napari_celltype.progress`.

        Raises
        ------
        LabelError, RecordingError
            If the data cannot be used.
        Stopped
            If `should_stop` answered True.
        """
        options = asdict(self)
        options["with_predictions"] &= not only_tested
        return load_labelled_data(
            data,
            **options,
            only_tested=only_tested,
            on_progress=on_progress,
            should_stop=should_stop,
        )
