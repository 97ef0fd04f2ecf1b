"""The pages: their commands, their code, what they quote, and the site of them."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from napari_celltype.cli.verbs import app

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
VERBS = typer.main.get_command(app).commands


def blocks(page: Path, *languages: str) -> list[str]:
    pattern = rf"^```(?:{'|'.join(languages)})\n(.*?)^```"
    return re.findall(pattern, page.read_text(encoding="utf-8"), re.M | re.S)


def commands() -> list[str]:
    lines = "\n".join(
        block.replace("\\\n", " ") for page in PAGES for block in blocks(page, "sh")
    )
    return sorted(set(re.findall(r"^napari-celltype (\w.*)$", lines, re.M)))


@pytest.mark.parametrize("command", commands())
def test_a_command_has_the_options_that_a_page_gives_it(command: str) -> None:
    verb, *words = shlex.split(command, comments=True)
    found = VERBS[verb]
    if hasattr(found, "commands"):
        if not words:
            return
        found, words = found.commands[words[0]], words[1:]
    found.make_context(verb, words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_of_a_page_can_be_read(page: Path) -> None:
    for block in blocks(page, "python"):
        ast.parse(block)


def test_sentences_that_troubleshooting_quotes_are_the_programs() -> None:
    sentences = []
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            texts = [p.value if isinstance(p, ast.Constant) else "\0" for p in parts]
            sentences.append("".join(text for text in texts if isinstance(text, str)))
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(.+?)` \|", page, re.M)
    quoted = [part.strip() for row in rows for part in row.split("...") if part]
    assert [
        part for part in quoted if not any(part in text for text in sentences)
    ] == []


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "docs", str(tmp_path)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        timeout=300,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    verbs = (tmp_path / "verbs.html").read_text(encoding="utf-8")
    assert "napari-celltype classify data/" in verbs
