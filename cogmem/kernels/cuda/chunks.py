"""Chunks and variables on the GPU: one warp a replica, whose lanes clear its memory together; then the first one reads.

A lexicon is small and irregular: what its reader does next depends on what it just found, so that one lane walks and
the others wait; many warps hide how long each step takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numba import config, cuda
from numpy.typing import NDArray

from cogmem.kernels.chunk_memory import (
    A_WAY,
    CHILD_HEAD,
    CHUNK_OF,
    COLUMN_HEAD,
    COLUMN_LEAST,
    COLUMN_VERSION,
    FULL,
    IN_HEAD,
    IN_TAIL,
    MADE_OF,
    MARK,
    MEMO_AT,
    MOST_VARIABLES,
    N_SYMBOLS,
    N_WAYS,
    NODES,
    PLACE,
    PLACES,
    ROW_HEAD,
    ROW_LEAST,
    ROW_TOTAL,
    ROW_VERSION,
    SLOT,
    SLOTS,
    WAYS,
    WINDOW,
    Room,
    memories,
    room_for,
)
from cogmem.kernels.chunk_readers import TOLD, steps_of
from cogmem.kernels.chunk_rules import Rule
from cogmem.kernels.chunks import Learned, own_key, stacked
from cogmem.kernels.cuda.random import block

WARP: Final = 2 if config.ENABLE_CUDASIM else 32
AT_ONCE: Final = 2**33
"""Bytes of memories that are on the GPU together."""

_STEPS: Final = steps_of(cuda.jit(device=True), block)
_begin: Final = _STEPS.begin
_one_learns: Final = _STEPS.learn
_one_compresses: Final = _STEPS.compress


@cuda.jit(device=True)
def _fill(a: Any, start: Any, n: Any, value: Any) -> None:
    for k in range(cuda.threadIdx.x, n, WARP):
        a[start + k] = value


@cuda.jit(device=True)
def _cleared(a: Any, x: Any) -> None:
    """Clear a memory, all lanes together: the same as `Steps.clear`."""
    _fill(a, a[SLOT], a[SLOTS], -1)
    _fill(a, a[PLACE], a[PLACES], -1)
    _fill(a, a[CHILD_HEAD], a[PLACES], -1)
    for k in range(cuda.threadIdx.x, a[SLOTS], WARP):
        a[a[WAYS] + A_WAY * k + N_WAYS] = 0
        a[a[WAYS] + A_WAY * k + MADE_OF] = -1
    _fill(a, a[ROW_HEAD], a[NODES], -1)
    _fill(a, a[COLUMN_HEAD], a[NODES], -1)
    _fill(a, a[IN_HEAD], a[NODES], -1)
    _fill(a, a[IN_TAIL], a[NODES], -1)
    _fill(a, a[MARK], a[NODES], 0)
    _fill(a, a[CHUNK_OF], a[N_SYMBOLS], -1)
    _fill(a, a[MEMO_AT], a[MOST_VARIABLES] * WINDOW, -1)
    _fill(x, a[ROW_TOTAL], a[NODES], 0.0)
    _fill(x, a[ROW_LEAST], a[NODES], math.inf)
    _fill(x, a[COLUMN_LEAST], a[NODES], math.inf)
    _fill(a, a[ROW_VERSION], a[NODES], 0)
    _fill(a, a[COLUMN_VERSION], a[NODES], 0)
    if cuda.threadIdx.x == 0:
        _begin(a, x)
    cuda.syncthreads()


@cuda.jit
def _learn(
    a: Any, x: Any, which: Any, sequences: Any, of: Any, rules: Any, abstraction: Any, key: Any, units: Any, nats: Any,
    said: Any, full: Any,
) -> None:  # fmt: skip
    slot = cuda.blockIdx.x
    i = which[slot]
    _cleared(a[slot], x[slot])
    if cuda.threadIdx.x == 0:
        own = sequences[of[i]]
        _one_learns(a[slot], x[slot], rules[i], own, abstraction[i], units[i], nats[i], said[i], key, i)
        full[i] = a[slot, FULL]


@cuda.jit
def _compress(
    a: Any, x: Any, which: Any, sequences: Any, rule: Any, abstraction: Any, times: Any, bits: Any, most: Any,
    found: Any, full: Any,
) -> None:  # fmt: skip
    slot = cuda.blockIdx.x
    i = which[slot]
    _cleared(a[slot], x[slot])
    if cuda.threadIdx.x == 0:
        _one_compresses(a[slot], x[slot], rule, sequences[i], abstraction, times, bits, most, found[i])
        full[i] = a[slot, FULL]


def _in_room(n: int, n_symbols: int, longest: int, launch: Callable[[int, Any, Any, Any], None], full: Any) -> None:
    """Launch for n replicas, as many at once as there is room for; again with twice the room where it was short."""
    left, room = np.arange(n), room_for(n_symbols, longest)
    while left.size:
        _parts(left, room, n_symbols, longest, launch)
        left = left[full.copy_to_host()[left] == 1]
        room = room.doubled()


def _parts(left: Any, room: Room, n_symbols: int, longest: int, launch: Callable[[int, Any, Any, Any], None]) -> None:
    one = memories(1, room, n_symbols, longest)
    most = max(1, AT_ONCE // sum(each.nbytes for each in one))
    for k in range(0, len(left), most):
        part = left[k : k + most]
        a, x = (cuda.to_device(np.repeat(each, len(part), axis=0)) for each in one)
        launch(len(part), a, x, cuda.to_device(part))


def learn(
    sequences: Any, of: Any, rules: Sequence[Rule], abstraction: Any, n_symbols: int, key: tuple[int, int] | None
) -> Learned:
    """Return units, nats and what is recalled of each replica's sequences."""
    n, longest = sequences.shape[1:]
    given = [cuda.to_device(each) for each in (sequences, of, stacked(rules), abstraction.astype(np.int64),
                                               own_key(key))]  # fmt: skip
    units, nats = np.zeros((len(of), n), np.int32), np.zeros((len(of), n))
    said = np.full((len(of), n if key else 0, longest), -1, np.int32)
    made = [cuda.to_device(each) for each in (units, nats, said)]
    full = cuda.to_device(np.zeros(len(of), np.int32))

    def launch(blocks: int, a: Any, x: Any, which: Any) -> None:
        _learn[blocks, WARP](a, x, which, *given, *made, full)

    _in_room(len(of), n_symbols, longest, launch, full)
    found = [each.copy_to_host() if each.size else host for each, host in zip(made, (units, nats, said), strict=True)]
    return Learned(*found)


def compress(
    sequences: Any, rule: Rule, abstraction: bool, n_symbols: int, times: int, bits: float, most: int
) -> NDArray[np.float64]:
    """Return what is told of each sequence, (sequences, numbers)."""
    read, numbers = cuda.to_device(sequences), cuda.to_device(rule.numbers())
    found, full = cuda.to_device(np.zeros((len(sequences), TOLD))), cuda.to_device(np.zeros(len(sequences), np.int32))

    def launch(blocks: int, a: Any, x: Any, which: Any) -> None:
        _compress[blocks, WARP](a, x, which, read, numbers, int(abstraction), times, bits, most, found, full)

    _in_room(len(sequences), n_symbols, sequences.shape[1], launch, full)
    return np.asarray(found.copy_to_host())
