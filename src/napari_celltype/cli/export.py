"""The verb `export`: what is known about the ROIs, for other programs and papers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_celltype.cli import options as opt
from napari_celltype.cli.terminal import door, interruptible, say, shown_progress
from napari_celltype.models import DEFAULT_MODEL


@door
def export(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="A recording, or (csv to mat) a table that `classify` wrote.",
            show_default=False,
        ),
    ],
    format: opt.Format,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT")],
    model: opt.Model = DEFAULT_MODEL,
    labels_only: Annotated[
        bool,
        typer.Option("--labels-only", help="Export the labels; no model runs."),
    ] = False,
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="EXISTING.nwb",
            help="nwb: add the cell types to a copy of this file, which must hold the "
            "same ROIs; it is not changed itself.",
        ),
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=TEXT",
            help="nwb: what is known about the session, such as subject_id=m1; may be "
            "given several times. docs/export.md lists the fields.",
        ),
    ] = None,
    pixel_size: Annotated[
        float | None,
        typer.Option(
            metavar="UM",
            help="png, svg, pdf: width of a pixel in micrometres, for the scale bar.",
        ),
    ] = None,
    width: Annotated[
        float, typer.Option(metavar="MM", help="png, svg, pdf: width of the figure.")
    ] = 85.0,
    only_iscell: opt.OnlyIscell = False,
    min_probability: opt.MinProbability = 0.0,
    prior: opt.Prior = None,
    fs: opt.Fs = None,
    neuropil: opt.Neuropil = "model",
    plane: opt.Plane = None,
    device: opt.Device = "auto",
    force: opt.Force = False,
) -> None:
    """Write the labelled ROIs as table, celltype.npy, MATLAB, NWB, figure or text.

    Example: napari-celltype export data/mouse1 --format nwb -o mouse1.nwb
    """
    from napari_celltype.answers.classify import ClassifyRequest
    from napari_celltype.export import ExportRequest, FigureOptions, NwbSession
    from napari_celltype.export.exporting import export_path

    if into is not None:
        if format not in ("nwb", "nwb-copy"):
            raise typer.BadParameter("--into goes with --format nwb")
        format = "nwb-copy"
    classifying = ClassifyRequest(
        model,
        device,
        opt.parse_neuropil(neuropil),
        min_probability,
        only_iscell,
        opt.parse_prior(prior),
    )
    request = ExportRequest(
        format=format,
        only_iscell=only_iscell or None,
        figure=FigureOptions(width=width, pixel_size=pixel_size),
        session=NwbSession.of(opt.parse_pairs(field, "age=P90D")),
        existing=into,
    )
    with interruptible() as should_stop, shown_progress() as on_progress:
        written = export_path(
            path,
            request,
            output,
            None if labels_only else classifying,
            sampling_frequency=fs,
            plane=plane,
            force=force,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    say(f"written: {written}")
