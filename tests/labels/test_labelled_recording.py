"""Subject and session, guessed from many ways to name folders."""

from pathlib import Path

import pytest

from napari_celltype.labels.labelled_recording import find_labelled, guess_from_path

SPELLINGS = {
    "/data/mouse12/2024-05-03/suite2p/plane0": ("mouse12", "2024-05-03"),
    "/data/sub-01/ses-02/suite2p/plane0": ("01", "02"),
    "/data/sub-M12_ses-20240503_ophys/plane0": ("M12", "20240503"),
    "/data/TX61/2021_05_03/1/suite2p/plane0": ("TX61", "2021_05_03_1"),
    "/lab/Pvalb-IRES-Cre/m3/day2/suite2p": ("m3", "day2"),
    "/lab/SST-Cre/JB012_20240503/plane1": ("JB012", "20240503"),
    "/lab/VIP_Cre/animal 7/session_3": ("animal 7", "session_3"),
    "/lab/CaMKIIa/mouse-4/240503_run2": ("mouse-4", "240503_run2"),
    "/lab/PV-Cre_m12_2024-05-03": ("m12", "2024-05-03"),
    "/x/Sst-IRES-Cre_tdTomato/M210908/20210909": ("M210908", "20210909"),
    "/x/VGAT-ChR2/AB3/rec_01": ("AB3", "rec_01"),
    "/x/Vip-T2A-Cre/rat3/s01": ("rat3", "s01"),
    "/x/m1/day1/suite2p/plane0/stat.npy": ("m1", "day1"),
    "/x/m1/day1/suite2p/plane0/Fall.mat": ("m1", "day1"),
    "/x/mouse12/day1.hdf5": ("mouse12", "day1"),
    "/x/m1/2024-05-03_run1.nwb/PlaneSegmentation2": ("m1", "2024-05-03_run1"),
    "/x/m1/session3.csv": ("m1", "session3"),
    # M2 is a part of the cortex where the animal has a name of its own.
    "/x/mouse12/2024-05-03/M2/suite2p": ("mouse12", "2024-05-03_M2"),
    # Nothing is made of folders that hold animals, nor of words within words.
    "/home/user/data/recordings/2024-05-03": ("", "2024-05-03"),
    "/home/user/PV/exp1/session1": ("", "session1"),
    "/x/somata/vipers/foo/suite2p": ("", "foo"),
}


@pytest.mark.parametrize("path", SPELLINGS)
def test_a_path_tells_subject_and_session(path):
    assert guess_from_path(Path(path)) == SPELLINGS[path]


def test_a_recording_that_is_given_twice_counts_once_as_a_list_has_it(
    labelled, tmp_path
):
    session = labelled("m1", {0: "PV"})
    (tmp_path / "cells.csv").write_text("path,subject_id\nm1,rat7\n")
    paths = [tmp_path, session, tmp_path / "cells.csv"]
    (tmp_path / "other.csv").write_text("path,subject_id\nm1,rat9\n")
    (found,), (failure,) = find_labelled([*paths, tmp_path / "other.csv"])
    assert found.subject == "rat7"
    assert "other.csv, line 2" in failure
