"""The settings of the paper's split protocol and of its stricter cousins."""

from __future__ import annotations

from dataclasses import dataclass


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
        Examples in all; None for the paper's floor(0.8 n) of each class and the rest.
    random_state : int
        Seed of the splits and of every training.
    """

    split: str = "paper"
    n_splits: int = 10
    train_size: int | None = None
    test_size: int | None = None
    random_state: int = 0
