"""Texts as sequences of symbols: any UTF-8 file, slice by slice, and the documentation strings of Python's library.

A slice is learned by itself, as published (Wu, Thalmann, Dayan, Akata & Schulz, 2025: ten slices of 1,000 characters a
text), so each has symbols of its own, and says what they stand for. Texts are taken as they stand, as babyLM's are (the
publication's texts, "minimally preprocessed"): letters keep their case, and nothing is normalised.
"""

from __future__ import annotations

import ast
import codecs
import hashlib
import io
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.names import nearest

By: TypeAlias = Literal["characters", "words"]

BLOCK: Final = 1 << 16
"""Bytes of a file that are read at once."""
LONGEST_WORD: Final = 1_000_000
"""Characters of a word at most; what has longer ones has no white space between its words."""

MODULES: Final = (
    "_pydecimal", "_pyio", "argparse", "ast", "asyncio", "bdb", "calendar", "codecs", "collections", "concurrent",
    "configparser", "contextlib", "copy", "csv", "ctypes", "dataclasses", "datetime", "difflib", "doctest", "email",
    "enum", "fractions", "ftplib", "functools", "heapq", "http", "imaplib", "importlib", "inspect", "ipaddress", "json",
    "logging", "mailbox", "multiprocessing", "optparse", "os", "pathlib", "pdb", "pickletools", "platform", "pydoc",
    "random", "re", "shutil", "smtplib", "socket", "socketserver", "ssl", "statistics", "string", "subprocess",
    "tarfile", "tempfile", "textwrap", "threading", "traceback", "typing", "unittest", "urllib", "uuid", "wsgiref",
    "xml", "xmlrpc", "zipfile",
)  # fmt: skip
"""Modules and packages whose documentation is read; chosen by hand among those with much text that are in every
Python from 3.11 on."""


@dataclass(frozen=True, eq=False)
class TextSlice:
    """Symbols (n,), from 0, of a piece of text, and what each stands for, a character or a word, in sorted order.

    >>> piece = next(slices("banana"))
    >>> piece.symbols, piece.names
    (array([1, 0, 2, 0, 2, 0], dtype=int32), ('a', 'b', 'n'))
    """

    symbols: NDArray[np.int32]
    names: tuple[str, ...]

    @property
    def n_symbols(self) -> int:
        """How many different symbols there are."""
        return len(self.names)


# ---- slices ----------------------------------------------------------------------------------------------------------


def slices(text: str | Iterable[str], *, by: By = "characters", slice_length: int = 1000) -> Iterator[TextSlice]:
    """Return the slices of a text, or of one that comes in blocks cut anywhere, each of so many characters or words.

    Words are what stands between white space, in lower case, with what marks are on them. What is left after the last
    whole slice is left out; only of a text shorter than a slice it is the one slice. UserError where there is nothing.
    """
    _check(by, slice_length)
    return _slices([text] if isinstance(text, str) else text, by, slice_length, "The text")


def _check(by: str, slice_length: int) -> None:
    if slice_length < 2:
        raise UserError(f"A slice has two symbols or more; got slice_length={slice_length}.")
    if by not in get_args(By):
        raise UserError(f"A text is read by characters or words, not by {by!r}; {nearest(by, get_args(By))}")


def _slices(blocks: Iterable[str], by: By, length: int, what: str) -> Iterator[TextSlice]:
    left: Sequence[str] = "" if by == "characters" else []
    any_whole = False
    for units in blocks if by == "characters" else _words(blocks, what):
        # Both are characters, in a string, or both are words, in a list.
        left = left + units  # type: ignore[operator]
        whole = len(left) // length * length
        for start in range(0, whole, length):
            yield _numbered(left[start : start + length])
        any_whole, left = any_whole or whole > 0, left[whole:]
    if not any_whole and left:
        yield _numbered(left)
    elif not any_whole:
        raise UserError(f"{what} has no {by}; give one that is not empty.")


def _numbered(units: Sequence[str]) -> TextSlice:
    names = tuple(sorted(set(units)))
    numbers = {name: k for k, name in enumerate(names)}
    symbols = np.fromiter(map(numbers.__getitem__, units), np.int32, len(units))
    symbols.setflags(write=False)
    return TextSlice(symbols, names)


