"""Chunks and variables of sequences, learned symbol by symbol (Wu, Thalmann, Dayan, Akata & Schulz, 2025).

A lexicon holds chunks: strings of symbols and of variables, which stand for any one of several chunks. A sequence is
parsed by descent: from the chunks that are one symbol, then always among those that the last one begins, to the one
that covers most, until none fits. Units that follow one another more often than chance become a chunk; chunks that
stand in the same place between two others become a variable. What is counted fades by `theta` a unit.

A node is a chunk, its number from 0, or a variable, ~number (-1, -2, ...), as in the contents of chunks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from cogmem.errors import UserError
from cogmem.kernels.chunk_rules import BATCH, HEAVIEST, LONGEST_KEPT, PUBLISHED, TESTS, Rule, chi_squared

Content = tuple[int, ...]
"""Symbols, from 0, and variables, ~number."""


@dataclass(frozen=True)
class Match:
    """Where a chunk ends that fits a sequence, and which chunk each of its variables stands for, (variable, node)."""

    end: int
    bound: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Parse:
    """The chunks that a sequence was parsed into, and -ln of the product of their shares in all counts, afterwards."""

    units: tuple[int, ...]
    nats: float


@dataclass
class Lexicon:
    """What was learned: contents and counts of chunks, variables and what they stand for, transitions between nodes.

    It changes as it reads. Counts are kept in units of an event now, `weight`, which grows instead of their fading.
    """

    rule: Rule = PUBLISHED
    contents: list[Content] = field(default_factory=list)
    variables: list[dict[int, float]] = field(default_factory=list)
    weight: float = 1.0
    _counts: list[float] = field(default_factory=list)
    _of_variable: list[float] = field(default_factory=list)
    _begun: list[list[int]] = field(default_factory=list)
    _places: dict[Content, int] = field(default_factory=dict)
    _after: dict[int, dict[int, float]] = field(default_factory=dict)
    _before: dict[int, dict[int, float]] = field(default_factory=dict)

    # ---- what is known --------------------------------------------------------------------------------------------

    def count(self, node: int) -> float:
        """Return how often a chunk or a variable was read, less what faded."""
        return (self._counts[node] if node >= 0 else self._of_variable[~node]) / self.weight

    def transitions(self, before: int, after: int) -> float:
        """Return how often a node came right after another, less what faded; 0 where that is forgotten."""
        return self._kept(self._after.get(before, {}).get(after, 0.0))

    def _kept(self, stored: float) -> float:
        return stored / self.weight if stored >= self.rule.least * self.weight else 0.0

    def _row(self, rows: dict[int, dict[int, float]], node: int) -> dict[int, float]:
        kept = ((other, self._kept(stored)) for other, stored in sorted(rows.get(node, {}).items()))
        return {other: n for other, n in kept if n > 0}

    def _symbols(self) -> Iterable[int]:
        return (chunk for chunk, content in enumerate(self.contents) if len(content) == 1)

    # ---- reading --------------------------------------------------------------------------------------------------

    def match(self, content: Content, sequence: Sequence[int], start: int) -> Match | None:
        """Return the match of a content that begins at a place, or None; a variable is the longest that it may be."""
        end = start
        bound: tuple[tuple[int, int], ...] = ()
        for element in content:
            if element >= 0:
                if end >= len(sequence) or sequence[end] != element:
                    return None
                end += 1
                continue
            best = self._longest(self.variables[~element], sequence, end)
            if best is None:
                return None
            node, found = best
            end, bound = found.end, (*bound, *found.bound, (~element, node))
        return Match(end, bound)

    def _longest(self, nodes: Iterable[int], sequence: Sequence[int], start: int) -> tuple[int, Match] | None:
        """Return the node that covers most from a place on, the first of equals, and its match; None if none fits."""
        best: tuple[int, Match] | None = None
        for node in nodes:
            found = self.match(self._spelled(node), sequence, start)
            if found and (best is None or found.end > best[1].end):
                best = node, found
        return best

    def unit_at(self, sequence: Sequence[int], start: int) -> tuple[int, Match]:
        """Return the chunk that is read at a place; a symbol that was never seen becomes one."""
        found: tuple[int, Match] | None = None
        best = self._longest(self._symbols(), sequence, start)
        while best:
            found, best = best, self._longest(self._begun[best[0]], sequence, start)
        return found or (self._add((int(sequence[start]),), 0.0, None), Match(start + 1))

    def read(
        self, sequence: Sequence[int], *, learn: bool = True, chunk: bool = True, abstraction: bool = True
    ) -> Parse:
        """Return the parse of a sequence of symbols, from 0; UserError for one that has none.

        With `learn` it is counted, with `chunk` chunks are made, with `abstraction` variables, too. Without abstraction
        it is HCM (Wu, Elteto, Dasgupta & Schulz, 2022).
        """
        if not len(sequence) or min(sequence) < 0:
            raise UserError("A sequence is one symbol or more, numbered from 0; got none, or a number below 0.")
        units: list[int] = []
        place = 0
        while place < len(sequence):
            unit, found = self.unit_at(sequence, place)
            if learn:
                self._take_in(units[-1] if units else None, unit, found, chunk=chunk, abstraction=abstraction)
            units.append(unit)
            place = found.end
        return Parse(tuple(units), self.nats(units))

    def nats(self, units: Iterable[int]) -> float:
        """Return -ln of the product of the shares of chunks; infinity where one was never counted."""
        total = sum(self._counts)
        return sum(-math.log(self._counts[unit] / total) if self._counts[unit] > 0 else math.inf for unit in units)

    # ---- learning -------------------------------------------------------------------------------------------------

    def _take_in(self, before: int | None, unit: int, found: Match, *, chunk: bool, abstraction: bool) -> None:
        self._counts[unit] += self.weight
        for variable, node in found.bound:
            self.variables[variable][node] += self.weight
            self._of_variable[variable] += self.weight
        if before is not None:
            ones, others = self._names(before), self._names(unit)
            for one in ones:
                for other in others:
                    self._follow(one, other)
            for other in others if chunk else ():
                self._chunk(before, other)
            if abstraction:
                self._abstract(ones, others)
        self.weight /= self.rule.theta
        if self.weight > HEAVIEST:
            self._rescale()

    def _names(self, chunk: int) -> list[int]:
        """Return a chunk and the variables that stand for it."""
        return [chunk, *(~k for k, fillers in enumerate(self.variables) if chunk in fillers)]

    def _follow(self, before: int, after: int) -> None:
        row = self._after.setdefault(before, {})
        # What was forgotten starts anew.
        kept = self._kept(row.get(after, 0.0)) * self.weight
        row[after] = self._before.setdefault(after, {})[before] = kept + self.weight

    def _add(self, content: Content, count: float, parent: int | None) -> int:
        if content in self._places:
            return self._places[content]
        chunk = self._places[content] = len(self.contents)
        self.contents.append(content)
        self._counts.append(count * self.weight)
        self._begun.append([])
        if parent is not None:
            self._begun[parent].append(chunk)
        return chunk

    def belong(self, before: int, after: int) -> bool:
        """Return whether a node follows another more or less often than by chance.

        The pairs with neither are those of nodes that the second has followed, as published. A pair that comes six
        times or less, or six pairs or fewer in all, tell nothing.
        """
        rule, both = self.rule, self.transitions(before, after)
        # More than `repeats` of the pair are more than `repeats` of all pairs, which the published test asks for too.
        if both <= rule.repeats:
            return False
        left = sum(self._row(self._after, before).values()) - both
        others = {node: n for node, n in self._row(self._before, after).items() if node != before}
        right = sum(others.values())
        neither = sum(sum(self._row(self._after, node).values()) - n for node, n in others.items())
        total = (sum(self._counts) + sum(self._of_variable)) / self.weight
        observed = both, left, right, neither
        if rule.test == "density" and min(observed) <= 5:
            return False
        shares = self.count(before) / total, self.count(after) / total
        return chi_squared(observed, *shares, test=rule.test) > TESTS[rule.test]

    def _chunk(self, before: int, after: int) -> None:
        """Make a chunk of a chunk and the node after it, if they belong together and do not both have variables.

        That two with variables stay apart is what published likelihoods say (docs/decisions.md), not the description.
        """
        if self._both_vary(before, after) or self.count(before) <= self.rule.repeats or not self.belong(before, after):
            return
        self._add(self.contents[before] + self._spelled(after), self.transitions(before, after), before)
        self._after[before][after] = self._before[after][before] = 0.0

    def _spelled(self, node: int) -> Content:
        return self.contents[node] if node >= 0 else (node,)

    def _abstract(self, before: Sequence[int] | None = None, after: Sequence[int] = ()) -> None:
        """Make variables of what stands between the same two nodes, and chunks of all three.

        With names of the two units that were read last, only where a step from `before` to `after` is one of the two
        steps: nothing else has become more.
        """
        rule, made = self.rule, []
        follows = {node: self._row(self._after, node) for node in sorted(self._after)}
        leads = {node: self._row(self._before, node) for node in sorted(self._before)}
        near = cache(self.belong) if rule.correlated else lambda *_: True
        for first, followers in follows.items():
            for last, lead in leads.items():
                between = [node for node in followers if node in lead and near(first, node) and near(node, last)]
                if before is not None and not (
                    (first in before and any(node in after for node in between))
                    or (last in after and any(node in before for node in between))
                ):
                    continue
                # What another of them stands for is not named twice.
                between = [node for node in between
                           if not any(other < 0 and node in self.variables[~other] for other in between)]  # fmt: skip
                n = sum(followers[node] for node in between)
                if rule.fillers <= len(between) <= rule.most_fillers and n > rule.filler_count:
                    made.append((first, last, {node: followers[node] for node in between}, n))
        for first, last, fillers, n in made:
            variable = self._variable(fillers)
            if first >= 0:
                self._add(self.contents[first] + (~variable,) + self._spelled(last), n, first)

    def _variable(self, fillers: dict[int, float]) -> int:
        """Return the variable that stands for these nodes, or for more; a new one if there is none."""
        for k, known in enumerate(self.variables):
            if fillers.keys() <= known.keys():
                return k
        self.variables.append({node: n * self.weight for node, n in fillers.items()})
        self._of_variable.append(sum(fillers.values()) * self.weight)
        return len(self.variables) - 1

    # ---- saying ---------------------------------------------------------------------------------------------------

    def say(self, first: int, length: int, draw: Callable[[], float]) -> list[int]:
        """Return a sequence that begins with a symbol, as it comes from memory; -1 throughout if it was never seen.

        Chunks that begin with the symbol are drawn by their counts, then those that followed the last chunk by how
        often they did (all by their counts, if none did); the longest has ten more. `draw` gives numbers in (0, 1).
        """
        start = {chunk: self.count(chunk) for chunk, content in enumerate(self.contents) if content[0] == first}
        if not start:
            return [-1] * length
        chunk, said = self._drawn(start, draw), list[int]()
        while True:
            said += self._said(chunk, draw)
            if len(said) >= length:
                return said[:length]
            followers = {node: n for node, n in self._row(self._after, chunk).items() if node >= 0}
            chunk = self._drawn(followers or {each: self.count(each) for each in range(len(self.contents))}, draw)

    def _drawn(self, weights: dict[int, float], draw: Callable[[], float]) -> int:
        longest = max(weights, key=lambda chunk: (len(self.contents[chunk]), -chunk))
        return picked({each: n + LONGEST_KEPT * (each == longest) for each, n in weights.items()}, draw())

    def _said(self, node: int, draw: Callable[[], float]) -> list[int]:
        """Return the symbols of a chunk or of what a variable stands for, drawn by how often it did."""
        if node < 0:
            fillers = {filler: n / self.weight for filler, n in self.variables[~node].items()}
            return self._said(picked(fillers, draw()), draw)
        said = list[int]()
        for element in self.contents[node]:
            said += [element] if element >= 0 else self._said(element, draw)
        return said

    # ---- all of a sequence at once --------------------------------------------------------------------------------

    def empty(self) -> None:
        """Forget all counts and transitions, and keep the chunks and variables."""
        self._counts, self._of_variable = [0.0] * len(self._counts), [0.0] * len(self._of_variable)
        self._after, self._before, self.weight = {}, {}, 1.0
        for fillers in self.variables:
            fillers.update(dict.fromkeys(fillers, 0.0))

    def propose(self, parse: Parse, n_symbols: int, *, bits: float, most: int) -> int:
        """Make chunks of the pairs that belong together, the best first; return how many.

        A pair with the share p of all counts is worth the symbols that it adds to a unit of the last parse, p size / (n
        symbols / n units), by what it tells, -p ln p. Pairs are taken until their -log2 p add up to more than `bits`.
        """
        total, found = sum(self._counts), []
        for before in sorted(node for node in self._after if node >= 0):
            for after, n in self._row(self._after, before).items():
                whole = self.contents[before] + self._spelled(after)
                if whole in self._places or self._both_vary(before, after) or not self.belong(before, after):
                    continue
                p = n * self.weight / total
                found.append((p * len(whole) * len(parse.units) / n_symbols / (-p * math.log(p)), whole, n, before, p))
        cost, made = 0.0, 0
        for _, whole, n, before, p in sorted(found, key=lambda each: -each[0])[:most]:
            self._add(whole, n, before)
            cost, made = cost - math.log2(p), made + 1
            if cost > bits:
                break
        return made

    def _both_vary(self, before: int, after: int) -> bool:
        return min(self.contents[before]) < 0 and min(self._spelled(after)) < 0

    def _rescale(self) -> None:
        for row in (*self.variables, *self._after.values(), *self._before.values()):
            for node in row:
                row[node] /= self.weight
        self._counts = [stored / self.weight for stored in self._counts]
        self._of_variable = [stored / self.weight for stored in self._of_variable]
        self.weight = 1.0


def learned(
    sequence: Sequence[int], *, abstraction: bool = True, rule: Rule = BATCH, iterations: int = 10,
    bits: float = -math.log2(0.01), most: int = 10,
) -> tuple[Lexicon, Parse]:  # fmt: skip
    """Return the lexicon of a sequence that is read again and again, and its last parse, with counts of that alone.

    After each reading the chunks that are worth most are made (see `Lexicon.propose`), and with `abstraction`
    variables; it ends when nothing is made, or after so many readings.
    """
    made = Lexicon(rule)
    for _ in range(iterations):
        made.empty()
        parse = made.read(sequence, chunk=False, abstraction=False)
        known = len(made.contents)
        made.propose(parse, len(sequence), bits=bits, most=most)
        if abstraction:
            made._abstract()
        if len(made.contents) == known:
            break
    made.empty()
    return made, made.read(sequence, chunk=False, abstraction=False)


def picked(weights: dict[int, float], u: float) -> int:
    """Return the first node at which the sum of weights is above the share u of their whole; the last if none is."""
    wanted, passed = u * sum(weights.values()), 0.0
    for node, weight in weights.items():
        passed += weight
        if passed > wanted:
            return node
    return node
