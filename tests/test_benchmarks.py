"""The benchmarks run and their ratios are right; no test asserts a time.

The same workloads for pytest-benchmark, to find regressions from one commit to the next:
`pytest tests/test_benchmarks.py --benchmark-enable --benchmark-only --benchmark-autosave --benchmark-compare`.
"""

from __future__ import annotations

import math
import shutil
from importlib import import_module
from typing import Any

import pytest

from cogmem.benchmarks import BENCHMARKS, KERNELS
from cogmem.benchmarks.timing import Speed, Workload, against, compiled, table, timed

BACKENDS = ("numpy", *compiled())


def workloads(name: str) -> list[Workload]:
    made: list[Workload] = import_module(f"cogmem.benchmarks.{name}").workloads(quick=True)
    return made


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", KERNELS)
def test_every_backend_does_the_workloads(name: str, backend: str, benchmark: Any) -> None:
    every = workloads(name)
    assert every
    benchmark(lambda: [work.run(backend, work.size(backend)) for work in every])


@pytest.mark.slow
@pytest.mark.parametrize("name", KERNELS)
def test_a_benchmark_compares_within_one_run(name: str) -> None:
    rows = BENCHMARKS[name](quick=True)
    assert {"numpy", *compiled()} <= {row.backend for row in rows}
    limits = {row.limit for row in rows}
    for row in rows:
        assert row.items > 0
        assert row.items_per_second == pytest.approx(row.items / row.seconds)
        if row.backend in compiled() and row.what not in limits:
            # On a GPU numpy's meaning may be too far away to compare with; the card's own limit is not.
            ratio = row.to_limit if row.backend == "cuda" else row.to_numpy
            assert ratio is not None
            assert math.isfinite(ratio)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="There is no chromium on this machine.")
def test_the_app_is_measured_in_a_browser() -> None:
    rows = BENCHMARKS["app"](quick=True)
    assert [row.unit for row in rows] == ["plot", "move", "move", "MB", "move"]
    assert all(row.seconds > 0 and row.items > 0 for row in rows)


@pytest.mark.slow
def test_studies_are_measured() -> None:
    rows = BENCHMARKS["studies"](quick=True)
    assert [row.unit for row in rows] == ["cell"] * 4 + ["response"] * 2 + ["MB"]
    assert all(row.seconds > 0 and row.items > 0 for row in rows)
    assert rows[3].limit == rows[2].what


def test_timed_counts_every_call() -> None:
    calls: list[int] = []
    speed = timed("work", "numpy", lambda: calls.append(1), items=10.0, unit="item", repeats=5)
    assert len(calls) == 6  # the first one, which may compile, is apart
    assert speed.items_per_second == pytest.approx(10.0 / speed.seconds)


def test_ratios_by_hand() -> None:
    meaning, limit = (Speed(what, "numpy", 8.0, "item", s, 8.0 / s) for what, s in (("meaning", 4.0), ("limit", 0.5)))
    fast = against(Speed("fast", "numba", 80.0, "item", 8.0, 10.0), numpy=meaning, limit=limit)
    assert (fast.to_numpy, fast.to_limit, fast.limit) == (5.0, 0.625, "limit")


def test_columns_that_nothing_fills_are_left_out() -> None:
    assert table([{"a": 1, "b": None, "c": ""}, {"a": 2, "b": None, "c": "x"}]) == [
        {"a": 1, "c": ""},
        {"a": 2, "c": "x"},
    ]
