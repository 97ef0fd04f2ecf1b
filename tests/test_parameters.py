"""Parameters of requests: read from text, written as a command, put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from napari_celltype.parameters import (
    REQUIRED,
    build,
    command_line,
    neuropil_parameter,
    parameter,
    parameters,
    seed_parameter,
    values_of,
)


@dataclass(frozen=True)
class Inner:
    sizes: tuple[int, ...] = parameter((1, 2), "Sizes.")
    merged: Mapping[str, str] = parameter(
        {}, "Merged.", option="--merge", metavar="A=B", example="VIP=IN", repeated=True
    )
    shares: Mapping[str, float] | None = parameter(
        None, "Shares.", metavar="A=X,...", example="IN=0.1"
    )


@dataclass(frozen=True)
class Request:
    data: Path = parameter(REQUIRED, "Data.", argument=True)
    n: int = parameter(3, "Number.", option="-n", minimum=1, maximum=9)
    way: str = parameter("fast", "Way.", choices={"fast": "at once", "slow": "later"})
    neuropil: str | float = neuropil_parameter("none", ("none",), "Input.")
    loud: bool = parameter(False, "Loud.")
    share: float = parameter(0.0, "Share.", minimum=0, maximum=1)
    least: float = parameter(0.0, "Least.", minimum=0)
    seed: int = seed_parameter()
    inner: Inner = field(default_factory=Inner)
    remark: str = ""


KNOWN = parameters(Request)


def test_nested_parameters_are_its_own_and_plain_fields_are_none():
    assert list(KNOWN) == [
        *("data", "n", "way", "neuropil", "loud", "share", "least", "seed"),
        *("sizes", "merged", "shares"),
    ]
    assert KNOWN["data"].needed
    assert KNOWN["sizes"].options == ("--sizes",)


@pytest.mark.parametrize(
    ("name", "texts", "value"),
    [
        ("data", ["a b"], Path("a b")),
        ("n", ["9"], 9),
        ("way", ["slow"], "slow"),
        ("neuropil", ["none"], "none"),
        ("neuropil", ["0.5"], 0.5),
        ("sizes", ["4, 5,"], (4, 5)),
        ("merged", ["VIP=IN", " SOM = IN"], {"VIP": "IN", "SOM": "IN"}),
        ("shares", ["IN=0.1,PV=1"], {"IN": 0.1, "PV": 1.0}),
    ],
)
def test_a_text_becomes_a_value(name, texts, value):
    assert KNOWN[name].read(*texts) == value


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("n", "ten", "'ten' is not a number such as 10"),
        ("n", "0", "0 is below 1"),
        ("n", "10", "10 is above 9"),
        ("share", "nan", "nan is no number"),
        ("least", "inf", "inf is no number"),
        ("n", "1" + 400 * "0", f"1{400 * '0'} is above 9"),
        ("seed", "4294967296", "4294967296 is above 4294967295"),
        ("way", "quick", "'quick' is not one of fast, slow"),
        ("neuropil", "model", "'model' is not one of 'none', nor a number such as 0.7"),
        ("merged", "VIP", "'VIP' is not of the form A=B, such as VIP=IN"),
        ("shares", "IN=x", "'IN=x' is not of the form A=X, such as IN=0.1"),
    ],
)
def test_a_wrong_text_is_refused_with_an_example(name, text, why):
    with pytest.raises(ValueError, match="is") as refused:
        KNOWN[name].read(text)
    assert str(refused.value) == why


def test_values_go_into_a_request_and_out_again():
    values = {"data": Path("d"), "n": 2, "merged": {"VIP": "IN"}, "of others": 1}
    request = build(Request, values)
    assert request == Request(Path("d"), 2, inner=Inner(merged={"VIP": "IN"}))
    assert build(Request, values_of(request)) == request


def test_a_command_says_what_is_not_the_default():
    request = Request(
        Path("my data"),
        loud=True,
        neuropil=0.7,
        inner=Inner((7,), {"VIP": "IN", "SOM": "IN"}, {"IN": 0.1}),
        remark="not said",
    )
    assert command_line("try", request) == (
        "napari-celltype try 'my data' --neuropil 0.7 --loud --sizes 7 "
        "--merge VIP=IN --merge SOM=IN --shares IN=0.1"
    )
