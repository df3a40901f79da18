"""Compressors whose units are made of units, as rivals of models that learn chunks: byte pair encoding and Sequitur.

Byte pair encoding is trained by `tokenizers`, Sequitur is `scikit-sequitur`; both are imported where they are needed.
Nothing is drawn; seeds change nothing.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.models.compressors import integer_nats, surprise
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

Units = NDArray[np.int64]

LINE: Final = 1_000
"""Symbols in a line: units of byte pair encoding end there, for each merge reads all lines that it changes."""
MOST_MERGES: Final = 2_000
"""Merges that are looked at where no vocabulary is given; a sequence of 1,000 symbols has fewer than 500."""
FIRST_CHARACTER: Final = 0xF0000
"""Symbols are told to `tokenizers` as characters from here on: planes 15 and 16, which are for private use."""
N_CHARACTERS: Final = 0x20000


# ---- byte pair encoding ----------------------------------------------------------------------------------------------


def merges(lines: Sequence[Sequence[int]], n_symbols: int, vocabulary: int) -> list[tuple[int, int, int]]:
    """Return the merges of lines, in order: (left entry, right entry, entry that they become).

    Entries are the symbols and then n_symbols, n_symbols + 1, ... Always the pair that comes most often is merged,
    until none comes twice or symbols that occur and entries are `vocabulary`. Of equals it is the pair with the
    lowest entries; pairs that overlap ("aaa") count as two, as `tokenizers` has it.
    """
    from tokenizers import Tokenizer
    from tokenizers.models import BPE
    from tokenizers.trainers import BpeTrainer

    if n_symbols > N_CHARACTERS:
        raise UserError(f"Byte pair encoding takes up to {N_CHARACTERS} symbols; got {n_symbols}.")
    tokenizer = Tokenizer(BPE())
    trainer = BpeTrainer(vocab_size=vocabulary, min_frequency=2, show_progress=False)
    tokenizer.train_from_iterator(
        ("".join(chr(FIRST_CHARACTER + symbol) for symbol in line) for line in lines), trainer
    )
    model: dict[str, Any] = json.loads(tokenizer.to_str())["model"]
    # What begins and ends at the ends of units was merged the same everywhere, so no two pairs spell the same.
    entries = {left + right: n_symbols + k for k, (left, right) in enumerate(model["merges"])}
    entries |= {each: ord(each) - FIRST_CHARACTER for each in model["vocab"] if len(each) == 1}
    return [(entries[left], entries[right], entries[left + right]) for left, right in model["merges"]]


def merged(units: Units, left: int, right: int, entry: int) -> Units:
    """Return units in which each pair, from left to right, became an entry.

    >>> merged(np.array([0, 0, 0, 1, 0, 0]), 0, 0, 2)
    array([2, 0, 1, 2])
    """
    places = np.flatnonzero((units[:-1] == left) & (units[1:] == right))
    if left == right and len(places) > 1:
        # Of pairs that overlap every other one is taken, from the first of the run on.
        starts = np.concatenate([[True], np.diff(places) > 1])
        places = places[(places - places[np.maximum.accumulate(np.where(starts, np.arange(len(places)), 0))]) % 2 == 0]
    if not len(places):
        return units
    whole = units.copy()
    whole[places] = entry
    return np.delete(whole, places + 1)


def _pairs_nats(n_entries: int, n_symbols: int) -> float:
    """Return the nats that tell how many entries there are, and each by two that come before it."""
    return integer_nats(n_entries) + 2 * (math.lgamma(n_symbols + n_entries) - math.lgamma(n_symbols))


def _n_ln_n(count: int) -> float:
    return count * math.log(count) if count else 0.0


def _parse(lines: Sequence[Sequence[int]], n_symbols: int, vocabulary: int | None) -> tuple[Units, int]:
    """Return the units of all lines, -1 between lines, and how many entries there are beside the symbols.

    Without a vocabulary merges are made up to where the two-part code is shortest, the first of equals.
    """
    made = merges(lines, n_symbols, vocabulary or n_symbols + MOST_MERGES)
    units: Units = np.concatenate([part for line in lines for part in ([-1], line)])[1:].astype(np.int64)
    counts = np.bincount(units[units >= 0], minlength=n_symbols + len(made)).tolist()
    n, weights = sum(counts), sum(map(_n_ln_n, counts))
    best = (_two_part(n, weights, 0, n_symbols), units, 0)
    for told, (left, right, entry) in enumerate(made, 1):
        before, units = len(units), merged(units, left, right, entry)
        k, changed = before - len(units), {left, right, entry}
        # Only three counts change, or two where a pair is twice the same.
        weights -= sum(_n_ln_n(counts[each]) for each in changed)
        for each, change in ((left, -k), (right, -k), (entry, k)):
            counts[each] += change
        n, weights = n - k, weights + sum(_n_ln_n(counts[each]) for each in changed)
        best = min(best, (_two_part(n, weights, told, n_symbols), units, told), key=lambda each: each[0])
    return best[1:] if vocabulary is None else (units, len(made))


def _two_part(n_units: int, weights: float, n_entries: int, n_symbols: int) -> float:
    """Return the two-part code of units by their number and their sum of n ln n."""
    told = _pairs_nats(n_entries, n_symbols) + counts_nats(n_units, n_symbols + n_entries)
    return told + n_units * math.log(n_units) - weights


@dataclass
class PairReader:
    """Reads sequences by byte pair encoding that is trained anew on all so far after each: milliseconds each.

    That is in proportion to what was read, so the square of it for all: 64 sequences of 12 symbols take about .2 s.
    """

    n_symbols: int
    vocabulary: int | None = None
    sequences: list[list[int]] = field(default_factory=list)

    def read(self, sequence: Symbols) -> tuple[float, float]:
        """Return the number of units of a sequence, and -ln of their shares in the units of all; learn it."""
        self.sequences.append(checked(sequence, self.n_symbols))
        units, _ = _parse(self.sequences, self.n_symbols, self.vocabulary)
        last = units[np.flatnonzero(np.concatenate([[-1], units]) < 0)[-1] :].tolist()
        return float(len(last)), surprise(last, Counter(units[units >= 0].tolist()))

    def judge(self, sequence: Symbols) -> float:
        """Return the nats that `read` would return, and learn nothing."""
        return PairReader(self.n_symbols, self.vocabulary, list(self.sequences)).read(sequence)[1]


def bpe_up_to(vocabulary: int | None) -> SequenceModel:
    """Return byte pair encoding with so many entries at most, symbols that occur included, or fewer if no pair repeats.

    None, as in `bpe`: as many as make the two-part code shortest, which is where the merges pay for themselves, of up
    to 2,000. Its compression cuts sequences into lines of 1,000 symbols. Entries of it are the symbols that occur, and
    what was made of pairs. `two_part` tells how many the latter are, each as a pair of entries that come before it, how
    often each of n_symbols and of them comes, and then each unit by its share: written out, they are the sequence.
    """
    if vocabulary is not None and vocabulary < 1:
        raise UserError(f"A vocabulary has one entry or more; got {vocabulary}.")

    def compress(sequence: Symbols, n_symbols: int, seed: int) -> Compression:
        symbols = checked(sequence, n_symbols)
        lines = [symbols[k : k + LINE] for k in range(0, len(symbols), LINE)]
        units, n_entries = _parse(lines, n_symbols, vocabulary)
        dictionary = _pairs_nats(n_entries, n_symbols)
        return _coded(units[units >= 0].tolist(), len(set(symbols)), n_symbols, n_entries, dictionary)

    def reader(n_symbols: int, rng: np.random.Generator) -> PairReader:
        return PairReader(n_symbols, vocabulary)

    return SequenceModel(
        name="bpe" if vocabulary is None else f"bpe_{vocabulary}",
        version=1,
        kind="equation",
        reference="Gage (1994); Sennrich, Haddow & Birch (2016); the merge that comes most often",
        read=one_by_one(reader),
        compress=compress,
        reader=reader,
    )


def _coded(units: list[int], n_used: int, n_symbols: int, n_made: int, contents: float) -> Compression:
    """Return the compression to units of which n_made are no symbols, told in `contents` nats."""
    dictionary = contents + counts_nats(len(units), n_symbols + n_made)
    return coded(Counter(units).values(), entries=n_used + n_made, dictionary=dictionary)


bpe: Final = bpe_up_to(None)


# ---- Sequitur --------------------------------------------------------------------------------------------------------


def sequitur_rules(sequence: Symbols, n_symbols: int) -> list[list[int]]:
    """Return the rules of Sequitur's grammar (Nevill-Manning & Witten, 1997), the start rule first.

    Elements below n_symbols are symbols, and n_symbols stands for the second rule, n_symbols + 1 for the third, ... No
    two elements follow one another twice in the rules (but for those that overlap), and each of these rules is used
    twice or more.

    >>> sequitur_rules(np.array([0, 1, 2, 0, 1, 2], np.int32), 3)
    [[3, 3], [0, 1, 2]]
    """
    from sksequitur import Parser

    parser = Parser()
    parser.feed(checked(sequence, n_symbols))
    return _rules(parser, n_symbols)


def _rules(parser: Any, n_symbols: int) -> list[list[int]]:
    from sksequitur import Grammar, Production

    grammar = Grammar(parser.tree)
    return [
        [n_symbols - 1 + int(each) if isinstance(each, Production) else each for each in grammar[rule]]
        for rule in sorted(grammar)
    ]


@dataclass
class RuleReader:
    """Reads sequences by Sequitur, whose grammar grows as it reads, which is the same as one of all so far.

    Units are those of the start rule, in which an element that never comes again ends each sequence. A sequence takes
    its symbols' time and that of a walk through the grammar: under a millisecond for 64 of 12 symbols.
    """

    n_symbols: int
    sequences: list[list[int]] = field(default_factory=list)
    _parser: Any = None

    def read(self, sequence: Symbols) -> tuple[float, float]:
        """Return the number of units of a sequence, and -ln of their shares in the units of all; learn it."""
        from sksequitur import Parser

        self.sequences.append(checked(sequence, self.n_symbols))
        fresh = self.sequences[-1:] if self._parser else self.sequences
        self._parser = self._parser or Parser()
        for k, each in enumerate(fresh, len(self.sequences) - len(fresh)):
            self._parser.feed([*each, -1 - k])
        start = np.array(_rules(self._parser, self.n_symbols)[0], np.int64)
        ends = np.flatnonzero(start < 0)
        last = start[ends[-2] + 1 if len(ends) > 1 else 0 : -1].tolist()
        return float(len(last)), surprise(last, Counter(start[start >= 0].tolist()))

    def judge(self, sequence: Symbols) -> float:
        """Return the nats that `read` would return, and learn nothing; all that was read is parsed once more."""
        return RuleReader(self.n_symbols, list(self.sequences)).read(sequence)[1]


def _sequitur(sequence: Symbols, n_symbols: int, seed: int) -> Compression:
    """Return what Sequitur makes of a sequence: the elements of its start rule are the units.

    Entries are the symbols that occur and the other rules. `two_part` tells how many rules there are, spells each by
    symbols, rules and an end mark, tells how often each comes in the start rule, and then that by their shares.
    """
    start, *others = sequitur_rules(sequence, n_symbols)
    spelled = spelled_nats([len(rule) for rule in others], n_symbols + len(others))
    used = len(np.unique(sequence))
    return _coded(start, used, n_symbols, len(others), integer_nats(len(others)) + spelled)


def _rule_reader(n_symbols: int, rng: np.random.Generator) -> RuleReader:
    return RuleReader(n_symbols)


sequitur: Final = SequenceModel(
    name="sequitur",
    version=1,
    kind="equation",
    reference="Nevill-Manning & Witten (1997), no pair of elements twice",
    read=one_by_one(_rule_reader),
    compress=_sequitur,
    reader=_rule_reader,
)
