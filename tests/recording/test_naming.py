from pathlib import Path

from napari_celltype.recording.folder import recording_names


def test_sessions_are_named_relative_to_their_common_folder():
    names = recording_names(
        [Path("/d/m1/day1/suite2p/plane0"), Path("/d/m2/day1/suite2p/plane0")]
    )
    assert names == ["m1/day1", "m2/day1"]


def test_planes_of_one_session_share_its_name():
    names = recording_names(
        [Path("/d/m1/suite2p/plane0"), Path("/d/m1/suite2p/plane1")]
    )
    assert names == ["m1", "m1"]


def test_a_nested_session_keeps_a_name_of_its_own():
    names = recording_names([Path("/d/m1/plane0"), Path("/d/m1/day2/plane0")])
    assert names == ["m1", "day2"]


def test_traces_from_elsewhere_have_a_name():
    assert recording_names([None]) == ["traces"]
