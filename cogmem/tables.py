"""Read a user's own forgetting data: one CSV file in, one Curve out, or one sentence that says what to put right."""

from __future__ import annotations

import csv
import hashlib
import io
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
    "retention_interval": frozenset("delay delays lag interval time ri delay_s seconds".split()),
    "correct": frozenset("hits n_correct successes right".split()),
    "trials": frozenset("n total n_trials tests n_tests".split()),
    "retention": frozenset("accuracy p_correct proportion_correct recall p_recall".split()),
    "se": frozenset("sem std_error standard_error stderr".split()),
    "participant": frozenset("subject subject_id subj sub id pid person".split()),
}


@dataclass(frozen=True, eq=False)
class _Sheet:
    """The cells of a file as text; `columns[name][k]` stands on line `lines[k]`, counted as an editor counts."""

    file: str
    header: Sequence[str]
    columns: Mapping[str, Sequence[str]]
    lines: Sequence[int]

    def wrong_cell(self, name: str, row: int, needs: str) -> UserError:
        """Return the error for one cell: where it stands, what it holds and what it needs."""
        value = self.columns[name][row].strip()
        found = f"holds {_short(value)}" if value else "is empty"
        return UserError(
            f"{self.file}, line {self.lines[row]}, column {name!r}: the cell {found} but needs {needs}; {_advice(value)}."
        )


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
    wanted = [name for name in NUMBERS if name in sheet.columns and (name not in MEASURES or name in measured)]
    if "correct" in measured:
        wanted = [name for name in wanted if name != "se"]
    known = {name: _numbers(sheet, name) for name in wanted}
    names = {name: _texts(sheet, name) for name in TEXTS if name in sheet.columns}
    known |= {name: codes for name, (codes, _) in names.items()}
    _check_rows(sheet, known)
    known = _pooled(known) if "correct" in known else known
    rows = _curve_columns(known, {name: words for name, (_, words) in names.items()})
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
        empty = not data.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        # The codec counts from behind a byte order mark; a hex editor counts from the start of the file.
        start = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
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
    """Raise UserError for UTF-16, UTF-32 and files that are not text."""
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    halves = {data[0:400:2].strip(b"\0"), data[1:400:2].strip(b"\0")} if len(data) > 3 else {b"-"}
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        raise UserError(f"{file} is UTF-32 text, but UTF-8 is needed; save it as CSV in UTF-8.")
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
    rows, lines = _cells(data, _delimiter(data), file)
    header = [cell.strip() for cell in rows[0]]
    del rows[0], lines[0]
    for name in header:
        if name and header.count(name) > 1:
            places = " and ".join(str(k + 1) for k, other in enumerate(header) if other == name)
            raise UserError(f"{file}: the columns {places} are both called {_short(name)}; give each its own name.")
    if not rows:
        raise UserError(f"{file} has a line of column names but no rows of data; add at least two rows below it.")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(header):
            raise UserError(
                f"{file}, line {line}: the row has {len(row)} cells but needs {len(header)}, one for each column; "
                "add or remove cells, and put text that holds a separator in quotes."
            )
    # A column without a name (a data frame's row numbers, a trailing comma) holds nothing that could be asked for.
    columns = {name: [row[k] for row in rows] for k, name in enumerate(header) if name}
    return _Sheet(file, header, columns, lines)


