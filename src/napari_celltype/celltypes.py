"""The label vocabulary: a tree of cell types, their aliases and colours.

PY and IN (interneuron) are the roots; PV, SOM and VIP are children of IN. A label is a
type, the parent IN, or a negation such as ``!PV`` (known not to be PV).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, cycle

from napari_celltype.errors import LabelError, PriorError

UNSURE = "unsure"
# Of a user's own types that nobody gave a colour.
_OWN_COLORS = ("#63850F", "#97325E", "#B4C9EF", "#FB2B6D", "#FDEC33")
UNSURE_COLOR = "#9E9E9E"


@dataclass(frozen=True)
class CellType:
    """One type of the tree."""

    name: str  # as written to files
    parent: str | None  # name of the parent type; None for a root
    color: str  # ``#RRGGBB``
    description: str  # the name in words
    # Other spellings accepted on reading, compared without case.
    aliases: tuple[str, ...] = ()


# Pyramidal cells are warm and interneurons cool. All colours, and those of a user's own
# types, stay apart for people without one of the three cones (tests/test_celltypes.py).
_DEFAULT_TYPES = (
    CellType(
        "PY",
        None,
        "#FBA92D",
        "pyramidal cell",
        ("PYR", "pyramidal", "excitatory", "CaMKII", "Camk2", "Emx1", "Slc17a7"),
    ),
    CellType(
        "IN",
        None,
        "#1CA9FD",
        "interneuron",
        ("interneuron", "inhibitory", "GABA", "GAD", "Gad2", "VGAT", "Slc32a1"),
    ),
    CellType(
        "PV", "IN", "#4F52C8", "parvalbumin interneuron", ("Pvalb", "parvalbumin")
    ),
    CellType(
        "SOM", "IN", "#00FAA9", "somatostatin interneuron", ("SST", "somatostatin")
    ),
    CellType("VIP", "IN", "#B36CAB", "VIP interneuron", ()),
)


@dataclass(frozen=True)
class TypeTree:
    """An immutable tree of cell types, parents before children."""

    types: tuple[CellType, ...] = _DEFAULT_TYPES

    @cached_property
    def _names(self) -> dict[str, str]:
        """Canonical name of every spelling, in lower case."""
        return {
            spelling.casefold(): cell_type.name
            for cell_type in self.types
            for spelling in (cell_type.name, *cell_type.aliases)
        }

    def __getitem__(self, name: str) -> CellType:
        for cell_type in self.types:
            if cell_type.name == name:
                return cell_type
        raise LabelError(
            f"{name!r} is not a known cell type; known are "
            f"{', '.join(t.name for t in self.types)}."
        )

    def knows(self, name: str) -> bool:
        """Tell whether there is a type of that name, however it is spelled."""
        return name.casefold() in self._names

    def with_type(
        self, name: str, *, color: str, parent: str | None = "IN"
    ) -> TypeTree:
        """Return a tree that also holds a user's own type, or raise `LabelError`."""
        name = name.strip()
        if not name or name.casefold() in {*self._names, UNSURE}:
            raise LabelError(
                f"The type name {name!r} is empty or already taken; choose another."
            )
        if not name.isprintable() or set(name) & set("!|,;="):
            raise LabelError(
                f"The type name {name!r} may not hold any of ! | , ; = nor line "
                f"breaks; choose another."
            )
        _require_color(color)
        if parent is not None:
            parent = self[self.canonical(parent)].name
        return TypeTree((*self.types, CellType(name, parent, color, name)))

    def with_color(self, name: str, color: str) -> TypeTree:
        """Return a tree in which a type has another colour, or raise `LabelError`."""
        _require_color(color)
        new = replace(self[name], color=color)
        return TypeTree(tuple(new if t.name == name else t for t in self.types))

    def with_types_of(self, other: TypeTree) -> TypeTree:
        """Return a tree that also holds the types of another one that are new here."""
        tree = self
        for new in other.types:
            if not tree.knows(new.name):
                known = new.parent is None or tree.knows(new.parent)
                parent = new.parent if known else "IN"
                tree = tree.with_type(new.name, color=new.color, parent=parent)
        return tree

    def including(self, names: Iterable[str]) -> TypeTree:
        """Return a tree that also holds the classes of a user's model, under IN."""
        tree = self
        new = [name for name in names if not self.knows(name)]
        used = {cell_type.color for cell_type in self.types}
        unused = [color for color in _OWN_COLORS if color not in used]
        for name, color in zip(new, chain(unused, cycle(_OWN_COLORS)), strict=False):
            tree = tree.with_type(name, color=color)
        return tree

    def canonical(self, label: str) -> str:
        """Return a label's canonical spelling, or raise `LabelError`."""
        text = label.strip()
        negated = text.startswith("!")
        name = self._names.get(text.removeprefix("!").strip().casefold())
        if name is not None:
            return ("!" if negated else "") + name
        raise LabelError(
            f"{label!r:.60} is not a known cell type; use one of "
            f"{', '.join(t.name for t in self.types)}, or !TYPE for 'not that type'."
        )

    def group(self, name: str) -> str:
        """Return the root above a type: PY, IN, or a user's own root."""
        cell_type = self[name]
        while cell_type.parent is not None:
            cell_type = self[cell_type.parent]
        return cell_type.name

    def is_within(self, name: str, ancestor: str) -> bool:
        """Tell whether a type is `ancestor` or lies below it."""
        current: str | None = name
        while current is not None:
            if current == ancestor:
                return True
            current = self[current].parent
        return False

    def in_order(self, names: Iterable[str]) -> list[str]:
        """Return names in tree order, unknown ones last in their own order."""
        order = {t.name: place for place, t in enumerate(self.types)}
        return sorted(names, key=lambda name: order.get(name, len(order)))


def _require_color(color: str) -> None:
    if not re.fullmatch("#[0-9A-Fa-f]{6}", color):
        raise LabelError(f"The colour {color!r} is not of the form #RRGGBB.")


DEFAULT_TYPES = TypeTree()


def prior_shares(
    prior: Mapping[str, float],
    classes: Sequence[str],
    training_prior: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Return the expected share of every class, or raise `PriorError`.

    A named parent's share, and what is left over for the classes that nothing names, is
    divided as in training.
    """
    tree = DEFAULT_TYPES.including(classes)
    trained = training_prior or {c: 1 / len(classes) for c in classes}
    shares: dict[str, float] = {}
    for label, share in prior.items():
        name = tree.canonical(label) if tree.knows(label) else ""
        members = [c for c in classes if name and tree.is_within(c, name)]
        if not members:
            raise PriorError(
                f"The prior names {label!r}, which is none of the types "
                f"({', '.join(classes)}) and no parent of one."
            )
        if not 0 <= share <= 1:
            raise PriorError(f"The prior {label}={share} is not between 0 and 1.")
        if twice := [m for m in members if m in shares]:
            raise PriorError(f"The prior names {twice[0]} twice; name it once.")
        total = sum(trained[m] for m in members)
        shares.update({m: share * trained[m] / total for m in members})
    rest = [c for c in classes if c not in shares]
    left = 1 - sum(shares.values())
    if left < -1e-9 or (not rest and abs(left) > 1e-9):
        raise PriorError(
            f"The prior shares add up to {sum(shares.values()):g}; they must add up to "
            "1, or to less when some types are left unnamed."
        )
    total = sum(trained[c] for c in rest)
    shares.update({c: max(left, 0.0) * trained[c] / total for c in rest})
    return {c: shares[c] for c in classes}
