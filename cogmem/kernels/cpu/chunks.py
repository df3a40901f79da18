"""Chunks and variables in numba: replicas side by side, each in a memory of its thread's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numba import get_num_threads, njit
from numpy.typing import NDArray

from cogmem.kernels.chunk_memory import FULL, memories, room_for
from cogmem.kernels.chunk_readers import TOLD, steps_of
from cogmem.kernels.chunk_rules import Rule
from cogmem.kernels.chunks import Learned, own_key, stacked
from cogmem.kernels.cpu.random import block

# Inner functions are called by compiled code alone: without wrappers for Python they compile in less time.
STEPS: Final = steps_of(njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy"), block)
TOGETHER: Final = 2
"""Replicas that a thread takes at once: one may take ten times as long as another."""

_clear: Final = STEPS.clear
_one_learns: Final = STEPS.learn
_one_compresses: Final = STEPS.compress


@njit(nogil=True)
def _some_learn(
    a: Any, x: Any, which: Any, sequences: Any, of: Any, rules: Any, abstraction: Any, key: Any, units: Any, nats: Any,
    recalled: Any, full: Any,
) -> None:  # fmt: skip
    for i in which:
        _clear(a, x)
        _one_learns(a, x, rules[i], sequences[of[i]], abstraction[i], units[i], nats[i], recalled[i], key, i)
        full[i] = a[FULL]


@njit(nogil=True)
def _some_compress(
    a: Any, x: Any, which: Any, sequences: Any, rule: Any, abstraction: Any, times: Any, bits: Any, most: Any,
    found: Any, full: Any,
) -> None:  # fmt: skip
    for i in which:
        _clear(a, x)
        _one_compresses(a, x, rule, sequences[i], abstraction, times, bits, most, found[i])
        full[i] = a[FULL]


def in_room(
    order: NDArray[np.int64], n_symbols: int, longest: int, some: Callable[[Any, Any, NDArray[np.int64]], None],
    full: NDArray[np.int32],
) -> None:  # fmt: skip
    """Let threads do `some` of the replicas in this order; those for which the room was short again, with twice as
    much."""
    left, room = order, room_for(n_symbols, longest)
    while left.size:
        threads = min(get_num_threads(), len(left))
        wholes, reals = memories(threads, room, n_symbols, longest)
        parts = iter([left[k : k + TOGETHER] for k in range(0, len(left), TOGETHER)])

        def those_left(thread: int, memory: Any = (wholes, reals), parts: Any = parts) -> None:
            for part in parts:  # of all threads: each takes the next one
                some(memory[0][thread], memory[1][thread], part)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(those_left, range(threads)))
        left = left[full[left] == 1]
        room = room.doubled()


def learn(
    sequences: Any, of: Any, rules: Sequence[Rule], abstraction: Any, n_symbols: int, key: tuple[int, int] | None
) -> Learned:
    """Return units, nats and what is recalled of each replica's sequences."""
    n, longest = sequences.shape[1:]
    units, nats, full = np.zeros((len(of), n), np.int32), np.zeros((len(of), n)), np.zeros(len(of), np.int32)
    recalled = np.full((len(of), n if key else 0, longest), -1, np.int32)
    common = (sequences, of, stacked(rules), abstraction.astype(np.int64), own_key(key), units, nats, recalled, full)
    order = np.argsort(~abstraction, kind="stable")  # those that take longest begin
    in_room(order, n_symbols, longest, lambda a, x, which: _some_learn(a, x, which, *common), full)
    return Learned(units, nats, recalled)


def compress(
    sequences: Any, rule: Rule, abstraction: bool, n_symbols: int, times: int, bits: float, most: int
) -> NDArray[np.float64]:
    """Return what is told of each sequence, (sequences, numbers)."""
    found, full = np.zeros((len(sequences), TOLD)), np.zeros(len(sequences), np.int32)
    common = (sequences, rule.numbers(), int(abstraction), times, bits, most, found, full)
    in_room(np.arange(len(sequences)), n_symbols, sequences.shape[1],
            lambda a, x, which: _some_compress(a, x, which, *common), full)  # fmt: skip
    return found
