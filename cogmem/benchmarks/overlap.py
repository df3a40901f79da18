"""Speed of reading packed codes: one query against all of them, 64 queries, and the best code alone."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from cogmem.benchmarks.timing import Speed, Workload, against, compiled, timed
from cogmem.kernels.overlap import best, overlap, top

WORDS, QUERIES = 32, 64
"""2048 bits a code."""


def _codes(quick: bool, seed: int) -> tuple[Any, Any]:
    rng, n = np.random.default_rng(seed), 50_000 if quick else 1_000_000
    draw = partial(rng.integers, 0, 2**64, dtype=np.uint64)
    return draw(size=(n, WORDS)), draw(size=(QUERIES, WORDS))


def workloads(*, quick: bool = False, seed: int = 1) -> list[Workload]:
    """Return 10^6 codes of 2048 bits, with one query and with 64: all scores, the best code, the best ten."""
    codes, queries = _codes(quick, seed)

    def work(call: Any, asked: Any) -> Any:
        return lambda backend, n: call(asked, codes[:n], backend=backend)

    every = [
        ("one query", overlap, queries[0]), ("one query, best", best, queries[0]),
        ("64 queries", overlap, queries), ("64 queries, best", best, queries),
        ("64 queries, best ten", partial(top, k=10), queries),
    ]  # fmt: skip
    n = len(codes)
    made = []
    for name, call, asked in every:
        per = WORDS * (1 if asked.ndim == 1 else QUERIES)
        made.append(Workload(name, "word", n, n if asked.ndim == 1 else n // 20, per, work(call, asked)))
    return made


def _limits(codes: Any) -> tuple[Speed, Speed]:
    """Return the rate at which the codes come from memory, and at which ones are counted in the first cache."""
    from cogmem.kernels.cpu import overlap as cpu

    words = codes.ravel()
    memory = timed("streaming sum", "numba", lambda: cpu.streamed(words), items=len(words), unit="word")
    near, rounds = words[: 64 * WORDS].copy(), max(1, 8 * len(codes) // 64)
    counting = partial(cpu.popcounts, rounds, near)
    return memory, timed("population counts", "numba", counting, items=rounds * len(near), unit="word")


def _on_gpu(codes: Any, queries: Any) -> list[Speed]:
    """Return the speeds on a GPU on which the codes already lie, against its own streaming sum."""
    from numba import cuda

    from cogmem.kernels.cuda import overlap as gpu

    there, words = cuda.to_device(codes), cuda.to_device(codes.ravel())
    limit = timed("streaming sum", "cuda", lambda: gpu.streamed(words), items=codes.size, unit="word")
    rows = [limit]
    for name, asked in (("one query", queries[:1]), ("64 queries", queries)):
        items = codes.size * len(asked)
        for what, call in (
            (name, partial(gpu.overlap, asked, there)),
            (f"{name}, best", partial(gpu.top, asked, there, 1)),
        ):
            rows.append(against(timed(what, "cuda", call, items=items, unit="word"), limit=limit))
    return rows


def bench(*, quick: bool = False, seed: int = 1) -> list[Speed]:
    """Return the speed of each piece of work, and how many times as fast a query is among 64 as alone."""
    codes, queries = _codes(quick, seed)
    memory, counting = _limits(codes)
    rows, alone = [memory, counting], None
    for work in workloads(quick=quick, seed=seed):
        meaning = work.speed("numpy")
        rows.append(meaning)
        if "numba" not in compiled():
            continue
        speed = against(work.speed("numba"), numpy=meaning, limit=memory if work.what.startswith("one") else counting)
        alone = alone or speed
        ratio = speed.items_per_second / alone.items_per_second
        rows.append(replace(speed, what=f"{work.what} ({ratio:.1f} x one at a time)"))
    return rows + (_on_gpu(codes, queries) if "cuda" in compiled() else [])
