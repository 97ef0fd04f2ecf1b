"""NWB files in the layouts of public archives, and files that are not what they say."""

import shutil
import sys

import numpy as np
import pytest

from napari_celltype.errors import MissingDependencyError, RecordingError
from napari_celltype.labels import Label, LabelTable, load_labels, save_labels
from napari_celltype.recording import (
    FROM_USER,
    RATE_DOUBTS,
    find_planes,
    find_recordings,
    hdf5,
    nwb_rois,
    open_recording,
    pipeline_of_file,
    recording_names,
)
from napari_celltype.recording import nwb as nwb_reader
from napari_celltype.recording.recording import ONLY_DFF, RATE_UNCONFIRMED

h5py = pytest.importorskip("h5py")
LAYOUTS = ["000535", "000625", "000711", "000728", "000049"]
SUBJECT = {"subject__subject_id": "m7", "subject__genotype": "Vip-IRES-Cre/wt"}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("in_memory", [True, False])
def test_layouts_of_public_archives(tmp_path, nwb, layout, in_memory):
    _, series, best = nwb.layouts[layout]
    path = nwb.write(tmp_path / "a.nwb", layout, **SUBJECT, session_id="s1")
    recording = open_recording(path, in_memory=in_memory)
    np.testing.assert_array_equal(recording.raw_traces[:], nwb.traces(best))
    np.testing.assert_array_equal(
        recording.raw_traces[[4, 1]], nwb.traces(best)[[4, 1]]
    )
    np.testing.assert_array_equal(recording.raw_traces[2], nwb.traces(best)[2])
    assert (recording.neuropil is not None) == ("N" in series.values())
    if recording.neuropil is not None:
        np.testing.assert_array_equal(recording.neuropil[:], nwb.traces("N"))
    assert recording.sampling_frequency == 30
    assert recording.rois[2].xpix.tolist() == [6, 7, 8]
    assert recording.rois[2].ypix.tolist() == [2, 2, 2]
    assert recording.facts == {
        "subject_id": "m7",
        "session_id": "s1",
        "line": "Vip-IRES-Cre/wt",
        "indicator": "GCaMP6f",
        "region": "VISp",
    }
    codes = {finding.code for finding in recording.warnings}
    assert "traces-taken" in codes
    assert (ONLY_DFF in codes) == (layout == "000535")


def write_version_1(path, traces, neuropil, *, is_older):
    """The layout of Allen's Visual Coding, ROIs first, neuropil in two places."""
    with h5py.File(path, "w") as file:
        file["nwb_version"] = "NWB-1.0.5"
        file["general/subject/genotype"] = "Pvalb-IRES-Cre/wt;Ai162(TIT2L-GC6s)/wt"
        file["general/specimen_name"] = "Pvalb-1234"
        file["general/session_id"] = "5077"
        file["general/optophysiology/imaging_plane_1/indicator"] = "GCaMP6s"
        module = file.create_group("processing/brain_observatory_pipeline")
        plane = module.create_group("ImageSegmentation/imaging_plane_1")
        plane["roi_list"] = [b"roi_%d" % i for i in range(len(traces))]
        for i in range(len(traces)):
            plane[f"roi_{i}/pix_mask"] = [[i, 0], [i, 1]]
        reference = "reference_images/maximum_intensity_projection_image/data"
        plane[reference] = np.ones((20, 30))
        series = module.create_group("Fluorescence/imaging_plane_1")
        series["data"] = traces
        series["timestamps"] = np.arange(traces.shape[1]) / 30 + 7
        if is_older:
            series["neuropil_traces"] = neuropil
        else:
            other = module.create_group(
                "Fluorescence/imaging_plane_1_neuropil_response"
            )
            other["data"] = neuropil
        module["DfOverF/imaging_plane_1/data"] = traces - 1
    return path


@pytest.mark.parametrize("is_older", [True, False])
def test_version_1_of_the_allen_institute(tmp_path, nwb, is_older):
    traces, around = nwb.traces("F"), nwb.traces("N")
    path = write_version_1(tmp_path / "a.nwb", traces, around, is_older=is_older)
    recording = open_recording(path)
    np.testing.assert_array_equal(recording.raw_traces[:], traces)
    np.testing.assert_array_equal(recording.neuropil[:], around)
    assert recording.sampling_frequency == pytest.approx(30)
    assert recording.rois[3].xpix.tolist() == [3, 3]
    assert recording.facts["subject_id"] == "Pvalb-1234"
    assert recording.facts["indicator"] == "GCaMP6s"
    assert "max projection" in recording.images