def _words(blocks: Iterable[str], what: str) -> Iterator[list[str]]:
    """Yield the words that end in each block, in lower case; the last one may go on in the next block."""
    begun = ""
    for block in blocks:
        text = begun + block
        words = text.split()
        begun = words.pop() if words and not text[-1].isspace() else ""
        if len(begun) > LONGEST_WORD:
            raise UserError(f"{what} has a word of more than {LONGEST_WORD} characters; read it by characters.")
        yield [word.lower() for word in words]
    yield [begun.lower()] if begun else []


# ---- files -----------------------------------------------------------------------------------------------------------


def read_text(path: Path | str, *, by: By = "characters", slice_length: int = 1000) -> Iterator[TextSlice]:
    """Return the slices (see `slices`) of a UTF-8 file of any size, which is read as they are taken.

    A byte order mark is left out, and all ends of lines are one character, "\\n". UserError where there is no file, no
    text in it, or a byte that cannot be (named by its offset from 0), the latter when the slice that has it is taken.
    """
    _check(by, slice_length)
    file = Path(path)
    if file.is_dir():
        raise UserError(f"{file} is a folder; name a text file in it.")
    if not file.exists():
        raise UserError(f"There is no file {file}; check the path.")
    if file.is_file() and not file.stat().st_size:
        raise UserError(f"{file} is empty; name a file with text in it.")
    return _slices(_blocks(file), by, slice_length, str(file))


def _blocks(file: Path) -> Iterator[str]:
    utf8 = codecs.getincrementaldecoder("utf-8")()
    lines = io.IncrementalNewlineDecoder(utf8, translate=True)
    offset, begun = 0, False
    try:
        with file.open("rb") as stream:
            while True:
                raw = stream.read(BLOCK)
                if b"\0" in raw:
                    at = offset + raw.index(b"\0")
                    raise UserError(f"{file} is no text: byte {at} is zero; name a text file, saved as UTF-8.")
                pending = len(utf8.getstate()[0])
                try:
                    text = lines.decode(raw, final=not raw)
                except UnicodeDecodeError as problem:
                    at = offset - pending + problem.start
                    raise UserError(
                        f"{file} is not UTF-8: byte {at} cannot be read ({problem.reason}); save it as UTF-8."
                    ) from None
                if text:
                    yield text if begun else text.removeprefix("\ufeff")
                    begun = True
                if not raw:
                    return
                offset += len(raw)
    except OSError as problem:
        raise UserError(f"{file} cannot be read ({problem.strerror}); check who may read it.") from None


# ---- documentation strings -------------------------------------------------------------------------------------------


@cache
def docstrings_text() -> str:
    """Return the documentation strings of modules of this Python's library (see `MODULES`), about 10^6 characters.

    One string a line, in the order of the files and within them, with white space run together; letters keep their
    case. Files are parsed, nothing is imported or run. It varies a little from version to version of Python:
    `text_sha256` says which text it is. By the Python Software Foundation, under the PSF License Version 2.
    """
    root = Path(sysconfig.get_path("stdlib"))
    lines = [line for name in MODULES for file in _files(root, name) for line in _docstrings(_tree(file))]
    if not lines:
        raise UserError(f"{root} has no source files of Python's library; install them, or read a text file of yours.")
    return "\n".join(lines) + "\n"


def text_sha256(text: str) -> str:
    """Return the sha256 of a text in UTF-8, 64 hexadecimal digits, so that results say which text they are of.

    >>> text_sha256("")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(text.encode()).hexdigest()


def _files(root: Path, name: str) -> list[Path]:
    """Return the source files of a module, or of a package without its tests; none where it is missing."""
    alone, package = root / f"{name}.py", root / name
    if alone.is_file():
        return [alone]
    inside = (file.relative_to(package) for file in package.rglob("*.py"))
    return [package / file for file in sorted(inside, key=Path.as_posix) if not {"test", "tests"} & set(file.parts)]


def _tree(file: Path) -> ast.Module:
    # As bytes, for a file may say how it is encoded.
    return ast.parse(file.read_bytes(), filename=str(file))


def _docstrings(node: ast.AST) -> Iterator[str]:
    """Yield the documentation strings at and below a node, in the order of the text, white space run together."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        found = " ".join((ast.get_docstring(node, clean=False) or "").split())
        if found:
            yield found
    for child in ast.iter_child_nodes(node):
        # Expressions have no documentation, and are most of a tree.
        if not isinstance(child, ast.expr):
            yield from _docstrings(child)
