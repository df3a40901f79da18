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
    LOW,
    MADE,
    MADE_COLUMN,
    MADE_COUNT,
    MADE_NODE,
    MADE_OF,
    MADE_ROW,
    MADE_SET,
    MARK,
    MOST_ELEMENTS,
    MOST_FILLERS_HELD,
    MOST_PAIRS,
    MOST_VARIABLES,
    NAMES,
    NEAR,
    NODES,
    NONE,
    OF_VARIABLE,
    ONE,
    PAIR_AFTER,
    PAIR_BEFORE,
    PASS,
    PLACES,
    POOL,
    REACHED,
    ROW_HEAD,
    ROW_NEXT,
    ROW_VERSION,
    SLOT,
    SPREAD,
    TODO,
    VALUE,
    VARIABLE_TOTAL,
    VARIABLES,
    WEIGHT,
    WORD,
    ZERO,
)  # fmt: skip
from cogmem.kernels.chunk_rules import CORRELATED, FILLER_COUNT, FILLERS, LEAST, MOST_FILLERS

TINY: Final = 5e-324
WORD_OF_45: Final = INT((1 << 45) - 1)


def abstraction_of(
    jit: Callable[..., Any], contents: Any, pairs: Any, belong: Any
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return names_of and abstract: variables of what stands between the same two nodes, and chunks of all three."""
    _, spell, _, add = contents
    find, kept, alive, _, _, _, freshen, freshen_column = pairs

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
    def named(a: Any, x: Any, side: Any, n: Any, node: Any) -> Any:
        """Return whether a node, by its place, is one of n names."""
        k = 0
        while k < n and a[a[NAMES + side] + k] != node:
            k += 1
        return k < n

    @jit
    def near(a: Any, x: Any, rule: Any, pair: Any) -> Any:
        """Return whether a pair is not forgotten and, if that is asked for, its nodes belong together."""
        if not alive(a, x, rule, pair):
            return False
        if rule[CORRELATED] == 0.0:
            return True
        if a[a[NEAR] + pair] >> 1 != a[PASS]:
            together = belong(a, x, rule, a[a[PAIR_BEFORE] + pair], a[a[PAIR_AFTER] + pair])
            a[a[NEAR] + pair] = 2 * a[PASS] + (1 if together else 0)
        return a[a[NEAR] + pair] & 1 == 1

    @jit
    def reach(a: Any, x: Any, rule: Any, start: Any, forth: Any, side: Any, n_names: Any, n: Any) -> Any:
        """Write down ends of two steps from a node, or to it, that lead over enough others; return how many there are.

        If `side` is 0 or 1, one of those others has to be among names[side].
        """
        least, n_reached, nodes = int(rule[FILLERS]), 0, INT(a[NODES])
        together, floor = rule[CORRELATED] > 0.0, max(rule[LEAST] * x[WEIGHT], TINY)
        ends, onward = (a[PAIR_AFTER], a[ROW_NEXT]) if forth == 1 else (a[PAIR_BEFORE], a[COLUMN_NEXT])
        heads = a[ROW_HEAD] if forth == 1 else a[COLUMN_HEAD]
        one = a[heads + start]
        while one >= 0:
            if x[a[VALUE] + one] >= floor and (not together or near(a, x, rule, one)):
                middle = a[ends + one]
                over = 1 if side < 0 or named(a, x, side, n_names, middle) else 0
                two = a[heads + middle]
                while two >= 0:
                    if x[a[VALUE] + two] >= floor and (not together or near(a, x, rule, two)):
                        end = a[ends + two]
                        mark = a[a[MARK] + end]
                        if mark == 0:
                            a[a[REACHED] + n_reached] = end
                            n_reached += 1
                        # Twice the number of ways there, and 1 if one of them is over a name.
                        a[a[MARK] + end] = (mark + 2) | over
                    two = a[onward + two]
            one = a[onward + one]
        for k in range(n_reached):
            end = a[a[REACHED] + k]
            if a[a[MARK] + end] >> 1 >= least and a[a[MARK] + end] & 1:
                if n == a[MOST_PAIRS]:
                    a[FULL] = 1
                    n -= 1
                x[a[CANDIDATE] + n] = start * nodes + end if forth == 1 else end * nodes + start
                n += 1
            a[a[MARK] + end] = 0
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
        pair = a[a[ROW_HEAD] + first]
        while pair >= 0:
            middle = a[a[PAIR_AFTER] + pair]
            other = a[a[SLOT] + find(a, x, middle, last)] if near(a, x, rule, pair) else -1
            if other >= 0 and near(a, x, rule, other):
                if end == a[MOST_PAIRS]:
                    a[FULL] = 1
                    return start, whole
                a[a[MADE_NODE] + end], x[a[MADE_COUNT] + end] = middle - room, kept(a, x, rule, pair)
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
    def mark_fillers(a: Any, x: Any, variable: Any, mark: Any) -> None:
        """Mark the nodes that a variable stands for."""
        for k in range(a[a[FILLER_BEGIN] + variable], a[a[FILLER_BEGIN] + variable + 1]):
            a[a[MARK] + a[a[FILLER_NODE] + k] + a[MOST_VARIABLES]] = mark

    @jit
    def distinct(a: Any, x: Any, start: Any, end: Any) -> Any:
        """Leave out nodes that others of them, variables, stand for; return the end."""
        variables = ZERO  # they come first in order; those that are left out count, too
        while start + variables < end and a[a[MADE_NODE] + start + variables] < 0:
            a[a[TODO] + variables] = -1 - a[a[MADE_NODE] + start + variables]
            variables += 1
        for k in range(variables):
            mark_fillers(a, x, a[a[TODO] + k], ONE)
        left = start
        for k in range(start, end):
            node = a[a[MADE_NODE] + k]
            if a[a[MARK] + node + a[MOST_VARIABLES]] == 0:
                a[a[MADE_NODE] + left], x[a[MADE_COUNT] + left] = node, x[a[MADE_COUNT] + k]
                left += 1
        for k in range(variables):
            mark_fillers(a, x, a[a[TODO] + k], ZERO)
        return left

    @jit
    def note(a: Any, x: Any, at: Any, key: Any, first: Any, last: Any, whole: Any) -> None:
        """Note of what a variable was made."""
        a[a[MADE_OF] + at], a[a[MADE_SET] + at] = key, whole
        a[a[MADE_ROW] + at], a[a[MADE_COLUMN] + at] = a[a[ROW_VERSION] + first], a[a[COLUMN_VERSION] + last]

    @jit
    def looked_at(a: Any, x: Any, rule: Any, first: Any, last: Any, start: Any) -> Any:
        """Write what a variable between two nodes would stand for from `start` on; return the end, `start` if none.

        What was made of the same nodes before would only be found again, and what were too few are too few: none.
        """
        key = first * INT(a[NODES]) + last
        at = ((key & LOW) * SPREAD >> 12) & (a[PLACES] - 1)
        known = a[a[MADE_OF] + at] == key
        if known and rule[CORRELATED] == 0.0:
            freshen(a, x, rule, first)
            freshen_column(a, x, rule, last)
            row, column = a[a[ROW_VERSION] + first], a[a[COLUMN_VERSION] + last]
            if a[a[MADE_ROW] + at] == row and a[a[MADE_COLUMN] + at] == column:
                return start
        end, whole = gather(a, x, rule, first, last, start)
        if end - start < rule[FILLERS]:
            return start
        if known and a[a[MADE_SET] + at] == whole:
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
        for at in range(start, end):
            node = a[a[MADE_NODE] + at]
            a[a[FILLER_NODE] + held], x[a[FILLER_N] + held] = node, x[a[MADE_COUNT] + at] * w
            a[a[FILLER_OF] + held], a[a[FILLER_NEXT] + held] = k, -1
            a[a[FILLER_FIRST] + held] = a[a[POOL] + a[a[BEGIN] + node]] if node >= 0 else -1
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
        n, room, nodes = ZERO, a[MOST_VARIABLES], a[NODES]
        a[PASS] += 1
        if n_before == 0:
            for first in range(room - a[VARIABLES], room + a[CHUNKS]):
                n = reach(a, x, rule, first, ONE, NONE, ZERO, n)
        for k in range(n_before):
            n = reach(a, x, rule, a[a[NAMES] + k], ONE, ONE, n_after, n)
        for k in range(n_after if n_before > 0 else 0):
            n = reach(a, x, rule, a[a[NAMES + 1] + k], ZERO, ZERO, n_before, n)
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
