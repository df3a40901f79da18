"""A study is a plan, designs x subjects x seeds; running it fills the store and skips what is already there.

Cells are computed by the workers of any `concurrent.futures.Executor`, who write to the store themselves: a record is
there when its cell is done, whatever happens to the others. What a study gives does not depend on who computed which
cell, how many times it was killed, or what else used the store.
"""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from cogmem.addresses import canonical, canonical_json
from cogmem.core import Curve, Design, Measure, Record, Source, Subject, run
from cogmem.errors import UserError
from cogmem.progress import Report, bar, silent
from cogmem.store import Store, StoreError, load_record, save_record
from cogmem.trials import concatenate
from cogmem.workers import end, one_thread

KIND: Final = "record"
TASK_SECONDS: Final = 0.2
"""Cells go to a worker in tasks of about this length: shorter ones cost more to send than to do."""
MOST: Final = 256
"""Cells of a task at most."""
PENDING: Final = 3
"""Tasks that are on their way for each worker: enough that none waits for the next."""
PATIENCE: Final = 0.5
DIED: Final = "its worker died"
DEATHS: Final = 2
"""Times that a cell may be tried again whose worker died, which is mostly not its fault."""


@dataclass(frozen=True)
class PlannedDesign:
    """A design that is laid out when a cell of it is computed: a study of many large ones need not hold them all.

    `given` are the settings that are not the paradigm's defaults; `settings` are all of them. The paradigm is one of
    the catalogue.
    """

    paradigm: str
    version: int
    settings: Mapping[str, Any]
    seed: int
    given: Mapping[str, Any]

    def design(self) -> Design:
        """Return the design, laid out."""
        from cogmem import catalogue

        known = catalogue.named("paradigm", self.paradigm, catalogue.paradigms())
        made: Design = known.design(seed=self.seed, **self.given)
        return made


AnyDesign = Design | PlannedDesign
Cell = tuple[AnyDesign, Subject, int]
Task = list[tuple[int, Cell]]
"""Cells by their place in the study."""


@dataclass(frozen=True, eq=False)
class Study:
    """Every design is taken by every subject once a seed."""

    name: str
    designs: tuple[AnyDesign, ...]
    subjects: tuple[Subject, ...]
    seeds: tuple[int, ...] = (0,)

    def __len__(self) -> int:
        return len(self.designs) * len(self.subjects) * len(self.seeds)

    def numbers(self, place: int) -> tuple[int, int, int]:
        """Return which design, which subject and which seed, each from 0, the cell at a place is of."""
        rest, seed = divmod(place, len(self.seeds))
        return (*divmod(rest, len(self.subjects)), seed)

    def cell(self, place: int) -> Cell:
        """Return the design, subject and seed of the cell at a place."""
        design, subject, seed = self.numbers(place)
        return self.designs[design], self.subjects[subject], self.seeds[seed]

    def cells(self) -> Iterator[Cell]:
        """Yield (design, subject, seed) of each cell, in a fixed order."""
        yield from map(self.cell, range(len(self)))

    def addresses(self) -> Iterator[str]:
        """Yield the address of each cell: that of its `cell_spec`, of which designs and subjects are written once."""
        subjects = [canonical_json(canonical(subject)) for subject in self.subjects]
        for design in self.designs:
            made = canonical_json(canonical(_design_spec(design)))
            for subject in subjects:
                for seed in self.seeds:
                    text = f'{{"design":{made},"seed":{canonical_json(canonical(seed))},"subject":{subject}}}'
                    yield sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Failure:
    """A cell that could not be computed: its place in the study, who took what, why, and how often it was tried."""

    place: int
    paradigm: str
    subject: str
    seed: int
    cause: str
    tries: int


@dataclass(frozen=True)
class Standing:
    """How far a study is: cells of it, of which `stored` were there before, `computed` are new, `failed` gave up."""

    cells: int
    stored: int
    computed: int
    failed: int
    seconds: float

    @property
    def left(self) -> float:
        """Seconds that the rest will take at the pace so far; infinite before the first is done."""
        rest = self.cells - self.stored - self.computed - self.failed
        return 0.0 if not rest else self.seconds * rest / self.computed if self.computed else float("inf")


Watch = Callable[[Standing], None]


