"""Checks of what a kernel is given: the argument's name, what came, what is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError

SEEDS = 2**64


def array(kernel: str, name: str, value: Any, dtype: Any, shape: Sequence[int | None]) -> NDArray[Any]:
    """Return `value` as a C-contiguous array of `dtype`; None in `shape` allows any length.

    Raises UserError where the shape is another, or where values of its kind do not become `dtype` (text or fractions
    for integers, complex numbers for real ones). Widths may differ, kinds may not.
    """
    found = np.asarray(value)
    wanted = np.dtype(dtype)
    plain = ", ".join("any" if n is None else str(n) for n in shape) + ("," if len(shape) == 1 else "")
    if not np.can_cast(found.dtype, wanted, "same_kind"):
        raise UserError(f"{kernel} needs {name} as an array of {wanted}; got {found.dtype}. Convert it first.")
    if found.ndim != len(shape) or any(n is not None and n != m for n, m in zip(shape, found.shape, strict=False)):
        raise UserError(f"{kernel} needs {name} of shape ({plain}); got {found.shape}.")
    return np.ascontiguousarray(found, dtype=wanted)


def seed_key(kernel: str, seed: int) -> tuple[int, int]:
    """Return the two 32-bit words of a seed from 0 to 2^64 - 1, the low one first."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < SEEDS:
        raise UserError(f"{kernel} needs a seed that is a whole number from 0 to 2^64 - 1; got {seed!r}.")
    return int(seed) & 0xFFFFFFFF, int(seed) >> 32


def count(kernel: str, name: str, value: Any, *, least: int = 1, most: int = 2**31 - 1) -> int:
    """Return a whole number from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        raise UserError(f"{kernel} needs {name}, a whole number from {least} to {most}; got {value!r}.")
    return int(value)
