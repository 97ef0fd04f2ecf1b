"""How well are cell types told apart in animals that no classifier was trained on?

    python examples/evaluate_by_subject.py [DATA]

DATA is labelled: a trace set `.npz` with `subject_id`, a recording list `.csv`, or a
suite2p folder with labels. Without it, simulated traces take its place, and the scores
say nothing about real cells.
"""

import sys

import napari_celltype as nct


def main(path: str | None = None) -> None:
    if path is None:
        # Two types only: telling all four apart takes thousands of labelled cells.
        data = nct.simulate_traces({"PY": 120, "PV": 120}, 300, 10.0, random_state=0)
    else:
        data = path

    # All cells of an animal are on one side of each split. The paper's own way, which
    # puts them on both, is computed beside it: the difference is what an animal's cells
    # give away about each other.
    protocol = nct.PaperProtocol("by-subject", n_splits=3)
    report = nct.evaluate(data, ["rnn", "svm-rbf"], protocol, epochs=10)

    print(report.summary())
    print()
    means = report.scores.groupby("classifier")["balanced_accuracy"].mean()
    print(means.round(3).to_string())
    confusion = report.confusion("rnn")
    print(f"\nRNN: rows are the true {', '.join(confusion.classes)}")
    print(confusion.counts)


if __name__ == "__main__":
    main(*sys.argv[1:])
