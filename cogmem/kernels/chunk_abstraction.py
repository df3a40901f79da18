"""How variables are found in a lexicon on flat arrays: one source that runs in numba and on the GPU.

`Lexicon._abstract` in `kernels.lexicon` is the meaning. See `kernels.chunk_memory` for the arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cogmem.kernels.chunk_memory import (
    BEGIN,
    CANDIDATE,
    CHUNKS,
    COLUMN_HEAD,
    COLUMN_NEXT,
    COLUMN_VERSION,
    FILLER_BEGIN,
    FILLER_FIRST,
    FILLER_N,
    FILLER_NEXT,
    FILLER_NODE,
    FILLER_OF,
    FILLERS_HELD,
    FULL,
    HIGH,
    IN_HEAD,
    IN_TAIL,
    INT,
    MADE,
    MADE_COLUMN,
    MADE_COUNT,
    MADE_NODE,
    MADE_OF,
    MADE_ROW,
    MADE_SET,
    MADE_WAYS,
    MARK,
    MOST_ELEMENTS,
    MOST_FILLERS_HELD,
    MOST_PAIRS,
    MOST_VARIABLES,
    N_WAYS,
    NAMES,
    NEAR,
    NESTED,
    NODES,
    NONE,
    OF_VARIABLE,
    ONE,
    PAIR_AFTER,
    PAIR_BEFORE,
    PASS,
    POOL,
    REACHED,
    ROW_HEAD,
    ROW_NEXT,
    ROW_VERSION,
    SLOT,
    SPREAD,
    TODO,
    VALUE,
    VARIABLE_FIRST,
    VARIABLE_TOTAL,
    VARIABLES,
    VARIES,
    WEIGHT,
    WORD,
    ZERO,
    firsts_of,
)  # fmt: skip
from cogmem.kernels.chunk_rules import CORRELATED, FILLER_COUNT, FILLERS, LEAST, MOST_FILLERS

TINY: Final = 5e-324
WORD_OF_45: Final = INT((1 << 45) - 1)


def abstraction_of(
    jit: Callable[..., Any], contents: Any, pairs: Any, belong: Any
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return names_of and abstract: variables of what stands between the same two nodes, and chunks of all three."""
    bit = firsts_of(jit)
    _, spell, _, add = contents
    find, _, alive, _, _, _, freshen, freshen_column, way = pairs

    @jit
    def names_of(a: Any, x: Any, chunk: Any, side: Any) -> Any:
        """Write the places of a chunk and of the variables that stand for it into names[side]; return how many."""
        room = a[MOST_VARIABLES]
        a[a[NAMES + side]] = chunk + room
        n, filler = 1, a[a[IN_HEAD] + chunk + room]
        while filler >= 0:
            a[a[NAMES + side] + n] = room - 1 - a[a[FILLER_OF] + filler]
            n += 1
            filler = a[a[FILLER_NEXT] + filler]
        return n

    @jit
    def together(a: Any, x: Any, rule: Any, pair: Any) -> Any:
        """Return whether the nodes of a pair belong together."""
        if a[a[NEAR] + pair] >> 1 != a[PASS]:
            belongs = belong(a, x, rule, a[a[PAIR_BEFORE] + pair], a[a[PAIR_AFTER] + pair])
            a[a[NEAR] + pair] = 2 * a[PASS] + (1 if belongs else 0)
        return a[a[NEAR] + pair] & 1 == 1

    @jit
    def near(a: Any, x: Any, rule: Any, pair: Any) -> Any:
        """Return whether a pair is not forgotten and, if that is asked for, its nodes belong together."""
        return alive(a, x, rule, pair) and (rule[CORRELATED] == 0.0 or together(a, x, rule, pair))

    @jit
    def settled(a: Any, x: Any, rule: Any, at: Any, first: Any, last: Any) -> Any:
        """Return whether nothing changed between two nodes since it was noted at a place what a variable is made of."""
        if a[at + MADE_OF] != first * a[NODES] + last or a[at + MADE_WAYS] != a[at + N_WAYS] or rule[CORRELATED] > 0.0:
            return False
        freshen(a, x, rule, first)
        freshen_column(a, x, rule, last)
        return a[at + MADE_ROW] == a[a[ROW_VERSION] + first] and a[at + MADE_COLUMN] == a[a[COLUMN_VERSION] + last]

    @jit
    def written(a: Any, x: Any, first: Any, last: Any, n: Any) -> Any:
        """Write two nodes behind n others; return how many there are."""
        if n == a[MOST_PAIRS]:
            a[FULL] = 1
            return n
        x[a[CANDIDATE] + n] = first * a[NODES] + last
        return n + 1

    @jit
    def candidate(a: Any, x: Any, rule: Any, first: Any, last: Any, n: Any) -> Any:
        """Write two nodes behind n others if a variable may be found between them; return how many there are."""
        at = way(a, x, first, last)
        if a[at + N_WAYS] < rule[FILLERS] or settled(a, x, rule, at, first, last):
            return n
        return written(a, x, first, last, n)

    @jit
    def unmarked(a: Any, x: Any, n_reached: Any) -> None:
        for k in range(n_reached):
            a[a[MARK] + a[a[REACHED] + k]] = 0

    @jit
    def beyond(a: Any, x: Any, rule: Any, node: Any, step: Any, forth: Any, n_reached: Any, n: Any) -> Any:
        """Write down where steps lead from a node and a step after it, or whence to a node and a step before it.

        Each end is written once; return how many ends and how many pairs there are.
        """
        ends, chain = (a[PAIR_AFTER], a[ROW_NEXT]) if forth == 1 else (a[PAIR_BEFORE], a[COLUMN_NEXT])
        heads = a[ROW_HEAD] if forth == 1 else a[COLUMN_HEAD]
        floor, all_near = max(rule[LEAST] * x[WEIGHT], TINY), rule[CORRELATED] == 0.0
        pair = a[heads + a[ends + step]] if step >= 0 and near(a, x, rule, step) else NONE
        while pair >= 0:
            end = a[ends + pair]
            seen = a[a[MARK] + end] == 1 or x[a[VALUE] + pair] < floor
            if not seen and (all_near or together(a, x, rule, pair)):
                a[a[MARK] + end], a[a[REACHED] + n_reached] = 1, end
                n_reached += 1
                n = candidate(a, x, rule, node, end, n) if forth == 1 else candidate(a, x, rule, end, node, n)
            pair = a[chain + pair]
        return n_reached, n

    @jit
    def reach(a: Any, x: Any, rule: Any, first: Any, n: Any) -> Any:
        """Write down ends of two steps from a node that lead over enough others; return how many pairs there are."""
        floor, all_near = max(rule[LEAST] * x[WEIGHT], TINY), rule[CORRELATED] == 0.0
        n_reached, one = ZERO, a[a[ROW_HEAD] + first]
        while one >= 0:
            two = a[a[ROW_HEAD] + a[a[PAIR_AFTER] + one]] if near(a, x, rule, one) else NONE
            while two >= 0:
                if x[a[VALUE] + two] >= floor and (all_near or together(a, x, rule, two)):
                    last = a[a[PAIR_AFTER] + two]
                    if a[a[MARK] + last] == 0:
                        a[a[REACHED] + n_reached] = last
                        n_reached += 1
                    a[a[MARK] + last] += 1
                two = a[a[ROW_NEXT] + two]
            one = a[a[ROW_NEXT] + one]
        for k in range(n_reached):
            last = a[a[REACHED] + k]
            n = written(a, x, first, last, n) if a[a[MARK] + last] >= rule[FILLERS] else n
        unmarked(a, x, n_reached)
        return n

    @jit
    def everywhere(a: Any, x: Any, rule: Any) -> Any:
        """Write down all nodes that have enough others between them; return how many pairs there are."""
        n, room = ZERO, a[MOST_VARIABLES]
        for first in range(room - a[VARIABLES], room + a[CHUNKS]):
            n = reach(a, x, rule, first, n)
        return n

    @jit
    def where_stepped(a: Any, x: Any, rule: Any, n_before: Any, n_after: Any) -> Any:
        """Write down nodes with a step from names[0] to names[1] from the one to what is between, or on from there."""
        n = ZERO
        for k in range(n_before):
            first, n_reached = a[a[NAMES] + k], ZERO
            for other in range(n_after):
                step = a[a[SLOT] + find(a, x, first, a[a[NAMES + 1] + other])]
                n_reached, n = beyond(a, x, rule, first, step, ONE, n_reached, n)
            unmarked(a, x, n_reached)
        for k in range(n_after):
            last, n_reached = a[a[NAMES + 1] + k], ZERO
            for other in range(n_before):
                step = a[a[SLOT] + find(a, x, a[a[NAMES] + other], last)]
                n_reached, n = beyond(a, x, rule, last, step, ZERO, n_reached, n)
            unmarked(a, x, n_reached)
        return n

    @jit
    def ordered(a: Any, x: Any, n: Any) -> Any:
        """Put candidates in order, each once; return how many are left."""
        gap = n // 2
        while gap > 0:
            for k in range(gap, n):
                value, at = x[a[CANDIDATE] + k], k
                while at >= gap and x[a[CANDIDATE] + at - gap] > value:
                    x[a[CANDIDATE] + at] = x[a[CANDIDATE] + at - gap]
                    at -= gap
                x[a[CANDIDATE] + at] = value
            gap //= 2
        left = ZERO
        for k in range(n):
            if k == 0 or x[a[CANDIDATE] + k] != x[a[CANDIDATE] + k - 1]:
                x[a[CANDIDATE] + left] = x[a[CANDIDATE] + k]
                left += 1
        return left

    @jit
    def gather(a: Any, x: Any, rule: Any, first: Any, last: Any, start: Any) -> Any:
        """Write nodes between two and how often they follow the first from `start` on; return the end, and a hash."""
        room, end, whole = a[MOST_VARIABLES], start, INT(0)
        floor, all_near = max(rule[LEAST] * x[WEIGHT], TINY), rule[CORRELATED] == 0.0
        pair = a[a[ROW_HEAD] + first]
        while pair >= 0:
            middle, other = a[a[PAIR_AFTER] + pair], NONE
            if x[a[VALUE] + pair] >= floor and (all_near or together(a, x, rule, pair)):
                other = a[a[SLOT] + find(a, x, middle, last)]
            if other >= 0 and x[a[VALUE] + other] >= floor and (all_near or together(a, x, rule, other)):
                if end == a[MOST_PAIRS]:
                    a[FULL] = 1
                    return start, whole
                a[a[MADE_NODE] + end], x[a[MADE_COUNT] + end] = middle - room, x[a[VALUE] + pair] / x[WEIGHT]
                mixed = ((middle + 1) * SPREAD) & WORD_OF_45
                whole += ((mixed ^ (mixed >> 17)) * HIGH) & WORD_OF_45
                end += 1
            pair = a[a[ROW_NEXT] + pair]
        return end, whole

    @jit
    def sorted_by_node(a: Any, x: Any, start: Any, end: Any) -> None:
        for k in range(start + 1, end):
            node, count, at = a[a[MADE_NODE] + k], x[a[MADE_COUNT] + k], k
            while at > start and a[a[MADE_NODE] + at - 1] > node:
                a[a[MADE_NODE] + at] = a[a[MADE_NODE] + at - 1]
                x[a[MADE_COUNT] + at] = x[a[MADE_COUNT] + at - 1]
                at -= 1
            a[a[MADE_NODE] + at], x[a[MADE_COUNT] + at] = node, count

    @jit
    def covered(a: Any, x: Any, node: Any) -> Any:
        """Return whether a variable that is marked stands for a node."""
        room = a[MOST_VARIABLES]
        filler = a[a[IN_HEAD] + node + room]
        while filler >= 0 and a[a[MARK] + room - 1 - a[a[FILLER_OF] + filler]] == 0:
            filler = a[a[FILLER_NEXT] + filler]
        return filler >= 0

    @jit
    def distinct(a: Any, x: Any, start: Any, end: Any) -> Any:
        """Leave out nodes that others of them, variables, stand for; return the end."""
        variables, room = ZERO, a[MOST_VARIABLES]  # they come first in order; those that are left out count, too
        while start + variables < end and a[a[MADE_NODE] + start + variables] < 0:
            a[a[TODO] + variables] = a[a[MADE_NODE] + start + variables] + room
            a[a[MARK] + a[a[TODO] + variables]] = 1
            variables += 1
        if variables == 0:
            return end
        left = start
        for k in range(start, end):
            node = a[a[MADE_NODE] + k]
            if not covered(a, x, node):
                a[a[MADE_NODE] + left], x[a[MADE_COUNT] + left] = node, x[a[MADE_COUNT] + k]
                left += 1
        for k in range(variables):
            a[a[MARK] + a[a[TODO] + k]] = 0
        return left

    @jit
    def note(a: Any, x: Any, at: Any, key: Any, first: Any, last: Any, whole: Any) -> None:
        """Note of what a variable was made."""
        a[at + MADE_OF], a[at + MADE_SET], a[at + MADE_WAYS] = key, whole, a[at + N_WAYS]
        a[at + MADE_ROW], a[at + MADE_COLUMN] = a[a[ROW_VERSION] + first], a[a[COLUMN_VERSION] + last]

    @jit
    def looked_at(a: Any, x: Any, rule: Any, first: Any, last: Any, start: Any) -> Any:
        """Write what a variable between two nodes would stand for from `start` on; return the end, `start` if none.

        What was made of the same nodes before would only be found again, and what were too few are too few: none.
        """
        key, at = first * a[NODES] + last, way(a, x, first, last)
        known = a[at + MADE_OF] == key
        end, whole = gather(a, x, rule, first, last, start)
        if end - start < rule[FILLERS]:
            note(a, x, at, key, first, last, whole)
            return start
        if known and a[at + MADE_SET] == whole:
            note(a, x, at, key, first, last, whole)
            return start
        if end - start > a[MOST_ELEMENTS]:
            a[FULL] = 1
            return start
        sorted_by_node(a, x, start, end)
        end = distinct(a, x, start, end)
        if not rule[FILLERS] <= end - start <= rule[MOST_FILLERS]:
            note(a, x, at, key, first, last, whole)
            return start
        total = 0.0
        for k in range(start, end):
            total += x[a[MADE_COUNT] + k]
        if total <= rule[FILLER_COUNT]:
            return start
        note(a, x, at, key, first, last, whole)
        return end

    @jit
    def variable_of(a: Any, x: Any, start: Any, end: Any) -> Any:
        """Return the first variable that stands for these nodes, or for more; a new one if there is none."""
        room, w = a[MOST_VARIABLES], x[WEIGHT]
        for at in range(start, end):
            a[a[MARK] + a[a[MADE_NODE] + at] + room] = 1
        filler, known = a[a[IN_HEAD] + a[a[MADE_NODE] + start] + room], NONE
        while filler >= 0 and known < 0:
            k, n = a[a[FILLER_OF] + filler], 0
            for other in range(a[a[FILLER_BEGIN] + k], a[a[FILLER_BEGIN] + k + 1]):
                n += a[a[MARK] + a[a[FILLER_NODE] + other] + room]
            known = k if n == end - start else NONE
            filler = a[a[FILLER_NEXT] + filler]
        for at in range(start, end):
            a[a[MARK] + a[a[MADE_NODE] + at] + room] = 0
        if known >= 0:
            return known
        k, held = a[VARIABLES], a[FILLERS_HELD]
        if k == room or held + end - start > a[MOST_FILLERS_HELD]:
            a[FULL] = 1
            return 0
        firsts, nested = ZERO, 0
        for at in range(start, end):
            node = a[a[MADE_NODE] + at]
            a[a[FILLER_NODE] + held], x[a[FILLER_N] + held] = node, x[a[MADE_COUNT] + at] * w
            a[a[FILLER_OF] + held], a[a[FILLER_NEXT] + held] = k, -1
            element = a[a[POOL] + a[a[BEGIN] + node]] if node >= 0 else node
            first = bit(element) if element >= 0 else a[a[VARIABLE_FIRST] - 1 - element]
            a[a[FILLER_FIRST] + held] = first
            firsts |= first
            nested = 1 if node < 0 or a[a[VARIES] + node] == 1 else nested
            tail = a[a[IN_TAIL] + node + room]
            if tail >= 0:
                a[a[FILLER_NEXT] + tail] = held
            else:
                a[a[IN_HEAD] + node + room] = held
            a[a[IN_TAIL] + node + room] = held
            held += 1
        total = 0.0
        for at in range(start, end):
            total += x[a[MADE_COUNT] + at]
        x[a[OF_VARIABLE] + k] = total * w
        x[VARIABLE_TOTAL] += total * w
        a[a[VARIABLE_FIRST] + k], a[a[NESTED] + k] = firsts, nested
        a[VARIABLES], a[FILLERS_HELD] = k + 1, held
        a[a[FILLER_BEGIN] + k + 1] = held
        return k

    @jit
    def make(a: Any, x: Any, first: Any, last: Any, start: Any, end: Any) -> None:
        """Make the variable of what was written down, and the chunk of a chunk, it, and the node after it."""
        variable = variable_of(a, x, start, end)
        if first < 0 or a[FULL] == 1:
            return
        length, n = spell(a, x, first, ZERO), 0.0
        if length < a[MOST_ELEMENTS]:
            a[a[WORD] + length] = -1 - variable
        else:
            a[FULL] = 1
        length = spell(a, x, last, length + 1)
        for at in range(start, end):
            n += x[a[MADE_COUNT] + at]
        if a[FULL] == 0:
            add(a, x, length, n, first)

    @jit
    def abstract(a: Any, x: Any, rule: Any, n_before: Any, n_after: Any) -> None:
        """Make variables where a step from names[0] to names[1] is one of two; everywhere if there are none."""
        room, nodes = a[MOST_VARIABLES], a[NODES]
        a[PASS] += 1
        n = where_stepped(a, x, rule, n_before, n_after) if n_before > 0 else everywhere(a, x, rule)
        n, made, end = ordered(a, x, n), ZERO, ZERO
        for k in range(n):
            start = end
            first, last = INT(x[a[CANDIDATE] + k]) // nodes, INT(x[a[CANDIDATE] + k]) % nodes
            end = looked_at(a, x, rule, first, last, start)
            if end > start:
                a[a[MADE] + made], a[a[MADE + 1] + made] = first - room, last - room
                a[a[MADE + 2] + made], a[a[MADE + 3] + made] = start, end
                made += 1
        for k in range(made):
            if a[FULL] == 0:
                make(a, x, a[a[MADE] + k], a[a[MADE + 1] + k], a[a[MADE + 2] + k], a[a[MADE + 3] + k])

    return names_of, abstract
