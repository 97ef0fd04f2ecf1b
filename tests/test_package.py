"""The package as it is installed, built and read."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest

import napari_celltype

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))


def lines_with(pattern: str, files: list[Path]) -> list[str]:
    """Return ``file:line`` for each line that matches."""
    return [
        f"{file.relative_to(ROOT)}:{number}"
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if re.search(pattern, line)
    ]


def test_the_version_stands_in_one_place() -> None:
    metadata = (ROOT / "pyproject.toml").read_text()
    assert f'version = "{version("napari-celltype")}"' in metadata
    assert napari_celltype.__version__ == version("napari-celltype")
    assert lines_with(r"^__version__ *=", SOURCES) == []


def test_the_newest_changelog_entry_is_of_this_version() -> None:
    headings = re.findall(
        r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.M
    )
    assert version("napari-celltype") in headings[:2]


def test_the_terminal_command_is_installed() -> None:
    (command,) = entry_points(group="console_scripts", name="napari-celltype")
    assert callable(command.load())


def test_napari_finds_the_manifest() -> None:
    manager = pytest.importorskip("npe2").PluginManager()
    manager.discover()
    manifest = manager.get_manifest("napari-celltype")
    assert manifest.display_name == "Cell types"


def test_public_names_load_and_others_are_refused() -> None:
    for name in napari_celltype.__all__:
        assert getattr(napari_celltype, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'classifly'"):
        _ = napari_celltype.classifly


def may_unpickle(call: ast.Call) -> bool:
    """Tell whether a call could run code that sits in a data file."""
    function = ast.unparse(call.func)
    if function in {"pickle.load", "pickle.loads", "torch.load", "joblib.load"}:
        return True
    allowed = [key.value for key in call.keywords if key.arg == "allow_pickle"]
    return function.endswith("load") and any(
        ast.unparse(value) != "False" for value in allowed
    )


def test_unpickling_stays_inside_the_fenced_loader() -> None:
    package = ROOT / "src" / "napari_celltype"
    loader = package / "recording" / "unpickle.py"
    # Workers read what their parent process wrote for them, in a folder of its own.
    workers = package / "protocol" / "backends.py"
    calls = [
        (file, node.lineno)
        for file in SOURCES
        for node in ast.walk(ast.parse(file.read_text()))
        if file != loader and isinstance(node, ast.Call) and may_unpickle(node)
    ]
    assert [file for file, _ in calls] == [workers], calls


def test_links_in_the_documentation_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def test_no_path_of_one_machine() -> None:
    texts = [*SOURCES, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    assert lines_with(r"(?<![\w.])/(root|home/\w+|Users/\w+|work)/", texts) == []


# Runs the program where nothing of the window can be imported.
WITHOUT_QT = """
import sys
for name in ("qtpy", "PyQt6", "napari", "magicgui", "pyqtgraph", "psygnal"):
    sys.modules[name] = None
from napari_celltype.cli import main
main()
"""


@pytest.mark.slow
def test_what_is_published_works_by_itself(tmp_path: Path) -> None:
    def run(*words: object) -> str:
        command = [sys.executable, *map(str, words)]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    installed = tmp_path / "installed"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    # The wheel is built from the sdist.
    run("-m", "build", "--no-isolation", "-o", tmp_path / "dist", ROOT)
    wheel, sdist = sorted(
        (tmp_path / "dist").iterdir(), key=lambda f: f.suffix != ".whl"
    )
    run("-m", "twine", "check", "--strict", wheel, sdist)
    names = zipfile.ZipFile(wheel).namelist()
    for needed in ("napari_celltype/napari.yaml", "napari_celltype/py.typed"):
        assert needed in names
    weights = [n for n in names if n.endswith(".safetensors")]
    assert {Path(n).parent.name for n in weights} == {"bundled"}
    assert wheel.stat().st_size < 10 * 2**20
    run("-m", "pip", "install", "-q", "--no-deps", "--target", installed, wheel)
    run("-m", "npe2", "validate", installed / "napari_celltype" / "napari.yaml")
    few = ("--cells", 8, "--frames", 600, "--fs", 10)
    run("-c", WITHOUT_QT, "simulate", "-o", "mouse", *few)
    table = run("-c", WITHOUT_QT, "classify", "mouse")
    assert len(table.splitlines()) == 9
