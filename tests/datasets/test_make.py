"""Trace sets of public and own recordings, split by animal at once."""

import json

import h5py
import numpy as np
import pytest

from napari_celltype.answers.provenance import provenance_path
from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.datasets import DatasetRequest, make_dataset
from napari_celltype.datasets.types import (
    DEFAULT_RULES,
    Rule,
    read_rules,
    type_of,
    type_of_word,
    write_rules,
)
from napari_celltype.errors import CellTypeError, LabelError, OutputError
from napari_celltype.files import file_sha256
from napari_celltype.labels import Label, LabelTable, Reading, load_traces, save_labels
from napari_celltype.protocol import PaperProtocol
from napari_celltype.protocol.evaluate import evaluate
from napari_celltype.recording import open_recording

REPORTER = ";Ai162(TIT2L-GC6s-ICL-TTA2)/wt"
LINES = {
    "PV": "Pvalb-IRES-Cre/wt" + REPORTER,
    "SOM": "Sst-IRES-Cre/wt" + REPORTER,
    "VIP": "Vip-IRES-Cre/wt" + REPORTER,
    "PY": "Slc17a7-IRES2-Cre/wt;Camk2a-tTA/wt;Ai93(TITL-GCaMP6f)/wt",
    "!PY": "Gad2-IRES-Cre/wt" + REPORTER,
}


@pytest.fixture
def archive(tmp_path, nwb):
    """Two animals of each line, with two sessions each."""

    def write(folder="in", names=tuple(LINES), **more):
        for name in names:
            for animal in range(2):
                for session in range(2):
                    subject = f"{name.replace('!', 'not')}{animal}"
                    path = tmp_path / folder / f"sub-{subject}" / f"ses-{session}.nwb"
                    nwb.write(
                        path,
                        subject__subject_id=subject,
                        subject__genotype=LINES[name],
                        session_id=f"{subject}-{session}",
                        **more,
                    )
        return tmp_path / folder

    return write


def make(tmp_path, *sources, **options):
    sources = tuple(map(str, sources))
    return make_dataset(DatasetRequest(sources, tmp_path / "data.npz", **options))


def test_types_of_lines_animals_and_sessions(tmp_path, archive):
    folder = archive()
    made = make(tmp_path, folder)
    traces = load_traces(made.path)
    assert traces.counts() == dict.fromkeys(sorted(LINES), 24)
    assert set(traces.subject_id[traces.labels == "PV"]) == {"PV0", "PV1"}
    assert set(traces.session_id[traces.labels == "SOM"]) == {
        f"SOM{a}-{s}" for a in range(2) for s in range(2)
    }
    assert len(set(traces.cell_id)) == len(traces) == 120
    assert set(traces.line[traces.labels == "VIP"]) == {LINES["VIP"]}
    assert traces.sampling_frequency == 30
    assert "PV            24        2         4" in made.table()
    origin = json.loads(provenance_path(made.path).read_text())
    (first,) = [r for r in origin["recordings"] if r["name"] == "sub-PY0/ses-0.nwb"]
    file = folder / "sub-PY0" / "ses-0.nwb"
    assert first["files"] == {"ses-0.nwb": {"sha256": file_sha256(file)}}
    assert (first["indicator"], first["region"]) == ("GCaMP6f", "VISp")
    assert origin["settings"]["types"]["Pvalb"] == "PV"


@pytest.mark.parametrize(
    ("genotype", "name"),
    [
        (LINES["PV"], "PV"),
        (LINES["PY"], "PY"),
        ("Rbp4-Cre_KL100/wt;Camk2a-tTA/wt;Ai93(TITL-GCaMP6f)/wt", "PY"),
        ("Vipr2-IRES2-Cre/wt;Ai148(TIT2L-GC6f-ICL-tTA2)/wt", ""),
        ("SOM-Flp/wt;PV-Cre/wt;Ai148(TIT2L-GC6f-ICL-tTA2)/wt", ""),
        ("PVBC", "PV"),
        ("AAC (RIGHT CELL)", "!PY"),
        ("NOTHING", ""),
    ],
)
def test_rules(genotype, name):
    assert type_of(genotype, DEFAULT_RULES) == name


def test_a_table_of_types_is_written_changed_and_read(tmp_path, archive):
    folder, table = archive(names=("PV",)), tmp_path / "types.csv"
    make(tmp_path, folder, types_out=table)
    assert read_rules(table) == DEFAULT_RULES
    make(tmp_path, folder, types_out=table)
    table.write_text("genotype,type\nSst,PV\n")
    with pytest.raises(OutputError, match="already"):
        make(tmp_path, folder, types_out=table)
    table.write_text("genotype,type\n*ires-cre/wt;ai162*,VIP\n")
    made = make(tmp_path, folder, types=table)
    assert load_traces(made.path).counts() == {"VIP": 24}
    table.write_text("genotype,type\nPvalb,PVBC\n")
    with pytest.raises(LabelError, match=r"types\.csv, line 2: .*PVBC"):
        make(tmp_path, folder, types=table)


