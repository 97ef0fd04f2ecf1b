"""The experiments of the paper and ours, and a quick look."""

from dataclasses import replace

import numpy as np
import pytest

from napari_celltype.errors import LabelError
from napari_celltype.labels import Targets
from napari_celltype.protocol import PaperProtocol
from napari_celltype.protocol.experiment import ExperimentData
from napari_celltype.protocol.experiments import (
    PAPER_EXPERIMENTS,
    Training,
    plan_experiment,
    quick_caution,
    quick_look,
)
from napari_celltype.protocol.splits import training_sizes

PROTOCOL = PaperProtocol(n_splits=3)
PAPERS = {"PY": 1000, "PV": 947, "SOM": 1000, "VIP": 1000}


@pytest.fixture
def data(small_traces, small_targets):
    probes = {"mean": small_traces.traces.mean(axis=1).astype(float)}
    return ExperimentData(small_traces, small_targets, probes)


def without_groups(data):
    bare = {"subject_id": None, "session_id": None, "cell_id": None}
    return replace(data, traces=replace(data.traces, **bare))


def of_way(experiment, way):
    return [c.name for c in experiment.conditions if c.way == way]


def test_an_evaluation_has_probes_shuffled_labels_and_the_strictest_way_beside_it(data):
    experiment = plan_experiment(
        "evaluate", data, PROTOCOL, Training(), ["rnn", "svm-rbf"]
    )
    assert of_way(experiment, "paper") == [
        "rnn",
        "svm-rbf",
        "probe: mean",
        "probe: session",
        "rnn, shuffled labels",
        "svm-rbf, shuffled labels",
    ]
    others = ["rnn (by-subject)", "svm-rbf (by-subject)", "probe: mean (by-subject)"]
    assert of_way(experiment, "by-subject") == others


@pytest.mark.parametrize(
    ("asked", "beside"),
    [("by-subject", "paper"), ("by-session", "by-subject"), ("by-cell", "by-subject")],
)
def test_beside_a_grouped_way_runs_a_stricter_or_the_papers(data, asked, beside):
    protocol = PaperProtocol(asked, n_splits=3)
    experiment = plan_experiment("evaluate", data, protocol, Training(), ["rnn"])
    assert f"rnn ({beside})" in of_way(experiment, beside)
    assert {c.way for c in experiment.conditions} == {asked, beside}


def test_sessions_without_names_are_no_probe(data):
    traces = replace(data.traces, session_id=np.full(len(data.traces.labels), ""))
    experiment = plan_experiment(
        "evaluate", replace(data, traces=traces), PROTOCOL, Training(), ["rnn"]
    )
    assert not any("session" in c.name for c in experiment.conditions)


def test_without_groups_a_note_says_what_is_unknown(data):
    experiment = plan_experiment(
        "evaluate", without_groups(data), PROTOCOL, Training(), ["rnn"]
    )
    assert {c.way for c in experiment.conditions} == {"paper"}
    assert any("new animal is unknown" in note for note in experiment.notes)


def test_all_classifiers_but_the_probes_are_normalized_as_asked_for(data):
    training = Training(normalization="trace")
    experiment = plan_experiment(
        "evaluate", data, PROTOCOL, training, ["rnn", "svm-rbf"]
    )
    for condition in experiment.conditions:
        is_probe = condition.classifier.startswith("probe")
        wanted = None if is_probe else "trace"
        assert condition.parameters.get("normalization") == wanted


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "name at least one"),
        (["cnn", "cnn"], "and each once"),
        (["cnn", "resnet"], "There is no classifier 'resnet'; choose of cnn, rnn"),
    ],
)
def test_classifiers_are_known_and_named_once_each(data, names, said):
    with pytest.raises(LabelError, match=said):
        plan_experiment("evaluate", data, PROTOCOL, Training(), names)


@pytest.mark.parametrize("name", PAPER_EXPERIMENTS)
def test_names_of_conditions_are_unique(data, name):
    both = replace(data, new=data.traces, new_targets=data.targets)
    conditions = plan_experiment(name, both, PROTOCOL, Training()).conditions
    assert len({c.name for c in conditions}) == len(conditions)


def test_table_1_holds_every_architecture_that_the_text_fixes(data):
    names = of_way(plan_experiment("table1", data, PROTOCOL, Training()), "paper")
    cnn = "C", "C C", "C C C", "C C P C", "C C P C D", "C D C P C", "C C P D C"
    assert names[:7] == [f"CNN [{layers}]" for layers in cnn]
    for name in ("RNN T=2, 1 layer", "RNN T=10, 2 layers, dropout"):
        assert name in names
    assert "LSTM T=5, 2 layers, both dropouts" in names


