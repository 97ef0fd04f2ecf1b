"""How Sphinx builds the pages of this folder; `make docs`."""

from __future__ import annotations

from importlib.metadata import version as version_of
from pathlib import Path

from typer.main import get_command
from typer.testing import CliRunner

from napari_celltype.cli.program import VERBS
from napari_celltype.cli.verbs import app

project = "napari-celltype"
copyright = "the napari-celltype developers"
version = release = version_of(project)
extensions = [
    *("myst_parser", "sphinxcontrib.mermaid"),
    *("sphinx.ext.autodoc", "sphinx.ext.napoleon"),
]
exclude_patterns = ["README.md"]  # The contents for who reads the files.
html_theme = "furo"
html_title = f"{project} {version}"
html_show_sourcelink = False
myst_heading_anchors = 3
myst_fence_as_directive = ["mermaid"]
napoleon_google_docstring = False
suppress_warnings = ["ref.python"]  # Two classes have an attribute `n_frames`.
autodoc_typehints = "none"  # The docstrings say shapes and units.


def _help(*words: str) -> str:
    environment = {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}
    shown = CliRunner().invoke(
        app, [*words, "--help"], env=environment, prog_name=project
    )
    return f"## {' '.join(words)}\n\n```text\n{shown.output.strip()}\n```\n"


def _write_verbs(_app: object) -> None:
    """Write the help of every verb where verbs.md includes it."""
    models = get_command(app).commands["models"].commands
    parts = [*map(_help, VERBS), *(_help("models", name) for name in models)]
    page = Path(__file__).parent.parent / "build" / "verbs.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text("\n".join(parts), encoding="utf-8")


def setup(sphinx: object) -> None:
    """Have the verbs written before the pages are read."""
    sphinx.connect("builder-inited", _write_verbs)
