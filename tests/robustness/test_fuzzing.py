"""Mutants of every file that can be opened: a result, or one sentence.

No code of a file is run, nothing takes more than 10 s or 1 GB more memory.
"""

from __future__ import annotations

import io
import json
import os
import random
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from napari_celltype.answers import classify
from napari_celltype.answers.provenance import is_ours
from napari_celltype.errors import CellTypeError
from napari_celltype.export import (
    ExportedRecording,
    ExportRequest,
    read_table,
    write_export,
)
from napari_celltype.labels import (
    LabelTable,
    Reading,
    load_labels,
    load_traces,
    read_label_table,
    save_labels,
)
from napari_celltype.labels.importing import import_labels
from napari_celltype.labels.labelled_recording import find_labelled
from napari_celltype.models import load_model
from napari_celltype.models.training import Checkpoint
from napari_celltype.protocol import PaperProtocol
from napari_celltype.protocol.evaluate import evaluate, read_request, run_experiment
from napari_celltype.recording import (
    label_image,
    open_movie,
    open_recording,
    tiff_sampling_frequency,
)
from napari_celltype.recording.matlab import _CHILD

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="memory is limited as Linux does it"
)

PLANE = Path("m1", "day1", "suite2p", "plane0")
FALL = Path("fall", "suite2p", "plane0")
DATE = Path("SB025", "2019-10-23")
SECONDS, BYTES = 10, 2**30
FORBIDDEN = ("os.", "subprocess.", "pty.", "socket.connect")
HARMLESS = (
    "os.listdir",
    "os.scandir",
    "os.walk",
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.chmod",  # by filelock below 4, of its own file
)


def look(folder: Path, plane: Path = PLANE) -> None:
    recording = open_recording(folder / plane)
    _ = recording.raw_traces[:], label_image(recording), list(recording.rois)
    if recording.neuropil is not None:
        _ = recording.neuropil[:]
    for image in recording.images.values():
        assert image.shape == recording.frame_shape
    if recording.movie is not None and len(recording.movie):
        _ = np.asarray(recording.movie[0]), np.asarray(recording.movie[-1])
    classify(recording, str(folder / "quick.safetensors"))


def label(folder: Path) -> None:
    recording = open_recording(folder / PLANE)
    labels = load_labels(recording) or LabelTable()
    save_labels(recording, labels)


def bring(folder: Path, name: str) -> None:
    import_labels(folder / name, open_recording(folder / PLANE))


def watch(folder: Path, name: str) -> None:
    tiff_sampling_frequency(folder / name)
    movie = open_movie(folder / name)
    _ = np.asarray(movie[0]), np.asarray(movie[-1])


def read_labels(folder: Path) -> None:
    read_label_table(folder / "labels.csv", open_recording(folder / PLANE))


def read_output(folder: Path, name: str) -> None:
    read_table(folder / name)
    is_ours(folder / name)


def copy_nwb(folder: Path) -> None:
    exported = ExportedRecording(open_recording(folder / PLANE), "day1")
    request = ExportRequest("nwb-copy", existing=folder / "theirs.nwb")
    write_export([exported], request, folder / "copy.nwb", force=True)


def read_data(folder: Path, name: str) -> None:
    find_labelled([folder / name])
    Reading().load(folder / name)


def read_traces(folder: Path) -> None:
    load_traces(folder / "cells.npz")
    read_data(folder, "cells.npz")


def ask_model(folder: Path) -> None:
    load_model(folder / "quick.safetensors").predict(np.eye(4, 100))


def resume(folder: Path) -> None:
    run_experiment(read_request(folder / "run"))


def train_on(folder: Path) -> None:
    import torch

    Checkpoint(folder / "checkpoint", "key").load({"a": torch.zeros(40)}, 5)


