"""Rivals of Sparsey against answers worked out by hand, and against what theory expects of them."""

from __future__ import annotations

import math
import warnings
from itertools import combinations, product

import numpy as np
import pytest

from cogmem.errors import UserError
from cogmem.kernels.overlap import pack
from cogmem.models import superposed_parts
from cogmem.models import superposed_theory as theory
from cogmem.models.superposed import (
    RIVALS,
    Hopfield,
    KanervaSDM,
    ModernHopfield,
    SDRUnion,
    TsodyksFeigelman,
    Willshaw,
)
from cogmem.models.superposed_binary import density, random_addresses, within
from cogmem.models.superposed_parts import signs
from cogmem.paradigms import superpositions
from cogmem.subjects.superposed import Superposed

rivals = pytest.mark.parametrize("memory", RIVALS, ids=lambda memory: memory.name)


def bits(*rows: str) -> np.ndarray:
    return np.array([[int(bit) for bit in row] for row in rows], np.uint8)


def drawn(n: int, features: int, active: int, seed: int) -> np.ndarray:
    sets = superpositions.drawn_sets(n, features, active, np.random.default_rng(seed))
    return superpositions.as_bits(sets, features)


# ---- by hand ---------------------------------------------------------------------------------------------------------


def test_willshaw_by_hand() -> None:
    held = Willshaw().store(bits("111000", "001110"), seed=0)
    assert held.astype(int).tolist() == bits("111000", "111000", "111110", "001110", "001110", "000000").tolist()
    assert density(held) == 12 / 30
    read = Willshaw().read(held, bits("110000", "001000", "100100", "110100", "000001"), seed=0)
    # What is joined to all that is shown: of 1 and 4, which were never together, only 3; of 1, 2 and 4 too.
    assert read.completed.tolist() == bits("111000", "111110", "001000", "001000", "000000").tolist()
    assert read.familiarity.tolist() == [1.0, 1.0, 0.0, 1 / 3, 0.0]
    assert np.array_equal(read.code, read.completed)


def test_hopfield_by_hand() -> None:
    held = Hopfield().store(bits("1100", "1010"), seed=0)
    assert held.tolist() == [[0, 0, 0, -2], [0, 0, -2, 0], [0, -2, 0, 0], [-2, 0, 0, 0]]
    read = Hopfield().read(held, bits("1100", "0001"), seed=0)
    assert read.familiarity.tolist() == [8 / 12, 0.0]
    assert read.completed[0].tolist() == [1, 1, 0, 0]
    # From 1000 units 2 and 3 both want to change; the one that comes first keeps the other as it is.
    ends = {tuple(Hopfield().read(held, bits("1000"), seed=seed).completed[0].tolist()) for seed in range(20)}
    assert ends == {(1, 1, 0, 0), (1, 0, 1, 0)}
    # Together they change for ever, 1000, 1110, 1000: the second change is the last that is made.
    assert Hopfield("synchronous", 3).read(held, bits("1000"), seed=0).completed.tolist() == [[1, 0, 0, 0]]
    assert Hopfield("synchronous", 1).read(held, bits("1000"), seed=0).completed.tolist() == [[1, 1, 1, 0]]
    for memory in (Hopfield("synchronous", 3), Hopfield(sweeps=3)):  # no input: 11 and 10 leave a weight of 0
        assert memory.read(memory.store(bits("11", "10"), seed=0), bits("01"), seed=0).completed.tolist() == [[0, 1]]


def test_tsodyks_feigelman_by_hand() -> None:
    held = TsodyksFeigelman().store(bits("110000", "001100"), seed=0)
    # 6 x - 2 is 4 or -2: together in one item and absent from the other 16 + 4, apart in both -8 - 8, ...
    assert held.active == 2
    assert held.weights[0].tolist() == [0, 20, -16, -16, -4, -4]
    assert held.weights[4].tolist() == [-4, -4, -4, -4, 0, 8]
    read = TsodyksFeigelman().read(held, bits("110000", "100000", "100100"), seed=0)
    assert read.completed[:2].tolist() == bits("110000", "110000").tolist()
    assert read.familiarity.tolist() == [20 / 16, 0.0, -1.0]