@pytest.mark.parametrize("roi_first", [True, False])
def test_either_axis_may_be_time(tmp_path, nwb, roi_first):
    path = nwb.write(tmp_path / "a.nwb", roi_first=roi_first)
    np.testing.assert_array_equal(open_recording(path).raw_traces[:], nwb.traces("F"))


def test_a_square_matrix_leaves_doubt(tmp_path, nwb):
    path = nwb.write(tmp_path / "a.nwb", n_frames=6)
    with pytest.raises(RecordingError, match="which axis is time"):
        open_recording(path)


def test_timestamps_give_the_rate_and_the_gaps(tmp_path, nwb):
    times = np.arange(900) / 10.0
    times[500:] += 60
    for unknown in ((), (0, 300, 301, 500, 899)):
        times[[*unknown]] = np.nan
        recording = open_recording(nwb.write(tmp_path / "a.nwb", timestamps=times))
        assert recording.sampling_frequency == pytest.approx(10)
        (first, second) = ((s.start, s.stop) for s in recording.segments)
        assert (first, second) == ((0, 500 + len(unknown[:1])), (first[1], 900))
    unknown = nwb.write(tmp_path / "b.nwb", rate=None)
    assert open_recording(unknown).sampling_frequency is None
    with h5py.File(path := nwb.write(tmp_path / "c.nwb"), "r+") as file:
        module = file["processing/brain_observatory_pipeline"]
        for series in module["Fluorescence"].values():
            series.attrs["comments"] = "Nobody confirmed the frame rate"
    assert RATE_UNCONFIRMED in {f.code for f in open_recording(path).warnings}
    for doubted in (unknown, path):
        given = open_recording(doubted, sampling_frequency=12)
        assert given.sampling_frequency == 12
        assert given.sampling_frequency_source == FROM_USER
        assert not {f.code for f in given.warnings} & set(RATE_DOUBTS)


def test_two_planes_are_two_recordings_with_labels_of_their_own(tmp_path, nwb):
    path = nwb.write(tmp_path / "day1.nwb")
    with h5py.File(path, "r+") as file:
        module = file["processing/brain_observatory_pipeline"]
        module.copy("ImageSegmentation/PlaneSegmentation", "ImageSegmentation/Other")
        module.copy("Fluorescence/raw_traces", "Fluorescence/more_traces")
        series = module["Fluorescence/more_traces"]
        series["rois"].attrs["table"] = module["ImageSegmentation/Other"].ref
        series["data"][...] += 1
    planes = find_planes(path)
    assert planes == [path / "Other", path / "PlaneSegmentation"]
    other, first = map(open_recording, planes)
    np.testing.assert_array_equal(other.raw_traces[:], first.raw_traces[:] + 1)
    assert (other.plane, first.plane) == (0, 1)
    assert recording_names(planes) == ["day1.nwb", "day1.nwb"]
    files = {
        save_labels(one, LabelTable((Label(2, "PV", one.plane),)))
        for one in (other, first, open_recording(nwb.write(tmp_path / "day2.nwb")))
    }
    assert len(files) == 3
    assert {file.parent for file in files} == {tmp_path}
    assert all(file.name.startswith(("day1.nwb.", "day2.nwb.")) for file in files)
    assert load_labels(open_recording(planes[0])).by_roi()[2].label == "PV"
    # One table of types whose rows are counted: nothing says of which plane they are.
    with h5py.File(path, "r+") as file:
        tables = file["processing/brain_observatory_pipeline/ImageSegmentation"]
        for one in tables.values():
            one["id"][...] = np.arange(6)
        table = file.create_group("processing/ophys/Types")
        table["id"], table["cell_type"] = np.arange(6), [b"PV"] * 6
    for recording in map(open_recording, planes):
        assert "label" not in recording.roi_texts
        assert "types-in-doubt" in {f.code for f in recording.warnings}


