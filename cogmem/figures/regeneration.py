"""Many figures anew: side by side, with one bar, and what moved since the golden tables."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from cogmem import catalogue
from cogmem.exhibits import unchanged
from cogmem.figures import golden as golden_tables
from cogmem.figures.figure import Figure
from cogmem.figures.gallery import FIGURES
from cogmem.figures.golden import Moved
from cogmem.figures.page import write
from cogmem.jobs.language_models import available
from cogmem.progress import Report, part, silent
from cogmem.store import Store
from cogmem.workers import side_by_side


@dataclass(frozen=True)
class Regenerated:
    """A figure that was written: its PDF, what moved since its golden table (None: it has none, or nobody asked)."""

    name: str
    path: Path
    moved: tuple[Moved, ...] | None
    seconds: float


def regenerate(figure: Figure, *, store: Store, out: Path | str, seed: int = 1, report: Report = silent) -> Path:
    """Write a figure of the project as PDF, SVG, CSV and caption into `out`; return the PDF's path."""
    return write(unchanged(figure, seed=seed, store=store, report=report), figure.name, Path(out))


def regenerate_all(
    names: Sequence[str] = (), *, store: Store, out: Path, seed: int = 1, golden: Path | None = None,
    workers: int | None = None, report: Report = silent,
) -> list[Regenerated]:  # fmt: skip
    """Write the named figures (default: all) into `out`, and compare them with the tables in the folder `golden`.

    Studies come from the store; what it lacks is computed and kept, so that a killed run goes on. `workers` figures
    are made at once, by default one a core: each has two processes for its studies, but its drawing and much else has
    one. UserError for a name that no figure has, before any begins.
    """
    known = {figure.name: figure for figure in FIGURES}
    chosen = [catalogue.named("figure", name, known) for name in names] or list(known.values())
    many = min(len(chosen), workers or os.cpu_count() or 1)
    given = (store, out, seed, golden)
    if many == 1:
        return [_one(figure, *given, part(report, k, 1, len(chosen))) for k, figure in enumerate(chosen)]
    with _heard(report, [figure.name for figure in chosen]) as tell, side_by_side(many) as pool:
        made = [pool.submit(_one, figure, *given, tell[figure.name]) for figure in chosen]
        return [each.result() for each in made]


def _one(figure: Figure, store: Store, out: Path, seed: int, golden: Path | None, report: Report) -> Regenerated:
    began, name = time.perf_counter(), figure.name
    file = golden / f"{name}.csv" if golden else None
    # Before anything is computed or written: a bad table is said at once, and `out` may be the folder of the tables.
    was = golden_tables.read(file) if file is not None and file.is_file() else None
    drawing = unchanged(figure, seed=seed, store=store, report=report)
    path = write(drawing, name, out)
    report(1, 1)
    absent = () if available() else ("language_model",)
    moved = None if was is None else tuple(golden_tables.moved(name, was, drawing, without=absent))
    return Regenerated(name, path, moved, time.perf_counter() - began)


@dataclass(frozen=True)
class _Teller:
    """Says from another process how far a figure is."""

    name: str
    queue: Any

    def __call__(self, done: float, total: float) -> None:
        self.queue.put((self.name, done / total if total else 0.0))


@contextmanager
def _heard(report: Report, names: Sequence[str]) -> Iterator[dict[str, Report]]:
    """Give by name what a process reports a figure with; `report` hears how many of the figures are done."""
    from loky.backend import get_context

    # As the workers, the process of the queue must not run the head's script again.
    with get_context("loky").Manager() as manager:
        queue = manager.Queue()
        shares = dict.fromkeys(names, 0.0)

        def listen() -> None:
            while (said := queue.get()) is not None:
                shares[said[0]] = said[1]
                report(sum(shares.values()), len(names))

        listener = Thread(target=listen, daemon=True)
        listener.start()
        try:
            yield {name: _Teller(name, queue) for name in names}
        finally:
            queue.put(None)
            listener.join()