@pytest.mark.parametrize(
    "line",
    [
        "PV-Cre;Ai14",
        "PV-Cre;Ai14;Thy1-GCaMP6f",
        "Sst-IRES-Cre; Snap25-2A-GCaMP6s",
        "Gad1-GFP;Thy1-GCaMP6s",
        "Gad1-EGFP;GCaMP6s",
    ],
)
def test_a_line_that_does_not_drive_the_indicator_does_not_decide(tmp_path, nwb, line):
    file = nwb.write(tmp_path / "a.nwb", subject__genotype=line)
    with pytest.raises(LabelError, match="names no calcium indicator"):
        make(tmp_path, file)
    types = write_rules((Rule("*", "PV"),), tmp_path / "types.csv")
    assert load_traces(make(tmp_path, file, types=types).path).counts() == {"PV": 6}


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("!PV", "!PV"),
        ("! pvalb", "!PV"),
        ("PV+ cell", "PV"),
        ("Pvalb-IRES-Cre", "PV"),
        ("soma", None),
        *((f"PV{end}", "") for end in ("-", "\u2212", " (-)", "-/GABA+", "?")),
        *((f"PV{end}", "") for end in (" negative", "_neg", "-negative", ", not sure")),
        *((f"{start}PV", "") for start in ("non-", "non_", "not ", "no ", "putative ")),
        ("!PVBC", ""),
        ("NOTHING", ""),
        ("PV (unclear)?", "PY"),
    ],
)
def test_a_word_that_is_negated_or_in_doubt_is_no_type(word, label):
    rules = (*DEFAULT_RULES, Rule("pv (unclear)?", "PY"))
    assert type_of_word(word, rules, DEFAULT_TYPES) == label


@pytest.mark.parametrize(
    ("words", "counts"),
    [
        ("!PV PV- PV", {"!PV": 2, "PV": 2}),
        ("soma", {"VIP": 6}),
        ("soma PV", {"PV": 3}),
        ("PV-", None),
        ("not_a_soma", None),
    ],
)
def test_a_column_goes_before_the_line_if_it_is_of_types(tmp_path, nwb, words, counts):
    types = np.resize([w.replace("_", " ").encode() for w in words.split()], 6)
    general = {"subject__genotype": LINES["VIP"], "subject__subject_id": "m1"}
    file = nwb.write(tmp_path / "a.nwb", columns={"cell_type": types}, **general)
    if counts is None:
        with pytest.raises(LabelError, match="names no known type"):
            make(tmp_path, file)
    else:
        assert load_traces(make(tmp_path, file).path).counts() == counts


def test_a_file_without_animal_is_named(tmp_path, archive, nwb):
    folder = archive(names=("PV",))
    assert not any("animal" in note for note in make(tmp_path, folder).notes)
    nwb.write(folder / "z.nwb", subject__genotype=LINES["SOM"])
    (note,) = [n for n in make(tmp_path, folder).notes if "animal" in n]
    assert note.startswith("No animal is known of z.nwb, so")


def test_labels_of_users_and_of_files_go_before_the_line(tmp_path, nwb):
    general = {"subject__genotype": LINES["VIP"], "subject__subject_id": "m1"}
    types = np.array([b"PVBC", b"SST", b"NOTHING", b"", b"CCK", b"SOM"])
    nwb.write(tmp_path / "in" / "a.nwb", columns={"subtype": types}, **general)
    mine = open_recording(nwb.write(tmp_path / "in" / "b.nwb", **general))
    save_labels(mine, LabelTable((Label(4, "PY", 0, "histology"),)))
    counts = load_traces(make(tmp_path, tmp_path / "in").path).counts()
    assert counts == {"!PY": 1, "PV": 1, "PY": 1, "SOM": 2}


def test_a_bad_file_costs_that_file(tmp_path, archive, nwb):
    folder = archive(names=("PV",))
    (folder / "empty.nwb").touch()
    nwb.write(folder / "other.nwb", subject__genotype="wt/wt")
    bad = nwb.write(folder / "bad.nwb", subject__genotype=LINES["PV"])
    place = "processing/brain_observatory_pipeline/Fluorescence/raw_traces"
    with h5py.File(bad, "r+") as file:
        del file[place]["data"]
        values = nwb.traces("F").T
        data = file[place].create_dataset("data", data=values, compression="gzip")
        at = data.id.get_chunk_info(0).byte_offset
    with bad.open("r+b") as file:
        file.seek(at)
        file.write(bytes(2000))
    made = make(tmp_path, folder)
    assert load_traces(made.path).counts() == {"PV": 24}
    assert len(made.failures) == 2
    assert {"empty.nwb", "bad.nwb"} == {
        name for name in ("empty.nwb", "bad.nwb") for f in made.failures if name in f
    }
    assert any("wt/wt" in note for note in made.notes)


