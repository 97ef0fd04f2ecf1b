"""A pickle reader that can build arrays, numbers, dates and paths, and nothing else."""

from __future__ import annotations

import datetime
import gc
import io
import pickle
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from napari_celltype.recording.pickle_scan import Refused, scan_pickle


class _Builder:
    """A name that a pickle may call, closed against being changed by the pickle."""

    __slots__ = ("_build",)

    def __init__(self, build: Callable[..., Any]) -> None:
        self._build = build

    def __call__(self, *args: Any) -> Any:
        return self._build(*args)

    def __setstate__(self, state: object) -> None:
        raise Refused("it tries to change the reader")


class _Dtype:
    """A dtype of a pickle, limited to numbers, text and objects."""

    __slots__ = ("dtype",)

    _PLAIN = re.compile(r"[<>=|]?(b1|[iu][1248]|f(2|4|8|16)|c(8|16)|O8?|[SU]\d{1,6})")

    def __init__(self, text: object, align: object = False, copy: object = True):
        if not isinstance(text, str) or not self._PLAIN.fullmatch(text):
            raise Refused(f"it asks for the array type {str(text)[:40]!r}")
        self.dtype = np.dtype(text)

    def __setstate__(self, state: Any) -> None:
        # (version, byte order, subdtype, names, fields, item size, alignment, flags)
        if not isinstance(state, tuple) or len(state) < 5:
            raise Refused("it describes an array type in an unknown way")
        if any(part is not None for part in state[2:5]):
            raise Refused("it asks for a structured array type")
        if state[1] == ">":
            self.dtype = self.dtype.newbyteorder(">")


class _Array:
    """An array being read; `safe_unpickle` puts the finished one in its place."""

    __slots__ = ("array",)

    def __init__(self) -> None:
        self.array: np.ndarray[Any, Any] = np.empty(0)

    def __setstate__(self, state: Any) -> None:
        try:
            _version, shape, kind, fortran, data = state
            if not isinstance(kind, _Dtype):
                raise Refused("it holds an array without a type")
            if kind.dtype.hasobject:
                array = np.fromiter(data, dtype=object, count=len(data))
                self.array = array.reshape(shape)
            else:
                array = np.frombuffer(data, dtype=kind.dtype)
                self.array = array.reshape(shape, order="F" if fortran else "C")
        except (TypeError, ValueError):
            raise Refused("it holds an array that contradicts itself") from None


def _reconstruct(subtype: object, shape: object, kind: object) -> _Array:
    if subtype is not _NDARRAY or shape != (0,):
        raise Refused("it builds an array in an unusual way")
    return _Array()


def _scalar(kind: Any, data: Any) -> Any:
    if not isinstance(kind, _Dtype) or kind.dtype.hasobject:
        raise Refused("it holds a number of an unknown type")
    if not isinstance(data, bytes) or len(data) != kind.dtype.itemsize:
        raise Refused("it holds a damaged number")
    return np.frombuffer(data, dtype=kind.dtype)[0]


def _not_callable(*args: object) -> Any:
    raise Refused("it builds an array in an unusual way")


def _path(*parts: object) -> str:
    """Return a path as text, because it may be of another operating system."""
    return "/".join(str(part) for part in parts)


_NDARRAY = _Builder(_not_callable)
_PATHS = ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
_ALLOWED: dict[tuple[str, str], _Builder] = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _Builder(_Dtype),
    ("numpy.core.multiarray", "_reconstruct"): _Builder(_reconstruct),
    ("numpy._core.multiarray", "_reconstruct"): _Builder(_reconstruct),
    ("numpy.core.multiarray", "scalar"): _Builder(_scalar),
    ("numpy._core.multiarray", "scalar"): _Builder(_scalar),
    ("datetime", "datetime"): _Builder(datetime.datetime),
    ("datetime", "timedelta"): _Builder(datetime.timedelta),
    ("datetime", "timezone"): _Builder(datetime.timezone),
    **{("pathlib", name): _Builder(_path) for name in _PATHS},
    **{("pathlib._local", name): _Builder(_path) for name in _PATHS},
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise Refused(f"it asks to call {module}.{name}") from None


class Damaged(Exception):
    """A pickle contradicts itself or ends too early."""


def safe_unpickle(data: bytes) -> Any:
    """Read a pickle of arrays, containers, numbers, strings, dates and paths.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    object
        Arrays of numbers are read-only; paths are strings.

    Raises
    ------
    Refused
        If the pickle asks for anything else; nothing of it has been run then.
    Damaged
        If it contradicts itself.
    """
    scan_pickle(data)
    try:
        with _garbage_collection_paused():
            return _finished(_Unpickler(io.BytesIO(data)).load())
    except (
        pickle.UnpicklingError,
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        MemoryError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise Damaged(str(error) or type(error).__name__) from None


@contextmanager
def _garbage_collection_paused() -> Iterator[None]:
    """Keep the collector from walking through all new objects again and again.

    Nothing that is made here is garbage, and looking for it takes half of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _finished(root: Any) -> Any:
    """Replace every array being read by its array, visiting each container once."""
    holder = [root]
    stack: list[Any] = [holder]
    # The containers are kept beside their ids, so that no id is given away again.
    seen: dict[int, Any] = {}
    tuples: dict[int, tuple[Any, Any]] = {}
    while stack:
        box = stack.pop()
        if id(box) in seen:
            continue
        seen[id(box)] = box
        if isinstance(box, np.ndarray):
            box = box.reshape(-1)
        keys = list(box) if isinstance(box, dict) else range(len(box))
        for key in keys:
            value = box[key]
            if type(value) is _Array:
                value = box[key] = value.array
            elif type(value) is tuple:
                value = box[key] = _finished_tuple(value, tuples, stack)
            _push(value, stack)
    return holder[0]


def _push(value: Any, stack: list[Any]) -> None:
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            stack.append(value)
    elif isinstance(value, (dict, list)):
        stack.append(value)


def _finished_tuple(
    value: tuple[Any, ...], known: dict[int, tuple[Any, Any]], stack: list[Any]
) -> tuple[Any, ...]:
    if id(value) not in known:
        parts = []
        for part in value:
            if type(part) is _Array:
                part = part.array
            elif type(part) is tuple:
                part = _finished_tuple(part, known, stack)
            _push(part, stack)
            parts.append(part)
        known[id(value)] = (value, tuple(parts))
    finished: tuple[Any, ...] = known[id(value)][1]
    return finished
