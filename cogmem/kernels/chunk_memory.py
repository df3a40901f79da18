"""Where a lexicon of chunks and variables lies in flat arrays, and its contents and pairs there.

`kernels.lexicon` is the meaning, step by step; names here are those there. One source runs in numba and on the GPU: a
memory is two arrays, `a` of whole and `x` of real numbers, and `a[a[POOL] + k]` is element k of the array `pool`, which
begins in `a` at a[POOL] (one argument an array would make every call carry hundreds of numbers).

A node is held as its number + the room for variables, so that all are 0 or more and keep their order. Pairs lie in a
hash table and in chains by row and column; of the chunks that a chunk begins those with the same next symbol are
chained, so that a descent looks at few. Where room is short a[FULL] becomes 1, nothing that follows counts, and whoever
called starts again with more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.kernels.chunk_rules import LEAST

# Header of the whole numbers, `a`: what there is, what there is room for, and where each array begins.
CHUNKS, ELEMENTS, VARIABLES, FILLERS_HELD, PAIRS, FULL, DRAWS, BEFORE, PASS = range(9)
"""How many there are; whether room is short; random numbers drawn for a sequence; symbols read before it;
times that variables were looked for."""
N_SIZES: Final = 9
N_SYMBOLS, MOST_CHUNKS, MOST_ELEMENTS, MOST_VARIABLES, MOST_FILLERS_HELD, MOST_PAIRS = range(9, 15)
NODES, PLACES, SLOTS = range(15, 18)
BEGIN, POOL, VARIES, CHUNK_OF, PLACE, CHILD_PARENT, CHILD_ELEMENT, CHILD_HEAD, CHILD_NEXT = range(18, 27)
"""Chunks: contents pool[begin[c]] to pool[begin[c + 1]], whether a variable is in them; the chunk that is a symbol
alone; hash tables of contents and of (beginning, next element), and chains of what has both."""
FILLER_BEGIN, FILLER_NODE, FILLER_NEXT, FILLER_OF, IN_HEAD, IN_TAIL = range(27, 33)
"""Variables: fillers from filler_begin[k] to filler_begin[k + 1]; chains of the variables that stand for a node."""
SLOT, PAIR_BEFORE, PAIR_AFTER, ROW_NEXT, COLUMN_NEXT, ROW_HEAD, COLUMN_HEAD = range(33, 40)
"""Pairs: hash table, ends, chains."""
WORD, MARK, REACHED, MADE_NODE, PARSE = range(40, 45)
"""Room to think in."""
FRAMES: Final = 45
VARIABLE, START, FILLER, ELEMENT, BEST_END, BEST = range(6)
"""Arrays from `FRAMES` on: the variables that are being matched, from 1 on, the first one outermost."""
NAMES, TODO, MADE = 51, 53, 55
"""Two arrays, two, and four."""
MEMO_AT, MEMO_END, MEMO_BEST = range(59, 62)
"""The longest that a variable may be at a place, as found before in this sequence; `WINDOW` places a variable."""
WINDOW: Final = 16
NEAR, FILLER_FIRST, VARIABLE_FIRST, NESTED, ROW_VERSION, COLUMN_VERSION, WAYS = range(62, 69)
"""Of each pair, twice the pass in which it was looked at, and 1 if its nodes belong together; of each filler and each
variable, the bits of symbols that it may begin with (see `bit`); whether a variable stands for what has variables;
versions of rows and columns, which count what comes
and goes of their pairs, but for new ones; at the hash of two nodes what is known of the ways from one to the other:"""
N_WAYS, MADE_OF, MADE_SET, MADE_ROW, MADE_COLUMN, MADE_WAYS = range(6)
"""How many lead over a third node, at least, forgotten or not; of what two nodes and what set between them a variable
was made before, or not made, and what versions and ways there were then."""
A_WAY: Final = 8
"""Numbers that are held of ways (those of a line of a cache)."""

# Header of the real numbers, `x`: weight of an event now, sums of counts of chunks and of variables in that unit. Where
# arrays of theirs begin stands in `a`, too.
WEIGHT, CHUNK_TOTAL, VARIABLE_TOTAL = range(3)
REAL_HEADER: Final = 3
COUNTS, OF_VARIABLE, FILLER_N, VALUE, CANDIDATE, MADE_COUNT, ROW_TOTAL, ROW_LEAST, COLUMN_LEAST = range(69, 78)
"""ROW_TOTAL holds, and versions do, as long as the least values that they are of are not forgotten."""
WHOLE_HEADER: Final = 78


MOST_ROOM: Final = 2**21


class Room(NamedTuple):
    """Most chunks, elements of all chunks, variables, chunks they stand for, pairs; all double where one is short."""

    chunks: int = 320
    elements: int = 1920
    variables: int = 128
    fillers: int = 640
    pairs: int = 1024

    def doubled(self) -> Room:
        """Return twice the room; UserError where a lexicon would become too large for any machine."""
        if self.chunks > MOST_ROOM:
            raise UserError(
                f"A lexicon of more than {MOST_ROOM} chunks is too large; read shorter sequences, or raise repeats."
            )
        return Room(*(2 * each for each in self))


def room_for(n_symbols: int, longest: int) -> Room:
    """Return the room that sequences of so many symbols begin with."""
    plain = Room()
    chunks = max(plain.chunks, n_symbols + longest // 8)
    pairs = max(plain.pairs, 2 * n_symbols + longest // 2)
    return Room(chunks, 6 * chunks, max(plain.variables, chunks // 4), 2 * chunks, pairs)


def power_of_two(n: int) -> int:
    """Return the least power of two that is n or more."""
    return 1 << max(1, n - 1).bit_length()


def memories(n: int, room: Room, n_symbols: int, longest: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return n memories (n, whole numbers) and (n, real numbers), with the headers written and nothing else.

    `longest`: symbols of a sequence.
    """
    c, p, v, f, e = room
    nodes, places, slots = c + v, power_of_two(2 * c), power_of_two(2 * e)
    whole = {
        BEGIN: c + 1, POOL: p, VARIES: c, CHUNK_OF: n_symbols, PLACE: places, CHILD_PARENT: places,
        CHILD_ELEMENT: places, CHILD_HEAD: places, CHILD_NEXT: c, FILLER_BEGIN: v + 1, FILLER_NODE: f, FILLER_NEXT: f,
        FILLER_OF: f, IN_HEAD: nodes, IN_TAIL: nodes, SLOT: slots, PAIR_BEFORE: e, PAIR_AFTER: e, ROW_NEXT: e,
        COLUMN_NEXT: e, ROW_HEAD: nodes, COLUMN_HEAD: nodes, WORD: p, MARK: nodes, REACHED: nodes, MADE_NODE: e,
        PARSE: longest, **{FRAMES + k: v + 2 for k in range(6)}, **{NAMES + k: v + 1 for k in range(2)},
        **{TODO + k: p for k in range(2)}, **{MADE + k: e for k in range(4)},
        **dict.fromkeys((MEMO_AT, MEMO_END, MEMO_BEST), v * WINDOW), NEAR: e, FILLER_FIRST: f, VARIABLE_FIRST: v,
        NESTED: v, ROW_VERSION: nodes, COLUMN_VERSION: nodes, WAYS: slots * A_WAY,
    }  # fmt: skip
    real = {COUNTS: c, OF_VARIABLE: v, FILLER_N: f, VALUE: e, CANDIDATE: e, MADE_COUNT: e, ROW_TOTAL: nodes,
            ROW_LEAST: nodes, COLUMN_LEAST: nodes}  # fmt: skip
    header = np.zeros(WHOLE_HEADER, np.int64)
    header[N_SYMBOLS:BEGIN] = n_symbols, c, p, v, f, e, nodes, places, slots
    ends = []
    for sizes, start in ((whole, WHOLE_HEADER), (real, REAL_HEADER)):
        for place, size in sizes.items():
            header[place] = start
            start += size
        ends.append(start)
    made = np.empty((n, ends[0]), np.int64), np.empty((n, ends[1]))
    made[0][:, :WHOLE_HEADER] = header
    return made