@dataclass(frozen=True, eq=False)
class Results:
    """What a study gave: its records are in the store; `computed` of them were not before; `failures` are missing."""

    study: Study
    store: Store
    computed: int
    failures: tuple[Failure, ...] = field(default=())

    def stream(self, subject: str | None = None) -> Iterator[tuple[int, Record]]:
        """Yield (place, record) of the cells that did not fail, in their order, one in memory at a time.

        A record that is no longer what was stored is put aside and computed again, which a warning says.
        """
        missing = {each.place for each in self.failures}
        for place, cell in enumerate(self.study.cells()):
            if place not in missing and subject in (None, cell[1].name):
                yield place, _mended(self.store, cell)

    @property
    def records(self) -> tuple[Record, ...]:
        """All records in the order of the cells; for studies larger than memory use `stream`."""
        return tuple(record for _, record in self.stream())

    def of(self, subject: str) -> tuple[Record, ...]:
        """Return the records of one subject."""
        return tuple(record for _, record in self.stream(subject))

    def curve(self, measured: Measure, subject: str) -> Curve:
        """Return a measure over all records of one subject, which are read one after another."""
        rows, source = [], Source()
        for _, record in self.stream(subject):
            rows.append(measured.compute(record))
            source = record.source if len(rows) == 1 else source
        if not rows:
            raise UserError(f"The study {self.study.name!r} has no subject {subject!r}.")
        return Curve(measured.name, subject, concatenate(rows), source)


def cell_spec(design: AnyDesign, subject: Subject, seed: int) -> dict[str, Any]:
    """Return what the answers of a cell depend on and nothing else: this is what its address is made from."""
    return {"design": _design_spec(design), "subject": subject, "seed": seed}


def _design_spec(design: AnyDesign) -> dict[str, Any]:
    return {"paradigm": design.paradigm, "version": design.version, "settings": design.settings, "seed": design.seed}


_laid_out: dict[str, Design] = {}
"""The design that this process laid out last: the cells of a task mostly share it."""


def laid_out(design: AnyDesign) -> Design:
    """Return a design as it is, a planned one laid out."""
    if isinstance(design, Design):
        return design
    key = canonical_json(canonical(_design_spec(design)))
    found = _laid_out.get(key)
    if found is None:
        found = design.design()
        _laid_out.clear()
        _laid_out[key] = found
    return found


def _compute(store: Store, cell: Cell) -> None:
    design, subject, seed = cell
    save_record(store, KIND, cell_spec(*cell), run(laid_out(design), subject, seed=seed))


def _mended(store: Store, cell: Cell) -> Record:
    """Return the record of a cell; one that was damaged is put aside and computed again."""
    spec = cell_spec(*cell)
    try:
        return load_record(store, KIND, spec)
    except UserError as problem:
        store.give_up(store.path(KIND, spec), problem, "computed")
        _compute(store, cell)
        return load_record(store, KIND, spec)


def _work(store: Store, task: Task, strict: bool) -> list[tuple[int, str]]:
    """Compute and store the cells of a task; return by place why one could not be ("" if it could).

    `strict`: what is raised by a cell is raised.
    """
    found = []
    for place, cell in task:
        try:
            # Another run on the same store may have been there since.
            if not store.has(KIND, cell_spec(*cell)):
                _compute(store, cell)
            found.append((place, ""))
        except StoreError:
            raise  # no cell can be stored: the study cannot go on
        except Exception as problem:  # whatever it is, the other cells go on
            if strict:
                raise
            found.append((place, f"{type(problem).__name__}: {problem}"))
    return found


def run_study(
    study: Study, *, store: Store, executor: Executor | Callable[[], Executor] | None = None,
    workers: int | None = None, strict: bool = True, retries: int = 0, progress: bool = False,
    watch: Watch | None = None,
) -> Results:  # fmt: skip
    """Compute the cells of a study that the store does not have, and return its results.

    Each record is stored as soon as it is there, so a killed run goes on where it was. `executor` is any
    concurrent.futures.Executor, or what makes one (then a broken one is replaced: its workers were killed); without
    one the cells run one after another. `workers`: how many it has (default: the processors of this machine).

    `strict`: what a cell raises is raised. Otherwise it is tried `retries` times more and does not stop the others: it
    is among the `failures`. A cell whose worker died is tried again in any case. StoreError where the store cannot be
    written.
    """
    run_ = _Run(study, store, strict, retries, watch)
    with bar(f"Study {study.name}", shown=progress) as report:
        run_.report = report
        if executor is None:
            run_.alone()
        elif isinstance(executor, Executor):
            run_.together(executor, workers or os.cpu_count() or 1, None)
        else:
            run_.together(executor(), workers or os.cpu_count() or 1, executor)
    return Results(study, store, run_.computed, tuple(sorted(run_.failures, key=lambda each: each.place)))