FILES: dict[str, Callable[[Path], None]] = {
    **{
        str(PLANE / f"{name}.npy"): look
        for name in ("stat", "ops", "iscell", "redcell", "F", "Fneu")
    },
    str(PLANE / "data.bin"): look,
    str(FALL / "Fall.mat"): partial(look, plane=FALL),
    **{
        f"others/{name}": partial(look, plane=Path("others", plane))
        for name, plane in {
            "caiman.hdf5": "caiman.hdf5",
            "traces.csv": "traces.csv",
            "traces_C2.tiff": "traces.csv",
        }.items()
    },
    **{
        f"crack/{name}": partial(look, plane=Path("crack", name, "CaA0"))
        for name in ("cc028-1.mat", "cc028-2.mat")
    },
    **{
        str(DATE / name): partial(look, plane=DATE)
        for name in (
            *("neuron.ttype.txt", "neuron.prob_ttypes.npy", "neuron.UniqueID.npy"),
            *("Blank/01/frame.neuralActivity.npy", "Blank/01/frame.times.npy"),
        )
    },
    str(PLANE / "celltype_labels.json"): label,
    "theirs.nwb": copy_nwb,
    "labels.csv": read_labels,
    **{
        f"cell_types.{name}": partial(read_output, name=f"cell_types.{ending}")
        for name, ending in {
            **{ending: ending for ending in ("csv", "parquet", "json")},
            "csv.provenance.json": "csv",
        }.items()
    },
    "recordings.csv": partial(read_data, name="recordings.csv"),
    "cells.npz": read_traces,
    "movie.tif": partial(watch, name="movie.tif"),
    "movie.ome.tif": partial(watch, name="movie.ome.tif"),
    "x.tracking.results_clusters.json": partial(
        bring, name="x.tracking.results_clusters.json"
    ),
    "x.tracking.params_used.json": partial(
        bring, name="x.tracking.results_clusters.json"
    ),
    "track2p/track_ops.npy": partial(bring, name="track2p"),
    "track2p/plane0_suite2p_indices.npy": partial(bring, name="track2p"),
    "quick.safetensors": ask_model,
    "checkpoint": train_on,
    "run/request.json": resume,
    "run/config.json": resume,
    "run/results.jsonl": resume,
}


# Each mutant of it may be computed anew.
SLOW = ("run/results.jsonl",)


@pytest.fixture(scope="module")
def files(lab: Path) -> Path:
    import torch

    state = {"a": torch.ones(40)}
    Checkpoint(lab / "checkpoint", "key").save(state, [{"epoch": 1.0}])
    evaluate(
        lab / "cells.npz",
        ["svm-linear"],
        PaperProtocol("random", 2),
        folder=lab / "run",
    )
    return lab


class Alarm:
    """Refuses, while a file is being read, whatever only a file's code would do."""

    armed = False

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if (
            self.armed
            and event.startswith(FORBIDDEN)
            and not event.startswith(HARMLESS)
            # Of this program's own: see `matlab`.
            and _CHILD not in str(args)
        ):
            self.armed = False
            raise SystemExit(f"{event} {args}")


ALARM = Alarm()
sys.addaudithook(ALARM)


@contextmanager
def limited() -> Iterator[None]:
    """Allow results and sentences, and neither code nor hanging nor much memory."""

    def hang(*_: object) -> None:
        raise SystemExit(f"more than {SECONDS} s")

    memory, most = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    former = signal.signal(signal.SIGALRM, hang)
    signal.alarm(SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, most))
    ALARM.armed = True
    try:
        yield
    except CellTypeError as error:
        sentence = str(error)
        assert 20 < len(sentence) < 2000, sentence
        assert sentence.isprintable(), sentence
    finally:
        ALARM.armed = False
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)
        resource.setrlimit(resource.RLIMIT_AS, (memory, most))


def attempt(name: str, files: Path, content: bytes) -> None:
    """Read a file with other content, and put the folder back."""
    path = files / name
    before = {p: p.read_bytes() for p in path.parent.iterdir() if p.is_file()}
    path.write_bytes(content)
    try:
        with limited():
            FILES[name](files)
    except BaseException:
        if where := os.environ.get("KEEP"):
            (Path(where) / f"{path.name}.{hash(content):x}").write_bytes(content)
        raise
    finally:
        for other in path.parent.iterdir():
            if other.is_file() and other not in before:
                other.unlink()
        for other, was in before.items():
            other.write_bytes(was)


ODD = (
    *(b"\0", b"\xff" * 8, b"-1", b"1e400", b"9" * 400, b"NaN"),
    *(b'"', b"[[", b"{", b"\n", b"cos\nsystem\n(S'true'\ntR."),
)