TYPES = np.array([b"PVBC", b"SST", b"", b"Vip", b"NOTHING", b"pyramidal"])
COUNTED, SHUFFLED = np.arange(7), np.array([105, 104, 103, 102, 101, 100, 99])


@pytest.mark.parametrize(
    ("own", "ids", "labels"),
    [
        (True, None, {1: "SOM", 3: "VIP", 5: "PY"}),
        # Rows that are known by the ids of the ROIs, in another order, one too many.
        (False, SHUFFLED, {0: "PY", 2: "VIP", 4: "SOM"}),
        # 232 counted rows for 231 ROIs do not say which one is too many.
        (False, COUNTED, {}),
    ],
)
def test_types_that_a_file_holds_are_labels(tmp_path, nwb, own, ids, labels):
    columns = {"cell_type": TYPES} if own else {}
    path = nwb.write(tmp_path / "a.nwb", "000625", columns=columns)
    if not own:
        with h5py.File(path, "r+") as file:
            table = file.create_group("processing/ophys/Cell_Subtypes")
            table["id"], table["subtype"] = ids, [*TYPES, b"AAC (RIGHT CELL)"]
    recording = open_recording(path)
    table = load_labels(recording)
    found = {} if table is None else {r.roi_id: r.label for r in table}
    assert found == labels
    doubt = "types-in-doubt" in {finding.code for finding in recording.warnings}
    assert doubt == (not labels)
    if own:
        assert any("PVBC" in warning for warning in table.warnings)


@pytest.mark.parametrize(
    ("numbers", "cell_id"),
    [
        ([0, 1, 2, 3, 4, 5], None),
        ([1, 2, 3, 4, 5, 6], None),
        ([3, 1, 2, 0, 5, 4], None),
        ([0, 1, 2, 3, 4, 9], ("", "1", "2", "3", "4", "9")),
    ],
)
def test_numbers_that_count_rows_are_no_cells(tmp_path, nwb, numbers, cell_id):
    path = nwb.write(tmp_path / "a.nwb", columns={"cell_id": numbers})
    assert open_recording(path).roi_texts.get("cell_id") == cell_id


def test_folders_are_searched_and_copies_of_suite2p_are_not_taken_twice(
    tmp_path, nwb, suite2p_folder
):
    suite2p_folder(tmp_path / "m1")
    nwb.write(tmp_path / "m1" / "suite2p" / "ophys.nwb")
    paths = [nwb.write(tmp_path / "b" / f"sub-{i}.nwb") for i in range(2)]
    # No imaging at all is no recording; what is damaged is said when it is opened.
    with h5py.File(tmp_path / "b" / "behaviour.nwb", "w") as file:
        file["processing/behavior/running/data"] = np.arange(5)
    for name in ("damaged.nwb", "._sub-0.nwb"):
        (tmp_path / "b" / name).write_bytes(b"no HDF5")
    found = find_recordings([tmp_path]).planes
    planes = [tmp_path / "m1" / "suite2p" / "plane0"]
    assert set(found) == {*paths, tmp_path / "b" / "damaged.nwb", *planes}
    assert recording_names(paths) == ["sub-0.nwb", "sub-1.nwb"]
    assert pipeline_of_file(paths[0]) is None
    with pytest.raises(RecordingError, match="no fluorescence of ROIs"):
        open_recording(tmp_path / "b" / "behaviour.nwb")


@pytest.mark.parametrize(
    ("name", "is_listed"), [("a.nwb", True), ("cc029L-3.mat", True), ("a.mat", False)]
)
def test_links_to_files_that_are_not_fetched_are_listed(tmp_path, nwb, name, is_listed):
    path = nwb.write(tmp_path / "b.nwb")
    link = tmp_path / name
    link.symlink_to(".git/annex/objects/1")
    wanted = {path, link} if is_listed else {path}
    assert set(find_recordings([tmp_path]).planes) == wanted
    with pytest.raises(RecordingError, match=r"which is missing; copy or fetch"):
        open_recording(link)


def test_the_only_plane_of_a_file_may_be_named(tmp_path, nwb):
    path = nwb.write(tmp_path / "a.nwb")
    assert find_planes(path / "PlaneSegmentation") == find_planes(path) == [path]
    assert open_recording(path / "PlaneSegmentation").path == path
    with pytest.raises(RecordingError, match="does not exist"):
        open_recording(path / "Other")


