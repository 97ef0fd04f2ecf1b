"""A pickle reader that can build arrays, numbers and dates, and call nothing else."""

from __future__ import annotations

import datetime
import io
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np


class Refused(Exception):
    """A pickle asks for something that data has no need of."""


class _NoClass:
    """Stands for `numpy.ndarray`, which a pickle may name but not call."""


class _Dtype:
    """A dtype of a pickle, limited to plain numbers, text and objects."""

    __slots__ = ("dtype",)

    _PLAIN = re.compile(r"[<>=|]?([biuf]\d+|b|c8|c16|O8?|[SU]\d+|[mM]8)")

    def __init__(self, text: object = None, align: object = False, copy: object = True):
        if not isinstance(text, str) or not self._PLAIN.fullmatch(text):
            raise Refused(f"it asks for the array type {str(text)[:40]!r}")
        self.dtype = np.dtype(text)

    def __setstate__(self, state: Any) -> None:
        # (version, byte order, subdtype, names, fields, itemsize, alignment, flags)
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
            dtype = kind.dtype
            if dtype.hasobject:
                array = np.empty(len(data), dtype=object)
                array[:] = data
            else:
                array = np.frombuffer(data, dtype=dtype)
            self.array = array.reshape(shape, order="F" if fortran else "C")
        except (TypeError, ValueError, AttributeError):
            raise Refused("it holds an array that contradicts itself") from None


def _reconstruct(subtype: object, shape: object, kind: object) -> _Array:
    if subtype is not _NoClass or shape != (0,):
        raise Refused("it builds an array in an unusual way")
    return _Array()


def _scalar(kind: Any, data: Any = None) -> Any:
    if not isinstance(kind, _Dtype) or kind.dtype.hasobject:
        raise Refused("it holds a number of an unknown type")
    if not isinstance(data, bytes) or len(data) != kind.dtype.itemsize:
        raise Refused("it holds a damaged number")
    return np.frombuffer(data, dtype=kind.dtype)[0]


_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _NoClass,
    ("numpy", "dtype"): _Dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy._core.multiarray", "scalar"): _scalar,
    ("datetime", "datetime"): datetime.datetime,
    ("datetime", "timedelta"): datetime.timedelta,
    ("datetime", "timezone"): datetime.timezone,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise Refused(f"it asks to call {module}.{name}") from None

    def persistent_load(self, pid: object) -> Any:
        raise Refused("it asks for an object outside the file")


def safe_unpickle(data: bytes) -> Any:
    """Read a pickle of arrays, containers, numbers, strings and dates.

    Raises
    ------
    Refused
        If the pickle names anything else; nothing has been run then.
    pickle.UnpicklingError, EOFError, ValueError, TypeError
        If it is damaged.
    """
    return _finished(_Unpickler(io.BytesIO(data)).load())


def _finished(root: Any) -> Any:
    """Replace every array slot by its array, visiting each container once."""
    holder = [root]
    stack: list[Any] = [holder]
    seen: set[int] = set()
    while stack:
        box = stack.pop()
        if id(box) in seen:
            continue
        seen.add(id(box))
        if isinstance(box, np.ndarray):
            items: Any = enumerate(box.flat)
            box = box.reshape(-1)
        else:
            items = box.items() if isinstance(box, dict) else enumerate(box)
        for key, value in list(items):
            if isinstance(value, _Array):
                value = box[key] = value.array
            if isinstance(value, tuple) and any(isinstance(v, _Array) for v in value):
                value = box[key] = tuple(
                    v.array if isinstance(v, _Array) else v for v in value
                )
            if isinstance(value, (dict, list)) or (
                isinstance(value, np.ndarray) and value.dtype.hasobject
            ):
                stack.append(value)
    return holder[0]
