"""The fenced loader: what suite2p writes is read, everything else is refused."""

import codecs
import datetime
import io
import pathlib
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_celltype.errors import RecordingError
from napari_celltype.recording import load_npy, load_npz
from napari_celltype.recording.npy import open_for_reading, read_exactly

MEMORY_OF_PROCESS = Path("/proc/self/mem")
HEADER = b"{'descr': '|O', 'fortran_order': False, 'shape': (), }"


def object_npy(path, pickled, header=HEADER):
    """Write an object array file with any pickle behind its header."""
    padded = header.ljust(117) + b"\n"
    magic = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded))
    path.write_bytes(magic + padded + pickled)
    return path


class Call:
    """Pickles as a call of any function, as an attacker would write it."""

    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


def system_call(canary):
    import os

    return pickle.dumps(Call(os.system, f"touch '{canary}'"))


def evaluated(canary):
    return pickle.dumps(Call(eval, f"open({str(canary)!r}, 'w')"))


def nested_reduce(canary):
    """A call hidden in a dict in an array in a dict."""
    inner = np.empty(1, dtype=object)
    inner[0] = {"lam": Call(exec, f"open({str(canary)!r}, 'w')")}
    return pickle.dumps({"ypix": inner})


def dotted_name(canary):
    """numpy.core.multiarray is allowed; a dotted name climbs out of it."""
    name = b"".join(
        b"\x8c" + bytes([len(part)]) + part
        for part in (b"numpy.core.multiarray", b"_reconstruct.__globals__.get")
    )
    return b"\x80\x04" + name + b"\x93\x8c\x02os\x85R."


def callable_array(canary):
    """ndarray(shape) itself takes any amount of memory."""
    return b"\x80\x03cnumpy\nndarray\n\x8a\x05\x00\x00\x00\x00\x10\x85R."


def huge_reconstruct(canary):
    return (
        b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
        b"\x8a\x05\x00\x00\x00\x00\x10\x85C\x01b\x87R."
    )


def memo_bomb(canary):
    """Eight bytes that make Python's own reader fill 16 GB of memory."""
    return b"\x80\x03Nr\xff\xff\xff\x7f."


def size_claim(canary):
    return b"\x80\x04\x8e" + struct.pack("<Q", 1 << 45) + b"abc."


def structured_dtype(canary):
    """Field offsets in a pickled dtype may point anywhere in memory."""
    state = (3, "|", None, ("a",), {"a": (np.dtype("f8"), 1 << 40)}, 8, 1, 0)
    dtype = b"\x80\x03cnumpy\ndtype\nX\x02\x00\x00\x00V8\x89\x88\x87R"
    return dtype + pickle.dumps(state, protocol=3)[2:-1] + b"b."


def change_of_reader(canary):
    """BUILD on an allowed function would change its attributes for good."""
    return (
        b"\x80\x03cnumpy.core.multiarray\nscalar\n"
        b"N}X\x0c\x00\x00\x00__defaults__K\x01s\x86b."
    )


def persistent_id(canary):
    return b"\x80\x03Pwhatever\n."


def extension_code(canary):
    return b"\x80\x03\x82\x01."


def endless_scan(canary):
    """A name without its end, behind one with an end: a reader may go in circles."""
    return b"\x80\x03cnumpy\ndtype\n0cnumpy"


def encoding_with_code(canary):
    """The right name, with a codec that decompresses: a bomb."""
    return pickle.dumps(Call(codecs.encode, b"x", "zlib"))


def encoding_of_text(canary):
    return pickle.dumps(Call(codecs.encode, "x", "rot13"), protocol=2)


def decoding(canary):
    return b"\x80\x02c_codecs\ndecode\nX\x01\x00\x00\x00xX\x03\x00\x00\x00hex\x86R."


def bytes_by_number(canary):
    """bytes(n) takes any amount of memory, and so does bytearray(n)."""
    return b"\x80\x02c__builtin__\nbytes\nJ\xff\xff\xff\x7f\x85R."


def bytes_again_and_again(canary):
    """One text, made into bytes a hundred thousand times: 100 GB."""
    parts = (
        b"c_codecs\nencode\n",
        b"X" + struct.pack("<I", 1 << 20) + b"x" * (1 << 20) + b"X\x06\0\0\0latin1\x86",
    )
    kept = b"".join(part + b"q" + bytes([i]) + b"0" for i, part in enumerate(parts))
    return b"\x80\x02" + kept + b"](" + b"h\x00h\x01R" * 100_000 + b"e."


def array_again_and_again(canary):
    """One list, made into object arrays ten thousand times: 8 GB."""
    parts = (
        b"](" + b"N" * 100_000 + b"e",
        b"cnumpy\ndtype\nX\x02\x00\x00\x00O8\x89\x88\x87R",
        b"(K\x01J" + struct.pack("<I", 100_000) + b"\x85h\x01\x89h\x00t",
        b"cnumpy.core.multiarray\n_reconstruct\n",
        b"cnumpy\nndarray\n",
    )
    kept = b"".join(part + b"q" + bytes([i]) + b"0" for i, part in enumerate(parts))
    array = b"h\x03h\x04K\x00\x85C\x01b\x87Rh\x02b"
    return b"\x80\x03" + kept + b"](" + array * 10_000 + b"e."


