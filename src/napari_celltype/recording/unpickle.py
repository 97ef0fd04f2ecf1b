"""A pickle reader that can build arrays, numbers, dates and paths, and nothing else.

Values of a few other harmless types, which no recording needs, become `Unread`.

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
from typing import Any, NamedTuple

import numpy as np

# Bytes of an instruction with its argument -> instructions (pickletools explains them).
_FIXED = {
    1: (
        *(pickle.STOP, pickle.MARK, pickle.POP, pickle.POP_MARK, pickle.MEMOIZE),
        *(pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE),
        *(pickle.EMPTY_LIST, pickle.APPEND, pickle.APPENDS),
        *(pickle.EMPTY_TUPLE, pickle.TUPLE),
        *(pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3),
        *(pickle.EMPTY_DICT, pickle.SETITEM, pickle.SETITEMS),
        *(pickle.EMPTY_SET, pickle.ADDITEMS, pickle.FROZENSET),
        *(pickle.STACK_GLOBAL, pickle.REDUCE, pickle.BUILD),
    ),
    2: (pickle.BININT1, pickle.BINGET, pickle.BINPUT, pickle.PROTO),
    3: (pickle.BININT2,),
    5: (pickle.BININT, pickle.LONG_BINGET),
    9: (pickle.BINFLOAT, pickle.FRAME),
}
# Bytes of the number that says how long the argument is -> instructions.
_COUNTED = {
    1: (
        *(pickle.SHORT_BINSTRING, pickle.SHORT_BINBYTES, pickle.SHORT_BINUNICODE),
        pickle.LONG1,
    ),
    4: (pickle.BINBYTES, pickle.BINUNICODE),
    8: (pickle.BINBYTES8, pickle.BINUNICODE8),
}
_LONG_BINPUT, _GLOBAL, _STOP = map(
    ord, (pickle.LONG_BINPUT, pickle.GLOBAL, pickle.STOP)
)


class Refused(Exception):
    """A pickle asks for something that data has no need of."""


class Damaged(Exception):
    """A pickle contradicts itself or ends too early."""


class Unread(NamedTuple):
    """Stands for a value of a type that is not read."""

    type_name: str


def _table(lengths: dict[int, tuple[bytes, ...]]) -> list[int]:
    """Return the length for each of the 256 codes, 0 where there is none."""
    table = [0] * 256
    for length, codes in lengths.items():
        for code in codes:
            table[ord(code)] = length
    return table


_LENGTH, _COUNT_BYTES = _table(_FIXED), _table(_COUNTED)


def _scan(data: bytes) -> None:
    """Refuse a pickle with an instruction that data do not need, or a false size."""
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
                raise Refused("it claims a table that is far larger than the file")
            at += 5
        elif code == _GLOBAL:
            module_end = data.find(b"\n", at)
            name_end = data.find(b"\n", module_end + 1)
            if module_end < 0 or name_end < 0:
                break
            at = name_end + 1
        else:
            raise Refused(
                f"it holds the instruction {bytes([code])!r}, which data never need"
            )
    raise Refused("it ends before its content does, or announces more than it holds")


class _Room:
    """Limits what a pickle may copy: what it holds once can be named many times."""

    def __init__(self, n_bytes: int) -> None:
        self._left = (1 << 20) + 16 * n_bytes

    def take(self, n_bytes: int) -> None:
        self._left -= n_bytes
        if self._left < 0:
            raise Refused("it asks for far more memory than its content needs")


class _Builder:
    """A name that a pickle may call, closed against being changed by the pickle."""

    __slots__ = ("_room", "build")

    def __init__(self, build: Callable[..., Any], room: _Room) -> None:
        self.build, self._room = build, room

    def __call__(self, *args: Any) -> Any:
        built = self.build(*args)
        if isinstance(built, (str, bytes)):
            self._room.take(len(built))
        elif isinstance(built, _Array):
            built.room = self._room
        return built

    def __setstate__(self, state: object) -> None:
        raise Refused("it tries to change the reader")


class _Dtype:
    """A dtype of a pickle, limited to numbers, text and objects."""

    __slots__ = ("dtype",)

    _PLAIN = re.compile(
        r"[<>=|]?(b1|[iu][1248]|f(2|4|8|16)|c(8|16)|[mM]8|O8?|[SU]\d{1,6})"
    )

    def __init__(self, text: object, align: object = False, copy: object = True):
        if not isinstance(text, str) or not self._PLAIN.fullmatch(text):
            what = text[:40] if isinstance(text, str) else type(text).__name__
            raise Refused(f"it asks for the array type {what!r}")
        self.dtype = np.dtype(text)

    def __setstate__(self, state: Any) -> None:
        # (version, byte order, subdtype, names, fields, item size, alignment, flags)
        if not isinstance(state, tuple) or len(state) < 5 or any(state[2:5]):
            raise Refused("it asks for a structured array type")
        if state[1] == ">":
            self.dtype = self.dtype.newbyteorder(">")


class _Array:
    """An array being read; `safe_unpickle` puts the finished one in its place."""

    __slots__ = ("array", "room")

    def __init__(self) -> None:
        self.array: np.ndarray[Any, Any] = np.empty(0)
        self.room = _Room(0)

    def __setstate__(self, state: Any) -> None:
        try:
            _version, shape, kind, fortran, data = state
            if not isinstance(kind, _Dtype):
                raise Refused("it holds an array without a type")
            if kind.dtype.hasobject:
                self.room.take(kind.dtype.itemsize * len(data))
                array = np.fromiter(data, dtype=object, count=len(data))
                self.array = array.reshape(shape)
            else:
                array = np.frombuffer(data, dtype=kind.dtype)
                self.array = array.reshape(shape, order="F" if fortran else "C")
        except (TypeError, ValueError):
            raise Refused("it holds an array that contradicts itself") from None


def _reconstruct(subtype: object, shape: object, kind: object) -> _Array:
    if getattr(subtype, "build", None) is not _ndarray or shape != (0,):
        raise Refused("it builds an array in an unusual way")
    return _Array()


def _scalar(kind: Any, data: Any) -> Any:
    if not isinstance(kind, _Dtype) or kind.dtype.hasobject:
        raise Refused("it holds a number of an unknown type")
    if not isinstance(data, bytes) or len(data) != kind.dtype.itemsize:
        raise Refused("it holds a damaged number")
    if kind.dtype.kind in "mM":
        return Unread("time")
    return np.frombuffer(data, dtype=kind.dtype)[0]


def _ndarray(*args: object) -> Any:
    raise Refused("it builds an array in an unusual way")


def _encode(text: object, encoding: object) -> bytes:
    """Return the bytes that pickles of protocol 2, of old NumPy, keep as text."""
    if not isinstance(text, str) or encoding != "latin1":
        raise Refused("it holds bytes in an unusual way")
    return text.encode("latin1")


def _no_bytes(*args: object) -> bytes:
    if args:
        raise Refused("it holds bytes in an unusual way")
    return b""


def _unread(name: str) -> Callable[..., Unread]:
    return lambda *args: Unread(name)


def _path(*parts: object) -> str:
    """Return a path as text, because it may be of another operating system."""
    # The text of nested tuples can be far longer than they are.
    if not all(isinstance(part, str) for part in parts):
        raise Refused("it holds a path in an unusual way")
    return "/".join(map(str, parts))


_PATHS = ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
_UNREAD = ("set", "frozenset", "slice", "complex", "bytearray", "range", "xrange")
_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _ndarray,
    ("numpy", "dtype"): _Dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy._core.multiarray", "scalar"): _scalar,
    ("datetime", "datetime"): datetime.datetime,
    ("datetime", "timedelta"): datetime.timedelta,
    ("datetime", "timezone"): datetime.timezone,
    ("datetime", "date"): _unread("date"),
    ("datetime", "time"): _unread("time"),
    ("_codecs", "encode"): _encode,
    ("__builtin__", "bytes"): _no_bytes,
    **{("pathlib", name): _path for name in _PATHS},
    **{("pathlib._local", name): _path for name in _PATHS},
    **{("builtins", name): _unread(name) for name in _UNREAD},
    **{("__builtin__", name): _unread(name) for name in _UNREAD},
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self._room = _Room(len(data))

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _Builder(_ALLOWED[module, name], self._room)
        except KeyError:
            raise Refused(f"it asks to call {module}.{name}") from None


def safe_unpickle(data: bytes) -> Any:
    """Read a pickle of arrays (read-only), containers, numbers, strings, dates, paths.

    `Refused` if it asks for anything else, of which nothing has been run then;
    `Damaged` if it contradicts itself.
    """
    _scan(data)
    try:
        with _garbage_collection_paused():
            return _finished(_Unpickler(data).load(), {})
    except (
        *(pickle.UnpicklingError, ArithmeticError, AttributeError, EOFError),
        *(LookupError, MemoryError, RecursionError, TypeError, ValueError),
    ) as error:
        raise Damaged(str(error) or type(error).__name__) from None


@contextmanager
def _garbage_collection_paused() -> Iterator[None]:
    """Save half of the time: the collector would walk through all new objects."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _finished(value: Any, done: dict[int, tuple[Any, Any]]) -> Any:
    """Return a value in which every array being read is replaced by its array."""
    if type(value) in (set, frozenset):
        return Unread(type(value).__name__)
    if type(value) is _Array:
        value = value.array
        if value.dtype.kind in "mM":
            return Unread("time")
        if not value.dtype.hasobject:
            return value
    kind = type(value)
    if kind not in (dict, list, tuple, np.ndarray):
        return value
    # Each container is kept beside its id, so that no id is given away again.
    if id(value) in done:
        return done[id(value)][1]
    if kind is tuple:
        finished = tuple(_finished(part, done) for part in value)
        done[id(value)] = value, finished
        return finished
    done[id(value)] = value, value
    items = value.reshape(-1) if kind is np.ndarray else value
    for key in list(items) if kind is dict else range(len(items)):
        items[key] = _finished(items[key], done)
    return value
