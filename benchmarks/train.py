"""Training and inference of the paper's networks beside Keras on TensorFlow.

Both train the same networks (`keras_networks.py`) on the same 4,000-frame traces, round
by round in turn, so that what else the machine does falls on both alike. Single steps
are timed (Keras's between ends of its batches, ours between the questions to
`should_stop`; without the first step of a fit), and whole fits. Inference is the whole
call (`predict_proba` beside `model.predict` at the best of several batch sizes), which
is what is judged, and the network alone (beside a compiled TensorFlow function).

    python benchmarks/train.py --architectures rnn,lstm --rounds 10
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from classify import MATRIX, seconds
from keras_networks import TOLERANCE, agreement, build_keras, keras, tensorflow

from napari_celltype.models import TraceClassifier
from napari_celltype.models.device import traces_at_once

N_FRAMES, N_CLASSES, BATCH = 4000, 4, 32
PREDICTED = 512
KERAS_BATCHES = (16, 32, 64, 128, PREDICTED)
# The least ratio to Keras of training and of the whole call of inference, less the
# spread over the rounds.
WANTED = {"cnn": (1.0, 1.3), "rnn": (2.0, 6.0), "lstm": (1.5, 3.0)}


def flop_per_trace(architecture):
    """Return the FLOP of classifying one trace and of training on it."""
    if architecture == "cnn":
        first, second = N_FRAMES - 9, N_FRAMES - 18
        third = second // 2 - 9
        layers = [first * 320, second * 20480, third * 40960, third * 64 * N_CLASSES]
    elif architecture == "rnn":
        layers = [N_FRAMES * 100, 100 * 100, 100 * N_CLASSES]
    else:  # Two recurrences, since the first time step has none, and two inputs.
        layers = [N_FRAMES * 400, 4 * 100 * 400, 100 * N_CLASSES]
    return 2 * sum(layers), 2 * (3 * sum(layers) - layers[0])


def example_traces(n_traces):
    """Return traces as a recording has them and labels, from noise."""
    random = np.random.default_rng(0)
    traces = random.standard_normal((n_traces, N_FRAMES), dtype=np.float32) * 20 + 500
    return traces, np.array(["PV", "PY", "SOM", "VIP"])[np.arange(n_traces) % 4]


def z_scored(traces):
    return (traces - traces.mean()) / traces.std()


class Ours:
    """Our side: the estimator as users call it."""

    def __init__(self, architecture, steps):
        self.architecture = architecture
        self.traces, self.labels = example_traces(steps * BATCH)

    def fit(self):
        """Return the seconds of single steps, and of the whole fit."""
        asked = []
        classifier = TraceClassifier(
            self.architecture,
            epochs=1,
            batch_size=BATCH,
            normalization="training-set",
            random_state=0,
            device="cpu",
        )

        def should_stop():
            asked.append(time.perf_counter())
            return False

        whole = seconds(
            lambda: classifier.fit(self.traces, self.labels, should_stop=should_stop)
        )
        self.classifier = classifier
        return np.diff(asked), whole

    def predict(self, traces):
        self.classifier.predict_proba(traces)

    def network(self, scored):
        network = self.classifier.network_
        device = torch.device("cpu")
        batch = traces_at_once(device, N_FRAMES, network.cached_frames)
        with torch.inference_mode():
            for part in torch.from_numpy(scored).split(batch):
                network(part)


class Keras:
    """The peer's side, as Keras's own guide writes it."""

    def __init__(self, architecture, steps):
        traces, labels = example_traces(steps * BATCH)
        self.x = z_scored(traces)
        self.y = np.unique(labels, return_inverse=True)[1]
        self.model = build_keras(architecture, N_FRAMES, N_CLASSES, seed=0)
        self.ended = []
        self.clock = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda *_, **__: self.ended.append(time.perf_counter())
        )

    def fit(self):
        """Return the seconds of single steps, and of the whole fit."""
        self.ended.clear()
        whole = seconds(
            lambda: self.model.fit(
                self.x, self.y, batch_size=BATCH, verbose=0, callbacks=[self.clock]
            )
        )
        return np.diff(self.ended), whole

    def compile_prediction(self, scored):
        """Choose the batch size at which the compiled network is fastest."""
        self.compiled = tensorflow.function(lambda x: self.model(x, training=False))
        took = {}
        for self.batch in KERAS_BATCHES:
            self.network(scored)
            took[self.batch] = min(seconds(self.network, scored) for _ in range(3))
        self.batch = min(took, key=took.get)

    def network(self, scored):
        for start in range(0, len(scored), self.batch):
            self.compiled(scored[start : start + self.batch]).numpy()

    def predict(self, scored):
        self.model.predict(scored, batch_size=self.batch, verbose=0)


def product_rate():
    a = torch.ones(MATRIX, MATRIX)
    return 2 * MATRIX**3 / min(seconds(torch.mm, a, a) for _ in range(3))


def check_agreement(architecture):
    """Stop if the two sides are not the same network."""
    found = agreement(architecture, N_FRAMES)
    if any(found[name] > TOLERANCE[name] for name in found):
        raise SystemExit(f"{architecture} differs from Keras's: {found}.")


def compare(architecture, rounds, steps, repeats):
    """Return the rates of both sides, in traces per second, round by round."""
    check_agreement(architecture)
    ours, theirs = Ours(architecture, steps), Keras(architecture, steps)
    traces, _ = example_traces(PREDICTED)
    scored = z_scored(traces)
    for side in (ours, theirs):
        side.fit()  # Not timed: compiles, fills caches.
    theirs.compile_prediction(scored)
    rates = {}

    def note(name, traces_per_second):
        rates.setdefault(name, []).append(traces_per_second)

    for _ in range(rounds):
        note("matrix product", product_rate())
        for name, side in (("ours", ours), ("keras", theirs)):
            time.sleep(0.3)  # The other's idle threads still spin.
            step, whole = side.fit()
            note(f"{name} training", BATCH / statistics.median(step))
            note(f"{name} whole fit", steps * BATCH / whole)
        for name, side, given in (("ours", ours, traces), ("keras", theirs, scored)):
            time.sleep(0.3)
            for kind, function, x in (
                ("network", side.network, scored),
                ("predict", side.predict, given),
            ):
                took = statistics.median(
                    seconds(function, x) for _ in range(repeats + 1)
                )
                note(f"{name} {kind}", PREDICTED / took)
    return rates, theirs.batch


def ratios(rates, kind):
    return [
        a / b
        for a, b in zip(rates[f"ours {kind}"], rates[f"keras {kind}"], strict=True)
    ]


def print_comparison(architecture, rates, keras_batch):
    """Print the medians; return whether training and inference are quick enough."""
    product = statistics.median(rates["matrix product"])
    inference, training = flop_per_trace(architecture)
    print(
        f"{architecture}: fp32 matrix product {product / 1e9:.0f} GFLOP/s; "
        f"{training / 1e9:.4f} GFLOP per trace in training, {inference / 1e9:.4f} in "
        f"inference; Keras predicts best in batches of {keras_batch}"
    )
    found = {}
    for kind, flop in (
        ("training", training),
        ("whole fit", training),
        ("network", inference),
        ("predict", inference),
    ):
        ours, keras = (
            statistics.median(rates[f"{name} {kind}"]) for name in ("ours", "keras")
        )
        spread = ratios(rates, kind)
        low, high = np.quantile(spread, (0.25, 0.75), method="weibull")
        within = (high - low) / 2
        found[kind] = ours / keras + within
        print(
            f"  {kind:10s} ours {ours:8.0f}/s ({ours * flop / product:4.0%} of the "
            f"product), Keras {keras:8.0f}/s ({keras * flop / product:4.0%}); ratio "
            f"{ours / keras:5.2f} +- {within:.2f} (half the quartiles' distance), "
            f"rounds {min(spread):.2f} to {max(spread):.2f}"
        )
    wanted = WANTED[architecture]
    return found["training"] >= wanted[0] and found["predict"] >= wanted[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--architectures", default=",".join(WANTED))
    parser.add_argument("--threads", type=int, help="of both sides; all cores if unset")
    parser.add_argument("--repeats", type=int, default=4, help="predictions a round")
    parser.add_argument("--json", type=Path, help="file for the rates of every round")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
        tensorflow.config.threading.set_intra_op_parallelism_threads(options.threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(options.threads)
    print(
        f"{options.rounds} rounds of {options.steps} steps of {BATCH} traces of "
        f"{N_FRAMES} frames, {torch.get_num_threads()} threads; torch "
        f"{torch.__version__}, Keras {keras.__version__}, TensorFlow "
        f"{tensorflow.__version__}"
    )
    kept, slow = {}, []
    for architecture in options.architectures.split(","):
        rates, batch = compare(
            architecture, options.rounds, options.steps, options.repeats
        )
        kept[architecture] = rates
        if not print_comparison(architecture, rates, batch):
            slow.append(architecture)
    for architecture in slow:
        wanted = WANTED[architecture]
        print(
            f"{architecture} is slower than wanted: {wanted[0]} times Keras in "
            f"training, {wanted[1]} times in inference"
        )
    if options.json:
        options.json.write_text(json.dumps(kept, indent=1) + "\n")
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
