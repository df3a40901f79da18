"""Compressors as rivals of models that learn chunks: LZ78, and symbols alone, the base line (see also
`compressors_grammar`: byte pair encoding and Sequitur).

A compressor cuts a sequence into units, as a model of chunking does, so that both can be laid side by side: how many
units, how unlikely these are, and what it costs to tell the units themselves. Nothing is drawn; seeds change nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from cogmem.subjects.chunking import (
    Compression,
    SequenceModel,
    Symbols,
    checked,
    coded,
    counts_nats,
    nats_of,
    one_by_one,
    storage_of,
)


def uniform_nats(sequence: Symbols, n_symbols: int) -> float:
    """Return the nats of a sequence whose symbols are all equally likely, n ln(n_symbols): what every code must beat.

    >>> round(uniform_nats(np.array([0, 1, 1, 0], np.int32), 2) / math.log(2), 9)
    4.0
    """
    return len(checked(sequence, n_symbols)) * math.log(n_symbols)


def integer_nats(n: int) -> float:
    """Return the nats of a number from 0 on that nothing is known about: the gamma code of n + 1 (Elias, 1975).

    It has 2 floor(log2(n + 1)) + 1 bits, and says by itself where it ends.
    """
    return (2 * (n + 1).bit_length() - 1) * math.log(2)


def surprise(units: Iterable[int], counts: Counter[int]) -> float:
    """Return the sum over units of -ln of their share in all counts, in nats."""
    total = counts.total()
    return sum(math.log(total / counts[unit]) for unit in units)


# ---- symbols alone ---------------------------------------------------------------------------------------------------


@dataclass
class SymbolReader:
    """Reads symbols as units and counts them from sequence to sequence."""

    n_symbols: int
    counts: Counter[int] = field(default_factory=Counter)

    def read(self, sequence: Symbols) -> tuple[float, float]:
        """Return the number of symbols, and -ln of their shares in all read so far, these included; count them."""
        units = checked(sequence, self.n_symbols)
        self.counts.update(units)
        return float(len(units)), surprise(units, self.counts)

    def judge(self, sequence: Symbols) -> float:
        """Return the nats that `read` would return, and count nothing."""
        return SymbolReader(self.n_symbols, self.counts.copy()).read(sequence)[1]


def _alone(sequence: Symbols, n_symbols: int, seed: int) -> Compression:
    """Return what symbols alone make of a sequence: its symbols are the units, and those that occur the entries.

    `two_part` tells how often each of n_symbols comes, and then each by its share.
    """
    symbols = checked(sequence, n_symbols)
    counts = Counter(symbols)
    return coded(counts.values(), entries=len(counts), dictionary=counts_nats(len(symbols), n_symbols))


def _alone_reader(n_symbols: int, rng: np.random.Generator) -> SymbolReader:
    return SymbolReader(n_symbols)


symbols_alone: Final = SequenceModel(
    name="symbols_alone",
    version=1,
    kind="equation",
    reference="Shannon (1948): the entropy of symbols by their shares, of order 0",
    read=one_by_one(_alone_reader),
    compress=_alone,
    reader=_alone_reader,
)


# ---- LZ78 ------------------------------------------------------------------------------------------------------------


def _cut(symbols: Iterable[int], n_symbols: int, known: dict[int, int]) -> list[int]:
    """Return the numbers, from 1, of the phrases of a sequence, and add those that are new to `known`.

    `known`: number by (number of the phrase without its last symbol, 0 for none) * n_symbols + last symbol. What is
    left at the end is a known phrase.
    """
    units, phrase = [], 0
    for symbol in symbols:
        key = phrase * n_symbols + symbol
        longer = known.get(key)
        if longer is None:
            known[key] = len(known) + 1
            units.append(len(known))
            phrase = 0
        else:
            phrase = longer
    return [*units, phrase] if phrase else units


def lz78_pairs(sequence: Symbols, n_symbols: int) -> list[tuple[int, int]]:
    """Return the phrases of a sequence as LZ78 tells them: (number of an earlier phrase, from 1, or 0, and a symbol).

    A phrase is the longest known one and a symbol more (Ziv & Lempel, 1978); what is left at the end counts as one.

    >>> lz78_pairs(np.array([0, 1, 0, 1, 0, 1, 0, 1], np.int32), 2)  # a, b, ab, aba, b
    [(0, 0), (0, 1), (1, 1), (3, 0), (0, 1)]
    """
    known: dict[int, int] = {}
    units = _cut(checked(sequence, n_symbols), n_symbols, known)
    keys = list(known)
    return [divmod(keys[unit - 1], n_symbols) for unit in units]


@dataclass
class PhraseReader:
    """Reads sequences by LZ78: the phrases of one are known in the next, and a phrase ends where its sequence ends."""

    n_symbols: int
    known: dict[int, int] = field(default_factory=dict)
    counts: Counter[int] = field(default_factory=Counter)

    def read(self, sequence: Symbols) -> tuple[float, float]:
        """Return the number of phrases, and -ln of their shares in all phrases so far, these included; learn them."""
        units = _cut(checked(sequence, self.n_symbols), self.n_symbols, self.known)
        self.counts.update(units)
        return float(len(units)), surprise(units, self.counts)

    def judge(self, sequence: Symbols) -> float:
        """Return the nats that `read` would return, and learn nothing."""
        return PhraseReader(self.n_symbols, dict(self.known), self.counts.copy()).read(sequence)[1]


def _lz78(sequence: Symbols, n_symbols: int, seed: int) -> Compression:
    """Return what LZ78 makes of a sequence: its phrases are the units, nearly all different, and the entries.

    Entries are the different phrases, and the symbols that occur only within them. `two_part` tells phrase k = 1, 2,
    ... by one of the k - 1 earlier ones or none, ln k, and a symbol, ln(n_symbols): written out one after another they
    are the sequence, the last one too, which may be known already. So to tell the phrases is to tell the sequence:
    `dictionary` is `two_part`, and `nats`, by shares as of other models, is no part of it.
    """
    symbols, known = checked(sequence, n_symbols), dict[int, int]()
    units = _cut(symbols, n_symbols, known)
    counts = Counter(units)
    within = set(symbols) - {key for key in known if key < n_symbols}
    two_part = math.lgamma(len(units) + 1) + len(units) * math.log(n_symbols)
    return Compression(
        units=len(units), nats=nats_of(counts.values()), entries=len(known) + len(within), variables=0,
        storage=storage_of(counts.values()), fillers=0.0, dictionary=two_part, two_part=two_part,
    )  # fmt: skip


def _lz78_reader(n_symbols: int, rng: np.random.Generator) -> PhraseReader:
    return PhraseReader(n_symbols)


lz78: Final = SequenceModel(
    name="lz78",
    version=1,
    kind="equation",
    reference="Ziv & Lempel (1978), the longest known phrase and a symbol more",
    read=one_by_one(_lz78_reader),
    compress=_lz78,
    reader=_lz78_reader,
)
