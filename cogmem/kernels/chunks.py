"""Chunks and variables of many sequences at once: people who learn by theirs, and texts that are read again and again.

`learn` and `compress` are what `kernels.lexicon` does, replica by replica: its Python is the meaning.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cogmem.errors import UserError
from cogmem.kernels import random
from cogmem.kernels.arguments import array, count, seed_key
from cogmem.kernels.chunk_readers import (
    DICTIONARY,
    ENTRIES,
    FILLER_NATS,
    N_VARIABLES,
    NATS,
    RANGE,
    STORAGE,
    TOLD,
    UNITS,
)
from cogmem.kernels.chunk_rules import BATCH, PUBLISHED, Rule
from cogmem.kernels.kernel import Kernel
from cogmem.kernels.lexicon import Lexicon, Parse, learned

Array = NDArray[np.float64]
Symbols = NDArray[np.int32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Learned:
    """What came of the sequences of each replica, (replicas, sequences): `units` of the parse and `nats`, -ln of the
    product of their shares once it was learned; `recalled` (replicas, sequences, longest), -1 behind the end, or
    (replicas, 0, longest) where nothing was to be said.
    """

    units: NDArray[np.int32]
    nats: Array
    recalled: Symbols


@dataclass(frozen=True, eq=False)
class Compressed:
    """What a lexicon makes of each sequence, (sequences,): see `subjects.chunking.Compression` for what they are."""

    units: Array
    nats: Array
    entries: Array
    variables: Array
    storage: Array
    fillers: Array
    dictionary: Array


def told(lexicon: Lexicon, parse: Parse, n_symbols: int) -> list[float]:
    """Return the numbers of a lexicon that has read one sequence, in the order of `UNITS` and what follows.

    The dictionary tells chunks that were used, as units or for a variable, element by element with an end mark; of
    variables what they stood for; and how often each unit came, of symbols and such chunks, and each filler.
    """
    counts = [lexicon.count(chunk) for chunk in range(len(lexicon.contents))]
    stood = [[(node, n) for node, n in fillers.items() if n > 0] for fillers in lexicon.variables]
    stood = [fillers for fillers in stood if fillers]
    named = {node for fillers in stood for node, _ in fillers}
    needed = [content for chunk, content in enumerate(lexicon.contents)
              if len(content) > 1 and (counts[chunk] > 0 or chunk in named)]  # fmt: skip
    found, total = [0.0] * TOLD, sum(counts)
    found[UNITS], found[NATS] = len(parse.units), parse.nats
    found[ENTRIES], found[N_VARIABLES] = len(counts), len(lexicon.variables)
    found[STORAGE] = sum(-math.log(n / total) for n in counts if n > 0)
    sums = [sum(n for _, n in fillers) for fillers in stood]
    found[FILLER_NATS] = sum(-n * math.log(n / whole)
                             for fillers, whole in zip(stood, sums, strict=True) for _, n in fillers)  # fmt: skip
    found[DICTIONARY] = (
        sum(len(content) + 1 for content in needed) * math.log(n_symbols + len(stood) + 1)
        + sum(len(fillers) + 1 for fillers in stood) * math.log(n_symbols + len(needed) + len(stood) + 1)
        + sum(_ways(whole, len(fillers)) for fillers, whole in zip(stood, sums, strict=True))
        + _ways(len(parse.units), n_symbols + len(needed))
    )
    return found


def _ways(n: float, kinds: int) -> float:
    return math.lgamma(n + kinds) - math.lgamma(kinds) - math.lgamma(n + 1)


# ---- the meaning -----------------------------------------------------------------------------------------------------


def _draws(key: tuple[int, int], person: int, sequence: int) -> Callable[[], float]:
    """Return what gives the next number in (0, 1) for a sequence of a person."""
    drawn = 0

    def draw() -> float:
        nonlocal drawn
        word = random.block(key, person, drawn // 4, sequence)[drawn % 4]
        drawn += 1
        return (float(word) + 0.5) * RANGE

    return draw


def _learn(
    sequences: Symbols, of: NDArray[np.int32], rules: Sequence[Rule], abstraction: Flags, n_symbols: int,
    key: tuple[int, int] | None,
) -> Learned:  # fmt: skip
    n, longest = sequences.shape[1:]
    units, nats = np.zeros((len(of), n), np.int32), np.zeros((len(of), n))
    recalled = np.full((len(of), n if key else 0, longest), -1, np.int32)
    for i, stream in enumerate(of):
        lexicon = Lexicon(rules[i])
        for k, padded in enumerate(sequences[stream]):
            sequence = padded[padded >= 0].tolist()
            parse = lexicon.read(sequence, abstraction=bool(abstraction[i]))
            units[i, k], nats[i, k] = len(parse.units), parse.nats
            if key:
                recalled[i, k, : len(sequence)] = lexicon.say(sequence[0], len(sequence), _draws(key, i, k))
    return Learned(units, nats, recalled)


def _compress(
    sequences: Symbols, rule: Rule, abstraction: bool, n_symbols: int, times: int, bits: float, most: int
) -> Array:
    found = []
    for padded in sequences:
        sequence = padded[padded >= 0].tolist()
        lexicon, parse = learned(sequence, abstraction=abstraction, rule=rule, iterations=times, bits=bits, most=most)
        found.append(told(lexicon, parse, n_symbols))
    return np.array(found)


LEARN: Final[Kernel[Callable[..., Learned]]] = Kernel(
    "learn_chunks", _learn, "cogmem.kernels.cpu.chunks:learn", "cogmem.kernels.cuda.chunks:learn"
)
COMPRESS: Final[Kernel[Callable[..., Array]]] = Kernel(
    "compress_by_chunks", _compress, "cogmem.kernels.cpu.chunks:compress", "cogmem.kernels.cuda.chunks:compress"
)


def _symbols(who: str, sequences: ArrayLike, axes: int, n_symbols: int) -> Symbols:
    found: Symbols = array(who, "sequences", sequences, np.int64, (None,) * axes)
    if not found.size or found.min() < -1 or found.max() >= n_symbols or (found[..., 0] < 0).any():
        raise UserError(
            f"{who} needs sequences of one symbol or more, numbered from 0 to {n_symbols - 1}, with -1 behind the end; "
            f"got {f'{found.min()} to {found.max()}' if found.size else 'none'}."
        )
    if ((found[..., 1:] >= 0) & (found[..., :-1] < 0)).any():
        raise UserError(f"{who} got a symbol behind the end (-1) of its sequence; put symbols first.")
    return found


def learn(
    sequences: ArrayLike,
    *,
    n_symbols: int,
    rules: Rule | Sequence[Rule] = PUBLISHED,
    of: ArrayLike | None = None,
    abstraction: ArrayLike = True,
    recall: int | None = None,
    backend: str = "auto",
) -> Learned:
    """Return what comes of streams of sequences (streams, sequences, longest) that replicas read in order.

    A replica is a stream and a rule: replica i reads stream of[i] (None: stream i, one replica each) by rules[i] (one
    rule: all by it), with variables where abstraction[i]. With a seed in `recall` each sequence is said after it was
    read, from its first symbol on.
    """
    who = LEARN.name
    symbols = count(who, "n_symbols", n_symbols)
    streams = _symbols(who, sequences, 3, symbols)
    read = np.arange(len(streams)) if of is None else array(who, "of", of, np.int32, (None,))
    every = [rules] * len(read) if isinstance(rules, Rule) else list(rules)
    if len(every) != len(read) or (read.size and (read.min() < 0 or read.max() >= len(streams))):
        raise UserError(
            f"{who} needs a rule a replica, and streams from 0 to {len(streams) - 1}; got {len(every)} rules for "
            f"{len(read)} replicas of streams {read.min(initial=0)} to {read.max(initial=0)}."
        )
    varied = np.broadcast_to(np.asarray(abstraction, dtype=bool), read.shape)
    key = None if recall is None else seed_key(who, recall)
    return LEARN.on(backend)(streams, read.astype(np.int32), every, varied.copy(), symbols, key)


def compress(
    sequences: ArrayLike,
    *,
    n_symbols: int,
    rule: Rule = BATCH,
    abstraction: bool = True,
    times: int = 10,
    bits: float = -math.log2(0.01),
    most: int = 10,
    backend: str = "auto",
) -> Compressed:
    """Return what lexica make of sequences (sequences, longest), each by itself, that they read up to `times` times.

    After each reading up to `most` chunks are made, or as many as have `bits` together, and with `abstraction`
    variables (see `kernels.lexicon.learned`).
    """
    who = COMPRESS.name
    symbols = count(who, "n_symbols", n_symbols)
    read = _symbols(who, sequences, 2, symbols)
    times, most = count(who, "times", times), count(who, "most", most)
    if not bits >= 0:
        raise UserError(f"{who} needs bits of 0 or more; got {bits}.")
    found = COMPRESS.on(backend)(read, rule, bool(abstraction), symbols, times, float(bits), most)
    return Compressed(*found.T)


def stacked(rules: Sequence[Rule]) -> Array:
    """Return rules as rows of numbers."""
    distinct = {id(rule): rule for rule in rules}  # most often one for all
    numbers = {key: rule.numbers() for key, rule in distinct.items()}
    return np.array([numbers[id(rule)] for rule in rules])


def own_key(key: tuple[int, int] | None) -> NDArray[np.uint64]:
    """Return a seed's words as an array; zeros where nothing is drawn."""
    return np.array(key or (0, 0), np.uint64)