def damage_external_link(file, series):
    del series["data"]
    series["data"] = h5py.ExternalLink("other.nwb", "/data")


def damage_external_storage(file, series):
    del series["data"]
    series.create_dataset(
        "data", (900, 6), "f4", external=[("/etc/passwd", 0, 4 * 5400)]
    )


def damage_virtual(file, series):
    del series["data"]
    layout = h5py.VirtualLayout((900, 6), "f4")
    layout[...] = h5py.VirtualSource("other.nwb", "data", (900, 6))
    series.create_virtual_dataset("data", layout)


def damage_huge(file, series):
    del series["data"]
    series.create_dataset("data", (10**12, 6), "f4", chunks=(1000, 6))


def damage_text(file, series):
    del series["data"]
    series["data"] = [b"text"] * 6


def damage_shape(file, series):
    del series["data"]
    series["data"] = np.zeros((900, 5))


def damage_rows(file, series):
    series["rois"][0] = 77


def damage_double(file, series):
    file.copy(series, series.parent, "more_raw")
    table = file["processing/ophys/ImageSegmentation/PlaneSegmentation"]
    series.parent["more_raw/rois"].attrs["table"] = table.ref


def damage_start(file, series):
    series["starting_time"].attrs["rate"] = "fast"
    series["data"].attrs["conversion"] = "x"


@pytest.mark.parametrize(
    "damage",
    [f for name, f in sorted(globals().items()) if name.startswith("damage_")],
)
def test_damage_is_one_sentence(tmp_path, nwb, damage):
    path = nwb.write(tmp_path / "a.nwb", "000625")
    with h5py.File(path, "r+") as file:
        del file["processing/ophys/DfOverF"]
        damage(file, file["processing/ophys/Fluorescence/RoiResponseSeries"])
    with pytest.raises(RecordingError, match=r"a\.nwb.*\."):
        open_recording(path)


@pytest.mark.parametrize("n_bytes", [0, 7, 600, 9000])
def test_truncated_files_are_refused(tmp_path, nwb, n_bytes):
    path = nwb.write(tmp_path / "a.nwb")
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(RecordingError, match="damaged"):
        open_recording(path)


def test_masks_that_are_damaged_leave_the_traces(tmp_path, nwb):
    path = nwb.write(tmp_path / "a.nwb")
    with h5py.File(path, "r+") as file:
        place = "processing/brain_observatory_pipeline/ImageSegmentation"
        file[f"{place}/PlaneSegmentation/pixel_mask_index"][0] = 10**9
    recording = open_recording(path)
    assert len(recording.rois) == 0
    assert "masks-unreadable" in {finding.code for finding in recording.warnings}


class Counted:
    """A dataset that counts how often it is read."""

    def __init__(self, dataset):
        self.dataset, self.n_reads = dataset, 0

    def __getattr__(self, name):
        return getattr(self.dataset, name)

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, key):
        self.n_reads += 1
        return self.dataset[key]


@pytest.mark.parametrize("roi_first", [True, False])
@pytest.mark.parametrize(
    ("chunks", "most_held", "n_reads"),
    [
        ((50, 4), 1 << 20, 2),
        # 100 frames of 3 ROIs at once, and 150 of the last 2.
        ((50, 4), 2400, 15),
        (None, 1 << 20, 3),
    ],
)
def test_scattered_rois_unpack_each_chunk_once(
    tmp_path, monkeypatch, chunks, most_held, n_reads, roi_first
):
    monkeypatch.setattr(hdf5, "MOST_HELD", most_held)
    side, path = -1 if roi_first else 1, tmp_path / "a.h5"
    values, wanted = np.arange(5400.0).reshape(900, 6), np.array([4, 0, 2, 5, 0])
    with h5py.File(path, "w") as file:
        data = values.T if roi_first else values
        file.create_dataset("data", data=data, chunks=chunks and chunks[::side])
        traces = hdf5.Hdf5Traces(path, file["data"], np.arange(6), n_rois=6)
        dataset, found = Counted(file["data"]), np.empty((5, 900))
        traces._fill(found, dataset, wanted)
        traces._fill(found[:0], dataset, wanted[:0])
    np.testing.assert_array_equal(found, values.T[wanted])
    assert dataset.n_reads == n_reads


