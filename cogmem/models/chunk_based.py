"""The chunk-based learner: chunks end where the way back is unlikely (McCauley & Christiansen, 2011, 2019).

Symbol by symbol, how likely the last one was given this one is compared with the mean of such chances. Above it the two
are in one chunk; below it a chunk ends, unless the two were inside of chunks before. Chunks and their successions are
counted, and sequences are said chunk by chunk by the same backward chances. Nothing fades.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from cogmem.errors import UserError
from cogmem.models.parser import Unit, compression
from cogmem.subjects.chunking import Compression, SequenceModel, Symbols, checked, one_by_one

BEGINNING: Final[Unit] = ()
"""What the first chunk of a sequence follows."""


@dataclass(frozen=True)
class Chunking:
    """How chunks are made: two symbols that were so often inside of chunks (`held`) are not taken apart any more."""

    held: int = 2

    def __post_init__(self) -> None:
        if self.held < 1:
            raise UserError(f"Two symbols are held together after once or more; got {self.held}.")


@dataclass
class Mean:
    """The mean of the chances back of pairs, each with the last one that it had, as in the published program."""

    last: dict[tuple[int, int], float] = field(default_factory=dict)
    total: float = 0.0

    def update(self, pair: tuple[int, int], chance: float) -> None:
        """Put the chance in the place of the last one of this pair."""
        self.total += chance - self.last.get(pair, 0.0)
        self.last[pair] = chance

    @property
    def value(self) -> float:
        """0 where there is none."""
        return self.total / len(self.last) if self.last else 0.0


@dataclass(eq=False)
class ChunkReader:
    """Somebody who counts symbols, pairs and chunks; `chunks` is the chunkatory, with how often each was a chunk."""

    n_symbols: int
    rule: Chunking = Chunking()
    chunks: Counter[Unit] = field(default_factory=Counter)
    _symbols: Counter[int] = field(default_factory=Counter)
    _pairs: Counter[tuple[int, int]] = field(default_factory=Counter)
    _inside: Counter[tuple[int, int]] = field(default_factory=Counter)
    _successions: Counter[tuple[Unit, Unit]] = field(default_factory=Counter)
    _mean: Mean = field(default_factory=Mean)
    _last: list[int] = field(default_factory=list)

    # ---- parsing --------------------------------------------------------------------------------------------------

    def back(self, before: int, symbol: int) -> float:
        """Return the chance that `before` was before a symbol: count of the pair / count of the symbol."""
        return self._pairs[before, symbol] / self._symbols[symbol] if self._symbols[symbol] else 0.0

    def _ends(self, before: int, symbol: int) -> bool:
        """Return whether a chunk ends between two symbols."""
        return self.back(before, symbol) < self._mean.value and self._inside[before, symbol] < self.rule.held

    def parse(self, sequence: Symbols) -> list[Unit]:
        """Return the chunks of a sequence by what was learned before it, without learning."""
        listed = checked(sequence, self.n_symbols)
        chunks = [[listed[0]]]
        for before, symbol in pairwise(listed):
            if self._ends(before, symbol):
                chunks.append([])
            chunks[-1].append(symbol)
        return [tuple(chunk) for chunk in chunks]

    # ---- learning -------------------------------------------------------------------------------------------------

    def learn(self, sequence: Symbols) -> list[Unit]:
        """Return the chunks of a sequence as it is learned, each pair by what was counted up to its second symbol."""
        listed = checked(sequence, self.n_symbols)
        chunks = [[listed[0]]]
        self._symbols[listed[0]] += 1
        for before, symbol in pairwise(listed):
            self._count(before, symbol)
            if self._ends(before, symbol):
                chunks.append([])
            else:
                self._inside[before, symbol] += 1
            chunks[-1].append(symbol)
        made = [tuple(chunk) for chunk in chunks]
        self.chunks.update(made)
        self._successions.update(zip([BEGINNING, *made[:-1]], made, strict=True))
        self._last = listed
        return made

    def _count(self, before: int, symbol: int) -> None:
        self._symbols[symbol] += 1
        self._pairs[before, symbol] += 1
        # The way back from what came once is certain, and tells nothing.
        if self._symbols[symbol] > 1:
            self._mean.update((before, symbol), self.back(before, symbol))

    def read(self, sequence: Symbols) -> tuple[float, float]:
        """Return how many chunks a sequence was learned as, and -ln of the product of their shares afterwards."""
        made = self.learn(sequence)
        total = self.chunks.total()
        return float(len(made)), sum(math.log(total / self.chunks[chunk]) for chunk in made)

    def judge(self, sequence: Symbols) -> float:
        """Return the nats of the chunks of a sequence, counted with those of before, though it is not learned."""
        parse = self.parse(sequence)
        own, total = Counter(parse), self.chunks.total() + len(parse)
        return sum(math.log(total / (self.chunks[chunk] + own[chunk])) for chunk in parse)

    # ---- saying ---------------------------------------------------------------------------------------------------

    def bag(self, listed: Sequence[int]) -> list[Unit]:
        """Return the chunks to say: from left to right, the longest that is known, or a symbol."""
        longest = max(map(len, self.chunks), default=1)
        chunks, place = list[Unit](), 0
        while place < len(listed):
            sizes = range(min(longest, len(listed) - place), 1, -1)
            known = (tuple(listed[place : place + size]) for size in sizes)
            chunks.append(next((chunk for chunk in known if chunk in self.chunks), (listed[place],)))
            place += len(chunks[-1])
        return chunks

    def _next(self, before: Unit, bag: Sequence[Unit], rng: np.random.Generator) -> Unit:
        """Return the chunk of a bag from which the way back to `before` is likeliest, one of equals by chance."""
        back = [self._successions[before, chunk] / max(self.chunks[chunk], 1) for chunk in bag]
        best = [chunk for chunk, chance in zip(bag, back, strict=True) if chance == max(back)]
        return best[rng.integers(len(best))]

    def recall(self, first: int, length: int, rng: np.random.Generator) -> list[int]:
        """Return the chunks of the last sequence, put in order by the ways back; -1 when they are used up.

        As published what is said is given and only its order is remembered. What is added here: the first chunk is one
        that begins with `first`; if there is none, `first` is said alone.
        """
        checked(np.array([first], np.int32), self.n_symbols)
        bag = self.bag(self._last)
        fitting = [chunk for chunk in bag if chunk[0] == first]
        chunk = self._next(BEGINNING, fitting, rng) if fitting else (first,)
        said = list(chunk)
        if fitting:
            bag.remove(chunk)
        while bag and len(said) < length:
            chunk = self._next(chunk, bag, rng)
            bag.remove(chunk)
            said += chunk
        return (said + [-1] * length)[:length]


def chunked(rule: Chunking = Chunking(), *, readings: int = 1, name: str = "cbl") -> SequenceModel:
    """Return the learner with these settings; `compress` reads a sequence so often and parses it once more."""
    if readings < 1:
        raise UserError(f"A sequence is read once or more before it is compressed; got {readings}.")

    def reader(n_symbols: int, _: np.random.Generator) -> ChunkReader:
        return ChunkReader(n_symbols, rule)

    def compress(sequence: Symbols, n_symbols: int, seed: int) -> Compression:
        made = ChunkReader(n_symbols, rule)
        for _ in range(readings):
            made.read(sequence)
        parse = made.parse(sequence)
        known = sorted({chunk for chunk in (*made.chunks, *parse) if len(chunk) > 1})
        return compression(parse, known, n_symbols)

    return SequenceModel(
        name, 1, "step", "McCauley & Christiansen (2019)", read=one_by_one(reader), compress=compress, reader=reader
    )


chunk_based_learner: Final = chunked()
"""As published."""
