"""Overlap of packed codes on the GPU: one thread a code, eight queries for each load of its words.

`codes` may already lie on the GPU (`numba.cuda.to_device`): then only queries and results cross the bus.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import cuda, int32, int64, uint64
from numpy.typing import NDArray

from cogmem.kernels.cuda.launch import THREADS, blocks_for

CHUNK: Final = 8
"""Words of each code that a block of threads brings in at a time: 64 bytes, read side by side."""
TOGETHER: Final = 8
# One more column than threads: the words of one code are then in different banks of shared memory.
_TURNED: Final = (CHUNK, THREADS + 1)
_ASKED: Final = (TOGETHER, CHUNK)
_NONE: Final = np.uint64(0)
_PLACES: Final = 1 << 40


@cuda.jit(device=True)
def _count(queries: Any, codes: Any, q: Any, counts: Any) -> None:
    """Fill counts[k] with the ones that queries[q + k] shares with the thread's own code."""
    turned = cuda.shared.array(_TURNED, uint64)
    asked = cuda.shared.array(_ASKED, uint64)
    t, first = cuda.threadIdx.x, cuda.blockIdx.x * THREADS
    n, width = codes.shape
    for k in range(TOGETHER):
        counts[k] = 0
    for start in range(0, width, CHUNK):
        for j in range(CHUNK):
            place = t + j * THREADS
            i, w = place // CHUNK, place % CHUNK
            turned[w, i] = codes[first + i, start + w] if first + i < n and start + w < width else _NONE
        for place in range(t, TOGETHER * CHUNK, THREADS):
            k, w = place // CHUNK, place % CHUNK
            known = q + k < queries.shape[0] and start + w < width
            asked[k, w] = queries[q + k, start + w] if known else _NONE
        cuda.syncthreads()
        for w in range(CHUNK):
            own = turned[w, t]
            for k in range(TOGETHER):
                counts[k] += cuda.popc(asked[k, w] & own)
        cuda.syncthreads()


@cuda.jit
def _overlaps(queries: Any, codes: Any, made: Any) -> None:
    counts = cuda.local.array(TOGETHER, int32)
    q = cuda.blockIdx.y * TOGETHER
    _count(queries, codes, q, counts)
    i = cuda.blockIdx.x * THREADS + cuda.threadIdx.x
    if i < codes.shape[0]:
        for k in range(min(TOGETHER, queries.shape[0] - q)):
            made[q + k, i] = counts[k]


@cuda.jit
def _best_of_blocks(queries: Any, codes: Any, keys: Any) -> None:
    """Fill keys (blocks, queries, k): each block's best, as one number that orders by count and then by place."""
    counts = cuda.local.array(TOGETHER, int32)
    highest = cuda.shared.array(THREADS, int64)
    q, t = cuda.blockIdx.y * TOGETHER, cuda.threadIdx.x
    _count(queries, codes, q, counts)
    i = cuda.blockIdx.x * THREADS + t
    for k in range(min(TOGETHER, queries.shape[0] - q)):
        own = counts[k] * int64(_PLACES) + (_PLACES - 1 - i) if i < codes.shape[0] else int64(-1)
        for rank in range(keys.shape[2]):
            highest[t] = own
            cuda.syncthreads()
            half = THREADS // 2
            while half > 0:
                if t < half:
                    highest[t] = max(highest[t], highest[t + half])
                cuda.syncthreads()
                half //= 2
            if t == 0:
                keys[cuda.blockIdx.x, q + k, rank] = highest[0]
            if own == highest[0]:
                own = int64(-1)
            cuda.syncthreads()


def _grid(queries: Any, codes: Any) -> Any:
    return (blocks_for(codes.shape[0]), -(-queries.shape[0] // TOGETHER)), THREADS


def overlap(queries: NDArray[np.uint64], codes: Any) -> NDArray[np.int32]:
    """Return the counts, (queries, codes)."""
    shape = (queries.shape[0], codes.shape[0])
    if not shape[0] * shape[1]:
        return np.zeros(shape, np.int32)
    made = cuda.device_array(shape, np.int32)
    _overlaps[_grid(queries, codes)](cuda.to_device(queries), cuda.to_device(codes), made)
    return np.asarray(made.copy_to_host())


def top(queries: NDArray[np.uint64], codes: Any, k: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return (places, counts) of the k best codes, (queries, k), out of the k best of each block of threads."""
    if not len(queries):
        return np.zeros((0, k), np.int64), np.zeros((0, k), np.int32)
    keys = cuda.device_array((blocks_for(codes.shape[0]), len(queries), min(k, THREADS)), np.int64)
    _best_of_blocks[_grid(queries, codes)](cuda.to_device(queries), cuda.to_device(codes), keys)
    every = np.asarray(keys.copy_to_host()).swapaxes(0, 1).reshape(len(queries), -1)
    found = -np.sort(-every, axis=1)[:, :k]
    return _PLACES - 1 - found % _PLACES, (found // _PLACES).astype(np.int32)


@cuda.jit
def _sums(words: Any, sums: Any) -> None:
    i = cuda.grid(1)
    total = _NONE
    for place in range(i, words.shape[0], sums.shape[0]):
        total += words[place]
    sums[i] = total


def streamed(words: Any) -> int:
    """Return the sum of all words, which lie on the GPU: how fast they come from its memory."""
    sums = cuda.device_array(1 << 18, np.uint64)
    _sums[blocks_for(1 << 18), THREADS](words, sums)
    return int(sums.copy_to_host().sum())
