"""Read a user's own forgetting data: one CSV file in, one Curve out, or one sentence that says what to put right."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.columns import COLUMNS
from cogmem.core import Curve, Source
from cogmem.errors import UserError
from cogmem.trials import Trials

MANY_ROWS: Final = 10_000  # beyond this, counts that share all known columns are added up
LONGEST_NAME: Final = 200  # characters; a column of text takes the room of its longest cell in every row
LARGE: Final = 1_000_000  # bytes; beyond this the quick reader is worth loading
BOM: Final = b"\xef\xbb\xbf"
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


@dataclass(frozen=True, eq=False)
class _Column:
    """A column as its distinct values and, for each row, which of them it holds: most tables repeat themselves."""

    codes: NDArray[np.intp]
    values: Sequence[Any]

    def __getitem__(self, row: int) -> Any:
        return self.values[self.codes[row]]

    def all(self) -> NDArray[Any]:
        """Return the value of every row."""
        return np.asarray(self.values)[self.codes]

    def merged(self, values: Sequence[Any]) -> _Column:
        """Return the column with each distinct value replaced by one of `values`, of which equal ones become one."""
        places: dict[Any, int] = {}
        new = np.array([places.setdefault(value, len(places)) for value in values], dtype=np.intp)
        return _Column(new[self.codes], list(places))


@dataclass(frozen=True, eq=False)
class _Sheet:
    """The cells of a file as text; row k of every column stands on line `lines[k]`, counted as an editor counts."""

    file: str
    header: Sequence[str]
    columns: Mapping[str, _Column]
    lines: Sequence[int]

    def wrong_cell(self, name: str, row: int, needs: str) -> UserError:
        """Return the error for one cell: where it stands, what it holds and what it needs."""
        value = self.columns[name][row]
        where = f"{self.file}, line {self.lines[row]}, column {name!r}"
        found = f"holds {_short(value)}" if value else "is empty"
        return UserError(f"{where}: the cell {found} but needs {needs}; {_advice(name, value)}.")


def read_curve(path: str | PathLike[str]) -> Curve:
    """Return the curve in a CSV file: one row a participant, condition and delay; nothing is written.

    The first line names the columns: `retention_interval` in seconds with either `correct` and `trials` (counts), or
    `retention`, or `savings` (proportions), these two with `se` where known; optional are `participant`, `condition`,
    `repetitions`, `spacing_gap` (s) and `guess`. Other columns are not read. Commas, semicolons or tabs may separate.
    Rows of single tests (`trials` = 1) are added up into counts, exactly. Counts make the standard error themselves,
    so an `se` beside them is not used.
    """
    file = Path(path).name
    data = _bytes(Path(path))
    sheet = _sheet(data, file)
    measured = _measured(sheet)
    _refuse_misspelt(sheet, "correct" in measured)
    unused = "se" if "correct" in measured else ""
    known = {name: _numbers(sheet, name) for name in NUMBERS if name in sheet.columns and name != unused}
    known |= {name: _texts(sheet, name) for name in TEXTS if name in sheet.columns}
    _check_rows(sheet, known)
    rows = _curve_columns(_pooled(known) if "correct" in known else {name: known[name].all() for name in known})
    measure = "savings" if "savings" in known else "retention"
    return Curve(measure, Path(path).stem, Trials(rows), Source(who=file, sha256=hashlib.sha256(data).hexdigest()))


def _bytes(path: Path) -> bytes:
    """Return the file's bytes, once they are known to be UTF-8 text."""
    if path.is_dir():
        raise UserError(f"{path} is a folder, but a CSV file is needed; give the path of the file in it.")
    if not path.is_file():
        raise UserError(f"There is no file {_short(str(path), 300)}; give the path of a CSV file.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); allow reading it, or copy it elsewhere.") from error
    _refuse_other_encodings(data, path.name)
    try:
        empty = not data.decode("utf-8-sig").strip(' \t\r\n,;"')
    except UnicodeDecodeError as error:
        # The codec counts from behind a byte order mark; a hex editor counts from the start of the file.
        start = error.start + (len(BOM) if data.startswith(BOM) else 0)
        raise UserError(
            f"{path.name} is not UTF-8 text: byte {start} (the first is 0), in line {_line(data, start)}, is "
            f"0x{data[start]:02x}; save it as CSV in UTF-8."
        ) from None
    if empty:
        raise UserError(f"{path.name} is empty, but a line of column names and rows of data are needed; add them.")
    return data


