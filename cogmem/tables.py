"""Read a user's own forgetting data: one CSV file in, one Curve out, or one sentence that says what to put right."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.cells import Column, Sheet, checked_text, number, plain, raw_bytes, read_sheet, short
from cogmem.columns import COLUMNS
from cogmem.core import Curve, Source
from cogmem.errors import UserError
from cogmem.names import nearest
from cogmem.trials import Trials

MANY_ROWS: Final = 10_000  # beyond this, counts that share all known columns are added up
LONGEST_NAME: Final = 200  # characters; a column of text takes the room of its longest cell in every row
MEASURES: Final = ("correct", "trials", "retention", "savings")
TEXTS: Final = ("participant", "condition")


@dataclass(frozen=True)
class _Range:
    """What a number column may hold: finite values from `low` to `high`, in words `needs`."""

    needs: str
    low: float = -np.inf
    high: float = np.inf
    whole: bool = False

    def wrong(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return True where a value is not allowed."""
        wrong = ~np.isfinite(values) | (values < self.low) | (values > self.high)
        return np.asarray(wrong | (np.floor(values) != values) if self.whole else wrong)


_EXACT: Final = 2.0**53  # the largest float up to which counts add up exactly
NUMBERS: Final[Mapping[str, _Range]] = {
    "retention_interval": _Range("a number of seconds, 0 or more", 0.0),
    "correct": _Range("a whole number of right answers, 0 or more", 0.0, _EXACT, True),
    "trials": _Range("a whole number of tests, 1 or more", 1.0, _EXACT, True),
    "retention": _Range("a proportion between 0 and 1", 0.0, 1.0),
    "savings": _Range("a proportion of at most 1 (it may be negative)", -np.inf, 1.0),
    "se": _Range("a standard error above 0", float(np.nextafter(0.0, 1.0))),
    "repetitions": _Range("a whole number of studies, from 1 to 10000", 1.0, 10_000.0, True),
    "spacing_gap": _Range("a number of seconds, 0 or more", 0.0),
    "guess": _Range("a probability of at least 0 and below 1", 0.0, float(np.nextafter(1.0, 0.0))),
}
# Names that people write for a column of ours and that no spelling distance would find.
_ALIASES: Final[Mapping[str, frozenset[str]]] = {
    "retention_interval": frozenset(["delay", "delays", "lag", "interval", "time", "ri", "delay_s", "seconds"]),
    "correct": frozenset(["hits", "n_correct", "successes", "right"]),
    "trials": frozenset(["n", "total", "n_trials", "tests", "n_tests"]),
    "retention": frozenset(["accuracy", "p_correct", "proportion_correct", "recall", "p_recall"]),
    "se": frozenset(["sem", "std_error", "standard_error", "stderr"]),
    "participant": frozenset(["subject", "subject_id", "subj", "sub", "id", "pid", "person"]),
}
_SPELLINGS: Final = frozenset({*NUMBERS, *TEXTS}.union(*_ALIASES.values()))


def read_curve(path: str | PathLike[str]) -> Curve:
    """Return the curve in a CSV file: one row a participant, condition and delay; nothing is written.

    The first line names the columns: `retention_interval` in seconds with either `correct` and `trials` (counts), or
    `retention`, or `savings` (proportions), these two with `se` where known; optional are `participant`, `condition`,
    `repetitions`, `spacing_gap` (s) and `guess`. Other columns are not read. Commas, semicolons or tabs may separate.
    Rows of single tests (`trials` = 1) are added up into counts, exactly. Counts make the standard error themselves,
    so an `se` beside them is not used.
    """
    return curve_of(raw_bytes(Path(path)), Path(path).name)


def curve_of(data: bytes, file: str, columns: Mapping[str, str] | None = None) -> Curve:
    """Return the curve in the bytes of a CSV file (see `read_curve`); `file` is what messages call it.

    `columns` gives for names of ours those that the file has for them; what is not named is called as it is in the
    file, if that is no other column of ours.
    """
    sheet = read_sheet(checked_text(data, file), file, _SPELLINGS)
    if columns:
        sheet = _renamed(sheet, columns)
    measured = _measured(sheet)
    _refuse_misspelt(sheet, "correct" in measured)
    unused = "se" if "correct" in measured else ""
    known = {name: _numbers(sheet, name) for name in NUMBERS if name in sheet.columns and name != unused}
    known |= {name: _texts(sheet, name) for name in TEXTS if name in sheet.columns}
    _check_rows(sheet, known)
    rows = _curve_columns(_pooled(known) if "correct" in known else {name: known[name].all() for name in known})
    measure = "savings" if "savings" in known else "retention"
    return Curve(measure, Path(file).stem, Trials(rows), Source(who=file, sha256=hashlib.sha256(data).hexdigest()))


