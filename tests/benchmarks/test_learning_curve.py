import json

import label_next
import learning_curve
import numpy as np
import pytest
from learning_curve import CELLS, SESSIONS, TYPES, Pool, case, table


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Pool:
    """Cells whose types their inputs tell at any length, in some noise."""
    monkeypatch.setattr(learning_curve, "ANIMALS", 24)
    monkeypatch.setattr(label_next, "ANIMALS", 24)
    rng = np.random.default_rng(0)
    labels = rng.choice(TYPES, 30 * CELLS * SESSIONS)
    lengths = learning_curve.frames_of(Pool(labels, {}))
    known = (labels[:, None] == np.array(TYPES)) + 0.2 * rng.normal(
        size=(len(labels), 4)
    )
    return Pool(labels, dict.fromkeys(lengths, known.astype(np.float32)))


def test_what_is_perfect_is_foretold(pool: Pool) -> None:
    results = case("linear", pool, 0)
    assert json.dumps(results)
    assert {(r["unit"], r["times"]) for r in results} >= {("animals", 4), ("cells", 2)}
    assert min(r["achieved"] for r in results) > 0.95
    heading, *rows = table(results)
    assert heading.count("|") == rows[0].count("|")
    assert rows[0].startswith("| 0-10 | balanced accuracy | 100 % | 100 % | ")


def test_each_way_chooses_twenty_different_cells(pool: Pool) -> None:
    gains = label_next.case("linear", pool, 20, 0)
    assert gains.keys() == {"random", "least certain", "spread", "k-centre"}
    known, rows = np.arange(40), np.arange(100, 180)
    rng = np.random.default_rng(0)
    certainty = np.linspace(1, 0, len(rows))
    chosen = label_next.choices(pool, known, rows, certainty, rng)
    assert all(len(np.unique(c)) == 20 and set(c) <= set(rows) for c in chosen.values())
    assert set(chosen["least certain"]) == set(rows[-20:])
    assert set(chosen["spread"]) <= set(rows[-40:])
