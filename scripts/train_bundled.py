"""Train, calibrate and measure the bundled models; write their weights and cards.

    python scripts/train_bundled.py --jobs 2 --real-cells FOLDER

CNN, RNN and LSTM in the form of the paper, at 10 Hz and 5 Hz, on simulated sessions
only and with equal budgets: the same windows, the same number of epochs. Further seeds
and simulators that were denied something tell what the scores mean. Everything finished
is kept in the work folder, so that a run that was killed goes on: data and networks
that were complete are not made again, a network that was not begins anew. What comes
out does not depend on --jobs.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

from bundled_networks import ARCHITECTURES, RATES, groups_of, in_processes, train_group
from bundled_sessions import DENIED, DENIED_CELLS, estimate_again
from write_cards import (
    Measuring,
    measure,
    simulate_sessions_of,
    write_index,
)

from napari_celltype.classifiers import read_model

ROOT = Path(__file__).resolve().parent.parent
BUNDLED = ROOT / "src" / "napari_celltype" / "classifiers" / "bundled"


def main() -> int:
    options = _options()
    measuring = _measuring(options)
    chosen = [
        network
        for network in measuring.networks()
        if not options.only or any(word in network.title for word in options.only)
    ]
    if options.list:
        for network in chosen:
            done = network.path(measuring.work).exists()
            print(f"{'done' if done else 'left'}  {network.title}")
        return 0
    names = {
        f"{architecture}-{rate:g}hz": (architecture, rate)
        for architecture in ARCHITECTURES
        for rate in RATES
    }
    failed = 0
    if not options.measure_only:
        # A simulator that was denied cells stays so as long as its process lives.
        again = [v for v in measuring.variants if v in DENIED_CELLS]
        failed = in_processes(
            options.jobs,
            [(f"estimates {v}", estimate_again, (v, measuring.work)) for v in again],
            fresh=True,
        )
        if options.estimate_only:
            return bool(failed)
        tasks = [
            (
                f"{group[0].part.rate:g} Hz, seed {group[0].part.seed}, "
                f"{group[0].part.variant}",
                train_group,
                (group, measuring.work, options.device),
            )
            for group in groups_of(chosen)
        ]
        failed += in_processes(options.jobs, tasks, fresh=bool(again))
    if options.train_only:
        return bool(failed)
    parts = [part for rate in RATES for part in measuring.parts(rate)]
    failed += in_processes(
        options.jobs,
        [
            (f"sessions {part.name}", simulate_sessions_of, (part, measuring.work))
            for part in parts
        ],
    )
    failed += in_processes(
        options.jobs,
        [
            (f"card of {name}", measure, (*own, measuring))
            for name, own in names.items()
        ],
    )
    if failed:
        print(f"{failed} of the tasks failed; see above.")
        return 1
    files = {name: measuring.out / f"{name}.safetensors" for name in names}
    write_index({n: read_model(file) for n, file in files.items()}, measuring.pages)
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
        help="folder with real_cells.csv: to measure on, and to estimate the "
        "simulator's parameters again without some of them; no network sees them",
    )
    add("--jobs", type=int, default=1, help="processes side by side")
    add("--epochs", type=int, default=1)
    add("--training-sessions", type=int, default=3200, help="of 40 cells each")
    add("--calibration-sessions", type=int, default=240)
    add("--test-sessions", type=int, default=160)
    add("--seeds", type=int, nargs="+", default=[1, 2, 3], help="1 ships")
    add(
        "--variants",
        nargs="*",
        choices=DENIED,
        default=DENIED,
        help="what simulators of further 10 Hz networks are denied",
    )
    add("--only", nargs="+", metavar="WORDS", help="train those whose title has them")
    add("--list", action="store_true", help="tell what is trained and what is left")
    add("--estimate-only", action="store_true", help="end before any training")
    add("--train-only", action="store_true")
    add("--measure-only", action="store_true", help="from networks that are trained")
    add("--quick", action="store_true", help="tiny sizes, nothing written to ship")
    add("--device", default="cpu")
    add("--work", type=Path, default=ROOT / "build" / "bundled")
    add("--out", type=Path, default=BUNDLED)
    add("--pages", type=Path, default=ROOT / "docs" / "models")
    return parser.parse_args()


def _measuring(options: argparse.Namespace) -> Measuring:
    variants = tuple(options.variants)
    if options.real_cells:
        # Where scripts/refit.py looks for them.
        os.environ["NAPARI_CELLTYPE_TEST_DATA"] = str(options.real_cells.resolve())
    elif set(variants) & set(DENIED_CELLS):
        print("Without --real-cells no parameter is estimated again without some.")
        variants = tuple(set(variants) - set(DENIED_CELLS))
    measuring = Measuring(
        training_sessions=options.training_sessions,
        epochs=options.epochs,
        seeds=tuple(options.seeds),
        variants=variants,
        calibration_sessions=options.calibration_sessions,
        test_sessions=options.test_sessions,
        real_cells=options.real_cells,
        work=options.work,
        out=options.out,
        pages=options.pages,
        device=options.device,
    )
    if not options.quick:
        return measuring
    work = options.work / "quick"
    return replace(
        measuring,
        training_sessions=8,
        seeds=tuple(options.seeds[:2]),
        variants=variants[-1:],
        calibration_sessions=4,
        test_sessions=3,
        work=work,
        out=work / "weights",
        pages=work / "pages",
    )


if __name__ == "__main__":
    raise SystemExit(main())
