import pytest

from napari_celltype.errors import CellTypeError


@pytest.mark.parametrize(
    ("quoted", "shown"),
    [
        ("two \r\n lines", "two lines"),
        ("\x1b[2J\0\u202e", "\\x1b[2J\\x00\\u202e"),
        ("Müller 10 µm", "Müller 10 µm"),
        ("x" * 5000, "x" * 200 + "..." + "x" * 200),
    ],
)
def test_what_a_sentence_quotes_cannot_break_it(quoted, shown):
    assert str(CellTypeError(f"Such {quoted} here.")) == f"Such {shown} here."
