"""What is exported, how it was asked for, and what a format makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from napari_celltype.answers.columns import roi_table
from napari_celltype.answers.predictions import Predictions
from napari_celltype.answers.provenance import describe_recording, provenance
from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import OutputError
from napari_celltype.export.nwb_session import NwbSession
from napari_celltype.labels import LabelTable
from napari_celltype.parameters import REQUIRED, parameter, values_of
from napari_celltype.progress import OnProgress, ShouldStop, ignore_progress, never_stop
from napari_celltype.recording import Recording

if TYPE_CHECKING:
    import pandas as pd

# Common column widths of journals, in millimetres.
ONE_COLUMN, TWO_COLUMNS = 85.0, 174.0


@dataclass(frozen=True, eq=False)
class ExportedRecording:
    """One recording with what people and, perhaps, a model said about its ROIs."""

    recording: Recording
    name: str  # in the table's first column
    labels: LabelTable | None = None
    tree: TypeTree = DEFAULT_TYPES  # with the user's own types and colours
    # Their labels and name give way to those given here.
    predictions: Predictions | None = None

    def table(self, only_iscell: bool | None = None) -> pd.DataFrame:
        """Return the output table, as far as it is known; None as predicted."""
        if only_iscell is None:
            only_iscell = self.predictions is not None and self.predictions.only_iscell
        return roi_table(
            self.recording,
            self.name,
            self.labels,
            self.predictions,
            only_iscell=only_iscell,
        )

    def origin(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return what was read, and the card of the model where one ran."""
        made = self.predictions
        inputs = describe_recording(self.recording, self.name, self.labels, made)
        if made is None:
            return inputs, None
        return inputs, {**asdict(made.card), "sha256": made.model_sha256}


@dataclass(frozen=True)
class FigureOptions:
    """What the figure looks like."""

    width: float = parameter(
        ONE_COLUMN,
        f"Width of a figure (png, svg, pdf); journals often want {ONE_COLUMN:g} mm "
        f"for one column and {TWO_COLUMNS:g} mm for two.",
        metavar="MM",
        unit="mm",
        minimum=20,
        maximum=1000,
    )
    fill: bool = parameter(
        True,
        "Fill the ROIs that the model named; else outline them.",
        label="Fill predictions",
        option=None,
    )
    marks: bool = parameter(
        True,
        "Draw a shape for each type, so that the figure reads in grey.",
        label="Shapes",
        option=None,
    )
    by_group: bool = parameter(
        False,
        "Colour predictions as PY or interneuron, not by interneuron type.",
        label="By group",
        option=None,
    )
    pixel_size: float | None = parameter(
        None,
        "Width of a pixel in micrometres, for the scale bar of a figure; there is none "
        "while the size is not known.",
        metavar="UM",
        unit="µm",
        minimum=0,
        maximum=1000,
        step=0.1,
    )
    title: str = parameter(
        "", "A line above the picture; none when empty.", option=None
    )
    dots_per_inch: int = parameter(
        300,
        "Of a PNG, and of the mean image in SVG and PDF; 300 is usual for print.",
        label="Resolution",
        unit="dpi",
        option=None,
        minimum=72,
        maximum=1200,
        step=50,
    )


@dataclass(frozen=True)
class ExportRequest:
    """What is to be written, and how."""

    format: str = parameter(REQUIRED, "File format.")
    only_iscell: bool | None = parameter(
        None,
        "Leave out the ROIs that suite2p does not call cells; its classifier is prone "
        "to reject interneurons. By default as the predictions say.",
        label="suite2p's cells only",
        option=None,
    )
    figure: FigureOptions = field(default_factory=FigureOptions)
    session: NwbSession = field(default_factory=NwbSession)
    existing: Path | None = parameter(
        None,
        "NWB: add the cell types to a copy of this file, which must hold the same "
        "ROIs; it is not changed itself.",
        label="NWB file",
        option="--into",
        metavar="EXISTING.nwb",
    )


@dataclass(frozen=True, eq=False)
class Preview:
    """What a file will hold; one of the three is there."""

    text: str = ""
    table: pd.DataFrame | None = None
    picture: bytes = b""  # a PNG

    def as_text(self) -> str:
        """Return what goes to the clipboard: text, or rows with tabs between cells."""
        if self.table is None:
            return self.text
        text: str = self.table.to_csv(sep="\t", index=False, lineterminator="\n")
        return text


@dataclass(eq=False)
class Content:
    """All that a format may need; table and provenance are made when asked for."""

    recordings: Sequence[ExportedRecording]
    request: ExportRequest
    # Whether it is written or copied, not only looked at.
    in_full: bool = True
    on_progress: OnProgress = ignore_progress
    should_stop: ShouldStop = never_stop

    @cached_property
    def tables(self) -> list[pd.DataFrame]:
        """The output table of each recording."""
        return [one.table(self.request.only_iscell) for one in self.recordings]

    @cached_property
    def table(self) -> pd.DataFrame:
        """The tables one below the other; gaps where only some were classified."""
        import pandas as pd

        if len(self.tables) == 1:
            return self.tables[0]
        whole = pd.concat(self.tables, ignore_index=True)
        # Columns in the order of the most complete table.
        widest = max(self.tables, key=lambda table: len(table.columns))
        rest = [name for name in whole.columns if name not in widest.columns]
        whole = whole[[*widest.columns, *rest]]
        texts = whole.select_dtypes(exclude=["number", "boolean"]).columns
        return whole.fillna(dict.fromkeys(texts, ""))

    @cached_property
    def origin(self) -> Mapping[str, Any]:
        """The provenance of all recordings together."""
        request = self.request
        settings: dict[str, Any] = {
            "format": request.format,
            "only_iscell": request.only_iscell,
        }
        if request.figure != FigureOptions():
            settings["figure"] = values_of(request.figure)
        if request.existing is not None:
            settings["copy_of"] = request.existing.name
        origins = [one.origin() for one in self.recordings]
        cards = [card for _, card in origins if card is not None]
        return provenance([inputs for inputs, _ in origins], cards, settings)


Option = Literal["only_iscell", "figure", "session", "existing"]


@dataclass(frozen=True)
class Format:
    """One format that cell types can be exported in."""

    key: str  # its name in the terminal, in code and in settings
    title: str  # its name in the window
    ending: str
    description: str  # what it is for, in a sentence
    preview: Callable[[Content], Preview]
    # Takes the name of a temporary file.
    write: Callable[[Content, Path], object]
    # The fields of `ExportRequest` that it heeds.
    options: tuple[Option, ...] = ()
    # Whether a file holds one recording only.
    one_recording: bool = False
    # Whether a finished table is enough, without masks, traces and labels.
    from_table: bool = False
    # What the provenance has to explain of the table.
    legend: Callable[[pd.DataFrame], Mapping[str, Any]] | None = None

    def require_one(self, n_recordings: int) -> None:
        """Refuse more recordings than a file holds."""
        if self.one_recording and n_recordings > 1:
            raise OutputError(
                f"{self.title}: a file holds one recording (plane), and these are "
                f"{n_recordings}; choose one (terminal: --plane N)."
            )

    def file(self, path: Path) -> Path:
        """Return the file's name, with the ending where it had none."""
        path = path if path.suffix else path.with_name(f"{path.name}{self.ending}")
        if path.suffix.lower() != self.ending:
            raise OutputError(
                f"{path.name} does not end in {self.ending}, the format asked for; "
                "rename it."
            )
        return path
