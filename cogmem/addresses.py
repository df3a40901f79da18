"""The address of what was computed: the hash of everything that determined it, the same on every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Source
from cogmem.errors import UserError
from cogmem.trials import Trials


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
    return hashlib.sha256(canonical_json(canonical(spec)).encode()).hexdigest()


def canonical_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _canonical(value: Any, where: str, *, vouched: bool) -> Any:
    """Return the canonical JSON of `value`, found at `where`; `vouched`: a version around it stands for functions."""
    match value:
        case None | bool() | str() | int() | float() | np.generic():
            return canonical_scalar(value, where)
        case Mapping():
            for key in value:
                check_key(key, where)
            return {key: _canonical(value[key], f"{where}.{key}", vouched=vouched) for key in sorted(value)}
        case Trials():
            return {"$trials": {name: _canonical_array(value[name], f"{where}.{name}") for name in sorted(value)}}
        case np.ndarray():
            return {"$array": _canonical_array(value, where)}
        case tuple() | list():
            return [_canonical(each, f"{where}[{k}]", vouched=vouched) for k, each in enumerate(value)]
        case Set():
            return {"$set": sorted((_canonical(each, where, vouched=vouched) for each in value), key=canonical_json)}
        case Source():
            raise UserError(f"{where} is a Source, but provenance is never part of an address; leave it out.")
    return _canonical_object(value, where, vouched=vouched)


def check_key(key: Any, where: str) -> None:
    if not isinstance(key, str) or key.startswith("$"):
        raise UserError(f"{where} has the key {key!r}, but keys need to be text without a leading $; rename it.")


def canonical_scalar(value: Any, where: str) -> Any:
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
    check_dtype(array, where)
    if array.dtype.kind == "U":
        array = np.array(array.tolist(), dtype=np.str_).reshape(array.shape)
    plain = array.astype(array.dtype.newbyteorder("<"))
    return {"dtype": plain.dtype.str, "shape": list(array.shape), "sha256": hashlib.sha256(plain.tobytes()).hexdigest()}


def check_dtype(array: NDArray[Any], where: str) -> None:
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
