"""Cell types in a copy of an NWB file that was made by another program."""

from datetime import UTC, datetime

import h5py
import numpy as np
import pandas as pd
import pytest

from napari_celltype.errors import OutputError
from napari_celltype.export import ExportRequest, preview_export, write_export
from napari_celltype.files import file_sha256
from napari_celltype.recording import open_recording

pynwb = pytest.importorskip("pynwb")


def pixel_mask(recording, roi_id, rows_first):
    roi = recording.rois[roi_id]
    places = (roi.ypix, roi.xpix) if rows_first else (roi.xpix, roi.ypix)
    return {"pixel_mask": np.array([*places, roi.lam]).T}


def image_mask(recording, roi_id, rows_first):
    image = np.zeros(recording.frame_shape, np.float32)
    roi = recording.rois[roi_id]
    image[roi.ypix, roi.xpix] = roi.lam
    return {"image_mask": image if rows_first else image.T}


def write_theirs(
    path,
    recording,
    mask=pixel_mask,
    *,
    rows_first=True,
    order=range(12),
    columns=("iscell",),
):
    """Write an NWB file as other programs do: suite2p gives rows first."""
    content = pynwb.NWBFile(
        session_description="theirs",
        identifier="theirs",
        session_start_time=datetime(2024, 1, 2, tzinfo=UTC),
        subject=pynwb.file.Subject(subject_id="m1", sex="F", age="P90D"),
    )
    plane = content.create_imaging_plane(
        name="ImagingPlane",
        optical_channel=pynwb.ophys.OpticalChannel(
            name="OpticalChannel", description="green", emission_lambda=500.0
        ),
        description="theirs",
        device=content.create_device(name="Microscope", description="theirs"),
        excitation_lambda=920.0,
        indicator="GCaMP6f",
        location="CA1",
    )
    ophys = content.create_processing_module(name="ophys", description="theirs")
    segmentation = pynwb.ophys.ImageSegmentation()
    ophys.add(segmentation)
    rois = segmentation.create_plane_segmentation(
        name="PlaneSegmentation", description="theirs", imaging_plane=plane
    )
    for roi_id in order:
        rois.add_roi(**mask(recording, roi_id, rows_first))
    for name in columns:
        rois.add_column(name=name, description="theirs", data=np.arange(len(order)))
    with pynwb.NWBHDF5IO(path, "w") as io:
        io.write(content)
    return path


def write_nwb_copy(planes, theirs, path, force=False):
    request = ExportRequest("nwb-copy", existing=theirs)
    return write_export(planes, request, path, force=force)


def columns_of(path):
    with pynwb.NWBHDF5IO(path, "r") as io:
        ophys = io.read().processing["ophys"]
        rois = ophys["ImageSegmentation"]["PlaneSegmentation"]
        names = [c for c in rois.colnames if not c.endswith("_mask")]
        return pd.DataFrame({name: list(rois[name].data[:]) for name in names})


@pytest.mark.parametrize("rows_first", [True, False])
@pytest.mark.parametrize("mask", [pixel_mask, image_mask])
def test_the_rois_are_found_whatever_the_masks_look_like(
    tmp_path, recording, output_table, with_table, mask, rows_first
):
    theirs = write_theirs(tmp_path / "t.nwb", recording, mask, rows_first=rows_first)
    before = file_sha256(theirs)
    table = output_table()
    planes = [with_table(recording, table)]
    shown = preview_export(planes, ExportRequest("nwb-copy", existing=theirs)).text
    assert "PlaneSegmentation holds the 12 ROIs" in shown
    assert "p_VIP" in shown
    copy = write_nwb_copy(planes, theirs, tmp_path / "c.nwb")
    assert file_sha256(theirs) == before
    found = columns_of(copy)
    assert list(found["predicted"]) == list(table["predicted"])
    np.testing.assert_array_equal(found["p_VIP"], table["p_VIP"])


def test_their_content_stays_and_nothing_is_critical(
    tmp_path, recording, with_table, critical
):
    theirs = write_theirs(tmp_path / "t.nwb", recording, columns=("iscell", "label"))
    planes = [with_table(recording)]
    copy = write_nwb_copy(planes, theirs, tmp_path / "c.nwb")
    found = columns_of(copy)
    assert list(found["iscell"]) == list(range(12))
    assert list(found["label"]) == list(range(12))
    assert list(found["celltype_label"]) == list(planes[0].table()["label"])
    with pynwb.NWBHDF5IO(copy, "r") as io:
        content = io.read()
        assert content.identifier == "theirs"
        told = content.processing["ophys"]["CellTypeProvenance"]
        assert "models.0.name" in told["key"].data[:]
    assert critical(copy) == []


def test_rois_in_another_order_get_their_own_types(
    tmp_path, recording, output_table, with_table
):
    order = list(reversed(range(12)))
    theirs = write_theirs(tmp_path / "t.nwb", recording, order=order)
    table = output_table()
    copy = write_nwb_copy([with_table(recording, table)], theirs, tmp_path / "c.nwb")
    found = columns_of(copy)
    assert list(found["roi_id"]) == order
    assert list(found["label"]) == [table["label"][i] for i in order]


