"""Types that are too rare to be learned or tested, each with its way out."""

from __future__ import annotations

from napari_celltype.labels.notes import counted
from napari_celltype.workflows.collection import Collection
from napari_celltype.workflows.held_out import WORDS, held_out_for
from napari_celltype.workflows.ways_out import Action, Obstacle


def type_obstacles(collection: Collection, held_out: str) -> list[Obstacle]:
    """Return the types that cannot be told apart or tested, and what can be tested.

    Parameters
    ----------
    collection : Collection
    held_out : str
        As in `find_obstacles`.
    """
    return [*_untested(collection, held_out), *_only_children(collection)]


def _untested(collection: Collection, held_out: str) -> list[Obstacle]:
    classes = collection.classes
    if len(classes) < 2:
        said = "No cell is labelled with a type yet; label some in the viewer."
        if classes:
            said = (
                f"All labels leave one type only, {classes[0]}; label cells of another "
                "type."
            )
        return [Obstacle(said, blocks=True)]
    units = collection.units
    level = held_out_for(collection, held_out)
    if level == "none":
        whose = "Which trace is of which cell is not known, so nothing can be held out."
        return [] if held_out == level else [Obstacle(f"{whose} There is no score.")]
    if not units[level]:
        return [
            Obstacle(
                f"Whole {WORDS[level]}s cannot be held out, because not every label "
                f"says of which {WORDS[level]} it is; hold out something else.",
                blocks=True,
            )
        ]
    found = []
    for name in classes:
        if units[level].get(name, 0) < 2 and name not in collection.untested:
            found.append(_untestable(collection, name, level))
    if level != "subject" and held_out == "auto":
        seen = ", ".join(
            f"{name} {units['subject'].get(name, '?')}" for name in classes
        )
        found.append(
            Obstacle(
                "Whether the model holds for a new animal cannot be tested: two types "
                f"would each have to come from two animals or more (now: {seen}). "
                f"Whole {WORDS[level]}s are held out instead."
            )
        )
    return found


def _only_children(collection: Collection) -> list[Obstacle]:
    """Tell of cells of a group that are learned as the one type known of it."""
    known = {t.name for t in collection.tree.types}
    found = []
    for name, n in collection.counts().items():
        if name not in known or name in collection.classes:
            continue
        below = [
            c
            for c in collection.classes
            if c in known and collection.tree.is_within(c, name)
        ]
        if len(below) == 1:
            only = below[0]
            found.append(
                Obstacle(
                    f"{counted(n, 'cell')} of {name} will be learned as {only}, the "
                    f"only class of {name}.",
                    (
                        Action(
                            f"Merge {only} into {name}",
                            f"The class is then called {name}.",
                            {"merged": {**collection.merged, only: name}},
                        ),
                    ),
                )
            )
    return found


def _untestable(collection: Collection, name: str, level: str) -> Obstacle:
    cells = collection.units["cell"].get(name, collection.counts()[name])
    n = collection.units[level].get(name, 0)
    where = f" from {counted(n, WORDS[level])}" if level != "cell" else ""
    actions = []
    if (merge := _merge_into_parent(collection, name)) is not None:
        actions.append(merge)
    if len(collection.classes) > 2:
        actions.append(
            Action(
                "Leave out",
                f"The model will not know {name}, and call such cells something else.",
                {"left_out": (*collection.left_out, name)},
            )
        )
    actions.append(
        Action(
            "Train anyway, marked untested",
            f"All cells of {name} are trained on; its card says that nobody tested it.",
            {"untested": (*collection.untested, name)},
        )
    )
    return Obstacle(
        f"{name}: {counted(cells, 'cell')}{where}; a {name} class cannot be tested.",
        tuple(actions),
        blocks=True,
    )


def _merge_into_parent(collection: Collection, name: str) -> Action | None:
    """Return how a type is taken for the group that it belongs to, if to any."""
    known = {t.name for t in collection.tree.types}
    parent = collection.tree[name].parent if name in known else None
    if parent is None:
        return None
    siblings = [
        c
        for c in collection.classes
        if c != name and c in known and collection.tree.is_within(c, parent)
    ]
    merged = {**collection.merged, name: parent}
    if len(siblings) > 1:
        return Action(
            f"Merge into {parent}",
            f"Its cells then teach that a cell is {parent}, never which: the model "
            f"will call cells of this type {' or '.join(siblings)}.",
            {"merged": merged},
        )
    # Beside one other class the cells would be taught to be of that.
    merged |= {c: parent for c in siblings if c != parent}
    both = f"{' and '.join([name, *siblings])} " if siblings else ""
    return Action(
        f"Merge {both}into {parent}",
        f"The class is then called {parent}.",
        {"merged": merged},
    )