def _line(data: bytes, offset: int) -> int:
    """Return the line of a byte, counted from 1."""
    before = data[:offset].replace(b"\r\n", b"\n")
    return 1 + before.count(b"\n") + before.count(b"\r")


def _refuse_other_encodings(data: bytes, file: str) -> None:
    """Raise UserError for UTF-16 and for files that are not text."""
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    halves = {data[0:400:2].strip(b"\0"), data[1:400:2].strip(b"\0")} if len(data) > 3 else {b"-"}
    if wide or (b"" in halves and len(halves) == 2):  # half of the bytes of Western UTF-16 are zero
        raise UserError(f"{file} is UTF-16 text, but UTF-8 is needed; save it as CSV in UTF-8.")
    if data.startswith(b"PK\x03\x04"):
        raise UserError(f"{file} is a workbook or archive, but CSV text is needed; save the sheet as CSV in UTF-8.")
    if b"\0" in data:
        raise UserError(
            f"{file} is a binary file (byte {data.index(0)} is zero), but CSV text is needed; save the table as CSV."
        )


def _sheet(data: bytes, file: str) -> _Sheet:
    """Return the cells, once the names are distinct and every row has one cell for each."""
    mark = _delimiter(data)
    header = [cell.strip() for cell in _first_row(data, mark)]
    for name, times in Counter(filter(None, header)).items():
        if times > 1:
            places = " and ".join(str(k + 1) for k, other in enumerate(header) if other == name)
            raise UserError(f"{file}: the columns {places} are both called {_short(name)}; give each its own name.")
    return _quick_sheet(data, mark, file, header) or _careful_sheet(data, mark, file, header)


def _quick_sheet(data: bytes, mark: str, file: str, header: Sequence[str]) -> _Sheet | None:
    """Return the cells of a large plain table; None where the careful reader has to look (or to say what is wrong)."""
    if len(data) < LARGE or not _plainly_quoted(data, mark.encode()):
        return None
    import pyarrow as pa
    from pyarrow import csv as fast

    places = {str(k): name for k, name in enumerate(header) if name}
    text = dict.fromkeys(places, pa.string())
    try:
        table = fast.read_csv(
            pa.BufferReader(data.removeprefix(BOM)),
            fast.ReadOptions(column_names=[str(k) for k in range(len(header))]),
            fast.ParseOptions(delimiter=mark),
            fast.ConvertOptions(column_types=text, include_columns=list(text)),
        )
    except pa.ArrowInvalid:
        return None
    # Blank lines, and line breaks inside quotes, shift the line numbers.
    if _line(data.rstrip(b"\r\n"), len(data)) != table.num_rows or table.num_rows < 2 or not text:
        return None
    columns = {}
    for place, name in places.items():
        coded = table[place].slice(1).combine_chunks().dictionary_encode()
        column = _Column(coded.indices.to_numpy().astype(np.intp), ())
        columns[name] = column.merged([word.strip() for word in coded.dictionary.to_pylist()])
    first = [table[place][0].as_py().strip() for place in places]
    if first != list(columns) or "" in next(iter(columns.values())).values:  # rows of separators only are no rows
        return None
    return _Sheet(file, header, columns, range(2, table.num_rows + 1))


def _plainly_quoted(data: bytes, mark: bytes) -> bool:
    """Return whether each quotation mark opens or closes a cell, so that every reader takes it the same way."""
    beside = sum(data.count(pair) for pair in (mark + b'"', b'"' + mark, b'\n"', b'"\n', b'"\r'))
    return data.count(b'"') == beside + data.removeprefix(BOM).startswith(b'"') + data.endswith(b'"')


