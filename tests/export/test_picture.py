from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.export.picture import background, roi_fills
from napari_celltype.recording import open_recording


def _fills(table, *, by_group=False):
    return roi_fills(table, by_group, DEFAULT_TYPES)


def _one_type(table, name, probability):
    return table.assign(predicted=name, probability=probability, p_IN=probability)


def test_a_roi_has_the_colour_of_its_type_fainter_the_less_probable(output_table):
    looks = [
        _fills(_one_type(output_table(), "PV", p))[0] for p in (0.25, 0.35, 0.9, 1.0)
    ]
    assert {color for color, _ in looks} == {DEFAULT_TYPES["PV"].color}
    chance, doubtful, likely, sure = (opacity for _, opacity in looks)
    assert 0.1 < chance < doubtful < 0.3
    assert 0.8 < likely < sure


def test_unsure_rois_and_those_without_a_row_are_not_filled(output_table):
    assert _fills(output_table().assign(predicted="unsure", group="unsure")) == {}
    assert list(_fills(_one_type(output_table(), "PV", 1.0).iloc[[3]])) == [3]


def test_groups_have_one_colour(output_table):
    def look(name):
        table = _one_type(output_table(), name, 0.9).assign(group="IN", p_IN=0.9)
        return _fills(table, by_group=True)[0]

    assert look("PV") == look("VIP")


def test_a_recording_without_a_mean_image_is_drawn_on_black(tmp_path, suite2p_folder):
    plane = suite2p_folder(tmp_path / "s", with_ops=False) / "plane0"
    assert not background(open_recording(plane, sampling_frequency=30)).any()