def test_modern_hopfield_by_hand() -> None:
    memory = ModernHopfield(beta=math.log(3) / 4)
    read = memory.read(memory.store(bits("1100", "1010"), seed=0), bits("1100"), seed=0)
    # The products with the items are 4 and 0, so they weigh 3 to 1; the energy has the logarithm of (3 + 1) / 2.
    assert read.completed.tolist() == [[1, 1, 0, 0]]
    assert read.familiarity == pytest.approx([math.log(2) / math.log(3)], abs=1e-12)


def test_kanerva_by_hand() -> None:
    memory, addresses = KanervaSDM(), pack(bits("0000", "1111", "1100"))
    held = memory.written(addresses, 1, bits("1110", "1000"))
    assert held.counters.tolist() == [[1, -1, -1, -1], [1, 1, 1, -1], [2, 0, 0, -2]]
    assert held.writes.tolist() == [1, 1, 2]
    read = memory.read(held, bits("1111", "1110", "1000", "0011"), seed=0)
    assert read.code.tolist() == bits("010", "011", "101", "000").tolist()
    assert read.completed.tolist() == bits("1110", "1110", "1000", "0000").tolist()
    # Of 1110: itself from two locations, and from one of them 1000, half of which is like it.
    assert read.familiarity == pytest.approx([0.5, 2 / 3, 2 / 3, 0.0], abs=1e-12)
    again = memory.written(pack(bits("10100", "00001")), 2, bits("10111", "01001"))
    # 00101 reaches both items, which agree in the last feature alone; from there only the second is reached.
    once, settled = (each.read(again, bits("00101"), seed=0).completed for each in (KanervaSDM(reads=1), memory))
    assert once.tolist() == bits("00001").tolist()
    assert settled.tolist() == bits("01001").tolist()


def test_union_by_hand() -> None:
    held = SDRUnion().store(bits("110000", "011000"), seed=0)
    assert held.tolist() == [1, 1, 1, 0, 0, 0]
    read = SDRUnion().read(held, bits("110100", "100110", "101111"), seed=0)
    assert read.familiarity.tolist() == [2 / 3, 1 / 3, 2 / 5]
    assert read.completed.tolist() == bits("110000", "100000", "101000").tolist()
    assert read.code.tolist() == bits("110000", "000000", "000000").tolist()
    assert SDRUnion(theta=0.4).read(held, bits("101111"), seed=0).code.tolist() == bits("101000").tolist()


# ---- what all have in common -----------------------------------------------------------------------------------------


