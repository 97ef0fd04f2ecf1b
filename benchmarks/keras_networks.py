"""The paper's three networks in Keras on TensorFlow, in the form that ours have.

The choices are those of docs/protocol.md: convolutions without padding, Glorot-uniform
kernels, orthogonal recurrences, forget biases of one, ReLU on what an LSTM layer hands
on but not on what it remembers, Adam with betas 0.9 and 0.99 and epsilon 1e-7 on the
mean cross-entropy. `copy_weights` puts the weights of a network of ours into one of
these, after which both give the same logits.
"""

from __future__ import annotations

import os
import sys

# TensorFlow and the Triton that torch's optimizers import bring an LLVM each, and the
# second one to load ends the process. Without a GPU nobody needs Triton.
sys.modules.setdefault("triton", None)
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow  # noqa: E402
import torch  # noqa: E402

from napari_celltype.models.networks import new_network  # noqa: E402
from napari_celltype.models.training import (  # noqa: E402
    ADAM_BETAS,
    ADAM_EPSILON,
    loss_sum,
    train,
)

__all__ = ["agreement", "build_keras", "copy_weights", "keras", "tensorflow"]
UNITS = 100
N_CLASSES, BATCH = 4, 32
# Of logits and losses, and of the loss after a step: on traces of 4,000 frames single
# activations fall on either side of zero, which moves gradients by 1e-5 in any program,
# and the first step of Adam goes by their signs.
TOLERANCE = {"logits": 1e-5, "loss": 1e-5, "loss after a step": 1e-3}


def build_keras(
    architecture,
    n_frames,
    n_classes,
    *,
    timesteps=2,
    dropout=0.5,
    learning_rate=1e-3,
    seed=None,
    jit_compile="auto",
):
    """Return a compiled Keras model: z-scored traces (n, n_frames) to logits."""
    if seed is not None:
        keras.utils.set_random_seed(seed)
    inputs = keras.Input((n_frames,))
    if architecture == "cnn":
        x = _convolutions(inputs, n_frames, dropout)
    else:
        step_frames = n_frames // timesteps
        used = timesteps * step_frames
        x = inputs if used == n_frames else inputs[:, :used]
        x = keras.layers.Reshape((timesteps, step_frames))(x)
        x = {"rnn": _recurrence, "lstm": _two_lstm_layers}[architecture](x)
    model = keras.Model(inputs, keras.layers.Dense(n_classes)(x))
    model.compile(
        optimizer=keras.optimizers.Adam(
            learning_rate, beta_1=0.9, beta_2=0.99, epsilon=1e-7
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=jit_compile,
    )
    return model


def _convolutions(inputs, n_frames, dropout):
    x = keras.layers.Reshape((n_frames, 1))(inputs)
    x = keras.layers.Conv1D(32, 10, activation="relu")(x)
    x = keras.layers.Conv1D(64, 10, activation="relu")(x)
    x = keras.layers.MaxPooling1D(2)(x)
    x = keras.layers.Conv1D(64, 10, activation="relu")(x)
    x = keras.layers.Dropout(dropout)(x)
    return keras.layers.Flatten()(x)


def _recurrence(x):
    return keras.layers.SimpleRNN(UNITS, activation="relu")(x)


def _two_lstm_layers(x):
    x = keras.layers.ReLU()(keras.layers.LSTM(UNITS, return_sequences=True)(x))
    return keras.layers.ReLU()(keras.layers.LSTM(UNITS)(x))


def copy_weights(network, model):
    """Give a Keras model the weights of a `models.networks.Network` like it."""
    values = []
    for name, weight in network.state_dict().items():
        value = weight.detach().cpu().numpy()
        if value.ndim == 4:  # Convolution: (out, in, 1, frames) to (frames, in, out).
            value = value[:, :, 0].transpose(2, 1, 0)
        elif name == "output.weight":
            value = value.T
        values.append(np.ascontiguousarray(value))
    model.set_weights(values)


def agreement(architecture: str, n_frames: int) -> dict[str, float]:
    """Compare logits, and the loss after a step, from the same weights."""
    generator = torch.Generator().manual_seed(0)
    network = new_network(
        architecture, n_frames, N_CLASSES, {"dropout": 0.0}, generator
    )
    model = build_keras(architecture, n_frames, N_CLASSES, dropout=0.0)
    copy_weights(network, model)
    random = np.random.default_rng(0)
    x = random.normal(size=(BATCH, n_frames)).astype(np.float32)
    y = random.integers(N_CLASSES, size=BATCH)
    network.eval()

    def logits() -> tuple[torch.Tensor, torch.Tensor]:
        with torch.no_grad():
            ours = network(torch.from_numpy(x))
        return ours, torch.from_numpy(keras.ops.convert_to_numpy(model(x)))

    ours, theirs = logits()
    row = train(
        network,
        x,
        y,
        epochs=1,
        batch_size=BATCH,
        learning_rate=1e-3,
        generator=generator,
        device=torch.device("cpu"),
        on_progress=lambda progress: None,
        should_stop=lambda: False,
        on_notice=print,
    )[0]
    model.optimizer.epsilon = ADAM_EPSILON * np.sqrt(1 - ADAM_BETAS[1])
    loss = float(model.train_on_batch(x, y)[0])
    labels = torch.from_numpy(y)
    after = [float(loss_sum(each, labels)) / BATCH for each in logits()]
    return {
        "logits": float((ours - theirs).abs().max()),
        "loss": abs(row["loss"] - loss),
        "loss after a step": abs(after[0] - after[1]),
    }
