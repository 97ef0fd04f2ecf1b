"""Pixel values and their colours."""

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.gui.palette import CLEAR, Palette


def values_of(palette, name):
    outline = palette.outline(name)
    return set(range(outline, outline + palette.n_shades + 1))


def test_no_two_types_share_a_value():
    palette = Palette()
    names = [t.name for t in palette.tree.types]
    assert sum(len(values_of(palette, n)) for n in names) == len(
        set.union(*(values_of(palette, n) for n in names))
    )


def test_many_types_still_fit_into_a_byte():
    tree = DEFAULT_TYPES
    for i in range(40):
        tree = tree.with_type(f"type{i}", color="#123456")
    palette = Palette(tree)
    assert max(values_of(palette, "type39")) < 256
    assert palette.n_shades >= 2


def test_outside_the_rois_nothing_is_drawn():
    assert Palette().rgba()[CLEAR, 3] == 0


def test_a_users_own_type_is_drawn_as_an_interneuron():
    assert Palette().outline("CCK") == Palette().outline("IN")