def path_of_doubling_tuples(canary):
    """A path whose text is 16 GB long, of tuples that each hold the last one twice."""
    doubled = b"X\x01\x00\x00\x00x\x85" + b"2\x86" * 30
    return b"\x80\x02cpathlib\nPurePosixPath\n" + doubled + b"\x85R."


def set_from_a_name(canary):
    return pickle.dumps({"a": {1}, "b": Call(eval, "1")}, protocol=2)


def numpy_load(canary):
    return pickle.dumps(Call(np.load, str(canary)))


HOSTILE = [
    system_call,
    evaluated,
    nested_reduce,
    dotted_name,
    callable_array,
    huge_reconstruct,
    memo_bomb,
    size_claim,
    structured_dtype,
    change_of_reader,
    persistent_id,
    extension_code,
    endless_scan,
    numpy_load,
    encoding_with_code,
    encoding_of_text,
    decoding,
    bytes_by_number,
    bytes_again_and_again,
    array_again_and_again,
    set_from_a_name,
    path_of_doubling_tuples,
]


@pytest.mark.parametrize("attack", HOSTILE, ids=lambda attack: attack.__name__)
def test_hostile_objects_are_refused_and_nothing_runs(attack, tmp_path):
    canary = tmp_path / "canary"
    path = object_npy(tmp_path / "stat.npy", attack(canary))
    with pytest.raises(RecordingError, match=r"stat\.npy was refused, and nothing"):
        load_npy(path)
    assert not canary.exists()


def test_the_canary_would_have_died(tmp_path):
    """The system call is a live one: Python's own reader does run it."""
    canary = tmp_path / "canary"
    pickle.loads(system_call(canary))  # noqa: S301
    assert canary.exists()


def test_raw_pickle_named_npy_is_refused(tmp_path):
    canary = tmp_path / "canary"
    path = tmp_path / "stat.npy"
    path.write_bytes(system_call(canary))
    with pytest.raises(RecordingError, match=r"not a NumPy \.npy file"):
        load_npy(path)
    assert not canary.exists()


def header_of(shape, descr="'<f4'"):
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': ({shape}), }}"
    return text.encode()


IMPOSSIBLE_HEADERS = {
    "terabytes": header_of("1000000, 1000000"),
    "astronomic": header_of("9" * 31 + ","),
    "no bytes": header_of("1000000000000,", "'|S0'"),
    "negative": header_of("-5, 4"),
    "too long beside 0": header_of("0, 9223372036854775808"),
    "bool": header_of("True, 3"),
    "40 axes": header_of("1," * 40),
    "subarray": header_of("1,", "('<f4', (2, 2))"),
    "code": b"__import__('os').system('true')",
    "nesting": b"(" * 100,
}


@pytest.mark.parametrize(
    "header", IMPOSSIBLE_HEADERS.values(), ids=IMPOSSIBLE_HEADERS.keys()
)
def test_impossible_header_is_refused_before_memory_is_taken(header, tmp_path):
    path = object_npy(tmp_path / "F.npy", b"\0" * 16, header)
    with pytest.raises(RecordingError, match=r"F\.npy (is|announces)"):
        load_npy(path)


def test_truncated_array_is_refused(tmp_path):
    path = tmp_path / "F.npy"
    np.save(path, np.zeros((10, 100), np.float32))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(RecordingError, match="truncated: it announces 4,000 bytes"):
        load_npy(path)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.99])
def test_truncated_objects_are_refused(keep, tmp_path):
    path = tmp_path / "ops.npy"
    np.save(path, np.array({"fs": 30.0, "mean": np.zeros((9, 9))}, dtype=object))
    data = path.read_bytes()
    path.write_bytes(data[: 128 + int(keep * (len(data) - 128))])
    with pytest.raises(RecordingError, match=r"ops\.npy"):
        load_npy(path)


def test_objects_come_back_as_numpy_wrote_them(tmp_path):
    content = {
        "fs": 30.0,
        "big": 10**30,
        "ypix": np.arange(5),
        "swapped": np.arange(3, dtype=">f4"),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "flags": np.array([True, False]),
        "names": np.array(["a", "bc"]),
        "scalar": np.float32(1.5),
        "when": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
        "pair": (np.ones(2), [np.zeros(1), {"deep": (np.ones(1), "x")}]),
        "objects": np.array([None, {"a": np.arange(2)}], dtype=object),
        "empty": np.empty((0, 4)),
    }
    path = tmp_path / "ops.npy"
    np.save(path, np.array(content, dtype=object))
    assert_same(load_npy(path).item(), content)


