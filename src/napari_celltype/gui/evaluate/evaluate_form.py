"""How recordings are evaluated: the form of the Evaluate dock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QCheckBox

from napari_celltype.gui.forms import Form, Ticks
from napari_celltype.models import NETWORKS
from napari_celltype.parameters import build, parameters, values_of
from napari_celltype.protocol.evaluate import ExperimentRequest
from napari_celltype.protocol.experiment import BASELINES, FEATURES
from napari_celltype.protocol.experiments import (
    EPOCHS,
    QUICK_CLASSIFIERS,
    Training,
    quick_look,
)
from napari_celltype.protocol.running import duration_text
from napari_celltype.protocol.splits import PaperProtocol

_TICKED = ("cnn", "rnn", "svm-rbf", FEATURES)
_QUICK = ("classifiers", "n_splits", "epochs")


class EvaluateForm(Form):
    """Classifiers, splits, epochs, z-score, run folder, and a quick look."""

    def __init__(self, parent: Any = None) -> None:
        about = dict.fromkeys(NETWORKS, "Network")
        for name, text in BASELINES.items():
            about[name] = f"{text}, with the paper's parameters"
        about[FEATURES] = "Boosted trees on named features of the trace"
        ticks = Ticks({name: name for name in about}, _TICKED)
        for name, box in ticks.boxes.items():
            box.native.setToolTip(about[name])
        super().__init__(
            ExperimentRequest,
            (*_QUICK, "normalization", "folder"),
            defaults={"epochs": EPOCHS[0]},
            choices={
                "normalization": dict(
                    list(parameters(Training)["normalization"].choices.items())[:2]
                )
            },
            widgets={"classifiers": ticks},
            parent=parent,
        )
        self.classifiers = {n: box.native for n, box in ticks.boxes.items()}
        self.splits, self.epochs = self.native("n_splits"), self.native("epochs")
        self.folder = self.line("folder")
        self.folder.setPlaceholderText("new, beside the data")
        self.folder.setToolTip(
            "Where splits and the report are kept. Empty: a new folder beside the "
            "data, or in your user data where one cannot write there"
        )
        # What the form has no row for, of a run that was resumed.
        self._rest = ExperimentRequest("")
        self.quick = QCheckBox()
        self.show_quick_time(None)
        self.rows.insertRow(0, self.quick)
        self.quick.toggled.connect(self._on_quick)

    @property
    def names(self) -> tuple[str, ...]:
        """The classifiers that are ticked, and those that have no box."""
        kept = [n for n in self._rest.classifiers if n not in self.classifiers]
        return (*self.value("classifiers"), *([] if self.quick.isChecked() else kept))

    def request(self, data: Path) -> ExperimentRequest:  # type: ignore[override]
        """Return what the form asks for, on some data."""
        chosen = {**self.values, "classifiers": self.names, "data": data}
        request = build(ExperimentRequest, {**values_of(self._rest), **chosen})
        return replace(request, command=None)

    def show_request(self, request: ExperimentRequest) -> None:
        """Show what a run was started with, and keep the rest; nothing is told."""
        blocked = self.blockSignals(True)
        self._rest = request
        self.quick.setChecked(False)
        values = values_of(request)
        self.show_values({**values, "epochs": values["epochs"] or EPOCHS[0]})
        self.blockSignals(blocked)

    def forget_request(self) -> None:
        """Forget the run that was shown, but for its boxes: data are others now."""
        if self.folder.text() == str(self._rest.folder):
            self.folder.clear()
        self._rest = ExperimentRequest("")

    def show_quick_time(self, seconds: float | None) -> None:
        """Show how long a quick look is expected to take; None where nobody knows."""
        time = "" if seconds is None else f", about {duration_text(seconds)}"
        self.quick.setText(f"Quick look{time} ⚠")
        _, protocol, training = quick_look(PaperProtocol(), Training())
        self.quick.setToolTip(
            f"Only {' and '.join(QUICK_CLASSIFIERS)}, {protocol.n_splits} splits and "
            f"{training.epochs} epochs: a first impression, less certain, and said to "
            "be one in the report"
        )

    def _on_quick(self, quick: bool) -> None:
        """Show what runs then, and afterwards what was there before."""
        if quick:
            asked = self.request(Path())
            names, protocol, training = quick_look(asked.protocol, asked.training)
            values = (names, protocol.n_splits, training.epochs or EPOCHS[0])
            self.fix(dict(zip(_QUICK, values, strict=True)), "a quick look is chosen")
        else:
            self.release(_QUICK)
        self.changed.emit()
