"""Speed of simulated retention: people x delays x items straight into counts."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from cogmem.benchmarks.chains import fast_backends, raw
from cogmem.benchmarks.timing import Speed, against, timed
from cogmem.kernels.retention import retention_counts, simulate_retention
from cogmem.models import power

DELAYS = np.geomspace(60.0, 30 * 86_400.0, 8)


def _binomial(theta: dict[str, Any], items: int, seed: int) -> Any:
    """Draw each count at once with numpy's Generator, as its users do."""
    p = np.clip(
        power.predict(np, {name: v[:, None] for name, v in theta.items()}, {"retention_interval": DELAYS}), 0, 1
    )
    return np.random.default_rng(seed).binomial(items, p)


def bench_retention(*, quick: bool = False, seed: int = 1) -> list[Speed]:
    """Return the speed of 10^5 people x 8 delays x 40 items by a power law; the limit is that of raw Philox words."""
    people, items = (5_000 if quick else 100_000), 40
    rng = np.random.default_rng(seed)
    theta = {"a": rng.uniform(0.8, 1.2, people), "b": rng.uniform(0.05, 0.3, people)}
    answers = people * len(DELAYS) * items

    def simulate(backend: str, count: int = people) -> Any:
        part = {name: values[:count] for name, values in theta.items()}
        columns = {"retention_interval": DELAYS}
        return simulate_retention(power.predict, part, columns, n_items=items, seed=seed, backend=backend)

    few = people // 20
    users = timed(
        "power law", "numpy binomial", lambda: _binomial(theta, items, seed), items=answers, unit="answer", repeats=3
    )
    meaning = timed("power law", "numpy", partial(simulate, "numpy", few), items=answers / 20, unit="answer", repeats=3)
    rows = [users, meaning]
    p = np.clip(rng.random((people, len(DELAYS))), 0, 1)
    for backend in fast_backends():
        limit = raw("raw Philox words", backend, people * len(DELAYS), items, normal=False)
        speed = timed("power law", backend, partial(simulate, backend), items=answers, unit="answer")
        rows.append(against(speed, numpy=meaning, limit=limit))
        drawn = timed(
            "counts alone",
            backend,
            partial(retention_counts, p, n_items=items, seed=seed, backend=backend),
            items=answers,
            unit="answer",
        )
        rows.append(against(drawn, numpy=meaning, limit=limit))
    return rows
