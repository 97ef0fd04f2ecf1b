"""Train a network on labelled traces, test it on animals that it has not seen, keep it.

    python examples/train_own_model.py my_model.safetensors [TRACES.npz]

TRACES.npz holds `traces` (n_examples, n_frames), `labels`, `subject_id` and
`sampling_frequency`. Without it, simulated traces take its place, and the score says
nothing about real cells.
"""

import sys

from sklearn.metrics import balanced_accuracy_score, confusion_matrix
from sklearn.model_selection import GroupShuffleSplit

import napari_celltype as nct
from napari_celltype.models import card_for


def main(model_file: str, trace_file: str | None = None) -> None:
    if trace_file is None:
        # Two types only: telling all four apart takes thousands of labelled cells.
        counts = {"PY": 300, "PV": 300}
        data = nct.simulate_traces(counts, 600, 10.0, random_state=0)
    else:
        data = nct.load_traces(trace_file)

    # Split by animal: cells of one animal share its indicator, its running and its
    # microscope, and a network that has seen some of them knows the others too well.
    splits = GroupShuffleSplit(n_splits=1, test_size=0.3, random_state=0)
    train, test = next(splits.split(data.traces, data.labels, data.subject_id))

    classifier = nct.TraceClassifier("cnn", epochs=10, random_state=0)
    classifier.fit(data.traces[train], data.labels[train])

    predicted = classifier.predict(data.traces[test])
    score = balanced_accuracy_score(data.labels[test], predicted)
    chance = 1 / len(classifier.classes_)
    print(f"balanced accuracy on unseen animals: {score:.2f} (chance {chance:.2f})")
    print(", ".join(classifier.classes_))
    print(confusion_matrix(data.labels[test], predicted, labels=classifier.classes_))

    # The card is what makes the file usable on recordings: it knows the frame rate.
    card = card_for(
        classifier, name="my-model", sampling_frequency=data.sampling_frequency
    )
    classifier.save(model_file, card)
    print(f"written: {model_file}; use it as `napari-celltype classify --model FILE`")


if __name__ == "__main__":
    main(*sys.argv[1:])