@rivals
def test_sequences_are_read_frame_by_frame_and_all_repeats(memory) -> None:
    items = drawn(4, 40, 5, 1).reshape(2, 2, 40)
    probes = drawn(6, 40, 5, 2).reshape(3, 2, 40)
    one, two = (memory.read(memory.store(items, seed=5), probes, seed=6) for _ in range(2))
    flat = memory.read(memory.store(items.reshape(-1, 40), seed=5), probes.reshape(-1, 40), seed=6)
    for name in ("familiarity", "completed", "code"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()
    assert np.allclose(one.familiarity, flat.familiarity.reshape(3, 2).mean(axis=1), atol=1e-12)
    assert np.array_equal(one.completed, flat.completed.reshape(3, 2, 40))
    assert np.array_equal(one.code, flat.code.reshape(3, -1))
    assert one.code.dtype == one.completed.dtype == np.uint8


@rivals
def test_a_probe_is_read_alike_alone_and_among_others(memory) -> None:
    held, probes = memory.store(drawn(6, 96, 8, 1), seed=5), drawn(5, 96, 8, 2)
    together, alone = memory.read(held, probes, seed=6), memory.read(held, probes[3:4], seed=6)
    assert np.array_equal(together.completed[3:4], alone.completed)
    assert np.array_equal(together.code[3:4], alone.code)
    assert together.familiarity[3] == pytest.approx(alone.familiarity[0], abs=1e-12)


@rivals
def test_they_take_part_and_tell_old_from_new(memory) -> None:
    answers = {}
    for test in ("recognition", "completion", "code"):
        probes = ("old", "new") if test == "recognition" else ("old", "partial")
        design = superpositions.superposition.design(list_length=(8,), n_lists=2, probes=probes, test=test, seed=1)
        answers[test] = Superposed(memory).answer(design, np.random.default_rng(1))
        assert len(answers[test]) == len(design.tests)
        if test == "recognition":
            old = design.tests["probe"] == "old"
            assert (answers[test][old] >= 3).all()
            assert (answers[test][~old] < 3).all()
    assert answers["completion"].shape == (32, 400)


@rivals
def test_what_is_wrong_is_said(memory) -> None:
    with pytest.raises(UserError, match="Item 2 has no active feature"):
        memory.store(bits("110000", "000000"), seed=0)
    held = memory.store(bits("110000", "001000"), seed=0)
    with pytest.raises(UserError, match=f"{memory.name} holds items of 6 features; a probe has 5"):
        memory.read(held, bits("11000"), seed=0)
    with pytest.raises(UserError, match="no active feature"):
        memory.read(held, bits("000000"), seed=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Hopfield(sweeps=0), lambda: Hopfield(update="sideways"), lambda: TsodyksFeigelman(sweeps=0),
        lambda: ModernHopfield(beta=0), lambda: ModernHopfield(steps=0), lambda: KanervaSDM(locations=0),
        lambda: KanervaSDM(reads=0), lambda: KanervaSDM(access=1), lambda: SDRUnion(theta=0),
        lambda: theory.modern_hopfield_capacity(5),
    ],
)  # fmt: skip
def test_wrong_settings_are_said(make) -> None:
    with pytest.raises(UserError):
        make()


def test_a_saturated_store_says_so_once_and_goes_on() -> None:
    for memory, said in ((Willshaw(), "83% of its weights"), (SDRUnion(), "100% of its features")):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            held = memory.store(bits("1110", "0111"), seed=0)
            assert memory.read(held, bits("1110"), seed=0).familiarity.tolist() == [1.0]
        assert [said in str(each.message) for each in caught] == [True]
        assert caught[0].filename == __file__


# ---- against theory --------------------------------------------------------------------------------------------------


def test_willshaw_at_capacity() -> None:
    n, k, p = 1000, 10, 6931
    assert round(theory.willshaw_capacity(n, k)) == p
    items = drawn(p, n, k, 1)
    held = Willshaw().store(items, seed=0)
    expected = theory.willshaw_density(n, k, p)
    # Four standard errors of so many pairs; the .5 of the formula for large k is .465 of pairs without themselves.
    assert density(held) == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / (n * (n - 1) / 2)))
    assert density(held) == pytest.approx(0.465, abs=0.003)
    spurious = (Willshaw().read(held, items, seed=0).completed & (1 - items)).sum(axis=1).mean()
    # One memory's features are in 69.3 items with a standard deviation of 8.3, which gives the mean one of about 3 %.
    assert spurious == pytest.approx(theory.willshaw_spurious_exact(n, k, p, k), rel=0.13)
    assert theory.willshaw_spurious(n, k, density(held)) < spurious


def test_willshaw_spurious_features_of_many_small_memories() -> None:
    n, k, p, cue = 60, 4, 60, 3
    means = np.empty(300)
    for seed in range(len(means)):
        items = drawn(p, n, k, seed)
        cues = items * (items.cumsum(axis=1) <= cue)
        back = Willshaw().read(Willshaw().store(items, seed=0), cues, seed=0).completed
        means[seed] = (back & (1 - items)).sum(axis=1).mean()
    expected = theory.willshaw_spurious_exact(n, k, p, cue)
    assert means.mean() == pytest.approx(expected, abs=4 * means.std() / math.sqrt(len(means)))