def mutant(content: bytes, chance: random.Random) -> bytes:
    """Return a file with a few bytes changed, moved, lost or added."""
    data = bytearray(content)
    # Headers are at the beginning, and of large files seldom met otherwise.
    most = len(data) if chance.random() < 0.5 else min(len(data), 512)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(most + 1)
        end = min(len(data), at + chance.choice((1, 2, 8, 100, len(data))))
        match chance.randrange(6):
            case 0 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at : at + 4] = chance.randbytes(4)
            case 2:
                del data[at:end]
            case 3:
                data[at:at] = data[at:end][:10_000]
            case 4:
                odd = chance.choice(ODD)
                data[at : at + len(odd)] = odd
            case 5:
                data[at:at] = chance.choice(ODD)
    return bytes(data)


@pytest.mark.parametrize("name", FILES)
def test_bytes_of_any_file_may_be_changed(name, files, scaled):
    content = (files / name).read_bytes()
    FILES[name](files)
    for number in range(scaled(6 if name in SLOW else 15)):
        chance = random.Random(f"{name} {number}")
        try:
            attempt(name, files, mutant(content, chance))
        except BaseException as error:
            raise AssertionError(f"mutant {number} of {name}") from error


NUMBERS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**31, 2**63, 2**70, -(2**70)])
    | st.floats()
)
LISTS = st.lists(NUMBERS | st.text(max_size=20) | st.lists(NUMBERS, max_size=2))
PLAIN = (
    NUMBERS
    | st.text(max_size=20)
    | LISTS
    | st.dictionaries(st.text(max_size=5), NUMBERS | LISTS, max_size=3)
)
ARRAYS = arrays.arrays(
    arrays.scalar_dtypes() | arrays.unicode_string_dtypes(),
    arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=7),
)


def places(content: Any) -> list[tuple[Any, Any]]:
    """Return the containers of a document with each key or index in them."""
    keys = (
        [*content]
        if isinstance(content, dict)
        else range(min(len(content), 20))
        if isinstance(content, list)
        else ()
    )
    return [place for key in keys for place in ((content, key), *places(content[key]))]


def with_a_value(content: bytes, data: Any) -> bytes:
    """Put any value somewhere into the JSON documents of a file, one a line."""
    lines = content.splitlines()
    try:
        documents = [json.loads(line) for line in lines]
    except ValueError:
        documents = [json.loads(content)]
    container, key = data.draw(st.sampled_from(places(documents)))
    container[key] = data.draw(PLAIN)
    return "\n".join(map(json.dumps, documents)).encode()


def with_a_cell(content: bytes, data: Any) -> bytes:
    """Put any text into a cell of a CSV file."""
    cells = [line.split(",") for line in content.decode().splitlines()]
    row = data.draw(st.sampled_from(cells))
    row[data.draw(st.integers(0, len(row) - 1))] = data.draw(
        st.text(max_size=20) | NUMBERS.map(str)
    )
    return "\n".join(map(",".join, cells)).encode(errors="replace")


def with_an_entry(content: bytes, data: Any) -> bytes:
    """Put any value into a dictionary of a file of objects."""
    array = np.load(io.BytesIO(content), allow_pickle=True)
    place = data.draw(st.sampled_from(array)) if array.ndim else array.item()
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(PLAIN | ARRAYS)
    return saved(array)


def with_values(content: bytes, data: Any) -> bytes:
    """Return any array, or the one of a file with a row of one value."""
    if data.draw(st.booleans()):
        return saved(data.draw(ARRAYS))
    values = np.load(io.BytesIO(content))
    values[data.draw(st.integers(0, len(values) - 1))] = data.draw(st.floats(width=32))
    return saved(values)


def saved(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


VALUES: dict[str, Callable[[bytes, Any], bytes]] = {
    name: change
    for change, endings in (
        (with_a_value, (".json", ".jsonl")),
        (with_a_cell, (".csv",)),
        (with_an_entry, ("stat.npy", "ops.npy")),
        (with_values, ("F.npy", "Fneu.npy", "cell.npy", "types.npy", "times.npy")),
    )
    for name in FILES
    if name.endswith(endings)
}


@pytest.mark.parametrize("name", VALUES)
def test_any_value_may_stand_in_a_file(name, files, scaled):
    content = (files / name).read_bytes()

    @settings(max_examples=scaled(6 if name in SLOW else 15), phases=[Phase.generate])
    @given(st.data())
    def check(data):
        attempt(name, files, VALUES[name](content, data))

    check()
