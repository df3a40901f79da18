"""A reader of sequences whose lexicon lies in flat arrays: one source that runs in numba and on the GPU.

`kernels.lexicon` is the meaning. `Steps` are its functions, compiled by whoever asks (`steps_of`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from cogmem.kernels.chunk_abstraction import abstraction_of
from cogmem.kernels.chunk_memory import (
    A_WAY,
    BEFORE,
    BEGIN,
    CHILD_HEAD,
    CHUNK_OF,
    CHUNK_TOTAL,
    CHUNKS,
    COLUMN_HEAD,
    COLUMN_LEAST,
    COLUMN_VERSION,
    COUNTS,
    DRAWS,
    FILLER_BEGIN,
    FILLER_N,
    FILLER_NODE,
    FILLERS_HELD,
    FULL,
    IN_HEAD,
    IN_TAIL,
    MADE_COUNT,
    MADE_OF,
    MARK,
    MEMO_AT,
    MOST_VARIABLES,
    N_SIZES,
    N_SYMBOLS,
    N_WAYS,
    NAMES,
    NODES,
    NONE,
    OF_VARIABLE,
    ONE,
    PAIR_AFTER,
    PAIRS,
    PARSE,
    PLACE,
    PLACES,
    POOL,
    REACHED,
    ROW_HEAD,
    ROW_LEAST,
    ROW_NEXT,
    ROW_TOTAL,
    ROW_VERSION,
    SLOT,
    SLOTS,
    TODO,
    VALUE,
    VARIABLE_TOTAL,
    VARIABLES,
    VARIES,
    WAYS,
    WEIGHT,
    WINDOW,
    ZERO,
    contents_of,
    pairs_of,
)  # fmt: skip
from cogmem.kernels.chunk_rules import HEAVIEST, LONGEST_KEPT, THETA
from cogmem.kernels.chunk_steps import chunking_of, matching_of, tests_of

RANGE: Final = 2.0**-32


class Steps(NamedTuple):
    """What a reader does, compiled: see the functions of these names below."""

    begin: Callable[..., Any]
    clear: Callable[..., Any]
    learn: Callable[..., Any]
    compress: Callable[..., Any]


UNITS, NATS, ENTRIES, N_VARIABLES, STORAGE, FILLER_NATS, DICTIONARY = range(7)
TOLD: Final = 7
"""What is told of a sequence that was read again and again; see `subjects.chunking.Compression`."""


def _starting(jit: Callable[..., Any]) -> tuple[Callable[..., Any], ...]:
    """Return begin, empty and clear."""

    @jit
    def begin(a: Any, x: Any) -> None:
        """Write how much there is of a memory that is cleared: nothing."""
        for k in range(N_SIZES):
            a[k] = 0
        a[a[BEGIN]], a[a[FILLER_BEGIN]] = 0, 0
        x[WEIGHT], x[CHUNK_TOTAL], x[VARIABLE_TOTAL] = 1.0, 0.0, 0.0

    @jit
    def fill(a: Any, start: Any, n: Any, value: Any) -> None:
        for k in range(start, start + n):
            a[k] = value

    @jit
    def without_pairs(a: Any, x: Any) -> None:
        fill(a, a[SLOT], a[SLOTS], NONE)
        fill(a, a[ROW_HEAD], a[NODES], NONE)
        fill(a, a[COLUMN_HEAD], a[NODES], NONE)
        for k in range(a[WAYS], a[WAYS] + A_WAY * a[SLOTS], A_WAY):
            a[k + N_WAYS], a[k + MADE_OF] = 0, -1
        for k in range(a[NODES]):
            x[a[ROW_TOTAL] + k], x[a[ROW_LEAST] + k], x[a[COLUMN_LEAST] + k] = 0.0, math.inf, math.inf
            a[a[ROW_VERSION] + k], a[a[COLUMN_VERSION] + k] = 0, 0
        a[PAIRS] = 0

    @jit
    def clear(a: Any, x: Any) -> None:
        """Begin with nothing."""
        without_pairs(a, x)
        fill(a, a[IN_HEAD], a[NODES], NONE)
        fill(a, a[IN_TAIL], a[NODES], NONE)
        fill(a, a[MARK], a[NODES], ZERO)
        fill(a, a[CHUNK_OF], a[N_SYMBOLS], NONE)
        fill(a, a[MEMO_AT], a[MOST_VARIABLES] * WINDOW, NONE)
        fill(a, a[PLACE], a[PLACES], NONE)
        fill(a, a[CHILD_HEAD], a[PLACES], NONE)
        begin(a, x)

    @jit
    def empty(a: Any, x: Any) -> None:
        """Forget all counts and pairs, and keep chunks and variables."""
        for k in range(a[CHUNKS]):
            x[a[COUNTS] + k] = 0.0
        for k in range(a[VARIABLES]):
            x[a[OF_VARIABLE] + k] = 0.0
        for k in range(a[FILLERS_HELD]):
            x[a[FILLER_N] + k] = 0.0
        without_pairs(a, x)
        x[WEIGHT], x[CHUNK_TOTAL], x[VARIABLE_TOTAL] = 1.0, 0.0, 0.0

    return begin, empty, clear


def _saying(jit: Callable[..., Any], block: Callable[..., Any], kept: Callable[..., Any]) -> Any:
    """Return say: a sequence as it comes from memory."""

    @jit
    def uniform(a: Any, x: Any, key: Any, person: Any, sequence: Any) -> Any:
        """Return the next number in (0, 1) for a sequence of a person."""
        n = a[DRAWS]
        a[DRAWS] = n + 1
        words = block(key[0], key[1], np.uint64(person), np.uint64(n // 4), np.uint64(sequence))
        lane = n % 4
        word = words[0] if lane == 0 else words[1] if lane == 1 else words[2] if lane == 2 else words[3]
        return (np.float64(word) + 0.5) * RANGE

    @jit
    def drawn(a: Any, x: Any, n: Any, u: Any) -> Any:
        """Return one of the n chunks in `reached`, by weights in made_count, the longest being ten heavier."""
        longest, length, total = 0, -1, 0.0
        for k in range(n):
            own = a[a[BEGIN] + a[a[REACHED] + k] + 1] - a[a[BEGIN] + a[a[REACHED] + k]]
            if own > length:
                longest, length = k, own
        x[a[MADE_COUNT] + longest] += LONGEST_KEPT
        for k in range(n):
            total += x[a[MADE_COUNT] + k]
        wanted, passed = u * total, 0.0
        for k in range(n):
            passed += x[a[MADE_COUNT] + k]
            if passed > wanted:
                return a[a[REACHED] + k]
        return a[a[REACHED] + n - 1]

    @jit
    def weigh(a: Any, x: Any, chunk: Any, n: Any, weight: Any) -> Any:
        """Write a chunk and its weight behind n others, which are kept in order; return how many there are."""
        at = n
        while at > 0 and a[a[REACHED] + at - 1] > chunk:
            a[a[REACHED] + at], x[a[MADE_COUNT] + at] = a[a[REACHED] + at - 1], x[a[MADE_COUNT] + at - 1]
            at -= 1
        a[a[REACHED] + at], x[a[MADE_COUNT] + at] = chunk, weight
        return n + 1

    @jit
    def counted(a: Any, x: Any, first: Any) -> Any:
        """Weigh chunks that begin with a symbol (-1: all) by their counts; return how many there are."""
        n = ZERO
        for chunk in range(a[CHUNKS]):
            if first < 0 or a[a[POOL] + a[a[BEGIN] + chunk]] == first:
                n = weigh(a, x, chunk, n, x[a[COUNTS] + chunk] / x[WEIGHT])
        return n

    @jit
    def followed(a: Any, x: Any, rule: Any, chunk: Any) -> Any:
        """Weigh chunks that followed one by how often they did; return how many there are."""
        n, room = ZERO, a[MOST_VARIABLES]
        pair = a[a[ROW_HEAD] + chunk + room]
        while pair >= 0:
            weight = kept(a, x, rule, pair)
            if weight > 0.0 and a[a[PAIR_AFTER] + pair] >= room:
                n = weigh(a, x, a[a[PAIR_AFTER] + pair] - room, n, weight)
            pair = a[a[ROW_NEXT] + pair]
        return n

    @jit
    def filler_of(a: Any, x: Any, variable: Any, u: Any) -> Any:
        """Return a node that a variable stands for, drawn by how often it did."""
        start, end, total = a[a[FILLER_BEGIN] + variable], a[a[FILLER_BEGIN] + variable + 1], 0.0
        for k in range(start, end):
            total += x[a[FILLER_N] + k] / x[WEIGHT]
        wanted, passed = u * total, 0.0
        for k in range(start, end):
            passed += x[a[FILLER_N] + k] / x[WEIGHT]
            if passed > wanted:
                return a[a[FILLER_NODE] + k]
        return a[a[FILLER_NODE] + end - 1]

    @jit
    def spoken(a: Any, x: Any, chunk: Any, said: Any, at: Any, length: Any, key: Any, who: Any, sequence: Any) -> Any:
        """Write the symbols of a chunk from said[at] on, up to a length; return where they end."""
        a[a[TODO]], a[a[TODO + 1]] = chunk, 0
        top = ZERO
        while top >= 0:
            node, k = a[a[TODO] + top], a[a[TODO + 1] + top]
            if node < 0:
                node = filler_of(a, x, -1 - node, uniform(a, x, key, who, sequence))
                a[a[TODO] + top] = node
                continue
            if k == a[a[BEGIN] + node + 1] - a[a[BEGIN] + node]:
                top -= 1
                continue
            a[a[TODO + 1] + top] = k + 1
            element = a[a[POOL] + a[a[BEGIN] + node] + k]
            if element < 0:
                top += 1
                a[a[TODO] + top], a[a[TODO + 1] + top] = element, 0
                continue
            if at < length:
                said[at] = element
            at += 1
        return at

    @jit
    def say(a: Any, x: Any, rule: Any, first: Any, length: Any, said: Any, key: Any, who: Any, sequence: Any) -> None:
        """Write a sequence that begins with a symbol into said[:length], as `Lexicon.say`."""
        a[DRAWS] = 0
        n, at = counted(a, x, first), ZERO
        while at < length and n > 0:
            chunk = drawn(a, x, n, uniform(a, x, key, who, sequence))
            at = spoken(a, x, chunk, said, at, length, key, who, sequence)
            if at < length:
                n = followed(a, x, rule, chunk)
                n = n if n > 0 else counted(a, x, NONE)

    return say


def _telling(jit: Callable[..., Any]) -> Any:
    """Return tell: the numbers of a lexicon after it has read a sequence."""

    @jit
    def ways(n: Any, kinds: Any) -> Any:
        """Return ln of the number of ways in which n things can be of so many kinds."""
        return math.lgamma(n + kinds) - math.lgamma(kinds) - math.lgamma(n + 1.0) if kinds > 0 else 0.0

    @jit
    def variables(a: Any, x: Any, found: Any) -> Any:
        """Tell what variables stood for; mark chunks that did; return how many variables and fillers were needed."""
        room, used, fillers = a[MOST_VARIABLES], 0, 0
        for k in range(a[VARIABLES]):
            kinds, total = 0, x[a[OF_VARIABLE] + k]
            for filler in range(a[a[FILLER_BEGIN] + k], a[a[FILLER_BEGIN] + k + 1]):
                n = x[a[FILLER_N] + filler]
                if n > 0.0:
                    found[FILLER_NATS] -= n * math.log(n / total)
                    kinds += 1
                    a[a[MARK] + a[a[FILLER_NODE] + filler] + room] = 1
            if kinds > 0:
                used, fillers = used + 1, fillers + kinds
                found[DICTIONARY] += ways(total, kinds)
        return used, fillers

    @jit
    def tell(a: Any, x: Any, n_units: Any, nats: Any, found: Any) -> None:
        """Write what is told (`UNITS` and what follows) of the last parse, with counts of it alone."""
        symbols, room = a[N_SYMBOLS], a[MOST_VARIABLES]
        for k in range(found.shape[0]):
            found[k] = 0.0
        used, fillers = variables(a, x, found)
        entries, elements = 0, 0
        for chunk in range(a[CHUNKS]):
            length = a[a[BEGIN] + chunk + 1] - a[a[BEGIN] + chunk]
            if x[a[COUNTS] + chunk] > 0.0:
                found[STORAGE] -= math.log(x[a[COUNTS] + chunk] / x[CHUNK_TOTAL])
            if length > 1 and (x[a[COUNTS] + chunk] > 0.0 or a[a[MARK] + chunk + room] == 1):
                entries, elements = entries + 1, elements + length + 1
            a[a[MARK] + chunk + room] = 0
        for k in range(a[VARIABLES]):
            a[a[MARK] + room - 1 - k] = 0
        found[UNITS], found[NATS] = n_units, nats
        found[ENTRIES], found[N_VARIABLES] = a[CHUNKS], a[VARIABLES]
        found[DICTIONARY] += elements * math.log(symbols + used + 1.0)
        found[DICTIONARY] += (fillers + used) * math.log(symbols + entries + used + 1.0)
        found[DICTIONARY] += ways(float(n_units), float(symbols + entries))

    return tell


def steps_of(jit: Callable[..., Any], block: Callable[..., Any]) -> Steps:
    """Return what a reader does, compiled by `jit`; `block` gives random words (see `kernels.random`)."""
    contents = contents_of(jit)
    pairs = pairs_of(jit)
    find, kept, _, bump, _, row_sum, *_ = pairs
    unit_at, bind = matching_of(jit, contents[2], contents[3])
    belong = tests_of(jit, find, kept, row_sum)
    joined, propose = chunking_of(jit, contents, pairs, belong)
    names_of, abstract = abstraction_of(jit, contents, pairs, belong)
    begin, empty, clear = _starting(jit)

    @jit
    def rescale(a: Any, x: Any) -> None:
        """Measure counts in events of now."""
        w = x[WEIGHT]
        for k in range(a[CHUNKS]):
            x[a[COUNTS] + k] /= w
        for k in range(a[VARIABLES]):
            x[a[OF_VARIABLE] + k] /= w
        for k in range(a[FILLERS_HELD]):
            x[a[FILLER_N] + k] /= w
        for k in range(a[PAIRS]):
            x[a[VALUE] + k] /= w
        for k in range(a[NODES]):
            x[a[ROW_TOTAL] + k] /= w
            x[a[ROW_LEAST] + k] /= w
            x[a[COLUMN_LEAST] + k] /= w
        x[CHUNK_TOTAL] /= w
        x[VARIABLE_TOTAL] /= w
        x[WEIGHT] = 1.0

    @jit
    def connect(a: Any, x: Any, rule: Any, before: Any, unit: Any, chunking: Any, abstraction: Any) -> None:
        """Count that a unit came after another, under all of their names, and make of it what can be made."""
        n, n_after, room = names_of(a, x, before, ZERO), names_of(a, x, unit, ONE), a[MOST_VARIABLES]
        for k in range(n):
            for other in range(n_after):
                bump(a, x, rule, a[a[NAMES] + k], a[a[NAMES + 1] + other], abstraction)
        for other in range(n_after if chunking == 1 else 0):
            joined(a, x, rule, before, a[a[NAMES + 1] + other] - room)
        if abstraction == 1:
            abstract(a, x, rule, n, n_after)

    @jit
    def read(a: Any, x: Any, rule: Any, sequence: Any, chunking: Any, abstraction: Any) -> Any:
        """Learn by a sequence, up to its end or its first -1; return how many units it has, which are in `units`."""
        n = ZERO
        while n < sequence.shape[0] and sequence[n] >= 0:
            n += 1
        place, n_units, before = ZERO, ZERO, NONE
        while place < n and a[FULL] == 0:
            unit, end = unit_at(a, x, sequence, n, place)
            x[a[COUNTS] + unit] += x[WEIGHT]
            x[CHUNK_TOTAL] += x[WEIGHT]
            if a[a[VARIES] + unit] == 1:
                bind(a, x, sequence, n, unit, place)
            if before >= 0:
                connect(a, x, rule, before, unit, chunking, abstraction)
            x[WEIGHT] /= rule[THETA]
            if x[WEIGHT] > HEAVIEST:
                rescale(a, x)
            a[a[PARSE] + n_units] = unit
            n_units, before, place = n_units + 1, unit, end
        a[BEFORE] += n
        return n_units

    @jit
    def nats(a: Any, x: Any, n_units: Any) -> Any:
        """Return -ln of the product of the shares of the units that were read last."""
        found = 0.0
        for k in range(n_units):
            found -= math.log(x[a[COUNTS] + a[a[PARSE] + k]] / x[CHUNK_TOTAL])
        return found

    say, tell = _saying(jit, block, kept), _telling(jit)

    @jit
    def learn(
        a: Any, x: Any, rule: Any, sequences: Any, abstraction: Any, units: Any, costs: Any, said: Any, key: Any,
        person: Any,
    ) -> None:  # fmt: skip
        """Read sequences, of a cleared memory: units and nats of each, and what is said of it, if there is room."""
        for k in range(sequences.shape[0]):
            n_units = read(a, x, rule, sequences[k], ONE, abstraction)
            if a[FULL] == 1:
                return
            units[k], costs[k] = n_units, nats(a, x, n_units)
            if said.shape[0] > 0:
                length = ZERO
                while length < sequences.shape[1] and sequences[k, length] >= 0:
                    length += 1
                say(a, x, rule, sequences[k, 0], length, said[k], key, person, k)

    @jit
    def compress(
        a: Any, x: Any, rule: Any, sequence: Any, abstraction: Any, times: Any, bits: Any, most: Any, found: Any
    ) -> None:
        """Read a sequence again and again, of a cleared memory, as `lexicon.learned`; tell what came of it."""
        n_symbols = ZERO
        while n_symbols < sequence.shape[0] and sequence[n_symbols] >= 0:
            n_symbols += 1
        for _ in range(times):
            empty(a, x)
            n_units = read(a, x, rule, sequence, ZERO, ZERO)
            known = a[CHUNKS]
            propose(a, x, rule, n_units, n_symbols, bits, most)
            if abstraction == 1:
                abstract(a, x, rule, ZERO, ZERO)
            if a[CHUNKS] == known or a[FULL] == 1:
                break
        empty(a, x)
        n_units = read(a, x, rule, sequence, ZERO, ZERO)
        if a[FULL] == 0:
            tell(a, x, n_units, nats(a, x, n_units), found)

    return Steps(begin, clear, learn, compress)