def test_exact_probabilities_by_listing_all_cases() -> None:
    pairs = [frozenset(pair) for pair in combinations(range(5), 2)]
    unions = [len(probe & (one | two)) >= 1 for one, two, probe in product(pairs, repeat=3)]
    assert theory.union_false_match(5, 2, 2, 2, 1) == pytest.approx(np.mean(unions), abs=1e-12)
    shared = [len(one & two) >= 1 for one, two in product(pairs, repeat=2)]
    assert theory.false_match(5, 2, 2, 1) == np.mean(shared) == 0.7
    joined = [
        sum(all(frozenset((unit, cue)) in (one, two) for cue in item) for unit in set(range(5)) - item)
        for item, one, two in product(pairs, repeat=3)
    ]
    assert theory.willshaw_spurious_exact(5, 2, 3, 2) == pytest.approx(np.mean(joined), abs=1e-12)


def overlap_at(load: float, memory: Hopfield, seeds: range) -> float:
    """Return the mean final overlap of 1,000 units that start from each of the stored items."""
    found = []
    for seed in seeds:
        items = drawn(round(1000 * load), 1000, 500, seed)
        ends = memory.read(memory.store(items, seed=0), items, seed=seed).completed
        found.append((signs(items) * signs(ends)).mean())
    return float(np.mean(found))


@pytest.mark.parametrize(("load", "measured", "spread"), [(0.10, 0.999, 0.001), (0.12, 0.986, 0.006)])
def test_hopfield_ends_where_theory_says(load: float, measured: float, spread: float) -> None:
    found = overlap_at(load, Hopfield(), range(1))
    assert found == pytest.approx(measured, abs=0.03)
    assert found == pytest.approx(theory.hopfield_overlap(load), abs=spread)  # memories of 1,000 units differ so much


@pytest.mark.slow
@pytest.mark.parametrize("update", ["asynchronous", "synchronous"])
def test_hopfield_at_and_above_the_critical_load(update) -> None:
    # An endless network fails from 0.138 on; 1,000 units smear that, and single memories differ by 0.02 or so.
    assert overlap_at(0.138, Hopfield(update), range(8)) == pytest.approx(0.944, abs=0.03)
    assert overlap_at(0.2, Hopfield(update), range(1)) < 0.7
    assert theory.hopfield_overlap(0.139) == 0.0


def test_hopfield_one_step_error_and_critical_load() -> None:
    items = drawn(200, 1000, 500, 3)
    states = signs(items)
    wrong = (states @ Hopfield().store(items, seed=0) * states < 0).mean()
    expected = theory.hopfield_one_step_error(1000, 200)
    assert wrong == pytest.approx(expected, abs=4 * math.sqrt(expected / states.size))
    assert theory.hopfield_critical_load() == pytest.approx(0.137906, abs=5e-7)  # Stojnic (2024): replica symmetric


def recalled(p: int) -> float:
    items = drawn(p, 500, 20, 4)
    cues = items[:50] * (items[:50].cumsum(axis=1) <= 15)
    memory = TsodyksFeigelman()
    back = memory.read(memory.store(items, seed=0), cues, seed=0).completed
    return float((back & items[:50]).sum() / items[:50].sum())


def test_tsodyks_feigelman_recalls_below_and_not_above_capacity() -> None:
    capacity = theory.tsodyks_feigelman_capacity(500, 0.04)
    assert recalled(round(capacity / 20)) > 0.99
    assert recalled(round(3 * capacity)) < 0.5
    assert theory.tsodyks_feigelman_bits(1000, 1e-300, theory.tsodyks_feigelman_capacity(1000, 1e-300)) == (
        pytest.approx(1 / (2 * math.log(2)), rel=0.002)
    )


