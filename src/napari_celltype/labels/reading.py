"""Labelled data as the use cases take them: a path, or what is in memory already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from napari_celltype.labels.labelled_data import LabelledData, load_labelled_data
from napari_celltype.labels.trace_set import TraceSet
from napari_celltype.progress import (
    OnProgress,
    ShouldStop,
    ignore_progress,
    never_stop,
)


@dataclass(frozen=True)
class Reading:
    """How labelled data are read.

    Attributes
    ----------
    labels : Path or None
        A label table, or a folder of label files, for a suite2p folder.
    timesteps : int or None
        Frames of each trace; None cuts all to the shortest.
    resample : float or None
        Bring all recordings down to this rate, Hz.
    sampling_frequency : float or None
        Hz, where the files do not say or say it wrong.
    neuropil : str or float
        ``none`` for raw F, or C for F - C * Fneu.
    plane : int or None
        Take only this plane.
    with_predictions : bool
        Keep labels that are accepted predictions; they only ever train.
    merged : mapping of str to str
        Types whose cells are taken for a parent's, such as ``{"VIP": "IN"}``.
    left_out : tuple of str
        Types whose cells are not used.
    """

    labels: Path | None = None
    timesteps: int | None = None
    resample: float | None = None
    sampling_frequency: float | None = None
    neuropil: str | float = "none"
    plane: int | None = None
    with_predictions: bool = False
    merged: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

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