def columns_of(data: bytes, file: str) -> dict[str, str]:
    """Return the columns of a CSV file, in order, each with the name of ours that it seems to be ("": none)."""
    header = [name for name in read_sheet(checked_text(data, file), file, _SPELLINGS).header if name]
    known = (*NUMBERS, *TEXTS)
    seem: dict[str, str] = dict.fromkeys(header, "")
    for name in known:
        alike = [name] if name in header else _alike(name, header)
        if alike and not seem[alike[0]]:
            seem[alike[0]] = name
    return seem


def _renamed(sheet: Sheet, columns: Mapping[str, str]) -> Sheet:
    """Return the sheet with its columns called as we call them."""
    names = (*NUMBERS, *TEXTS)
    for ours, theirs in columns.items():
        if ours not in names:
            raise UserError(f"There is no column {ours!r} in the vocabulary; {nearest(ours, names)}")
        if theirs not in sheet.columns:
            raise UserError(f"{sheet.file} has no column {short(theirs)}; {nearest(theirs, sheet.columns)}")
    if len(set(columns.values())) < len(columns):
        raise UserError(f"Each column of {sheet.file} can stand for one column of ours; two of ours name the same.")
    taken = set(columns.values())
    kept = {name: cells for name, cells in sheet.columns.items() if name not in taken and name not in columns}
    kept |= {ours: sheet.columns[theirs] for ours, theirs in columns.items()}
    return replace(sheet, header=list(kept), columns=kept)


def _measured(sheet: Sheet) -> frozenset[str]:
    """Return the columns that hold the measure: correct and trials, or retention, or savings."""
    if "retention_interval" not in sheet.columns:
        raise _missing(sheet, "retention_interval")
    given = frozenset(MEASURES).intersection(sheet.columns)
    if not given:
        raise _missing(sheet, *MEASURES)
    if given in ({"correct"}, {"trials"}):
        raise _missing(sheet, "trials" if "correct" in given else "correct")
    if given not in ({"correct", "trials"}, {"retention"}, {"savings"}):
        names = " and ".join(name for name in MEASURES if name in given)
        raise UserError(
            f"{sheet.file} has the columns {names}, but one measure is needed: correct with trials, or retention, or "
            "savings; keep one in this file."
        )
    return given


def _missing(sheet: Sheet, *names: str) -> UserError:
    """Return the error for a column that is not there, with the column that may have been meant for it."""
    found = [name for name in sheet.header if name]
    alike = next((match for name in names for match in _alike(name, found)), None)
    hint = f"did you mean {short(alike)}? Rename it" if alike else "add it, named in the first line"
    if len(names) == 1:
        needs = f"the column {names[0]!r} ({COLUMNS[names[0]].meaning}; unit {COLUMNS[names[0]].unit})"
    else:
        needs = "'correct' with 'trials', or 'retention', or 'savings'"
    listed = ", ".join(short(name) for name in found[:8]) + (f" and {len(found) - 8} more" if len(found) > 8 else "")
    return UserError(f"{sheet.file} needs {needs}, but has only the columns {listed or '(none)'}; {hint}.")


def _alike(name: str, found: Iterable[str], *, cutoff: float = 0.6) -> list[str]:
    """Return the columns that may have been meant as `name`; short names are too close to others to guess by letter."""
    others = [other for other in found if other not in NUMBERS and other not in TEXTS]
    exact = [other for other in others if plain(other) in {name, *_ALIASES.get(name, ())}]
    if exact or len(name) < 4:
        return exact
    spelt = {plain(other): other for other in others}
    return [spelt[match] for match in get_close_matches(name, spelt, n=1, cutoff=cutoff)]


def _refuse_misspelt(sheet: Sheet, counts: bool) -> None:
    """Raise UserError for an unknown column that looks like an optional one: left unread, it would change results."""
    for name in ("participant", "condition", "repetitions", "spacing_gap", "guess", *(() if counts else ("se",))):
        for other in _alike(name, sheet.columns, cutoff=0.8) if name not in sheet.columns else ():
            raise UserError(
                f"{sheet.file} has an unknown column {short(other)}; did you mean {name!r}? Rename it, or, where it "
                "is something else, give it a name less alike."
            )


def _numbers(sheet: Sheet, name: str) -> Column:
    """Return a column of numbers, once each is in its range."""
    column, allowed = sheet.columns[name], NUMBERS[name]
    values = np.array([number(cell) for cell in column.values])
    wrong = allowed.wrong(values)[column.codes]
    if wrong.any():
        raise _wrong_cell(sheet, name, int(wrong.argmax()), allowed.needs)
    return column.merged(values.tolist())


def _texts(sheet: Sheet, name: str) -> Column:
    """Return a column of names, which stay text: participant 01 is not 1."""
    column = sheet.columns[name]
    # A line break inside a name is nearly always a stray quotation mark that has swallowed whole rows.
    wrong = np.array([not 1 <= len(word) <= LONGEST_NAME or "\n" in word or "\r" in word for word in column.values])
    if wrong.any():
        needs = f"a name on one line, of 1 to {LONGEST_NAME} characters"
        raise _wrong_cell(sheet, name, int(wrong[column.codes].argmax()), needs)
    return column


