"""Training the bundled networks on sessions that are simulated as they go.

No window is seen twice. Training goes in rounds: new sessions are simulated, every
network is trained on them, and the state of each is kept, so that a run that was killed
goes on from its last round. Every process computes with one thread: what comes out does
not depend on how many there are.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bundled_sessions import (
    LONGEST,
    RATES,
    SESSIONS_KEY,
    TRAINING,
    TRAINING_MINUTES,
    TYPES,
    Part,
    code_digest,
    simulate,
)
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from napari_celltype import models
from napari_celltype.files import write_atomically
from napari_celltype.models import NETWORKS, TraceClassifier
from napari_celltype.models.model import restore_classifier
from napari_celltype.models.networks import (
    Network,
    PooledNetwork,
    network_class,
    new_network,
)
from napari_celltype.models.windows import Normalization, z_score_traces

ROUNDS = {"cnn": 44, "rnn": 44, "lstm": 44, "pooled": 56}
SESSIONS_PER_ROUND = 200
BATCH_CELLS = 64
PARTS_PER_ROUND = 4  # of the sessions of a round, simulated side by side
WARM_UP = 0.1  # share of the steps in which the learning rate rises
HIGHEST_RATES = {"cnn": 2e-3, "rnn": 1e-3, "lstm": 1e-3, "pooled": 3e-3}
WEIGHT_DECAY = 0.01
LARGEST_GRADIENT = 1.0
# Of a network that takes traces of one length, and of one that takes any.
WINDOW_SECONDS, SHORTEST_SECONDS = 60, 30
# Seconds of the cells of a batch, for a network that takes one length.
LENGTHS = (60, 120, 240)
# Cells of a batch by the seconds that a network of any length sees of them; beside them
# stand cells of longer sessions, for one of the long times.
CELLS_BY_SECONDS = {30: 8, 60: 8, 120: 16, 240: 32}
LONG_SECONDS = (480, 960)
LONG_SESSIONS = 1 / 8  # for each session of a round
FIRST_LONG = 10**6  # number of the first such session
# Parts of a round that a network is trained on, where all of them take too long: the
# paper's CNN costs three times as much as any other.
PARTS_SEEN = {"cnn": 2}
SEED = 1

Task = tuple[str, Callable[..., Any], Any]
Traces = np.ndarray[Any, np.dtype[np.float32]]

_MODELS = Path(models.__file__).parent
_CODE = [_MODELS / f"{n}.py" for n in ("networks", "windows")]
CODE = f"{SESSIONS_KEY}-{code_digest(Path(__file__), *_CODE)}"


@dataclass(frozen=True)
class Training:
    """One network that is trained."""

    architecture: str
    rate: float  # Hz
    rounds: int  # of the whole training, on which the learning rates depend
    sessions: int  # of each round

    @property
    def name(self) -> str:
        """Return the name of the model, such as cnn-10hz."""
        return f"{self.architecture}-{self.rate:g}hz"

    @property
    def any_length(self) -> bool:
        """Return whether the network takes traces of any length."""
        return network_class(self.architecture).any_length

    @property
    def window_frames(self) -> int:
        """Return the frames of one window."""
        seconds = SHORTEST_SECONDS if self.any_length else WINDOW_SECONDS
        return round(seconds * self.rate)

    def path(self, work: Path) -> Path:
        """Return where its state is kept."""
        name = f"{self.name}-{self.rounds}-{self.sessions}-{CODE}.pt"
        return work / "networks" / name

    def parts(self, number: int) -> list[Part]:
        """Return the sessions of a round that every network sees."""
        each = self.sessions // PARTS_PER_ROUND
        first = number * self.sessions
        return [
            Part(TRAINING, first + k * each, each, TRAINING_MINUTES)
            for k in range(PARTS_PER_ROUND)
        ]

    def long_part(self, number: int) -> Part:
        """Return the long sessions of a round, for networks of any length."""
        sessions = round(self.sessions * LONG_SESSIONS)
        return Part(TRAINING, FIRST_LONG + number * sessions, sessions, LONGEST)

    def all_parts(self, number: int) -> list[Part]:
        """Return all sessions of a round, the longest first."""
        return [self.long_part(number), *self.parts(number)]

    def rounds_done(self, work: Path) -> int:
        """Return how many rounds are behind it."""
        path = self.path(work)
        return int(torch.load(path)["rounds"]) if path.exists() else 0


def train_round(training: Training, number: int, work: Path) -> str:
    """Train a network on the sessions of one round, from where it stands."""
    started = time.monotonic()
    network = _network(training)
    path = training.path(work)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY)
    done = 0
    if path.exists():
        state = torch.load(path)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        done = int(state["steps"])
        if int(state["rounds"]) > number:
            return "was done"
    rng = np.random.default_rng([SEED, number])
    generator = torch.Generator().manual_seed(SEED * 10**6 + number)
    cells = _Cells(training, number, work, rng)
    # All rounds hold about as many cells as this one.
    total = max(training.rounds * cells.steps, done + cells.steps)
    network.train()
    losses = []
    for step in range(cells.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(training, (done + step) / total)
        pieces, targets = cells.batch(step, rng)
        logits = _logits(network, training.window_frames, pieces, generator)
        loss = cross_entropy(logits, targets)
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
        optimizer.step()
        losses.append(loss.item())
    state = {
        "rounds": number + 1,
        "steps": done + cells.steps,
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    write_atomically(path, partial(torch.save, state))
    seconds = time.monotonic() - started
    return f"loss {np.mean(losses):.3f} of {len(cells.traces)} cells, {seconds:.0f} s"


def learning_rate(training: Training, progress: float) -> float:
    """Return the learning rate in one cycle (Smith and Topin, 2019): up, then down."""
    highest = HIGHEST_RATES[training.architecture]
    if progress < WARM_UP:
        return highest * (0.05 + 0.95 * progress / WARM_UP)
    left = (1 - progress) / (1 - WARM_UP)
    return highest * (0.005 + 0.995 * (1 - math.cos(math.pi * left)) / 2)


class _Cells:
    """The cells of a round in batches, of each of which a network sees a piece."""

    def __init__(
        self, training: Training, number: int, work: Path, rng: np.random.Generator
    ) -> None:
        self.rate = training.rate
        parts = PARTS_SEEN.get(training.architecture, PARTS_PER_ROUND)
        self.traces, self.targets = _read(
            training, training.parts(number)[:parts], work
        )
        self.steps = len(self.traces) // BATCH_CELLS
        self.order = rng.permutation(len(self.traces))
        self.any_length = training.any_length
        if self.any_length:
            part = training.long_part(number)
            self.long_traces, self.long_targets = _read(training, [part], work)
            self.long_order = rng.permutation(len(self.long_traces))

    def batch(
        self, step: int, rng: np.random.Generator
    ) -> tuple[list[Traces], torch.Tensor]:
        """Return traces (n, n_frames), of one length or several, and their types."""
        rows = np.sort(self.order[step * BATCH_CELLS : (step + 1) * BATCH_CELLS])
        traces, targets = self.traces[rows], self.targets[rows]
        if not self.any_length:
            return [self._piece(traces, int(rng.choice(LENGTHS)), rng)], targets
        ends = np.cumsum(list(CELLS_BY_SECONDS.values()))[:-1]
        pieces = [
            self._piece(part, seconds, rng)
            for part, seconds in zip(
                np.split(traces, ends), CELLS_BY_SECONDS, strict=True
            )
        ]
        each = len(self.long_traces) // self.steps
        if each:
            own = self.long_order[step * each : (step + 1) * each]
            seconds = int(rng.choice(LONG_SECONDS))
            pieces.append(self._piece(self.long_traces[own], seconds, rng))
            targets = torch.cat([targets, self.long_targets[own]])
        return pieces, targets

    def _piece(self, traces: Traces, seconds: int, rng: np.random.Generator) -> Traces:
        frames = round(seconds * self.rate)
        start = int(rng.integers(traces.shape[1] - frames + 1))
        return traces[:, start : start + frames]


def _logits(
    network: Network,
    window_frames: int,
    pieces: Sequence[Traces],
    generator: torch.Generator,
) -> torch.Tensor:
    """Return the logits of cells; a network of one length averages those of windows."""
    if isinstance(network, PooledNetwork):
        statistics = [
            network.statistics(torch.from_numpy(z_score_traces(p))) for p in pieces
        ]
        return network.logits(torch.cat(statistics), generator)
    (piece,) = pieces
    windows = piece.reshape(-1, window_frames)
    logits = network(torch.from_numpy(z_score_traces(windows)), generator)
    return logits.reshape(len(piece), -1, len(TYPES)).mean(1)


def _read(
    training: Training, parts: Sequence[Part], work: Path
) -> tuple[Traces, torch.Tensor]:
    found = []
    for part in parts:
        with np.load(simulate(part, work / "sessions")) as data:
            key = f"{training.rate:g}"
            if f"traces {key}" in data:
                found.append((data[f"traces {key}"], data[f"labels {key}"]))
    if not found:
        return np.empty((0, 0), np.float32), torch.empty(0, dtype=torch.int64)
    traces, labels = (np.concatenate(both) for both in zip(*found, strict=True))
    column = {name: number for number, name in enumerate(TYPES)}
    return traces, torch.tensor([column[str(label)] for label in labels])


def _network(training: Training) -> Network:
    generator = torch.Generator().manual_seed(SEED)
    frames = training.window_frames
    network = new_network(training.architecture, frames, len(TYPES), {}, generator)
    return network.to(memory_format=torch.channels_last)


def fitted(training: Training, work: Path) -> TraceClassifier:
    """Return a network that was trained as a classifier."""
    if training.rounds_done(work) < training.rounds:
        raise SystemExit(f"{training.name} is not trained to its end.")
    return restore_classifier(
        {
            "architecture": training.architecture,
            "epochs": 1,
            "batch_size": BATCH_CELLS,
            "learning_rate": HIGHEST_RATES[training.architecture],
            "random_state": SEED,
        },
        TYPES,
        training.window_frames,
        torch.load(training.path(work))["network"],
        Normalization("trace"),
    )


def train(trainings: Sequence[Training], work: Path, jobs: int) -> None:
    """Train networks round by round; sessions of a round are removed after it."""
    trainings = [t for t in trainings if t.rounds_done(work) < t.rounds]
    if not trainings:
        return
    first = min(t.rounds_done(work) for t in trainings)
    rounds = max(t.rounds for t in trainings)
    run(_to_simulate(trainings[0], first, work), jobs)
    for number in range(first, rounds):
        started = time.monotonic()
        tasks = [
            (f"  {t.name}", train_round, (t, number, work))
            for t in trainings
            if number < t.rounds
        ]
        if number + 1 < rounds:
            tasks += _to_simulate(trainings[0], number + 1, work)
        run(tasks, jobs)
        for part in trainings[0].all_parts(number):
            part.path(work / "sessions").unlink(missing_ok=True)
        seconds = time.monotonic() - started
        print(f"round {number + 1} of {rounds}: {seconds:.0f} s", flush=True)


def _to_simulate(training: Training, number: int, work: Path) -> list[Task]:
    return [
        ("", simulate, (part, work / "sessions")) for part in training.all_parts(number)
    ]


def all_trainings(*, quick: bool = False) -> list[Training]:
    """Return the networks that ship, the slowest first; or two, of few sessions."""
    if quick:
        return [Training(name, 10.0, 1, 8) for name in ("cnn", "pooled")]
    return [
        Training(name, rate, ROUNDS[name], SESSIONS_PER_ROUND)
        for rate in RATES
        for name in NETWORKS
    ]


def run(tasks: Sequence[Task], jobs: int) -> None:
    """Run tasks (title, function, arguments) side by side, each with one thread."""
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "1"
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _start, (CODE,)) as pool:
        titles = {pool.submit(call, *values): title for title, call, values in tasks}
        for future in as_completed(titles):
            state = future.result()
            if titles[future]:
                print(f"{titles[future]}: {state}", flush=True)


def _start(code: str) -> None:
    """Use one thread; end if files were edited since the run began."""
    torch.set_num_threads(1)
    if code != CODE:
        raise SystemExit("The code was edited while this ran; start it again.")
