"""The doctor's report on this machine, and on machines where something is wrong."""

import pytest

from napari_celltype.cli import system_libraries
from napari_celltype.cli.doctor import doctor
from napari_celltype.models.catalog import BUNDLED, FOLDER_VARIABLE


def finding(name):
    (found,) = [f for f in doctor() if f.name == name]
    return found


@pytest.mark.slow
def test_packages_are_named_and_what_is_not_ok_says_what_to_do():
    found = list(doctor())
    assert all(bool(f.remedy) is not f.ok for f in found)
    names = {f.name for f in found}
    assert {"python", "napari-celltype", "torch", "napari", "suite2p"} <= names


def test_the_bundled_models_are_there_and_verified():
    found = finding("bundled models")
    assert found.ok, found.value
    assert all(path.stem in found.value for path in BUNDLED.glob("*.safetensors"))


def test_a_damaged_model_of_the_users_is_reported(tmp_path, monkeypatch):
    (tmp_path / "mine.safetensors").write_bytes(b"not a model")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    found = finding("your models")
    assert not found.ok
    assert "mine.safetensors" in found.value


def test_no_screen_and_no_xvfb(monkeypatch):
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sys.platform", "linux")
    found = finding("display")
    assert not found.ok
    assert "apt-get install -y xauth xvfb" in found.remedy


def test_a_missing_library_is_named_by_its_debian_package(monkeypatch):
    everything_but_one = set(system_libraries.LIBRARIES.values()) - {"libEGL.so.1"}
    monkeypatch.setattr(
        system_libraries, "_known_libraries", lambda: everything_but_one
    )
    assert "libegl1" in system_libraries.missing_packages()
    assert "libgl1" not in system_libraries.missing_packages()
    # None is missing where nobody can tell.
    monkeypatch.setattr(system_libraries, "_known_libraries", set)
    assert system_libraries.missing_packages() == []
