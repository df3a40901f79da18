"""Counts of recalled items in numba: vectors of people, so that the words of a block are drawn side by side."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from cogmem.kernels.cpu.random import block

TILE: Final = 256


@njit
def _added(edges: Any, first: Any, delay: Any, step: Any, left: Any, k0: Any, k1: Any, hits: Any) -> None:
    """Add the answers to up to four items of each person of a tile."""
    for i in range(len(edges)):
        w0, w1, w2, w3 = block(k0, k1, np.uint64(first + i), np.uint64(step), np.uint64(delay))
        hits[i] += (
            np.int64(w0 < edges[i])
            + np.int64((left > 1) & (w1 < edges[i]))
            + np.int64((left > 2) & (w2 < edges[i]))
            + np.int64((left > 3) & (w3 < edges[i]))
        )


@njit(parallel=True, nogil=True)
def _counts(edges: Any, n_items: Any, first: Any, k0: Any, k1: Any, made: Any) -> None:
    people, delays = edges.shape
    for tile in prange((people + TILE - 1) // TILE):
        begin = np.int64(tile) * TILE
        size: Any = min(np.int64(people) - begin, TILE)
        own, hits = np.empty(size, np.uint64), np.empty(size, np.int64)
        for delay in range(delays):
            for i in range(size):
                own[i] = edges[begin + i, delay]
                hits[i] = 0
            for step in range((n_items + 3) // 4):
                _added(own, first + begin, delay, step, n_items - 4 * step, k0, k1, hits)
            for i in range(size):
                made[begin + i, delay] = hits[i]


def counts(edges: NDArray[np.uint64], n_items: int, first: int, key: tuple[int, int]) -> NDArray[np.int32]:
    """Return the number of recalled items, (people, delays)."""
    made = np.empty(edges.shape, np.int32)
    _counts(edges, n_items, first, np.uint64(key[0]), np.uint64(key[1]), made)
    return made
