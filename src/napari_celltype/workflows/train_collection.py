"""Train on a collection of recordings, as the window and Python do."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from napari_celltype.workflows.collection import LIST_NAME, Collection
from napari_celltype.workflows.train import TrainRequest


@dataclass(frozen=True, eq=False)
class CollectionTraining:
    """What is trained on a collection; the model goes to the user's models.

    Attributes
    ----------
    collection : Collection
    name : str
        Of the model.
    architecture, epochs, base, tuned_layers, validation, device
        As in `TrainRequest`.
    folder : Path or None
        Of the model, None for the folder of the user's models.
    """

    collection: Collection
    name: str
    architecture: str = "cnn"
    epochs: int = 20
    base: str | None = None
    tuned_layers: int = 1
    validation: str = "auto"
    device: str = "auto"
    folder: Path | None = None

    @property
    def output(self) -> Path:
        """The file of the model."""
        from napari_celltype.classifiers.model_file import SUFFIX

        return self._folder / f"{self.name}{SUFFIX}"

    @property
    def data_folder(self) -> Path:
        """Where the recording list and the labels of open recordings are written."""
        return self._folder / "trained on" / self.name

    @property
    def untested(self) -> tuple[str, ...]:
        """The types that are marked untested and are still classes."""
        classes = self.collection.classes
        return tuple(n for n in self.collection.untested if n in classes)

    def request(self) -> TrainRequest:
        """Write the recording list and return what is to be trained on it.

        Raises
        ------
        LabelError
            If the collection cannot be written.
        OutputError
            If a file cannot be written.
        """
        collection = self.collection
        changes = {} if self.base is None else {"resample": None}
        return TrainRequest(
            collection.write(self.data_folder),
            self.output,
            self.architecture,
            self.epochs,
            reading=collection.reading(**changes),
            device=self.device,
            base=self.base,
            tuned_layers=self.tuned_layers,
            validation=self.validation,
            untested=self.untested,
            remarks=collection.remarks(),
        )

    def command(self) -> str:
        """Return the command that trains the same model in a terminal."""
        whole = self.collection.trace_set
        data = self.data_folder / LIST_NAME if whole is None else whole.path
        words = ["napari-celltype", "train", str(data)]
        if self.base is None:
            words += ["--architecture", self.architecture]
        else:
            words += ["--base", self.base, "--tuned-layers", str(self.tuned_layers)]
        words += ["--epochs", str(self.epochs), "--validation", self.validation]
        words += self.collection.options(resample=self.base is None)
        for name in self.untested:
            words += ["--untested", name]
        return shlex.join([*words, "--device", self.device, "-o", str(self.output)])

    @property
    def _folder(self) -> Path:
        from napari_celltype.classifiers.models import user_folder

        return self.folder or user_folder()
