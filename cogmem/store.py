"""The store: what was computed once is kept under the hash of everything that determined it, in open formats only."""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cogmem.addresses import address, canonical
from cogmem.core import Curve, Design, Record, Source
from cogmem.errors import UserError
from cogmem.files import (
    damaged,
    digest,
    pack,
    read_arrays,
    read_json,
    read_table,
    sha256_of,
    unpack,
    word,
    write_arrays,
    write_table,
    write_text,
)  # fmt: skip
from cogmem.provenance import versions
from cogmem.trials import Trials
from cogmem.workers import one_thread

RESPONSES: Final = "responses"
"""Table of a record that stands beside the others for questions in SQL."""
ASIDE: Final = "damaged"
"""Folder of a store for entries that are not what was stored; they are listed nowhere."""


class StoreError(UserError):
    """The store itself cannot be written, so that nothing can be kept."""


SAVED_WITH: Final = ("cogmem", "numpy", "pyarrow", "safetensors")

Stored: TypeAlias = tuple[dict[str, Trials], dict[str, NDArray[Any]], Source]
Made: TypeAlias = tuple[Mapping[str, Trials], Mapping[str, NDArray[Any]], Source]


def default_root() -> Path:
    """Return the folder in the environment variable COGMEM_STORE, else `cogmem/store` in the user's cache folder."""
    if os.environ.get("COGMEM_STORE"):
        return Path(os.environ["COGMEM_STORE"]).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("cogmem") / "store"


@dataclass(frozen=True)
class Entry:
    """One thing in the store: its kind, address, folder and size in bytes."""

    kind: str
    address: str
    path: Path
    size: int

    @cached_property
    def spec(self) -> Any:
        """The canonical JSON of what determined it."""
        return read_json(self.path / "spec.json")

    @cached_property
    def about(self) -> dict[str, Any]:
        """Who made it and in how many seconds; empty where that cannot be read."""
        try:
            source = unpack(read_json(self.path / "source.json"))["source"]
            return {"who": source["who"], "seconds": source["seconds"]}
        except (UserError, KeyError, TypeError):
            return {"who": "", "seconds": None}