def _check_rows(sheet: Sheet, known: Mapping[str, Column]) -> None:
    """Raise UserError for more right answers than tests, one delay only, and rows that stand there twice."""
    trials = known["trials"].all() if "trials" in known else np.zeros(len(sheet.lines))
    above = known["correct"].all() > trials if "correct" in known else np.zeros(len(trials), dtype=bool)
    if above.any():
        row = int(above.argmax())
        raise _wrong_cell(sheet, "correct", row, f"at most the {trials[row]:.16g} in the column 'trials'")
    delays = known["retention_interval"].values
    if len(delays) == 1:
        raise UserError(
            f"{sheet.file}, column 'retention_interval': the only delay is {delays[0]:g} s, but a forgetting curve "
            "needs at least two different delays; add rows of another delay."
        )
    columns = [known.get(name, column) for name, column in sheet.columns.items()]
    twice = _first_repeat(columns, np.flatnonzero(trials != 1))
    if twice is not None:
        first, second = (sheet.lines[row] for row in twice)
        raise UserError(
            f"{sheet.file}, lines {first} and {second}: the rows are identical in every column; remove one, or, where "
            "both were measured, add a column that tells them apart (such as list) or add up their counts."
        )


def _first_repeat(columns: Iterable[Column], rows: NDArray[np.intp]) -> tuple[int, int] | None:
    """Return the first two of `rows` that agree in all columns, or None."""
    first, group = _groups(columns, rows)
    again = np.flatnonzero(first[group] != np.arange(len(rows)))
    return (int(rows[first[group[again[0]]]]), int(rows[again[0]])) if len(again) else None


def _groups(columns: Iterable[Column], rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return (the first of `rows` in each group, the group of each): a group agrees in all columns."""
    group, size = np.zeros(len(rows), dtype=np.intp), 1
    for column in columns:
        if size * len(column.values) >= 2**62:  # counted up afresh before the product would overflow
            group = np.unique(group, return_inverse=True)[1]
            size = len(rows)
        group = group * len(column.values) + column.codes[rows]
        size *= len(column.values)
    _, first, group = np.unique(group, return_index=True, return_inverse=True)
    return first, group


def _pooled(known: Mapping[str, Column]) -> dict[str, NDArray[Any]]:
    """Return the columns with single tests (in a long table: all counts) of the same known columns added up."""
    counts = {name: known[name].all() for name in ("correct", "trials")}
    rows = len(counts["trials"])
    keys = [column for name, column in known.items() if name not in counts]
    apart = (counts["trials"] != 1) & (rows <= MANY_ROWS)
    keys.append(Column(np.where(apart, np.arange(1, rows + 1), 0), range(rows + 1)))
    first, group = _groups(keys, np.arange(rows))
    order = np.argsort(first)
    sums = {name: np.bincount(group, weights=column)[order] for name, column in counts.items()}
    return {name: column.all()[first[order]] for name, column in known.items()} | sums


def _curve_columns(known: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the columns of the curve; see Curve on what n and sd are without counts."""
    delays = known["retention_interval"]
    if "correct" in known:
        n, y = known["trials"], known["correct"] / known["trials"]
        sd = np.sqrt(y * (1.0 - y))
    else:
        y = known["savings"] if "savings" in known else known["retention"]
        n, sd = np.ones(len(y)), known.get("se", np.full(len(y), np.nan))
    rows = {"x": delays, "y": y, "n": n, "sd": sd, "retention_interval": delays}
    rows["participant"] = known.get("participant", np.full(len(y), "all"))
    rows |= {name: known[name] for name in ("condition", "spacing_gap", "guess", "correct") if name in known}
    return rows | ({"repetitions": known["repetitions"].astype(np.int64)} if "repetitions" in known else {})


def _wrong_cell(sheet: Sheet, name: str, row: int, needs: str) -> UserError:
    """Return the error for one cell: where it stands, what it holds and what it needs."""
    value = sheet.columns[name][row]
    where = f"{sheet.file}, line {sheet.lines[row]}, column {name!r}"
    found = f"holds {short(value)}" if value else "is empty"
    return UserError(f"{where}: the cell {found} but needs {needs}; {_advice(name, value)}.")


def _advice(name: str, value: str) -> str:
    """Return what to do about a cell of the column `name`."""
    if value.startswith(("=", "+", "@")):
        return "formulas are not evaluated, write the value itself"
    if value.endswith("%") or (name in ("retention", "savings", "guess") and 1 < number(value) <= 100):
        return "write the value itself, percentages divided by 100"
    if "," in value:
        return "write the decimal point as a full stop and no thousands separators"
    if value.lower() in ("", "nan", "na", "n/a", "null", "none", "."):
        return "fill it in, or leave out a row that was not measured"
    return "correct that row"
