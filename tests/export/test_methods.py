import numpy as np
import pytest

from napari_celltype.answers.provenance import describe_labels, provenance
from napari_celltype.export import methods_paragraph
from napari_celltype.labels import NOT_A_SOMA, Label, LabelTable


def test_methods_text_says_what_is_unproven():
    text = methods_paragraph(
        provenance(
            [
                {
                    "n_rois": 12,
                    "input": "F - 0.7 * Fneu",
                    "sampling_frequency": 30.0,
                    "sampling_frequency_source": "user",
                    "shares": {"PY": 0.9, "PV": 0.1},
                    "prior": {"PV": 0.1},
                    "min_probability": 0.6,
                    "summary": {
                        "groups": {
                            "PY": {"rois": 9, "expected_right": 8.5},
                            "IN": {"rois": 2, "expected_right": 1.25},
                            "unsure": {"rois": 1, "expected_right": None},
                        },
                        "basis": ["simulation"],
                    },
                }
            ],
            [
                {
                    "name": "cnn-10hz",
                    "classes": ["PY", "PV"],
                    "trained_on": "Simulation.",
                }
            ],
            {},
        )
    )
    assert "12 ROIs in 1 recording" in text
    assert "30 Hz (user)" in text
    assert "Types less probable than 0.6 were left unsure." in text
    assert "The shares of the types were given (PY 90 %, PV 10 %)." in text
    assert (
        "calibration on simulation, about 8.5 of 9 called PY, 1.25 of 2 called IN are "
        "expected to be right"
    ) in text
    assert "unproven on real cells" in text


def test_methods_text_tells_the_labels_apart_from_predictions():
    labels = LabelTable(
        (
            Label(0, "PV", source="manual", seen_trace=False),
            Label(1, "PV", source="redcell", seen_trace=True),
            Label(2, "!SOM", source="redcell"),
            Label(3, "PY", source="prediction"),
            Label(4, NOT_A_SOMA),
        )
    )
    pipeline = {"name": "suite2p", "version": None, "citation": "suite2p: Pachitariu"}
    told = {"n_rois": 9, "labels": describe_labels(labels), "pipeline": pipeline}
    text = methods_paragraph(provenance([told], [], {}))
    assert "Of 9 ROIs in 1 recording, some were given a label" in text
    assert "no model told their cell types" in text
    assert "3 cells had a label that no model gave (2 PV, 1 not SOM)" in text
    assert "from a red channel (2), by hand (1)" in text
    assert "1 of these labels were given without sight" in text
    assert "for 1 nobody noted it" in text
    assert "1 label repeated a prediction" in text
    assert "1 ROI was labelled as no cell body." in text
    assert "suite2p: Pachitariu" in text
    assert "Troullinou" not in text
    assert describe_labels(LabelTable()) is None
    assert describe_labels(None) is None


def test_methods_text_says_that_what_is_no_soma_is_among_the_counts():
    labels = LabelTable((Label(0, NOT_A_SOMA), Label(1, NOT_A_SOMA)))
    told = {"n_rois": 9, "labels": describe_labels(labels), "summary": {"types": {}}}
    text = methods_paragraph(provenance([told], [{"name": "cnn"}], {}))
    assert (
        "2 ROIs were labelled as no cell body; what the model says of them is among "
        "the counts above."
    ) in text
    assert "a label that no model gave" not in text


def test_methods_text_names_counts_versions_and_what_to_cite():
    types = {"PY": {"rois": 5}, "PV": {"rois": 0}, "unsure": {"rois": 2}}
    pipeline = {"name": "suite2p", "version": "1.1.0", "citation": "Pachitariu"}
    told = {"n_rois": 7, "pipeline": pipeline, "summary": {"types": types}}
    text = methods_paragraph(provenance([told], [{"name": "cnn"}], {}))
    assert "Named were 5 PY; 2 stayed unsure." in text
    assert f"NumPy {np.__version__}" in text
    assert "suite2p 1.1.0 (of the files)" in text
    assert "doi:10.1109/TETCI.2020.3028581" in text


def test_methods_text_tells_a_few_warnings():
    told = {"n_rois": 3}
    warned = {**told, "warnings": ["Too short.", "Too noisy."]}
    text = methods_paragraph(provenance([warned, told], [], {}))
    assert "Warnings were given for 1 of 2 recordings: Too short. Too noisy." in text
    many = [{"n_rois": 1, "warnings": [f"Length {n} s."]} for n in range(9)]
    text = methods_paragraph(provenance(many, [], {}))
    assert "Length 3 s. 5 further warnings: see provenance." in text


def test_methods_text_counts_thousands_in_full():
    groups = {"PY": {"rois": 2000, "expected_right": 1834.6}}
    summary = {"groups": groups, "basis": ["simulation"]}
    text = methods_paragraph(provenance([{"n_rois": 2000, "summary": summary}], [], {}))
    assert "about 1835 of 2000 called PY" in text


@pytest.mark.parametrize(
    "card",
    [
        {"name": "of groups", "classes": ["PY", "IN"]},
        {"name": "proven", "classes": ["PY", "PV"], "subtypes_proven": True},
    ],
)
def test_methods_text_does_not_doubt_types_that_are_not_there_or_proven(card):
    assert "unproven" not in methods_paragraph(provenance([], [card], {}))


def test_methods_text_of_an_empty_provenance_is_text():
    assert "0 ROIs" in methods_paragraph({})
