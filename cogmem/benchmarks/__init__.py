"""Speed, as ratios within one run: nothing here asserts a time. `cogmem bench NAME` runs one of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final


def _later(name: str) -> Callable[..., list[Any]]:
    """Return a benchmark whose module is imported when it runs."""

    def run(*, quick: bool = False, seed: int = 1) -> list[Any]:
        made: list[Any] = import_module(f"cogmem.benchmarks.{name}").bench(quick=quick, seed=seed)
        return made

    return run


KERNELS: Final = ("random", "chains", "overlap", "retention", "stepwise", "recall", "strongest", "sparsey", "chunking")
"""Benchmarks of kernels; the module of each also gives its `workloads`, which pytest-benchmark times on their own."""

BENCHMARKS: Final[Mapping[str, Callable[..., list[Any]]]] = {
    name: _later(name) for name in ("fit", *KERNELS, "diffusion", "training", "studies", "app")
}
BY_NAME_ALONE: Final = ("studies", "app")
"""Run when they are named: they take long, or need what not every machine has (a browser)."""
