"""Tables, arrays and settings as files in open formats, exactly as they were when they are read again."""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.addresses import canonical_json, canonical_scalar, check_dtype, check_key
from cogmem.errors import UserError
from cogmem.trials import Trials, frozen_array

DAY: Final = 86_400.0


def word(name: str, what: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}", name):
        raise UserError(f"The {what} {name!r} would name a file, but only letters, digits, _ and - may; rename it.")
    return name


def damaged(path: Path) -> UserError:
    state = "was altered or cut short" if path.is_file() else "is missing"
    return UserError(f"{path} {state} since it was stored; delete the folder {path.parent} and rerun what made it.")


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(content: Any) -> str:
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


@contextmanager
def in_place(path: Path) -> Iterator[Path]:
    """Give a file beside `path` to write to, which takes its place when it is whole and is gone if it never is.

    It has a name of its own, for others may be writing the same; what one that was killed has left goes after a day.
    """
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}.unfinished")
    for left in path.parent.glob(f".{path.name}.*.unfinished"):
        with suppress(FileNotFoundError):  # another run may have done so
            if time.time() - left.stat().st_mtime > DAY:
                left.unlink()
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="ascii")


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        raise damaged(path) from None


def write_table(path: Path, table: Trials) -> None:
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

    check_dtype(array, f"The column {name!r}")
    if array.dtype.kind == "U":
        column = pa.array(array.ravel().tolist(), pa.string())
    else:
        column = pa.array(array.ravel().astype(array.dtype.newbyteorder("=")))
    for size in reversed(array.shape[1:]):
        # Parquet has no lists of length 0; the shape is in the field's note.
        column = pa.FixedSizeListArray.from_arrays(column, size) if array.size else pa.nulls(len(array))
    return column


def read_table(path: Path) -> Trials:
    from pyarrow import parquet

    # One small file: pyarrow's reader of data sets takes five times as long to begin.
    with parquet.ParquetFile(path) as file:
        table = file.read()
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


def write_arrays(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write numbers to one safetensors file, and each array of text, which that format lacks, to Parquet."""
    from safetensors.numpy import save

    numbers = {}
    for name, array in arrays.items():
        check_dtype(array, f"The array {word(name, 'array')!r}")
        if array.dtype.kind == "U":
            write_table(folder / f"{name}.text.parquet", Trials({name: array}))
        else:
            numbers[name] = np.array(array, dtype=array.dtype.newbyteorder("<"), order="C")
    if numbers:
        (folder / "arrays.safetensors").write_bytes(save(numbers))


def read_arrays(folder: Path, dtypes: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    from safetensors.numpy import load

    file = folder / "arrays.safetensors"
    numbers = load(file.read_bytes()) if file.is_file() else {}
    return {
        name: frozen_array(
            read_table(folder / f"{name}.text.parquet")[name] if name not in numbers else numbers[name].astype(dtype)
        )
        for name, dtype in dtypes.items()
    }


def pack(value: Any, where: str) -> Any:
    """Return `value` as JSON from which `unpack` makes the same again: tuples, arrays and nan are marked."""
    if isinstance(value, np.ndarray):
        check_dtype(value, where)
        return {"$array": pack(value.tolist(), where), "dtype": value.dtype.str, "shape": list(value.shape)}
    if isinstance(value, Mapping):
        for key in value:
            check_key(key, where)
        return {key: pack(each, f"{where}.{key}") for key, each in value.items()}
    if isinstance(value, tuple):
        return {"$tuple": [pack(each, where) for each in value]}
    if isinstance(value, list):
        return [pack(each, where) for each in value]
    return canonical_scalar(value, where)


def unpack(value: Any) -> Any:
    if isinstance(value, list):
        return [unpack(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "$array" in value:
        return np.array(unpack(value["$array"]), dtype=value["dtype"]).reshape(value["shape"])
    if "$tuple" in value:
        return tuple(unpack(value["$tuple"]))
    return float(value["$float"]) if "$float" in value else {key: unpack(each) for key, each in value.items()}
