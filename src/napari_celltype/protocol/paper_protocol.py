"""The settings of the paper's split protocol and of its stricter cousins."""

from __future__ import annotations

from dataclasses import dataclass

from napari_celltype.errors import CellTypeError

# From the paper's own to the others; the last three keep groups on one side.
WAYS = ("paper", "random", "by-session", "by-subject", "by-cell")


@dataclass(frozen=True)
class PaperProtocol:
    """How often and how the data are split (Sections IV-B and IV-C).

    Attributes
    ----------
    split : str
        "paper": random with fixed counts per class; "random": random; "by-session",
        "by-subject", "by-cell": all examples of a group stay on one side.
    n_splits : int
        The paper's 10.
    train_size, test_size : int or None
        Examples in all, divided among the classes in proportion; None for what the
        other leaves, and if both are None, for the paper's floor(0.8 n) of each class
        and the rest.
    random_state : int
        Seed of the splits and of every training.

    Raises
    ------
    CellTypeError
        If a setting is impossible.
    """

    split: str = "paper"
    n_splits: int = 10
    train_size: int | None = None
    test_size: int | None = None
    random_state: int = 0

    def __post_init__(self) -> None:
        if self.split not in WAYS:
            raise CellTypeError(
                f"{self.split!r} is no way to split; use one of {', '.join(WAYS)}."
            )
        for name in ("n_splits", "train_size", "test_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise CellTypeError(f"{name} is {value}; give at least 1.")
        if self.random_state < 0:
            raise CellTypeError(
                f"random_state is {self.random_state}; give 0 or a larger number."
            )
