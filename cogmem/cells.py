"""The cells of a CSV file: bytes in, columns of text and the line of each row out, or one sentence on why not."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError

LARGE: Final = 1_000_000  # bytes; beyond this the quick reader is worth loading
BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, eq=False)
class Column:
    """A column as its distinct values and, for each row, which of them it holds: most tables repeat themselves."""

    codes: NDArray[np.intp]
    values: Sequence[Any]

    def __getitem__(self, row: int) -> Any:
        return self.values[self.codes[row]]

    def all(self) -> NDArray[Any]:
        """Return the value of every row."""
        return np.asarray(self.values)[self.codes]

    def merged(self, values: Sequence[Any]) -> Column:
        """Return the column with each distinct value replaced by one of `values`, of which equal ones become one."""
        places: dict[Any, int] = {}
        new = np.array([places.setdefault(value, len(places)) for value in values], dtype=np.intp)
        return Column(new[self.codes], list(places))


@dataclass(frozen=True, eq=False)
class Sheet:
    """The cells of a file as text; row k of every column stands on line `lines[k]`, counted as an editor counts."""

    file: str
    header: Sequence[str]
    columns: Mapping[str, Column]
    lines: Sequence[int]


def read_bytes(path: Path) -> bytes:
    """Return the file's bytes, once they are known to be UTF-8 text."""
    return checked_text(raw_bytes(path), path.name)


def raw_bytes(path: Path) -> bytes:
    """Return the bytes of a file that is there and may be read."""
    if path.is_dir():
        raise UserError(f"{path} is a folder, but a CSV file is needed; give the path of the file in it.")
    if not path.is_file():
        raise UserError(f"There is no file {short(str(path), 300)}; give the path of a CSV file.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); allow reading it, or copy it elsewhere.") from error


def checked_text(data: bytes, file: str) -> bytes:
    """Return the bytes of a file, once they are known to be UTF-8 text."""
    _refuse_other_encodings(data, file)
    try:
        empty = not data.decode("utf-8-sig").strip(' \t\r\n,;"')
    except UnicodeDecodeError as error:
        # The codec counts from behind a byte order mark; a hex editor counts from the start of the file.
        start = error.start + (len(BOM) if data.startswith(BOM) else 0)
        raise UserError(
            f"{file} is not UTF-8 text: byte {start} (the first is 0), in line {_line(data, start)}, is "
            f"0x{data[start]:02x}; save it as CSV in UTF-8."
        ) from None
    if empty:
        raise UserError(f"{file} is empty, but a line of column names and rows of data are needed; add them.")
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


def read_sheet(data: bytes, file: str, names: Set[str]) -> Sheet:
    """Return the cells, once the names are distinct and every row has one cell for each.

    `names` (as `plain` spells them) are looked for in the first line to tell what separates the cells.
    """
    mark = _delimiter(data, names)
    header = [cell.strip() for cell in _first_row(data, mark)]
    for name, times in Counter(filter(None, header)).items():
        if times > 1:
            places = " and ".join(str(k + 1) for k, other in enumerate(header) if other == name)
            raise UserError(f"{file}: the columns {places} are both called {short(name)}; give each its own name.")
    return _quick_sheet(data, mark, file, header) or _careful_sheet(data, mark, file, header)


def _quick_sheet(data: bytes, mark: str, file: str, header: Sequence[str]) -> Sheet | None:
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
        column = Column(coded.indices.to_numpy().astype(np.intp), ())
        columns[name] = column.merged([word.strip() for word in coded.dictionary.to_pylist()])
    first = [table[place][0].as_py().strip() for place in places]
    if first != list(columns) or "" in next(iter(columns.values())).values:  # rows of separators only are no rows
        return None
    return Sheet(file, header, columns, range(2, table.num_rows + 1))


def _plainly_quoted(data: bytes, mark: bytes) -> bool:
    """Return whether marks of quotation only stand in pairs around whole cells, and no line is too long for csv.

    On such data every reader agrees: the odd marks open a cell, the even ones close it, and there are no others.
    """
    text = np.frombuffer(b"\n" + data.removeprefix(BOM) + b"\n", dtype=np.uint8)
    ends = np.flatnonzero(np.isin(text, list(b"\r\n")))
    marks = np.flatnonzero(text == ord('"'))
    opened, closed = marks[::2], marks[1::2]
    around = np.concatenate([text[opened - 1], text[closed + 1]])
    paired = len(opened) == len(closed) and np.isin(around, list(mark + b"\r\n")).all()
    return bool(paired and np.diff(ends).max() <= csv.field_size_limit())


def _careful_sheet(data: bytes, mark: str, file: str, header: Sequence[str]) -> Sheet:
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
    every = Column(np.arange(len(rows)), ())
    columns = {name: every.merged([row[k].strip() for row in rows]) for k, name in enumerate(header) if name}
    return Sheet(file, header, columns, lines)


def _stream(data: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")


def _first_row(data: bytes, mark: str) -> list[str]:
    """Return the cells of the first line that holds any; [] where none does."""
    try:
        rows = csv.reader(_stream(data), delimiter=mark, skipinitialspace=True)
        return next((row for row in rows if "".join(row).strip()), [])
    except csv.Error:
        return []


def _delimiter(data: bytes, names: Set[str]) -> str:
    """Return the separator under which the first line holds most of `names`, else most cells."""

    def score(mark: str) -> tuple[int, int]:
        found = _first_row(data, mark)
        return sum(plain(cell) in names for cell in found), len(found)

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


def number(cell: str) -> float:
    """Return the number, NaN where it is none; Python's 1_000 is a slip of the pen in a table."""
    try:
        return float("nan" if "_" in cell else cell)
    except ValueError:
        return np.nan


def plain(name: str) -> str:
    """Return a column name as we would spell it: small letters and underscores."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def short(value: str, most: int = 40) -> str:
    """Return the value in quotes, cut where it is long, so that the sentence stays one."""
    return repr(value if len(value) <= most else f"{value[:most]}…")
