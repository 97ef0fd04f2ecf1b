"""The docks, whoever opens them: the menu of napari, the terminal, another dock."""

from __future__ import annotations

from napari_celltype.gui.commands import show_all_docks, show_dock, show_docks
from napari_celltype.gui.placement import FirstPlace

NAMES = ["Classify", "Evaluate", "Export", "Label", "ROIs and traces", "Train"]


def open_docks(person):
    """The names of all docks of ours in the window."""
    places = person.main.findChildren(FirstPlace)
    return sorted(place.parent().parentWidget().windowTitle() for place in places)


def test_a_dock_of_the_menu_is_found_and_not_opened_a_second_time(sit_down):
    person = sit_down()
    classify = person.open_dock("Classify")
    person.open_dock("ROIs and traces")
    assert show_docks(person.viewer) is classify
    show_all_docks(person.viewer)
    assert open_docks(person) == NAMES
    # One that was hidden in the menu is shown again.
    person.choose_in_menu("Plugins", "Cell types", "Classify")
    assert not classify.parentWidget().isVisible()
    show_docks(person.viewer)
    person.find(classify)


def test_the_menu_finds_docks_that_were_opened_elsewhere(sit_down):
    person = sit_down()
    show_all_docks(person.viewer)
    for name in NAMES:
        person.choose_in_menu("Plugins", "Cell types", name)
    assert open_docks(person) == NAMES
    docks = person.viewer.window.dock_widgets.values()
    ours = [dock for dock in docks if dock.findChild(FirstPlace)]
    assert len(ours) == len(NAMES)
    assert not any(dock.isVisible() for dock in ours)


def test_the_window_can_be_made_1024_pixels_wide_with_any_dock(sit_down):
    person = sit_down()
    show_all_docks(person.viewer)
    docks = [show_dock(person.viewer, name) for name in NAMES]
    docks[NAMES.index("Label")].labelling.toggle()
    for dock in docks:
        dock.parentWidget().raise_()
        person.find(dock)
        person.main.resize(1024, 768)
        person.wait(lambda: person.main.width() == 1024)
        assert person.main.minimumSizeHint().width() <= 1024
