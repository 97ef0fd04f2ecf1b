"""Files that people pass on: no place of this machine in them, yet they are traced."""

import csv
import hashlib
import json
import re
import shutil
import zipfile
import zlib
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.export.formats import FORMATS
from napari_celltype.labels import Label, LabelTable, save_labels
from napari_celltype.protocol.evaluate import read_request
from napari_celltype.recording import open_recording
from napari_celltype.simulation import simulate_recording, write_recording

PLACE = "Jane's lab, 2nd floor"
HOSTILE = ("<script>alert(1)</script>", "\"&'<b onclick>")


@pytest.fixture(scope="module")
def shared(terminal, tmp_path_factory):
    """Every file that verbs write for others, of data in a folder with a speaking name.

    The data root, the folders of outputs beside it, and what was said.
    """
    top = tmp_path_factory.mktemp("top") / PLACE
    data, model = top / "data", top / "models" / "own.safetensors"
    for animal in ("m1", "m2"):
        of = ("--cells", 16, "--frames", 800, "--fs", 12, "--seed", animal[1:])
        assert terminal("simulate", "-o", data / animal / "day1", *of).exit_code == 0
    plane = data / "m1" / "day1" / "suite2p" / "plane0"
    (plane / "F_chan2.npy").write_bytes(b"no array")
    shutil.copytree(data / "m1", data / "m3")
    (data / "m3" / "day1" / "suite2p" / "plane0" / "F.npy").write_bytes(b"no array")
    listed = top / "list.csv"
    listed.write_text("path,subject_id\ndata/m1/day1,m1\ndata/m2/day1,m2\n")
    quick = ("--splits", 2, "--epochs", 1)
    of = ("evaluate", listed, "--classifiers", "svm-linear", *quick)
    asked = [
        ("train", listed, "--epochs", 1, "-o", model),
        (*of, "-o", top / "run"),
    ]
    for ending in ("csv", "parquet", "json"):
        out = top / "results" / f"all.{ending}"
        asked.append(("classify", data, "--model", model, "-o", out))
    for key, kind in FORMATS.items():
        more = ("--into", top / "results" / "nwb.nwb") if key == "nwb-copy" else ()
        out = top / "results" / f"{key}{kind.ending}"
        asked.append(("export", plane, "--format", key, *more, "-o", out))
    said = {}
    for words in asked:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["napari-celltype", *map(str, words)])
            result = terminal(*words)
        said[words] = result.output
        # m3 fails, and a copy needs a file without cell types.
        fails = words[0] == "classify" or "nwb-copy" in words
        assert (result.exit_code == 1) is fails, result.output
    return data, (top / "results", top / "run", top / "models"), said


def contents(file):
    """The bytes of a file and of what is packed in it."""
    raw = file.read_bytes()
    yield raw
    if zipfile.is_zipfile(file):
        packed = zipfile.ZipFile(file)
        yield from map(packed.read, packed.namelist())
    for start in re.finditer(rb"stream\r?\n", raw):
        with suppress(zlib.error):
            yield zlib.decompress(raw[start.end() :])
    if file.suffix == ".parquet":
        yield pd.read_parquet(file).to_csv().encode()


@pytest.mark.slow
def test_nothing_that_is_shared_names_a_folder_of_this_machine(shared):
    _, folders, said = shared
    assert any(PLACE in text for text in said.values())
    files = [f for folder in folders for f in folder.rglob("*") if f.is_file()]
    assert {f.suffix for f in files} > {".nwb", ".safetensors", ".html", ".parquet"}
    words = [text.encode() for text in (PLACE, "Jane", str(Path.home()))]
    words += [text.decode().encode("utf-16-le") for text in words]
    found = [f.name for f in files for c in contents(f) if any(w in c for w in words)]
    assert found == []


def test_what_gave_a_label_is_found_from_the_data_root_by_name_and_digest(shared):
    data, (results, *_), _ = shared
    told = json.loads((results / "all.csv.provenance.json").read_text())
    table = pd.read_csv(results / "all.csv")
    recordings = {one["name"]: one for one in told["recordings"]}
    assert set(recordings) == set(table["recording"]) == {"m1/day1", "m2/day1"}
    for one in recordings.values():
        assert one["path"].startswith(one["name"])
        for name in ("F.npy", "celltype_labels.json"):
            content = (data / one["path"] / name).read_bytes()
            assert one["files"][name]["sha256"] == hashlib.sha256(content).hexdigest()
    (failed,) = told["settings"]["failures"]
    assert failed["path"] == "m3/day1/suite2p/plane0"
    assert failed["reason"].startswith("m3/day1/suite2p/plane0/F.npy")
    assert told["settings"]["model"] == "own.safetensors"
    (warning,) = (w for w in recordings["m1/day1"]["warnings"] if "F_chan2" in w)
    assert warning.startswith("m1/day1/suite2p/plane0/F_chan2.npy")


def test_a_run_and_its_data_go_on_where_both_were_moved(shared):
    data, (_, run, _), _ = shared
    command = json.loads((run / "request.json").read_text())["command"]
    assert command.startswith("napari-celltype evaluate list.csv --classifiers")
    assert command in (run / "report.html").read_text()
    assert read_request(run).data == (data.parent / "list.csv").resolve()
    moved = shutil.copytree(data.parent, data.parent.with_name("moved"))
    assert read_request(moved / "run").data == (moved / "list.csv").resolve()


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = set()

    def handle_starttag(self, tag, attributes):
        self.found |= {(tag, name) for name, _ in attributes} | {tag}


def tags(page):
    reader = Tags()
    reader.feed(page)
    return reader.found


@pytest.mark.slow
def test_names_from_files_are_text_in_every_page_and_drawing(terminal, tmp_path):
    def pages(types, animals, folder):
        """A report of two animals, and a drawing, in which all these names stand."""
        tree = DEFAULT_TYPES
        for name in types:
            tree = tree.with_type(name, color="#123456", parent=None)
        lines = []
        for seed, animal in enumerate(animals):
            simulated = simulate_recording(12, 800, 12.0, random_state=seed)
            plane = open_recording(write_recording(simulated, folder / str(seed)))
            labels = [Label(k, types[k % 2], source="manual") for k in range(12)]
            save_labels(plane, LabelTable(tuple(labels), tree))
            lines.append([str(seed), animal])
        listed = folder / f"{folder.name}.csv"
        with listed.open("w", newline="") as file:
            csv.writer(file).writerows([["path", "subject_id"], *lines])
        run, svg = folder / "run", folder / "figure.svg"
        of = ("--classifiers", "cnn", "--splits", 2, "--epochs", 1, "-o", run)
        result = terminal("evaluate", listed, *of)
        assert result.exit_code == 0, result.output
        result = terminal("export", folder / "0", "--format", "svg", "-o", svg)
        assert result.exit_code == 0, result.output
        return (run / "report.html").read_text(), svg.read_text()

    hostile = pages(HOSTILE, HOSTILE, tmp_path / "<img src=x>\"&'")
    plain = pages(("own", "other"), ("m1", "m2"), tmp_path / "plain")
    for page, as_usual in zip(hostile, plain, strict=True):
        assert tags(page) == tags(as_usual)
        assert "&lt;script&gt;alert(1)" in page
