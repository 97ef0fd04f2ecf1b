"""What is installed, what is missing, and the one line that mends it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from napari_celltype.cli.system_libraries import install_line, missing_packages
from napari_celltype.errors import ModelError
from napari_celltype.models import verify_model
from napari_celltype.models.catalog import BUNDLED, FOLDER_VARIABLE, user_folder

# PyTorch's own index of CUDA builds; those for Windows on the default index have none.
_CUDA_INDEX = "https://download.pytorch.org/whl/cu132"
_CUDA_LINE = (
    "python -m pip install --force-reinstall torch torchvision "
    f"--index-url {_CUDA_INDEX} (or /cu126 for an older driver)"
)
_REINSTALL = "python -m pip install --force-reinstall --no-deps ."
# suite2p writes a registered copy of the movie, often several gigabytes.
_LEAST_FREE_BYTES = 5 * 2**30
_BINDINGS = ("PyQt6", "PySide6", "PyQt5", "PySide2")


@dataclass(frozen=True)
class Check:
    """One line of the report: what was found, and what to do where that is not ok."""

    name: str
    value: str
    remedy: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing needs to be done."""
        return not self.remedy


def doctor() -> list[Check]:
    """Examine this machine and this installation, in reading order."""
    return [
        *_versions(),
        *_torchvision(),
        _device(),
        _qt_binding(),
        _display(),
        _libraries(),
        _models("bundled models", BUNDLED, _REINSTALL),
        _models("your models", user_folder(), "copy the file again, or delete it"),
        _writable("folder for your models", user_folder()),
        _free_disk(),
    ]


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _versions() -> Iterator[Check]:
    yield Check("python", f"{platform.python_version()} ({sys.executable})")
    remedies = {
        "napari-celltype": "python -m pip install .",
        "numpy": "python -m pip install numpy",
        "torch": "python -m pip install torch",
        "napari": 'python -m pip install "napari[pyqt6]" pyqtgraph psygnal',
        "suite2p": "python -m pip install suite2p",
        "pynwb": "python -m pip install pynwb",
    }
    for package, remedy in remedies.items():
        found = _installed(package)
        yield Check(package, found or "not installed", "" if found else remedy)


def _torchvision() -> Iterator[Check]:
    """Try what suite2p imports: torchvision, which has to be made for this torch."""
    if _installed("torch") is None or _installed("torchvision") is None:
        return
    pair = f"{version('torchvision')} beside torch {version('torch')}"
    error = _import_error("torchvision")
    if error:
        yield Check(
            "torchvision",
            f"{pair} cannot be imported ({error})",
            "python -m pip install --force-reinstall torch torchvision",
        )
    else:
        yield Check("torchvision", pair)


@cache
def _import_error(package: str) -> str:
    """Return why a package cannot be imported; empty where it can.

    Tried in another process: after a window has been drawn in software, importing
    torchvision in the same one crashes (two copies of LLVM).
    """
    tried = subprocess.run(
        [sys.executable, "-c", f"import {package}"], capture_output=True, text=True
    )
    if not tried.returncode:
        return ""
    return (tried.stderr.strip().splitlines() or [f"status {tried.returncode}"])[-1]


def _device() -> Check:
    if _installed("torch") is None:
        return Check("device", "unknown without torch", "see torch above")
    import torch

    cards = _nvidia_cards()
    if torch.cuda.is_available():
        names = [
            torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())
        ]
        found = f"CUDA {torch.version.cuda}: {', '.join(names)}"
        return Check("device", f"{found} ({cards})" if cards else found)
    if torch.backends.mps.is_available():
        return Check("device", "MPS (Apple GPU)")
    if cards and torch.version.cuda is None:
        built = f"CPU: this torch is built without CUDA, but there is {cards}"
        return Check("device", built, _CUDA_LINE)
    if cards:
        found = f"CPU: torch {torch.__version__} cannot use {cards}"
        update = "update the NVIDIA driver, or install a torch for an older CUDA: "
        return Check("device", found, update + _CUDA_LINE)
    return Check("device", f"CPU, {torch.get_num_threads()} threads (no GPU found)")


def _nvidia_cards() -> str:
    """Return name and driver version of the NVIDIA cards; empty where there is none."""
    if shutil.which("nvidia-smi") is None:
        return ""
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    if answer.returncode != 0:
        return ""
    lines = answer.stdout.split("\n")
    return "; ".join(line.strip().replace(", ", ", driver ") for line in lines if line)


def _qt_binding() -> Check:
    found = [f"{name} {v}" for name in _BINDINGS if (v := _installed(name))]
    value = ", ".join(found) or "none"
    return Check("Qt", value, "" if found else "python -m pip install PyQt6")


def _display() -> Check:
    if not sys.platform.startswith("linux"):
        return Check("display", f"the one of {platform.system()}")
    for variable in ("WAYLAND_DISPLAY", "DISPLAY"):
        if os.environ.get(variable):
            return Check("display", f"{variable}={os.environ[variable]}")
    if shutil.which("Xvfb"):
        return Check("display", "no screen; Xvfb can draw windows without one")
    return Check(
        "display",
        "no screen and no Xvfb: no window can be opened",
        f"{install_line(['xauth', 'xvfb'])} (or work with --headless)",
    )


def _libraries() -> Check:
    missing = missing_packages()
    if not missing:
        return Check("window libraries", "all there")
    remedy = install_line(missing)
    if shutil.which("apt-get") is None:
        remedy = "install what your system calls these Debian packages"
    return Check("window libraries", f"missing: {' '.join(missing)}", remedy)


def _models(name: str, folder: Path, remedy: str) -> Check:
    """Check the fingerprint of every model file of a folder."""
    files = sorted(folder.glob("*.safetensors"))
    damaged = []
    for file in files:
        try:
            verify_model(file)
        except ModelError as error:
            damaged.append(str(error))
    if damaged:
        return Check(name, " ".join(damaged), remedy)
    if not files and folder == BUNDLED:
        return Check(name, f"none in {folder}", remedy)
    names = ", ".join(file.stem for file in files)
    return Check(name, f"{names} (verified)" if files else "none")


def _writable(name: str, folder: Path) -> Check:
    """Tell whether a folder could be written; nothing is made for the test."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    good = os.access(existing, os.W_OK)
    other = f"set {FOLDER_VARIABLE} to a folder that you may write to"
    return Check(
        name,
        str(folder) if good else f"{folder} cannot be written",
        "" if good else other,
    )


def _free_disk() -> Check:
    here = Path.cwd()
    free = shutil.disk_usage(here).free
    remedy = f"free at least {_LEAST_FREE_BYTES // 2**30} GB for suite2p"
    return Check(
        "free disk space",
        f"{free / 2**30:.0f} GB in {here}",
        "" if free >= _LEAST_FREE_BYTES else remedy,
    )
