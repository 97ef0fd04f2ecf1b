"""Does a network of ours compute and learn what the same one in Keras does?"""

from __future__ import annotations

import numpy as np
import torch
from keras_networks import build_keras, copy_weights, keras

from napari_celltype.models.networks import new_network
from napari_celltype.models.training import (
    ADAM_BETAS,
    ADAM_EPSILON,
    loss_sum,
    train,
)

N_CLASSES, BATCH = 4, 32
# Of logits and losses, and of the loss after a step: on traces of 4,000 frames single
# activations fall on either side of zero, which moves gradients by 1e-5 in any program,
# and the first step of Adam goes by their signs.
TOLERANCE = {"logits": 1e-5, "loss": 1e-5, "loss after a step": 1e-3}


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
