"""The limits that kernels are measured against: the same random numbers, drawn and added up, nothing else."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit, prange

from cogmem.kernels.cpu.random import block, normals_of, scalar

TILE: Final = 512
_ONE: Final = np.uint64(1)
_NONE: Final = np.uint64(0)


@scalar
def _four_words(w0: Any, w1: Any, w2: Any, w3: Any) -> Any:
    return w0 + w1 + w2 + w3


@scalar
def _four_normals(w0: Any, w1: Any, w2: Any, w3: Any) -> Any:
    z0, z1 = normals_of(w0, w1)
    z2, z3 = normals_of(w2, w3)
    return (z0 + z1) + (z2 + z3)


def _adding(four: Any, dtype: Any) -> Any:
    """Return a function of (individuals, blocks) that draws and adds up, side by side, what `four` makes of a block."""

    @njit(parallel=True, nogil=True)
    def added(n: Any, blocks: Any) -> Any:
        sums = np.zeros((n + TILE - 1) // TILE, dtype)
        for tile in prange(len(sums)):
            first = np.int64(tile) * TILE
            total = np.zeros(min(TILE, n - first), dtype)
            for step in range(blocks):
                for i in range(len(total)):
                    w0, w1, w2, w3 = block(_ONE, _NONE, np.uint64(first + i), np.uint64(step), _NONE)
                    total[i] += four(w0, w1, w2, w3)
            sums[tile] = total.sum()
        return sums.sum()

    return added


_words: Final = _adding(_four_words, np.uint64)
_normals: Final = _adding(_four_normals, np.float32)


def drawn(n: int, draws: int, normal: bool) -> float:
    """Return the sum of `draws` (a multiple of 4) words or normals of each of n individuals."""
    return float((_normals if normal else _words)(n, draws // 4))
