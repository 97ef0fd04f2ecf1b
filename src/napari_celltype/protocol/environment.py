"""Threads, processor and versions: what the last bits of a score depend on."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

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

    from napari_celltype.classifiers.device import choose_device

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


def processor() -> str:
    """Return the processor's model name, or its architecture where nobody tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()
