"""How recordings are evaluated: the form of the Evaluate dock."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QCheckBox

from napari_celltype.gui.forms import Form
from napari_celltype.models import NETWORKS
from napari_celltype.parameters import build, values_of
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

_QUICK = ("classifiers", "n_splits", "epochs")


class EvaluateForm(Form):
    """Classifiers, splits, epochs, z-score, run folder, and a quick look."""

    def __init__(self) -> None:
        about = {
            **dict.fromkeys(NETWORKS, "Network"),
            **{n: f"{t}, with the paper's parameters" for n, t in BASELINES.items()},
            FEATURES: "Boosted trees on named features of the trace",
        }
        super().__init__(
            ExperimentRequest,
            (*_QUICK, "normalization", "learning_curve", "folder"),
            defaults={
                "classifiers": ("cnn", "rnn", "svm-rbf", FEATURES),
                "epochs": EPOCHS[0],
            },
            choices={"classifiers": {name: name for name in about}},
        )
        boxes = self.control("classifiers").boxes
        self.classifiers = {name: box.native for name, box in boxes.items()}
        for name, box in self.classifiers.items():
            box.setToolTip(about[name])
        self.control("folder").line.native.setPlaceholderText("new, beside the data")
        # What the form has no row for, of a run that was resumed.
        self._rest = ExperimentRequest("")
        self.quick = QCheckBox(toggled=self._on_quick)
        self.show_quick_time(None)
        self.rows.insertRow(0, self.quick)

    def request(self) -> ExperimentRequest:  # type: ignore[override]
        """Return what the form asks for, of whatever data."""
        others = [n for n in self._rest.classifiers if n not in self.classifiers]
        names = self.value("classifiers")
        if not self.quick.isChecked():
            names = (*names, *others)
        values = {**values_of(self._rest), **self.values, "classifiers": names}
        return build(ExperimentRequest, values)

    def show_request(self, request: ExperimentRequest) -> None:
        """Show what a run was started with, and keep the rest, without a signal."""
        with QSignalBlocker(self):
            self.quick.setChecked(False)
            self._rest = request
            values = values_of(request)
            self.show_values({**values, "epochs": values["epochs"] or EPOCHS[0]})

    def forget_request(self) -> None:
        """Forget the run that was shown, but for its boxes: data are others now."""
        if self.value("folder") == self._rest.folder:
            self.show_values({"folder": None})
        self._rest = ExperimentRequest("")

    def show_quick_time(self, seconds: float | None) -> None:
        """Show how long a quick look is expected to take; None where nobody knows."""
        time = "" if seconds is None else f", about {duration_text(seconds)}"
        self.quick.setText(f"Quick look{time} ⚠")
        _, protocol, training = quick_look(PaperProtocol(), Training())
        self.quick.setToolTip(
            f"Only {' and '.join(QUICK_CLASSIFIERS)}, {protocol.n_splits} splits and "
            f"{training.epochs} epochs: a first impression, less certain, as the "
            "report says too"
        )

    def _on_quick(self, quick: bool) -> None:
        """Show what runs then, and afterwards what was there before."""
        if quick:
            asked = self.request()
            names, protocol, training = quick_look(asked.protocol, asked.training)
            values = (names, protocol.n_splits, training.epochs)
            self.fix(dict(zip(_QUICK, values, strict=True)), "a quick look is chosen")
        else:
            self.release(_QUICK)
        self.changed.emit()