INT: Final = np.int64
ZERO, ONE, NONE = INT(0), INT(1), INT(-1)
"""Written numbers are types of their own to numba, and each would have a function compiled for it."""
SPREAD: Final = np.int64(2654435761)
LOW: Final = np.int64(0x7FFFFFFF)
HIGH: Final = np.int64(40503)
SIX_BITS: Final = np.int64(63)


def firsts_of(jit: Callable[..., Any]) -> Any:
    """Return bit: where a symbol is marked among those that something may begin with, which 64 others share."""

    @jit
    def bit(symbol: Any) -> Any:
        return ONE << (INT(symbol) & SIX_BITS)

    return bit


def contents_of(jit: Callable[..., Any]) -> tuple[Callable[..., Any], ...]:
    """Return look_up, spell and add: contents of chunks, in `word` while they are made."""

    @jit
    def look_up(a: Any, x: Any, length: Any) -> Any:
        """Return where the content word[:length] is, or would be put, in the table of places."""
        h = INT(17)
        for k in range(length):
            h = (h * 31 + a[a[WORD] + k] + 4097) & LOW
        at = (h ^ (h >> 13)) & (a[PLACES] - 1)
        while a[a[PLACE] + at] >= 0:
            c = a[a[PLACE] + at]
            start = a[a[BEGIN] + c]
            if a[a[BEGIN] + c + 1] - start == length:
                k = 0
                while k < length and a[a[POOL] + start + k] == a[a[WORD] + k]:
                    k += 1
                if k == length:
                    break
            at = (at + 1) & (a[PLACES] - 1)
        return at

    @jit
    def spell(a: Any, x: Any, node: Any, length: Any) -> Any:
        """Put the content of a node behind word[:length]; return the new length."""
        n = a[a[BEGIN] + node + 1] - a[a[BEGIN] + node] if node >= 0 else 1
        if length + n > a[MOST_ELEMENTS]:
            a[FULL] = 1
            return length
        if node < 0:
            a[a[WORD] + length] = node
        else:
            for k in range(n):
                a[a[WORD] + length + k] = a[a[POOL] + a[a[BEGIN] + node] + k]
        return length + n

    @jit
    def child_slot(a: Any, x: Any, parent: Any, element: Any) -> Any:
        """Return where the chain of the chunks that `parent` and then `element` begin is, or would be put."""
        element = max(element, -1)
        at = (((INT(parent) * 4099 + element) & LOW) * SPREAD >> 12) & (a[PLACES] - 1)
        while a[a[CHILD_HEAD] + at] >= 0 and (a[a[CHILD_PARENT] + at] != parent or a[a[CHILD_ELEMENT] + at] != element):
            at = (at + 1) & (a[PLACES] - 1)
        return at

    @jit
    def add(a: Any, x: Any, length: Any, count: Any, parent: Any) -> Any:
        """Return the chunk word[:length], which `parent` begins (-1: none); a new one has this count."""
        at = look_up(a, x, length)
        if a[a[PLACE] + at] >= 0:
            return a[a[PLACE] + at]
        c, start = a[CHUNKS], a[ELEMENTS]
        if c >= a[MOST_CHUNKS] or start + length > a[MOST_ELEMENTS]:
            a[FULL] = 1
            return 0
        varies = 0
        for k in range(length):
            a[a[POOL] + start + k] = a[a[WORD] + k]
            varies = 1 if a[a[WORD] + k] < 0 else varies
        a[a[PLACE] + at] = c
        a[a[BEGIN] + c + 1] = start + length
        a[a[VARIES] + c] = varies
        a[CHUNKS], a[ELEMENTS] = c + 1, start + length
        x[a[COUNTS] + c] = count * x[WEIGHT]
        x[CHUNK_TOTAL] += x[a[COUNTS] + c]
        if length == 1:
            a[a[CHUNK_OF] + a[a[WORD] + 0]] = c
        if parent >= 0:
            element = a[a[WORD] + a[a[BEGIN] + parent + 1] - a[a[BEGIN] + parent]]
            where = child_slot(a, x, parent, element)
            a[a[CHILD_PARENT] + where], a[a[CHILD_ELEMENT] + where] = parent, max(element, -1)
            a[a[CHILD_NEXT] + c] = a[a[CHILD_HEAD] + where]
            a[a[CHILD_HEAD] + where] = c
        return c

    return look_up, spell, child_slot, add