def test_one_frame_per_time_step_is_asked_for(data):
    slow = plan_experiment("table1", data, PROTOCOL, Training(slow=True))
    timesteps = {c.parameters.get("timesteps") for c in slow.conditions}
    assert data.traces.n_frames in timesteps
    fast = plan_experiment("table1", data, PROTOCOL, Training())
    assert any("--slow adds them" in note for note in fast.notes)


def test_table_3_of_the_papers_data_has_the_sizes_that_it_can_give():
    sizes, test, notes = training_sizes(PAPERS)
    assert [sum(size.values()) for size in sizes] == [2560, 3157]
    assert sizes[1] == {"PY": 800, "SOM": 800, "VIP": 800, "PV": 757}
    assert sum(test.values()) == 640
    (note,) = notes
    assert note.startswith("5137, 6737 training and 640 test examples are left out")


def test_table_3_of_few_data_takes_the_same_shares(data):
    experiment = plan_experiment("table3", data, PROTOCOL, Training())
    tasks = experiment.tasks
    sizes = {t.condition.name: t.split for t in tasks if t.condition.train_counts}
    of_rnn = [s for name, s in sizes.items() if name.startswith("rnn,")]
    assert len({len(s.test) for s in of_rnn}) == 1
    assert [len(s.train) for s in of_rnn] == sorted(len(s.train) for s in of_rnn)
    assert any("same shares" in note for note in experiment.notes)


def test_of_very_few_data_no_size_stands_twice():
    sizes, _, _ = training_sizes({"PV": 10, "PY": 10})
    assert [sum(size.values()) for size in sizes] == [6, 12, 16]


def test_table_5_leaves_out_what_is_longer_than_the_data(data, make_traces):
    traces = make_traces(n_frames=1200)
    longer = replace(data, traces=traces, targets=Targets.of(traces.labels))
    experiment = plan_experiment("table5", longer, PROTOCOL, Training())
    lengths = {c.n_frames for c in experiment.conditions if c.n_frames}
    assert lengths == {500, 1000, 1200}
    assert any("2000, 3000, 4000 frames are left out" in n for n in experiment.notes)


def test_100_epochs_are_trained_where_nothing_else_is_asked_for(data):
    conditions = plan_experiment("epochs", data, PROTOCOL, Training()).conditions
    trained = {c.by_epoch: c.parameters.get("epochs") for c in conditions[:3]}
    assert trained == {True: 100}
    others = {c.parameters.get("epochs") for c in conditions[3:]}
    assert others == {None, 20}


def test_a_new_data_set_is_needed_for_its_experiment(data):
    with pytest.raises(LabelError, match="--new-data FILE"):
        plan_experiment("new-dataset", data, PROTOCOL, Training())


def test_classifiers_of_one_way_share_their_splits(data):
    experiment = plan_experiment(
        "evaluate", data, PROTOCOL, Training(), ["rnn", "lstm"]
    )
    tasks = experiment.tasks
    splits = {t.key: t.split for t in tasks}
    assert splits["rnn", 1] is splits["lstm", 1]
    assert not np.array_equal(splits["rnn", 1].test, splits["rnn", 2].test)


def test_a_seed_depends_on_nothing_but_protocol_and_split(data):
    seeds = []
    for names, protocol in (
        (["rnn"], PROTOCOL),
        (["cnn", "rnn"], PROTOCOL),
        (["rnn"], replace(PROTOCOL, random_state=1)),
    ):
        experiment = plan_experiment("evaluate", data, protocol, Training(), names)
        tasks = experiment.tasks
        seeds.append([t.seed for t in tasks if t.condition.name == "rnn"])
    assert seeds[0] == seeds[1]
    assert len({*seeds[0], *seeds[2]}) == 6


def test_a_quick_look_does_less_and_never_more():
    names, protocol, training = quick_look(PaperProtocol(), Training())
    assert names
    assert (protocol.n_splits, training.epochs) == (3, 5)
    _, protocol, training = quick_look(PaperProtocol(n_splits=2), Training(epochs=1))
    assert (protocol.n_splits, training.epochs) == (2, 1)


def test_what_is_as_little_as_a_quick_look_is_called_one(data):
    def caution(n_splits, epochs):
        made = plan_experiment("evaluate", data, PROTOCOL, Training(epochs), ["rnn"])
        return quick_caution(made, n_splits)

    assert caution(3, 5) == (
        "A quick look: 3 splits and 5 epochs (the paper has 10 splits and 20 epochs), "
        "so the scores are less certain."
    )
    assert caution(10, 20) == ""
    assert "and 1 epoch (the" in caution(10, 1)
