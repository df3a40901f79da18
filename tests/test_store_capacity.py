"""Untrained stores: the table of the notes, theory beside simulation, what is exact, and what grows with dimension."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from cogmem.errors import UserError
from cogmem.jobs import store_capacity
from cogmem.jobs.store_capacity import CapacitySettings, Condition, GrowthSettings, read
from cogmem.jobs.store_theory import expected, nearest_key
from cogmem.subjects import regressions
from cogmem.trials import Trials

CLEAN: Condition = (64, 0.0, 0.0)
NOISY: Condition = (64, 0.0, 0.5)
ALIKE: Condition = (64, 0.5, 0.0)
SMALL: Condition = (32, 0.0, 0.0)
PAIRS = (8, 32, 64, 128, 256)
WITH_TABLE = CapacitySettings(
    rules=("linear", "gated", "delta", "delta_twice", "rls", "softmax", "cubic"), pairs=PAIRS, dimensions=(32, 64),
    repetitions=40, ridge=1e-3,
)  # fmt: skip
# Of an independent implementation, with a penalty of 1e-3, by N = 8, 32, 64, 128, 256; None: not given.
TABLE: dict[tuple[Condition, str], tuple[float | None, ...]] = {
    (CLEAN, "linear"): (1, 1, 1, 0.97, 0.76), (CLEAN, "gated"): (1, 1, 0.93, 0.53, 0.27),
    (CLEAN, "delta"): (1, 1, 0.92, 0.54, 0.26), (CLEAN, "delta_twice"): (1, 1, 0.99, 0.61, 0.27),
    (CLEAN, "rls"): (1, 1, 1, 1, 0.89), (CLEAN, "softmax"): (1, 1, 1, 1, 1), (CLEAN, "cubic"): (1, 1, 1, 1, 1),
    (NOISY, "linear"): (None, None, None, 0.95, 0.62), (NOISY, "rls"): (1, 1, 0.70, 0.96, 0.70),
    (NOISY, "softmax"): (1, 1, 1, 1, 1), (NOISY, "cubic"): (1, 1, 1, 1, 1),
    (ALIKE, "linear"): (0.92, 0.28, 0.10, 0.04, 0.01), (ALIKE, "delta"): (0.65, 0.39, 0.30, 0.17, 0.08),
    (ALIKE, "delta_twice"): (1, 0.94, 0.79, 0.39, 0.12), (ALIKE, "rls"): (1, 1, 1, 1, 0.88),
    (ALIKE, "softmax"): (1, 1, 1, 1, 1), (ALIKE, "cubic"): (1, 1, 0.99, None, None),
    (SMALL, "linear"): (1, 0.99, 0.83, 0.46, 0.15), (SMALL, "rls"): (1, 1, 0.98, 0.58, 0.19),
}  # fmt: skip


@pytest.fixture(scope="module")
def table() -> Trials:
    return store_capacity.accuracy(WITH_TABLE, seed=1)


def row(table: Trials, rule: str, condition: Condition, column: str = "y") -> np.ndarray:
    d, rho, noise = condition
    same = (table["dimension"] == d) & (table["key_similarity"] == rho) & (table["cue_noise"] == noise)
    return table[column][same & (table["rule"] == rule)]


def stream(n: int = 12, d: int = 6) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(1)
    q, k, v = (torch.from_numpy(rng.standard_normal((2, m, d))) for m in (3, n, n))
    return q, torch.nn.functional.normalize(k, dim=-1), v


def test_settings_that_no_store_can_take() -> None:
    with pytest.raises(UserError, match="no store 'hebbian'"):
        CapacitySettings(rules=("hebbian",))
    with pytest.raises(UserError, match="2 pairs or more"):
        CapacitySettings(pairs=(1, 8))
    with pytest.raises(UserError, match="2 repetitions"):
        CapacitySettings(repetitions=1)


@pytest.mark.parametrize("rule", [rule.name for rule in regressions.RULES])
def test_stores_are_the_regressions(rule: str) -> None:
    q, k, v = stream()
    settings = CapacitySettings(ridge=regressions.RIDGE, sharpness=6.0**-0.5)
    gates = {"keep": settings.keep, "strength": settings.strength, "momentum": settings.momentum, "rate": settings.rate}
    whole = {name: torch.full((2, 12), gate, dtype=torch.float64) for name, gate in gates.items()}
    found = next(each for each in regressions.RULES if each.name == rule)
    meant = regressions.one_by_one(found, q, torch.full((3,), 12), k, v, whole)
    # A sharpness of 1 / sqrt(d) is the softmax of q.k / sqrt(d).
    assert torch.allclose(read(rule, q, k, v, settings), meant, atol=1e-9, rtol=0)


def test_two_passes_and_the_cube_by_hand() -> None:
    # One number a key: after v1 = 1 (k 1) and v2 = 3 (k 1), a second pass leaves 3 again; half the strength: 2.21875.
    k, v = torch.ones(1, 2, 1, dtype=torch.float64), torch.tensor([[[1.0], [3.0]]], dtype=torch.float64)
    settings = CapacitySettings(strength=0.5)
    # 0 -> .5 -> 1.75 -> 1.375 -> 2.1875
    assert read("delta_twice", k[:, :1], k, v, settings).item() == pytest.approx(2.1875)
    # Cosines of 1 and .5: 1 + 3 / 8.
    q, two = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[1.0, 0.0], [0.5, 0.75**0.5]]])
    assert read("cubic", q, two, v.float(), settings).item() == pytest.approx(1.375)


def test_accuracy_is_that_of_the_notes(table: Trials) -> None:
    """Within .03; of alike keys within .06, since lists differ by what their keys share (standard errors up to .03).

    The cubic read-out of alike keys is left out from N = 128: 200 lists of ours give .83, .56 and .26 (standard error
    .02) at 128, 256 and 512, where the notes have .88, .60 and .15 of fewer.
    """
    for (condition, rule), meant in TABLE.items():
        for n, y, want in zip(PAIRS, row(table, rule, condition), meant, strict=True):
            if want is not None:
                assert y == pytest.approx(want, abs=0.06 if condition == ALIKE else 0.03), (condition, rule, n)


def test_theory_is_what_is_simulated(table: Trials) -> None:
    """Within .035 from 32 numbers on: .03 is the error of taking scores as Gaussian, and .01 two standard errors."""
    found = 0
    for condition in (CLEAN, NOISY, SMALL):
        for rule in ("linear", "gated", "delta", "rls"):
            theory = row(table, rule, condition, "theory")
            assert np.isfinite(theory).all() == ((rule, condition) != ("rls", NOISY))
            if np.isfinite(theory).all():
                assert row(table, rule, condition) == pytest.approx(theory, abs=0.035), (condition, rule)
                found += 1
    assert found == 11
    # Where no pair is like another in the sum's theory, there is none: alike keys, softmax, a rule with two gates.
    for rule, condition in (("linear", ALIKE), ("softmax", CLEAN), ("cubic", CLEAN), ("delta_twice", CLEAN)):
        assert np.isnan(row(table, rule, condition, "theory")).all()


def test_more_pairs_more_alike_and_noisier_are_worse_and_more_numbers_better(table: Trials) -> None:
    # The noise of two means of 40 lists; exact regression is worst at N = d if the cue is noisy, and is not asked.
    for rule in WITH_TABLE.rules:
        for condition in (CLEAN, ALIKE, SMALL) if rule == "rls" else (CLEAN, NOISY, ALIKE, SMALL):
            assert (np.diff(row(table, rule, condition)) <= 0.01).all(), (rule, condition)
        clean = row(table, rule, CLEAN)
        assert (row(table, rule, SMALL) <= clean + 0.01).all()
        assert (row(table, rule, ALIKE) <= clean + 0.02).all()
        assert (row(table, rule, NOISY) <= clean + 0.01).all()


def test_capacity_is_where_accuracy_falls(table: Trials) -> None:
    found = store_capacity.capacity(table, criterion=0.9)
    at = {rule: row(found, rule, CLEAN, "capacity")[0] for rule in WITH_TABLE.rules}
    assert 128 < at["linear"] < 256
    assert 32 < at["gated"] < 128
    assert at["delta"] < at["delta_twice"] < at["linear"] < at["rls"]
    assert np.isnan(at["softmax"])
    theory = row(found, "linear", CLEAN, "theory")[0]
    # A tenth: accuracy falls by .2 from 128 to 256 pairs, so that .02 of accuracy is a tenth of N.
    assert at["linear"] == pytest.approx(theory, rel=0.1)
    # Half as many numbers hold less than half: scores of fewer numbers of values vary more.
    assert row(found, "linear", SMALL, "capacity")[0] < 0.5 * at["linear"]


def test_alike_keys_need_a_correction_for_what_they_share(table: Trials) -> None:
    at = {rule: row(table, rule, ALIKE)[PAIRS.index(32)] for rule in WITH_TABLE.rules}
    assert at["linear"] < at["delta"] < at["delta_twice"] - 0.4
    assert min(at["rls"], at["softmax"], at["cubic"]) > 0.99
    # On random keys the order is the other way round: one pass keeps only the last pairs.
    clean = {rule: row(table, rule, CLEAN)[PAIRS.index(128)] for rule in WITH_TABLE.rules}
    assert clean["delta"] < clean["linear"] - 0.3


def test_double_descent() -> None:
    settings = CapacitySettings(pairs=(32, 64, 128), repetitions=40)
    found = store_capacity.double_descent(settings, seed=1)
    at = {(ridge, int(n)): (y, mse) for ridge, n, y, mse in
          zip(found["ridge"], found["n_pairs"], found["y"], found["mse"], strict=True)}  # fmt: skip
    y, mse = at[1e-6, 64]
    assert y < 0.4
    assert mse > 10
    assert at[0.1, 64][0] > 0.95
    assert at[0.1, 64][1] < 1
    assert at[1e-6, 32][0] > 0.99
    assert at[1e-6, 128][0] > 0.95
    assert np.isnan(expected("rls", NOISY, 64, settings))


def test_what_is_recalled_exactly() -> None:
    found = store_capacity.recall_error(CapacitySettings(dimension=16, repetitions=5), seed=1)
    at = {key[:4]: key[4] for key in zip(*(found[name] for name in found), strict=True)}
    for n in (4, 8, 16):
        # Without a penalty; the condition of 16 random keys of 16 numbers costs digits.
        assert at["rls", "random", 1, n] < 1e-5
        assert at["delta", "orthonormal", 1, n] < 1e-12
    assert at["rls", "random", 1, 32] > 0.5
    # The second basis overwrites the first: half of the pairs are wrong by the length of two values.
    assert at["delta", "orthonormal", 1, 32] == pytest.approx(1.0, abs=0.1)
    passes = [at["delta", "random", times, 8] for times in (1, 2, 8)]
    assert passes[0] > passes[1] > passes[2] > 1e-6
    assert passes[2] < 0.3 * passes[0]


def test_the_capacity_of_softmax_grows_exponentially_and_that_of_a_sum_does_not() -> None:
    settings = GrowthSettings(rules=("softmax", "linear"), dimensions=(6, 8, 10, 12, 14), most=1024)
    found = store_capacity.growth(settings, seed=1)
    d = np.array(settings.dimensions, float)
    at = {rule: found["capacity"][found["rule"] == rule] for rule in settings.rules}
    slope = np.polyfit(d, np.log(at["softmax"]), 1)[0]
    assert np.corrcoef(d, np.log(at["softmax"]))[0, 1] > 0.98
    theory = found["theory"][found["rule"] == "softmax"]
    # Capacities of 1000 tests for each N are known to about a tenth, their slope over 8 dimensions to about .03.
    assert slope == pytest.approx(np.polyfit(d, np.log(theory), 1)[0], abs=0.08)
    assert slope > 0.4
    # Each two dimensions multiply softmax's capacity by the same number; a sum's grows by ever smaller ones.
    assert at["softmax"][-1] / at["softmax"][0] > 10 * at["linear"][-1] / at["linear"][0]
    assert np.isnan(found["theory"][found["rule"] == "linear"]).all()


def test_the_nearest_key_of_few() -> None:
    # In two dimensions and with one other key a cue at angle a is nearer to a random one with P = a / pi.
    rng = np.random.default_rng(1)
    angle = np.abs(np.angle(1 + 0.7 / np.sqrt(2) * (rng.standard_normal(200_000) + 1j * rng.standard_normal(200_000))))
    assert nearest_key(2, 2, 0.7) == pytest.approx(1 - angle.mean() / np.pi, abs=0.003)
    assert nearest_key(1, 8, 0.7) == pytest.approx(1.0)


def test_the_same_seed_gives_the_same_numbers() -> None:
    settings = CapacitySettings(pairs=(8, 16), dimensions=(8,), dimension=8, repetitions=3)
    one, two, other = (store_capacity.accuracy(settings, seed=seed)["y"] for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
    # A rule alone gets the lists that it gets among others.
    alone = store_capacity.accuracy(replace(settings, rules=("delta",)), seed=1)
    whole = store_capacity.accuracy(settings, seed=1)
    assert np.array_equal(alone["y"], whole["y"][whole["rule"] == "delta"])


@pytest.mark.slow
def test_all_rules_at_their_defaults() -> None:
    found = store_capacity.accuracy(CapacitySettings(), seed=1)
    for rule in store_capacity.RULES:
        y = row(found, rule, (128, 0.0, 0.0))
        assert y[0] == 1.0
        assert (np.diff(y) <= 0.02).all()
    assert (row(found, "local_linear", ALIKE) > 0.99).all()
    # At 16 numbers theory is off by up to .07: cosines of so few numbers are not Gaussian.
    few = found["dimension"] == 16
    known = few & np.isfinite(found["theory"])
    assert np.abs(found["y"] - found["theory"])[known].max() < 0.08
