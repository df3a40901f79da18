"""What comes of one subject on people's trials: computed in a process of its own, stored, never computed twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Kind, Source
from cogmem.progress import Report
from cogmem.store import Made, Store
from cogmem.trials import Trials
from cogmem.workers import side_by_side

Array = NDArray[np.float64]
KIND: Final = "outcome"
SIMULATION: Final = "simulation"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of one subject: `scores` in nats (the job's own order), simulated curves by measure, parameters."""

    name: str
    kind: Kind
    scores: Array
    curves: Mapping[str, Curve]
    parameters: Trials
    seconds: float = 0.0


Task = Callable[[], Outcome]


def halves(names: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows are of every second name (the first, third, ... in order), and which of the others."""
    rank = np.unique(names, return_inverse=True)[1]
    return rank % 2 == 0, rank % 2 == 1


def stored(store: Store, spec: Mapping[str, Any], task: Task) -> Outcome:
    """Return the outcome that the store has for `spec`, or compute and keep it."""

    def make() -> Made:
        started = time.perf_counter()
        made = task()
        about = {"name": made.name, "kind": made.kind}
        tables = {f"curve_{name}": curve.rows for name, curve in made.curves.items()}
        tables |= {"parameters": made.parameters}
        tables["about"] = Trials({name: np.array([value]) for name, value in about.items()})
        source = Source(who=made.name, kind=made.kind, seconds=time.perf_counter() - started)
        return tables, {"scores": made.scores}, source

    tables, arrays, source = store.remember(KIND, spec, make)
    name = str(tables["about"]["name"][0])
    curves = {
        key.removeprefix("curve_"): Curve(key.removeprefix("curve_"), name, rows, source)
        for key, rows in tables.items()
        if key.startswith("curve_")
    }
    kind = cast(Kind, str(tables["about"]["kind"][0]))
    return Outcome(name, kind, arrays["scores"], curves, tables["parameters"], source.seconds)


def simulated(
    store: Store, common: Mapping[str, Any], parts: Mapping[str, tuple[Any, Callable[[], Mapping[str, Trials]]]],
    report: Report, *, who: str = "",
) -> dict[str, Trials]:  # fmt: skip
    """Return the tables of all parts, by part what they depend on and what makes them; the store keeps each part's.

    `who` is simulated; else a part is called by its name.
    """
    tables: dict[str, Trials] = {}
    for done, (name, (settings, make)) in enumerate(parts.items()):
        report(done, len(parts))

        def made(make: Callable[[], Mapping[str, Trials]] = make, name: str = name) -> Made:
            began = time.perf_counter()
            found = dict(make())
            return found, {}, Source(who=who or name, kind="network", seconds=time.perf_counter() - began)

        tables |= store.remember(SIMULATION, {**common, "part": name, "settings": settings}, made)[0]
    report(len(parts), len(parts))
    return tables


def compute_all(
    tasks: Sequence[tuple[dict[str, Any], Task]], store: Store, workers: int, report: Report
) -> list[Outcome]:
    """Return the outcome of every task; with two workers or more they are computed side by side.

    Each is stored when it is there, so that a killed run goes on, and none depends on the number of workers.
    """
    missing = [task for task in tasks if not store.has(KIND, task[0])]
    if workers > 1 and len(missing) > 1:
        with side_by_side(min(workers, len(missing))) as pool:
            futures = [pool.submit(stored, store, *task) for task in missing]
            for done, future in enumerate(futures):
                report(done, len(missing))
                future.result()
    found = []
    for done, task in enumerate(tasks):
        report(done, len(tasks))
        found.append(stored(store, *task))
    return found
