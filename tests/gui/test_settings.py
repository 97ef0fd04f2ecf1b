"""What is remembered, and what a damaged file does."""

import pytest

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.gui.settings import Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path / "new" / "folder")


def test_a_value_is_there_the_next_time(settings, tmp_path):
    settings.set("annotator", "Ünal")
    assert Settings(tmp_path / "new" / "folder").get("annotator") == "Ünal"


def test_own_types_and_colours_are_remembered(settings):
    tree = DEFAULT_TYPES.with_type("NDNF", color="#112233").with_color("PV", "#445566")
    settings.set_tree(tree)
    assert settings.tree() == tree


@pytest.mark.parametrize("content", ["", "[1]", '{"types": [{"name": 3}, 7, null]}'])
def test_a_damaged_file_counts_as_never_set(settings, content):
    settings.path.parent.mkdir(parents=True)
    settings.path.write_text(content)
    assert settings.get("annotator", "nobody") == "nobody"
    assert settings.tree() == DEFAULT_TYPES


def test_a_folder_that_is_gone_is_not_offered(settings, tmp_path):
    chosen = tmp_path / "chosen"
    chosen.mkdir()
    settings.set_folder("recordings", chosen / "a.csv")
    assert settings.folder("recordings") == str(chosen)
    chosen.rmdir()
    assert settings.folder("recordings") == ""
