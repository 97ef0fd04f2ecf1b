"""The command that an evaluation in the window leaves in its report."""

import shlex

import napari_celltype as nct
from napari_celltype.labels import Reading
from napari_celltype.parameters import command_line
from napari_celltype.protocol.evaluate import ExperimentRequest, run_experiment
from napari_celltype.protocol.experiments import Training


def test_it_is_the_same_run_at_the_terminal(terminal, trace_file, tmp_path):
    request = ExperimentRequest(
        trace_file({"PV": 12, "PY": 12, "VIP": 8}),
        folder=tmp_path / "my run",
        classifiers=("svm-linear",),
        protocol=nct.PaperProtocol(n_splits=2, train_size=12, test_size=6),
        training=Training(3, "auto", "trace"),
        reading=Reading(
            left_out=("VIP",), timesteps=40, resample=5.0, with_predictions=True
        ),
    )
    run_experiment(request)
    done = (request.folder / "results.jsonl").read_bytes()
    words = shlex.split(command_line("evaluate", request))
    # Another command on the same folder would be refused.
    result = terminal(*words[1:])
    assert result.exit_code == 0, result.output
    assert (request.folder / "results.jsonl").read_bytes() == done
