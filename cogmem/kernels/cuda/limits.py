"""The limits that kernels are measured against on the GPU: the same random numbers, drawn and added up."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import cuda

from cogmem.kernels.cuda.launch import THREADS, blocks_for
from cogmem.kernels.cuda.random import block, normals_of

_ONE: Final = np.uint64(1)
_NONE: Final = np.uint64(0)


@cuda.jit
def _words(blocks: Any, sums: Any) -> None:
    i = cuda.grid(1)
    if i < sums.shape[0]:
        total = _NONE
        for step in range(blocks):
            w0, w1, w2, w3 = block(_ONE, _NONE, np.uint64(i), np.uint64(step), _NONE)
            total += (w0 + w1) + (w2 + w3)
        sums[i] = total


@cuda.jit
def _normals(blocks: Any, sums: Any) -> None:
    i = cuda.grid(1)
    if i < sums.shape[0]:
        total = np.float32(0.0)
        for step in range(blocks):
            w0, w1, w2, w3 = block(_ONE, _NONE, np.uint64(i), np.uint64(step), _NONE)
            z0, z1 = normals_of(w0, w1)
            z2, z3 = normals_of(w2, w3)
            total += (z0 + z1) + (z2 + z3)
        sums[i] = total


def drawn(n: int, draws: int, normal: bool) -> float:
    """Return the sum of `draws` (a multiple of 4) words or normals of each of n individuals."""
    sums = cuda.device_array(n, np.float32 if normal else np.uint64)
    (_normals if normal else _words)[blocks_for(n), THREADS](draws // 4, sums)
    return float(sums.copy_to_host().sum(dtype=np.float64))