def test_images_of_masks_are_read_a_few_at_a_time(tmp_path, monkeypatch):
    # They compress a hundred times and more, which traces do not.
    monkeypatch.setattr(hdf5, "MAX_SMALL_BYTES", 0)
    masks = np.zeros((6, 300, 200), "f4")
    masks[range(6), range(6), range(3, 9)] = 0.5
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset(
            "image_mask", data=masks, chunks=(4, 100, 100), compression="gzip"
        )
        images = Counted(file["image_mask"])
        assert masks.nbytes > hdf5.MAX_RATIO * images.id.get_storage_size()
        monkeypatch.setattr(
            nwb_rois, "follow", lambda _, name: images if name == "image_mask" else None
        )
        found = nwb_rois.read_masks(file, 6, np.arange(6), [])
    assert images.n_reads == 2
    assert found.xpix.tolist() == list(range(6))
    assert found.ypix.tolist() == list(range(3, 9))


@pytest.mark.parametrize(
    ("shape", "storage", "sentence"),
    [
        ((6, 20, 30), {"external": [("/etc/passwd", 0, 14400)]}, "in another file"),
        ((6, 1, 30_000), {}, "announces"),
        ((1, 8000, 8000), {}, "announces"),
        ((100, 5000, 5000), {}, "it is damaged"),
    ],
)
def test_images_of_masks_are_checked_first(tmp_path, shape, storage, sentence):
    warnings = []
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("image_mask", shape, "f4", **storage)
        n_rois = len(file["image_mask"])
        rois = nwb_rois.read_masks(file, n_rois, np.arange(n_rois), warnings)
    assert len(rois) == 0
    assert sentence in warnings[0].sentence


def test_a_change_is_noticed_before_traces_are_read(tmp_path, nwb):
    path = nwb.write(tmp_path / "a.nwb")
    recording = open_recording(path, in_memory=False)
    nwb.write(path, n_frames=901)
    assert "a.nwb changed" in recording.changed_on_disk()
    with pytest.raises(RecordingError, match="changed"):
        _ = recording.raw_traces[0]


def test_without_h5py_the_sentence_says_what_to_install(tmp_path, nwb, monkeypatch):
    path = nwb.write(tmp_path / "a.nwb")
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert find_planes(path) == [path]
    with pytest.raises(MissingDependencyError, match="pip install h5py"):
        open_recording(path)


def test_a_copy_of_the_file_elsewhere_is_another_recording(tmp_path, nwb):
    path = nwb.write(tmp_path / "a.nwb")
    (tmp_path / "b").mkdir()
    shutil.copy(path, tmp_path / "b" / "a.nwb")
    names = recording_names(find_recordings([tmp_path]).planes)
    assert names == ["a.nwb", "b/a.nwb"]


def test_masks_that_cover_everything_are_left_out(tmp_path, nwb, monkeypatch):
    monkeypatch.setattr(nwb_rois, "_MOST_IN_MASKS", 1000)
    for size, n_rois in ((12, 6), (13, 0)):
        path = nwb.write(tmp_path / "a.nwb")
        with h5py.File(path, "r+") as file:
            table = file["processing/brain_observatory_pipeline/ImageSegmentation"]
            table = table["PlaneSegmentation"]
            del table["pixel_mask"], table["pixel_mask_index"]
            table["image_mask"] = np.ones((6, size, size))
        recording = open_recording(path)
        assert len(recording.rois) == n_rois
        codes = {w.code for w in recording.warnings}
        assert ("masks-unreadable" in codes) == (n_rois == 0)


def test_a_folder_of_files_is_searched_once(tmp_path, nwb, monkeypatch):
    paths = [nwb.write(tmp_path / m / "a.nwb") for m in ("m1", "m2")]
    searched = []
    look = nwb_reader.READER.planes_among
    monkeypatch.setattr(
        nwb_reader.READER,
        "planes_among",
        lambda folder, names: searched.append(folder) or look(folder, names),
    )
    assert list(find_recordings([tmp_path]).planes) == paths
    assert searched == [tmp_path, tmp_path / "m1", tmp_path / "m2"]