@pytest.mark.parametrize("p", [100, 1000, 10_000])
def test_modern_hopfield_in_one_step(p: int) -> None:
    rng = np.random.default_rng(p)
    items = (rng.random((p, 64)) < 0.5).astype(np.uint8)
    wrong = np.zeros((min(p, 500), 64), np.uint8)
    np.put_along_axis(wrong, rng.random(wrong.shape).argpartition(6, axis=1)[:, :6], 1, axis=1)
    memory = ModernHopfield(beta=1.0)
    back = memory.read(memory.store(items, seed=0), items[:500] ^ wrong, seed=0).completed
    assert np.array_equal(back, items[:500])
    capacity = theory.modern_hopfield_capacity(75)  # c = 1.3718 of Ramsauer et al. (2021)
    assert capacity == pytest.approx(math.sqrt(0.001) * 1.3718**18.5, rel=0.002)


def test_kanerva_reaches_as_many_locations_as_binomial() -> None:
    assert [theory.kanerva_access(1000, r) for r in (451, 447)] == pytest.approx([1.07e-3, 4.45e-4], rel=0.003)
    assert theory.kanerva_access(4, 1) == 5 / 16
    assert [theory.kanerva_radius(4, share) for share in (1 / 16, 0.07, 5 / 16, 0.99)] == [0, 1, 1, 4]
    n, expected = 200_000, theory.kanerva_access(1000, 451)
    addresses = random_addresses(n, 1000, np.random.default_rng(1))
    # Sparse probes reach as many as half-active ones do.
    probes = np.concatenate([drawn(10, 1000, active, 2) for active in (500, 20)])
    counts = np.concatenate([near.sum(axis=1) for _, near in within(addresses, 451, probes)])
    assert (abs(counts - n * expected) < 4 * math.sqrt(n * expected * (1 - expected))).all()


def test_kanerva_counters_are_the_items_weighed_by_shared_locations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(superposed_parts, "PART", 1500)  # three items or probes at a time
    items, probes = drawn(20, 100, 50, 1), drawn(30, 100, 50, 2)
    memory = KanervaSDM(locations=500, access=0.05, reads=1)
    held = memory.store(items, seed=3)
    at_items, at_probes = (memory.read(held, each, seed=0).code.astype(int) for each in (items, probes))
    sums = at_probes @ at_items.T @ signs(items, int)
    read = memory.read(held, probes, seed=0)
    assert np.array_equal(read.completed, sums > 0)
    weights = (at_probes @ at_items.T).sum(axis=1)
    assert read.familiarity == pytest.approx((sums * signs(probes)).mean(axis=1) / weights, abs=1e-12)


def test_false_matches_of_sets_and_unions() -> None:
    assert f"{theory.false_match(10_000, 300, 24, 12):.6g}" == f"{8.37584522709849e-13:.6g}"
    n, k, memory = 100, 20, SDRUnion(theta=0.35)  # 7 of 20
    for p, expected in ((1, theory.false_match(n, k, k, 7)), (2, theory.union_false_match(n, k, 2, k, 7))):
        shares = np.empty(200)
        for seed in range(len(shares)):
            held, probes = memory.store(drawn(p, n, k, seed), seed=0), drawn(200, n, k, 10_000 + seed)
            shares[seed] = memory.read(held, probes, seed=0).code.any(axis=1).mean()
        assert shares.mean() == pytest.approx(expected, abs=4 * shares.std() / math.sqrt(len(shares)))
    assert theory.union_false_match(n, k, 1, k, 7) == pytest.approx(theory.false_match(n, k, k, 7), rel=1e-12)


def test_bits_per_weight() -> None:
    n, k = 1 << 20, 20
    assert 0.5 < theory.willshaw_bits(n, k, theory.willshaw_capacity(n, k)) < math.log(2)
    assert [theory.hopfield_bits(1000, 138, m) for m in (1.0, 0.0)] == pytest.approx([0.138, 0.0])
    assert theory.modern_hopfield_bits(4, 2, 7) == pytest.approx(math.log2(6) / 4)
    assert theory.kanerva_bits(4, 2, 10, 100) == pytest.approx(0.1 * math.log2(6) / 4)
    assert theory.union_bits(1_000_000, 10, 69_315) == pytest.approx(math.log(2), rel=1e-4)
    assert theory.union_density(10, 5, 2) == pytest.approx(0.75)
