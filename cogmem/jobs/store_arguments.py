"""The argument of "Key-value memory in the brain": separate keys and values, and forgetting as failure of retrieval.

Gershman, Fiete & Irie (2025). Keys that are learned become easy to tell apart and values true; a memory that was lost
comes back; a store that samples loses memories whole, as people do; what a store holds by its size, with theory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from cogmem.jobs import access_precision, optimised_keys, silent_engrams, store_capacity
from cogmem.jobs.outcomes import simulated
from cogmem.progress import Report, silent
from cogmem.store import Store
from cogmem.trials import Trials

VERSION: Final = 1
SEEDS: Final = (1, 2, 3)
CAPACITY: Final = store_capacity.CapacitySettings()
GROWTH: Final = store_capacity.GrowthSettings()
DESCENT: Final = store_capacity.CapacitySettings(pairs=(16, 32, 48, 64, 80, 96, 128, 256), repetitions=20)
ACCESS: Final = access_precision.AccessSettings()
TWO_LISTS: Final = access_precision.TwoListSettings()
ENGRAMS: Final = silent_engrams.EngramSettings()


@dataclass(frozen=True, eq=False)
class Arguments:
    """Tables by name: "accuracy", "capacity", "growth", "descent", "access", "two_lists", and those of two studies.

    "keys_loss", "keys_pairs", "keys_geometry" (see `optimised_keys.study`); "engram_course", "engram_recovery" (see
    `silent_engrams.recovery`).
    """

    tables: Mapping[str, Trials]
    seed: int
    seconds: float


def _parts(seed: int) -> dict[str, tuple[Any, Callable[[], Mapping[str, Trials]]]]:
    """Return for each simulation what its tables depend on, and what makes them."""

    def stores() -> dict[str, Trials]:
        table = store_capacity.accuracy(CAPACITY, seed=seed)
        return {"accuracy": table, "capacity": store_capacity.capacity(table)}

    def keys() -> dict[str, Trials]:
        return {f"keys_{name}": table for name, table in optimised_keys.study(seeds=SEEDS).items()}

    def engrams() -> dict[str, Trials]:
        return {f"engram_{name}": table for name, table in silent_engrams.recovery(ENGRAMS).items()}

    learned = {name: asdict(each) for name, each in optimised_keys.STUDY.items()}
    return {
        "stores": (asdict(CAPACITY), stores),
        "growth": (asdict(GROWTH), lambda: {"growth": store_capacity.growth(GROWTH, seed=seed)}),
        "descent": (asdict(DESCENT), lambda: {"descent": store_capacity.double_descent(DESCENT, seed=seed)}),
        "access": (asdict(ACCESS), lambda: {"access": access_precision.access(ACCESS, seed=seed)}),
        "two_lists": (asdict(TWO_LISTS), lambda: {"two_lists": access_precision.two_lists(TWO_LISTS, seed=seed)}),
        "keys": ({"study": learned, "seeds": SEEDS}, keys),
        "engrams": (asdict(ENGRAMS), engrams),
    }


def compute(*, seed: int = 1, store: Store, report: Report = silent) -> Arguments:
    """Return every table; what was computed once is taken from the store."""
    started = time.perf_counter()
    common = {"job": "store_arguments", "version": VERSION, "seed": seed}
    tables = simulated(store, common, _parts(seed), report)
    return Arguments(tables, seed, time.perf_counter() - started)
