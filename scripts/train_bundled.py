"""Train, calibrate and measure the bundled models; write their weights and cards.

    python scripts/train_bundled.py --jobs 2 --real-cells FOLDER

Every registered network at 10 Hz and 5 Hz, on simulated sessions of awake animals only,
which are made while the networks train. What is finished is kept in the work folder, so
that a run that was killed goes on from its last round. What comes out does not depend
on --jobs; the same machine and versions give the same bytes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bundled_networks import all_trainings, run, train
from bundled_sessions import simulate
from write_cards import Measuring, measure, write_index

from napari_celltype.models import load_model

ROOT = Path(__file__).resolve().parent.parent
BUNDLED = ROOT / "src" / "napari_celltype" / "models" / "bundled"


def main() -> int:
    options = _options()
    work = options.work
    measuring = Measuring(
        calibration_sessions=240,
        test_sessions=400,
        strange_sessions=160,
        real_cells=options.real_cells,
        work=work,
        out=options.out,
        pages=options.pages,
    )
    if options.quick:
        work = work / "quick"
        measuring = Measuring(4, 3, 2, None, work, work / "weights", work / "pages")
    trainings = all_trainings(quick=options.quick)
    train(trainings, work, options.jobs)
    sessions = [
        ("", simulate, (part, work / "sessions")) for part in measuring.all_parts()
    ]
    run(sessions, options.jobs)
    run(
        [(f"card of {t.name}", measure, (t, measuring)) for t in trainings],
        options.jobs,
    )
    names = sorted(training.name for training in trainings)
    files = {name: measuring.out / f"{name}.safetensors" for name in names}
    write_index({n: load_model(file) for n, file in files.items()}, measuring.pages)
    total = sum(file.stat().st_size for file in files.values())
    print(f"All weights: {total / 1e6:.1f} MB")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "--real-cells",
        type=Path,
        help="folder with real_cells.csv and real_invivo, to measure on; no network "
        "sees them",
    )
    add("--jobs", type=int, default=1, help="processes side by side")
    add("--quick", action="store_true", help="tiny sizes, nothing written to ship")
    add("--work", type=Path, default=ROOT / "build" / "bundled")
    add("--out", type=Path, default=BUNDLED)
    add("--pages", type=Path, default=ROOT / "docs" / "models")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
