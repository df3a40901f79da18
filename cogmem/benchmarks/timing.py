"""How a kernel's speed is measured: medians of repeated runs, compilation apart, ratios within one run."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from cogmem.kernels.kernel import simulated, usable

REPEATS: Final = 7


@dataclass(frozen=True)
class Speed:
    """One line of a kernel's benchmark; what was not measured is None.

    `items` is the work of one run (in `unit`s), `seconds` the median run; `compile_seconds` is how much longer the
    first run took. `to_numpy` and `to_limit` are ratios of rates within this run: how many times as fast as numpy's
    meaning, and what share of the `limit` that this machine was measured to have.
    """

    what: str
    backend: str
    items: float
    unit: str
    seconds: float
    items_per_second: float
    compile_seconds: float | None = None
    to_numpy: float | None = None
    to_limit: float | None = None
    limit: str = ""


def timed(
    what: str, backend: str, call: Callable[[], Any], *, items: float, unit: str, repeats: int = REPEATS
) -> Speed:
    """Return the speed of `call`, which does `items` of work each time: the median of `repeats` runs after a first."""
    began = time.perf_counter()
    call()
    first = time.perf_counter() - began
    gc.collect()
    runs = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        runs.append(time.perf_counter() - began)
    seconds = statistics.median(runs)
    return Speed(what, backend, items, unit, seconds, items / seconds, max(0.0, first - seconds))


@dataclass(frozen=True)
class Workload:
    """Work that every backend can do: `run(backend, n)` does it for n individuals, `per` items each.

    Compiled backends are given all `n`; numpy's meaning, which they are compared with per item, only `few` of them.
    """

    what: str
    unit: str
    n: int
    few: int
    per: float
    run: Callable[[str, int], Any]

    def size(self, backend: str) -> int:
        """Return how many individuals a backend is given."""
        return self.few if backend == "numpy" else self.n

    def speed(self, backend: str) -> Speed:
        """Return the speed of one backend."""
        n = self.size(backend)
        repeats = 3 if backend == "numpy" else REPEATS
        call = partial(self.run, backend, n)
        return timed(self.what, backend, call, items=n * self.per, unit=self.unit, repeats=repeats)


def compiled() -> list[str]:
    """Return the compiled backends that can be timed here: CUDA only on a real GPU."""
    return [each for each in usable() if each != "numpy" and not (each == "cuda" and simulated())]


def against(speed: Speed, *, numpy: Speed | None = None, limit: Speed | None = None) -> Speed:
    """Return `speed` with its ratios to numpy's rate and to the limit's, both measured in the same unit."""
    if numpy is not None:
        speed = replace(speed, to_numpy=speed.items_per_second / numpy.items_per_second)
    if limit is not None:
        speed = replace(speed, to_limit=speed.items_per_second / limit.items_per_second, limit=limit.what)
    return speed


def table(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows without the columns that are empty in all of them."""
    kept = [name for name in rows[0] if any(row[name] not in (None, "") for row in rows)]
    return [{name: row[name] for name in kept} for row in rows]
