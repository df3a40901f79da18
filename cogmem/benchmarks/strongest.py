"""Speed of the choice among noisy scores: rows of a list's own words and groups of earlier ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from cogmem.benchmarks.timing import Speed, Workload, against, compiled
from cogmem.kernels.strongest import strongest

COLUMNS = 11


def workloads(*, quick: bool = False, seed: int = 1) -> list[Workload]:
    """Return 10^5 tests of six pairs with five groups of words from earlier lists."""
    rows, rng = 5_000 if quick else 100_000, np.random.default_rng(seed)
    mean = 0.1 * rng.standard_normal((rows, COLUMNS))
    mean[:, 0] += 1.0
    sd, count = rng.uniform(0.2, 0.5, (rows, COLUMNS)), np.where(np.arange(COLUMNS) < 6, 1.0, 12.0)
    criterion = rng.uniform(0.6, 1.2, rows)

    def run(backend: str, size: int) -> Any:
        counts = np.broadcast_to(count, (size, COLUMNS))
        return strongest(mean[:size], sd[:size], counts, criterion[:size], backend=backend)

    return [Workload("highest of 11 columns", "test", rows, rows // 20, 1.0, run)]


def bench(*, quick: bool = False, seed: int = 1) -> list[Speed]:
    """Return the speed of every backend, against numpy's."""
    rows = []
    for work in workloads(quick=quick, seed=seed):
        meaning = work.speed("numpy")
        rows.append(meaning)
        rows += [against(work.speed(backend), numpy=meaning) for backend in compiled()]
    return rows
