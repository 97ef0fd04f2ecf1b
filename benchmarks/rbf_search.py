"""How much faster the Gaussian grid search is than GridSearchCV, with equal answers.

1. the whole grid, both ways, on fewer and shorter traces;
2. a part of the grid (one value of C for each gamma) on one fold and the final fit,
   both ways, at the paper's size of 3157 x 4000 with 790 test traces;
3. the whole grid at the paper's size with the search of this package only, since
   GridSearchCV takes most of an hour; its time is extrapolated from 2.

The traces are slow walks of four sizes and sinusoids in white noise: four classes that
overlap a little. Both ways see the same z-scored traces, folds and grid.

    python benchmarks/rbf_search.py           # 5 minutes
    python benchmarks/rbf_search.py --small   # seconds, checks that it runs
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import SVC

from napari_celltype.models.windows import Normalization
from napari_celltype.protocol.rivals import GRIDS, KernelSearch

GRID = GRIDS["svm-rbf"]
PART = {"gamma": GRID["gamma"], "C": (100,)}
FOLDS = 5
LEAST_RATIO = 10.0
# Sections IV-A and IV-B: examples to train on and to test on, and frames.
PAPER = (3157, 790, 4000)
SHORTER = (1000, 250, 1000)
SMALL = (160, 40, 200)


def main(arguments=None):
    """Measure, print, and return 1 when something promised does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="sizes that take seconds")
    arguments = parser.parse_args(arguments)
    whole, paper = (SMALL, SMALL) if arguments.small else (SHORTER, PAPER)
    n_candidates = len(GRID["gamma"]) * len(GRID["C"])
    print(f"Grid: {GRID}, {n_candidates} candidates x {FOLDS} folds.")

    folds = StratifiedKFold(FOLDS)
    equal, _ = compare("1. The whole grid", make_data(*whole), GRID, folds)
    data = make_data(*paper)
    one_fold = [next(folds.split(data[0], data[1]))]
    title = f"2. {len(GRID['gamma'])} of {n_candidates} candidates, 1 of {FOLDS} folds"
    part_equal, (theirs, ratio) = compare(title, data, PART, one_fold)

    search = KernelSearch("rbf", grid=GRID, cv=folds)
    seconds, _ = timed(search.fit, data[0], data[1])
    times = theirs.cv_results_["mean_fit_time"] + theirs.cv_results_["mean_score_time"]
    expected = times.mean() * n_candidates * FOLDS + theirs.refit_time_
    print(
        f"3. The whole grid, {size(data)}: KernelSearch {seconds:.2f} s measured, "
        f"GridSearchCV {expected:.0f} s extrapolated from 2 "
        f"(ratio {expected / seconds:.0f}); best {search.best_params_}."
    )
    if not (equal and part_equal):
        print("The answers differ.")
        return 1
    print("Scores of every fold, best parameters and all predictions are equal.")
    if not arguments.small and ratio < LEAST_RATIO:
        print(f"The measured ratio of 2 is below {LEAST_RATIO:g}.")
        return 1
    return 0


def compare(title, data, grid, folds):
    """Search both ways; return whether all answers are equal, and the measurements."""
    traces, labels, new = data
    theirs = GridSearchCV(SVC(kernel="rbf"), grid, cv=folds)
    ours = KernelSearch("rbf", grid=grid, cv=folds)
    our_seconds, _ = timed(ours.fit, traces, labels)
    our_answer_seconds, our_guess = timed(ours.predict, new)
    their_seconds, _ = timed(theirs.fit, traces, labels)
    their_answer_seconds, their_guess = timed(theirs.predict, new)
    equal = (
        ours.best_params_ == theirs.best_params_
        and all(
            np.array_equal(ours.cv_results_[key], theirs.cv_results_[key])
            for key in ours.cv_results_
            if key.startswith("split")
        )
        and np.array_equal(our_guess, their_guess)
    )
    ratio = their_seconds / our_seconds
    print(
        f"{title}, {size(data)}: GridSearchCV {their_seconds:.2f} s, KernelSearch "
        f"{our_seconds:.2f} s (ratio {ratio:.1f}); {len(new)} predictions "
        f"{their_answer_seconds:.2f} s and {our_answer_seconds:.2f} s; "
        f"{'equal' if equal else 'DIFFERENT'} answers, best {ours.best_params_}.",
        flush=True,
    )
    return equal, (theirs, ratio)


def timed(function, *arguments):
    """Return the seconds that a call takes, and what it returns."""
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


def size(data):
    return f"{data[0].shape[0]} x {data[0].shape[1]}"


def make_data(n_train, n_test, n_frames):
    """Return z-scored training traces, their labels, and new traces."""
    random = np.random.default_rng(0)
    classes = random.integers(4, size=n_train + n_test)
    steps = random.normal(size=(n_train + n_test, n_frames))
    walks = 0.02 * np.cumsum(steps, axis=1) * (1 + 0.15 * classes[:, None])
    waves = 0.3 * np.sin(np.arange(n_frames) / 200 * (1 + 0.1 * classes[:, None]))
    traces = walks + waves + random.normal(size=walks.shape)
    traces = traces.astype(np.float32)
    names = np.array(["PV", "PY", "SOM", "VIP"])[classes]
    scored = Normalization.fit("training-set", traces[:n_train]).apply(traces)
    return scored[:n_train], names[:n_train], scored[n_train:]


if __name__ == "__main__":
    sys.exit(main())
