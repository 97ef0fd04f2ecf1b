"""How recordings are evaluated: the form of the Evaluate dock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from napari_celltype.gui.widgets import ask_folder
from napari_celltype.models import NETWORKS
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

_SPELT = {
    "training-set": "by training set (paper)",
    "trace": "each trace by itself",
}


class EvaluateForm(QWidget):
    """Classifiers, splits, epochs, z-score, quick look, and the run folder.

    Attributes
    ----------
    changed : Signal()
        Something was chosen that changes what is computed, or where.
    """

    changed = Signal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        # What the form has no box for, of a run that was resumed.
        self._rest = ExperimentRequest("")
        # What the boxes said before a quick look.
        self._before: tuple[tuple[str, ...], int, int] | None = None
        abouts = dict.fromkeys(NETWORKS, "Network") | {
            name: f"{text}, with the paper's parameters"
            for name, text in BASELINES.items()
        }
        abouts[FEATURES] = "Boosted trees on named features of the trace"
        self.classifiers = {name: QCheckBox(name) for name in abouts}
        grid = QGridLayout()
        grid.setVerticalSpacing(1)
        for at, (name, box) in enumerate(self.classifiers.items()):
            box.setToolTip(abouts[name])
            box.setChecked(name in ("cnn", "rnn", "svm-rbf", FEATURES))
            box.toggled.connect(self._tell)
            grid.addWidget(box, at // 2, at % 2)
        self.splits = QSpinBox()
        self.splits.setRange(1, 100)
        self.splits.setValue(PaperProtocol().n_splits)
        self.splits.setToolTip(
            "How often the data are divided anew into training and test cells, for "
            "each way of splitting; the paper's number is 10"
        )
        self.epochs = QSpinBox()
        self.epochs.setRange(1, 1000)
        self.epochs.setValue(EPOCHS[0])
        self.epochs.setToolTip(
            "How often a network sees the training cells; the paper's number is 20"
        )
        self.normalization = QComboBox()
        for value, text in _SPELT.items():
            self.normalization.addItem(text, value)
        self.normalization.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.normalization.setMinimumContentsLength(8)
        self.normalization.setToolTip(
            "How traces are z-scored: as in the paper, or as the models that the Train "
            "dock makes and the bundled ones"
        )
        self.quick = QCheckBox()
        self.show_quick_time(None)
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("new, beside the data")
        self.folder.setToolTip(
            "Where splits and the report are kept. Empty: a new folder beside the "
            "data, or in your user data where one cannot write there"
        )
        self.choose_folder = QPushButton("...")
        self.choose_folder.setToolTip("Choose a folder for this run")
        self.choose_folder.setFixedWidth(32)
        place = QHBoxLayout()
        place.setContentsMargins(0, 0, 0, 0)
        place.addWidget(self.folder, 1)
        place.addWidget(self.choose_folder)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        form.addRow("Classifiers", grid)
        form.addRow("Splits", self.splits)
        form.addRow("Epochs", self.epochs)
        form.addRow("Z-score", self.normalization)
        form.addRow("", self.quick)
        form.addRow("Run folder", place)
        self.splits.valueChanged.connect(self._tell)
        self.epochs.valueChanged.connect(self._tell)
        self.normalization.currentIndexChanged.connect(self._tell)
        self.quick.toggled.connect(self._on_quick)
        self.folder.editingFinished.connect(self._tell)
        self.choose_folder.clicked.connect(self._ask_for_folder)

    @property
    def names(self) -> tuple[str, ...]:
        """The classifiers that are ticked, and those that have no box."""
        kept = [n for n in self._rest.classifiers if n not in self.classifiers]
        return (*self._ticked, *([] if self.quick.isChecked() else kept))

    @property
    def _ticked(self) -> tuple[str, ...]:
        return tuple(n for n, box in self.classifiers.items() if box.isChecked())

    def request(self, data: Path) -> ExperimentRequest:
        """Return what the form asks for, on some data.

        Parameters
        ----------
        data : Path
        """
        folder = self.folder.text().strip()
        protocol = replace(self._rest.protocol, n_splits=self.splits.value())
        training = replace(
            self._rest.training,
            epochs=self.epochs.value(),
            normalization=self.normalization.currentData(),
        )
        return replace(
            self._rest,
            data=data,
            folder=Path(folder) if folder else None,
            classifiers=self.names,
            protocol=protocol,
            training=training,
        )

    def show_request(self, request: ExperimentRequest) -> None:
        """Show what a run was started with, and keep the rest; nothing is told."""
        blocked = self.blockSignals(True)
        self._rest = replace(request, command=None)
        self.quick.setChecked(False)
        protocol, training = request.protocol, request.training
        epochs = training.epochs or EPOCHS[0]
        self._set(request.classifiers, protocol.n_splits, epochs)
        given = request.training.normalization
        if self.normalization.findData(given) < 0:
            self.normalization.addItem(given, given)
        self.normalization.setCurrentIndex(self.normalization.findData(given))
        self.folder.setText("" if request.folder is None else str(request.folder))
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
            f"Only {_listed(QUICK_CLASSIFIERS)}, {protocol.n_splits} splits and "
            f"{training.epochs} epochs: a first impression, less certain, and said to "
            "be one in the report"
        )

    def _on_quick(self, quick: bool) -> None:
        """Show what runs then, and afterwards what was there before."""
        if quick:
            self._before = (self._ticked, self.splits.value(), self.epochs.value())
            request = self.request(Path())
            names, protocol, training = quick_look(request.protocol, request.training)
            self._set(names, protocol.n_splits, training.epochs or EPOCHS[0])
        elif self._before is not None:
            self._set(*self._before)
        for widget in (*self.classifiers.values(), self.splits, self.epochs):
            widget.setEnabled(not quick)
        self._tell()

    def _set(self, names: Sequence[str], n_splits: int, epochs: int) -> None:
        for name, box in self.classifiers.items():
            box.setChecked(name in names)
        self.splits.setValue(n_splits)
        self.epochs.setValue(epochs)

    def _ask_for_folder(self) -> None:
        folder = ask_folder(self, "Folder for this run", "runs")
        if folder is not None:
            self.folder.setText(str(folder))
            self._tell()

    def _tell(self, *_: Any) -> None:
        self.changed.emit()


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)
