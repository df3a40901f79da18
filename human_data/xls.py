"""Read a sheet of an Excel 97 workbook (.xls): text and numbers, which is all that the one such source here holds.

The format is Microsoft's [MS-CFB] around [MS-XLS]. openpyxl reads .xlsx alone, and one file is no reason for another
dependency of everybody who checks the tables.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from cogmem.errors import UserError

END: Final = 0xFFFFFFFC  # Numbers of sectors end below.
EOF, SHEET, STRINGS, TEXT, NUMBER, SHORT, SHORTS = 0x0A, 0x85, 0xFC, 0xFD, 0x203, 0x27E, 0xBD


def sheet(path: Path, name: str) -> list[list[Any]]:
    """Return the rows of one sheet, cell by cell; None where there is neither a text nor a number (or a formula)."""
    stream = _workbook(path.read_bytes())
    texts, start = [], None
    for kind, body in _records(stream, 0):
        if kind == STRINGS:
            texts = _texts(body)
        elif kind == SHEET and _text(body, 6, 1)[0] == name:
            (start,) = struct.unpack_from("<I", body)
    if start is None:
        raise UserError(f"{path.name} has no sheet {name!r}.")
    cells = {place: value for kind, body in _records(stream, start) for place, value in _cells(kind, body, texts)}
    rows, columns = (max(place[axis] for place in cells) + 1 for axis in (0, 1))
    return [[cells.get((row, column)) for column in range(columns)] for row in range(rows)]


def _workbook(data: bytes) -> bytes:
    """Return the stream Workbook of a compound file: sectors, each of which an allocation table gives the next."""
    size = 1 << struct.unpack_from("<H", data, 30)[0]
    sectors = [data[at : at + size] for at in range(size, len(data), size)]
    table = b"".join(sectors[k] for k in struct.unpack_from("<109I", data, 76) if k < END)
    following = struct.unpack(f"<{len(table) // 4}I", table)

    def chained(k: int) -> Iterator[bytes]:
        while k < END:
            yield sectors[k]
            k = following[k]

    directory = b"".join(chained(struct.unpack_from("<I", data, 48)[0]))
    for at in range(0, len(directory), 128):
        (length,) = struct.unpack_from("<H", directory, at + 64)
        if directory[at : at + max(0, length - 2)].decode("utf-16-le") == "Workbook":
            first, total = struct.unpack_from("<II", directory, at + 116)
            return b"".join(chained(first))[:total]
    raise UserError("The file is no Excel 97 workbook: it holds no stream named Workbook.")


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield (kind, content) of the records from `at` on, to the end of their sheet."""
    while True:
        kind, length = struct.unpack_from("<HH", stream, at)
        if kind == EOF:
            return
        yield kind, stream[at + 4 : at + 4 + length]
        at += 4 + length


def _text(body: bytes, at: int, width: int) -> tuple[str, int]:
    """Return the text at a place, whose length is a number of `width` bytes, and where it ends."""
    length = int.from_bytes(body[at : at + width], "little")
    flags, at = body[at + width], at + width + 1
    # Formats of parts of the text (4 bytes each) and phonetic notes stand behind it.
    runs, at = (struct.unpack_from("<H", body, at)[0], at + 2) if flags & 8 else (0, at)
    notes, at = (struct.unpack_from("<I", body, at)[0], at + 4) if flags & 4 else (0, at)
    end = at + length * (2 if flags & 1 else 1)
    return body[at:end].decode("utf-16-le" if flags & 1 else "latin-1"), end + 4 * runs + notes


def _texts(body: bytes) -> list[str]:
    """Return the workbook's table of texts."""
    (count,) = struct.unpack_from("<I", body, 4)
    found, at = [], 8
    for _ in range(count):
        text, at = _text(body, at, 2)
        found.append(text)
    return found


def _short(number: int) -> float:
    """Return a number packed into four bytes: an integer or the upper half of a double, perhaps in hundredths."""
    if number & 2:
        value = float((number >> 2) - (1 << 30 if number >> 31 else 0))
    else:
        (value,) = struct.unpack("<d", struct.pack("<II", 0, number & ~3))
    return value / 100 if number & 1 else value


def _cells(kind: int, body: bytes, texts: list[str]) -> Iterator[tuple[tuple[int, int], Any]]:
    """Yield ((row, column), value) of the cells of a record."""
    if kind not in (TEXT, NUMBER, SHORT, SHORTS):
        return
    row, column = struct.unpack_from("<HH", body)
    if kind == NUMBER:
        yield (row, column), struct.unpack_from("<d", body, 6)[0]
    elif kind == TEXT:
        yield (row, column), texts[struct.unpack_from("<I", body, 6)[0]]
    else:
        for k, at in enumerate(range(6, len(body), 6)):
            if at + 4 <= len(body):
                yield (row, column + k), _short(struct.unpack_from("<I", body, at)[0])
