"""Tables of ours as plain values, and as CSV files of the user's: whole or not at all."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cogmem.core import Curve, Record
from cogmem.errors import UserError
from cogmem.files import in_place
from cogmem.trials import Trials

if TYPE_CHECKING:
    import pandas as pd


def answered(record: Record) -> Trials:
    """Return the tests of a record with its answers; an answer of several numbers becomes answer_0, answer_1, ..."""
    answers = np.asarray(record.answers)
    flat = answers if answers.ndim < 2 else answers.reshape(len(answers), -1)
    return record.design.tests.with_columns({"answer": flat})


def rows_of(table: Trials) -> list[dict[str, Any]]:
    """Return the rows of a table as plain values; NaN and infinity become None."""
    return [{name: plain_value(table[name][k]) for name in table} for k in range(len(table))]


def points_of(curves: Mapping[str, Sequence[Curve]]) -> dict[str, list[dict[str, Any]]]:
    """Return the points of everybody's curves by measure, as plain values."""
    return {
        name: [{"subject": each.subject, "kind": each.source.kind, "x": each.rows["x"].tolist(),
                "y": each.rows["y"].tolist()} for each in found]
        for name, found in curves.items()
    }  # fmt: skip


def plain_value(value: Any) -> Any:
    """Return a number or array as Python's own, NaN and infinity as None."""
    if getattr(value, "ndim", 0):
        return [plain_value(each) for each in value]
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows of plain values as CSV with the names of the first row; None is an empty cell."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]) if rows else [], lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: "" if value is None else value for name, value in row.items()} for row in rows)
    return out.getvalue()


@contextmanager
def _of_the_user(path: Path) -> Iterator[Path]:
    """Give a file to write to that becomes `path` when it is whole; UserError where it cannot be written."""
    try:
        with in_place(path) as unfinished:
            yield unfinished
    except OSError as problem:
        raise UserError(f"{path} cannot be written ({problem.strerror}); name a file in a folder of yours.") from None


def write_csv(table: Trials, path: Path) -> None:
    """Write a table as UTF-8 CSV, renamed into place when whole; a second axis becomes name_0, name_1, ..."""
    flat = table.flat()
    with _of_the_user(path) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(flat)
        out.writerows(zip(*(_cells(column) for column in flat.values()), strict=True))


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a data frame as CSV or Parquet, as the name of the file ends; renamed into place when whole."""
    if path.suffix not in (".csv", ".parquet"):
        raise UserError(f"{path} ends in neither .csv nor .parquet; name it so.")
    with _of_the_user(path) as unfinished:
        if path.suffix == ".csv":
            frame.to_csv(unfinished, index=False, lineterminator="\n")
        else:
            frame.to_parquet(unfinished, index=False)


def _cells(column: Any) -> list[str]:
    if np.issubdtype(column.dtype, np.floating):
        return ["" if np.isnan(value) else repr(float(value)) for value in column]
    return [str(value) for value in column]
