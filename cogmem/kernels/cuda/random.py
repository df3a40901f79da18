"""Philox and what is made of its words on the GPU: device functions for other kernels, and arrays of draws."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import config, cuda
from numpy.typing import NDArray

from cogmem.kernels import random as meaning
from cogmem.kernels.cuda.launch import THREADS, blocks_for

if config.ENABLE_CUDASIM:
    # The simulator runs Python on numpy scalars and has none of libdevice.
    def bits(x: Any) -> Any:
        """Return the int32 that has the bits of a float32."""
        return np.float32(x).view(np.int32)

    def floating(x: Any) -> Any:
        """Return the float32 that has the bits of an int32."""
        return np.int32(x).view(np.float32)

    root = np.sqrt
else:
    from numba.cuda import libdevice

    @cuda.jit(device=True)
    def bits(x: Any) -> Any:
        """Return the int32 that has the bits of a float32."""
        return libdevice.float_as_int(x)

    @cuda.jit(device=True)
    def floating(x: Any) -> Any:
        """Return the float32 that has the bits of an int32."""
        return libdevice.int_as_float(x)

    root = math.sqrt  # type: ignore[assignment]


@cuda.jit(device=True)
def select(condition: Any, a: Any, b: Any) -> Any:
    """Return a where the condition holds, else b."""
    return a if condition else b


philox: Final = cuda.jit(device=True)(meaning.philox)
minus_log: Final = cuda.jit(device=True)(meaning.logarithm(bits, floating))
normals_of: Final = cuda.jit(device=True)(meaning.box_muller(minus_log, root, select, bits, floating))
exponential_of: Final = cuda.jit(device=True)(meaning.exponential_from(minus_log))
exp: Final = cuda.jit(device=True)(meaning.exponential_function(floating, max))

LOW: Final = meaning.LOW
HALF: Final = meaning.HALF


@cuda.jit(device=True)
def block(k0: Any, k1: Any, individual: Any, step: Any, stream: Any) -> Any:
    """Return the four words of a block; all arguments are uint64."""
    return philox(step, stream, individual & LOW, individual >> HALF, k0, k1)


@cuda.jit(device=True)
def _same(w0: Any, w1: Any, w2: Any, w3: Any) -> Any:
    return w0, w1, w2, w3


@cuda.jit(device=True)
def _four_normals(w0: Any, w1: Any, w2: Any, w3: Any) -> Any:
    z0, z1 = normals_of(w0, w1)
    z2, z3 = normals_of(w2, w3)
    return z0, z1, z2, z3


@cuda.jit(device=True)
def _four_exponentials(w0: Any, w1: Any, w2: Any, w3: Any) -> Any:
    return exponential_of(w0), exponential_of(w1), exponential_of(w2), exponential_of(w3)


def _filling(four: Any) -> Any:
    """Return a kernel that fills (individuals, blocks, 4): a thread a block, so that neighbours write side by side."""

    @cuda.jit
    def fill(out: Any, k0: Any, k1: Any, stream: Any) -> None:
        place = cuda.grid(1)
        blocks = out.shape[1]
        if place < out.shape[0] * blocks:
            i, b = place // blocks, place % blocks
            w0, w1, w2, w3 = block(k0, k1, np.uint64(i), np.uint64(b), stream)
            out[i, b, 0], out[i, b, 1], out[i, b, 2], out[i, b, 3] = four(w0, w1, w2, w3)

    return fill


_fill_words: Final = _filling(_same)
_fill_normals: Final = _filling(_four_normals)
_fill_exponentials: Final = _filling(_four_exponentials)


def _filled(fill: Any, dtype: Any, n: int, blocks: int, key: tuple[int, int], stream: int) -> NDArray[Any]:
    if not n * blocks:
        return np.empty((n, 4 * blocks), dtype)
    out = cuda.device_array((n, blocks, 4), dtype)
    fill[blocks_for(n * blocks), THREADS](out, np.uint64(key[0]), np.uint64(key[1]), np.uint64(stream))
    return np.asarray(out.copy_to_host()).reshape(n, 4 * blocks)


def words(n: int, blocks: int, key: tuple[int, int], stream: int) -> NDArray[np.uint32]:
    """Return words, (n, 4 blocks)."""
    return _filled(_fill_words, np.uint32, n, blocks, key, stream)


def normals(n: int, blocks: int, key: tuple[int, int], stream: int) -> NDArray[np.float32]:
    """Return standard normals, (n, 4 blocks)."""
    return _filled(_fill_normals, np.float32, n, blocks, key, stream)


def exponentials(n: int, blocks: int, key: tuple[int, int], stream: int) -> NDArray[np.float32]:
    """Return draws from the exponential distribution of mean 1, (n, 4 blocks)."""
    return _filled(_fill_exponentials, np.float32, n, blocks, key, stream)
