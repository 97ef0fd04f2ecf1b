"""What importing the package may do: hardly anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import napari_celltype

HEAVY = {
    "PyQt6",
    "distributed",
    "jinja2",
    "joblib",
    "matplotlib",
    "napari",
    "pandas",
    "qtpy",
    "sklearn",
    "suite2p",
    "torch",
}
# Imported first where only our own side effects count.
LIBRARIES = (
    "matplotlib.pyplot napari.qt napari.viewer pandas pyqtgraph rich.console "
    "sklearn.base torch typer"
)
# Imports the modules of sys.argv[1], then those of sys.argv[2], and prints what the
# second step changed.
PROBE = """
import json, logging, os, random, sys
from importlib import import_module
from pathlib import Path
import numpy

def state():
    home = Path.home()
    return {
        "files": sorted(str(p.relative_to(home)) for p in home.rglob("*")),
        "environment": dict(os.environ),
        "handlers": [str(handler) for handler in logging.root.handlers],
        "seeds": str((random.getstate(), numpy.random.get_state()[1].tolist())),
    }

for name in sys.argv[1].split():
    import_module(name)
before = state()
for name in sys.argv[2].split():
    import_module(name)
after = state()
changed = [key for key in before if before[key] != after[key]]
print(json.dumps({
    "modules": sorted({name.partition(".")[0] for name in sys.modules}),
    "changed": {key: [before[key], after[key]] for key in changed},
}))
"""


def after_import(first: str, then: str, home: Path) -> dict[str, object]:
    """Import modules in a fresh interpreter with an empty home; report the changes."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
    environment |= {"HOME": str(home), "USERPROFILE": str(home)}
    finished = subprocess.run(
        [sys.executable, "-c", PROBE, first, then],
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.splitlines()[-1])


def our_modules() -> list[str]:
    """Return the dotted name of every module of the package."""
    package = Path(napari_celltype.__file__).parent
    files = [file.relative_to(package.parent) for file in package.rglob("*.py")]
    return sorted(
        ".".join(f.with_suffix("").parts) for f in files if f.stem != "__main__"
    )


@pytest.mark.parametrize(
    "module",
    [
        "napari_celltype",
        "napari_celltype.cli",
        "napari_celltype.cli.verbs",
        "napari_celltype.protocol",
        "napari_celltype.recording",
        "napari_celltype.protocol.evaluate",
    ],
)
def test_importing_pulls_in_nothing_heavy(module: str, tmp_path: Path) -> None:
    report = after_import("", module, tmp_path)
    assert HEAVY.isdisjoint(report["modules"])


@pytest.mark.slow
def test_importing_every_module_changes_nothing(tmp_path: Path) -> None:
    report = after_import(LIBRARIES, " ".join(our_modules()), tmp_path)
    assert report["changed"] == {}
