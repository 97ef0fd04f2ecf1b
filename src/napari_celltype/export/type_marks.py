"""A shape for each cell type, so that a figure reads without colour."""

from __future__ import annotations

from itertools import cycle

from napari_celltype.celltypes import TypeTree

# Markers of matplotlib. Pyramidal cells get the pyramid.
_KNOWN = {"PY": "^", "IN": "o", "PV": "s", "SOM": "D", "VIP": "v"}
_OWN = ("P", "X", "*", "h", "<", ">", "p", "d")


def type_marks(tree: TypeTree) -> dict[str, str]:
    """Return matplotlib's marker for each type, by its name."""
    own = [t.name for t in tree.types if t.name not in _KNOWN]
    return _KNOWN | dict(zip(own, cycle(_OWN), strict=False))
