"""Chunks and variables of sequences: tests, parses and counts by hand, forgetting, and the published experiment."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import chi2

from cogmem.errors import UserError
from cogmem.kernels import lexicon as module
from cogmem.kernels.chunk_rules import TESTS, Rule, chi_squared
from cogmem.kernels.lexicon import Lexicon, learned

FOREVER = Rule(theta=1.0, repeats=2.0)
"""Nothing fades, and three times are enough."""


def lexicon(*contents: tuple[int, ...], begun_by: dict[int, int], variables: Any = ()) -> Lexicon:
    """Return a lexicon of these chunks; `begun_by` names the chunk that begins a chunk, by their numbers."""
    made = Lexicon(FOREVER)
    made.variables += [dict(each) for each in variables]
    made._of_variable += [float(sum(each.values())) for each in variables]
    for k, content in enumerate(contents):
        made._add(content, 1.0, begun_by.get(k))
    return made


# ---- belonging together ----------------------------------------------------------------------------------------------


def test_chi_squared_by_hand() -> None:
    # 7.5 are expected everywhere: four times 2.5^2 / 7.5.
    assert chi_squared((10, 5, 5, 10), 0.5, 0.5) == pytest.approx(10 / 3)
    # Of tables that add up to 1 it is a thirtieth.
    assert chi_squared((10, 5, 5, 10), 0.5, 0.5, test="proportions") == pytest.approx(1 / 9)
    assert chi_squared((3, 1, 0, 4), 0.0, 0.5) == 0.0
    assert chi_squared((0, 0, 0, 0), 0.5, 0.5) == 0.0


def test_critical_values_are_those_of_the_distributions() -> None:
    assert pytest.approx(chi2.ppf(0.95, 2)) == TESTS["counts"]
    assert pytest.approx(brentq(lambda x: chi2.pdf(x, 1) - 0.05, 1, 6)) == TESTS["density"]


@given(st.lists(st.floats(0.5, 50), min_size=4, max_size=4), st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_chi_squared_does_not_know_which_unit_is_left(seen: list[float], left: float, right: float) -> None:
    both, alone, other, neither = seen
    turned = chi_squared((both, other, alone, neither), right, left)
    assert chi_squared((both, alone, other, neither), left, right) == pytest.approx(turned)


def test_two_symbols_that_always_come_together_become_a_chunk() -> None:
    made = Lexicon(FOREVER)
    for _ in range(2):
        made.read([0, 1])
    # Twice is no more than twice.
    assert made.contents == [(0,), (1,)]
    # Three pairs of three are both, where .75 are expected: 2.25^2 / .75 + 3 * .75 = 9.
    made.read([0, 1])
    assert made.contents == [(0,), (1,), (0, 1)]
    assert (made.count(2), made.transitions(0, 1)) == (3.0, 0.0)
    parse = made.read([0, 1])
    assert parse.units == (2,)
    # Counts are 3, 3 and 4.
    assert parse.nats == pytest.approx(-np.log(4 / 10))


@pytest.mark.parametrize(("test", "made"), [("counts", True), ("proportions", False), ("density", False)])
def test_published_tests_differ(test: Any, made: bool) -> None:
    found = Lexicon(Rule(theta=1.0, repeats=2.0, test=test))
    for _ in range(3):
        found.read([0, 1])
    # Of proportions chi-squared is 9 / 3 = 3 whatever the number; the density asks for six in every cell.
    assert (len(found.contents) == 3) == made


# ---- reading ---------------------------------------------------------------------------------------------------------


def test_likelihood_is_the_sum_of_logarithms_of_shares() -> None:
    made = Lexicon(Rule(theta=1.0))
    parse = made.read([0, 1, 0, 0])
    assert parse.units == (0, 1, 0, 0)
    assert parse.nats == pytest.approx(-3 * np.log(3 / 4) - np.log(1 / 4))
    assert made.read([1, 1], learn=False).nats == pytest.approx(-2 * np.log(1 / 4))
    assert made.count(1) == 1


def test_descent_is_no_longest_match() -> None:
    # Of what (0) begins (0 1 2) covers most here, and begins nothing; (0 1 2 3) is begun by (0 1).
    made = lexicon((0,), (0, 1, 2), (0, 1), (0, 1, 2, 3), begun_by={1: 0, 2: 0, 3: 2})
    assert made.unit_at([0, 1, 2, 3], 0)[0] == 1
    assert made.unit_at([0, 1, 3], 0)[0] == 2
    assert made.unit_at([2, 0, 5], 1)[0] == 0


def test_a_variable_is_the_longest_of_what_it_stands_for() -> None:
    made = lexicon((0,), (1,), (1, 2), (3,), (0, ~0, 3), begun_by={4: 0}, variables=[{1: 1.0, 2: 1.0}])
    chunk, found = made.unit_at([0, 1, 2, 3], 0)
    assert (chunk, found.end, found.bound) == (4, 4, ((0, 2),))
    chunk, found = made.unit_at([0, 1, 3], 0)
    assert (chunk, found.end, found.bound) == (4, 3, ((0, 1),))
    assert made.unit_at([0, 3, 3], 0)[0] == 0


def test_what_stands_between_the_same_two_becomes_a_variable() -> None:
    made = Lexicon(Rule(theta=1.0, repeats=100.0))
    for filler in (1, 2, 3):
        made.read([0, filler, 4])
    # Three fillers, but they followed three times in all, which is no more than three.
    assert made.variables == []
    made.read([0, 1, 4])
    chunks = {content: chunk for chunk, content in enumerate(made.contents)}
    assert made.variables == [{chunks[1,]: 2.0, chunks[2,]: 1.0, chunks[3,]: 1.0}]
    assert made.count(chunks[0, ~0, 4]) == 4
    assert made.count(~0) == 4
    assert made.read([0, 2, 4]).units == (chunks[0, ~0, 4],)
    assert made.variables[0][chunks[2,]] == 2
    assert (made.count(~0), made.count(chunks[2,])) == (5, 1)
    alone = Lexicon(Rule(theta=1.0, repeats=100.0))
    for filler in (1, 2, 3, 1):
        alone.read([0, filler, 4], abstraction=False)
    assert alone.variables == []


# ---- forgetting ------------------------------------------------------------------------------------------------------


def test_counts_fade_by_theta_a_unit() -> None:
    made = Lexicon(Rule(theta=0.5, least=0.2))
    made.read([0, 1])
    assert (made.count(0), made.count(1), made.transitions(0, 1)) == (0.25, 0.5, 0.5)
    made.read([2])
    assert (made.count(0), made.transitions(0, 1)) == (0.125, 0.25)
    made.read([2])
    # .125 is less than what is kept: forgotten, and it starts anew.
    assert made.transitions(0, 1) == 0
    made.read([0, 1])
    assert made.transitions(0, 1) == 0.5


sequences = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=12), min_size=1, max_size=12)


@given(sequences)
@settings(max_examples=50, deadline=None)
def test_units_spell_the_sequence(given_ones: list[list[int]]) -> None:
    made = Lexicon(Rule(repeats=2.0, theta=0.99))
    nats = [made.read(sequence).nats for sequence in given_ones]
    assert min(nats) >= 0
    assert max(nats) < np.inf
    for sequence in given_ones:
        found, place = [], 0
        while place < len(sequence):
            chunk, match = made.unit_at(sequence, place)
            spelled = made.contents[chunk]
            assert match.end - place >= len(spelled)
            # Without a variable a chunk spells what it covers.
            assert match.bound or list(spelled) == sequence[place : match.end]
            found.append(chunk)
            place = match.end
        assert place == len(sequence)
        assert made.read(sequence, learn=False).units == tuple(found)


def test_scaling_down_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    read = [rng.integers(0, 4, 10).tolist() for _ in range(30)]
    plain, scaled = Lexicon(), Lexicon()
    expected = [plain.read(each).nats for each in read]
    monkeypatch.setattr(module, "HEAVIEST", 1.1)
    assert [scaled.read(each).nats for each in read] == pytest.approx(expected)
    assert scaled.weight <= 1.1
    assert scaled.contents == plain.contents


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"theta": 0.0}, "theta is above 0"),
        ({"test": "count"}, "did you mean 'counts'"),
        ({"fillers": 1}, "two chunks"),
    ],
)
def test_rules_that_make_no_sense(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Rule(**change)


@pytest.mark.parametrize("sequence", [[], [0, -1]])
def test_sequences_that_are_none(sequence: list[int]) -> None:
    with pytest.raises(UserError, match="one symbol or more"):
        Lexicon().read(sequence)


# ---- all of a sequence at once ---------------------------------------------------------------------------------------


def test_pairs_are_proposed_by_what_they_are_worth() -> None:
    made = Lexicon(Rule(theta=1.0))
    parse = made.read([0, 1] * 10, chunk=False, abstraction=False)
    assert made.contents == [(0,), (1,)]
    # (0 1) is half of all counts, (1 0) nine twentieths; the first tells 1 bit, which is more than .9.
    assert made.propose(parse, 20, bits=0.9, most=10) == 1
    assert made.contents[2:] == [(0, 1)]
    assert made.propose(parse, 20, bits=9.0, most=10) == 1
    assert made.contents[3:] == [(1, 0)]
    assert made.propose(parse, 20, bits=9.0, most=10) == 0
    made.empty()
    assert (made.count(0), made.transitions(0, 1), len(made.contents)) == (0, 0, 4)


def test_a_sequence_read_again_and_again_takes_fewer_units() -> None:
    found, parse = learned([0, 1, 2, 3] * 60, abstraction=False)
    # One unit and nothing else is certain: it tells nothing, and no pair of it can be told from chance.
    assert (len(parse.units), parse.nats) == (60, 0.0)
    assert sum(len(found.contents[unit]) for unit in parse.units) == 240
    assert sum(found.count(unit) for unit in set(parse.units)) == len(parse.units)
    once, first = learned([0, 1, 2, 3] * 60, abstraction=False, iterations=1)
    assert len(first.units) > len(parse.units)
    assert len(once.contents) < len(found.contents)


def test_variables_compress_what_chunks_alone_cannot() -> None:
    rng = np.random.default_rng(3)
    sequence = [int(key) for _ in range(80) for key in (0, 1, rng.integers(3, 6), 2)]
    chunks, variables = (learned(sequence, abstraction=kind)[1] for kind in (False, True))
    # Two units of four symbols, each half of all, of which one has the variable: 80 times ln 2.
    assert variables.nats == pytest.approx(80 * np.log(2))
    assert chunks.nats > 2 * variables.nats
    assert learned(sequence)[1] == variables


# ---- the published experiment ----------------------------------------------------------------------------------------


def filled(fixed: list[int], slots: tuple[int, ...]) -> list[int]:
    """Return twelve keys: nine fixed ones, and three more at the third place of each four."""
    keys = list(fixed)
    for place, key in zip((2, 6, 10), slots, strict=True):
        keys.insert(place, key)
    return keys


def somebody(variable: bool, seed: int) -> list[float]:
    """Return the nats of 40 sequences of training and 24 of transfer, which have other fixed keys."""
    rng, slots = np.random.default_rng([variable, seed]), list(permutations([1, 3, 5]))
    training, transfer = ([int(key) for _ in range(3) for key in rng.permutation([2, 4, 6])] for _ in range(2))
    one = slots[rng.integers(6)]
    read = [filled(training, slots[rng.integers(6)] if variable else one) for _ in range(40)]
    read += [filled(transfer, slots[rng.integers(6)]) for _ in range(24)]
    made = Lexicon()
    return [made.read(each, abstraction=variable).nats for each in read]


def test_one_sequence_is_learned_as_published() -> None:
    found = np.array([somebody(False, seed) for seed in range(53)])
    # Their sequences are not on record: ours have the same parts. The spec asks for .15 in training; people differ by
    # a standard deviation of about .5, so that a mean of 53 has an error of .07.
    assert found[:, :40].mean() == pytest.approx(9.72, abs=0.15)
    blocks = found[:, :40].reshape(53, 5, 8).mean(axis=(0, 2))
    np.testing.assert_allclose(blocks, [20.4, 14.3, 7.3, 4.1, 2.5], atol=0.7)
    assert found[:, 40:].mean() == pytest.approx(20.46, abs=0.7)


@pytest.mark.slow
def test_variables_halve_the_cost_of_transfer() -> None:
    fixed, variable = (np.array([somebody(kind, seed) for seed in range(n)]) for kind, n in ((False, 53), (True, 55)))
    # Means of so many people have errors of .23 (training, variable), .29 and .33 (transfer, fixed and variable): two.
    assert variable[:, :40].mean() == pytest.approx(9.15, abs=0.46)
    blocks = variable[:, :40].reshape(55, 5, 8).mean(axis=(0, 2))
    np.testing.assert_allclose(blocks, [17.4, 9.5, 6.9, 6.1, 5.9], atol=1.1)
    assert variable[:, 40:].mean() == pytest.approx(10.01, abs=0.66)
    assert fixed[:, 40:].mean() - variable[:, 40:].mean() == pytest.approx(10.45, abs=0.88)


def test_two_chunks_with_variables_do_not_join() -> None:
    known = {"variables": [{1: 1.0, 2: 1.0}], "begun_by": {4: 0}}
    made = lexicon((0,), (1,), (2,), (3,), (0, ~0, 3), **known)
    for _ in range(4):
        made.read([0, 1, 3, 0, 2, 3], abstraction=False)
    assert max(len(content) for content in made.contents) == 3
    joined = lexicon((0,), (1,), (2,), (3,), (0, ~0, 3), **known)
    for _ in range(4):
        joined.read([0, 1, 3, 4], abstraction=False)
    assert (0, ~0, 3, 4) in joined.contents
