"""Write the parameter tables of the simulator into simulation.md."""

from __future__ import annotations

from pathlib import Path

from napari_celltype.simulation.documentation import parameter_tables

PAGE = Path(__file__).with_name("simulation.md")
MARK = "<!-- parameters -->\n"


def rendered(page: str) -> str:
    """Return the page with the current tables after the mark."""
    head, _, _ = page.partition(MARK)
    return f"{head}{MARK}\n{parameter_tables()}"


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
