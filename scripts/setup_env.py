"""Set up everything that `make demo` and `make test` need; quick when already done.

Needs only the standard library and pip. Creates `.venv` beside this folder, installs
the package into it with the extras that are asked for, and on Debian or Ubuntu installs
the missing libraries of the graphical window (as root) or prints the line that does.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import runpy
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "napari-celltype.stamp"
# What `make test`, `make lint` and `make bench` need; `make demo` needs `all` alone.
EVERYTHING = "all,public,test,bench,docs"
OLDEST = (3, 11)
ATTEMPTS = 6


def main(arguments: list[str]) -> int:
    """Set up the libraries and the environment; return an exit status."""
    use_a_recent_python()
    parser = argparse.ArgumentParser()
    parser.add_argument("extras", nargs="?", default=EVERYTHING)
    parser.add_argument("--libraries-only", action="store_true")
    chosen = parser.parse_args(arguments)
    install_libraries()
    there, wanted = installed_extras(), set(chosen.extras.split(","))
    if chosen.libraries_only or wanted <= there:
        return 0
    create_venv()
    extras = ",".join(sorted(there | wanted))
    if not (install_with_uv(extras) or install_with_pip(extras)):
        return fail("The packages could not be installed; the reason stands above.")
    STAMP.write_text(f"{fingerprint()}\n{extras}")
    return 0


def use_a_recent_python() -> None:
    """Go on with a newer Python on the PATH where this one is too old."""
    if sys.version_info >= OLDEST:
        return
    for name in ("python3.13", "python3.12", "python3.11"):
        newer = shutil.which(name)
        if newer:
            os.execv(newer, [newer, *sys.argv])
    found = ".".join(map(str, sys.version_info[:3]))
    raise SystemExit(
        f"Python 3.11 or newer is needed, {found} was found; install one and run "
        "`make PYTHON=/path/to/python3.11 ...`."
    )


def fingerprint() -> str:
    """Return what the installed environment depends on."""
    metadata = (ROOT / "pyproject.toml").read_bytes()
    return f"{hashlib.sha256(metadata).hexdigest()} {ROOT}"


def installed_extras() -> set[str]:
    """Return the extras that `.venv` holds just as pyproject.toml asks for them."""
    if not (PYTHON.exists() and STAMP.exists()):
        return set()
    found, _, extras = STAMP.read_text().partition("\n")
    return set(extras.split(",")) if found == fingerprint() else set()


def create_venv() -> None:
    """Create `.venv`, also where Debian's Python has no venv or no ensurepip."""
    if PYTHON.exists() and run([PYTHON, "-m", "pip", "--version"], quiet=True):
        return
    if VENV.exists():
        shutil.rmtree(VENV)
    say("Creating .venv")
    if run([sys.executable, "-m", "venv", VENV], quiet=True):
        return
    # `pip install --target` is allowed also where the system forbids plain pip.
    bootstrap = ROOT / ".bootstrap"
    shutil.rmtree(VENV, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(bootstrap),
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    made = run([*pip, "--target", bootstrap, "virtualenv"], env=environment) and run(
        [sys.executable, "-m", "virtualenv", "--quiet", VENV], env=environment
    )
    shutil.rmtree(bootstrap, ignore_errors=True)
    if not made:
        raise SystemExit(
            "No virtual environment could be made with "
            f"{sys.executable}; on Debian or Ubuntu run "
            "`sudo apt-get install -y python3-venv python3-pip` and try again."
        )


def install_with_uv(extras: str) -> bool:
    """Install with uv, several times faster than pip; False where it cannot."""
    if not run([PYTHON, "-m", "pip", "install", "--quiet", "uv"]):
        return False
    say("Installing napari-celltype with napari, suite2p and torch (several GB)")
    # Compiled once, as pip does; else every process of a test compiles torch anew where
    # the environment forbids it to keep the result.
    uv = [VENV / "bin" / "uv", "pip", "install", "--compile-bytecode"]
    uv += ["--python", PYTHON]
    if run([*uv, "-e", f"{ROOT}[{extras}]"], env=uv_environment()):
        return True
    say("uv could not install; trying pip")
    return False


def install_with_pip(extras: str) -> bool:
    """Install with pip alone."""
    return run([PYTHON, "-m", "pip", "install", "-e", f"{ROOT}[{extras}]"])


def uv_environment() -> dict[str, str]:
    """Return an environment in which uv uses the index and certificates of pip."""
    environment = dict(os.environ)
    # The wheels are large: a slow line is no reason to give up after 30 s.
    environment.setdefault("UV_HTTP_TIMEOUT", "600")
    for pip_key, uv_key in (
        ("index-url", "UV_DEFAULT_INDEX"),
        ("cert", "SSL_CERT_FILE"),
    ):
        value = os.environ.get(f"PIP_{pip_key.replace('-', '_').upper()}")
        if not value:
            command = [PYTHON, "-m", "pip", "config", "get", f"global.{pip_key}"]
            answer = subprocess.run(command, capture_output=True, text=True)
            value = answer.stdout.strip()
        if value:
            environment.setdefault(uv_key, value)
    return environment


def install_libraries() -> None:
    """Install the libraries of the graphical window, or say how."""
    library_list = "src/napari_celltype/cli/system_libraries.py"
    libraries = runpy.run_path(str(ROOT / library_list))
    missing = libraries["missing_packages"]()
    if not missing:
        return
    if shutil.which("apt-get") is None:
        say(f"The window needs libraries that Debian calls: {' '.join(missing)}")
        return
    if os.geteuid() != 0:
        say("Libraries for the window are missing; install them with this line:")
        print(f"    {libraries['install_line'](missing)}", flush=True)
        return
    say(f"Installing {' '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing]
    for attempt in range(ATTEMPTS):
        # Another apt may hold the lock, as on a machine that has just started.
        last = attempt == ATTEMPTS - 1
        if run(["apt-get", "update", "-q"], env=environment, quiet=not last) and run(
            install, env=environment, quiet=not last
        ):
            return
        if not last:
            say("apt-get did not succeed; trying again in 10 s")
            time.sleep(10)
    say("The libraries could not be installed; tests that open a window will fail.")


def run(
    command: list[object], *, env: dict[str, str] | None = None, quiet=False
) -> bool:
    """Run a command and tell whether it succeeded."""
    words = [str(word) for word in command]
    output = subprocess.DEVNULL if quiet else None
    try:
        finished = subprocess.run(
            words, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    except OSError:
        return False
    return finished.returncode == 0


def say(sentence: str) -> None:
    """Print a line at once, also into a pipe."""
    print(f"-- {sentence}", flush=True)


def fail(sentence: str) -> int:
    """Print why it ended and return the exit status for that."""
    print(sentence, file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
