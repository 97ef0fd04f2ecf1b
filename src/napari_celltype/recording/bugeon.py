"""Reader of the public folders of Bugeon et al. 2022, ``MOUSE/DATE``.

A date has one list of neurons, typed by their genes, and the activity of all of them in
``STIMULUS/NN/frame.neuralActivity.npy``, (frames, neurons), which are joined here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_celltype.errors import RecordingError
from napari_celltype.findings import Finding
from napari_celltype.recording.npy import (
    file_stamp,
    load_npy,
    open_for_reading,
)
from napari_celltype.recording.recording import (
    NO_MASKS,
    SAME_RATE,
    UNKNOWN,
    Pipeline,
    Recording,
    Traces,
    possible_rate,
    rate_and_gaps,
    segments_between,
)
from napari_celltype.recording.traces import FileTraces, JoinedTraces

NAME = "Bugeon"
LOOKED_FOR = "MOUSE/DATE with neuron.ttype.txt"
CITATION = "Bugeon et al., Nature 607:330-338, 2022"
SUFFIXES: tuple[str, ...] = ()

_TYPES, _PROBABILITIES, _IDS = (
    f"neuron.{name}" for name in ("ttype.txt", "prob_ttypes.npy", "UniqueID.npy")
)
_ACTIVITY, _TIMES = "frame.neuralActivity.npy", "frame.times.npy"
_MOST_TEXT = 1 << 24  # bytes of the list of types
# Excitatory cells; interneurons that were not typed (IN) are called as they are here.
_EXCITATORY, _UNTYPED = "EC", "IN"
# Below that, the type of a neuron is in doubt.
_LEAST_PROBABILITY = 0.5
# Events are never negative, and mostly zero; fluorescence is hardly ever just zero.
_MOST_ZEROS, _N_LOOKED_AT = 0.25, 50


def find_planes(path: Path) -> list[Path]:
    """Return the folder of the date that a path is or lies in."""
    near = (path, *path.parents[:3]) if path.exists() else ()
    return [p for p in near if (p / _TYPES).is_file()][:1]


def planes_among(folder: Path, names: Collection[str]) -> list[Path]:
    """Return the folder if it is a date."""
    return [folder] if _TYPES in names else []


def plane_number(plane: Path) -> int:
    """Return 0: the neurons of all planes are in one list."""
    return 0


def session_folder(path: Path) -> Path:
    """Return the folder of the date."""
    return path.parent if path.name == _TYPES else path


def is_own_file(path: Path) -> bool:
    """Tell whether a file is one of the data set."""
    return path.name in (_TYPES, _PROBABILITIES, _IDS, _ACTIVITY, _TIMES)


def why_not(names: Sequence[str]) -> str | None:
    """Say what a folder lacks that holds one stimulus alone."""
    if _ACTIVITY in names:
        return f"its activity needs {_TYPES} of the folder MOUSE/DATE above"
    return None


def open_plane(plane: Path, sampling_frequency: float | None) -> Recording:
    """Open a date."""
    warnings: list[Finding] = []
    with open_for_reading(plane / _TYPES) as file:
        words = file.read(_MOST_TEXT).decode(errors="replace").split("\n")
    words = [word.strip() for word in words]
    while words and not words[-1]:
        words.pop()
    parts, joins, rate, names = _join(plane, len(words), warnings)
    traces = JoinedTraces(parts)
    kind = _kind(parts[0], warnings)
    warnings.append(NO_MASKS)
    texts, found = _roi_texts(plane, words, warnings)
    files = [plane / _TYPES, *found, *names]
    stamps = {file: stamp for file in files if (stamp := file_stamp(file))}
    rate = possible_rate(rate, plane, warnings)
    place = plane.absolute()
    recording = Recording(
        raw_traces=traces,
        sampling_frequency=rate,
        sampling_frequency_source=_TIMES if rate else UNKNOWN,
        segments=segments_between(joins, np.zeros(traces.shape[1], dtype=bool)),
        boundaries=tuple(joins),
        path=plane,
        pipeline=Pipeline(NAME, None, CITATION),
        files=stamps,
        trace_kind=kind,
        facts={"subject_id": place.parent.name, "session_id": place.name},
        roi_texts=texts,
        warnings=tuple(warnings),
    )
    return recording.with_sampling_frequency(sampling_frequency)


def _join(
    plane: Path, n_neurons: int, warnings: list[Finding]
) -> tuple[list[FileTraces], list[int], float | None, list[Path]]:
    """Return the activity of all stimuli, where it is joined, its rate and files."""
    known = []
    for path in sorted(plane.glob(f"*/*/{_ACTIVITY}")):
        part, times = FileTraces(path, frames_first=True), path.with_name(_TIMES)
        rate, gaps = None, list[int]()
        if times.is_file():
            values = _numbers(times, part.shape[1])
            rate, gaps = (None, []) if values is None else rate_and_gaps(values)
        known.append((path, part, rate, gaps))
    rates = [rate for *_, rate, _ in known if rate is not None]
    usual = float(np.median(rates)) if rates else None
    parts, joins, files, unlike, n_frames = [], list[int](), list[Path](), [], 0
    for path, part, rate, gaps in known:
        is_same = rate is None or usual is None or abs(rate / usual - 1) <= SAME_RATE
        if len(part) != n_neurons or not is_same:
            unlike.append("/".join(path.parts[-3:-1]))
            continue
        joins += [n_frames, *(n_frames + gap for gap in gaps)]
        n_frames += part.shape[1]
        parts.append(part)
        files += [path, path.with_name(_TIMES)]
    if not parts:
        raise RecordingError(
            f"{plane} holds no STIMULUS/NN/{_ACTIVITY} of {n_neurons} neurons, as many "
            f"as {_TYPES} lists; copy or fetch the folder again."
        )
    if unlike:
        sentence = (
            f"{', '.join(unlike[:5])} ({len(unlike)} of {len(known)} stimuli) have "
            f"another number of neurons than {_TYPES}, or another frame rate; left out."
        )
        warnings.append(Finding("stimuli-unlike-types", sentence))
    return parts, joins, usual, files


def _numbers(path: Path, n: int) -> NDArray[Any] | None:
    """Read one number for each of n; None where the file holds none."""
    values = load_npy(path)
    fits = values.dtype.kind in "fiu" and values.size == n
    return np.array(values, dtype=np.float64).reshape(-1) if fits else None


def _kind(part: Traces, warnings: list[Finding]) -> str:
    """Return what the values are, by a look at them; the files do not say it."""
    rows = np.unique(np.linspace(0, part.shape[0] - 1, _N_LOOKED_AT).astype(int))
    values = part[rows]
    zeros = float((values == 0).mean())
    if zeros > _MOST_ZEROS and not (values < 0).any():
        sentence = (
            f"The values are events and not fluorescence, as none is negative and "
            f"{100 * zeros:.0f} % are zero; the bundled models learnt fluorescence, so "
            f"trust a model that was trained on such events."
        )
        warnings.append(Finding("events", sentence))
        return "deconvolved events"
    sentence = (
        f"The files do not say what {_ACTIVITY} is, raw fluorescence or dF/F; trust a "
        f"model that was trained on it."
    )
    warnings.append(Finding("kind-unknown", sentence))
    return "activity of a kind that the files do not say"


def _roi_texts(
    plane: Path, words: Sequence[str], warnings: list[Finding]
) -> tuple[dict[str, tuple[str, ...]], list[Path]]:
    """Return types and identities of neurons, and the files that they are from."""
    n = len(words)
    files = [p for p in (plane / _PROBABILITIES, plane / _IDS) if p.is_file()]
    is_sure, cells = np.zeros(n, dtype=bool), ("",) * n
    if plane / _PROBABILITIES in files:
        values = load_npy(plane / _PROBABILITIES)
        if values.dtype.kind == "f" and values.size and values.shape[:1] == (n,):
            is_sure = values.reshape(n, -1).max(axis=1) > _LEAST_PROBABILITY
    if plane / _IDS in files and (ids := _numbers(plane / _IDS, n)) is not None:
        # Only neurons that were found again among the sequenced ones have one.
        is_sure &= np.isfinite(ids)
        cells = tuple(f"{v:g}" if np.isfinite(v) else "" for v in ids.tolist())
    typed = [word not in ("", _EXCITATORY, _UNTYPED) for word in words]
    n_unsure = int((typed & ~is_sure).sum())
    if n_unsure:
        sentence = (
            f"{n_unsure} of {sum(typed)} neurons of a type have no probability of it "
            f"above {_LEAST_PROBABILITY:g} or no identity; they have no label."
        )
        warnings.append(Finding("types-in-doubt", sentence))
    labels = tuple(
        # Pvalb-Vipr2 is a subtype of Pvalb.
        "PY" if word == _EXCITATORY else word.partition("-")[0] * (sure or not is_type)
        for word, is_type, sure in zip(words, typed, is_sure.tolist(), strict=True)
    )
    texts = {"label": labels, "cell_id": cells}
    return {name: text for name, text in texts.items() if any(text)}, files
