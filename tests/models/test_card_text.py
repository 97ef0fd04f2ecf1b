"""A card as text: one screen, one table, and nothing that breaks a terminal."""

from dataclasses import replace

from napari_celltype.models import describe


def prose(card):
    """Return a card's text without its line ends."""
    return " ".join(describe(card).split())


def test_a_card_of_all_scores_fits_on_one_screen(make_card, make_calibration):
    (score,) = make_card().scores
    cells = ("simulation, 1 min", "in vivo, OGB1", "slice, GCaMP6f", "VISp PY")
    card = make_card(
        calibration=make_calibration({1: 1.25}),
        scores=[replace(score, data=data, n=6400) for data in cells for _ in range(5)],
        trained_on="Simulated awake sessions only. " * 4,
        not_for="Slices. " * 30,
    )
    lines = describe(card, "0" * 64).splitlines()
    assert len(lines) <= 45
    assert max(map(len, lines)) <= 88


def test_subtypes_are_said_to_be_unproven(make_card):
    assert "unproven on real cells" in prose(make_card())


def test_proven_subtypes_are_not(make_card):
    assert "unproven" not in prose(make_card(subtypes_proven=True))


def test_a_score_stands_beside_chance_and_the_best_number(make_card):
    row = next(x for x in describe(make_card()).splitlines() if "accuracy" in x)
    assert [cell.strip() for cell in row.split("|")] == [
        "simulated",
        "accuracy",
        "0.81 [0.70, 0.90]",
        "40",
        "0.25",
        "skewness 0.40",
    ]


def test_a_score_without_interval_or_comparison_has_empty_cells(make_card):
    (score,) = make_card().scores
    bare = replace(
        score, low=None, high=None, chance=None, probe=None, probe_value=None
    )
    text = describe(make_card(scores=[bare]))
    assert any(
        [cell.strip() for cell in line.split("|")][2:] == ["0.81", "40", "", ""]
        for line in text.splitlines()
    )


def test_the_text_says_what_intervals_resample(make_card):
    assert "resampling sessions" in prose(make_card())


def test_a_card_without_scores_says_so(make_card):
    assert "No scores were measured." in describe(make_card(scores=[]))


def test_what_the_model_expects_is_told(make_card):
    assert "windows of 60 frames at 10 Hz (6 s)" in prose(make_card())


def test_a_card_without_a_frame_rate_says_so(make_card):
    text = prose(make_card(sampling_frequency=None))
    assert "at a frame rate that was not recorded" in text


def test_the_calibration_says_on_what(make_card, make_calibration):
    text = prose(make_card(calibration=make_calibration({1: 1.25, 4: 0.5})))
    assert "on simulation, 40 sessions, 800 cells" in text
    assert "at least 90%" in text


def test_a_model_without_calibration_says_so(make_card):
    assert "Calibrated: no" in describe(make_card())


def test_shares_that_are_assumed_are_told(make_card, make_calibration):
    card = make_card(
        calibration=make_calibration({1: 1.0}), assumed_shares={"PY": 0.5, "IN": 0.5}
    )
    assert "PY 0.5, IN 0.5" in prose(card)


def test_no_control_characters_reach_a_terminal(make_card):
    assert "\x1b" not in describe(make_card(trained_on="cells\x1b[2J\x07"))


def test_a_text_of_many_lines_makes_no_heading(make_card):
    text = describe(make_card(not_for="Nothing.\n## Scores on real cells"))
    assert not any(line.startswith("## ") for line in text.splitlines())


def test_a_name_cannot_break_the_table(make_card):
    (score,) = make_card().scores
    text = describe(make_card(scores=[replace(score, data="a|b\nc")]))
    assert any(line.startswith("a/b c ") for line in text.splitlines())
