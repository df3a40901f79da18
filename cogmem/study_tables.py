"""The tables of a study: its cells, the points of its measures, its failures; written as they are read, whole or not.

They depend on the plan and the answers alone: a study that was killed, or shared among machines, gives the same bytes.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from cogmem.addresses import address, canonical, canonical_json
from cogmem.core import Measure, Record
from cogmem.errors import UserError
from cogmem.exports import plain_value
from cogmem.plans import Plan
from cogmem.progress import Report, silent
from cogmem.studies import Results, cell_spec
from cogmem.trials import Trials

CELLS: Final = ("cell", "design", "paradigm", "design_seed", "subject", "subject_number", "seed", "settings",
                "subject_spec", "address")  # fmt: skip
POINTS: Final = ("cell", "design", "paradigm", "subject", "subject_number", "seed", "measure", "x", "y", "n", "sd",
                 "group")  # fmt: skip
FAILURES: Final = ("cell", "paradigm", "subject", "seed", "tries", "cause")
PART: Final = 50_000
"""Rows of a part of a Parquet file: what is in memory at a time."""


def write_tables(results: Results, plan: Plan, out: Path, *, report: Report = silent) -> list[Path]:
    """Write cells.csv, points.csv, points.parquet and, if a cell failed, failures.csv into `out`; return their paths.

    points: a row a point of a measure of a cell; `group` holds what else tells it apart (JSON). UserError where `out`
    cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        written = [_csv(out / "cells.csv", CELLS, _cells(results)), *_points(results, plan.measures, out, report)]
        failed = out / "failures.csv"
        if results.failures:
            rows = ((each.place, each.paradigm, each.subject, each.seed, each.tries, each.cause)
                    for each in results.failures)  # fmt: skip
            written.append(_csv(failed, FAILURES, rows))
        else:
            failed.unlink(missing_ok=True)  # of an earlier run, when something had failed
    except OSError as problem:
        raise UserError(f"{out} cannot be written ({problem.strerror}); name another folder with --out.") from None
    return written


def _places(results: Results) -> Iterator[tuple[int, int, int]]:
    """Yield (cell, design, subject number) of every cell."""
    study = results.study
    for cell in range(len(study)):
        design, rest = divmod(cell, len(study.subjects) * len(study.seeds))
        yield cell, design, rest // len(study.seeds)


def _cells(results: Results) -> Iterator[tuple[Any, ...]]:
    for (cell, number, who), (design, subject, seed) in zip(_places(results), results.study.cells(), strict=True):
        yield (cell, number, design.paradigm, design.seed, subject.name, who, seed, _json(design.settings),
               _json(subject), address(cell_spec(design, subject, seed)))  # fmt: skip


def _json(value: Any) -> str:
    return canonical_json(canonical(value))


def _points(
    results: Results, measures: Mapping[str, Sequence[Measure]], out: Path, report: Report
) -> tuple[Path, Path]:  # fmt: skip
    """Write the points of all measures, cell by cell, as CSV and as Parquet."""
    import pyarrow as pa
    from pyarrow import parquet

    text, whole, number = pa.string(), pa.int64(), pa.float64()
    kinds = dict.fromkeys(POINTS, text) | dict.fromkeys(("cell", "design", "subject_number", "seed"), whole)
    schema = pa.schema(list((kinds | dict.fromkeys(("x", "y", "n", "sd"), number)).items()))
    table, columnar = out / "points.csv", out / "points.parquet"
    halves = [path.with_name(f".{path.name}.unfinished") for path in (table, columnar)]
    places, total = dict(enumerate(_places(results))), len(results.study)
    with halves[0].open("w", newline="", encoding="utf-8") as file, parquet.ParquetWriter(halves[1], schema) as other:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(POINTS)
        waiting: list[tuple[Any, ...]] = []
        for place, record in results.stream():
            report(place, total)
            seed = list(results.study.seeds)[place % len(results.study.seeds)]
            waiting += _measured(record, measures[record.design.paradigm], places[place], seed)
            if len(waiting) >= PART:
                _flush(waiting, rows, other, schema)
        _flush(waiting, rows, other, schema)
    for half, path in zip(halves, (table, columnar), strict=True):
        half.replace(path)
    return table, columnar


def _flush(waiting: list[tuple[Any, ...]], rows: Any, other: Any, schema: Any) -> None:
    import pyarrow as pa

    if waiting:
        rows.writerows(["" if value is None else value for value in row] for row in waiting)
        columns = [pa.array(list(column), kind) for column, kind in zip(zip(*waiting, strict=True), schema.types,
                                                                       strict=True)]  # fmt: skip
        other.write_table(pa.Table.from_arrays(columns, schema=schema))
        waiting.clear()


def _measured(
    record: Record, measures: Sequence[Measure], place: tuple[int, int, int], seed: int
) -> Iterator[tuple[Any, ...]]:
    cell, design, who = place
    for measure in measures:
        rows = measure.compute(record)
        for k in range(len(rows)):
            numbers = (plain_value(float(rows[name][k])) if name in rows else None for name in ("x", "y", "n", "sd"))
            yield (cell, design, record.design.paradigm, record.subject, who, seed, measure.name, *numbers,
                   _group(rows, k))  # fmt: skip


def _group(rows: Trials, k: int) -> str:
    rest = {name: plain_value(rows[name][k]) for name in sorted(rows) if name not in ("x", "y", "n", "sd")}
    return json.dumps(rest, separators=(",", ":"), ensure_ascii=False)


def _csv(path: Path, head: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> Path:
    unfinished = path.with_name(f".{path.name}.unfinished")
    with unfinished.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(head)
        out.writerows(rows)
    return unfinished.replace(path)
