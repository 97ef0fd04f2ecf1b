"""Whatever becomes of the ROIs, no label lands on another cell.

Each label carries the name of its cell in its note, and each cell has its own mask.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_celltype.errors import LabelError
from napari_celltype.labels import Label, LabelTable, load_labels, save_labels
from napari_celltype.labels.importing import import_labels
from napari_celltype.recording import open_recording

TYPES = ("PY", "PV", "SOM", "VIP")
SIDE = 5  # of a cell, pixels; cells are a grid of 8 x 8 of them, which may touch


def mask(cell: int, shift: int = 0) -> set[tuple[int, int]]:
    top, left = SIDE * (cell // 8), SIDE * (cell % 8)
    return {(top + y, left + x + shift) for y in range(SIDE) for x in range(SIDE)}


def write(
    plane: Path,
    masks: list[set[tuple[int, int]]],
    merges: list[list[int]] | None = None,
) -> None:
    """Write a plane with these masks, row by row, and the rows they are merged from."""
    stat = np.empty(len(masks), dtype=object)
    for row, pixels in enumerate(masks):
        ypix, xpix = np.array(sorted(pixels)).T
        lam = np.ones(len(pixels), np.float32)
        stat[row] = {"ypix": ypix, "xpix": xpix, "lam": lam, "med": [0, 0]}
        if merges is not None:
            stat[row]["imerge"] = merges[row]
    plane.mkdir(parents=True, exist_ok=True)
    np.save(plane / "stat.npy", stat)
    traces = np.random.default_rng(0).normal(size=(len(masks), 8)).astype(np.float32)
    np.save(plane / "F.npy", traces)
    ops = {"Ly": 50, "Lx": 50, "fs": 10.0}
    np.save(plane / "ops.npy", np.array(ops, dtype=object))


EDIT = st.tuples(
    st.sampled_from(("draw", "remove", "merge", "shuffle", "grow", "save")),
    st.integers(0, 63),
    st.integers(0, 63),
)


def edited(rows, edit, first, second):
    """Return the ROIs, each its cells, mask and parts, as suite2p leaves them."""
    chosen, other = first % len(rows), second % len(rows)
    if edit == "draw":  # in front, over whatever is there
        return [({first}, mask(first, second % 3), []), *rows]
    if edit == "remove" and len(rows) > 1:
        return rows[:chosen] + rows[chosen + 1 :]
    if edit == "merge" and chosen != other:  # behind; the parts stay
        (one, mine, _), (two, theirs, _) = rows[chosen], rows[other]
        return [*rows, (one | two, mine | theirs, [chosen, other])]
    if edit == "shuffle":
        return [rows[k] for k in np.random.default_rng(first).permutation(len(rows))]
    if edit == "grow":
        cells, pixels, parts = rows[chosen]
        grown = cells, pixels | {(49, 49)}, parts
        return [*rows[:chosen], grown, *rows[chosen + 1 :]]
    return rows


def test_labels_follow_their_cells_through_all_that_suite2p_does(tmp_path, scaled):
    @settings(max_examples=scaled(40))
    @given(
        st.sets(st.integers(0, 63), min_size=2, max_size=8),
        st.lists(EDIT, min_size=1, max_size=6),
    )
    def check(cells, edits):
        plane = tmp_path / "m1" / "day1" / "suite2p" / "plane0"
        rows = [({cell}, mask(cell), []) for cell in sorted(cells)]
        write(plane, [row[1] for row in rows])
        (plane / "celltype_labels.json").unlink(missing_ok=True)
        made = (
            Label(row, TYPES[cell % 4], note=str(cell))
            for row, cell in enumerate(sorted(cells))
        )
        save_labels(open_recording(plane), LabelTable(tuple(made)))
        for edit in edits:
            rows = edited(rows, *edit)
            write(plane, [row[1] for row in rows], [row[2] for row in rows])
            recording = open_recording(plane)
            try:
                labels = load_labels(recording)
            except LabelError:
                continue  # None of the masks is there any more.
            aside = [item.label for item in labels.set_aside]
            kept = Counter(int(row.note) for row in (*labels, *aside))
            assert set(kept.values()) == {1}
            for label in labels:
                assert int(label.note) in rows[label.roi_id][0]
                assert label.label == TYPES[int(label.note) % 4]
            # A cell without a label of its own has that of what it was merged into.
            merged = cells - set(kept)
            for cell in merged:
                same = [row for row in labels if cell in rows[row.roi_id][0]]
                assert TYPES[cell % 4] in {row.label for row in same}
            if edit[0] == "save":
                save_labels(recording, labels)
                cells = set(kept)

    check()


@pytest.mark.parametrize(
    ("elsewhere", "first"), [("day1/suite2p/plane1", 0), ("day2/suite2p/plane0", 20)]
)
def test_a_label_file_of_another_plane_or_day_is_not_taken(tmp_path, elsewhere, first):
    plane, other = tmp_path / "day1/suite2p/plane0", tmp_path / elsewhere
    write(plane, [mask(cell) for cell in range(4)])
    write(other, [mask(cell) for cell in range(first, first + 4)])
    path = save_labels(open_recording(plane), LabelTable((Label(1, "PV"),)))
    (other / path.name).write_bytes(path.read_bytes())
    with pytest.raises(LabelError, match=r"plane 0, and this is|on other ROIs"):
        load_labels(open_recording(other))


def test_matched_cells_get_the_labels_of_their_own_days(tmp_path, scaled):
    n_cells = st.integers(0, 5)

    @settings(max_examples=scaled(40))
    @given(st.lists(st.tuples(*[st.none() | n_cells] * 3), min_size=1, max_size=6))
    def check(table):
        planes = [tmp_path / f"day{n}" / "suite2p" / "plane0" for n in range(3)]
        for plane in planes:
            write(plane, [mask(cell) for cell in range(6)])
        folder = tmp_path / "track2p"
        folder.mkdir(exist_ok=True)
        options = {"all_ds_path": [str(p.parents[1]) for p in planes]}
        np.save(folder / "track_ops.npy", np.array(options, dtype=object))
        matches = np.empty((len(table), 3), dtype=object)
        matches[:] = table
        np.save(folder / "plane0_suite2p_indices.npy", matches)
        others = []
        for n, plane in enumerate(planes[1:], 1):
            labels = (Label(k, TYPES[(k + n) % 4]) for k in range(6))
            others.append((f"day{n}", open_recording(plane), LabelTable(tuple(labels))))
        found = import_labels(folder, open_recording(planes[0]), others=others)
        for row in found.carried:
            same = {
                TYPES[(cells[n] + n) % 4]
                for cells in table
                for n in (1, 2)
                if cells[0] == row.roi_id and cells[n] is not None
            }
            assert row.label in same

    check()


def test_a_recording_list_reads_each_day_with_its_own_labels(tmp_path):
    from napari_celltype.labels import Reading

    planes = [tmp_path / "m1" / f"day{n}" / "suite2p" / "plane0" for n in range(3)]
    for n, plane in enumerate(planes):
        write(plane, [mask(cell) for cell in range(6)])
        labels = (Label(k, TYPES[(k + n) % 2], note=json.dumps(n)) for k in range(6))
        save_labels(open_recording(plane), LabelTable(tuple(labels)))
    listed = ["path,subject_id", *(f"m1/day{n},m1" for n in range(3))]
    (tmp_path / "list.csv").write_text("\n".join(listed))
    data = Reading().open(tmp_path / "list.csv")
    for n, recording in enumerate(data.recordings):
        expected = [TYPES[(k + n) % 2] for k in range(6)]
        assert recording.cells.labels.tolist() == expected
