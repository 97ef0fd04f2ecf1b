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
from subprocess import DEVNULL

from napari_celltype.cli.system_libraries import install_line, missing_packages
from napari_celltype.errors import ModelError
from napari_celltype.models import verify_model
from napari_celltype.models.catalog import BUNDLED, user_folder

# PyTorch's own index of CUDA builds; those for Windows on the default index have none.
_CUDA_LINE = (
    "python -m pip install --force-reinstall torch torchvision "
    "--index-url https://download.pytorch.org/whl/cu132 (or /cu126 for an older driver)"
)
_PACKAGES = {
    "napari-celltype": ".",
    "numpy": "numpy",
    "torch": "torch",
    "napari": '"napari[pyqt6]" pyqtgraph psygnal',
    "suite2p": "suite2p",
    "pynwb": "pynwb",
}
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


def doctor() -> Iterator[Check]:
    """Examine this machine and this installation, in reading order."""
    yield Check("python", f"{platform.python_version()} ({sys.executable})")
    for package, source in _PACKAGES.items():
        found = _installed(package)
        remedy = "" if found else f"python -m pip install {source}"
        yield Check(package, found or "not installed", remedy)
    if _installed("torch"):
        if _installed("torchvision"):
            yield _torchvision()
        yield _device()
    bindings = [f"{name} {v}" for name in _BINDINGS if (v := _installed(name))]
    remedy = "" if bindings else "python -m pip install PyQt6"
    yield Check("Qt", ", ".join(bindings) or "none", remedy)
    yield _display()
    yield _libraries()
    reinstall = "python -m pip install --force-reinstall --no-deps ."
    yield _models("bundled models", BUNDLED, reinstall)
    yield _models("your models", user_folder(), "copy the file again, or delete it")


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def _torchvision() -> Check:
    """Import what suite2p imports, torchvision, which has to be made for this torch."""
    # Tried in another process: after a window has been drawn in software, importing
    # torchvision in the same one crashes (two copies of LLVM).
    pair = f"{version('torchvision')} beside torch {version('torch')}"
    command = [sys.executable, "-c", "import torchvision"]
    tried = subprocess.run(command, capture_output=True, text=True)
    if not tried.returncode:
        return Check("torchvision", pair)
    reason = [f"status {tried.returncode}", *tried.stderr.strip().splitlines()][-1]
    return Check(
        "torchvision",
        f"{pair} cannot be imported ({reason})",
        "python -m pip install --force-reinstall torch torchvision",
    )


def _device() -> Check:
    import torch

    cards = _nvidia_cards()
    if torch.cuda.is_available():
        return Check("device", f"CUDA {torch.version.cuda}: {cards or 'a GPU'}")
    if torch.backends.mps.is_available():
        return Check("device", "MPS (Apple GPU)")
    if not cards:
        return Check("device", f"CPU, {torch.get_num_threads()} threads (no GPU found)")
    if torch.version.cuda is None:
        built = f"CPU: this torch is built without CUDA, but there is {cards}"
        return Check("device", built, _CUDA_LINE)
    found = f"CPU: torch {torch.__version__} cannot use {cards}"
    update = "update the NVIDIA driver, or install a torch for an older CUDA: "
    return Check("device", found, update + _CUDA_LINE)


def _nvidia_cards() -> str:
    """Return name and driver version of the NVIDIA cards; empty where there is none."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.check_output(query, text=True, stderr=DEVNULL, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return ""
    return "; ".join(answer.strip().replace(", ", ", driver ").splitlines())


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
    remedy = "install what your system calls these Debian packages"
    if shutil.which("apt-get"):
        remedy = install_line(missing)
    return Check("window libraries", f"missing: {' '.join(missing)}", remedy)


def _models(name: str, folder: Path, remedy: str) -> Check:
    """Check the fingerprint of every model file of a folder."""
    whole, damaged = [], []
    for file in sorted(folder.glob("*.safetensors")):
        try:
            verify_model(file)
            whole.append(file.stem)
        except ModelError as error:
            damaged.append(str(error))
    if damaged or (not whole and folder == BUNDLED):
        return Check(name, " ".join(damaged) or f"none in {folder}", remedy)
    return Check(name, f"{', '.join(whole) or 'none'} (in {folder})")
