"""What `make` does before anything is installed."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from napari_celltype.cli.system_libraries import LIBRARIES, OPENGL, PROGRAMS

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def setup_env() -> ModuleType:
    """Load scripts/setup_env.py, which is no part of the package."""
    path = ROOT / "scripts" / "setup_env.py"
    spec = importlib.util.spec_from_file_location("setup_env", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_stamp_or_a_changed_pyproject_asks_for_a_new_installation(
    setup_env: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup_env, "PYTHON", Path(__file__))
    monkeypatch.setattr(setup_env, "ROOT", tmp_path)
    monkeypatch.setattr(setup_env, "STAMP", tmp_path / "stamp")
    assert not setup_env.installed_extras()
    (tmp_path / "pyproject.toml").write_text("old")
    (tmp_path / "stamp").write_text(f"{setup_env.fingerprint()}\nall,test")
    assert setup_env.installed_extras() == {"all", "test"}
    (tmp_path / "pyproject.toml").write_text("new")
    assert not setup_env.installed_extras()


def test_the_tests_add_to_what_the_demo_installed_and_the_demo_takes_nothing_away(
    setup_env: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = []
    monkeypatch.setattr(setup_env, "PYTHON", Path(__file__))
    monkeypatch.setattr(setup_env, "STAMP", tmp_path / "stamp")
    for name in ("install_libraries", "create_venv"):
        monkeypatch.setattr(setup_env, name, lambda: None)
    monkeypatch.setattr(
        setup_env, "install_with_uv", lambda extras: installed.append(extras) or True
    )
    for arguments in (["all"], ["all"], [], ["all"]):
        assert setup_env.main(arguments) == 0
    assert installed == ["all", "all,bench,docs,public,test"]


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_the_demo_installs_neither_linters_nor_peers() -> None:
    lines = {
        goal: subprocess.run(
            ["make", "--no-print-directory", "--dry-run", goal],
            cwd=ROOT,
            capture_output=True,
            text=True,
        ).stdout.splitlines()[0]
        for goal in ("demo", "test")
    }
    assert lines["demo"].endswith("scripts/setup_env.py all")
    assert lines["test"].endswith("scripts/setup_env.py")


def test_uv_takes_the_index_that_pip_was_given(
    setup_env: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.invalid/simple")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    chosen = setup_env.uv_environment()["UV_DEFAULT_INDEX"]
    assert chosen == "https://mirror.invalid/simple"


def test_the_installation_page_lists_every_debian_package() -> None:
    page = (ROOT / "docs" / "installation.md").read_text()
    listed = re.search(r"apt-get install -y ((?:[\w.+-]+|\\|\s)+?)\n```", page)
    assert listed is not None
    named = set(listed.group(1).replace("\\", " ").split())
    assert named == {*LIBRARIES, *PROGRAMS, OPENGL}
