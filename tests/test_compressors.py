"""Compressors: phrases, merges and rules by hand, that their codes can be decoded, and what they tell of sequences."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter, defaultdict
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogmem.errors import UserError
from cogmem.models import compressors_grammar
from cogmem.models.compressors import integer_nats, lz78, lz78_pairs, symbols_alone, uniform_nats
from cogmem.models.compressors_grammar import bpe, bpe_up_to, merged, merges, sequitur, sequitur_rules
from cogmem.subjects.chunking import Compression, SequenceModel, Streams

EXHAUSTIVE = bpe_up_to(100_000)
EVERY = (symbols_alone, lz78, bpe, EXHAUSTIVE, sequitur)
names = pytest.mark.parametrize("model", EVERY, ids=lambda model: model.name)
# The first example waits for tokenizers to be imported.
few = settings(max_examples=60, deadline=None)


@st.composite
def lines(draw: st.DrawFn) -> tuple[list[int], int]:
    """Return a sequence, and how many symbols there are, more than come in it at times."""
    n_symbols = draw(st.integers(1, 4))
    return draw(st.lists(st.integers(0, n_symbols - 1), min_size=1, max_size=60)), n_symbols


def symbols(text: str) -> tuple[np.ndarray[Any, np.dtype[np.int32]], int]:
    """Return a text as symbols in the order of its characters, and how many these are."""
    known = sorted(set(text))
    return np.array([known.index(each) for each in text], np.int32), len(known)


def compressed(model: SequenceModel, text: str) -> Compression:
    assert model.compress is not None
    return model.compress(*symbols(text), 0)


def spelled(element: int, n_symbols: int, parts: list[tuple[int, ...]]) -> list[int]:
    """Return the symbols of an entry, those from n_symbols on being told by parts."""
    if element < n_symbols:
        return [element]
    return [each for part in parts[element - n_symbols] for each in spelled(part, n_symbols, parts)]


# ---- symbols alone and numbers ---------------------------------------------------------------------------------------


def test_symbols_alone_by_hand() -> None:
    found = compressed(symbols_alone, "aaab")
    assert (found.units, found.entries, found.variables, found.fillers) == (4, 2, 0, 0.0)
    assert found.nats == pytest.approx(-3 * math.log(3 / 4) - math.log(1 / 4))
    assert found.storage == pytest.approx(-math.log(3 / 4) - math.log(1 / 4))
    # Two counts that add up to four: 0 to 4 of the first.
    assert found.dictionary == pytest.approx(math.log(5))
    assert found.two_part == pytest.approx(found.nats + found.dictionary)


def test_uniform_nats_by_hand() -> None:
    assert uniform_nats(np.array([0, 3, 3], np.int32), 8) == pytest.approx(9 * math.log(2))
    assert uniform_nats(np.zeros(5, np.int32), 1) == 0.0


def test_numbers_cost_as_in_the_gamma_code() -> None:
    # Elias's gamma code of 1, 2, 3, 4 and 8 is 1, 010, 011, 00100 and 0001000.
    assert [round(integer_nats(n) / math.log(2)) for n in (0, 1, 2, 3, 7)] == [1, 3, 3, 5, 7]


# ---- LZ78 ------------------------------------------------------------------------------------------------------------


def phrases(text: str) -> list[str]:
    """Return the phrases of a text, each written out from its pair."""
    known, found = sorted(set(text)), [""]
    for earlier, symbol in lz78_pairs(*symbols(text)):
        found.append(found[earlier] + known[symbol])
    return found[1:]


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("abababab", "a b ab aba b"),
        # Cover & Thomas (2006), section 13.4, say of this one: 1, 0, 11, 01, 010, 00, 10.
        ("1011010100010", "1 0 11 01 010 00 10"),
        ("a", "a"),
        ("ab", "a b"),
        ("aaaa", "a aa a"),
        ("aaaaaa", "a aa aaa"),
        ("aaaaaaaa", "a aa aaa aa"),
        ("abcabcabc", "a b c ab ca bc"),
        ("abracadabra", "a b r ac ad ab ra"),
    ],
)
def test_phrases_by_hand(text: str, cut: str) -> None:
    assert phrases(text) == cut.split()
    assert compressed(lz78, text).units == len(cut.split())


def test_phrases_of_the_textbook_are_told_as_in_the_textbook() -> None:
    # Cover & Thomas (2006): (0,1) (0,0) (1,1) (2,1) (4,0) (2,0) (1,0).
    pairs = [(0, 1), (0, 0), (1, 1), (2, 1), (4, 0), (2, 0), (1, 0)]
    assert lz78_pairs(*symbols("1011010100010")) == pairs


def test_what_lz78_makes_of_a_sequence_by_hand() -> None:
    # a, b, ab, aba and b again.
    found = compressed(lz78, "abababab")
    assert (found.units, found.entries, found.variables, found.fillers) == (5, 4, 0, 0.0)
    assert found.nats == pytest.approx(-3 * math.log(1 / 5) - 2 * math.log(2 / 5))
    assert found.storage == pytest.approx(-3 * math.log(1 / 5) - math.log(2 / 5))
    # One of 1, 2, 3, 4 and 5 phrases, none among them, and one of two symbols each time.
    assert found.two_part == pytest.approx(math.log(2 * 3 * 4 * 5) + 5 * math.log(2))
    assert found.dictionary == found.two_part


def test_symbols_that_are_no_phrase_are_entries_too() -> None:
    # a, ab and ac: b and c never stand alone.
    assert phrases("aabac") == ["a", "ab", "ac"]
    assert compressed(lz78, "aabac").entries == 5


def test_lz78_cuts_a_million_symbols_in_seconds_at_most() -> None:
    text = np.random.default_rng(1).integers(0, 30, 1_000_000).astype(np.int32)
    found = lz78.compress(text, 30, 0) if lz78.compress else None
    # Symbols drawn evenly cannot be told in less than they have: n ln 30.
    assert found is not None
    assert uniform_nats(text, 30) < found.two_part < 1.3 * uniform_nats(text, 30)


# ---- byte pair encoding ----------------------------------------------------------------------------------------------


def plain_merges(line: list[int], n_symbols: int) -> tuple[list[tuple[int, int, int]], list[int], bool]:
    """Return the merges of a line until no pair comes twice, its units, and whether two pairs were ever equal."""
    made: list[tuple[int, int, int]] = []
    tied = False
    while pairs := Counter(pairwise(line)):
        (pair, most), *others = sorted(pairs.items(), key=lambda each: (-each[1], each[0]))
        if most < 2:
            break
        tied |= any(count == most for _, count in others)
        made.append((*pair, n_symbols + len(made)))
        units, k = [], 0
        while k < len(line):
            here = tuple(line[k : k + 2]) == pair
            units.append(made[-1][2] if here else line[k])
            k += 1 + here
        line = units
    return made, line, tied


def test_merges_by_hand() -> None:
    # ab four times; then ab-c, c-ab... come twice as often as any other: abc twice, abd twice.
    assert merges([[0, 1, 0, 1, 0, 1, 0, 1]], 2, 100) == [(0, 1, 2), (2, 2, 3)]
    assert merges([[0, 1, 2], [0, 1, 3], [0, 1, 2]], 4, 100) == [(0, 1, 4), (4, 2, 5)]
    # Nothing comes twice.
    assert merges([[0, 1, 2, 0, 2, 1]], 3, 100) == []


def test_merges_do_not_cross_lines() -> None:
    assert merges([[0], [1], [0], [1], [0], [1]], 2, 100) == []
    assert merges([[0, 1]] * 2, 2, 100) == [(0, 1, 2)]


def test_a_vocabulary_that_is_full_ends_the_merges() -> None:
    line = [[0, 1, 0, 1, 0, 1, 0, 1]]
    assert merges(line, 2, 3) == [(0, 1, 2)]
    assert merges(line, 2, 1) == []
    assert compressed(bpe_up_to(3), "abababab").entries == 3


@pytest.mark.parametrize(
    ("units", "becomes"),
    [
        ([0, 0], [9]),
        ([0, 0, 0], [9, 0]),
        ([0, 0, 0, 0, 0], [9, 9, 0]),
        ([1, 0, 0, 1, 0, 0, 0, 1], [1, 9, 1, 9, 0, 1]),
        ([0, 1, 0], [0, 1, 0]),
        ([0], [0]),
    ],
)
def test_of_pairs_that_overlap_the_first_is_merged(units: list[int], becomes: list[int]) -> None:
    assert merged(np.array(units), 0, 0, 9).tolist() == becomes


@few
@given(lines())
def test_merges_are_those_of_the_plain_way(sequence: tuple[list[int], int]) -> None:
    line, n_symbols = sequence
    made, units, tied = plain_merges(line, n_symbols)
    found = merges([line], n_symbols, 100_000)
    assert EXHAUSTIVE.compress is not None
    whole = EXHAUSTIVE.compress(np.array(line, np.int32), n_symbols, 0)
    if not tied:
        assert found == made
        assert whole.units == len(units)
    # Entries of equals are chosen alike here, but nobody promises that.
    assert whole.units <= len(line)
    assert whole.entries == len(set(line)) + len(found)


def test_merges_of_longer_sequences_are_those_of_the_plain_way() -> None:
    rng = np.random.default_rng(5)
    # Frequencies that differ a lot have few equals at the top: the first merges are told by the counts alone.
    line = rng.choice(6, 1_000, p=[0.4, 0.25, 0.15, 0.1, 0.06, 0.04]).tolist()
    assert merges([line], 6, 14) == plain_merges(line, 6)[0][:8]


def test_what_byte_pairs_make_of_a_sequence_by_hand() -> None:
    found = compressed(EXHAUSTIVE, "abababab")
    # abab twice; entries a, b, ab, abab. Two entries: 011; pairs of 2 and of 3; two units among four entries.
    assert (found.units, found.entries, found.nats, found.storage) == (2, 4, 0.0, 0.0)
    told = 3 * math.log(2) + 2 * math.log(2) + 2 * math.log(3) + math.log(10)
    assert found.two_part == pytest.approx(told)
    assert found.dictionary == pytest.approx(told)


def test_merges_end_where_the_code_is_shortest() -> None:
    text = "abcd" * 8 + "acbdbcadcabd"
    codes = [compressed(bpe_up_to(size), text) for size in range(1, 40)]
    assert compressed(bpe, text) in codes
    shortest = min(code.two_part for code in codes)
    assert compressed(bpe, text).two_part == pytest.approx(shortest)
    assert codes[0].two_part > shortest < codes[-1].two_part


def test_merges_that_do_not_pay_are_not_made() -> None:
    # One pair comes twice, which saves less than it costs to tell it.
    assert compressed(bpe, "abcdeabfghi").units == 11
    assert compressed(EXHAUSTIVE, "abcdeabfghi").units == 9


def test_long_sequences_are_cut_into_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two lines that are the same become one unit each.
    assert compressed(EXHAUSTIVE, "a" * 2_000).units == 2
    # In one piece it is 1,024 and the rest as powers of two down to 16, of which no pair comes twice.
    monkeypatch.setattr(compressors_grammar, "LINE", 2_000)
    assert compressed(EXHAUSTIVE, "a" * 2_000).units == 6


def test_many_symbols_are_told_to_tokenizers() -> None:
    # Of all sizes: some numbers are no characters of their own (surrogates).
    sequence = np.tile(np.arange(0, 70_000, 233, dtype=np.int32), 2)
    assert EXHAUSTIVE.compress is not None
    assert EXHAUSTIVE.compress(sequence, 70_000, 0).units == 2
    with pytest.raises(UserError, match="up to 131072 symbols"):
        EXHAUSTIVE.compress(sequence, 140_000, 0)


def test_a_vocabulary_of_none_is_an_error() -> None:
    with pytest.raises(UserError, match="one entry or more; got 0"):
        bpe_up_to(0)


# ---- Sequitur --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        # Nevill-Manning & Witten (1997), figure 1: S -> a A d A, A -> b c; then S -> A A, A -> a B d B, B -> b c.
        ("abcdbc", [[0, 4, 3, 4], [1, 2]]),
        ("abcdbcabcdbc", [[4, 4], [0, 5, 3, 5], [1, 2]]),
        ("aaaa", [[1, 1], [0, 0]]),
        ("aaa", [[0, 0, 0]]),
        ("abab", [[2, 2], [0, 1]]),
        ("abc", [[0, 1, 2]]),
    ],
)
def test_rules_by_hand(text: str, rules: list[list[int]]) -> None:
    assert sequitur_rules(*symbols(text)) == rules


@few
@given(lines())
def test_rules_write_the_sequence_and_are_as_they_must_be(sequence: tuple[list[int], int]) -> None:
    line, n_symbols = sequence
    start, *others = sequitur_rules(np.array(line, np.int32), n_symbols)
    parts = [tuple(rule) for rule in others]
    assert [each for element in start for each in spelled(element, n_symbols, parts)] == line
    uses = Counter(element for rule in (start, *others) for element in rule)
    assert all(uses[n_symbols + k] >= 2 for k in range(len(others)))
    places = defaultdict(list)
    for number, rule in enumerate((start, *others)):
        for place, pair in enumerate(pairwise(rule)):
            places[pair].append((number, place))
    for (one, other), found in places.items():
        # A pair comes once, or in a run of three of the same ("aaa"), where two of it overlap.
        run = one == other and len(found) == 2 and found[0][0] == found[1][0] and found[1][1] == found[0][1] + 1
        assert len(found) == 1 or run


def test_what_rules_make_of_a_sequence_by_hand() -> None:
    found = compressed(sequitur, "abcdbcabcdbc")
    # The start rule has two units, all the same; symbols a to d and two rules; a A d A and b c with two end marks.
    assert (found.units, found.entries, found.nats, found.variables) == (2, 6, 0.0, 0)
    told = 3 * math.log(2) + (4 + 2 + 2) * math.log(7)
    # Two units among six entries: (2 + 5) over 2 ways.
    assert found.dictionary == pytest.approx(told + math.log(21))
    assert found.two_part == pytest.approx(found.dictionary + found.nats)


# ---- what holds for all ----------------------------------------------------------------------------------------------


@few
@given(lines())
def test_phrases_and_merges_write_the_sequence(sequence: tuple[list[int], int]) -> None:
    line, n_symbols = sequence
    found: list[list[int]] = [[]]
    for earlier, symbol in lz78_pairs(np.array(line, np.int32), n_symbols):
        found.append([*found[earlier], symbol])
    assert [each for phrase in found for each in phrase] == line
    units = np.array(line)
    parts: list[tuple[int, ...]] = []
    for left, right, entry in merges([line], n_symbols, 100_000):
        # Parts come before the whole, which is how they are told.
        assert max(left, right) < entry == n_symbols + len(parts)
        parts.append((left, right))
        units = merged(units, left, right, entry)
    assert [each for unit in units.tolist() for each in spelled(unit, n_symbols, parts)] == line


@names
@pytest.mark.parametrize(("n_symbols", "longest"), [(2, 9), (3, 6)])
def test_codes_of_all_sequences_fit_into_one(model: SequenceModel, n_symbols: int, longest: int) -> None:
    # Kraft (1949): what can be decoded, knowing the number of symbols and units, has shares that add up to 1 at most.
    assert model.compress is not None
    shares: dict[int, float] = defaultdict(float)
    for length in range(1, longest + 1):
        for sequence in product(range(n_symbols), repeat=length):
            found = model.compress(np.array(sequence, np.int32), n_symbols, 0)
            shares[found.units] += math.exp(-found.two_part)
    assert max(shares.values()) <= 1 + 1e-9


@names
@few
@given(lines())
def test_what_is_told_of_a_sequence_hangs_together(model: SequenceModel, sequence: tuple[list[int], int]) -> None:
    line, n_symbols = sequence
    assert model.compress is not None
    found = model.compress(np.array(line, np.int32), n_symbols, 0)
    assert found == model.compress(np.array(line, np.int32), n_symbols, 1)
    assert 1 <= found.units <= len(line)
    assert len(set(line)) <= found.entries
    assert 0 <= found.nats <= found.units * math.log(found.units) + 1e-9
    told = found.dictionary if model is lz78 else found.dictionary + found.nats
    assert found.two_part == pytest.approx(told)
    assert found.storage >= 0
    assert (found.variables, found.fillers) == (0, 0.0)


@names
def test_sequences_that_are_none_are_errors(model: SequenceModel) -> None:
    assert model.compress is not None
    with pytest.raises(UserError, match="one or more integers"):
        model.compress(np.zeros(0, np.int32), 2, 0)
    with pytest.raises(UserError, match="one or more integers"):
        model.compress(np.array([0.5]), 2, 0)
    with pytest.raises(UserError, match="Symbols are 0 to 1; got 0 to 2"):
        model.compress(np.array([0, 2], np.int32), 2, 0)
    with pytest.raises(UserError, match="got -1 to 1"):
        model.compress(np.array([-1, 1], np.int32), 2, 0)


def test_repetition_is_told_in_less_than_symbols_need() -> None:
    text = "abcdefgh" * 125
    alone = compressed(symbols_alone, text)
    for model in (lz78, bpe, EXHAUSTIVE, sequitur):
        assert compressed(model, text).two_part < 0.5 * alone.two_part
    # Rules and pairs know the whole, and LZ78 only ever a symbol more.
    assert compressed(bpe, text).two_part < compressed(lz78, text).two_part


# ---- reading one after another ---------------------------------------------------------------------------------------


def streams(*texts: str) -> Streams:
    rows = [[ord(each) - ord("a") for each in text] for text in texts]
    longest = max(map(len, rows))
    padded = np.array([[row + [-1] * (longest - len(row)) for row in rows]], np.int32)
    return Streams(padded, int(padded.max()) + 1, np.zeros(1, bool))


def read(model: SequenceModel, *texts: str) -> tuple[list[float], list[float]]:
    """Return the units and nats of one person's sequences."""
    assert model.read is not None
    found = model.read(streams(*texts), 0, False)
    assert found.recalled.size == 0
    return found.units[0].tolist(), found.nats[0].tolist()


