"""Philox and what is made of its words, compiled: scalars for other kernels, and arrays of draws."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import njit, prange, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from cogmem.kernels import random as meaning

TILE: Final = 256


@intrinsic
def bits(typing: Any, x: Any) -> Any:
    """Return the int32 that has the bits of a float32."""

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), lower


@intrinsic
def floating(typing: Any, x: Any) -> Any:
    """Return the float32 that has the bits of an int32."""

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), lower


# Inlined by force: a call in a loop over individuals would keep LLVM from turning that loop into vectors.
scalar: Final = njit(forceinline=True)


@scalar
def select(condition: Any, a: Any, b: Any) -> Any:
    """Return a where the condition holds, else b."""
    return a if condition else b


philox: Final = scalar(meaning.philox)
minus_log: Final = scalar(meaning.logarithm(bits, floating))
normals_of: Final = scalar(meaning.box_muller(minus_log, np.sqrt, select, bits, floating))
exponential_of: Final = scalar(meaning.exponential_from(minus_log))
exp: Final = scalar(meaning.exponential_function(floating, max))

LOW: Final = meaning.LOW
HALF: Final = meaning.HALF


@njit(forceinline=True)
def block(k0: Any, k1: Any, individual: Any, step: Any, stream: Any) -> Any:
    """Return the four words of a block; all arguments are uint64."""
    # Where it is plain that all numbers have 32 bits, products of two of them are one instruction.
    return philox(step & LOW, stream & LOW, individual & LOW, individual >> HALF, k0 & LOW, k1 & LOW)


@njit
def _some_words(first: Any, step: Any, stream: Any, k0: Any, k1: Any, a: Any, b: Any, c: Any, d: Any) -> None:
    for i in range(len(a)):
        a[i], b[i], c[i], d[i] = block(k0, k1, np.uint64(first + i), np.uint64(step), stream)


@njit
def _some_normals(first: Any, step: Any, stream: Any, k0: Any, k1: Any, a: Any, b: Any, c: Any, d: Any) -> None:
    for i in range(len(a)):
        w0, w1, w2, w3 = block(k0, k1, np.uint64(first + i), np.uint64(step), stream)
        a[i], b[i] = normals_of(w0, w1)
        c[i], d[i] = normals_of(w2, w3)


@njit
def _some_exponentials(first: Any, step: Any, stream: Any, k0: Any, k1: Any, a: Any, b: Any, c: Any, d: Any) -> None:
    for i in range(len(a)):
        w0, w1, w2, w3 = block(k0, k1, np.uint64(first + i), np.uint64(step), stream)
        a[i], b[i], c[i], d[i] = exponential_of(w0), exponential_of(w1), exponential_of(w2), exponential_of(w3)


def _filling(some: Any) -> Any:
    """Return a function that fills (individuals, blocks, 4): drawn as vectors of individuals, then put into rows."""

    @njit(parallel=True, nogil=True)
    def fill(out: Any, k0: Any, k1: Any, stream: Any) -> None:
        n = len(out)
        for tile in prange((n + TILE - 1) // TILE):
            first, last = tile * TILE, min(n, (tile + 1) * TILE)
            drawn = np.empty((4, last - first), out.dtype)
            for step in range(out.shape[1]):
                some(first, step, stream, k0, k1, drawn[0], drawn[1], drawn[2], drawn[3])
                for i in range(last - first):
                    for k in range(4):
                        out[first + i, step, k] = drawn[k, i]

    return fill


_fill_words: Final = _filling(_some_words)
_fill_normals: Final = _filling(_some_normals)
_fill_exponentials: Final = _filling(_some_exponentials)


def _filled(fill: Any, dtype: Any, n: int, blocks: int, key: tuple[int, int], stream: int) -> NDArray[Any]:
    out = np.empty((n, blocks, 4), dtype)
    fill(out, np.uint64(key[0]), np.uint64(key[1]), np.uint64(stream))
    return out.reshape(n, 4 * blocks)


def words(n: int, blocks: int, key: tuple[int, int], stream: int) -> NDArray[np.uint32]:
    """Return words, (n, 4 blocks)."""
    return _filled(_fill_words, np.uint32, n, blocks, key, stream)


def normals(n: int, blocks: int, key: tuple[int, int], stream: int) -> NDArray[np.float32]:
    """Return standard normals, (n, 4 blocks)."""
    return _filled(_fill_normals, np.float32, n, blocks, key, stream)


def exponentials(n: int, blocks: int, key: tuple[int, int], stream: int) -> NDArray[np.float32]:
    """Return draws from the exponential distribution of mean 1, (n, 4 blocks)."""
    return _filled(_fill_exponentials, np.float32, n, blocks, key, stream)
