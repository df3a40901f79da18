"""The store: what was computed once is kept under the hash of everything that determined it, in open formats only."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Design, Record, Source
from cogmem.errors import UserError
from cogmem.trials import Trials, frozen_array

Stored: TypeAlias = tuple[dict[str, Trials], dict[str, NDArray[Any]], Source]
Made: TypeAlias = tuple[Mapping[str, Trials], Mapping[str, NDArray[Any]], Source]


# --- The address -----------------------------------------------------------------------------------------------------


def canonical(value: Any) -> Any:
    """Return `value` as JSON that is the same for equal values, however and wherever they were made.

    Floats keep every digit, an array is its dtype, shape and the sha256 of its bytes, a dataclass its class name and
    fields. Behaviour cannot be hashed: what holds functions needs a `name` and an integer `version` that stand for
    them. Provenance (a `Source`) inside a dataclass is left out.

    >>> canonical({"b": (1, 0.1), "a": float("nan")})
    {'a': {'$float': 'nan'}, 'b': [1, 0.1]}
    """
    return _canonical(value, "spec", vouched=False)


def address(spec: Any) -> str:
    """Return the sha256 of the canonical JSON of `spec`, in 64 hexadecimal digits.

    >>> address({"model": "power", "seed": 1})[:12]
    '16211da6b497'
    """
    return hashlib.sha256(_json(canonical(spec)).encode()).hexdigest()


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _canonical(value: Any, where: str, *, vouched: bool) -> Any:
    """Return the canonical JSON of `value`, found at `where`; `vouched`: a version around it stands for functions."""
    match value:
        case None | bool() | str() | int() | float() | np.generic():
            return _canonical_scalar(value, where)
        case Mapping():
            for key in value:
                _check_key(key, where)
            return {key: _canonical(value[key], f"{where}.{key}", vouched=vouched) for key in sorted(value)}
        case Trials():
            return {"$trials": {name: _canonical_array(value[name], f"{where}.{name}") for name in sorted(value)}}
        case np.ndarray():
            return {"$array": _canonical_array(value, where)}
        case tuple() | list():
            return [_canonical(each, f"{where}[{k}]", vouched=vouched) for k, each in enumerate(value)]
        case Set():
            return {"$set": sorted((_canonical(each, where, vouched=vouched) for each in value), key=_json)}
        case Source():
            raise UserError(f"{where} is a Source, but provenance is never part of an address; leave it out.")
    return _canonical_object(value, where, vouched=vouched)


def _check_key(key: Any, where: str) -> None:
    if not isinstance(key, str) or key.startswith("$"):
        raise UserError(f"{where} has the key {key!r}, but keys need to be text without a leading $; rename it.")


def _canonical_scalar(value: Any, where: str) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    if plain is None or isinstance(plain, bool):
        return plain
    for kind in (str, int):
        if isinstance(plain, kind):
            return kind(plain)
    if isinstance(plain, float):
        return float(plain) if np.isfinite(plain) else {"$float": repr(float(plain))}
    raise _unhashable(value, where)


def _canonical_array(array: NDArray[Any], where: str) -> dict[str, Any]:
    """Return dtype, shape and hash; the byte order and the room that text has to spare make no difference."""
    _check_dtype(array, where)
    if array.dtype.kind == "U":
        array = np.array(array.tolist(), dtype=np.str_).reshape(array.shape)
    plain = array.astype(array.dtype.newbyteorder("<"))
    return {"dtype": plain.dtype.str, "shape": list(array.shape), "sha256": hashlib.sha256(plain.tobytes()).hexdigest()}


def _check_dtype(array: NDArray[Any], where: str) -> None:
    # Beyond 8 bytes (long double) the bytes differ between machines and the file formats have no such type.
    if array.dtype.kind != "U" and (array.dtype.kind not in "biuf" or array.dtype.itemsize > 8):
        raise UserError(
            f"{where} is an array of {array.dtype}, but numbers, truth values or text are needed; convert it."
        )


def _canonical_object(value: Any, where: str, *, vouched: bool) -> Any:
    """Return the canonical JSON of a dataclass, or of anything with a name and a version, without its functions."""
    name, number = getattr(value, "name", None), getattr(value, "version", None)
    named = isinstance(name, str) and isinstance(number, int) and not isinstance(number, bool)
    if isinstance(value, type) or not (named or is_dataclass(value)):
        if vouched and callable(value):
            return {"$callable": str(getattr(value, "__qualname__", type(value).__name__))}
        raise _unhashable(value, where)
    if is_dataclass(value):
        parts = {each.name: getattr(value, each.name) for each in fields(value)}
    else:
        parts = dict(getattr(value, "__dict__", {}))
    if not (named or vouched):
        for part, each in parts.items():
            if callable(each):
                raise _unhashable(each, f"{where}.{part}")
    kept = {part: each for part, each in parts.items() if not callable(each) and not isinstance(each, Source)}
    kept |= {"name": name, "version": number} if named else {}
    inside = {part: _canonical(kept[part], f"{where}.{part}", vouched=vouched or named) for part in sorted(kept)}
    return {"$type": type(value).__name__, "fields": inside}


def _unhashable(value: Any, where: str) -> UserError:
    what = f"the function {getattr(value, '__name__', value)!r}" if callable(value) else f"a {type(value).__name__}"
    return UserError(
        f"{where} is {what}, but an address needs numbers, text, arrays, tables and dataclasses of these; leave it "
        "out, or pass an object with a name and an integer version that stand for what it does."
    )


# --- The store -------------------------------------------------------------------------------------------------------


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
        return _read_json(self.path / "spec.json")


@dataclass(frozen=True)
class Store:
    """Tables and arrays under `root/kind/address`, the address being the hash of a spec; equal specs share one place.

    Each folder holds spec.json, the tables as Parquet, the arrays as safetensors and source.json (provenance, library
    versions and the sha256 of every file); it appears complete or not at all.
    """

    root: Path = field(default_factory=default_root)

    def path(self, kind: str, spec: Any) -> Path:
        """Return the folder of `spec`, whether or not it exists."""
        return Path(self.root) / _word(kind, "kind") / address(spec)

    def has(self, kind: str, spec: Any) -> bool:
        """Return whether `spec` is stored."""
        return os.path.isfile(self.path(kind, spec) / "source.json")

    def save(
        self,
        kind: str,
        spec: Any,
        tables: Mapping[str, Trials],
        *,
        source: Source,
        arrays: Mapping[str, NDArray[Any]] | None = None,
    ) -> Path:
        """Return the folder that now holds these tables and arrays; what is already there stays."""
        target = self.path(kind, spec)
        with self._fresh(target) as folder:
            _write_text(folder / "spec.json", json.dumps(canonical(spec), indent=1, sort_keys=True))
            for name, table in tables.items():
                _write_table(folder / f"{_word(name, 'table')}.parquet", table)
            _write_arrays(folder, arrays or {})
            content = {
                "source": {each.name: getattr(source, each.name) for each in fields(source)},
                "tables": list(tables),
                "arrays": {name: array.dtype.str for name, array in (arrays or {}).items()},
                "saved_with": _versions(),
                "files": {each.name: _sha256(each) for each in sorted(folder.iterdir())},
            }
            packed = _pack(content, "source")
            _write_text(folder / "source.json", json.dumps(packed | {"sha256": _digest(packed)}, indent=1))
            _publish(folder, target)
        return target

    def load(self, kind: str, spec: Any) -> Stored:
        """Return (tables, arrays, source) of `spec`; UserError where it is not stored or was altered since."""
        folder = self.path(kind, spec)
        if not os.path.isdir(folder):
            raise UserError(f"The store {self.root} has no {kind} {folder.name[:12]}…; run what makes it first.")
        content = _read_json(folder / "source.json")
        if not isinstance(content, dict) or content.pop("sha256", "") != _digest(content):
            raise _damaged(folder / "source.json")
        for name, digest in content["files"].items():
            if not (folder / name).is_file() or _sha256(folder / name) != digest:
                raise _damaged(folder / name)
        content = _unpack(content)
        tables = {name: _read_table(folder / f"{name}.parquet") for name in content["tables"]}
        return tables, _read_arrays(folder, content["arrays"]), Source(**content["source"])

    def remember(self, kind: str, spec: Any, make: Callable[[], Made]) -> Stored:
        """Return what is stored for `spec`; where nothing is, call `make` for (tables, arrays, source) and keep it."""
        if not self.has(kind, spec):
            with self._fresh(self.path(kind, spec)):
                pass  # a store that cannot be written is better found before the hours that `make` may take
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
            raise UserError(
                f"The store {self.root} cannot be written ({error.strerror or error}); make that folder writable, or "
                "name another one in the environment variable COGMEM_STORE."
            ) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _publish(folder: Path, target: Path) -> None:
    """Rename `folder` to `target`, in one step; where another run was first, its equal content stands."""
    try:
        folder.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        if not (target / "source.json").is_file():
            raise _damaged(target / "source.json") from None


def _word(name: str, what: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}", name):
        raise UserError(f"The {what} {name!r} would name a file, but only letters, digits, _ and - may; rename it.")
    return name


def _versions() -> dict[str, str]:
    """Return the versions of what wrote an entry: provenance, not address."""
    found = {"python": platform.python_version()}
    for package in ("cogmem", "numpy", "pyarrow", "safetensors"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # run from a folder that was never installed
            found[package] = ""
    return found


# --- Files -----------------------------------------------------------------------------------------------------------


def _damaged(path: Path) -> UserError:
    state = "was altered or cut short" if path.is_file() else "is missing"
    return UserError(f"{path} {state} since it was stored; delete the folder {path.parent} and rerun what made it.")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(content: Any) -> str:
    return hashlib.sha256(_json(content).encode()).hexdigest()


def _write_text(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="ascii")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        raise _damaged(path) from None


def _write_table(path: Path, table: Trials) -> None:
    """Write Parquet; each field notes the exact dtype and shape of its column."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        columns = {name: _to_arrow(array, name) for name, array in table.columns.items()}
        notes = {name: {"dtype": table[name].dtype.str, "shape": json.dumps(table[name].shape)} for name in table}
        schema = pa.schema([pa.field(name, column.type, metadata=notes[name]) for name, column in columns.items()])
        parquet.write_table(pa.Table.from_arrays(list(columns.values()), schema=schema), path)
    except UnicodeEncodeError as error:
        raise UserError(f"The table {path.stem!r} holds text that is not Unicode ({error}); mend that text.") from None


