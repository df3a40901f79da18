"""A sample of what a study has stored, computed again by the plainest code there is, and compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design, Record, Subject, run
from cogmem.errors import UserError
from cogmem.progress import Report, silent
from cogmem.store import Store, load_record
from cogmem.studies import KIND, Cell, Study, cell_spec, laid_out

CLOSE: Final = 1e-9
"""Relative difference up to which numbers are the same: backends add in another order."""


def recompute(
    study: Study, store: Store, *, sample: int = 20, seed: int = 0, report: Report = silent
) -> list[dict[str, Any]]:
    """Return a row a cell of a sample of those that are stored: its place, who took what, tests, and what is wrong.

    The cells are drawn by `seed`; each is computed once more, models with the numpy backend, and its design, answers
    and response times are compared with those in the store. `problem` is "" where they are the same. The store is only
    read. UserError where none of the study's cells is stored.
    """
    known = store.addresses(KIND)
    places = [place for place, address in enumerate(study.addresses()) if address in known]
    if not places:
        raise UserError(f"The store {store.root} has none of the cells of {study.name!r}; run cogmem study first.")
    chosen = sorted(np.random.default_rng(seed).permutation(places)[:sample].tolist())
    rows = []
    for done, place in enumerate(chosen):
        report(done, len(chosen))
        cell = design, subject, of = study.cell(place)
        rows.append({"cell": place, "paradigm": design.paradigm, "subject": subject.name, "seed": of,
                     "tests": len(laid_out(design).tests), "problem": _problem(store, cell)})  # fmt: skip
    return rows


def plainest(subject: Subject) -> Subject:
    """Return a subject that answers by the numpy backend, where it has a choice of backends."""
    if isinstance(getattr(subject, "backend", None), str) and "backend" in getattr(subject, "__dataclass_fields__", {}):
        return replace(subject, backend="numpy")  # type: ignore[type-var]
    return subject


def _problem(store: Store, cell: Cell) -> str:
    design, subject, seed = cell
    try:
        stored = load_record(store, KIND, cell_spec(*cell))
    except UserError as problem:
        return str(problem)
    return "; ".join(_differences(stored, run(laid_out(design), plainest(subject), seed=seed)))


def _differences(stored: Record, again: Record) -> Iterator[str]:
    """Yield in words what differs between a record and the same one made again."""
    if not _alike(stored.design, again.design):
        yield "the design is laid out otherwise than when it was stored"
    wrong = _differing(stored.answers, again.answers)
    if wrong:
        yield f"{wrong} of {len(again.answers)} answers differ"
    late = _differing(np.asarray(stored.seconds, np.float64), np.asarray(again.seconds, np.float64))
    if late:
        yield f"{late} response times differ"


def _alike(one: Design, other: Design) -> bool:
    return (
        set(one.trials) == set(other.trials)
        and not any(_differing(one.trials[name], other.trials[name]) for name in one.trials)
        and not _differing(one.items, other.items)
    )


def _differing(one: NDArray[Any], other: NDArray[Any]) -> int:
    """Return how many rows differ; all of them where the shapes do."""
    if one.shape != other.shape:
        return max(len(np.atleast_1d(one)), len(np.atleast_1d(other)))
    if one.dtype.kind in "fc" or other.dtype.kind in "fc":
        same = np.isclose(one, other, rtol=CLOSE, atol=CLOSE, equal_nan=True)
    else:
        same = np.asarray(one == other)
    return int((~np.atleast_1d(same)).reshape(len(np.atleast_1d(same)), -1).any(axis=1).sum())