@dataclass(frozen=True)
class Store:
    """Tables and arrays under `root/kind/address`, the address being the hash of a spec; equal specs share one place.

    Each folder holds spec.json, the tables as Parquet, the arrays as safetensors and source.json (provenance, library
    versions and the sha256 of every file); it appears complete or not at all.
    """

    root: Path = field(default_factory=default_root)

    def path(self, kind: str, spec: Any) -> Path:
        """Return the folder of `spec`, whether or not it exists."""
        return Path(self.root) / word(kind, "kind") / address(spec)

    def has(self, kind: str, spec: Any) -> bool:
        """Return whether `spec` is stored."""
        return os.path.isfile(self.path(kind, spec) / "source.json")

    def addresses(self, kind: str) -> frozenset[str]:
        """Return the addresses of all that is stored of a kind, by one look at the folder."""
        try:
            with os.scandir(Path(self.root) / word(kind, "kind")) as found:
                return frozenset(each.name for each in found if not each.name.startswith(".")
                                 and os.path.isfile(os.path.join(each.path, "source.json")))  # fmt: skip
        except (FileNotFoundError, NotADirectoryError):
            return frozenset()

    def writable(self, kind: str) -> None:
        """Raise StoreError unless something of a kind can be stored: better found before the hours of work."""
        with self._fresh(Path(self.root) / kind / ("0" * 64)):
            pass

    def save(
        self,
        kind: str,
        spec: Any,
        tables: Mapping[str, Trials],
        *,
        source: Source,
        arrays: Mapping[str, NDArray[Any]] | None = None,
        beside: Mapping[str, Trials] | None = None,
    ) -> Path:
        """Return the folder that now holds these tables and arrays; what is already there stays.

        `beside`: tables for other readers, such as questions in SQL, which `load` leaves alone.
        """
        target = self.path(kind, spec)
        with self._fresh(target) as folder:
            write_text(folder / "spec.json", json.dumps(canonical(spec), indent=1, sort_keys=True))
            for name, table in {**tables, **(beside or {})}.items():
                write_table(folder / f"{word(name, 'table')}.parquet", table)
            write_arrays(folder, arrays or {})
            content = {
                "source": {each.name: getattr(source, each.name) for each in fields(source)},
                "tables": list(tables),
                "arrays": {name: array.dtype.str for name, array in (arrays or {}).items()},
                "saved_with": versions(SAVED_WITH),
                "files": {each.name: sha256_of(each) for each in sorted(folder.iterdir())},
            }
            packed = pack(content, "source")
            write_text(folder / "source.json", json.dumps(packed | {"sha256": digest(packed)}, indent=1))
            _publish(folder, target)
        return target

    def load(self, kind: str, spec: Any) -> Stored:
        """Return (tables, arrays, source) of `spec`; UserError where it is not stored or was altered since."""
        folder = self.path(kind, spec)
        if not os.path.isdir(folder):
            raise UserError(f"The store {self.root} has no {kind} {folder.name[:12]}…; run what makes it first.")
        content = _checked(folder)
        tables = {name: read_table(folder / f"{name}.parquet") for name in content["tables"]}
        return tables, read_arrays(folder, content["arrays"]), Source(**content["source"])

    def problem(self, folder: Path) -> str:
        """Return in a sentence what is wrong with the files of an entry, or "" if they are what was stored."""
        try:
            _checked(folder)
        except UserError as problem:
            return str(problem)
        return ""

    def put_aside(self, folder: Path) -> Path:
        """Move an entry out of the way and return where it is now: nothing is lost, and it is made again."""
        aside = Path(self.root) / ASIDE / f"{folder.parent.name}-{folder.name}-{uuid.uuid4().hex[:8]}"
        try:
            aside.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(aside)
        except OSError as problem:
            reason = f"The store {self.root} cannot be written ({problem.strerror})"
            raise UserError(f"{reason}; {folder} is damaged and stays where it is.") from problem
        return aside

    def give_up(self, folder: Path, problem: UserError, again: str) -> None:
        """Put an entry aside that is no longer what was stored, if it is there, and warn that it is `again` ..."""
        what = str(problem).split(";")[0]
        if folder.is_dir():
            what = f"{what}; it is {again} again, and what was there is in {self.put_aside(folder)}"
        warnings.warn(f"{what}.", stacklevel=4)

    def adopt(self, entry: Entry) -> Path:
        """Return the folder that now holds a copy of an entry of another store."""
        target = Path(self.root) / entry.kind / entry.address
        with self._fresh(target) as folder:
            shutil.copytree(entry.path, folder, dirs_exist_ok=True)
            _publish(folder, target)
        return target

    def remember(self, kind: str, spec: Any, make: Callable[[], Made]) -> Stored:
        """Return what is stored for `spec`; where nothing is, call `make` for (tables, arrays, source) and keep it.

        `make` multiplies matrices in one thread: what is kept is the same wherever it was made, here or by a worker.
        What was damaged since is put aside, which a warning says, and made again.
        """
        folder = self.path(kind, spec)
        if os.path.isdir(folder):
            try:
                return self.load(kind, spec)
            except UserError as problem:
                self.give_up(folder, problem, "made")
        if not self.has(kind, spec):
            self.writable(kind)
            with one_thread():
                tables, arrays, source = make()
            self.save(kind, spec, tables, source=source, arrays=arrays)
        return self.load(kind, spec)

    def ls(self) -> tuple[Entry, ...]:
        """Return everything stored, by kind and address; folders that a killed run left unfinished are not listed."""
        folders = sorted(path.parent for path in Path(self.root).glob("*/*/source.json"))
        complete = [folder for folder in folders if re.fullmatch("[0-9a-f]{64}", folder.name)]
        sizes = [sum(each.stat().st_size for each in folder.iterdir()) for folder in complete]
        return tuple(Entry(f.parent.name, f.name, f, size) for f, size in zip(complete, sizes, strict=True))

    @contextmanager
    def _fresh(self, target: Path) -> Iterator[Path]:
        """Give a new folder beside `target` that is gone afterwards, unless it was published."""
        folder = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        try:
            folder.mkdir(parents=True)
            yield folder
        except OSError as error:
            raise StoreError(
                f"The store {self.root} cannot be written ({error.strerror or error}); make that folder writable, or "
                "name another one in the environment variable COGMEM_STORE."
            ) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _checked(folder: Path) -> Any:
    """Return what source.json says of an entry; UserError names the file that is not what was stored."""
    content = read_json(folder / "source.json")
    if not isinstance(content, dict) or content.pop("sha256", "") != digest(content):
        raise damaged(folder / "source.json")
    for name, expected in content["files"].items():
        if not (folder / name).is_file() or sha256_of(folder / name) != expected:
            raise damaged(folder / name)
    return unpack(content)


