"""From a mouse line, or a file's own word for a cell, to a type: a table of rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError
from napari_celltype.labels.csv_table import read_csv_rows, write_csv_rows
from napari_celltype.labels.table import canonical_label

_COLUMNS = ("genotype", "type")
# Only where the line expresses the indicator are all cells in the field of its type.
_REPORTER = re.compile(r"\bAi(93|94|95|96|148|162|203|210)\b|GCaMP|\bj?GC\d", re.I)
# What other promoters drive, and colours without calcium beside a virus.
_ELSEWHERE = re.compile(
    r"Thy1|Snap25|\bGP\d|Ai(9|14|65)\b|tdTomato|-E?GFP|mCherry", re.I
)
# Where a file's word says what a cell is not, or only may be.
_DOUBT = re.compile(
    r"^!|(?<![a-z0-9])(non|not|no|neg(ative)?)(?![a-z0-9])|\?|putative|possibl|maybe"
    r"|\S[-\u2013\u2212](?![a-z0-9])",
    re.I,
)


@dataclass(frozen=True)
class Rule:
    """What a genotype, or a word, that holds a pattern is; an empty type is unknown."""

    # Whole words, such as Pvalb; with * or ? the whole text, as file names are matched.
    pattern: str
    type: str

    def fits(self, text: str) -> bool:
        """Tell whether a text is meant, in whatever case."""
        text, pattern = text.casefold(), self.pattern.casefold()
        if set(pattern) & set("*?"):
            return fnmatchcase(text, pattern)
        words = rf"(?<![a-z0-9]){re.escape(pattern)}(?![a-z0-9])"
        return re.search(words, text) is not None


# Mouse lines, and words for single cells (DANDI 000625, Bugeon et al. 2022).
_PATTERNS = {
    "PV": ("Pvalb", "PV", "PVBC"),
    "SOM": ("Sst", "SOM"),
    "VIP": ("Vip",),
    "PY": (
        *("Slc17a7", "Cux2", "Emx1", "Rorb", "Rbp4", "Ntsr1", "Nr5a1", "Scnn1a"),
        *("Tlx3", "Fezf2", "Camk2a-Cre"),
    ),
    # Interneurons of several types.
    "!PY": (
        *("Gad1", "Gad2", "Slc32a1", "VGAT", "Ndnf", "Lamp5", "Dlx5"),
        *("AAC", "BISTR", "NGFF", "CCK", "Sncg", "Serpinf1"),
    ),
    "": ("NOTHING",),
}
DEFAULT_RULES = tuple(
    Rule(pattern, name) for name, patterns in _PATTERNS.items() for pattern in patterns
)


def type_of(text: str, rules: Sequence[Rule]) -> str:
    """Return the type that all rules that fit agree on; empty where none does."""
    types = {rule.type for rule in rules if rule.fits(text)}
    return types.pop() if len(types) == 1 else ""


def type_of_word(word: str, rules: Sequence[Rule], tree: TypeTree) -> str | None:
    """Return the label in a file's word for a cell; empty where in doubt, None without.

    A word that is negated or in doubt needs a rule of just that word.
    """
    with suppress(LabelError):
        return canonical_label(word, tree)
    if _DOUBT.search(word):
        return type_of(
            word, [r for r in rules if r.pattern.casefold() == word.casefold()]
        )
    return type_of(word, rules) if any(rule.fits(word) for rule in rules) else None


def tells_types(line: str) -> bool:
    """Tell whether only cells of its Cre line show calcium in an animal."""
    return bool(_REPORTER.search(line)) and not _ELSEWHERE.search(line)


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Read a table of rules, CSV with the columns genotype and type."""
    rules = []
    for line, cells in read_csv_rows(path, _COLUMNS):
        try:
            name = cells["type"] and DEFAULT_TYPES.canonical(cells["type"])
        except LabelError as error:
            raise LabelError(f"{path}, line {line}: {error}") from None
        if not cells["genotype"]:
            raise LabelError(f"{path}, line {line}: genotype is empty; fill it in.")
        rules.append(Rule(cells["genotype"], name))
    if not rules:
        raise LabelError(f"{path} has no row; give a genotype and a type in each.")
    return tuple(rules)


def write_rules(rules: Sequence[Rule], path: Path) -> Path:
    """Write a table of rules, to be changed and read again."""
    rows = [{"genotype": rule.pattern, "type": rule.type} for rule in rules]
    return write_csv_rows(path, _COLUMNS, rows)