def test_other_rois_are_refused_in_one_sentence(
    tmp_path, recording, suite2p_folder, output_table, with_table
):
    fewer = write_theirs(tmp_path / "fewer.nwb", recording, order=range(11))
    same_number = suite2p_folder(tmp_path / "o", frame_shape=(90, 90)) / "plane0"
    other = write_theirs(tmp_path / "other.nwb", open_recording(same_number))
    planes = [with_table(recording)]
    with pytest.raises(OutputError, match="it has 11 ROIs, the recording 12"):
        write_nwb_copy(planes, fewer, tmp_path / "c.nwb")
    with pytest.raises(OutputError, match="does not hold the ROIs"):
        write_nwb_copy(planes, other, tmp_path / "c.nwb")
    some = [with_table(recording, output_table().iloc[:3])]
    with pytest.raises(OutputError, match="of some ROIs only"):
        write_nwb_copy(some, fewer, tmp_path / "c.nwb")
    assert not (tmp_path / "c.nwb").exists()


def test_a_file_that_has_cell_types_already_is_refused(tmp_path, recording, with_table):
    theirs = write_theirs(tmp_path / "t.nwb", recording)
    planes = [with_table(recording)]
    copy = write_nwb_copy(planes, theirs, tmp_path / "c.nwb")
    with pytest.raises(OutputError, match="as it was before"):
        write_nwb_copy(planes, copy, tmp_path / "d.nwb")


def test_what_is_no_nwb_file_is_refused(tmp_path, recording, with_table):
    planes = [with_table(recording)]
    out = tmp_path / "c.nwb"
    (tmp_path / "text.nwb").write_text("no HDF5")
    with h5py.File(tmp_path / "plain.nwb", "w") as file:
        file["x"] = [1, 2]
    for name, said in (
        ("gone.nwb", "check the name"),
        ("text.nwb", "no NWB file"),
        ("plain.nwb", "cannot be read as NWB"),
        ("s", "no NWB file"),
    ):
        with pytest.raises(OutputError, match=said):
            write_nwb_copy(planes, tmp_path / name, out)
    theirs = write_theirs(tmp_path / "t.nwb", recording)
    with pytest.raises(OutputError, match="never changed"):
        write_nwb_copy(planes, theirs, theirs, force=True)


def test_a_copy_does_not_lose_the_files_that_it_refers_to(
    tmp_path, recording, with_table
):
    theirs = write_theirs(tmp_path / "t.nwb", recording)
    with h5py.File(theirs, "a") as file:
        file["scratch/movie"] = h5py.ExternalLink("movie.nwb", "/acquisition")
    planes = [with_table(recording)]
    with pytest.raises(OutputError, match=r"refers to other files \(movie\.nwb\)"):
        write_nwb_copy(planes, theirs, tmp_path / "elsewhere" / "c.nwb")


@pytest.mark.parametrize("lost", [b"HEAP", b"TREE", b"SNOD", b"pixel_mask", None])
def test_a_damaged_file_is_named_and_no_copy_is_left(
    tmp_path, recording, output_table, with_table, lost
):
    theirs = write_theirs(tmp_path / "theirs.nwb", recording)
    content = theirs.read_bytes()
    damaged = content.replace(lost, bytes(len(lost))) if lost else content[:-999]
    theirs.write_bytes(damaged)
    planes = [with_table(recording, output_table())]
    with pytest.raises(
        OutputError, match=r"theirs\.nwb (cannot be read|holds no|does)"
    ):
        write_nwb_copy(planes, theirs, tmp_path / "copy.nwb")
    assert not (tmp_path / "copy.nwb").exists()


def voxel_mask(recording, roi_id, rows_first):
    (mask,) = pixel_mask(recording, roi_id, rows_first).values()
    return {"voxel_mask": np.insert(mask, 2, recording.plane, axis=1)}


class TestPlanesInOneTable:
    """suite2p writes the planes of a recording into one table."""

    @pytest.fixture
    def planes(self, tmp_path, suite2p_folder):
        root = suite2p_folder(tmp_path / "s2", n_planes=3)
        return [open_recording(root, n) for n in range(3)]

    @pytest.fixture
    def theirs(self, planes, tmp_path):
        def mask(_, row, rows_first):
            return voxel_mask(planes[row // 12], row % 12, rows_first)

        return write_theirs(tmp_path / "ophys.nwb", planes[0], mask, order=range(36))

    @pytest.mark.parametrize("chosen", [[0, 1, 2], [2, 0], [1]])
    def test_each_row_gets_its_own_type(
        self, chosen, planes, theirs, tmp_path, output_table, with_table, critical
    ):
        tables = {n: output_table(seed=n).assign(plane=n) for n in chosen}
        given = [with_table(planes[n], tables[n]) for n in chosen]
        copy = write_nwb_copy(given, theirs, tmp_path / "c.nwb")
        found = columns_of(copy)
        for n in range(3):
            rows = found[12 * n : 12 * n + 12]
            if n in chosen:
                assert list(rows["plane"]) == [n] * 12
                assert list(rows["roi_id"]) == list(range(12))
                assert list(rows["predicted"]) == list(tables[n]["predicted"])
                np.testing.assert_array_equal(rows["p_VIP"], tables[n]["p_VIP"])
            else:
                assert set(rows["plane"]) == set(rows["roi_id"]) == {-1}
                assert set(rows["predicted"]) == {""}
                assert rows["p_VIP"].isna().all()
        assert critical(copy) == []

    def test_one_plane_given_twice_is_refused(
        self, planes, theirs, tmp_path, output_table, with_table
    ):
        given = [with_table(planes[1], output_table())] * 2
        with pytest.raises(OutputError, match="once only"):
            write_nwb_copy(given, theirs, tmp_path / "c.nwb")
