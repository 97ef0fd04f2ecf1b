"""What a running evaluation tells, on its way to the window's thread."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from napari_celltype.progress import OnProgress, Progress, ShouldStop
from napari_celltype.protocol.report import Report
from napari_celltype.protocol.scores import SplitRow
from napari_celltype.workflows import ExperimentRequest, run_experiment


class RunFeed:
    """Runs one experiment in a thread, and keeps what it tells until somebody looks.

    Attributes
    ----------
    request : ExperimentRequest or None
        What runs, once its folder and data are known.
    message : str
    n_seen : int
        Finished trainings, probes among them.
    """

    def __init__(self) -> None:
        self.request: ExperimentRequest | None = None
        self.message = ""
        self.n_seen = 0
        self._rows: deque[SplitRow] = deque()

    def run(
        self,
        request: ExperimentRequest,
        on_progress: OnProgress,
        should_stop: ShouldStop,
    ) -> Report:
        """Run an experiment, off the main thread."""
        self.request = request

        def tell(progress: Progress) -> None:
            self.message = progress.message
            on_progress(replace(progress, message="Evaluating"))

        return run_experiment(
            request, on_split=self._add, on_progress=tell, should_stop=should_stop
        )

    def take(self) -> list[SplitRow]:
        """Return the trainings that finished since the last call."""
        return [self._rows.popleft() for _ in range(len(self._rows))]

    def _add(self, row: SplitRow) -> None:
        self.n_seen += 1
        self._rows.append(row)