def test_symbols_are_counted_from_sequence_to_sequence() -> None:
    units, nats = read(symbols_alone, "ab", "aa")
    assert units == [2, 2]
    # One of two each; then a is three of four.
    assert nats == pytest.approx([2 * math.log(2), -2 * math.log(3 / 4)])


def test_phrases_live_on_from_sequence_to_sequence() -> None:
    # a, b; then ab, which is new; then ab again, which is known; then aba.
    units, nats = read(lz78, "ab", "ab", "ab", "aba")
    assert units == [2, 1, 1, 1]
    assert nats == pytest.approx([2 * math.log(2), math.log(3), -math.log(2 / 4), math.log(5)])
    # A phrase ends where its sequence ends: not ab and ab, but a, b and so on.
    assert read(lz78, "a", "ba")[0] == [1, 2]


def test_byte_pairs_are_trained_anew_on_all_sequences() -> None:
    units, nats = read(EXHAUSTIVE, "abc", "abd", "abd")
    # Nothing comes twice; then ab, and in the end abd.
    assert units == [3, 2, 1]
    # All of three; ab is two of (ab c ab d), d one; in the end (ab c abd abd) has abd twice.
    assert nats == pytest.approx([3 * math.log(3), math.log(2) + math.log(4), math.log(2)])


