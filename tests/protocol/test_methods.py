from dataclasses import replace
from pathlib import Path

from napari_celltype.protocol.environment import PACKAGES
from napari_celltype.protocol.experiments import Training, evaluate_experiment
from napari_celltype.workflows.labelled import Reading


def report_of(made_run, normalization):
    """The same answers, as if the traces had been normalised another way."""
    training = Training(epochs=2, normalization=normalization)
    experiment = evaluate_experiment(
        made_run.data, ("cnn", "svm-rbf"), made_run.protocol, training
    )
    return replace(made_run, experiment=experiment).report


def test_the_normalisation_is_the_one_of_the_run(made_run):
    assert "training set of each split." in made_run.report.methods()
    text = report_of(made_run, "trace").methods()
    assert "Each trace was z-scored with its own mean" in text
    assert "of the training set" not in text


def test_what_the_traces_are_and_what_was_done_to_them_is_said(made_run):
    done = ["Traces were suite2p's raw fluorescence F.", "Merged: 2 traces."]
    settings = {**made_run.report.settings, "preparation": done}
    text = replace(made_run.report, settings=settings).methods()
    assert f"{' '.join(done)} The classifiers were" in text
    folder, set_of_traces = Path("mouse"), Path("mice.npz")
    assert Reading().traces_are(folder) == (done[0],)
    (said,) = Reading(neuropil=0.7).traces_are(folder)
    assert said == "Traces were F - 0.7 Fneu of suite2p."
    # Whoever made the arrays knows.
    assert Reading().traces_are(set_of_traces) == ()


def test_labels_that_name_no_single_type_are_told_apart(made_run):
    assert "not part of these" not in made_run.report.methods()
    labels = {**made_run.report.settings["labels"], "!PV": 3}
    settings = {**made_run.report.settings, "labels": labels}
    text = replace(made_run.report, settings=settings).methods()
    assert "Labels !PV trained the networks and are not part of these scores." in text


def test_every_version_that_was_used_is_named(made_run):
    assert "Software" not in made_run.report.methods()
    both = ({"python": "3.11", "torch": "2.1"}, {"python": "3.11", "torch": "2.2"})
    text = replace(made_run.report, environments=both).methods()
    assert text.endswith("Software: Python 3.11; PyTorch 2.1, 2.2.")
    assert {"numpy", "scikit-learn", "torch"} <= set(PACKAGES)
