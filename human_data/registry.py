"""What `registry.toml` says of each data set: its tables, its upstream files and where they come from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from cogmem.columns import COLUMNS, Column
from cogmem.errors import UserError
from cogmem.names import nearest


@dataclass(frozen=True)
class Table:
    """One shipped table. `x` and `y` name the columns of its curve; `y` is None where it is `correct` / `trials`.

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
    return Column(name, dtype, base.unit, entry.get("meanings", {}).get(name, base.meaning))


def _table(name: str, entry: Mapping[str, Any], extra: Mapping[str, Mapping[str, str]]) -> Table:
    described = tuple(_column(column, entry, extra) for column in entry["columns"])
    plain = {key: entry[key] for key in ("file", "sha256", "rows", "measure", "x")}
    plain |= {key: entry.get(key) for key in ("y", "se", "guess")}
    return Table(name, **plain, groups=tuple(entry.get("groups", ())), columns=described)


def _remote(entry: Mapping[str, Any]) -> RemoteFile:
    return RemoteFile(url=entry.get("url"), **{key: value for key, value in entry.items() if key != "url"})


@cache
def read_registry() -> Mapping[str, Dataset]:
    """Return all data sets by name, read from `registry.toml` once."""
    text = files("cogmem.human_data").joinpath("registry.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    found: dict[str, Dataset] = {}
    for name, entry in content["datasets"].items():
        tables = {key: _table(key, value, content["columns"]) for key, value in entry.pop("tables").items()}
        remote = tuple(_remote(each) for each in entry.pop("files"))
        found[name] = Dataset(name=name, tables=MappingProxyType(tables), files=remote, **entry)
    return MappingProxyType(found)


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
