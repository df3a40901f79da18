"""Code selection: known winners and weights, one answer on every backend, fading, freezing, backing off, bad input."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogmem.errors import UserError
from cogmem.kernels import sparsey as module
from cogmem.kernels.kernel import simulated, usable
from cogmem.kernels.sparsey import Rule, empty, frames_of, learn, psi, recognise

FAST = tuple(backend for backend in usable() if backend != "numpy")
BACKENDS = usable()


def rows(*patterns: str) -> Any:
    return np.array([[int(bit) for bit in pattern] for pattern in patterns], dtype=np.uint8)


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_item_by_hand(backend: str) -> None:
    # Nothing is known: G = 0, all cells alike. Its weights go to one cell of each module, and bring G = 1 back.
    shown = frames_of(rows("110000"))
    field, codes = learn(empty(2, 3, 6), shown, seed=1, backend=backend)
    assert codes.familiarity.tolist() == [[0.0]]
    cells = np.arange(2) * 3 + codes.winners[0, 0]
    wanted = np.zeros((6, 6), np.uint8)
    wanted[:2, cells] = 1
    assert np.array_equal(field.weights[0][0], wanted)
    again = recognise(field, shown, seed=2, backend=backend)
    assert again.familiarity.tolist() == [[1.0]]
    assert np.array_equal(again.winners, codes.winners)
    # Half of the probe's inputs are the item's: V of its cells is 1/2, of all others 0.
    half = recognise(field, frames_of(rows("100100")), seed=2, backend=backend)
    assert half.familiarity.tolist() == [[0.5]]
    assert np.array_equal(half.winners, codes.winners)
    # Missing inputs do not count, as V is of the inputs that are there.
    assert recognise(field, frames_of(rows("100000")), seed=2, backend=backend).familiarity.tolist() == [[1.0]]


def test_weights_of_the_draw_by_hand() -> None:
    # 2014: eta = 1 + 1 x 100 x 8 = 801 at G = 1 and 8 cells; V = 1 gives 800 / 1.1^8 + 1, V = 0 nearly 1.
    v = np.array([1.0, 0.0])
    wanted = [800 / 1.1**8 + 1, 800 / (1 + 0.1 * np.exp(4.0)) ** 8 + 1]
    assert psi(v, 1.0, 8, Rule().numbers(), 0.5) == pytest.approx(wanted)
    # At G of the floor or below, all cells are alike.
    assert psi(v, 0.1, 8, Rule().numbers(), 0.5).tolist() == [1.0, 1.0]
    # 2010: 10000 G^7 / (1 + e^-13) + 1 at V = 1, 1 / (1 + e^13) of it at V = 0.
    old = psi(v, 0.5, 8, Rule("2010").numbers(), 0.5)
    assert old == pytest.approx([10000 * 0.5**7 / (1 + np.exp(-13.0)) + 1, 10000 * 0.5**7 / (1 + np.exp(13.0)) + 1])
    core = psi(np.array([1.0, 0.5, 0.0]), 1.0, 8, Rule("core").numbers(), 0.5)
    assert core == pytest.approx([801, 801 / 2, 801 / (1 + np.exp(2.0))])


@pytest.mark.parametrize("form", module.FORMS[:3])
def test_what_is_not_familiar_gets_winners_by_chance(form: str) -> None:
    # An item with no input in common with what is stored: winners agree with the stored ones in 1 / K of modules.
    rule, cells, modules = Rule(form), 5, 40  # type: ignore[arg-type]
    one, other = frames_of(rows("1100")), frames_of(rows("0011"))
    shared = []
    for seed in range(50):
        field, first = learn(empty(modules, cells, 4), one, rule=rule, seed=seed, backend="numpy")
        _, second = learn(field, other, rule=rule, seed=seed, backend="numpy")
        assert second.familiarity[0, 0] == 0.0
        shared.append((first.winners == second.winners).mean())
    error = np.sqrt(1 / cells * (1 - 1 / cells) / (modules * len(shared)))
    assert np.mean(shared) == pytest.approx(1 / cells, abs=3 * error)


def random_case(seed: int, small: bool) -> tuple[Any, Any, Rule]:
    """Return a field, frames and a rule, with any of the things that a rule may ask for."""
    rng = np.random.default_rng(seed)
    inputs, modules, cells = (int(rng.integers(1, most)) for most in ((70, 4, 4) if small else (150, 8, 8)))
    frames, replicas = int(rng.integers(1, 5 if small else 25)), int(rng.integers(1, 3))
    recurrent, fades, context = seed % 3 == 1, seed % 5 == 2, 7 * (seed % 4 == 3)
    shown = rng.random((int(rng.choice([1, replicas])), frames, inputs)) < rng.choice([0.05, 0.3])
    starts = rng.random(frames) < 0.3
    rule = Rule(
        module.FORMS[seed % 4],  # type: ignore[arg-type]
        exponents=tuple(rng.choice([0.5, 1.0, 2.0], 3)), saturation=float(rng.choice([0.3, 1.0])),
        competing=str(rng.choice(module.COMPETING)), least=int(rng.integers(0, 3)),  # type: ignore[arg-type]
        backoff=() if seed % 2 else (0.9, 0.8),
        fading=((1.0, 0.8, 0.3, 0.0), (1.0, 1.0, 0.5, 0.2), (1.0,) * 4) if fades else (),
        plateaus=(2, 3, 0) if fades else (),
    )  # fmt: skip
    field = empty(modules, cells, inputs, replicas=replicas, recurrent=recurrent, context=context, fades=fades)
    given = frames_of(shown, starts=starts, recurrent=recurrent)
    if context:
        above = module.lists_of(rng.random((1, frames, context)) < 0.4)
        given = replace(given, signals=(given.signals[0], given.signals[1], above))
    return field, given, rule


@pytest.mark.parametrize("backend", FAST)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_every_backend_gives_the_same_codes_and_weights(backend: str, seed: int) -> None:
    field, frames, rule = random_case(seed, small=backend == "cuda" and simulated())
    found = []
    for each in ("numpy", backend):
        one, codes = learn(field, frames, rule=rule, seed=seed, backend=each)
        two, more = learn(one, frames, rule=rule, seed=seed, backend=each)
        found.append((two, codes, more, recognise(two, frames, rule=rule, seed=seed + 1, backend=each)))
    for a, b in zip(found[0][1:], found[1][1:], strict=True):
        for name in ("winners", "hypotheses", "used"):
            assert np.array_equal(getattr(a, name), getattr(b, name)), name
        # Powers and exponentials of two libraries.
        assert np.allclose(a.familiarity, b.familiarity, rtol=0, atol=1e-12)
    for k in range(3):
        assert np.array_equal(found[0][0].weights[k], found[1][0].weights[k])
        assert np.array_equal(found[0][0].last[k], found[1][0].last[k])
    assert np.allclose(found[0][0].middle, found[1][0].middle, rtol=0, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), cut=st.integers(0, 12))
def test_a_life_can_be_cut_anywhere(seed: int, cut: int) -> None:
    field, frames, rule = random_case(12 * seed, small=False)  # no signal but U: nothing else is carried over the cut
    whole, codes = learn(field, frames, rule=rule, seed=seed, backend="numpy")
    first, second = (
        replace(frames, signals=tuple(each[:, part] for each in frames.signals), starts=frames.starts[part])
        for part in (slice(None, cut), slice(cut, None))
    )
    half, before = learn(field, first, rule=rule, seed=seed, backend="numpy")
    done, after = learn(half, second, rule=rule, seed=seed, backend="numpy")
    assert np.array_equal(np.concatenate([before.winners, after.winners], axis=1), codes.winners)
    assert all(np.array_equal(a, b) for a, b in zip(done.weights, whole.weights, strict=True))


def test_many_active_inputs_are_counted_in_words_to_the_same_codes() -> None:
    # Below and above one in eight, numba adds rows or counts ones.
    rng = np.random.default_rng(3)
    for share in (0.05, 0.5):
        frames = frames_of(rng.random((30, 200)) < share)
        rule = Rule(saturation=0.4)
        found = [learn(empty(5, 7, 200), frames, rule=rule, seed=1, backend=each) for each in ("numpy", "numba")]
        assert np.array_equal(found[0][1].winners, found[1][1].winners)
        assert np.array_equal(found[0][0].weights[0], found[1][0].weights[0])
        told = [recognise(found[0][0], frames, rule=rule, seed=2, backend=each).winners for each in ("numpy", "numba")]
        assert np.array_equal(*told)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_full_cell_is_frozen(backend: str) -> None:
    # One cell: 2 of 6 weights set are more than a quarter, so nothing is added to them.
    rule = Rule(saturation=0.25)
    field, _ = learn(empty(1, 1, 6), frames_of(rows("110000", "001100")), rule=rule, seed=1, backend=backend)
    assert field.weights[0][0, :, 0].tolist() == [1, 1, 0, 0, 0, 0]
    assert field.density == pytest.approx(2 / 6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_weights_fade_and_stiffen_by_hand(backend: str) -> None:
    # Half is left a frame later and nothing from the second on; used again at once, a weight stays.
    rule = Rule(fading=((1.0, 0.5, 0.0), (1.0, 1.0, 1.0)), plateaus=(2, 0))
    seen, other = rows("10"), rows("01")
    field, _ = learn(empty(1, 1, 2, fades=True), frames_of(seen), rule=rule, seed=1, backend=backend)
    told = [recognise(field, frames_of(seen), rule=rule, seed=1, backend=backend).familiarity[0, 0]]
    field, _ = learn(field, frames_of(other), rule=rule, seed=1, backend=backend)
    told.append(recognise(field, frames_of(seen), rule=rule, seed=1, backend=backend).familiarity[0, 0])
    assert told == [0.5, 0.0]
    stiff, _ = learn(empty(1, 1, 2, fades=True), frames_of(rows("10", "10")), rule=rule, seed=1, backend=backend)
    assert stiff.weights[0][0, :, 0].tolist() == [2, 0]
    stiff, _ = learn(stiff, frames_of(rows("01", "01", "01")), rule=rule, seed=1, backend=backend)
    assert recognise(stiff, frames_of(seen), rule=rule, seed=1, backend=backend).familiarity[0, 0] == 1.0


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_new_order_is_told_by_the_last_code_and_hidden_by_backing_off(backend: str) -> None:
    frames, starts = rows("1100", "0011", "1100", "0011"), np.array([True, False, True, False])
    born = empty(6, 4, 4, recurrent=True)
    taken = frames_of(frames[:2], starts=starts[:2], recurrent=True)
    field, codes = learn(born, taken, seed=1, backend=backend)
    known = recognise(field, taken, seed=2, backend=backend)
    turned = frames_of(frames[1:3], starts=starts[:2], recurrent=True)
    strange = recognise(field, turned, seed=2, backend=backend)
    # First frames have no H signal. The second: U = 1, and H = 1; after the other code H is the share of cells that
    # both codes have, at just those cells.
    shared = (codes.winners[0, 0] == codes.winners[0, 1]).mean()
    assert known.familiarity[0].tolist() == [1.0, 1.0]
    assert strange.familiarity[0].tolist() == [1.0, pytest.approx(shared**2)]
    assert strange.used[0].tolist() == [1, 2]
    backed = recognise(field, turned, rule=Rule(backoff=(0.9, 0.9)), seed=2, backend=backend)
    assert backed.familiarity[0].tolist() == [1.0, 1.0]
    assert backed.used[0].tolist() == [1, 1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_field_below_its_gate_is_not_active(backend: str) -> None:
    field, codes = learn(empty(2, 2, 4), frames_of(rows("1000", "1110", "0000")), rule=Rule(least=1, most=2), seed=1,
                         backend=backend)  # fmt: skip
    assert (codes.winners[0] >= 0).all(axis=1).tolist() == [True, False, False]
    assert codes.used[0].tolist() == [1, 0, 0]
    assert field.weights[0].sum() == 2


def test_replicas_have_rules_and_chances_of_their_own() -> None:
    frames = frames_of(np.random.default_rng(1).random((20, 40)) < 0.2)
    rules = [Rule(), Rule("2010")]
    both, codes = learn(empty(6, 5, 40, replicas=2), frames, rule=rules, seed=4)
    alone, own = learn(empty(6, 5, 40), frames, rule=rules[0], seed=4)
    assert np.array_equal(codes.winners[0], own.winners[0])
    assert np.array_equal(both.weights[0][0], alone.weights[0][0])
    assert not np.array_equal(codes.winners[0], codes.winners[1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"form": "2013"}, "form is one of 2014, 2010, core, plain"),
        ({"floor": 1.0}, "floor is from 0 to below 1"),
        ({"saturation": 0.0}, "saturation is a share above 0"),
        ({"backoff": (0.9,)}, "backoff has two thresholds"),
        ({"fading": ((1.0, 0.0),)}, "fading has a row"),
    ],
)
def test_rules_that_make_no_sense(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Rule(**change)


def test_bad_input_is_told_in_one_sentence() -> None:
    field = empty(2, 2, 4)
    with pytest.raises(UserError, match="places of 4 inputs"):
        learn(field, frames_of(np.ones((1, 5), np.uint8)), seed=1)
    with pytest.raises(UserError, match="make it recurrent"):
        learn(field, frames_of(np.ones((1, 4), np.uint8), recurrent=True), seed=1)
    with pytest.raises(UserError, match="fades=True"):
        learn(field, frames_of(np.ones((1, 4), np.uint8)), rule=Rule(fading=((1.0, 0.0),), plateaus=(0,)), seed=1)
    with pytest.raises(UserError, match="one rule, or one a replica"):
        learn(field, frames_of(np.ones((1, 4), np.uint8)), rule=[Rule(), Rule()], seed=1)
    with pytest.raises(UserError, match="modules of at least 1"):
        empty(0, 2, 4)