class _Run:
    """A run of a study: what waits, what is on its way, and what came of it."""

    def __init__(self, study: Study, store: Store, strict: bool, retries: int, watch: Watch | None) -> None:
        known = store.addresses(KIND)
        places = [place for place, address in enumerate(study.addresses()) if address not in known]
        self.study, self.cells = study, len(study)
        self.store, self.strict, self.retries, self.watch = store, strict, retries, watch
        self.stored, self.waiting = self.cells - len(places), deque(places)
        if places:
            store.writable(KIND)
        self.tries: Counter[int] = Counter()
        self.failures: list[Failure] = []
        self.computed, self.began = 0, time.monotonic()
        self.report: Report = silent

    @one_thread()
    def alone(self) -> None:
        """Compute one cell after another."""
        while self.waiting:
            self.told(_work(self.store, self.next_task(1), self.strict))

    def together(self, executor: Executor, workers: int, again: Callable[[], Executor] | None) -> None:
        """Let the workers of an executor compute tasks, a few of which are on their way at any time."""
        underway: dict[Future[list[tuple[int, str]]], Task] = {}
        size, suspects = 1, set[int]()
        try:
            while self.waiting or underway:
                # After workers died, the cells that they had are tried one at a time: only the guilty one is blamed.
                limit = 1 if suspects else PENDING * workers
                while self.waiting and len(underway) < limit:
                    task = self.next_task(1 if suspects else size)
                    underway[executor.submit(_work, self.store, task, self.strict)] = task
                done, _ = wait(underway, timeout=PATIENCE, return_when=FIRST_COMPLETED)
                broken = False
                for future in done:
                    task = underway.pop(future)
                    suspects -= {place for place, _ in task}
                    try:
                        self.told(future.result())
                    except BrokenExecutor as problem:
                        broken = True
                        self.lost(task, problem)
                        suspects |= {place for place, _ in task if place in self.waiting}
                    except Exception as problem:
                        if self.strict or isinstance(problem, StoreError):
                            raise
                        self.lost(task, problem)  # a worker that died under an engine that says so task by task
                    else:
                        size = self.task_size(workers)
                if broken:
                    for task in underway.values():
                        self.waiting.extendleft(place for place, _ in reversed(task))
                        suspects |= {place for place, _ in task}
                    underway.clear()
                    if again is None:
                        raise UserError(
                            "The workers of the executor died; give run_study what makes an executor, and it goes on."
                        )
                    executor = again()
                self.say()
        finally:
            for future in underway:
                future.cancel()
            if again is not None:
                end(executor, at_once=bool(underway))

    def next_task(self, size: int) -> Task:
        places = [self.waiting.popleft() for _ in range(min(size, len(self.waiting)))]
        return [(place, self.study.cell(place)) for place in places]

    def task_size(self, workers: int) -> int:
        """Return how many cells take about TASK_SECONDS, and leave enough tasks for all workers."""
        each = (time.monotonic() - self.began) * workers / max(1, self.computed)
        fair = -(-len(self.waiting) // (2 * workers)) or 1
        return int(max(1, min(MOST, fair, TASK_SECONDS / max(each, 1e-6))))

    def told(self, results: Sequence[tuple[int, str]]) -> None:
        """Note what came of cells."""
        for place, cause in results:
            if cause:
                self.failed(place, cause)
            else:
                self.computed += 1
        self.say()

    def lost(self, task: Task, problem: Exception) -> None:
        """Note a task whose worker died: what it had stored is done, the rest is tried again."""
        for place, cell in task:
            if self.store.has(KIND, cell_spec(*cell)):
                self.computed += 1
            else:
                self.failed(place, f"{DIED} ({type(problem).__name__})")

    def failed(self, place: int, cause: str) -> None:
        self.tries[place] += 1
        if self.tries[place] <= (max(self.retries, DEATHS) if cause.startswith(DIED) else self.retries):
            self.waiting.append(place)
            return
        if self.strict:
            raise RuntimeError(f"Cell {place} of the study cannot be computed: {cause}.")
        design, subject, seed = self.study.cell(place)
        self.failures.append(Failure(place, design.paradigm, subject.name, seed, cause, self.tries[place]))

    def say(self) -> None:
        done = self.stored + self.computed + len(self.failures)
        self.report(done, self.cells)
        if self.watch is not None:
            seconds = time.monotonic() - self.began
            self.watch(Standing(self.cells, self.stored, self.computed, len(self.failures), seconds))
