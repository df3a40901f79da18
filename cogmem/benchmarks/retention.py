"""Speed of simulated retention: people x delays x items straight into counts."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from cogmem.benchmarks.random import raw
from cogmem.benchmarks.timing import Speed, Workload, against, compiled, timed
from cogmem.kernels.retention import retention_counts, simulate_retention
from cogmem.models import power

DELAYS = np.geomspace(60.0, 30 * 86_400.0, 8)
ITEMS = 40


def _people(quick: bool, seed: int) -> dict[str, Any]:
    people, rng = 5_000 if quick else 100_000, np.random.default_rng(seed)
    return {"a": rng.uniform(0.8, 1.2, people), "b": rng.uniform(0.05, 0.3, people)}


def _predicted(theta: dict[str, Any]) -> Any:
    by_person = {name: values[:, None] for name, values in theta.items()}
    return np.clip(power.predict(np, by_person, {"retention_interval": DELAYS}), 0, 1)


def _binomial(theta: dict[str, Any], seed: int) -> Any:
    """Draw each count at once with numpy's Generator, as its users do."""
    return np.random.default_rng(seed).binomial(ITEMS, _predicted(theta))


def workloads(*, quick: bool = False, seed: int = 1) -> list[Workload]:
    """Return 10^5 people x 8 delays x 40 items: a power law from its parameters, and the counts alone."""
    theta = _people(quick, seed)
    p, people = _predicted(theta), len(theta["a"])

    def whole(backend: str, size: int) -> Any:
        part = {name: values[:size] for name, values in theta.items()}
        columns = {"retention_interval": DELAYS}
        return simulate_retention(power.predict, part, columns, n_items=ITEMS, seed=seed, backend=backend)

    def counts(backend: str, size: int) -> Any:
        return retention_counts(p[:size], n_items=ITEMS, seed=seed, backend=backend)

    both = (("power law", whole), ("counts alone", counts))
    return [Workload(name, "answer", people, people // 20, len(DELAYS) * ITEMS, run) for name, run in both]


def bench(*, quick: bool = False, seed: int = 1) -> list[Speed]:
    """Return the speed of simulated retention; the limit is that of raw Philox words."""
    theta = _people(quick, seed)
    answers = len(theta["a"]) * len(DELAYS) * ITEMS
    drawn = partial(_binomial, theta, seed)
    rows = [timed("power law", "numpy binomial", drawn, items=answers, unit="answer", repeats=3)]
    for work in workloads(quick=quick, seed=seed):
        meaning = work.speed("numpy")
        rows.append(meaning)
        for backend in compiled():
            limit = raw(backend, work.n * len(DELAYS), ITEMS, normal=False)
            rows.append(against(work.speed(backend), numpy=meaning, limit=limit))
    return rows
