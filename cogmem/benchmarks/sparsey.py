"""Speed of code selection: items that are learned one after another by a coding field, and the algorithm as written."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.benchmarks.timing import Speed, Workload, against, compiled
from cogmem.kernels.sparsey import PUBLISHED, empty, frames_of_sets, learn, psi, recognise
from cogmem.paradigms.superpositions import drawn_sets

FEATURES: Final = 512
ACTIVE: Final = 20
MODULES: Final = 33
CELLS: Final = 60
Array = NDArray[np.float64]


def as_written(items: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """Return the weights after items were learned as the steps are written down: cell by cell of each module, in numpy.

    Real weights, a dot product for every cell, a draw for every module: what a script does that has not been made fast.
    """
    weights, numbers = np.zeros((MODULES, CELLS, FEATURES)), PUBLISHED.numbers()
    for item in items:
        x = np.zeros(FEATURES)
        x[item] = 1.0
        v = np.array([[np.dot(cell, x) / x.sum() for cell in module] for module in weights])
        g = float(np.mean([module.max() for module in v]))
        for q, module in enumerate(v):
            chances = np.array([psi(support, g, CELLS, numbers, 0.5) for support in module])
            winner = rng.choice(CELLS, p=chances / chances.sum())
            weights[q, winner, x > 0] = 1.0
    return weights


def workloads(*, quick: bool = False, seed: int = 1) -> list[Workload]:
    """Return 10^5 random items of 20 of 512 features for 33 modules of 60 cells: learned, and recognised."""
    most = 2_000 if quick else 100_000
    items = drawn_sets(most, FEATURES, ACTIVE, np.random.default_rng(seed))
    born = empty(MODULES, CELLS, FEATURES)
    held, _ = learn(born, frames_of_sets(items[:1000]), seed=seed, backend="numpy")

    def learned(backend: str, size: int) -> Any:
        return learn(born, frames_of_sets(items[:size]), seed=seed, backend=backend)[1].winners

    def recognised(backend: str, size: int) -> Any:
        return recognise(held, frames_of_sets(items[:size]), seed=seed, backend=backend).winners

    return [Workload("learn 20 of 512 features", "item", most, most // 100, 1.0, learned),
            Workload("recognise them", "item", most, most // 100, 1.0, recognised)]  # fmt: skip


def bench(*, quick: bool = False, seed: int = 1) -> list[Speed]:
    """Return the speed of every backend; what learns is compared with the algorithm as it is written down."""
    rng = np.random.default_rng(seed)
    few = 4 if quick else 40
    items = drawn_sets(few, FEATURES, ACTIVE, rng)
    plain = Workload("learn, as written", "item", few, few, 1.0, lambda backend, n: as_written(items[:n], rng))
    written = plain.speed("numpy")
    learned, recognised = workloads(quick=quick, seed=seed)
    rows = [written, *(against(learned.speed(backend), numpy=written) for backend in ("numpy", *compiled()))]
    meaning = recognised.speed("numpy")
    return [*rows, meaning, *(against(recognised.speed(backend), numpy=meaning) for backend in compiled())]