def test_a_file_without_neuropil_costs_that_file(tmp_path, nwb):
    for name, layout in (("a", "000049"), ("bare", "000625")):
        file = tmp_path / "in" / f"{name}.nwb"
        nwb.write(file, layout, subject__genotype=LINES["PV"])
    made = make(tmp_path, tmp_path / "in", reading=Reading(neuropil=0.7))
    assert load_traces(made.path).counts() == {"PV": 6}
    (failure,) = made.failures
    assert "bare.nwb has no neuropil traces" in failure


@pytest.mark.parametrize(
    ("series", "kind"),
    [
        ("Fluorescence/Demixed", None),
        ("Fluorescence/NoRMCorre", None),
        ("Fluorescence/Corrected", "after neuropil correction"),
        ("Fluorescence/zscore", "z-scored"),
        ("Fluorescence/normalized", "z-scored"),
        ("Fluorescence/dF", "dF/F"),
        ("dF/RoiResponseSeries", "dF/F"),
    ],
)
def test_kinds_are_not_mixed(tmp_path, nwb, monkeypatch, series, kind):
    table = nwb.layouts["000535"][0]
    monkeypatch.setitem(nwb.layouts, "one", (table, {f"ophys/{series}": "F"}, "F"))
    general = {"subject__genotype": LINES["VIP"], "subject__subject_id": "m1"}
    nwb.write(tmp_path / "in" / "a.nwb", "000049", **general)
    nwb.write(tmp_path / "in" / "b.nwb", "one", **general)
    if kind is None:
        assert len(load_traces(make(tmp_path, tmp_path / "in").path)) == 12
        return
    with pytest.raises(LabelError, match=rf"{kind}.*b\.nwb.*cannot be mixed"):
        make(tmp_path, tmp_path / "in")


def test_rates_are_not_mixed(tmp_path, archive):
    first = archive("a", names=("PV",))
    slow = archive("b", names=("VIP",), rate=10.0)
    with pytest.raises(LabelError, match="--resample 10"):
        make(tmp_path, first, slow)
    made = make(tmp_path, first, slow, reading=Reading(resample=10.0, timesteps=200))
    traces = load_traces(made.path)
    assert (traces.n_frames, traces.sampling_frequency) == (200, 10)


def test_a_file_that_is_not_ours_is_kept(tmp_path, archive):
    (tmp_path / "data.npz").write_bytes(b"mine")
    with pytest.raises(OutputError, match="--force"):
        make(tmp_path, archive(names=("PV",)))
    with pytest.raises(CellTypeError, match="no public set"):
        make(tmp_path, "dandi:12", force=True)


@pytest.mark.parametrize("is_7_3", [False, True], ids=["v7", "v7.3"])
def test_crack_is_split_by_animal(tmp_path, public_files, is_7_3):
    for animal in ("bb001", "cc028"):
        for name in (f"{animal}-1.mat", f"{animal}L-2.mat"):
            public_files.crack(tmp_path / "data" / name, is_7_3=is_7_3)
    made = make(tmp_path, tmp_path / "data", reading=Reading(timesteps=80))
    traces = load_traces(made.path)
    assert traces.counts() == {"PV": 8, "PY": 24, "SOM": 8, "VIP": 8}
    assert set(traces.subject_id) == {"bb001", "cc028"}
    assert set(traces.session_id) == {"bb001-1", "bb001L-2", "cc028-1", "cc028L-2"}
    assert len(set(traces.cell_id)) == len(traces) == 48
    report = evaluate(made.path, ["features"], PaperProtocol("by-subject", n_splits=2))
    assert len(report.scores) == 2
    whole = make(tmp_path, tmp_path / "data", reading=Reading(joins="continuous"))
    assert load_traces(whole.path).n_frames == 300


def test_the_same_cell_of_two_dates_is_one(tmp_path, public_files):
    for place in ("SB025/2019-10-23", "SB025/2019-10-24", "SB026/2019-10-23"):
        public_files.bugeon(tmp_path / "data" / place)
    made = make(tmp_path, tmp_path / "data")
    traces = load_traces(made.path)
    counts = {"PY": 3, "IN": 3, "PV": 3, "SOM": 3, "VIP": 3, "!PY": 3}
    assert traces.counts() == dict(sorted(counts.items()))
    assert set(traces.subject_id) == {"SB025", "SB026"}
    assert len(set(traces.session_id)) == 3
    assert len(set(traces.cell_id[traces.labels == "PV"])) == 2
    assert len(set(traces.cell_id[traces.labels == "PY"])) == 3
    public_files.bugeon(tmp_path / "data" / "SB027" / "2020-01-01", events=True)
    with pytest.raises(LabelError, match=r"deconvolved events \(SB027/2020-01-01\)"):
        make(tmp_path, tmp_path / "data")
