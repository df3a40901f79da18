"""PARSER: words of a stream by shaping what is perceived, forgetting and interference (Perruchet & Vinter, 1998).

A lexicon gives units weights. Each percept is a few units, as many as chance will have, each the longest that is heavy
enough to shape perception. What is perceived together becomes a unit; all units lose weight, and those that share
symbols with the percept lose more. Words outlive the rest because they come again before they are forgotten.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from cogmem.errors import UserError
from cogmem.subjects.chunking import (
    Compression,
    SequenceModel,
    Symbols,
    checked,
    coded,
    counts_nats,
    one_by_one,
    spelled_nats,
)

Unit = tuple[int, ...]
"""Symbols, from 0."""


@dataclass(frozen=True)
class Shaping:
    """How a lexicon learns; defaults are those of the publication.

    `most`: units of a percept are 1 to so many, equally likely. `threshold`: weight at which a unit shapes perception.
    `start`: weight of a new unit; `gain`: added to a known one that was perceived; `regain`: added instead to one that
    was too light to shape perception: that it is weighed as if it were new is a choice (with .5 all words of a stream
    are found more than twice as late). `forgetting`: what each unit loses a percept; `interference`: what a unit that
    was not perceived loses for each of its symbols that is in the percept.
    """

    most: int = 3
    threshold: float = 1.0
    start: float = 1.0
    gain: float = 0.5
    regain: float = 1.0
    forgetting: float = 0.05
    interference: float = 0.005

    def __post_init__(self) -> None:
        if self.most < 1:
            raise UserError(f"A percept has up to one unit or more; got {self.most}.")
        above = self.threshold, self.start, self.gain, self.regain, self.forgetting
        if not min(above) > 0 or self.interference < 0:
            raise UserError(
                "threshold, start, gain, regain and forgetting are above 0, and interference is 0 or more; got "
                f"{', '.join(map(str, above))} and {self.interference}."
            )


@dataclass(eq=False)
class ParserReader:
    """Somebody who shapes what is perceived; at the start the lexicon is the symbols, with the weight of new units.

    A symbol is perceived whatever its weight, where no heavier unit fits. One that lost all its weight is not known any
    more, and gets that of a new unit if it is a percept or a part of one again, as any unit does.
    """

    n_symbols: int
    rng: np.random.Generator
    rule: Shaping = Shaping()
    weights: dict[Unit, float] = field(init=False)
    """Weights of the units that are known, all above 0."""

    def __post_init__(self) -> None:
        self.weights = {(symbol,): self.rule.start for symbol in range(self.n_symbols)}

    # ---- perceiving -----------------------------------------------------------------------------------------------

    def shaping(self) -> dict[Unit, float]:
        """Return the units that are heavy enough to shape perception, and their weights."""
        return {unit: weight for unit, weight in self.weights.items() if weight >= self.rule.threshold}

    def unit_at(self, sequence: Sequence[int], place: int, longest: int | None = None) -> Unit:
        """Return the longest unit that shapes perception and fits at a place, or the symbol there."""
        if longest is None:
            longest = max(map(len, self.shaping()), default=1)
        for end in range(min(place + longest, len(sequence)), place + 1, -1):
            unit = tuple(sequence[place:end])
            if self.weights.get(unit, 0.0) >= self.rule.threshold:
                return unit
        return (sequence[place],)

    def parse(self, sequence: Symbols) -> list[Unit]:
        """Return the units that a sequence is perceived as, from left to right, without learning."""
        listed, units, place = checked(sequence, self.n_symbols), [], 0
        longest = max(map(len, self.shaping()), default=1)
        while place < len(listed):
            units.append(self.unit_at(listed, place, longest))
            place += len(units[-1])
        return units

    def nats(self, units: Sequence[Unit]) -> float:
        """Return -ln of the product of the shares of units in the weights of all that can be perceived.

        A symbol has at least the weight that is forgotten a percept: it can be perceived without any.
        """
        heavy = self.shaping()
        for symbol in range(self.n_symbols):
            heavy[(symbol,)] = max(self.weights.get((symbol,), 0.0), self.rule.forgetting)
        total = sum(heavy.values())
        return sum(math.log(total / heavy[unit]) for unit in units)

    # ---- learning -------------------------------------------------------------------------------------------------

    def perceive(self, units: Sequence[Unit]) -> None:
        """Learn by a percept of these units: weigh it and its parts, then forget and interfere."""
        rule, percept = self.rule, tuple(symbol for unit in units for symbol in unit)
        inside = set(percept)
        # A part that comes twice gains twice; a percept of one unit is that unit, and gains once.
        times = Counter(units) if len(units) == 1 else Counter([percept, *units])
        kept = {unit: rule.start for unit in times if unit not in self.weights}
        for unit, weight in self.weights.items():
            gain = rule.gain if weight >= rule.threshold else rule.regain
            left = weight + gain * times[unit] - rule.forgetting
            if unit not in times:
                left -= rule.interference * sum(symbol in inside for symbol in unit)
            if left > 0:
                kept[unit] = left
        self.weights = kept

    def read(self, sequence: Symbols) -> tuple[float, float]:
        """Return units and nats of a sequence, as it is parsed after it was learned."""
        listed, place = checked(sequence, self.n_symbols), 0
        while place < len(listed):
            units: list[Unit] = []
            longest = max(map(len, self.shaping()), default=1)
            for _ in range(self.rng.integers(1, self.rule.most + 1)):
                # The last percept of a sequence has what is left of it.
                if place < len(listed):
                    units.append(self.unit_at(listed, place, longest))
                    place += len(units[-1])
            self.perceive(units)
        parsed = self.parse(sequence)
        return float(len(parsed)), self.nats(parsed)

    def judge(self, sequence: Symbols) -> float:
        """Return the nats of a sequence as it is parsed now."""
        return self.nats(self.parse(sequence))


def shaped(rule: Shaping = Shaping(), *, readings: int = 1, name: str = "parser") -> SequenceModel:
    """Return PARSER with these settings; `compress` reads a sequence so often and parses it once more."""
    if readings < 1:
        raise UserError(f"A sequence is read once or more before it is compressed; got {readings}.")

    def reader(n_symbols: int, rng: np.random.Generator) -> ParserReader:
        return ParserReader(n_symbols, rng, rule)

    def compress(sequence: Symbols, n_symbols: int, seed: int) -> Compression:
        made = reader(n_symbols, np.random.default_rng(seed))
        for _ in range(readings):
            made.read(sequence)
        known = [unit for unit in made.shaping() if len(unit) > 1]
        return compression(made.parse(sequence), known, n_symbols)

    return SequenceModel(
        name, 1, "step", "Perruchet & Vinter (1998)", read=one_by_one(reader), compress=compress, reader=reader
    )


def compression(parse: Sequence[Unit], known: Sequence[Unit], n_symbols: int) -> Compression:
    """Return what a parse takes; the dictionary spells the `known` units of two symbols or more, used or not.

    Symbols are entries that need no spelling. How often each entry comes is told, and then the parse by these shares.
    """
    counts, entries = Counter(parse), n_symbols + len(known)
    dictionary = spelled_nats(map(len, known), n_symbols) + counts_nats(len(parse), entries)
    return coded(counts.values(), entries=entries, dictionary=dictionary)


parser_1998: Final = shaped()
"""With the parameters of the publication."""
