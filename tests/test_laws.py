"""The laws of the house, read from the source: sizes, circles, requests, sentences."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import napari_celltype
from napari_celltype.cli import verbs
from napari_celltype.cli.program import VERBS

SOURCE = Path(napari_celltype.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
TREES = {file: ast.parse(file.read_text(encoding="utf-8")) for file in FILES}
MOST_LINES, MOST_FILES = 600, 25
# What reads a sentence instead of showing it.
_CUTS = {
    *("startswith", "endswith", "removeprefix", "removesuffix"),
    *("split", "rsplit", "partition", "rpartition", "index", "find"),
}
_SENTENCES = {
    *("doubt", "doubts", "note", "notes", "obstacle", "reason"),
    *("remark", "remarks", "sentence", "warning", "warnings"),
}


def name_of(file: Path) -> str:
    return str(file.relative_to(SOURCE))


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_file_fits_in_one_reading(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_a_folder_is_seen_at_a_glance() -> None:
    folders = {file.parent for file in FILES}
    full = [name_of(f) for f in folders if len(list(f.glob("*.py"))) > MOST_FILES]
    assert not full


def imports(file: Path) -> set[str]:
    """Return the modules of ours that a file imports, also late or for types only."""
    found = set()
    for node in ast.walk(TREES[file]):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def circles() -> set[frozenset[str]]:
    """Return groups of files that import each other, packages' `__init__` aside."""
    modules = {
        ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts): file
        for file in FILES
        if file.name not in ("__init__.py", "__main__.py")
    }
    needs = {
        name: imports(file) & set(modules) - {name} for name, file in modules.items()
    }
    # What lies on no circle can be taken away from either end.
    while True:
        needed = set().union(*needs.values())
        kept = {
            name: below & set(needs)
            for name, below in needs.items()
            if below & set(needs) and name in needed
        }
        if kept == needs:
            break
        needs = kept
    reach = {name: _reached(name, needs) for name in needs}
    groups = (frozenset(o for o in reach[name] if name in reach[o]) for name in needs)
    return {frozenset(n.partition(".")[2] for n in group) for group in groups if group}


def _reached(start: str, needs: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    left = list(needs[start])
    while left:
        name = left.pop()
        if name not in reached:
            reached.add(name)
            left += needs.get(name, ())
    return reached


def test_files_do_not_import_each_other_in_a_circle() -> None:
    assert not circles()


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    """Yield the calls of what has one of some names, such as typer.Option."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
            yield node


def test_every_option_of_the_terminal_is_a_requests() -> None:
    found = {
        name_of(file)
        for file in FILES
        for node in calls(TREES[file], "typer.Option", "typer.Argument")
        if not {"--debug", "--version"} & {ast.unparse(a).strip("'") for a in node.args}
    }
    assert found == {"cli/options.py"}


# Controls of the docks that are no settings of a request, and what they are.
_OWN_CONTROLS = {
    "gui/classify/boxes.py": "the share of interneurons, a part of the prior",
    "gui/classify/legend.py": "how ROIs are coloured",
    "gui/evaluate/evaluate_data.py": "which file is evaluated",
    "gui/evaluate/evaluate_form.py": "a quick look, which sets other controls",
    "gui/evaluate/evaluate_tables.py": "shares of the types in the reader's tissue",
    "gui/train/train_form.py": "the name of the model",
}


def test_help_lists_the_verbs_as_they_are() -> None:
    commands = typer.main.get_command(verbs.app).commands
    assert {name: verb.help.split("\n")[0] for name, verb in commands.items()} == VERBS


def test_every_field_of_a_form_is_a_requests() -> None:
    """`Form` takes names of parameters only; what else can be typed is listed."""
    docks = ("classify", "train", "evaluate", "export")
    own = ("QCheckBox", "QDoubleSpinBox", "QLineEdit", "QSlider", "QSpinBox")
    kinds = ("PercentBox", *own, *(f"QtWidgets.{kind}" for kind in own))
    found = {
        name_of(file)
        for file in FILES
        if file.parent.name in docks and file.parent.parent.name == "gui"
        for _ in calls(TREES[file], *kinds)
    }
    assert found == set(_OWN_CONTROLS)


def _is_sentence(node: ast.expr, errors: set[str]) -> bool:
    """Tell whether an expression is a sentence, or the text of an error."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "str":
        return bool(node.args) and ast.unparse(node.args[0]) in errors
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name in _SENTENCES


def _read_sentences(tree: ast.AST) -> Iterator[str]:
    errors = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and node.name
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in _CUTS and _is_sentence(node.func.value, errors):
                yield ast.unparse(node)
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            texts = [isinstance(s, ast.Constant) and bool(s.value) for s in sides]
            if any(texts) and any(_is_sentence(s, errors) for s in sides):
                yield ast.unparse(node)


def test_nothing_reads_a_sentence() -> None:
    """A finding is a value: what depends on it asks for its code."""
    assert not [
        f"{name_of(file)}: {text}"
        for file in FILES
        for text in _read_sentences(TREES[file])
    ]