def _to_arrow(array: NDArray[Any], name: str) -> Any:
    """Return the column for Parquet; further axes become a list of fixed length in each row."""
    import pyarrow as pa

    _check_dtype(array, f"The column {name!r}")
    if array.dtype.kind == "U":
        column = pa.array(array.ravel().tolist(), pa.string())
    else:
        column = pa.array(array.ravel().astype(array.dtype.newbyteorder("=")))
    for size in reversed(array.shape[1:]):
        # Parquet has no lists of length 0; the shape is in the field's note.
        column = pa.FixedSizeListArray.from_arrays(column, size) if array.size else pa.nulls(len(array))
    return column


def _read_table(path: Path) -> Trials:
    from pyarrow import parquet

    table = parquet.read_table(path)
    columns = {}
    for note, chunks in zip(table.schema, table.columns, strict=True):
        dtype, shape = np.dtype(note.metadata[b"dtype"].decode()), json.loads(note.metadata[b"shape"])
        columns[note.name] = np.empty(shape, dtype)
        if columns[note.name].size:
            column = chunks.combine_chunks()
            for _ in shape[1:]:
                column = column.flatten()
            flat = column.to_pylist() if dtype.kind == "U" else column.to_numpy(zero_copy_only=False)
            columns[note.name] = np.array(flat, dtype=dtype).reshape(shape)
    return Trials(columns)


