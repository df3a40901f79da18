"""Speed of random numbers: drawn and written out, beside drawn and added up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cogmem.benchmarks.timing import Speed, Workload, against, compiled, timed
from cogmem.kernels import random

DRAWS = 20


def raw(backend: str, n: int, draws: int, *, normal: bool) -> Speed:
    """Return the limit of what is drawn: `draws` words or normals of each of n individuals, nothing stored."""
    if backend == "cuda":
        from cogmem.kernels.cuda import limits as on_device

        drawn: Callable[[int, int, bool], Any] = on_device.drawn
    else:
        from cogmem.kernels.cpu import limits

        drawn = limits.drawn
    unit = "normal" if normal else "word"
    return timed(f"raw Philox {unit}s", backend, lambda: drawn(n, draws, normal), items=n * draws, unit=unit)


def workloads(*, quick: bool = False, seed: int = 1) -> list[Workload]:
    """Return 20 words, normals and exponentials of each of 10^6 individuals."""
    n = 50_000 if quick else 1_000_000

    def drawing(draw: Callable[..., Any]) -> Callable[[str, int], Any]:
        return lambda backend, size: draw(size, DRAWS, seed=seed, backend=backend)

    every = (("word", random.words), ("normal", random.normals), ("exponential", random.exponentials))
    return [Workload(f"{unit}s", unit, n, n // 10, DRAWS, drawing(draw)) for unit, draw in every]


def bench(*, quick: bool = False, seed: int = 1) -> list[Speed]:
    """Return the rates at which random numbers are drawn and written out, beside the raw ones."""
    rows = []
    for work in workloads(quick=quick, seed=seed):
        meaning = work.speed("numpy")
        rows.append(meaning)
        for backend in compiled():
            limit = raw(backend, work.n, DRAWS, normal=work.unit == "normal")
            rows.append(against(work.speed(backend), numpy=meaning, limit=limit))
    return rows