def _stream(data: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")


def _delimiter(data: bytes) -> str:
    """Return the separator under which the first line holds most of our names, else most cells."""
    ours = {*NUMBERS, *TEXTS}.union(*_ALIASES.values())

    def score(mark: str) -> tuple[int, int]:
        try:
            found = next(filter(None, csv.reader(_stream(data), delimiter=mark, skipinitialspace=True)), [])
        except csv.Error:
            return 0, 0
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
    if not rows:
        raise UserError(f"{file} holds only separators, but a line of column names is needed; add it.")
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
    """Raise UserError for an unknown column that looks like an optional one of ours: unread, it would change results."""
    for name in ("participant", "condition", "repetitions", "spacing_gap", "guess", *(() if counts else ("se",))):
        for other in _alike(name, sheet.columns, cutoff=0.8) if name not in sheet.columns else ():
            raise UserError(
                f"{sheet.file} has an unknown column {_short(other)}; did you mean {name!r}? Rename it, or, where it is "
                "something else, give it a name less alike."
            )


def _numbers(sheet: _Sheet, name: str) -> NDArray[np.float64]:
    """Return a column of numbers, once each is in its range."""
    cells, allowed = sheet.columns[name], NUMBERS[name]
    try:
        values = np.array(list(map(float, cells)))
    except ValueError:
        values = np.array([_number(cell) for cell in cells])
    wrong = allowed.wrong(values)
    # Python reads 1_000 as a number; in a table it is a slip of the pen.
    wrong |= np.fromiter(("_" in cell for cell in cells), dtype=bool, count=len(cells))
    if wrong.any():
        raise sheet.wrong_cell(name, int(wrong.argmax()), allowed.needs)
    return values


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return np.nan


def _texts(sheet: _Sheet, name: str) -> tuple[NDArray[np.int64], list[str]]:
    """Return (the number of the name in each row, the distinct names); 01 stays text."""
    codes: dict[str, int] = {}
    numbers = [codes.setdefault(cell.strip(), len(codes)) for cell in sheet.columns[name]]
    for word, code in codes.items():
        # A line break inside a name is nearly always a stray quotation mark that has swallowed whole rows.
        if not word or len(word) > LONGEST_NAME or "\n" in word or "\r" in word:
            needs = f"a name on one line, of 1 to {LONGEST_NAME} characters"
            raise sheet.wrong_cell(name, numbers.index(code), needs)
    return np.array(numbers, dtype=np.int64), list(codes)


def _check_rows(sheet: _Sheet, known: Mapping[str, NDArray[Any]]) -> None:
    """Raise UserError for more right answers than tests, one delay only, and rows that stand there twice."""
    if "correct" in known and (known["correct"] > known["trials"]).any():
        row = int((known["correct"] > known["trials"]).argmax())
        raise sheet.wrong_cell("correct", row, f"at most the {known['trials'][row]:g} tests in its column 'trials'")
    delays = known["retention_interval"]
    if (delays == delays[0]).all():
        raise UserError(
            f"{sheet.file}, column 'retention_interval': the only delay is {delays[0]:g} s, but a forgetting curve needs "
            "at least two different delays; add rows of another delay."
        )
    single = known["trials"] == 1 if "trials" in known else np.zeros(len(delays), dtype=bool)
    checked = np.flatnonzero(~single)
    twice = _first_repeat(sheet, known, checked)
    if twice is not None:
        first, second = (sheet.lines[row] for row in twice)
        raise UserError(
            f"{sheet.file}, lines {first} and {second}: the rows are identical in every column; remove one, or, where "
            "both were measured, add a column that tells them apart (such as list) or add up their counts."
        )


def _first_repeat(sheet: _Sheet, known: Mapping[str, NDArray[Any]], rows: NDArray[np.intp]) -> tuple[int, int] | None:
    """Return the first two of `rows` that agree in every named column, or None."""
    groups = _groups((column[rows] for column in known.values()), len(rows))
    for cells in (cells for name, cells in sheet.columns.items() if name not in known):
        if groups.max(initial=-1) + 1 == len(rows):
            return None
        codes: dict[str, int] = {}
        numbers = [codes.setdefault(cells[row].strip(), len(codes)) for row in rows]
        groups = _groups((groups, np.array(numbers)), len(rows))
    first = np.unique(groups, return_index=True)[1]
    again = np.setdiff1d(np.arange(len(rows)), first)
    if not len(again):
        return None
    second = int(again[0])
    return int(rows[np.flatnonzero(groups == groups[second])[0]]), int(rows[second])


def _groups(columns: Iterable[NDArray[Any]], rows: int) -> NDArray[np.intp]:
    """Return the same number, from 0, for rows that agree in all `columns`."""
    groups = np.zeros(rows, dtype=np.intp)
    for column in columns:
        part = np.unique(column, return_inverse=True)[1]
        groups = np.unique(groups * (part.max(initial=0) + 1) + part, return_inverse=True)[1]
    return groups


def _pooled(known: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the columns with single tests (in a long table: all counts) of the same known columns added up."""
    rows = len(known["trials"])
    together = (known["trials"] == 1) | (rows > MANY_ROWS)
    groups = _groups((column for name, column in known.items() if name not in ("correct", "trials")), rows)
    groups = np.where(together, groups, rows + np.arange(rows))
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    order = np.argsort(first)
    pooled = {name: column[first[order]] for name, column in known.items()}
    sums = {name: np.bincount(group, weights=known[name])[order] for name in ("correct", "trials")}
    return pooled | sums


def _curve_columns(known: Mapping[str, NDArray[Any]], names: Mapping[str, Sequence[str]]) -> dict[str, NDArray[Any]]:
    """Return the columns of the curve; see Curve on what n and sd are without counts."""
    delays = known["retention_interval"]
    if "correct" in known:
        n, y = known["trials"], known["correct"] / known["trials"]
        sd = np.sqrt(y * (1.0 - y))
    else:
        y = known["savings"] if "savings" in known else known["retention"]
        n, sd = np.ones(len(y)), known.get("se", np.full(len(y), np.nan))
    rows = {"x": delays, "y": y, "n": n, "sd": sd, "retention_interval": delays}
    rows["participant"] = np.full(len(y), "all")
    rows |= {name: np.array(words)[known[name]] for name, words in names.items()}
    rows |= {name: known[name] for name in ("spacing_gap", "guess", "correct") if name in known}
    return rows | ({"repetitions": known["repetitions"].astype(np.int64)} if "repetitions" in known else {})


def _plain(name: str) -> str:
    """Return a column name as we would spell it: small letters and underscores."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _short(value: str, most: int = 40) -> str:
    """Return the value in quotes, cut where it is long, so that the sentence stays one."""
    return repr(value if len(value) <= most else f"{value[:most]}…")


def _advice(value: str) -> str:
    """Return what to do about a cell."""
    if value.startswith(("=", "+", "@")):
        return "formulas are not evaluated, write the value itself"
    if value.endswith("%") or (value.replace(".", "", 1).isdecimal() and 1 < float(value) <= 100):
        return "write the value itself, percentages divided by 100"
    if "," in value:
        return "write the decimal point as a full stop and no thousands separators"
    if value.lower() in ("", "nan", "na", "n/a", "null", "none", "."):
        return "fill it in, or leave out a row that was not measured"
    return "correct that cell"
