"""Show what an export will hold, and write it: tables, NWB, figures, text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_celltype.errors import OutputError
from napari_celltype.export import (
    celltype_array,
    methods_paragraph,
    write_mat,
    write_npy,
    write_output,
    write_table,
)
from napari_celltype.export.figure import (
    FigureOptions,
    figure_bytes,
    write_figure,
)
from napari_celltype.export.nwb import (
    NwbPlane,
    load_pynwb,
    require_nwb,
    write_nwb,
)
from napari_celltype.export.nwb_copy import matching_tables, write_nwb_copy
from napari_celltype.export.nwb_outline import copy_outline, nwb_outline
from napari_celltype.export.nwb_session import NwbSession
from napari_celltype.labels import write_label_table
from napari_celltype.progress import (
    OnProgress,
    Progress,
    ShouldStop,
    ignore_progress,
    never_stop,
    raise_if_stopped,
)
from napari_celltype.workflows.export_formats import ExportFormat, export_format
from napari_celltype.workflows.material import Material, origin_of, tables

if TYPE_CHECKING:
    import pandas as pd

    from napari_celltype.labels import LabelTable

# Dots per inch of a figure that is only looked at in a dock.
_COARSE = 150
_WRITERS: dict[str, Callable[..., Path]] = {".npy": write_npy, ".mat": write_mat}


@dataclass(frozen=True)
class ExportRequest:
    """What is to be written, and how.

    Attributes
    ----------
    format : str
        Key of an `ExportFormat`.
    only_iscell : bool or None
        Leave out what suite2p does not call a cell; None as the predictions say.
    figure : FigureOptions
    session : NwbSession
        For a new NWB file.
    existing : Path or None
        The NWB file that a copy is made of.
    """

    format: str
    only_iscell: bool | None = None
    figure: FigureOptions = field(default_factory=FigureOptions)
    session: NwbSession = field(default_factory=NwbSession)
    existing: Path | None = None


@dataclass(frozen=True, eq=False)
class Preview:
    """What a file will hold; one of the three is there.

    Attributes
    ----------
    text : str
    table : pandas.DataFrame or None
    picture : bytes
        A PNG.
    """

    text: str = ""
    table: pd.DataFrame | None = None
    picture: bytes = b""

    def as_text(self) -> str:
        """Return what goes to the clipboard: text, or rows with tabs between cells."""
        if self.table is None:
            return self.text
        text: str = self.table.to_csv(sep="\t", index=False, lineterminator="\n")
        return text


def preview_export(
    materials: Sequence[Material],
    request: ExportRequest,
    *,
    full: bool = False,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Preview:
    """Return what `write_export` would write, or say why it cannot.

    Parameters
    ----------
    materials : sequence of Material
    request : ExportRequest
    full : bool
        Draw the figure as finely as asked for, not only for a look at it.
    on_progress, should_stop : callable, optional
        See `napari_celltype.progress`.

    Raises
    ------
    CellTypeError
        As `write_export`, as far as that can be told before writing.
    Stopped
        If `should_stop` answered True.
    """
    chosen = _possible(materials, request)
    on_progress(Progress("Preparing the preview"))
    raise_if_stopped(should_stop)
    if chosen.kind == "table":
        return Preview(table=_previewed_table(materials, request, chosen))
    if chosen.kind == "labels":
        return Preview(table=_label_rows(_labels_of(materials[0])))
    if chosen.kind == "figure":
        fine = (
            request.figure if full else replace(request.figure, dots_per_inch=_COARSE)
        )
        return Preview(picture=_figure(materials[0], replace(request, figure=fine)))
    if chosen.kind == "text":
        return Preview(methods_paragraph(origin_of(materials, {})))
    planes = _planes(materials, request)
    load_pynwb()
    if chosen.kind == "nwb":
        require_nwb(planes, request.session)
        return Preview(nwb_outline(planes, request.session))
    existing = _existing(request)
    return Preview(copy_outline(planes, existing, matching_tables(planes, existing)))


def write_export(
    materials: Sequence[Material],
    request: ExportRequest,
    path: Path,
    *,
    force: bool = False,
    on_progress: OnProgress = ignore_progress,
    should_stop: ShouldStop = never_stop,
) -> Path:
    """Write one file of the recordings, with its provenance beside it.

    Parameters
    ----------
    materials : sequence of Material
    request : ExportRequest
    path : Path
        The file; the format's ending is added where the name has none.
    force : bool
        Replace a file that this program did not write.
    on_progress, should_stop : callable, optional
        See `napari_celltype.progress`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OutputError
        If the recordings do not fit the format, the name ends otherwise, or the file
        may not be replaced or cannot be written.
    MissingDependencyError
        If NWB is asked for and pynwb is not installed.
    SamplingFrequencyError
        If NWB is asked for and the frame rate is not known.
    Stopped
        If `should_stop` answered True; what was there stays.
    """
    chosen = _possible(materials, request)
    path = path if path.suffix else path.with_name(f"{path.name}{chosen.ending}")
    if path.suffix.lower() != chosen.ending:
        raise OutputError(
            f"{path.name} does not end in {chosen.ending}, the format asked for; "
            "rename it."
        )
    raise_if_stopped(should_stop)
    if chosen.kind == "labels":
        return write_label_table(_labels_of(materials[0]), path, force=force)
    on_progress(Progress("Collecting where everything came from"))
    origin = origin_of(materials, _settings(request))
    raise_if_stopped(should_stop)
    options: dict[str, Any] = {"force": force, "provenance": origin}
    if chosen.kind == "table":
        write: Callable[..., Path] = _WRITERS.get(chosen.ending, write_table)
        return write(tables(materials, request.only_iscell), path, **options)
    if chosen.kind == "text":
        text = f"{methods_paragraph(origin)}\n".encode()
        return write_output(path, lambda file: file.write(text), **options)
    if chosen.kind == "figure":
        (material,) = materials
        return write_figure(
            material.recording,
            material.table(request.only_iscell),
            path,
            options=request.figure,
            tree=material.tree,
            subtypes_proven=material.subtypes_proven,
            **options,
        )
    planes = _planes(materials, request)
    options |= {"on_progress": on_progress, "should_stop": should_stop}
    if chosen.kind == "nwb":
        return write_nwb(planes, path, session=request.session, **options)
    return write_nwb_copy(planes, _existing(request), path, **options)


def _possible(materials: Sequence[Material], request: ExportRequest) -> ExportFormat:
    chosen = export_format(request.format)
    if not materials:
        raise OutputError("There is no recording to export; open one first.")
    if chosen.one_recording and len(materials) > 1:
        raise OutputError(
            f"{chosen.title}: a file holds one recording (plane), and these are "
            f"{len(materials)}; choose one."
        )
    if chosen.key == "npy" and materials[0].predictions is None:
        raise OutputError(
            "celltype.npy holds what a model said, and no model has run; classify the "
            "recording first, or export the labels as CSV."
        )
    return chosen


def _settings(request: ExportRequest) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "format": request.format,
        "only_iscell": request.only_iscell,
    }
    kind = export_format(request.format).kind
    if kind == "figure":
        settings["figure"] = asdict(request.figure)
    if kind == "nwb copy" and request.existing is not None:
        settings["copy_of"] = request.existing.name
    return settings


def _previewed_table(
    materials: Sequence[Material], request: ExportRequest, chosen: ExportFormat
) -> pd.DataFrame:
    import pandas as pd

    table = tables(materials, request.only_iscell)
    if chosen.key != "npy":
        return table
    array, legend = celltype_array(table)
    return pd.DataFrame(array, columns=legend["columns"])


def _labels_of(material: Material) -> LabelTable:
    if material.labels is None or not len(material.labels):
        raise OutputError(
            "No ROI of this recording has a label yet; label some first, or export the "
            "table."
        )
    return material.labels


def _label_rows(labels: LabelTable) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([asdict(row) for row in labels])


def _figure(material: Material, request: ExportRequest) -> bytes:
    return figure_bytes(
        material.recording,
        material.table(request.only_iscell),
        "png",
        options=request.figure,
        tree=material.tree,
        subtypes_proven=material.subtypes_proven,
    )


def _planes(materials: Sequence[Material], request: ExportRequest) -> list[NwbPlane]:
    return [
        NwbPlane(material.recording, material.table(request.only_iscell))
        for material in materials
    ]


def _existing(request: ExportRequest) -> Path:
    if request.existing is None:
        raise OutputError(
            "No NWB file was chosen to make a copy of; choose the one that holds these "
            "ROIs."
        )
    return request.existing
