"""Threads, processor and versions: what the last bits of a score depend on."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from napari_celltype.protocol.experiment import Outcome

PACKAGES = ("napari-celltype", "numpy", "scikit-learn", "scipy", "torch")


@contextmanager
def limit_threads(threads: int | None) -> Iterator[None]:
    """Let torch and the libraries under NumPy use so many threads, then as before.

    Parameters
    ----------
    threads : int or None
        None changes nothing.
    """
    if threads is None:
        yield
        return
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    with threadpool_limits(threads):
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def describe_environment(classifier: Any) -> dict[str, Any]:
    """Return what a result of the classifier depends on beside the data.

    Returns
    -------
    dict
        "threads", "device", "processor", "platform", "python" and the versions of
        `PACKAGES`, in plain values.
    """
    import torch

    from napari_celltype.models.device import choose_device

    device = choose_device(getattr(classifier, "device", "cpu"))
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    return {
        "threads": torch.get_num_threads(),
        "device": name,
        "processor": processor(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }


def different_environments(
    outcomes: Iterable[Outcome],
) -> tuple[dict[str, Any], ...]:
    """Return each environment that splits were computed in, once."""
    different: list[dict[str, Any]] = []
    for outcome in outcomes:
        environment = dict(outcome.environment)
        if environment and environment not in different:
            different.append(environment)
    return tuple(different)


def environment_notes(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a sentence if splits of one run were not computed alike.

    Networks may have a GPU and the others never, so devices are compared among the
    splits of one classifier.
    """
    values: dict[str, dict[str, None]] = {}
    devices: dict[str, dict[str, None]] = {}
    for outcome in outcomes:
        for name, value in outcome.environment.items():
            of = values.setdefault(name, {})
            if name == "device":
                of = devices.setdefault(outcome.condition, {})
            of[str(value)] = None
    differing = [
        f"{name} {', '.join(of)}" for name, of in values.items() if len(of) > 1
    ]
    differing += list(
        dict.fromkeys(
            f"device {', '.join(of)}" for of in devices.values() if len(of) > 1
        )
    )
    if not differing:
        return []
    return [
        f"The splits were not all computed alike ({'; '.join(differing)}), so scores "
        "may differ for that reason, and a new run need not give the same."
    ]


def processor() -> str:
    """Return the processor's model name, or its architecture where nobody tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()
