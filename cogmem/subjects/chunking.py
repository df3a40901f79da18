"""Readers of sequences: what learns chunks of symbols, how many units it makes of a sequence, and how unlikely it is.

A sequence is symbols 0, 1, ..., of which there are `n_symbols`. People read sequences one after another and learn by
each (`SequenceModel.read`); a text is read as often as the model likes (`SequenceModel.compress`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Kind
from cogmem.errors import UserError

Array = NDArray[np.float64]
Symbols = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Streams:
    """What people read: `sequences` (people, sequences, longest), each sequence followed by -1 up to the longest.

    `varied` (people,): who is trained on sequences with places that vary; some models learn variables only there.
    """

    sequences: Symbols
    n_symbols: int
    varied: NDArray[np.bool_]

    def __post_init__(self) -> None:
        given = np.array(self.sequences, np.int32)
        if given.ndim != 3 or not given.size or self.varied.shape != given.shape[:1]:
            raise UserError(
                "Sequences are (people, sequences, symbols), with one `varied` a person; got "
                f"{given.shape} and {self.varied.shape}."
            )
        if given.max() >= self.n_symbols or given.min() < -1 or (given[..., 0] < 0).any():
            raise UserError(
                f"Symbols are 0 to {self.n_symbols - 1}, one or more a sequence, and -1 after its last; got "
                f"{given.min()} to {given.max()}{', and an empty sequence' if (given[..., 0] < 0).any() else ''}."
            )
        if ((given[..., 1:] >= 0) & (given[..., :-1] < 0)).any():
            raise UserError("A symbol comes after the end (-1) of its sequence; put the symbols first.")
        given.setflags(write=False)
        object.__setattr__(self, "sequences", given)

    def of(self, person: int) -> list[Symbols]:
        """Return a person's sequences without what is behind their ends."""
        return [each[: int((each >= 0).sum())] for each in self.sequences[person]]


@dataclass(frozen=True, eq=False)
class Readings:
    """What came of each sequence, (people, sequences) each: `units` of its parse, and `nats`, -ln of its chance.

    Where a model has no chances `nats` is whatever it has in their place (say, its error), and higher is less expected.
    `recalled` (people, sequences, longest): what is said after each sequence was read, -1 for nothing; of shape
    (0, 0, 0) where it was not asked for or the model cannot recall.
    """

    units: Array
    nats: Array
    recalled: Symbols


NOTHING_RECALLED: Final = np.zeros((0, 0, 0), np.int32)


@dataclass(frozen=True)
class Compression:
    """What a model makes of one sequence that it may read as often as it likes.

    `units`: of its last parse. `nats`: sum of -ln of the shares of these units among themselves. `entries`: units that
    are known, symbols included; `variables`: how many it has. `storage`: sum over used entries of -ln of their share.
    `fillers`: nats to tell what each variable stood for. `dictionary`: nats to tell the entries and their counts.
    `two_part`: nats from which, knowing only the number of symbols and units, the sequence can be told in whole.
    """

    units: int
    nats: float
    entries: int
    variables: int
    storage: float
    fillers: float
    dictionary: float
    two_part: float


def checked(sequence: Symbols, n_symbols: int) -> list[int]:
    """Return the symbols of a sequence as a list; UserError where it has none, or one that is not below n_symbols."""
    given = np.asarray(sequence)
    if given.ndim != 1 or not given.size or not np.issubdtype(given.dtype, np.integer):
        raise UserError(
            f"A sequence is one row of one or more integers; got {given.dtype} of shape {given.shape}, so number its "
            "symbols from 0."
        )
    if given.min() < 0 or given.max() >= n_symbols:
        raise UserError(
            f"Symbols are 0 to {n_symbols - 1}; got {given.min()} to {given.max()}, so number them anew, or name more."
        )
    symbols: list[int] = given.tolist()
    return symbols


def nats_of(counts: Iterable[float]) -> float:
    """Return the nats of units by their shares: sum of -n ln(n / N) over units that came n times of N."""
    n = np.array([each for each in counts if each > 0], np.float64)
    return float(-(n * np.log(n / n.sum())).sum()) if n.size else 0.0


def storage_of(counts: Iterable[float]) -> float:
    """Return the sum over units of -ln of their share (Wu et al., 2025)."""
    n = np.array([each for each in counts if each > 0], np.float64)
    return float(-np.log(n / n.sum()).sum()) if n.size else 0.0


def counts_nats(n_units: int, n_entries: int) -> float:
    """Return the nats that tell how often each of `n_entries` comes among `n_units`: ln of the number of ways."""
    if n_entries < 1:
        return 0.0
    return math.lgamma(n_units + n_entries) - math.lgamma(n_entries) - math.lgamma(n_units + 1)


def spelled_nats(lengths: Iterable[int], n_choices: int) -> float:
    """Return the nats of entries told element by element: each element, and an end mark, one of n_choices + 1."""
    return sum(length + 1 for length in lengths) * math.log(n_choices + 1)


def coded(counts: Collection[int], *, entries: int, dictionary: float) -> Compression:
    """Return the compression to units without variables that came so often each: their shares, then the dictionary."""
    nats = nats_of(counts)
    return Compression(
        units=sum(counts), nats=nats, entries=entries, variables=0, storage=storage_of(counts), fillers=0.0,
        dictionary=dictionary, two_part=nats + dictionary,
    )  # fmt: skip


class Reader(Protocol):
    """Somebody who reads sequences one by one and learns by each."""

    def read(self, sequence: Symbols) -> tuple[float, float]:
        """Return units and nats (see `Readings`) of a sequence, and learn by it."""
        ...

    def judge(self, sequence: Symbols) -> float:
        """Return how unexpected a sequence is that is not learned: nats, or a mean error where there are no chances."""
        ...


@runtime_checkable
class Recaller(Reader, Protocol):
    """A reader who can also say a sequence."""

    def recall(self, first: int, length: int, rng: np.random.Generator) -> Sequence[int]:
        """Return a sequence of this length that begins with the symbol `first`, as memory has it; -1 for nothing."""
        ...


@dataclass(frozen=True)
class SequenceModel:
    """A model of how sequences are learned: `read` one after another, and `compress`ed as a whole, if it can.

    `read(streams, seed, recall)` and `compress(sequence, n_symbols, seed)` give the same for the same seed.
    """

    name: str
    version: int
    kind: Kind
    reference: str
    read: Callable[[Streams, int, bool], Readings] | None = None
    compress: Callable[[Symbols, int, int], Compression] | None = None
    reader: Callable[[int, np.random.Generator], Reader] | None = None
    """One person's reader of so many symbols, where the model has one."""


def one_by_one(start: Callable[[int, np.random.Generator], Reader]) -> Callable[[Streams, int, bool], Readings]:
    """Return `SequenceModel.read` of readers who are started anew for each person."""

    def read(streams: Streams, seed: int, recall: bool = False) -> Readings:
        people, n, longest = streams.sequences.shape
        units, nats = np.zeros((people, n)), np.zeros((people, n))
        recalled = np.full((people, n, longest), -1, np.int32)
        able = False
        for person in range(people):
            learning, saying = (np.random.default_rng([seed, person, part]) for part in range(2))
            reader = start(streams.n_symbols, learning)
            able = recall and isinstance(reader, Recaller)
            for k, sequence in enumerate(streams.of(person)):
                units[person, k], nats[person, k] = reader.read(sequence)
                if recall and isinstance(reader, Recaller):
                    said = reader.recall(int(sequence[0]), len(sequence), saying)
                    recalled[person, k, : len(said)] = said
        return Readings(units, nats, recalled if able else NOTHING_RECALLED)

    return read
