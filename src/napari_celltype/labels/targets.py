"""What labels leave possible: types, parents and negations as sets of classes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_celltype.celltypes import DEFAULT_TYPES, TypeTree
from napari_celltype.errors import LabelError


@dataclass(frozen=True, eq=False)
class Targets:
    """Labels as a classifier learns and is scored on them."""

    # Sorted names. A parent is a class only where none of its children is one; a
    # negation never is.
    classes: tuple[str, ...]
    # The classes that each label leaves possible, shape (n_examples, n_classes).
    allowed: NDArray[np.bool_]

    @classmethod
    def of(cls, labels: Iterable[str], tree: TypeTree = DEFAULT_TYPES) -> Targets:
        """Read labels; names that the tree does not know are classes of their own.

        Parameters
        ----------
        labels : iterable of str
            Canonical: types, parents such as ``IN``, negations such as ``!PV``.
        tree : TypeTree
            What lies below what.

        Raises
        ------
        LabelError
            If a label leaves no class possible, or there is no class at all.
        """
        names, rows = np.unique(
            np.asarray(list(labels), dtype=str), return_inverse=True
        )
        known = {cell_type.name for cell_type in tree.types}

        def within(name: str, ancestor: str) -> bool:
            if name in known and ancestor in known:
                return tree.is_within(name, ancestor)
            return name == ancestor

        positive = [n for n in names.tolist() if not n.startswith("!")]
        classes = tuple(
            name
            for name in positive
            if not any(other != name and within(other, name) for other in positive)
        )
        if not classes:
            raise LabelError(
                "The labels only say what cells are not; label some cells "
                "with their type."
            )
        allowed = np.zeros((len(names), len(classes)), dtype=bool)
        for row, name in enumerate(names.tolist()):
            bare = name.removeprefix("!")
            allowed[row] = [
                within(c, bare) is not name.startswith("!") for c in classes
            ]
            if not allowed[row].any():
                raise LabelError(
                    f"The label {name!r} leaves none of the classes "
                    f"{', '.join(classes)} possible; label cells of another type, too, "
                    f"or leave it out."
                )
        return cls(classes, allowed[rows.ravel()])

    @property
    def single(self) -> NDArray[np.bool_]:
        """Whether a label names one class, shape (n_examples,)."""
        one: NDArray[np.bool_] = self.allowed.sum(axis=1) == 1
        return one

    @property
    def index(self) -> NDArray[np.int64]:
        """Class of each example, -1 where several are possible, (n_examples,)."""
        return np.where(self.single, self.allowed.argmax(axis=1), -1)

    def take(self, rows: NDArray[np.int64]) -> Targets:
        """Return the targets of some examples, over the same classes."""
        return Targets(self.classes, self.allowed[rows])