def assert_same(found, wanted):
    assert type(found) is type(wanted)
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        for key in wanted:
            assert_same(found[key], wanted[key])
    elif isinstance(wanted, (list, tuple)):
        for one, other in zip(found, wanted, strict=True):
            assert_same(one, other)
    elif isinstance(wanted, np.ndarray):
        assert found.dtype == wanted.dtype
        assert found.shape == wanted.shape
        for one, other in zip(found.flat, wanted.flat, strict=True):
            assert_same(one, other)
    else:
        assert found == wanted


def test_a_path_in_settings_is_read_as_text(tmp_path):
    path = tmp_path / "ops.npy"
    np.save(path, np.array({"save_path": pathlib.Path("a") / "b"}, dtype=object))
    assert load_npy(path).item() == {"save_path": "a/b"}


def test_an_array_used_twice_is_one_array(tmp_path):
    shared = np.arange(4)
    path = tmp_path / "ops.npy"
    np.save(path, np.array({"a": shared, "b": shared}, dtype=object))
    settings = load_npy(path).item()
    assert settings["a"] is settings["b"]


def test_a_list_that_holds_itself_ends(tmp_path):
    loop: list[Any] = []
    loop.append(loop)
    path = object_npy(tmp_path / "ops.npy", pickle.dumps(np.array({"loop": loop})))
    found = load_npy(path).item()["loop"]
    assert found[0] is found


def test_plain_arrays_are_read_only(tmp_path):
    np.save(tmp_path / "F.npy", np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    array = load_npy(tmp_path / "F.npy")
    np.testing.assert_array_equal(array, np.arange(6.0).reshape(2, 3))
    assert not array.flags.writeable


def test_npz_of_plain_arrays_is_read(tmp_path):
    path = tmp_path / "traces.npz"
    np.savez_compressed(path, traces=np.eye(3), labels=np.array(["PV", "PY", "PY"]))
    found = load_npz(path)
    np.testing.assert_array_equal(found["traces"], np.eye(3))
    assert found["labels"].tolist() == ["PV", "PY", "PY"]


def test_npz_with_objects_is_refused_and_nothing_runs(tmp_path):
    canary = tmp_path / "canary"
    inner = object_npy(tmp_path / "labels.npy", system_call(canary))
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        archive.write(inner, "labels.npy")
    with pytest.raises(RecordingError, match="holds objects"):
        load_npz(tmp_path / "set.npz")
    assert not canary.exists()


def test_decompression_bomb_is_refused(tmp_path):
    bomb = tmp_path / "bomb.npz"
    header = io.BytesIO()
    shape = (300 << 20,)
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("traces.npy", "w") as member,
    ):
        member.write(header.getvalue())
        for _ in range(300):
            member.write(bytes(1 << 20))
    with pytest.raises(RecordingError, match=r"was refused: its .* bytes unpack to"):
        load_npz(bomb)


def test_npz_member_that_claims_terabytes_is_refused(tmp_path):
    header = IMPOSSIBLE_HEADERS["terabytes"]
    inner = object_npy(tmp_path / "traces.npy", b"\0" * 16, header)
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        archive.write(inner, "traces.npy")
    with pytest.raises(RecordingError, match="truncated"):
        load_npz(tmp_path / "set.npz")


def test_npz_member_whose_name_is_no_text_is_refused(tmp_path):
    path = tmp_path / "set.npz"
    np.savez(path, **{"spüren": np.ones(3)})
    path.write_bytes(path.read_bytes().replace("ü".encode(), b"\xff\xfe"))
    with pytest.raises(RecordingError, match=r"set\.npz is no \.npz archive"):
        load_npz(path)


def test_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / "set.npz").write_bytes(b"not an archive")
    with pytest.raises(RecordingError, match=r"no \.npz archive"):
        load_npz(tmp_path / "set.npz")


@pytest.mark.skipif(
    not MEMORY_OF_PROCESS.exists(), reason="needs Linux's file that fails when read"
)
def test_disk_that_fails_while_it_is_read():
    with (
        pytest.raises(RecordingError, match=r"cannot be read \(.*error"),
        open_for_reading(MEMORY_OF_PROCESS) as file,
    ):
        read_exactly(file, np.empty(8), MEMORY_OF_PROCESS)


def test_a_long_name_in_a_damaged_archive_is_not_quoted_whole(tmp_path):
    path, name = tmp_path / "set.npz", 3000 * "a"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"")
    path.write_bytes(path.read_bytes().replace(name.encode(), bytes(3000), 1))
    with pytest.raises(RecordingError, match="is damaged") as caught:
        load_npz(path)
    assert len(str(caught.value)) < 500


def test_a_header_of_python_2_is_read_without_a_warning(tmp_path):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }"
    path = object_npy(tmp_path / "F.npy", bytes(24), header)
    np.testing.assert_array_equal(load_npy(path), np.zeros((2, 3)))
