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

__all__ = ["build_keras", "copy_weights", "keras", "tensorflow"]
UNITS = 100


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
    """Give a Keras model the weights of a `classifiers.networks.Network` like it."""
    values = []
    for name, weight in network.state_dict().items():
        value = weight.detach().cpu().numpy()
        if value.ndim == 4:  # Convolution: (out, in, 1, frames) to (frames, in, out).
            value = value[:, :, 0].transpose(2, 1, 0)
        elif name == "output.weight":
            value = value.T
        values.append(np.ascontiguousarray(value))
    model.set_weights(values)
