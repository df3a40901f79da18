"""Counts of recalled items on the GPU: one thread a person and delay."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from cogmem.kernels.cuda.launch import THREADS, blocks_for
from cogmem.kernels.cuda.random import block


@cuda.jit
def _counts(edges: Any, n_items: Any, first: Any, k0: Any, k1: Any, made: Any) -> None:
    place = cuda.grid(1)
    delays = edges.shape[1]
    if place >= edges.shape[0] * delays:
        return
    person, delay = place // delays, place % delays
    edge, hits = edges[person, delay], 0
    for step in range((n_items + 3) // 4):
        w0, w1, w2, w3 = block(k0, k1, np.uint64(first + person), np.uint64(step), np.uint64(delay))
        left = n_items - 4 * step
        hits += 1 if w0 < edge else 0
        hits += 1 if left > 1 and w1 < edge else 0
        hits += 1 if left > 2 and w2 < edge else 0
        hits += 1 if left > 3 and w3 < edge else 0
    made[person, delay] = hits


def counts(edges: NDArray[np.uint64], n_items: int, first: int, key: tuple[int, int]) -> NDArray[np.int32]:
    """Return the number of recalled items, (people, delays)."""
    if not edges.size:
        return np.zeros(edges.shape, np.int32)
    made = cuda.device_array(edges.shape, np.int32)
    words = np.uint64(key[0]), np.uint64(key[1])
    _counts[blocks_for(edges.size), THREADS](cuda.to_device(edges), n_items, first, *words, made)
    return np.asarray(made.copy_to_host())
