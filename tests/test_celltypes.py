from __future__ import annotations

import numpy as np
import pytest

from napari_celltype.celltypes import DEFAULT_TYPES, UNSURE_COLOR
from napari_celltype.errors import LabelError

CLASSES = ("PY", "PV", "SOM", "VIP")


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        *((s, "PY") for s in ("PYR", "pyramidal", "Excitatory", "CaMKII", "camk2")),
        *((s, "PY") for s in ("EMX1", "Slc17a7", " py ")),
        *((s, "PV") for s in ("Pvalb", "parvalbumin", "pv")),
        *((s, "SOM") for s in ("SST", "somatostatin")),
        ("vip", "VIP"),
        *((s, "IN") for s in ("interneuron", "inhibitory", "GABA", "GAD", "gad2")),
        *((s, "IN") for s in ("VGAT", "Slc32a1")),
        ("!sst", "!SOM"),
        ("! Pvalb ", "!PV"),
    ],
)
def test_aliases_become_canonical(spelling: str, name: str) -> None:
    assert DEFAULT_TYPES.canonical(spelling) == name


@pytest.mark.parametrize("label", ["", "!", "!!PV", "astrocyte", "PV SOM", "unsure"])
def test_what_is_no_type_is_refused(label: str) -> None:
    with pytest.raises(LabelError, match="is not a known cell type; use one of PY"):
        DEFAULT_TYPES.canonical(label)


def test_the_group_is_the_root() -> None:
    assert [DEFAULT_TYPES.group(name) for name in CLASSES] == ["PY", "IN", "IN", "IN"]


def test_a_users_own_type_is_an_interneuron_unless_said() -> None:
    tree = DEFAULT_TYPES.with_type("NDNF", color="#112233")
    assert tree.group("NDNF") == "IN"
    assert tree.canonical("!ndnf") == "!NDNF"
    assert not DEFAULT_TYPES.knows("NDNF")
    tree = tree.with_type("NDNF-NPY", color="#445566", parent="NDNF")
    assert tree.is_within("NDNF-NPY", "NDNF")
    assert not tree.is_within("NDNF", "NDNF-NPY")


def test_a_root_of_the_users_own() -> None:
    tree = DEFAULT_TYPES.with_type("granule", color="#112233", parent=None)
    assert tree.group("granule") == "granule"


@pytest.mark.parametrize("name", ["", " ", "pv", "SST", "unsure", "a|b", "!a", "a,b"])
def test_names_that_would_confuse_are_refused(name: str) -> None:
    with pytest.raises(LabelError):
        DEFAULT_TYPES.with_type(name, color="#112233")


@pytest.mark.parametrize("color", ["red", "#12345", "#GGGGGG", "#11223344"])
def test_colours_are_hexadecimal(color: str) -> None:
    with pytest.raises(LabelError, match="is not of the form #RRGGBB"):
        DEFAULT_TYPES.with_type("NDNF", color=color)


def test_an_unknown_parent_is_refused() -> None:
    with pytest.raises(LabelError, match="'glia' is not a known cell type"):
        DEFAULT_TYPES.with_type("NDNF", color="#112233", parent="glia")


def test_names_in_tree_order_with_unknown_ones_last() -> None:
    assert DEFAULT_TYPES.in_order(["x", "VIP", "IN", "PY"]) == ["PY", "IN", "VIP", "x"]


def test_types_of_two_models_have_colours_of_their_own() -> None:
    one = DEFAULT_TYPES.including(["ChAT"])
    both = one.including(["NDNF"])
    assert both["ChAT"].color == one["ChAT"].color != both["NDNF"].color


@pytest.mark.parametrize(
    "vision", [None, "deuteranomaly", "protanomaly", "tritanomaly"]
)
def test_default_colours_stay_apart_without_one_of_the_cones(vision):
    from colorspacious import cspace_convert

    tree = DEFAULT_TYPES.including(["a", "b", "c", "d", "e"])
    colors = [UNSURE_COLOR, "#FFFFFF", *(t.color for t in tree.types)]
    rgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in colors])
    if vision is not None:
        space = {"name": "sRGB1+CVD", "cvd_type": vision, "severity": 100}
        rgb = np.clip(cspace_convert(rgb, space, "sRGB1"), 0, 1)
    seen = cspace_convert(rgb, "sRGB1", "CAM02-UCS")
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    # About ten times what is just noticeable side by side.
    assert apart[np.triu_indices(len(seen), 1)].min() > 10
