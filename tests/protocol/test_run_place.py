import os
import sys
from datetime import datetime

import pytest

from napari_celltype.protocol.evaluate import new_run_folder

NOW = datetime(2026, 1, 2, 3, 4)


def test_it_is_beside_the_data_and_always_new(tmp_path):
    data = tmp_path / "mice.npz"
    first = new_run_folder(data, NOW)
    assert first == tmp_path / "mice-evaluation-20260102-0304"
    first.mkdir()
    assert new_run_folder(data, NOW).name == "mice-evaluation-20260102-0304-2"
    of_folder = new_run_folder(tmp_path / "day1", NOW)
    assert of_folder.name == "day1-evaluation-20260102-0304"


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="no folder is read-only here"
)
def test_beside_read_only_data_it_is_among_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "own"))
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert not new_run_folder(closed / "mice.npz", NOW).is_relative_to(closed)
