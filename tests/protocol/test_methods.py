from dataclasses import replace

from napari_celltype.protocol.environment import PACKAGES
from napari_celltype.protocol.experiments import Training, evaluate_experiment


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


def test_every_version_that_was_used_is_named(made_run):
    assert "Software" not in made_run.report.methods()
    both = ({"python": "3.11", "torch": "2.1"}, {"python": "3.11", "torch": "2.2"})
    text = replace(made_run.report, environments=both).methods()
    assert text.endswith("Software: Python 3.11; PyTorch 2.1, 2.2.")
    assert {"numpy", "scikit-learn", "torch"} <= set(PACKAGES)
