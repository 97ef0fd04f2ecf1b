"""Training the networks: what there is to do, and doing it in several processes.

Every process computes with one thread, so that the weights do not depend on how many
processes there are. A finished network is kept in the work folder under a name that
tells all that decides it. A job that is killed starts again from its training data.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bundled_sessions import (
    CELLS_PER_SESSION,
    NEUROPIL_COEFFICIENTS,
    SIMULATOR_SHA256,
    SPEED_UP,
    TRAINING,
    TRAINING_MINUTES,
    WINDOW_SECONDS,
    WITHOUT_SLICE,
    Part,
    code_digest,
    simulate_training,
)

from napari_celltype import classifiers
from napari_celltype.classifiers import (
    CellTypeModel,
    TraceClassifier,
    card_for,
    read_model,
    save_model,
)
from napari_celltype.progress import Progress
from napari_celltype.simulation.parameters import INDICATORS, REGIMES

ARCHITECTURES = ("cnn", "rnn", "lstm")
RATES = (10.0, 5.0)
FIRST_SEED = 1  # of the networks that ship

INTENDED_USE = (
    "A first guess at PY against interneuron, and at the interneuron type, in "
    "two-photon recordings of at least 60 s; check it against labelled cells of your "
    "own lab, or train a model on them."
)
NOT_FOR = (
    "Histology's place, cell counts, or any conclusion about PV, SOM or VIP cells: "
    "trained on a simulation, and interneuron subtypes are unproven on real cells. Not "
    "for denoised, deconvolved or one-photon traces, other brain regions' cell types, "
    "or recordings shorter than 60 s."
)


# What decides the weights, given the data; as the code is now.
_TRAINING_SHA256 = code_digest(
    Path(classifiers.__file__).parent / f"{part}.py"
    for part in ("networks", "layers", "training", "preparation")
)
_CODE = f"{SIMULATOR_SHA256} {_TRAINING_SHA256}"


@dataclass(frozen=True)
class Network:
    """One network to train: an architecture on the training sessions of `part`."""

    architecture: str
    part: Part
    epochs: int

    @property
    def model_name(self) -> str:
        """Return the name of the model, such as cnn-10hz."""
        return f"{self.architecture}-{self.part.rate:g}hz"

    @property
    def title(self) -> str:
        """Return what people call it."""
        return f"{self.model_name}, seed {self.part.seed}, {self.part.variant}"

    def path(self, work: Path) -> Path:
        """Return where it is kept."""
        name = f"{self.architecture}-{self.epochs}-{self.part.name}-{_TRAINING_SHA256}"
        return work / "networks" / f"{name}.safetensors"


def networks(
    *, sessions: int, epochs: int, seeds: Sequence[int], variants: Sequence[str]
) -> list[Network]:
    """Return all networks, those that ship first.

    Variants (what the simulator is denied) and further seeds tell what scores mean.
    """
    parts = [Part(TRAINING, rate, FIRST_SEED, sessions) for rate in RATES]
    parts += [
        Part(TRAINING, RATES[0], FIRST_SEED, sessions, variant) for variant in variants
    ]
    parts += [
        Part(TRAINING, rate, seed, sessions)
        for seed in seeds
        if seed != FIRST_SEED
        for rate in RATES
    ]
    return [Network(name, part, epochs) for part in parts for name in ARCHITECTURES]


def train_group(group: Sequence[Network], work: Path, device: str) -> list[str]:
    """Simulate the training data of networks of one part, and train those not kept."""
    missing = [network for network in group if not network.path(work).exists()]
    if not missing:
        return []
    started = time.monotonic()
    with np.load(simulate_training(group[0].part, work / "sessions")) as data:
        windows, labels = data["windows"], data["labels"]
    print(f"  data in {time.monotonic() - started:.0f} s", flush=True)
    for network in missing:
        _train(network, windows, labels, work, device)
    return [network.title for network in missing]


def _train(
    network: Network, windows: Any, labels: Any, work: Path, device: str
) -> None:
    started = time.monotonic()
    part = network.part

    def say(progress: Progress) -> None:
        print(
            f"  {network.title}: {progress.message} ({progress.done}/"
            f"{progress.total}), {time.monotonic() - started:.0f} s",
            flush=True,
        )

    classifier = TraceClassifier(
        network.architecture,
        epochs=network.epochs,
        random_state=part.seed,
        device=device,
    )
    classifier.fit(windows, labels, on_progress=say)
    cells = part.sessions * CELLS_PER_SESSION
    card = card_for(
        classifier,
        name=network.model_name,
        sampling_frequency=part.rate,
        trained_on=(
            f"Simulation only: {cells} simulated neurons of {part.sessions} sessions, "
            "no real one."
        ),
        training_data={
            "sessions": part.sessions,
            "cells": cells,
            "windows": "one per cell, cut at a random offset",
            "window_seconds": WINDOW_SECONDS,
            "session_minutes": list(TRAINING_MINUTES),
            "types": "PY, PV, SOM and VIP in equal shares",
            "recorded_at_hz": [round(part.rate * f, 2) for f in sorted(set(SPEED_UP))],
            "neuropil_coefficients": list(NEUROPIL_COEFFICIENTS),
            "regimes": [
                name
                for name in REGIMES
                if (name, part.variant) != ("slice", WITHOUT_SLICE)
            ],
            "indicators": list(INDICATORS),
            "seed": part.seed,
            "simulator": part.variant,
            "simulator_sha256": SIMULATOR_SHA256,
        },
        origin="simulation",
        subtypes_proven=False,
        intended_use=INTENDED_USE,
        not_for=NOT_FOR,
    )
    path = network.path(work)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_model(classifier, card, path)


def read_network(network: Network, work: Path) -> CellTypeModel | None:
    """Return a kept network, or None."""
    path = network.path(work)
    return read_model(path) if path.exists() else None


def groups_of(chosen: Iterable[Network]) -> list[list[Network]]:
    """Return the networks that share their training data, in order."""
    found: dict[Part, list[Network]] = {}
    for network in chosen:
        found.setdefault(network.part, []).append(network)
    return list(found.values())


def in_processes(
    jobs: int,
    tasks: Sequence[tuple[str, Callable[..., Any], Any]],
    *,
    fresh: bool = False,
) -> int:
    """Run tasks (title, function, arguments) in processes of one thread.

    `fresh` gives each task a process of its own, where a task changes the simulator
    that is loaded.

    Returns
    -------
    int
        How many failed; their errors are printed and the others go on.
    """
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "1"
    failed = 0
    started = time.monotonic()
    with ProcessPoolExecutor(
        jobs,
        multiprocessing.get_context("spawn"),
        _start,
        (_CODE,),
        max_tasks_per_child=1 if fresh else None,
    ) as pool:
        titles: dict[Future[Any], str] = {
            pool.submit(function, *arguments): title
            for title, function, arguments in tasks
        }
        waiting = set(titles)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                error = future.exception()
                failed += error is not None
                state = "done" if error is None else f"FAILED: {error!r}"
                print(
                    f"[{time.monotonic() - started:.0f} s] {titles[future]}: {state}",
                    flush=True,
                )
    return failed


def _start(code: str) -> None:
    """Use one thread; end if files were edited since the run began."""
    import torch

    torch.set_num_threads(1)
    if code != _CODE:
        raise SystemExit(
            "The simulator or the networks were edited while this ran; start it again."
        )
