"""HVM and HCM: sequences learned as chunks and variables (Wu, Thalmann, Dayan, Akata & Schulz, 2025), or chunks alone.

People read one sequence after another and learn by each: `nats` are of a parse by shares of chunks, once the sequence
was learned, as published. HCM (Wu, Elteto, Dasgupta & Schulz, 2022) makes no variables; HVM makes them for people who
are trained with places that vary, as in the published fits, `hvm_for_all` for everybody. The kernel is
`kernels.chunks`; `kernels.lexicon` is what it means, and shows chunks and variables by themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.kernels.chunk_rules import BATCH, BATCH_FULL, PUBLISHED, Rule
from cogmem.kernels.chunks import compress, learn, told
from cogmem.kernels.lexicon import Lexicon, Parse
from cogmem.subjects.chunking import NOTHING_RECALLED, Compression, Readings, SequenceModel, Streams, Symbols, checked

READINGS: Final = 25
"""Times that a text is read at most, as in the published runs."""
BITS: Final = -math.log2(0.01)
MOST: Final = 10

_Who = Callable[[Streams], NDArray[np.bool_]]


class HVMReader:
    """Somebody who reads with a lexicon, `lexicon`, which may be looked at; with `abstraction` it makes variables."""

    def __init__(self, n_symbols: int, *, rule: Rule = PUBLISHED, abstraction: bool = True) -> None:
        self.n_symbols, self.abstraction, self.lexicon = n_symbols, abstraction, Lexicon(rule)

    def read(self, sequence: Symbols) -> tuple[float, float]:
        """Return units and nats of a sequence after it was learned."""
        parse = self.lexicon.read(checked(sequence, self.n_symbols), abstraction=self.abstraction)
        return float(len(parse.units)), parse.nats

    def judge(self, sequence: Symbols) -> float:
        """Return the nats of a sequence, each unit counted once more so that none is impossible; nothing is learned."""
        read = self.lexicon.read(checked(sequence, self.n_symbols), learn=False)
        total = sum(self.lexicon.count(chunk) for chunk in range(len(self.lexicon.contents))) + len(read.units)
        return sum(-math.log((self.lexicon.count(unit) + read.units.count(unit)) / total) for unit in read.units)

    def recall(self, first: int, length: int, rng: np.random.Generator) -> list[int]:
        """Return a sequence that begins with a symbol (see `Lexicon.say`)."""
        return self.lexicon.say(first, length, lambda: float(rng.random()))


def compressed(lexicon: Lexicon, parse: Parse, n_symbols: int) -> Compression:
    """Return what a lexicon makes of a sequence that it has read, with counts of that alone."""
    units, nats, entries, variables, storage, fillers, dictionary = told(lexicon, parse, n_symbols)
    return _compression(units, nats, entries, variables, storage, fillers, dictionary)


def _compression(
    units: float, nats: float, entries: float, variables: float, storage: float, fillers: float, dictionary: float
) -> Compression:
    return Compression(
        int(units), nats, int(entries), int(variables), storage, fillers, dictionary, nats + fillers + dictionary
    )


def chunk_learner(
    name: str, who: _Who, *, abstraction: bool, rule: Rule = PUBLISHED, batch: Rule = BATCH, backend: str = "auto"
) -> SequenceModel:
    """Return a learner of chunks; `who` of the people makes variables, too, and `abstraction` says whether texts do."""

    def read(streams: Streams, seed: int, recall: bool = False) -> Readings:
        found = learn(
            streams.sequences, n_symbols=streams.n_symbols, rules=rule, abstraction=who(streams),
            recall=seed if recall else None, backend=backend,
        )  # fmt: skip
        said = found.recalled if recall else NOTHING_RECALLED
        return Readings(found.units.astype(np.float64), found.nats, said)

    def compress_one(sequence: Symbols, n_symbols: int, seed: int) -> Compression:
        found = compress(
            np.asarray(checked(sequence, n_symbols))[None], n_symbols=n_symbols, rule=batch, abstraction=abstraction,
            times=READINGS, bits=BITS, most=MOST, backend=backend,
        )  # fmt: skip
        numbers = found.units, found.nats, found.entries, found.variables, found.storage, found.fillers
        units, nats, entries, variables, storage, fillers = (float(each[0]) for each in numbers)
        return _compression(units, nats, entries, variables, storage, fillers, float(found.dictionary[0]))

    def reader(n_symbols: int, _: np.random.Generator) -> HVMReader:
        return HVMReader(n_symbols, rule=rule, abstraction=abstraction)

    reference = "Wu, Thalmann, Dayan, Akata & Schulz (2025)" if abstraction else "Wu, Elteto, Dasgupta & Schulz (2022)"
    return SequenceModel(name, 1, "step", reference, read=read, compress=compress_one, reader=reader)


hvm: Final = chunk_learner("hvm", lambda streams: streams.varied, abstraction=True)
"""Variables for those who are trained with places that vary, and in texts."""
hvm_for_all: Final = chunk_learner("hvm_for_all", lambda streams: np.ones_like(streams.varied), abstraction=True)
"""Variables for everybody: what HVM makes of people who are trained with one sequence if it is not told."""
hvm_full: Final = replace(
    chunk_learner("hvm_full", lambda streams: streams.varied, abstraction=True, batch=BATCH_FULL),
    read=None,
    reader=None,
)
"""Of texts alone: variables of whatever stands between two chunks, which makes many."""
hcm: Final = chunk_learner("hcm", lambda streams: np.zeros_like(streams.varied), abstraction=False)
"""Chunks alone."""
