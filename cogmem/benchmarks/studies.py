"""What a study costs beyond the work of its cells, what a second worker gives, and questions to all that is stored."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem import models, paradigms
from cogmem.benchmarks.timing import Speed, against
from cogmem.core import Design, Kind
from cogmem.store import Store
from cogmem.store_queries import query
from cogmem.studies import Study, run_study
from cogmem.workers import side_by_side

WORK: Final = 0.05
"""Seconds of work a cell where a second worker is to help."""
GROUPED: Final = (
    "select paradigm, subject, retention_interval, count(*) as n, avg(answer) as mean "
    "from responses group by all order by all"
)
MEMORY: Final = """
name = "large"
seeds = {{first = 1, n = {seeds}}}
[[designs]]
paradigm = "forgetting_curve"
seeds = {{first = 1, n = {designs}}}
settings = {{n_items = {items}}}
[[subjects]]
name = "power"
parameters = {{a = 1.0, b = 0.1}}
"""


@dataclass(frozen=True)
class Busy:
    """A subject that works for a stated time, on the processor, and then guesses."""

    work: float = 0.0
    name: str = "busy"
    version: int = 1
    kind: Kind = "equation"
    needs: frozenset[str] = frozenset()

    def answer(self, design: Design, rng: np.random.Generator) -> NDArray[Any]:
        """Return guesses, after the work."""
        until = time.process_time() + self.work
        while time.process_time() < until:
            pass
        return rng.integers(0, 2, len(design.tests))


def _ran(what: str, backend: str, cells: int, work: float, workers: int | None, folder: Path) -> Speed:
    """Return how fast so many new cells are computed and stored, without the start of the workers."""
    design = paradigms.forgetting_curve.design(n_items=2, seed=1)
    run = partial(run_study, store=Store(folder), workers=workers)
    if workers is None:
        began = time.perf_counter()
        run(Study("bench", (design,), (Busy(work),), tuple(range(cells))))
        seconds = time.perf_counter() - began
    else:
        with side_by_side(workers) as pool:
            run(Study("start", (design,), (Busy(0.2),), tuple(range(2 * workers))), executor=pool)
            began = time.perf_counter()
            run(Study("bench", (design,), (Busy(work),), tuple(range(cells))), executor=pool)
            seconds = time.perf_counter() - began
    return Speed(what, backend, float(cells), "cell", seconds, cells / seconds)


def _asked(what: str, store: Store, responses: int) -> Speed:
    """Return the middle of three times that a question to all responses takes."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        found = query(store, GROUPED)
        took.append(time.perf_counter() - began)
        assert int(found["n"].sum()) == responses
    seconds = float(np.median(took))
    return Speed(what, "duckdb", float(responses), "response", seconds, responses / seconds)


def _stored(root: Path, cells: int, items: int) -> int:
    """Store records of so many cells; return how many responses that are."""
    design = paradigms.forgetting_curve.design(n_items=items, seed=1)
    subject = models.power.subject(a=1.0, b=0.1)
    run_study(Study("answers", (design,), (subject,), tuple(range(cells))), store=Store(root))
    return cells * len(design.tests)


def _memory(folder: Path, designs: int, seeds: int, items: int) -> Speed:
    """Return the most memory, in MB, that any process of `cogmem study` held, and the seconds that it took."""
    plan = folder / "large.toml"
    plan.write_text(MEMORY.format(designs=designs, seeds=seeds, items=items))
    words = ["study", str(plan), "--out", str(folder / "out"), "--store", str(folder / "s"), "--workers", "2", "--json"]
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "cogmem.cli", *words], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - began
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    responses = designs * seeds * items * 8
    return Speed(f"{responses:.0e} responses: memory of the largest process", "local", megabytes, "MB", seconds,
                 megabytes / seconds)  # fmt: skip


def bench(*, quick: bool = False, seed: int = 1) -> list[Speed]:
    """Return the costs of cells that take no time, of cells of 50 ms by one and two workers, of questions, of memory.

    The rate of two workers has its ratio to that of one beside it. In full it takes a quarter of an hour and 3 GB.
    """
    del seed  # nothing here is drawn
    cells, busy, large, items = (60, 8, 2, 100) if quick else (10_000, 200, 100, 12_500)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [
            _ran("cells that take no time", "here", cells, 0.0, None, folder / "here"),
            _ran("cells that take no time", "two workers", cells, 0.0, 2, folder / "two"),
        ]
        one = _ran(f"cells of {WORK:g} s", "one worker", busy, WORK, 1, folder / "one busy")
        rows += [one, against(_ran(f"cells of {WORK:g} s", "two workers", busy, WORK, 2, folder / "two busy"),
                              limit=one)]  # fmt: skip
        rows.append(_asked("a question to many small records", Store(folder / "two"), (cells + 4) * 16))
        rows.append(_asked("a question to large records", Store(folder / "large"),
                           _stored(folder / "large", large, items)))  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        rows.append(_memory(Path(name), *((2, 2, 10) if quick else (100, 10, 12_500))))
    return rows