def pairs_of(jit: Callable[..., Any]) -> tuple[Callable[..., Any], ...]:
    """Return how pairs of nodes, by their places, are counted: find, kept, alive, bump, drop, row_sum, freshen,
    freshen_column and way."""

    @jit
    def way(a: Any, x: Any, first: Any, last: Any) -> Any:
        """Return where in `a` it stands what is known of ways from one node to another."""
        key = first * a[NODES] + last
        return a[WAYS] + A_WAY * ((((key & LOW) * SPREAD >> 12) ^ ((key >> 31) * HIGH)) & (a[SLOTS] - 1))

    @jit
    def lead(a: Any, x: Any, before: Any, after: Any) -> None:
        """Count the ways that a new pair, which is in its chains, is a step of."""
        pair = a[a[ROW_HEAD] + after]
        while pair >= 0:
            a[way(a, x, before, a[a[PAIR_AFTER] + pair]) + N_WAYS] += 1
            pair = a[a[ROW_NEXT] + pair]
        pair = a[a[COLUMN_HEAD] + before]
        while pair >= 0:
            a[way(a, x, a[a[PAIR_BEFORE] + pair], after) + N_WAYS] += 1
            pair = a[a[COLUMN_NEXT] + pair]

    @jit
    def find(a: Any, x: Any, before: Any, after: Any) -> Any:
        """Return where a pair is, or would be put, in the table of slots."""
        key = INT(before) * a[NODES] + after
        at = (((key & LOW) * SPREAD >> 12) ^ ((key >> 31) * HIGH)) & (a[SLOTS] - 1)
        while a[a[SLOT] + at] >= 0:
            pair = a[a[SLOT] + at]
            if a[a[PAIR_BEFORE] + pair] == before and a[a[PAIR_AFTER] + pair] == after:
                break
            at = (at + 1) & (a[SLOTS] - 1)
        return at

    @jit
    def kept(a: Any, x: Any, rule: Any, pair: Any) -> Any:
        """Return how often a pair came, less what faded; 0 where that is forgotten."""
        if pair < 0:
            return 0.0
        stored = x[a[VALUE] + pair]
        return stored / x[WEIGHT] if stored >= rule[LEAST] * x[WEIGHT] else 0.0

    @jit
    def alive(a: Any, x: Any, rule: Any, pair: Any) -> Any:
        """Return whether a pair that came is not forgotten."""
        stored = x[a[VALUE] + pair]
        return stored > 0.0 and stored >= rule[LEAST] * x[WEIGHT]

    @jit
    def put(a: Any, x: Any, pair: Any, before: Any, after: Any, value: Any) -> None:
        """Write a pair into its chains."""
        a[a[PAIR_BEFORE] + pair], a[a[PAIR_AFTER] + pair], x[a[VALUE] + pair] = before, after, value
        a[a[ROW_NEXT] + pair], a[a[COLUMN_NEXT] + pair] = a[a[ROW_HEAD] + before], a[a[COLUMN_HEAD] + after]
        a[a[ROW_HEAD] + before], a[a[COLUMN_HEAD] + after] = pair, pair
        a[a[NEAR] + pair] = 0

    @jit
    def sweep(a: Any, x: Any, rule: Any) -> None:
        """Throw out the pairs that are forgotten; too little room where more than three in four are left."""
        for k in range(a[SLOTS]):
            a[a[SLOT] + k], a[a[WAYS] + A_WAY * k + N_WAYS] = -1, 0
        for k in range(a[NODES]):
            a[a[ROW_HEAD] + k], a[a[COLUMN_HEAD] + k] = -1, -1
            a[a[ROW_VERSION] + k] += 1  # ways are counted anew
        left = 0
        for pair in range(a[PAIRS]):
            if alive(a, x, rule, pair):
                before, after = a[a[PAIR_BEFORE] + pair], a[a[PAIR_AFTER] + pair]
                put(a, x, left, before, after, x[a[VALUE] + pair])
                lead(a, x, before, after)
                a[a[SLOT] + find(a, x, before, after)] = left
                left += 1
        a[PAIRS] = left
        if 4 * left > 3 * a[MOST_PAIRS]:
            a[FULL] = 1

    @jit
    def changed(a: Any, x: Any, rule: Any, before: Any, after: Any, old: Any, new: Any) -> None:
        """Let the row and the column of a pair know that it has another value."""
        floor = rule[LEAST] * x[WEIGHT]
        if x[a[ROW_LEAST] + before] < floor:
            x[a[ROW_LEAST] + before] = -1.0  # also if it would hold again with the new value
        else:
            x[a[ROW_TOTAL] + before] += new - old
            if 0.0 < new < x[a[ROW_LEAST] + before]:
                x[a[ROW_LEAST] + before] = new
        if x[a[COLUMN_LEAST] + after] < floor:
            x[a[COLUMN_LEAST] + after] = -1.0
        elif 0.0 < new < x[a[COLUMN_LEAST] + after]:
            x[a[COLUMN_LEAST] + after] = new

    @jit
    def turned(a: Any, x: Any, before: Any, after: Any) -> None:
        """Let the row and the column of a pair know that it is forgotten, or remembered again."""
        a[a[ROW_VERSION] + before] += 1
        a[a[COLUMN_VERSION] + after] += 1

    @jit
    def bump(a: Any, x: Any, rule: Any, before: Any, after: Any, ways: Any) -> None:
        """Count a pair once more, and what ways it adds to if `ways` is 1; what was forgotten starts anew."""
        at = find(a, x, before, after)
        if a[a[SLOT] + at] >= 0:
            pair = a[a[SLOT] + at]
            old = kept(a, x, rule, pair) * x[WEIGHT]
            changed(a, x, rule, before, after, old, old + x[WEIGHT])
            x[a[VALUE] + pair] = old + x[WEIGHT]
            if old == 0.0:
                turned(a, x, before, after)
            return
        if a[PAIRS] == a[MOST_PAIRS]:
            sweep(a, x, rule)
            at = find(a, x, before, after)
        if a[FULL] == 0:
            pair = a[PAIRS]
            a[PAIRS] = pair + 1
            a[a[SLOT] + at] = pair
            changed(a, x, rule, before, after, 0.0, x[WEIGHT])
            put(a, x, pair, before, after, x[WEIGHT])
            if ways == 1:
                lead(a, x, before, after)

    @jit
    def drop(a: Any, x: Any, rule: Any, pair: Any) -> None:
        """Forget a pair."""
        before, after = a[a[PAIR_BEFORE] + pair], a[a[PAIR_AFTER] + pair]
        changed(a, x, rule, before, after, kept(a, x, rule, pair) * x[WEIGHT], 0.0)
        x[a[VALUE] + pair] = 0.0
        turned(a, x, before, after)

    @jit
    def freshen(a: Any, x: Any, rule: Any, node: Any) -> None:
        """Let a row's sum and version tell what is not forgotten now."""
        if x[a[ROW_LEAST] + node] >= rule[LEAST] * x[WEIGHT]:
            return
        total, least, pair = 0.0, math.inf, a[a[ROW_HEAD] + node]
        while pair >= 0:
            if alive(a, x, rule, pair):
                total += x[a[VALUE] + pair]
                least = min(least, x[a[VALUE] + pair])
            pair = a[a[ROW_NEXT] + pair]
        x[a[ROW_TOTAL] + node], x[a[ROW_LEAST] + node] = total, least
        a[a[ROW_VERSION] + node] += 1

    @jit
    def freshen_column(a: Any, x: Any, rule: Any, node: Any) -> None:
        """Let a column's version tell what is not forgotten now."""
        if x[a[COLUMN_LEAST] + node] >= rule[LEAST] * x[WEIGHT]:
            return
        least, pair = math.inf, a[a[COLUMN_HEAD] + node]
        while pair >= 0:
            if alive(a, x, rule, pair):
                least = min(least, x[a[VALUE] + pair])
            pair = a[a[COLUMN_NEXT] + pair]
        x[a[COLUMN_LEAST] + node] = least
        a[a[COLUMN_VERSION] + node] += 1

    @jit
    def row_sum(a: Any, x: Any, rule: Any, before: Any) -> Any:
        """Return how often anything came right after a node."""
        freshen(a, x, rule, before)
        return x[a[ROW_TOTAL] + before] / x[WEIGHT]

    return find, kept, alive, bump, drop, row_sum, freshen, freshen_column, way
