"""What is remembered, and what a damaged file does."""

import pytest

from napari_celltype.celltypes import DEFAULT_TYPES
from napari_celltype.gui.settings import Settings


def test_own_types_and_colours_are_remembered():
    tree = DEFAULT_TYPES.with_type("NDNF", color="#112233").with_color("PV", "#445566")
    Settings().set_tree(tree)
    assert Settings().tree() == tree


@pytest.mark.parametrize("content", ["", "[1]", '{"types": [{"name": 3}, 7, null]}'])
def test_a_damaged_file_counts_as_never_set(content):
    settings = Settings()
    settings.path.parent.mkdir(parents=True)
    settings.path.write_text(content)
    assert settings.get("annotator", "nobody") == "nobody"
    assert settings.tree() == DEFAULT_TYPES


def test_a_folder_that_is_gone_is_not_offered(tmp_path):
    settings = Settings()
    chosen = tmp_path / "chosen"
    chosen.mkdir()
    settings.set_folder("recordings", chosen / "a.csv")
    assert settings.folder("recordings") == str(chosen)
    chosen.rmdir()
    assert settings.folder("recordings") == ""
