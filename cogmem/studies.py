"""A study is a plan, designs x subjects x seeds; running it fills the store and skips what is already there."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from itertools import product
from typing import Any

from cogmem.core import Curve, Design, Measure, Record, Subject, measure, run
from cogmem.errors import UserError
from cogmem.progress import bar
from cogmem.store import Store, load_record, save_record


@dataclass(frozen=True, eq=False)
class Study:
    """Every design is taken by every subject once a seed."""

    name: str
    designs: tuple[Design, ...]
    subjects: tuple[Subject, ...]
    seeds: tuple[int, ...] = (0,)

    def cells(self) -> Iterator[tuple[Design, Subject, int]]:
        """Yield (design, subject, seed) of each cell, in a fixed order."""
        yield from product(self.designs, self.subjects, self.seeds)


@dataclass(frozen=True, eq=False)
class Results:
    """The records of a study, in the order of its cells; `computed` of them were not in the store before."""

    study: Study
    records: tuple[Record, ...]
    computed: int

    def of(self, subject: str) -> tuple[Record, ...]:
        """Return the records of one subject."""
        return tuple(record for record in self.records if record.subject == subject)

    def curve(self, measured: Measure, subject: str) -> Curve:
        """Return a measure over all records of one subject."""
        found = self.of(subject)
        if not found:
            raise UserError(f"The study {self.study.name!r} has no subject {subject!r}.")
        return measure(measured, found)


def cell_spec(design: Design, subject: Subject, seed: int) -> dict[str, Any]:
    """Return what the answers of a cell depend on and nothing else: this is what its address is made from."""
    made = {"paradigm": design.paradigm, "version": design.version, "settings": design.settings, "seed": design.seed}
    return {"design": made, "subject": subject, "seed": seed}


def _answer(design: Design, subject: Subject, seed: int) -> Record:
    return run(design, subject, seed=seed)


def run_study(study: Study, *, store: Store, executor: Executor | None = None, progress: bool = False) -> Results:
    """Return the records of every cell of `study`, computing only those that `store` does not have.

    Each record is stored as soon as it is there, so a killed run goes on where it was. `executor` is any
    concurrent.futures.Executor; without one the cells run one after another. The answers do not depend on it.
    """
    cells = list(study.cells())
    specs = [cell_spec(*cell) for cell in cells]
    missing = [k for k, spec in enumerate(specs) if not store.has("record", spec)]
    with bar(f"Study {study.name}", shown=progress) as report:
        waiting: list[tuple[int, Future[Record] | None]] = [
            (k, executor.submit(_answer, *cells[k]) if executor else None) for k in missing
        ]
        for done, (k, future) in enumerate(waiting):
            report(done, len(waiting))
            save_record(store, "record", specs[k], future.result() if future else _answer(*cells[k]))
    return Results(study, tuple(load_record(store, "record", spec) for spec in specs), len(missing))
