"""The tables of a study: its cells, the points of its measures, its failures; written as they are read, whole or not.

They depend on the plan and the answers alone: a study that was killed, or shared among machines, gives the same bytes.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from cogmem.addresses import canonical, canonical_json
from cogmem.core import Measure, Record
from cogmem.errors import UserError
from cogmem.exports import plain_value
from cogmem.files import in_place
from cogmem.plans import Plan
from cogmem.progress import Report, silent
from cogmem.studies import Results
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
            written.append(_csv(failed, FAILURES, (tuple(row.values()) for row in failures(results))))
        else:
            failed.unlink(missing_ok=True)  # of an earlier run, when something had failed
    except OSError as problem:
        raise UserError(f"{out} cannot be written ({problem.strerror}); name another folder with --out.") from None
    return written


def failures(results: Results) -> list[dict[str, Any]]:
    """Return a row a cell that failed, with the columns of failures.csv."""
    return [
        {"cell": each.place, "paradigm": each.paradigm, "subject": each.subject, "seed": each.seed,
         "tries": each.tries, "cause": each.cause}
        for each in results.failures
    ]  # fmt: skip


def _cells(results: Results) -> Iterator[tuple[Any, ...]]:
    study = results.study
    settings, subjects = [_json(each.settings) for each in study.designs], [_json(each) for each in study.subjects]
    for cell, address in enumerate(study.addresses()):
        (design, subject, seed), (number, who, _) = study.cell(cell), study.numbers(cell)
        yield (cell, number, design.paradigm, design.seed, subject.name, who, seed, settings[number], subjects[who],
               address)  # fmt: skip


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
    study = results.study
    with (
        in_place(table) as one, in_place(columnar) as two,
        one.open("w", newline="", encoding="utf-8") as file, parquet.ParquetWriter(two, schema) as other,
    ):  # fmt: skip
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(POINTS)
        waiting: list[tuple[Any, ...]] = []
        for place, record in results.stream():
            report(place, len(study))
            design, who, seed = study.numbers(place)
            names = (place, design, record.design.paradigm, record.subject, who, study.seeds[seed])
            waiting += ((*names, *point) for point in _measured(record, measures[record.design.paradigm]))
            if len(waiting) >= PART:
                _flush(waiting, rows, other, schema)
        _flush(waiting, rows, other, schema)
    return table, columnar


def _flush(waiting: list[tuple[Any, ...]], rows: Any, other: Any, schema: Any) -> None:
    import pyarrow as pa

    if waiting:
        rows.writerows(["" if value is None else value for value in row] for row in waiting)
        columns = [pa.array(list(column), kind) for column, kind in zip(zip(*waiting, strict=True), schema.types,
                                                                       strict=True)]  # fmt: skip
        other.write_table(pa.Table.from_arrays(columns, schema=schema))
        waiting.clear()


def _measured(record: Record, measures: Sequence[Measure]) -> Iterator[tuple[Any, ...]]:
    """Yield the measure, x, y, n, sd and group of each point."""
    for measure in measures:
        rows = measure.compute(record)
        for k in range(len(rows)):
            numbers = (plain_value(float(rows[name][k])) if name in rows else None for name in ("x", "y", "n", "sd"))
            yield measure.name, *numbers, _group(rows, k)


def _group(rows: Trials, k: int) -> str:
    rest = {name: plain_value(rows[name][k]) for name in sorted(rows) if name not in ("x", "y", "n", "sd")}
    return json.dumps(rest, separators=(",", ":"), ensure_ascii=False)


def _csv(path: Path, head: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> Path:
    with in_place(path) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(head)
        out.writerows(rows)
    return path
