"""Walk through a pickle without carrying it out, and check what it would do.

Python's own reader believes the sizes that a pickle announces: a few bytes make it fill
gigabytes of memory. So a pickle is read only after every instruction was seen to be one
that arrays and containers need, and every size to fit the file.
"""

from __future__ import annotations

from typing import NoReturn

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
