"""Speed, as ratios within one run: nothing here asserts a time. `cogmem bench NAME` runs one of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final


def _later(module: str, function: str) -> Callable[..., list[Any]]:
    """Return a benchmark whose module is imported when it runs."""

    def run(*, quick: bool = False, seed: int = 1) -> list[Any]:
        made: list[Any] = getattr(import_module(f"cogmem.benchmarks.{module}"), function)(quick=quick, seed=seed)
        return made

    return run


BENCHMARKS: Final[Mapping[str, Callable[..., list[Any]]]] = {
    "fit": _later("fitting", "bench_fit"),
    "random": _later("chains", "bench_random"),
    "chains": _later("chains", "bench_chains"),
    "overlap": _later("overlap", "bench_overlap"),
    "retention": _later("retention", "bench_retention"),
    "stepwise": _later("stepwise", "bench_stepwise"),
    "recall": _later("recall", "bench_recall"),
}
