"""Options that several verbs share, declared once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from napari_celltype.export import FORMATS
from napari_celltype.models import NETWORKS
from napari_celltype.protocol.experiment import COMPARED, known

RecordingPath = Annotated[
    Path,
    typer.Argument(
        metavar="PATH",
        help="suite2p session, plane folder or stat.npy.",
        show_default=False,
    ),
]
Model = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE",
        help=f"Of {', '.join(NETWORKS)}, or a model's name or file.",
    ),
]
Fs = Annotated[
    float | None,
    typer.Option(
        "--fs",
        metavar="HZ",
        help="Frames per second and plane, where the files do not say or say it wrong.",
    ),
]
Neuropil = Annotated[
    str,
    typer.Option(
        metavar="model|none|C",
        help="What the model was trained with, raw F, or F - C * Fneu.",
    ),
]
Plane = Annotated[int | None, typer.Option(metavar="N", help="Take only plane N.")]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda|cuda:N|mps")]
Seed = Annotated[int, typer.Option(metavar="K", help="Seed of all chance.")]
LabelledPath = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help=(
            "Labelled data: a trace set .npz, a recording list .csv, or a suite2p "
            "folder with a label file."
        ),
        show_default=False,
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A label table, or a folder of label files, for a suite2p folder.",
    ),
]
RawOrCoefficient = Annotated[
    str,
    typer.Option(
        "--neuropil", metavar="none|C", help="Raw F, or F - C * Fneu, of recordings."
    ),
]
TraceLength = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help=(
            "Cut all traces to N frames; without it to the shortest. (Not the T of RNN "
            "and LSTM, the parts that a trace is cut into.)"
        ),
    ),
]
Resample = Annotated[
    float | None,
    typer.Option(metavar="HZ", help="Bring all recordings down to this frame rate."),
]
WithPredictions = Annotated[
    bool,
    typer.Option(
        "--with-predictions",
        help="Train on accepted predictions, too; they are never tested on.",
    ),
]
Merge = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TYPE=PARENT",
        help="Take cells of a type for its parent's, such as VIP=IN; may be repeated.",
    ),
]
LeaveOut = Annotated[
    list[str] | None,
    typer.Option(metavar="TYPE", help="Leave cells of a type out; may be repeated."),
]


def _one_of(names: Collection[str]) -> Callable[[str], str]:
    """Return a parser of an option that takes one of some names."""

    def parse(text: str) -> str:
        if text not in names:
            raise typer.BadParameter(f"{text!r} is not one of {', '.join(names)}")
        return text

    return parse


Architecture = Annotated[
    str,
    typer.Option(
        parser=_one_of(NETWORKS),
        metavar="|".join(NETWORKS),
        help="The network; with --base that of the base.",
    ),
]
Classifiers = Annotated[
    str,
    typer.Option(
        metavar="NAME,...",
        help=f"Of {', '.join(known())}; those in -search find their parameters "
        "themselves.",
    ),
]
COMPARED_NAMES = ",".join(COMPARED)
Epochs = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Epochs of the networks (20)."),
]
Jobs = Annotated[
    int, typer.Option(metavar="N", min=1, help="Processes on this machine.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="A Dask scheduler, tcp://host:port."),
]
Threads = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help=(
            "Threads of each worker, on which the last bits of scores depend (one with "
            "several workers, else all)."
        ),
    ),
]
Slow = Annotated[
    bool,
    typer.Option(
        "--slow",
        help="Table I and evaluate: add RNN and LSTM with one frame per time step, "
        "which takes hours.",
    ),
]
Splits = Annotated[int, typer.Option(metavar="N", min=1, help="Train-test splits.")]
RunFolder = Annotated[
    Path,
    typer.Option(
        "-o",
        "--output",
        metavar="RUN",
        help="Run folder; the same command on it goes on where it stopped.",
    ),
]
Force = Annotated[
    bool,
    typer.Option("--force", help="Replace a file that this program did not write."),
]
ForceFolder = Annotated[
    bool,
    typer.Option("--force", help="Write into a folder that holds files of others."),
]
MinProbability = Annotated[
    float,
    typer.Option(
        metavar="P", min=0, max=1, help="An ROI whose type is less probable is unsure."
    ),
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Say all that the result rests on."),
]
OnlyIscell = Annotated[
    bool,
    typer.Option("--only-iscell", help="Leave out what suite2p does not call a cell."),
]
Prior = Annotated[
    str | None,
    typer.Option(
        metavar="TYPE=SHARE,...",
        help=(
            "Expected shares of the types, such as IN=0.11 (all neurons of CA1) or "
            "PV=1 (only PV cells carry the indicator)."
        ),
    ),
]


class Way(StrEnum):
    """How train and test examples are told apart."""

    PAPER = "paper"
    RANDOM = "random"
    BY_SESSION = "by-session"
    BY_SUBJECT = "by-subject"
    BY_CELL = "by-cell"


Split = Annotated[
    Way,
    typer.Option(
        help=(
            "paper and random may put traces of one cell or animal on both sides, so "
            "the strictest possible of the others runs beside them."
        )
    ),
]
TrainSize = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Training examples in all (80 % of each type).",
    ),
]
TestSize = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Test examples in all (the rest)."),
]


class Normalization(StrEnum):
    """What traces are z-scored by."""

    TRACE = "trace"
    TRAINING_SET = "training-set"
    PER_TIMESTEP = "training-set-per-timestep"


PaperNormalization = Annotated[
    Normalization,
    typer.Option(help="Z-score by the training set, as the paper, or by the trace."),
]


class Validation(StrEnum):
    """What is held out of a training and scored."""

    AUTO = "auto"
    SUBJECT = "subject"
    SESSION = "session"
    CELL = "cell"
    NONE = "none"


class PaperExperiment(StrEnum):
    """The experiments of Section IV."""

    TABLE1 = "table1"
    TABLE2 = "table2"
    TABLE3 = "table3"
    TABLE4 = "table4"
    TABLE5 = "table5"
    EPOCHS = "epochs"
    FIG3 = "fig3"
    NEW_DATASET = "new-dataset"


Format = Annotated[
    str,
    typer.Option(
        "--format",
        parser=_one_of(FORMATS),
        metavar="|".join(FORMATS),
        help="File format.",
    ),
]


def parse_prior(text: str | None) -> dict[str, float] | None:
    """Read ``IN=0.1,VIP=0.02``.

    Raises
    ------
    typer.BadParameter
        If the text is not of that form.
    """
    if text is None:
        return None
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, equals, share = part.partition("=")
        try:
            shares[name.strip()] = float(share)
        except ValueError:
            equals = ""
        if not equals or not name.strip():
            raise typer.BadParameter(
                f"{part!r} is not of the form TYPE=SHARE, such as IN=0.1"
            )
    return shares


def parse_pairs(texts: list[str] | None, example: str) -> dict[str, str]:
    """Read texts such as ``VIP=IN`` or ``age=P90D``, each pair by itself.

    Raises
    ------
    typer.BadParameter
        If a text is not of that form; shows the example.
    """
    pairs = {}
    for text in texts or ():
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise typer.BadParameter(
                f"{text!r} is not of the form NAME=TEXT, such as {example}"
            )
        pairs[name] = value
    return pairs


def parse_counts(text: str) -> dict[str, int]:
    """Read ``PY=1000,PV=947``.

    Raises
    ------
    typer.BadParameter
        If the text is not of that form.
    """
    counts: dict[str, int] = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        if not name.strip() or not number.strip().isdigit():
            raise typer.BadParameter(
                f"{part!r} is not of the form TYPE=NUMBER, such as PY=1000"
            )
        counts[name.strip()] = int(number)
    return counts


def parse_coefficient(text: str) -> str | float:
    """Read ``none`` or a number.

    Raises
    ------
    typer.BadParameter
        If the text is neither; labelled data come with no model to ask.
    """
    if text == "model":
        raise typer.BadParameter("'model' needs a model; give 'none' or a number")
    return parse_neuropil(text)


def parse_names(text: str) -> tuple[str, ...]:
    """Read ``cnn,svm-rbf``."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def parse_neuropil(text: str) -> str | float:
    """Read ``model``, ``none`` or a number.

    Raises
    ------
    typer.BadParameter
        If the text is none of these.
    """
    if text in ("model", "none"):
        return text
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither 'model', 'none' nor a number such as 0.7"
        ) from None
