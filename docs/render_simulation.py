"""Write the parameter tables of the simulator into simulation.md."""

from __future__ import annotations

from pathlib import Path

from napari_celltype.simulation.parameters import PARAMETERS, Quantity

PAGE = Path(__file__).with_name("simulation.md")
MARK = "<!-- parameters -->\n"


def parameter_tables() -> str:
    """Return every number of the simulator, a Markdown table for each group."""
    parts = []
    for group, members in PARAMETERS.items():
        rows = [f"### {group.capitalize()}", ""]
        rows += ["| parameter | value | unit | source |", "|---|---|---|---|"]
        rows += [
            _row(member, name, parameter)
            for member, parameters in members.items()
            for name, parameter in parameters.items()
        ]
        parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _row(member: str, name: str, parameter: Quantity) -> str:
    title = parameter.meaning or name.replace("_", " ")
    if member and member != title:
        title = f"{member}: {title}"
    source = "; ".join(filter(None, (parameter.source, parameter.note)))
    cells = (title, _range_text(parameter), parameter.unit, source)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _range_text(parameter: Quantity) -> str:
    text = f"{parameter.low:g}"
    if parameter.low != parameter.high:
        text += f" to {parameter.high:g}"
    if parameter.distribution == "log-normal":
        text += " (log-normal, 5-95 %)"
    if parameter.share_reversed:
        text += f", sign reversed in {parameter.share_reversed:.0%}"
    return text


def rendered(page: str) -> str:
    """Return the page with the current tables after the mark."""
    head, _, _ = page.partition(MARK)
    return f"{head}{MARK}\n{parameter_tables()}"


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
