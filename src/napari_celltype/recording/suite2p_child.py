"""The other side of `run_suite2p`: a process of its own that runs suite2p.

suite2p takes half a minute to import and makes folders in the home directory while it
does, so it never shares a process with us. Started as
``python -m napari_celltype.recording.suite2p_child JOB.json``.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any


def main(job: Path) -> None:
    """Run suite2p as a job file says.

    Parameters
    ----------
    job : Path
        JSON with `db` (what to read, where to write) and `settings` (how).
    """
    import suite2p

    wanted = json.loads(job.read_text(encoding="utf-8"))
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
    if hasattr(suite2p, "default_settings"):
        db, settings = suite2p.default_db(), suite2p.default_settings()
        _update(db, wanted["db"])
        _update(settings, wanted["settings"])
        suite2p.run_s2p(db=db, settings=settings)
    else:
        # suite2p 0.14 keeps all settings in one flat dictionary.
        ops = suite2p.default_ops()
        flat = {
            "tiff_list" if k == "file_list" else k: v for k, v in wanted["db"].items()
        }
        ops.update(_flattened(wanted["settings"]))
        suite2p.run_s2p(ops=ops, db=flat)


def _update(target: dict[str, Any], changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            _update(target[name], value)
        else:
            target[name] = value


def _flattened(settings: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat.update(_flattened(value) if isinstance(value, dict) else {name: value})
    return flat


if __name__ == "__main__":
    main(Path(sys.argv[1]))