def _publish(folder: Path, target: Path) -> None:
    """Rename `folder` to `target`, in one step; where another run was first, its equal content stands."""
    try:
        folder.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        if not (target / "source.json").is_file():
            raise damaged(target / "source.json") from None


def _about(texts: Mapping[str, str]) -> Trials:
    """Return a table of one row, so that what a reader of Parquet has to know stands beside the columns."""
    return Trials({name: np.array([text]) for name, text in texts.items()})


def save_curve(store: Store, kind: str, spec: Any, curve: Curve) -> Path:
    """Return the folder that now holds `curve`."""
    about = _about({"measure": curve.measure, "subject": curve.subject})
    return store.save(kind, spec, {"curve": curve.rows, "about": about}, source=curve.source)


def load_curve(store: Store, kind: str, spec: Any) -> Curve:
    """Return the curve that was saved for `spec`, exactly as it was."""
    tables, _, source = store.load(kind, spec)
    about = tables["about"]
    return Curve(str(about["measure"][0]), str(about["subject"][0]), tables["curve"], source)


def save_record(store: Store, kind: str, spec: Any, record: Record) -> Path:
    """Return the folder that now holds `record`: its design (trials, items, settings), its answers and seconds."""
    design = record.design
    about = {
        "paradigm": design.paradigm,
        "version": str(design.version),
        "settings": json.dumps(pack(design.settings, "design.settings"), allow_nan=False),
        "seed": str(design.seed),  # as text: a seed may be longer than 64 bits
        "subject": record.subject,
    }
    answers = {"answer": record.answers} | ({} if record.seconds is None else {"seconds": record.seconds})
    tables = {"trials": design.trials, "answers": Trials(answers), "about": _about(about)}
    beside = {RESPONSES: _responses(record)}
    return store.save(kind, spec, tables, source=record.source, arrays={"items": design.items}, beside=beside)


def _responses(record: Record) -> Trials:
    """Return a row a test: who took what, the test's own columns, and the answer, so that no question needs a join."""
    tests, n = record.design.tests, len(record.answers)
    columns = {"paradigm": np.full(n, record.design.paradigm), "subject": np.full(n, record.subject)}
    columns |= {name: tests[name] for name in tests if tests[name].ndim == 1 and name not in columns}
    columns |= {"answer": record.answers}
    return Trials(columns if record.seconds is None else {**columns, "seconds": record.seconds})


def load_record(store: Store, kind: str, spec: Any) -> Record:
    """Return the record that was saved for `spec`, its design included, exactly as it was."""
    tables, arrays, source = store.load(kind, spec)
    about = {name: str(values[0]) for name, values in tables["about"].columns.items()}
    settings = unpack(json.loads(about["settings"]))
    design = Design(
        about["paradigm"], int(about["version"]), settings, int(about["seed"]), tables["trials"], arrays["items"]
    )
    answers = tables["answers"]
    return Record(design, about["subject"], answers["answer"], answers.columns.get("seconds"), source)
