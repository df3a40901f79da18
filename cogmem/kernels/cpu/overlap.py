"""Overlap of packed codes in numba, with the machine's own population count.

One query is a scan: as fast as the codes come from memory. Several queries share each block of codes, which is turned
so that neighbouring lanes hold the same word of neighbouring codes: then counts add up without sums across lanes.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from cogmem.kernels.cpu.bits import LANES, TOGETHER, count_shared, ones

BLOCK: Final = 128
"""Codes in a block: 2048 bits each make 32 KiB, which stay in the caches while all queries pass."""
GROUPS: Final = BLOCK // LANES
STRETCH: Final = 512
"""Codes that a scan takes at a time."""
PARTS: Final = 256


@njit
def _scanned(query: Any, words: Any, counts: Any) -> None:
    """Fill the counts of one query for codes whose words follow one another in `words`."""
    n = len(query)
    for i in range(len(counts)):
        shared = 0
        for w in range(n):
            shared += ones(query[w] & words[i * n + w])
        counts[i] = shared


@njit(parallel=True, nogil=True)
def _scan(query: Any, words: Any, made: Any) -> None:
    n, width = len(made), len(query)
    for block in prange((n + STRETCH - 1) // STRETCH):
        first, last = block * STRETCH, min(n, (block + 1) * STRETCH)
        _scanned(query, words[first * width : last * width], made[first:last])


@njit
def _turned(codes: Any, turned: Any) -> None:
    """Fill `turned` (GROUPS, words, LANES) with a block of codes; behind a short block, counts mean nothing."""
    for i in range(len(codes)):
        group, lane = i // LANES, i % LANES
        for w in range(codes.shape[1]):
            turned[group, w, lane] = codes[i, w]


@njit
def _counted(queries: Any, q: Any, turned: Any, counts: Any) -> None:
    """Fill counts (TOGETHER, BLOCK) of the queries from `q` on for a turned block."""
    for group in range(GROUPS):
        count_shared(queries, q, turned, group, counts)


@njit
def _written(counts: Any, made: Any) -> None:
    for i in range(len(made)):
        made[i] = counts[i]


@njit(parallel=True, nogil=True)
def _batch(queries: Any, codes: Any, made: Any) -> None:
    n = len(codes)
    for block in prange((n + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(n, (block + 1) * BLOCK)
        turned = np.zeros((GROUPS, queries.shape[1], LANES), np.uint64)
        counts = np.empty((TOGETHER, BLOCK), np.int64)
        _turned(codes[first:last], turned)
        for q in range(0, len(queries), TOGETHER):
            _counted(queries, q, turned, counts)
            for k in range(min(TOGETHER, len(made) - q)):
                _written(counts[k], made[q + k, first:last])


@njit
def _insert(place: Any, score: Any, places: Any, scores: Any) -> None:
    """Put a code into a list of the best so far, most first; it comes after those of equal count."""
    k = len(scores) - 1
    while k > 0 and scores[k - 1] < score:
        scores[k], places[k] = scores[k - 1], places[k - 1]
        k -= 1
    scores[k], places[k] = score, place


@njit
def _keep(counts: Any, first: Any, places: Any, scores: Any) -> None:
    """Put those codes of a block that are better than the last of the list into it, in the order of their places."""
    most = counts[0]
    for i in range(len(counts)):
        most = max(most, counts[i])
    if most > scores[-1]:
        for i in range(len(counts)):
            if counts[i] > scores[-1]:
                _insert(first + i, counts[i], places, scores)


@njit(parallel=True, nogil=True)
def _best_of_parts(queries: Any, codes: Any, parts: Any, places: Any, scores: Any) -> None:
    n = len(codes)
    blocks = (n + BLOCK - 1) // BLOCK
    for part in prange(parts):
        turned = np.zeros((GROUPS, queries.shape[1], LANES), np.uint64)
        counts = np.empty((TOGETHER, BLOCK), np.int64)
        for block in range(part * blocks // parts, (part + 1) * blocks // parts):
            first, last = block * BLOCK, min(n, (block + 1) * BLOCK)
            _turned(codes[first:last], turned)
            for q in range(0, len(queries), TOGETHER):
                _counted(queries, q, turned, counts)
                for k in range(min(TOGETHER, len(places) - q)):
                    _keep(counts[k, : last - first], first, places[q + k, part], scores[q + k, part])


@njit(parallel=True, nogil=True)
def _best_of_parts_for_one(query: Any, words: Any, n: Any, places: Any, scores: Any) -> None:
    width, parts = len(query), len(places)
    for part in prange(parts):
        counts = np.empty(STRETCH, np.int32)
        end = (part + 1) * n // parts
        for first in range(part * n // parts, end, STRETCH):
            last = min(end, first + STRETCH)
            _scanned(query, words[first * width : last * width], counts[: last - first])
            _keep(counts[: last - first], first, places[part], scores[part])


def _padded(queries: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return queries with empty ones after them, up to a multiple of TOGETHER."""
    return np.pad(queries, ((0, -len(queries) % TOGETHER), (0, 0)))


def overlap(queries: NDArray[np.uint64], codes: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Return the counts, (queries, codes)."""
    made = np.empty((len(queries), len(codes)), np.int32)
    if len(queries) == 1:
        _scan(queries[0], codes.ravel(), made[0])
    elif not codes.shape[1]:
        made[:] = 0
    else:
        _batch(_padded(queries), codes, made)
    return made


def top(queries: NDArray[np.uint64], codes: NDArray[np.uint64], k: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return (places, counts) of the k best codes, (queries, k): each part of the codes gives its own k best."""
    parts = max(1, min(PARTS, len(codes) // max(BLOCK, k)))
    places = np.full((len(queries), parts, k), -1, np.int64)
    scores = np.full((len(queries), parts, k), -1, np.int64)
    if len(queries) == 1 or not codes.shape[1]:
        for q in range(len(queries)):
            _best_of_parts_for_one(queries[q], codes.ravel(), len(codes), places[q], scores[q])
    else:
        _best_of_parts(_padded(queries), codes, parts, places, scores)
    # Parts and the lists in them are in order of places among equals, which a stable sort keeps.
    every = scores.reshape(len(queries), parts * k)
    order = np.argsort(-every, axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(places.reshape(len(queries), parts * k), order, axis=1)
    return found, np.take_along_axis(every, order, axis=1).astype(np.int32)


# --- The limits -----------------------------------------------------------------------------------------------------


@njit(parallel=True, nogil=True)
def streamed(words: Any) -> Any:
    """Return the sum of all words: how fast they come from memory."""
    sums = np.zeros((len(words) + 4095) // 4096, np.uint64)
    for part in prange(len(sums)):
        own = words[part * 4096 : (part + 1) * 4096]
        total = np.uint64(0)
        for i in range(len(own)):
            total += own[i]
        sums[part] = total
    return sums.sum()


@njit(parallel=True, nogil=True)
def popcounts(rounds: Any, words: Any) -> Any:
    """Return the ones counted in `words`, which stay in the first cache, over `rounds` rounds."""
    total = 0
    for r in prange(rounds):
        mask, own = ~np.uint64(r), 0
        for i in range(len(words)):
            own += ones(words[i] & mask)
        total += own
    return total
