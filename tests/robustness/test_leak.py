"""Types that were each recorded with a rig of their own are flagged on a score card."""

from __future__ import annotations

import json

import numpy as np

from napari_celltype.labels import TraceSet
from napari_celltype.protocol.evaluate import PaperProtocol, evaluate


def test_a_rig_for_each_type_is_flagged_on_the_card(soak, tmp_path):
    """Each type has a gain, an offset and a noise of its own, and no activity."""
    path = tmp_path / "card.json"
    for seed in range(20 if soak else 4):
        rig, subject = np.divmod(np.arange(72), 18)
        noise = np.random.default_rng(seed).normal(size=(72, 400))
        traces = TraceSet(
            traces=noise * (1 + 0.5 * rig[:, None]) + 200 * rig[:, None],
            labels=np.array(["PY", "PV", "SOM", "VIP"])[rig],
            sampling_frequency=10.0,
            subject_id=(subject % 6).astype(str),
        )
        protocol = PaperProtocol(n_splits=2, random_state=seed)
        evaluate(traces, ("svm-linear",), protocol, score_card=path)
        doubts = json.loads(path.read_bytes())["doubts"]
        assert "probe-comes-near" in {doubt["code"] for doubt in doubts}