def _careful_sheet(data: bytes, mark: str, file: str, header: Sequence[str]) -> _Sheet:
    """Return the cells of any table that csv can read."""
    rows, lines = _cells(data, mark, file)
    if len(rows) < 2:
        raise UserError(f"{file} has a line of column names but no rows of data; add at least two rows below it.")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(header):
            raise UserError(
                f"{file}, line {line}: the row has {len(row)} cells but needs {len(header)}, one for each column; "
                "add or remove cells, and put text that holds a separator in quotes."
            )
    del rows[0], lines[0]
    # A column without a name (a data frame's row numbers, a trailing comma) holds nothing that could be asked for.
    every = _Column(np.arange(len(rows)), ())
    columns = {name: every.merged([row[k].strip() for row in rows]) for k, name in enumerate(header) if name}
    return _Sheet(file, header, columns, lines)


def _stream(data: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")


def _first_row(data: bytes, mark: str) -> list[str]:
    """Return the cells of the first line that holds any; [] where none does."""
    try:
        rows = csv.reader(_stream(data), delimiter=mark, skipinitialspace=True)
        return next((row for row in rows if "".join(row).strip()), [])
    except csv.Error:
        return []


def _delimiter(data: bytes) -> str:
    """Return the separator under which the first line holds most of our names, else most cells."""
    ours = {*NUMBERS, *TEXTS}.union(*_ALIASES.values())

    def score(mark: str) -> tuple[int, int]:
        found = _first_row(data, mark)
        return sum(_plain(cell) in ours for cell in found), len(found)

    return max((",", ";", "\t"), key=score)


def _cells(data: bytes, mark: str, file: str) -> tuple[list[list[str]], list[int]]:
    """Return the rows that are not blank and the line on which each begins."""
    # Strict: otherwise a quote that is never closed would swallow the rest of the file as one cell.
    reader = csv.reader(_stream(data), delimiter=mark, strict=True, skipinitialspace=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    begin = 1
    try:
        for row in reader:
            if "".join(row).strip():
                rows.append(row)
                lines.append(begin)
            begin = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{file}, line {begin}: the row cannot be read ({error}); check its quotation marks.") from None
    return rows, lines


def _measured(sheet: _Sheet) -> frozenset[str]:
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


def _missing(sheet: _Sheet, *names: str) -> UserError:
    """Return the error for a column that is not there, with the column that may have been meant for it."""
    found = [name for name in sheet.header if name]
    alike = next((match for name in names for match in _alike(name, found)), None)
    hint = f"did you mean {_short(alike)}? Rename it" if alike else "add it, named in the first line"
    if len(names) == 1:
        needs = f"the column {names[0]!r} ({COLUMNS[names[0]].meaning}; unit {COLUMNS[names[0]].unit})"
    else:
        needs = "'correct' with 'trials', or 'retention', or 'savings'"
    listed = ", ".join(_short(name) for name in found[:8]) + (f" and {len(found) - 8} more" if len(found) > 8 else "")
    return UserError(f"{sheet.file} needs {needs}, but has only the columns {listed or '(none)'}; {hint}.")


def _alike(name: str, found: Iterable[str], *, cutoff: float = 0.6) -> list[str]:
    """Return the columns that may have been meant as `name`; short names are too close to others to guess by letter."""
    others = [other for other in found if other not in NUMBERS and other not in TEXTS]
    exact = [other for other in others if _plain(other) in {name, *_ALIASES.get(name, ())}]
    if exact or len(name) < 4:
        return exact
    plain = {_plain(other): other for other in others}
    return [plain[match] for match in get_close_matches(name, plain, n=1, cutoff=cutoff)]


def _refuse_misspelt(sheet: _Sheet, counts: bool) -> None:
    """Raise UserError for an unknown column that looks like an optional one: left unread, it would change results."""
    for name in ("participant", "condition", "repetitions", "spacing_gap", "guess", *(() if counts else ("se",))):
        for other in _alike(name, sheet.columns, cutoff=0.8) if name not in sheet.columns else ():
            raise UserError(
                f"{sheet.file} has an unknown column {_short(other)}; did you mean {name!r}? Rename it, or, where it "
                "is something else, give it a name less alike."
            )


def _numbers(sheet: _Sheet, name: str) -> _Column:
    """Return a column of numbers, once each is in its range."""
    column, allowed = sheet.columns[name], NUMBERS[name]
    values = np.array([_number(cell) for cell in column.values])
    wrong = allowed.wrong(values)[column.codes]
    if wrong.any():
        raise sheet.wrong_cell(name, int(wrong.argmax()), allowed.needs)
    return column.merged(values.tolist())


def _number(cell: str) -> float:
    """Return the number, NaN where it is none; Python's 1_000 is a slip of the pen in a table."""
    try:
        return float("nan" if "_" in cell else cell)
    except ValueError:
        return np.nan


def _texts(sheet: _Sheet, name: str) -> _Column:
    """Return a column of names, which stay text: participant 01 is not 1."""
    column = sheet.columns[name]
    # A line break inside a name is nearly always a stray quotation mark that has swallowed whole rows.
    wrong = np.array([not 1 <= len(word) <= LONGEST_NAME or "\n" in word or "\r" in word for word in column.values])
    if wrong.any():
        needs = f"a name on one line, of 1 to {LONGEST_NAME} characters"
        raise sheet.wrong_cell(name, int(wrong[column.codes].argmax()), needs)
    return column


def _check_rows(sheet: _Sheet, known: Mapping[str, _Column]) -> None:
    """Raise UserError for more right answers than tests, one delay only, and rows that stand there twice."""
    trials = known["trials"].all() if "trials" in known else np.zeros(len(sheet.lines))
    above = known["correct"].all() > trials if "correct" in known else np.zeros(len(trials), dtype=bool)
    if above.any():
        row = int(above.argmax())
        raise sheet.wrong_cell("correct", row, f"at most the {trials[row]:.16g} in the column 'trials'")
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


def _first_repeat(columns: Iterable[_Column], rows: NDArray[np.intp]) -> tuple[int, int] | None:
    """Return the first two of `rows` that agree in all columns, or None."""
    first, group = _groups(columns, rows)
    again = np.flatnonzero(first[group] != np.arange(len(rows)))
    return (int(rows[first[group[again[0]]]]), int(rows[again[0]])) if len(again) else None


def _groups(columns: Iterable[_Column], rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
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


def _pooled(known: Mapping[str, _Column]) -> dict[str, NDArray[Any]]:
    """Return the columns with single tests (in a long table: all counts) of the same known columns added up."""
    counts = {name: known[name].all() for name in ("correct", "trials")}
    rows = len(counts["trials"])
    keys = [column for name, column in known.items() if name not in counts]
    apart = (counts["trials"] != 1) & (rows <= MANY_ROWS)
    keys.append(_Column(np.where(apart, np.arange(1, rows + 1), 0), range(rows + 1)))
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


def _plain(name: str) -> str:
    """Return a column name as we would spell it: small letters and underscores."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _short(value: str, most: int = 40) -> str:
    """Return the value in quotes, cut where it is long, so that the sentence stays one."""
    return repr(value if len(value) <= most else f"{value[:most]}…")


def _advice(name: str, value: str) -> str:
    """Return what to do about a cell of the column `name`."""
    if value.startswith(("=", "+", "@")):
        return "formulas are not evaluated, write the value itself"
    if value.endswith("%") or (name in ("retention", "savings", "guess") and 1 < _number(value) <= 100):
        return "write the value itself, percentages divided by 100"
    if "," in value:
        return "write the decimal point as a full stop and no thousands separators"
    if value.lower() in ("", "nan", "na", "n/a", "null", "none", "."):
        return "fill it in, or leave out a row that was not measured"
    return "correct that row"
