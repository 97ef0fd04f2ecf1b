"""A pickle reader that can build arrays, numbers, dates and paths, and nothing else.

Python's own reader believes the sizes that a pickle announces: a few bytes make it fill
gigabytes of memory. So a pickle is read only after every instruction was seen to be one
that arrays and containers need, and every size to fit the file.
"""

from __future__ import annotations

import datetime
import gc
import io
import pickle
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np

# Instruction -> length with its argument (Python's pickletools lists them all).
_FIXED = {
    b".": 1,  # STOP
    b"(": 1,  # MARK
    b"0": 1,  # POP
    b"1": 1,  # POP_MARK
    b"N": 1,  # NONE
    b"\x88": 1,  # NEWTRUE
    b"\x89": 1,  # NEWFALSE
    b"K": 2,  # BININT1
    b"M": 3,  # BININT2
    b"J": 5,  # BININT
    b"G": 9,  # BINFLOAT
    b"]": 1,  # EMPTY_LIST
    b"a": 1,  # APPEND
    b"e": 1,  # APPENDS
    b")": 1,  # EMPTY_TUPLE
    b"t": 1,  # TUPLE
    b"\x85": 1,  # TUPLE1
    b"\x86": 1,  # TUPLE2
    b"\x87": 1,  # TUPLE3
    b"}": 1,  # EMPTY_DICT
    b"s": 1,  # SETITEM
    b"u": 1,  # SETITEMS
    b"h": 2,  # BINGET
    b"j": 5,  # LONG_BINGET
    b"q": 2,  # BINPUT
    b"\x94": 1,  # MEMOIZE
    b"\x93": 1,  # STACK_GLOBAL
    b"R": 1,  # REDUCE
    b"b": 1,  # BUILD
    b"\x80": 2,  # PROTO
    b"\x95": 9,  # FRAME
}
# Instruction -> bytes of the number that says how long its argument is.
_COUNTED = {
    b"U": 1,  # SHORT_BINSTRING
    b"C": 1,  # SHORT_BINBYTES
    b"B": 4,  # BINBYTES
    b"\x8e": 8,  # BINBYTES8
    b"\x8c": 1,  # SHORT_BINUNICODE
    b"X": 4,  # BINUNICODE
    b"\x8d": 8,  # BINUNICODE8
    b"\x8a": 1,  # LONG1
}
_LONG_BINPUT = ord("r")
_GLOBAL = ord("c")
_STOP = ord(".")


class Refused(Exception):
    """A pickle asks for something that data has no need of."""


def _table(lengths: dict[bytes, int]) -> list[int]:
    return [lengths.get(bytes([code]), 0) for code in range(256)]


_LENGTH, _COUNT_BYTES = _table(_FIXED), _table(_COUNTED)


def scan_pickle(data: bytes) -> None:
    """Check every instruction of a pickle up to its end.

    Raises
    ------
    Refused
        If one is not needed for data, or announces more than the file holds.
    """
    length, count_bytes, size = _LENGTH, _COUNT_BYTES, len(data)
    at = n_seen = 0
    while at < size:
        code = data[at]
        n_seen += 1
        step = length[code]
        if step:
            if code == _STOP:
                return
            at += step
        elif count_bytes[code]:
            start = at + 1 + count_bytes[code]
            at = start + int.from_bytes(data[at + 1 : start], "little")
        elif code == _LONG_BINPUT:
            # The reader makes a table as long as the largest number that it meets.
            if int.from_bytes(data[at + 1 : at + 5], "little") > n_seen:
                _refuse("it claims a table that is far larger than the file")
            at += 5
        elif code == _GLOBAL:
            module_end = data.find(b"\n", at)
            name_end = data.find(b"\n", module_end + 1)
            if module_end < 0 or name_end < 0:
                break
            at = name_end + 1
        else:
            _refuse(
                f"it holds the instruction {bytes([code])!r}, which data never need"
            )
    _refuse("it ends before its content does, or announces more than it holds")


def _refuse(finding: str) -> NoReturn:
    raise Refused(finding)


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
