import pytest

from napari_celltype.protocol.figures import figure_bytes, paper_figure


def test_the_figure_has_scores_and_both_matrices_with_counts(made_run):
    report = made_run.report
    scores, strict, paper = paper_figure(report).axes
    names = [label.get_text() for label in scores.get_yticklabels()]
    assert names[:4] == ["cnn", "svm-rbf", "cnn", "svm-rbf"]
    assert names[-1].endswith("shuffled")
    legend = {text.get_text() for text in scores.get_legend().get_texts()}
    assert legend == {"the paper's way", "by animal", "chance"}
    for axes, way in ((strict, "by-subject"), (paper, "paper")):
        name = axes.get_title().split(",")[0]
        counts = report.confusion(name, way).counts.ravel().tolist()
        drawn = [text.get_text().split("\n")[-1] for text in axes.texts]
        assert drawn == [str(n) for n in counts]


@pytest.mark.parametrize(
    ("kind", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_the_figure_as_a_file(made_run, kind, start):
    assert figure_bytes(made_run.report, kind).startswith(start)
