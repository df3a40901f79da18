"""What `registry.toml` says of each data set: its tables, its upstream files and where they come from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from cogmem.columns import COLUMNS, Column
from cogmem.errors import UserError
from cogmem.names import nearest

DTYPES: Final = ("str", "int", "float")


@dataclass(frozen=True)
class Table:
    """One table, `file` in `folder`. `x` and `y` name the columns of its curve; `y` is None where it is `correct` /
    `trials`.

    `guess` is the probability of a right answer without memory, None where the test is recall.
    """

    name: str
    file: str
    sha256: str
    rows: int
    measure: str
    x: str
    y: str | None
    se: str | None
    guess: float | None
    groups: tuple[str, ...]
    columns: tuple[Column, ...]
    folder: Path

    @property
    def path(self) -> Path:
        """The file itself."""
        return self.folder / self.file


@dataclass(frozen=True)
class RemoteFile:
    """One upstream file, at a pinned commit; `url` is None for a transcribed file that stands nowhere to be fetched.

    `folder` is the source folder it lies in under COGMEM_DATA; `size` is in bytes.
    """

    name: str
    folder: str
    url: str | None
    sha256: str
    size: int
    licence: str


@dataclass(frozen=True)
class Dataset:
    """One data set: what it is, whose it is, how sure it is, its shipped tables and its upstream files."""

    name: str
    title: str
    paradigm: str
    kind: str
    who: str
    citation: str
    licence: str
    provenance: str
    notes: str
    default: str
    tables: Mapping[str, Table]
    files: tuple[RemoteFile, ...]

    def table(self, name: str | None = None) -> Table:
        """Return the table called `name` (None: the default one); UserError names the nearest match."""
        chosen = self.default if name is None else name
        if chosen not in self.tables:
            raise UserError(f"{self.name} has no table {chosen!r}; {nearest(chosen, self.tables)}")
        return self.tables[chosen]


def tables_folder() -> Path:
    """Return the folder of the shipped tables."""
    return Path(str(files("cogmem.human_data"))) / "tables"


def _column(name: str, entry: Mapping[str, Any], extra: Mapping[str, Mapping[str, str]]) -> Column:
    """Return a column with the table's own dtype and meaning, else those of the registry, else the vocabulary's."""
    if name in extra:
        base = Column(name, **extra[name])
    elif name in COLUMNS:
        base = COLUMNS[name]
    else:
        raise UserError(f"registry.toml does not describe the column {name!r}; add it to [columns].")
    dtype = entry.get("dtypes", {}).get(name, base.dtype)
    if dtype not in DTYPES:
        raise UserError(f"The column {name!r} needs a dtype, one of {', '.join(DTYPES)}; got {dtype!r}.")
    return Column(name, dtype, base.unit, entry.get("meanings", {}).get(name, base.meaning))


def _table(name: str, entry: Mapping[str, Any], extra: Mapping[str, Mapping[str, str]], folder: Path) -> Table:
    described = tuple(_column(column, entry, extra) for column in entry["columns"])
    plain = {key: entry[key] for key in ("file", "sha256", "rows", "measure", "x")}
    plain |= {key: entry.get(key) for key in ("y", "se", "guess")}
    _check_table(name, plain, entry, {column.name: column.dtype for column in described})
    return Table(name, **plain, groups=tuple(entry.get("groups", ())), columns=described, folder=folder)


def _check_table(name: str, plain: Mapping[str, Any], entry: Mapping[str, Any], dtypes: Mapping[str, str]) -> None:
    """Raise UserError for an entry of a table from which no curve can be made; `dtypes` are those of its columns."""
    columns, groups, guess = entry["columns"], entry.get("groups", []), plain["guess"]
    if not isinstance(columns, list) or len(set(columns)) < len(columns):
        raise UserError(f"The table {name!r} needs a list of its columns, each once; got {columns!r}.")
    if not isinstance(plain["file"], str) or Path(plain["file"]).name != plain["file"]:
        raise UserError(f"The table {name!r} needs the name of a file in the folder tables; got {plain['file']!r}.")
    numbers = [plain["x"], *(["correct", "trials"] if plain["y"] is None else [plain["y"]])]
    numbers += [] if plain["se"] is None else [plain["se"]]
    for column in [*numbers, *groups]:
        if column not in columns:
            raise UserError(f"The table {name!r} has no column {column!r}, which its entry names; it has {columns}.")
    for column in numbers:
        if dtypes[column] == "str":
            raise UserError(f"The column {column!r} of the table {name!r} makes its curve and needs numbers, not text.")
    if guess is not None and (isinstance(guess, bool) or not isinstance(guess, int | float) or not 0 <= guess < 1):
        raise UserError(f"The table {name!r} has a guess of {guess!r}; it is a probability below 1.")
    for key in ("measure", "sha256"):
        if not isinstance(plain[key], str):
            raise UserError(f"The table {name!r}: {key} is a text; got {plain[key]!r}.")


def _remote(entry: Mapping[str, Any]) -> RemoteFile:
    return RemoteFile(url=entry.get("url"), **{key: value for key, value in entry.items() if key != "url"})


@cache
def read_registry() -> Mapping[str, Dataset]:
    """Return all data sets by name, read from `registry.toml` once."""
    text = files("cogmem.human_data").joinpath("registry.toml").read_text(encoding="utf-8")
    return MappingProxyType({data.name: data for data in _datasets(text, tables_folder())})


def _datasets(text: str, folder: Path) -> Iterator[Dataset]:
    content = tomllib.loads(text)
    extra = content.get("columns", {})
    for name, entry in content["datasets"].items():
        tables = {key: _table(key, value, extra, folder) for key, value in entry.pop("tables").items()}
        remote = tuple(_remote(each) for each in entry.pop("files", ()))
        for key, value in entry.items():
            if not isinstance(value, str):
                raise UserError(f"The data set {name!r}: {key} is a text; got {value!r}.")
        if entry["default"] not in tables:
            raise UserError(f"The data set {name!r} has no table {entry['default']!r}, which is to be its default.")
        yield Dataset(name=name, tables=MappingProxyType(tables), files=remote, **entry)


def read_datasets(path: str | PathLike[str]) -> tuple[Dataset, ...]:
    """Return the data sets that a registry of another package describes; their tables lie in `tables` beside it.

    The file has the form of our own registry.toml: an entry [datasets.NAME] with one or more [datasets.NAME.tables.X],
    and [columns.NAME] for columns that are not in the vocabulary. UserError says what is missing or unknown.
    """
    file = Path(path)
    try:
        found = tuple(_datasets(file.read_text(encoding="utf-8"), file.parent / "tables"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise UserError(f"{file} is no registry of data sets that can be read: {problem}.") from None
    except (KeyError, TypeError, AttributeError) as problem:
        raise UserError(f"{file}: an entry lacks a word or has one too many ({problem}); see Add a data set.") from None
    lost = [str(table.path) for data in found for table in data.tables.values() if not table.path.is_file()]
    if lost:
        raise UserError(f"{file} names tables that are not there: {', '.join(lost)}.")
    return found


class _Lazy(Mapping[str, Dataset]):
    """The registry as a mapping that reads its file at the first look, so that importing the package costs nothing."""

    def __getitem__(self, name: str) -> Dataset:
        return read_registry()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(read_registry())

    def __len__(self) -> int:
        return len(read_registry())


DATASETS: Final[Mapping[str, Dataset]] = _Lazy()


def dataset(name: str) -> Dataset:
    """Return the data set called `name`; UserError names the nearest match."""
    if name not in DATASETS:
        raise UserError(f"There is no data set {name!r}; {nearest(name, DATASETS)}")
    return DATASETS[name]