def test_rules_are_of_all_sequences() -> None:
    units, nats = read(sequitur, "abc", "abd", "abd")
    assert units == [3, 2, 1]
    assert nats == pytest.approx([3 * math.log(3), math.log(2) + math.log(4), math.log(2)])


@names
def test_a_sequence_that_comes_again_and_again_becomes_one_unit(model: SequenceModel) -> None:
    units, nats = read(model, *["abcdacbdabcd"] * 20)
    assert units[-1] == (12 if model is symbols_alone else 1)
    assert nats[-1] == pytest.approx(nats[0]) if model is symbols_alone else nats[-1] < nats[0] / 4
    # Knowing it, another one is no unit.
    assert read(model, *["abcdacbdabcd"] * 20, "dcbadbcadcba")[0][-1] > 3


@names
@few
@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8), min_size=1, max_size=6), st.data())
def test_judging_tells_what_reading_would(model: SequenceModel, rows: list[list[int]], data: Any) -> None:
    assert model.reader is not None
    judging, reading = (model.reader(3, np.random.default_rng(0)) for _ in range(2))
    for row in rows:
        sequence = np.array(row, np.int32)
        other = np.array(data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=8)), np.int32)
        judging.judge(other)
        expected = judging.judge(sequence)
        units, nats = reading.read(sequence)
        assert judging.read(sequence) == (units, nats)
        assert nats == expected
        assert 1 <= units <= len(row)
        assert nats >= 0


@names
def test_readers_take_only_sequences(model: SequenceModel) -> None:
    assert model.reader is not None
    reader = model.reader(2, np.random.default_rng(0))
    with pytest.raises(UserError, match="Symbols are 0 to 1"):
        reader.read(np.array([2], np.int32))
    # What was refused is not remembered.
    assert reader.read(np.array([0], np.int32)) == (1.0, 0.0)


def test_names_are_different() -> None:
    assert [model.name for model in EVERY] == ["symbols_alone", "lz78", "bpe", "bpe_100000", "sequitur"]


def test_importing_loads_no_compressor() -> None:
    code = (
        "import sys, cogmem.models.compressors_grammar\n"
        "print(sorted({'tokenizers', 'sksequitur', 'torch', 'numba', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
