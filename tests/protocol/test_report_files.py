"""The files of a report: complete, strict, safe and without anything from outside."""

import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from napari_celltype.errors import OutputError
from napari_celltype.protocol.paper_numbers import (
    ACCURACY_BY_EPOCHS,
    HEADING,
    POOLED_WITH_NEW,
    TRAIN_SECONDS,
)
from napari_celltype.protocol.report import make_report
from napari_celltype.protocol.report_files import stems, write_report
from napari_celltype.protocol.report_html import render


@pytest.fixture(scope="module")
def folder(made_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_report(made_run.report, folder)
    return folder


def test_all_files_are_there_and_no_other(folder):
    assert sorted(path.name for path in folder.iterdir()) == [
        "confusion_cnn.png",
        "confusion_svm-rbf.png",
        "curves.png",
        "probes.csv",
        "report.html",
        "report.json",
        "scores.csv",
        "scores_strictest.csv",
    ]


def test_scores_csv_is_the_table_of_scores(folder, made_run):
    table = pd.read_csv(folder / "scores.csv")
    pd.testing.assert_frame_equal(table, made_run.report.scores, check_dtype=False)


def test_json_is_strict_and_holds_the_numbers(folder, made_run):
    def refuse(name):
        raise AssertionError(name)

    text = (folder / "report.json").read_text()
    report = json.loads(text, parse_constant=refuse)
    assert report["sentence"] == made_run.report.sentence
    (first, *_) = report["results"]
    assert first["counts"] == made_run.report.confusion("cnn").counts.tolist()
    assert first["interval"]["low"] is None
    assert len(first["splits"]) == 3


def test_the_page_loads_nothing_from_outside(folder):
    text = (folder / "report.html").read_text()
    assert not re.search(r"<(script|link|iframe|img)\b", text)
    assert not re.search(r"(src|href)\s*=\s*[\"']?http", text)
    assert "@import" not in text
    assert "url(http" not in text


def test_the_page_opens_with_sentence_and_design(folder, made_run):
    text = (folder / "report.html").read_text()
    titles = re.findall(r"<h2>(.*?)</h2>", text)
    assert titles[0] == "What the data are"
    sentence = text.index('class="sentence"')
    assert sentence < text.index("<h2>")
    for title in ("Scores", "Confusion matrices", "Single numbers as rivals"):
        assert title in titles


def test_tags_of_the_page_are_closed(folder):
    class Checker(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open = []

        def handle_starttag(self, tag, attributes):
            if tag not in ("meta", "br"):
                self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

    checker = Checker()
    checker.feed((folder / "report.html").read_text())
    assert checker.open == []


def test_names_and_labels_of_users_are_escaped(make_run, make_traces):
    counts = {"<script>x": 16, "PY": 24}
    run = make_run(traces=make_traces(counts, n_subjects=8))
    page = render(
        make_report(
            run.experiment,
            run.data,
            run.protocol,
            run.tasks,
            run.outcomes,
            name='"><img src=x>',
            notes=("<b>bold</b>",),
            command="evaluate <data>",
        )
    )
    assert "<script" not in page
    assert "<img" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;x" in page
    assert "evaluate &lt;data&gt;" in page


def test_scores_in_the_page_are_those_of_the_report(folder, made_run):
    text = (folder / "report.html").read_text()
    for score in made_run.report.of("classifier"):
        assert f"{score.accuracy.mean:.3f} ({score.accuracy.sd:.3f})" in text
        assert f"{score.interval.value:.3f}" in text


@pytest.mark.parametrize(
    "name",
    ["table2", "epochs", "fig3", "new-dataset"],
)
def test_each_experiment_of_the_paper_has_its_table_as_a_file(
    name, make_run, make_traces, tmp_path
):
    new = make_traces({"PV": 6, "SOM": 14}, seed=3) if name == "new-dataset" else None
    run = make_run(name, new=new, epochs=None, skill={"cnn": 0.5})
    files = {path.name for path in write_report(run.report, tmp_path)}
    assert {f"{name}.csv", "report.html"} <= files
    assert ("fig3.png" in files) == (name == "fig3")
    assert len(pd.read_csv(tmp_path / f"{name}.csv")) > 0


@pytest.mark.parametrize("name", ["table4", "epochs", "new-dataset"])
def test_no_number_of_the_paper_stands_without_its_label(name, make_run, make_traces):
    new = make_traces({"PV": 6, "SOM": 14}, seed=3) if name == "new-dataset" else None
    report = make_run(name, new=new, epochs=None).report
    printed = {v for of in ACCURACY_BY_EPOCHS.values() for v in of.values()}
    printed |= {v for of in TRAIN_SECONDS.values() for v in of.values()}
    printed |= set(POOLED_WITH_NEW.values())
    seen = set()
    for table in report.tables:
        for row in table.rows:
            for heading, cell in zip(table.columns, row, strict=True):
                if isinstance(cell, float) and cell in printed:
                    assert heading.endswith(HEADING)
                    seen.add(cell)
    assert seen


def test_a_folder_that_cannot_be_written_is_named(made_run, tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(OutputError, match="run"):
        write_report(made_run.report, tmp_path / "run")


def test_file_names_differ_and_hold_no_strange_letters():
    names = ["CNN [C]", "cnn c", "../x", "RNN T=2, 1 layer", "$"]
    assert stems(names) == ["cnn-c", "cnn-c-2", "x", "rnn-t-2-1-layer", "classifier"]
