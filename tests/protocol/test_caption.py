from dataclasses import replace

from napari_celltype.protocol.caption import caption, matrices


def test_the_strictest_way_stands_first_and_the_same_classifier_beside_it(made_run):
    first, second = matrices(made_run.report)
    assert (first.way, second.way) == ("by-subject", "paper")
    assert first.name == second.name


def test_every_score_has_its_spread_chance_and_numbers_beside_it(made_run):
    text = caption(made_run.report)
    for score in made_run.report.of("classifier"):
        assert f"{score.name} {score.interval.value:.2f}, SD " in text
        assert f"of {score.n_cells} cells" in text
    # Of both ways, of the best single number of each, and of shuffled labels.
    assert text.count("(chance 0.25; ") == 5
    assert "animals" in text
    assert "Without brackets: too few groups for an interval." in text
    assert "the best of 2 chosen after the fact" in text
    assert "Trained on shuffled labels: the paper's way, cnn " in text


def test_brackets_are_explained_where_there_are_some(make_run, make_traces):
    run = make_run(traces=make_traces(n_subjects=8), skill={"cnn": 0.8})
    text = caption(run.report)
    assert "Brackets and bars: 95 % bootstrap over animals." in text
    assert "[" in text


def test_doubts_and_a_quick_look_are_part_of_it(made_run):
    report = replace(made_run.report, doubts=("D.",), notes=("A quick look: few.",))
    text = caption(report)
    assert text.endswith("A quick look: few. Caution: D.")


def test_what_is_not_finished_is_said(make_run):
    run = make_run(skill={})
    half = replace(run, outcomes=run.outcomes[:1])
    assert "Not finished: 2 trainings" in caption(half.report)
    assert caption(replace(run, outcomes=[]).report) == "Nothing is finished yet."