def _write_arrays(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write numbers to one safetensors file, and each array of text, which that format lacks, to Parquet."""
    from safetensors.numpy import save

    numbers = {}
    for name, array in arrays.items():
        _check_dtype(array, f"The array {_word(name, 'array')!r}")
        if array.dtype.kind == "U":
            _write_table(folder / f"{name}.text.parquet", Trials({name: array}))
        else:
            numbers[name] = np.array(array, dtype=array.dtype.newbyteorder("<"), order="C")
    if numbers:
        (folder / "arrays.safetensors").write_bytes(save(numbers))


def _read_arrays(folder: Path, dtypes: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    from safetensors.numpy import load

    file = folder / "arrays.safetensors"
    numbers = load(file.read_bytes()) if file.is_file() else {}
    return {
        name: frozen_array(
            _read_table(folder / f"{name}.text.parquet")[name] if name not in numbers else numbers[name].astype(dtype)
        )
        for name, dtype in dtypes.items()
    }


def _pack(value: Any, where: str) -> Any:
    """Return `value` as JSON from which `_unpack` makes the same again: tuples, arrays and nan are marked."""
    if isinstance(value, np.ndarray):
        _check_dtype(value, where)
        return {"$array": _pack(value.tolist(), where), "dtype": value.dtype.str, "shape": list(value.shape)}
    if isinstance(value, Mapping):
        for key in value:
            _check_key(key, where)
        return {key: _pack(each, f"{where}.{key}") for key, each in value.items()}
    if isinstance(value, tuple):
        return {"$tuple": [_pack(each, where) for each in value]}
    if isinstance(value, list):
        return [_pack(each, where) for each in value]
    return _canonical_scalar(value, where)


def _unpack(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpack(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "$array" in value:
        return np.array(_unpack(value["$array"]), dtype=value["dtype"]).reshape(value["shape"])
    if "$tuple" in value:
        return tuple(_unpack(value["$tuple"]))
    return float(value["$float"]) if "$float" in value else {key: _unpack(each) for key, each in value.items()}


# --- Curves and records ----------------------------------------------------------------------------------------------


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
        "settings": json.dumps(_pack(design.settings, "design.settings"), allow_nan=False),
        "seed": str(design.seed),  # as text: a seed may be longer than 64 bits
        "subject": record.subject,
    }
    answers = {"answer": record.answers} | ({} if record.seconds is None else {"seconds": record.seconds})
    tables = {"trials": design.trials, "answers": Trials(answers), "about": _about(about)}
    return store.save(kind, spec, tables, source=record.source, arrays={"items": design.items})


def load_record(store: Store, kind: str, spec: Any) -> Record:
    """Return the record that was saved for `spec`, its design included, exactly as it was."""
    tables, arrays, source = store.load(kind, spec)
    about = {name: str(values[0]) for name, values in tables["about"].columns.items()}
    settings = _unpack(json.loads(about["settings"]))
    design = Design(
        about["paradigm"], int(about["version"]), settings, int(about["seed"]), tables["trials"], arrays["items"]
    )
    answers = tables["answers"]
    return Record(design, about["subject"], answers["answer"], answers.columns.get("seconds"), source)
