from napari_celltype.protocol import PaperProtocol
from napari_celltype.protocol.experiments import (
    Training,
    how_quick,
    quick_look,
    quick_sentence,
)


def test_a_quick_look_does_less_and_never_more():
    names, protocol, training = quick_look(PaperProtocol(), Training())
    assert names
    assert (protocol.n_splits, training.epochs) == (3, 5)
    _, protocol, training = quick_look(PaperProtocol(n_splits=2), Training(epochs=1))
    assert (protocol.n_splits, training.epochs) == (2, 1)


def test_what_is_as_little_as_a_quick_look_is_called_one():
    (sentence,) = quick_sentence(3, 5)
    assert sentence == (
        "A quick look: 3 splits instead of the paper's 10 and 5 epochs instead of the "
        "paper's 20, so the scores are less certain, and the networks may have learnt "
        "less than they could."
    )
    assert quick_sentence(10, 20) == ()
    (sentence,) = quick_sentence(10, 1)
    assert "1 epoch instead" in sentence
    assert "less certain" not in sentence


def test_only_evaluations_are_measured_by_it(make_run):
    run = make_run(skill={}, epochs=2)
    assert len(how_quick(run.experiment, PaperProtocol(n_splits=3))) == 1
    other = make_run("table2", skill={})
    assert how_quick(other.experiment, PaperProtocol(n_splits=3)) == ()
