"""The terminal door: `napari-celltype VERB`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; what `napari-celltype` starts."""
    from napari_celltype.cli.program import app

    # --debug may stand anywhere on the line; the program's own options come first.
    if "--debug" in sys.argv:
        sys.argv.remove("--debug")
        sys.argv.insert(1, "--debug")
    app()
