"""How a lexicon on flat arrays reads, learns and says: one source that runs in numba and on the GPU.

`kernels.lexicon` is the meaning, step by step; names are those there. See `kernels.chunk_memory` for the arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from cogmem.kernels.chunk_memory import (
    BEFORE,
    BEGIN,
    BEST,
    BEST_END,
    CHILD_HEAD,
    CHILD_NEXT,
    CHUNK_OF,
    CHUNK_TOTAL,
    COLUMN_HEAD,
    COLUMN_NEXT,
    COUNTS,
    ELEMENT,
    FILLER,
    FILLER_BEGIN,
    FILLER_FIRST,
    FILLER_N,
    FILLER_NODE,
    FRAMES,
    FULL,
    INT,
    MADE_COUNT,
    MEMO_AT,
    MEMO_BEST,
    MEMO_END,
    MOST_ELEMENTS,
    MOST_VARIABLES,
    NESTED,
    NODES,
    NONE,
    OF_VARIABLE,
    ONE,
    PAIR_AFTER,
    PAIR_BEFORE,
    PAIRS,
    PLACE,
    POOL,
    SLOT,
    START,
    TODO,
    VARIABLE,
    VARIABLE_FIRST,
    VARIABLE_TOTAL,
    VARIES,
    WEIGHT,
    WINDOW,
    WORD,
    ZERO,
    firsts_of,
)  # fmt: skip
from cogmem.kernels.chunk_rules import (
    CRITICAL,
    LEAST_CELL,
    REPEATS,
    SCALED,
)


def matching_of(jit: Callable[..., Any], child_slot: Callable[..., Any], add: Callable[..., Any]) -> tuple[Any, ...]:
    """Return unit_at and bind: which chunk is read at a place, and what its variables stand for."""
    bit = firsts_of(jit)

    @jit
    def plain(
        a: Any, x: Any, sequence: Any, n: Any, start: Any, filler: Any, end: Any, best: Any, best_end: Any
    ) -> Any:
        """Match fillers up to the end or one that has variables and may begin here.

        Return it, the best of those before it, and where that ends.
        """
        first = bit(sequence[start]) if start < n else ZERO
        while filler < end:
            if a[a[FILLER_FIRST] + filler] & first != 0:
                node = a[a[FILLER_NODE] + filler]
                if node < 0 or a[a[VARIES] + node] == 1:
                    break
                k, until, at = a[a[BEGIN] + node], a[a[BEGIN] + node + 1], start
                fits = start + until - k
                if best_end < fits <= n:
                    while k < until and a[a[POOL] + k] == sequence[at]:
                        k, at = k + 1, at + 1
                    if k == until:
                        best, best_end = filler, at
            filler += 1
        return filler, best, best_end

    @jit
    def noted(a: Any, x: Any, sequence: Any, n: Any, variable: Any, place: Any) -> Any:
        """Return where the longest filler of a variable ends, as found before; -1 if none fits, -2 if not known.

        Which it is goes to frames[BEST, 0].
        """
        if place >= n or a[a[VARIABLE_FIRST] + variable] & bit(sequence[place]) == 0:
            a[a[FRAMES + BEST]] = -1
            return -1
        at = variable * WINDOW + place % WINDOW
        if a[a[MEMO_AT] + at] != a[BEFORE] + place:
            if a[a[NESTED] + variable] == 1:
                return -2
            start, end = a[a[FILLER_BEGIN] + variable], a[a[FILLER_BEGIN] + variable + 1]
            _, best, best_end = plain(a, x, sequence, n, place, start, end, NONE, NONE)
            a[a[MEMO_AT] + at], a[a[MEMO_END] + at], a[a[MEMO_BEST] + at] = a[BEFORE] + place, best_end, best
        a[a[FRAMES + BEST]] = a[a[MEMO_BEST] + at]
        return a[a[MEMO_END] + at]

    @jit
    def push(a: Any, x: Any, top: Any, variable: Any, start: Any, filler: Any, element: Any) -> None:
        """Keep where the match of a variable is while another one, which is in it, is matched."""
        a[a[FRAMES + VARIABLE] + top], a[a[FRAMES + START] + top] = variable, start
        a[a[FRAMES + FILLER] + top], a[a[FRAMES + ELEMENT] + top] = filler, element

    @jit
    def longest(a: Any, x: Any, sequence: Any, n: Any, variable: Any, start: Any) -> Any:
        """Return where the longest filler of a variable ends, -1 if none fits; which it is stays in frames[BEST, 0]."""
        at = noted(a, x, sequence, n, variable, start)
        if at > -2:
            return at
        top, filler, element, best, best_end, at = ONE, a[a[FILLER_BEGIN] + variable], ZERO, NONE, NONE, start
        while True:
            end = a[a[FILLER_BEGIN] + variable + 1]
            if element == 0:
                filler, best, best_end = plain(a, x, sequence, n, start, filler, end, best, best_end)
            if filler < end:
                node = a[a[FILLER_NODE] + filler]
                first = a[a[BEGIN] + node] if node >= 0 else 0
                length = a[a[BEGIN] + node + 1] - first if node >= 0 else 1
                # A filler is gone through up to its end, to what does not fit, or to a variable of which nothing is
                # known here, and gone on with when that is known. An element is a symbol at least.
                while at >= 0 and element < length:
                    now = a[a[POOL] + first + element] if node >= 0 else node
                    if at + length - element > n or (now >= 0 and sequence[at] != now):
                        at = NONE
                    elif now >= 0:
                        at, element = at + 1, element + 1
                    else:
                        known = noted(a, x, sequence, n, -1 - now, at)
                        element += 1
                        if known == -2:
                            push(a, x, top, variable, start, filler, element)
                            a[a[FRAMES + BEST] + top], a[a[FRAMES + BEST_END] + top] = best, best_end
                            top, variable, start = top + 1, -1 - now, at
                            filler, element, best, best_end = a[a[FILLER_BEGIN] + variable], ZERO, NONE, NONE
                            break
                        at = known
                else:
                    if at > best_end:
                        best, best_end = filler, at
                    filler, element, at = filler + 1, ZERO, start
                continue
            place = variable * WINDOW + start % WINDOW
            a[a[MEMO_AT] + place], a[a[MEMO_END] + place] = a[BEFORE] + start, best_end
            a[a[MEMO_BEST] + place] = best
            top, at = top - 1, best_end
            if top == 0:
                a[a[FRAMES + BEST]] = best
                return at
            variable, start = a[a[FRAMES + VARIABLE] + top], a[a[FRAMES + START] + top]
            filler, element = a[a[FRAMES + FILLER] + top], a[a[FRAMES + ELEMENT] + top]
            best, best_end = a[a[FRAMES + BEST] + top], a[a[FRAMES + BEST_END] + top]

    @jit
    def rest(a: Any, x: Any, sequence: Any, n: Any, chunk: Any, element: Any, at: Any) -> Any:
        """Return where a chunk ends of which elements up to `element` end at a place; -1 if the others do not fit."""
        if at + a[a[BEGIN] + chunk + 1] - a[a[BEGIN] + chunk] - element > n:  # an element is a symbol at least
            return -1
        for k in range(a[a[BEGIN] + chunk] + element, a[a[BEGIN] + chunk + 1]):
            if a[a[POOL] + k] >= 0:
                if at >= n or sequence[at] != a[a[POOL] + k]:
                    return -1
                at += 1
            else:
                at = longest(a, x, sequence, n, -1 - a[a[POOL] + k], at)
                if at < 0:
                    return -1
        return at

    @jit
    def begun(a: Any, x: Any, sequence: Any, n: Any, chunk: Any, end: Any) -> Any:
        """Return the chunk that covers most of those that a chunk, which ends here, begins, and where it ends."""
        best, best_end, length = NONE, NONE, a[a[BEGIN] + chunk + 1] - a[a[BEGIN] + chunk]
        for kind in range(2):
            if kind == 0 and end >= n:
                continue
            where = child_slot(a, x, chunk, sequence[end] if kind == 0 else NONE)
            other = a[a[CHILD_HEAD] + where]
            while other >= 0:
                at = rest(a, x, sequence, n, other, length, end)
                if at > best_end or (at == best_end and at >= 0 and other < best):
                    best, best_end = other, at
                other = a[a[CHILD_NEXT] + other]
        return best, best_end

    @jit
    def unit_at(a: Any, x: Any, sequence: Any, n: Any, start: Any) -> Any:
        """Return the chunk that is read at a place, and where it ends; a symbol that was never seen becomes one."""
        chunk = a[a[CHUNK_OF] + sequence[start]]
        if chunk < 0:
            a[a[WORD] + 0] = sequence[start]
            return add(a, x, ONE, 0.0, NONE), start + 1
        end = start + 1
        while True:
            longer, longer_end = begun(a, x, sequence, n, chunk, end)
            if longer < 0:
                return chunk, end
            chunk, end = longer, longer_end

    @jit
    def bind(a: Any, x: Any, sequence: Any, n: Any, chunk: Any, start: Any) -> None:
        """Count what each variable of a chunk, which begins at a place, stands for."""
        a[a[TODO]], a[a[TODO + 1]] = chunk, start
        top = 1
        while top > 0:
            top -= 1
            node, at = a[a[TODO] + top], a[a[TODO + 1] + top]
            for k in range(a[a[BEGIN] + node + 1] - a[a[BEGIN] + node] if node >= 0 else 1):
                element = a[a[POOL] + a[a[BEGIN] + node] + k] if node >= 0 else node
                if element >= 0:
                    at += 1
                    continue
                end = longest(a, x, sequence, n, -1 - element, at)
                filler = a[a[FRAMES + BEST]]
                if filler < 0 or top >= a[MOST_ELEMENTS]:  # only where room was short
                    a[FULL] = 1
                    return
                x[a[FILLER_N] + filler] += x[WEIGHT]
                x[a[OF_VARIABLE] + -1 - element] += x[WEIGHT]
                x[VARIABLE_TOTAL] += x[WEIGHT]
                a[a[TODO] + top], a[a[TODO + 1] + top] = a[a[FILLER_NODE] + filler], at
                top += 1
                at = end

    return unit_at, bind


def tests_of(jit: Callable[..., Any], find: Any, kept: Any, row_sum: Any) -> Any:
    """Return belong: whether two nodes, by their places, follow one another more or less often than by chance."""

    @jit
    def share(a: Any, x: Any, node: Any) -> Any:
        """Return the share of a node, by its place, in all that was counted."""
        room = a[MOST_VARIABLES]
        count = x[a[COUNTS] + node - room] if node >= room else x[a[OF_VARIABLE] + room - 1 - node]
        return count / (x[CHUNK_TOTAL] + x[VARIABLE_TOTAL])

    @jit
    def cell(seen: Any, total: Any, expected: Any, scaled: Any) -> Any:
        size = 1.0 if scaled else total
        apart = size * seen / total - size * expected
        return apart * apart / (size * expected)

    @jit
    def belong(a: Any, x: Any, rule: Any, before: Any, after: Any) -> Any:
        both = kept(a, x, rule, a[a[SLOT] + find(a, x, before, after)])
        if both <= rule[REPEATS]:
            return False
        left = row_sum(a, x, rule, before) - both
        right, neither = 0.0, 0.0
        pair = a[a[COLUMN_HEAD] + after]
        while pair >= 0:
            n = kept(a, x, rule, pair)
            if n > 0.0 and a[a[PAIR_BEFORE] + pair] != before:
                right += n
                neither += row_sum(a, x, rule, a[a[PAIR_BEFORE] + pair]) - n
            pair = a[a[COLUMN_NEXT] + pair]
        if min(both, left, right, neither) <= rule[LEAST_CELL]:
            return False
        p, q, total = share(a, x, before), share(a, x, after), both + left + right + neither
        if min(p, q) <= 0.0 or max(p, q) >= 1.0:
            return False
        scaled = rule[SCALED] > 0.0
        found = cell(both, total, p * q, scaled) + cell(left, total, p * (1.0 - q), scaled)
        found += cell(right, total, (1.0 - p) * q, scaled) + cell(neither, total, (1.0 - p) * (1.0 - q), scaled)
        return found > rule[CRITICAL]

    return belong


def chunking_of(jit: Callable[..., Any], contents: Any, pairs: Any, belong: Any) -> tuple[Callable[..., Any], ...]:
    """Return joined and propose: chunks made of two nodes that follow one another."""
    look_up, spell, _, add = contents
    find, kept, _, _, drop, *_ = pairs

    @jit
    def vary(a: Any, x: Any, before: Any, after: Any) -> Any:
        return a[a[VARIES] + before] == 1 and (after < 0 or a[a[VARIES] + after] == 1)

    @jit
    def joined(a: Any, x: Any, rule: Any, before: Any, after: Any) -> None:
        """Make a chunk of a chunk and the node after it, if they belong together and do not both have variables."""
        room = a[MOST_VARIABLES]
        if vary(a, x, before, after) or x[a[COUNTS] + before] / x[WEIGHT] <= rule[REPEATS]:
            return
        if not belong(a, x, rule, before + room, after + room):
            return
        pair = a[a[SLOT] + find(a, x, before + room, after + room)]
        length = spell(a, x, after, spell(a, x, before, ZERO))
        if a[FULL] == 0:
            add(a, x, length, kept(a, x, rule, pair), before)
            drop(a, x, rule, pair)

    @jit
    def worth(a: Any, x: Any, rule: Any, pair: Any, n_units: Any, n_symbols: Any) -> Any:
        """Return what the chunk of a pair is worth, above 0; 0 where none is to be made."""
        room = a[MOST_VARIABLES]
        before, after, n = a[a[PAIR_BEFORE] + pair] - room, a[a[PAIR_AFTER] + pair] - room, kept(a, x, rule, pair)
        if before < 0 or n <= rule[REPEATS] or vary(a, x, before, after):
            return 0.0
        length = spell(a, x, after, spell(a, x, before, ZERO))
        if (
            a[FULL] == 1
            or a[a[PLACE] + look_up(a, x, length)] >= 0
            or not belong(a, x, rule, before + room, after + room)
        ):
            return 0.0
        p = n * x[WEIGHT] / x[CHUNK_TOTAL]
        return p * length * n_units / n_symbols / (-p * math.log(p))

    @jit
    def propose(a: Any, x: Any, rule: Any, n_units: Any, n_symbols: Any, bits: Any, most: Any) -> Any:
        """Make chunks of the pairs that are worth most, as `Lexicon.propose` says; return how many."""
        stride, total = INT(a[NODES]), x[CHUNK_TOTAL]
        for pair in range(a[PAIRS]):
            x[a[MADE_COUNT] + pair] = worth(a, x, rule, pair, n_units, n_symbols)
        cost, made = 0.0, 0
        while made < most and cost <= bits:
            best, best_key = -1, INT(0)
            for pair in range(a[PAIRS]):
                key = a[a[PAIR_BEFORE] + pair] * stride + a[a[PAIR_AFTER] + pair]
                if x[a[MADE_COUNT] + pair] > 0.0 and (
                    best < 0
                    or x[a[MADE_COUNT] + pair] > x[a[MADE_COUNT] + best]
                    or (x[a[MADE_COUNT] + pair] == x[a[MADE_COUNT] + best] and key < best_key)
                ):
                    best, best_key = pair, key
            if best < 0:
                break
            n, room = kept(a, x, rule, best), a[MOST_VARIABLES]
            cost -= math.log2(n * x[WEIGHT] / total)
            x[a[MADE_COUNT] + best] = 0.0
            before = a[a[PAIR_BEFORE] + best] - room
            add(a, x, spell(a, x, a[a[PAIR_AFTER] + best] - room, spell(a, x, before, ZERO)), n, before)
            made += 1
            if a[FULL] == 1:
                break
        return made

    return joined, propose
