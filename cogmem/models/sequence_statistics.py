"""Readers of sequences who know only how often symbols follow one another: no chunks, so units are symbols.

An associative learner counts pairs (the baseline of Wu, Thalmann & Schulz, 2023), an n-gram model counts what follows
the last few symbols (Witten & Bell, 1991). What is counted may fade by `theta` a symbol.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.subjects.chunking import Array, Compression, SequenceModel, Symbols, checked, one_by_one, storage_of

HEAVIEST: Final = 1e12
"""Weight of a symbol, in those of the first, at which all counts are scaled down again."""


def drawn(chances: Array, rng: np.random.Generator) -> int:
    """Return a number that is drawn with these chances, which add up to 1."""
    return int(np.searchsorted(np.cumsum(chances)[:-1], rng.random(), side="right"))


# ---- pairs -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Associations:
    """How pairs are learned: `theta` is what is left of every count after a symbol, `epsilon` is added to each count.

    `theta` is that of the published fits to people. Of `epsilon`, without which what was never seen had no chance,
    nothing is published: a tenth of a pair is a choice.
    """

    theta: float = 0.996
    epsilon: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.theta <= 1 or not self.epsilon > 0:
            raise UserError(
                f"theta is above 0 and up to 1, and epsilon is above 0; got {self.theta} and {self.epsilon}."
            )


@dataclass(eq=False)
class AssociativeReader:
    """Somebody who learns which symbol follows which, and predicts a sequence before learning by it.

    The chance of a sequence is that of its first symbol, by the counts of symbols, times those of its transitions:
    (count + epsilon) / (sum of counts + n_symbols epsilon).
    """

    n_symbols: int
    rule: Associations = Associations()
    _seen: Array = field(init=False)
    _pairs: Array = field(init=False)
    # Counts are in units of a symbol read now, which grow instead of the counts' fading.
    _weight: float = 1.0

    def __post_init__(self) -> None:
        self._seen, self._pairs = np.zeros(self.n_symbols), np.zeros((self.n_symbols, self.n_symbols))

    def chances(self, before: int | None) -> Array:
        """Return the chance of each symbol (n_symbols,) after another one, or as the first of a sequence (None)."""
        counts = self._seen if before is None else self._pairs[before]
        smoothed = counts / self._weight + self.rule.epsilon
        shares: Array = smoothed / smoothed.sum()
        return shares

    def judge(self, sequence: Symbols) -> float:
        """Return -ln of the chance of a sequence, in nats, by what was read so far."""
        listed = checked(sequence, self.n_symbols)
        before: list[int | None] = [None, *listed[:-1]]
        return sum(-math.log(self.chances(one)[other]) for one, other in zip(before, listed, strict=True))

    def read(self, sequence: Symbols) -> tuple[float, float]:
        """Return the number of symbols and -ln of the chance of a sequence before it is learned, and learn by it."""
        nats, before = self.judge(sequence), None
        for symbol in checked(sequence, self.n_symbols):
            self._weight /= self.rule.theta
            self._seen[symbol] += self._weight
            if before is not None:
                self._pairs[before, symbol] += self._weight
            before = symbol
            if self._weight > HEAVIEST:
                self._seen, self._pairs, self._weight = self._seen / self._weight, self._pairs / self._weight, 1.0
        return float(len(sequence)), nats

    def recall(self, first: int, length: int, rng: np.random.Generator) -> list[int]:
        """Return `first` and transitions drawn by their chances."""
        said = checked(np.array([first], np.int32), self.n_symbols)
        while len(said) < length:
            said.append(drawn(self.chances(said[-1]), rng))
        return said[:length]


# ---- longer contexts -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Backoff:
    """How contexts are learned: `order` symbols of context at most; `theta` is left of a count after a symbol."""

    order: int = 5
    theta: float = 1.0

    def __post_init__(self) -> None:
        if self.order < 0 or not 0 < self.theta <= 1:
            raise UserError(f"order is 0 or more, theta above 0 and up to 1; got {self.order} and {self.theta}.")


@dataclass(eq=False)
class NGramReader:
    """Somebody who predicts a symbol by the last ones, by interpolation (Witten & Bell, 1991, method C).

    P(s | h) = (c(hs) + T(h) P(s | h')) / (c(h) + T(h)), where c counts, T(h) is how many symbols ever came after h, and
    h' is h without its first symbol; without any context, P is 1 / n_symbols. Contexts begin anew with a sequence.
    With fading T does not fade: less is left to a context the longer it was not met.
    """

    n_symbols: int
    rule: Backoff = Backoff()
    _after: dict[tuple[int, ...], dict[int, float]] = field(default_factory=dict)
    _totals: dict[tuple[int, ...], float] = field(default_factory=dict)
    _weight: float = 1.0

    def _contexts(self, read: list[int], place: int) -> list[tuple[int, ...]]:
        """Return the contexts of a place, the shortest first: nothing, the last symbol, the last two, ..."""
        return [tuple(read[place - k : place]) for k in range(min(self.rule.order, place) + 1)]

    def _chance(self, symbol: int, contexts: list[tuple[int, ...]]) -> float:
        p = 1 / self.n_symbols
        for context in contexts:
            after = self._after.get(context)
            if after is None:
                # A longer one was not met either.
                break
            p = (after.get(symbol, 0.0) / self._weight + len(after) * p) / (
                self._totals[context] / self._weight + len(after)
            )
        return p

    def chances(self, before: Symbols | list[int]) -> Array:
        """Return the chance of each symbol (n_symbols,) after these, of which there may be none."""
        read = [int(symbol) for symbol in before]
        contexts = self._contexts(read, len(read))
        return np.array([self._chance(symbol, contexts) for symbol in range(self.n_symbols)])

    def judge(self, sequence: Symbols) -> float:
        """Return -ln of the chance of a sequence, in nats, by what was read before it."""
        read = checked(sequence, self.n_symbols)
        return sum(-math.log(self._chance(symbol, self._contexts(read, k))) for k, symbol in enumerate(read))

    def read(self, sequence: Symbols) -> tuple[float, float]:
        """Return the number of symbols and the nats of the prequential code: each is predicted, then learned."""
        read, nats = checked(sequence, self.n_symbols), 0.0
        for place, symbol in enumerate(read):
            contexts = self._contexts(read, place)
            nats -= math.log(self._chance(symbol, contexts))
            self._learn(symbol, contexts)
        return float(len(read)), nats

    def _learn(self, symbol: int, contexts: list[tuple[int, ...]]) -> None:
        weight = self._weight = self._weight / self.rule.theta
        for context in contexts:
            after = self._after.setdefault(context, {})
            after[symbol] = after.get(symbol, 0.0) + weight
            self._totals[context] = self._totals.get(context, 0.0) + weight
        if weight > HEAVIEST:
            self._after = {
                context: {each: n / weight for each, n in after.items()} for context, after in self._after.items()
            }
            self._totals = {context: n / weight for context, n in self._totals.items()}
            self._weight = 1.0

    def recall(self, first: int, length: int, rng: np.random.Generator) -> list[int]:
        """Return `first` and symbols drawn by their chances after all that was said before them."""
        said = checked(np.array([first], np.int32), self.n_symbols)
        while len(said) < length:
            said.append(drawn(self.chances(said), rng))
        return said[:length]


# ---- models ----------------------------------------------------------------------------------------------------------


def associations(rule: Associations = Associations(), *, name: str = "associative") -> SequenceModel:
    """Return the associative learner with these settings."""

    def reader(n_symbols: int, _: np.random.Generator) -> AssociativeReader:
        return AssociativeReader(n_symbols, rule)

    return SequenceModel(
        name, 1, "step", "Wu, Thalmann & Schulz (2023), baseline", read=one_by_one(reader), reader=reader
    )


def ngrams(rule: Backoff = Backoff(), *, name: str = "ngram") -> SequenceModel:
    """Return the n-gram model with these settings; it compresses by the prequential code, which has no dictionary."""

    def reader(n_symbols: int, _: np.random.Generator) -> NGramReader:
        return NGramReader(n_symbols, rule)

    def compress(sequence: Symbols, n_symbols: int, seed: int) -> Compression:
        nats = NGramReader(n_symbols, rule).read(sequence)[1]
        counts: NDArray[np.intp] = np.bincount(sequence, minlength=n_symbols)
        return Compression(
            units=len(sequence), nats=nats, entries=n_symbols, variables=0, storage=storage_of(counts.tolist()),
            fillers=0.0, dictionary=0.0, two_part=nats,
        )  # fmt: skip

    return SequenceModel(
        name, 1, "step", "Witten & Bell (1991)", read=one_by_one(reader), compress=compress, reader=reader
    )


associative_learner: Final = associations()
"""Pairs that fade by .996 a symbol: what a learner without chunks can know."""
ngram: Final = ngrams()
"""What follows up to five symbols."""
