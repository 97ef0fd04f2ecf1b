from __future__ import annotations

import pytest

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.labels import (
    Label,
    LabelTable,
    SetAside,
    add_labels,
    merge_labels,
)
from napari_celltype.labels.merging import Side

BASE = LabelTable((Label(1, "PV"), Label(2, "PY"), Label(3, "IN")))


def test_changes_of_both_sides_are_kept() -> None:
    mine = BASE.with_label(Label(1, "SOM")).with_label(Label(7, "VIP"))
    theirs = BASE.without(2).with_label(Label(5, "!PV"))
    merged = merge_labels(mine, BASE, theirs)
    assert {r.roi_id: r.label for r in merged.table} == {
        1: "SOM",
        3: "IN",
        5: "!PV",
        7: "VIP",
    }
    assert merged.disputes == ()


@pytest.mark.parametrize(("prefer", "label"), [("mine", "SOM"), ("theirs", "VIP")])
def test_an_roi_that_both_changed_is_listed_and_follows_the_wish(
    prefer: Side, label: str
) -> None:
    mine = BASE.with_label(Label(1, "SOM", annotator="Ada"))
    theirs = BASE.with_label(Label(1, "VIP", annotator="Ben"))
    merged = merge_labels(mine, BASE, theirs, prefer)
    assert merged.table.by_roi()[1].label == label
    assert [d.sentence for d in merged.disputes] == [
        "ROI 1: SOM by Ada here, VIP by Ben in the file."
    ]


def test_a_label_that_one_side_removed_and_the_other_changed_is_disputed() -> None:
    theirs = BASE.with_label(Label(1, "VIP"))
    merged = merge_labels(BASE.without(1), BASE, theirs)
    assert [d.roi_id for d in merged.disputes] == [1]
    assert 1 not in merged.table.by_roi()
    assert 1 in merge_labels(BASE.without(1), BASE, theirs, "theirs").table.by_roi()


def test_two_people_with_the_same_label_do_not_differ() -> None:
    mine = BASE.with_label(Label(9, "PV", annotator="Ada", note="bright"))
    theirs = BASE.with_label(Label(9, "PV", annotator="Ben", note="round"))
    merged = merge_labels(mine, BASE, theirs)
    assert merged.disputes == ()
    assert merged.table.by_roi()[9] == Label(
        9, "PV", annotator="Ada", note="bright; round"
    )


@pytest.mark.parametrize("prefer", ["mine", "theirs"])
def test_a_label_and_a_cell_id_of_the_same_roi_are_both_kept(prefer: Side) -> None:
    mine = BASE.with_label(Label(9, "", source="imported", cell_id="c1"))
    theirs = BASE.with_label(Label(9, "PV", source="histology"))
    merged = merge_labels(mine, BASE, theirs, prefer)
    assert merged.disputes == ()
    assert merged.table.by_roi()[9] == Label(9, "PV", source="histology", cell_id="c1")


def test_different_cell_ids_are_disputed() -> None:
    mine = BASE.with_label(Label(1, "PV", cell_id="a"))
    theirs = BASE.with_label(Label(1, "PV", cell_id="b"))
    assert len(merge_labels(mine, BASE, theirs).disputes) == 1


def test_types_and_labels_set_aside_of_both_are_kept() -> None:
    ours = DEFAULT_TYPES.with_type("NDNF", color="#112233")
    other = DEFAULT_TYPES.with_type("CCK", color="#445566")
    aside = SetAside(Label(40, "PV"), [[1, 2, 3]])
    mine = LabelTable((Label(1, "NDNF"),), ours, set_aside=(aside,))
    theirs = LabelTable(
        (Label(2, "CCK"),),
        other,
        set_aside=(aside, SetAside(Label(41, "PY"), [[4, 5, 6]])),
    )
    table = merge_labels(mine, LabelTable(), theirs).table
    assert {r.label for r in table} == {"NDNF", "CCK"}
    assert [item.label.roi_id for item in table.set_aside] == [40, 41]


def test_added_labels_leave_mine_alone_unless_asked() -> None:
    new = LabelTable(
        (
            Label(1, "SOM", source="imported"),
            Label(2, "PY", source="imported", cell_id="c2"),
            Label(9, "VIP", source="imported"),
        )
    )
    kept = add_labels(BASE, new)
    assert (kept.added, kept.replaced, kept.kept) == ((9,), (), (1,))
    assert kept.table.by_roi()[1].label == "PV"
    assert kept.table.by_roi()[2] == Label(2, "PY", cell_id="c2")
    replaced = add_labels(BASE, new, keep=False)
    assert (replaced.added, replaced.replaced, replaced.kept) == ((9,), (1,), ())
    assert replaced.table.by_roi()[1].label == "SOM"


def test_a_prediction_never_stands_against_a_label() -> None:
    guess = LabelTable((Label(1, "PV", source="prediction"),))
    table = add_labels(guess, LabelTable((Label(1, "SOM", source="imported"),))).table
    assert table.by_roi()[1].label == "SOM"


def test_moved_lines_take_back_the_labels_of_the_former_ones() -> None:
    present = LabelTable(
        (
            Label(1, "PV", source="redcell", cell_id="c1"),
            Label(2, "!PV", source="redcell"),
            Label(3, "SOM", source="histology"),
        )
    )
    new = LabelTable(
        (Label(2, "PV", source="redcell"), Label(3, "PV", source="redcell"))
    )
    outcome = add_labels(present, new, instead_of="redcell")
    assert outcome.table.by_roi() == {
        1: Label(1, "", source="redcell", cell_id="c1"),
        2: Label(2, "PV", source="redcell"),
        3: Label(3, "SOM", source="histology"),
    }
    assert outcome.kept == (3,)


def test_labels_of_a_file_do_not_take_others_of_the_red_channel_away() -> None:
    present = LabelTable((Label(1, "PV", source="redcell"),))
    new = LabelTable((Label(2, "PV", source="redcell"),))
    assert add_labels(present, new).table.by_roi().keys() == {1, 2}
