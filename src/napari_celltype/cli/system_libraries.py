"""The Linux libraries that a napari window needs beyond what pip installs.

`scripts/setup_env.py` runs this file before the package is installed, so it uses the
standard library only.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

# Debian package -> the shared library by whose presence we know that it is there.
# Package names change between releases (libglib2.0-0t64), library names do not.
LIBRARIES = {
    "libdbus-1-3": "libdbus-1.so.3",
    "libegl1": "libEGL.so.1",
    "libfontconfig1": "libfontconfig.so.1",
    "libgl1": "libGL.so.1",
    "libglib2.0-0": "libglib-2.0.so.0",
    "libx11-xcb1": "libX11-xcb.so.1",
    "libxcb-cursor0": "libxcb-cursor.so.0",
    "libxcb-icccm4": "libxcb-icccm.so.4",
    "libxcb-image0": "libxcb-image.so.0",
    "libxcb-keysyms1": "libxcb-keysyms.so.1",
    "libxcb-randr0": "libxcb-randr.so.0",
    "libxcb-render-util0": "libxcb-render-util.so.0",
    "libxcb-shape0": "libxcb-shape.so.0",
    "libxcb-xfixes0": "libxcb-xfixes.so.0",
    "libxcb-xkb1": "libxcb-xkb.so.1",
    "libxkbcommon-x11-0": "libxkbcommon-x11.so.0",
    "libxkbcommon0": "libxkbcommon.so.0",
}
# Debian package -> the program that it brings.
PROGRAMS = {"xauth": "xauth", "xvfb": "Xvfb"}
OPENGL = "libgl1-mesa-dri"
# OpenGL in software: an older Mesa has one file per driver, a newer one a single file.
_DRIVERS = ("dri/swrast_dri.so", "libgallium-*.so", "libgallium_dri.so")


def missing_packages() -> list[str]:
    """Return the Debian packages that a napari window still needs here, sorted."""
    # Empty where nobody can tell: on Windows, macOS and Linux without `ldconfig`.
    known = _known_libraries()
    if not known:
        return []
    missing = [package for package, name in LIBRARIES.items() if name not in known]
    missing += [p for p, program in PROGRAMS.items() if not shutil.which(program)]
    if not _has_software_opengl():
        missing.append(OPENGL)
    return sorted(missing)


def install_line(packages: list[str]) -> str:
    """Return the line that installs Debian packages."""
    return f"sudo apt-get update && sudo apt-get install -y {' '.join(packages)}"


def _known_libraries() -> set[str]:
    """Return the names in the dynamic linker's cache."""
    # ldconfig is outside an ordinary user's PATH on Debian.
    ldconfig = shutil.which("ldconfig") or "/sbin/ldconfig"
    if not Path(ldconfig).exists():
        return set()
    listing = subprocess.run([ldconfig, "-p"], capture_output=True, text=True)
    return {line.split()[0] for line in listing.stdout.splitlines() if "=>" in line}


def _has_software_opengl() -> bool:
    roots = [
        Path("/usr/lib"),
        Path("/usr/lib64"),
        *Path("/usr/lib").glob("*-linux-gnu*"),
    ]
    return any(any(root.glob(driver)) for root in roots for driver in _DRIVERS)
