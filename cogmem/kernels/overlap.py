"""Overlap of sparse binary codes: how many ones a query shares with each stored code, packed 64 to a word.

The size of an intersection is the similarity by which superposed codes are read out (Willshaw, Buneman &
Longuet-Higgins, 1969; Sparsey: Rinkus, 2010). Bit b of a code is bit b % 64 (the lowest is 0) of its word b // 64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cogmem.errors import UserError
from cogmem.kernels.arguments import array, count
from cogmem.kernels.kernel import Kernel

Words = NDArray[np.uint64]
Counts = NDArray[np.int32]
Places = NDArray[np.int64]
BITS: Final = 64
PART: Final = 1 << 14
"""Codes that numpy's meaning takes at a time: bounds the memory, never the result."""


def pack(bits: ArrayLike) -> Words:
    """Return codes as words: `bits` (..., n_bits) true or false, or 0 and 1 -> (..., ceil(n_bits / 64)) uint64.

    >>> pack([True, False, True])
    array([5], dtype=uint64)
    """
    found = np.asarray(bits)
    if (
        found.ndim < 1
        or found.dtype.kind not in "bui"
        or (found.dtype.kind != "b" and not np.isin(found, (0, 1)).all())
    ):
        raise UserError(f"pack needs bits that are true or false (or 0 and 1); got {found.dtype} of {found.shape}.")
    n_words = -(-found.shape[-1] // BITS)
    padded = np.zeros((*found.shape[:-1], n_words * BITS), np.bool_)
    padded[..., : found.shape[-1]] = found
    packed = np.packbits(padded, axis=-1, bitorder="little")
    return packed.view("<u8").astype(np.uint64, copy=False)


def unpack(words: ArrayLike, n_bits: int) -> NDArray[np.bool_]:
    """Return the first `n_bits` bits of codes, the inverse of `pack`: (..., n_words) uint64 -> (..., n_bits)."""
    found = np.ascontiguousarray(words, dtype="<u8")
    most = found.shape[-1] * BITS
    size = count("unpack", "n_bits", n_bits, least=0, most=most)
    return np.unpackbits(found.view(np.uint8), axis=-1, bitorder="little", count=size).astype(np.bool_)


# --- The numpy meaning ----------------------------------------------------------------------------------------------


def _overlap(queries: Words, codes: Words) -> Counts:
    made = np.empty((len(queries), len(codes)), np.int32)
    for k, query in enumerate(queries):
        for first in range(0, len(codes), PART):
            shared = np.bitwise_count(query & codes[first : first + PART])
            made[k, first : first + PART] = shared.sum(axis=1, dtype=np.int32)
    return made


def _top(queries: Words, codes: Words, k: int) -> tuple[Places, Counts]:
    places, counts = np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.int32)
    for row, query in enumerate(queries):
        scores = _overlap(query[None], codes)[0]
        places[row] = np.argsort(-scores, kind="stable")[:k]
        counts[row] = scores[places[row]]
    return places, counts


_CPU: Final = "cogmem.kernels.cpu.overlap"
_CUDA: Final = "cogmem.kernels.cuda.overlap"
OVERLAP: Final[Kernel[Callable[[Words, Words], Counts]]] = Kernel(
    "overlap", _overlap, f"{_CPU}:overlap", f"{_CUDA}:overlap"
)
TOP: Final[Kernel[Callable[[Words, Words, int], tuple[Places, Counts]]]] = Kernel(
    "top", _top, f"{_CPU}:top", f"{_CUDA}:top"
)


# --- What is called -------------------------------------------------------------------------------------------------


def _words(kernel: str, name: str, value: ArrayLike, shape: tuple[int | None, ...]) -> Words:
    """Return codes as they are: packed words of another type would be other bits."""
    found = np.asarray(value)
    if found.dtype != np.uint64:
        raise UserError(f"{kernel} needs {name} as packed codes, an array of uint64; got {found.dtype}. Use pack().")
    return array(kernel, name, found, np.uint64, shape)


def _checked(kernel: str, queries: ArrayLike, codes: ArrayLike) -> tuple[Words, Words, bool]:
    stored = _words(kernel, "codes", codes, (None, None))
    single = np.ndim(queries) == 1
    asked = _words(kernel, "queries", np.asarray(queries)[None] if single else queries, (None, stored.shape[1]))
    return asked, stored, single


def overlap(queries: ArrayLike, codes: ArrayLike, *, backend: str = "auto") -> Counts:
    """Return how many ones each query shares with each code: int32 (queries, codes), or (codes,) for one query.

    `codes` (codes, words) and `queries` (queries, words) or (words,) are packed (see `pack`).

    >>> overlap(pack([1, 1, 0, 1]), pack([[1, 0, 0, 1], [0, 0, 1, 0]]), backend="numpy")
    array([2, 0], dtype=int32)
    """
    asked, stored, single = _checked(OVERLAP.name, queries, codes)
    made = OVERLAP.on(backend)(asked, stored)
    return made[0] if single else made


def top(queries: ArrayLike, codes: ArrayLike, *, k: int, backend: str = "auto") -> tuple[Places, Counts]:
    """Return (places, counts) of the k codes that share most ones with each query, the most first: (queries, k) each.

    Codes with equal counts come in the order of their places. One query gives (k,) each. Scores are never written out.
    """
    asked, stored, single = _checked(TOP.name, queries, codes)
    if not len(stored):
        raise UserError(f"{TOP.name} needs at least one code to choose from; got none.")
    most = count(TOP.name, "k", k, most=len(stored))
    places, counts = TOP.on(backend)(asked, stored, most)
    return (places[0], counts[0]) if single else (places, counts)


def best(queries: ArrayLike, codes: ArrayLike, *, backend: str = "auto") -> tuple[Any, Any]:
    """Return (place, count) of the code that shares most ones with each query: (queries,) each; the first of equals.

    One query gives two numbers.
    """
    places, counts = top(queries, codes, k=1, backend=backend)
    return places[..., 0], counts[..., 0]
