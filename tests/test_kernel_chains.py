"""Chains of reproductions: closed forms, one answer on every backend, and bad input."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogmem.errors import UserError
from cogmem.kernels import random
from cogmem.kernels.chains import RULES, gaussian_chains, gaussian_coefficients, mixture_chains
from cogmem.kernels.kernel import usable

FAST = tuple(backend for backend in usable() if backend != "numpy")
PRIOR: dict[str, Any] = {"means": [-2.0, 1.0, 3.0], "sds": [0.5, 0.3, 1.0], "weights": [1.0, 2.0, 1.0], "noise_sd": 0.7}


def xu_griffiths(**choices: Any) -> dict[str, Any]:
    """Return the coefficients for prior N(0, 1) and noise .5, so that lam = .8."""
    return dict(
        zip(
            ("slope", "shift", "sd"),
            gaussian_coefficients(prior_mean=0, prior_sd=1, noise_sd=0.5, **choices),
            strict=True,
        )
    )


def test_the_first_generations_by_hand() -> None:
    z = random.normals(2, 4, seed=3, backend="numpy")
    one, two = 0.5 * np.float32(4) + 1 + 2 * z[:, 0], None
    two = np.float32(0.5) * one + 1 + 2 * z[:, 1]
    found = gaussian_chains([4.0, 4.0], slope=0.5, shift=1.0, sd=2.0, keep=[0, 1, 2], seed=3, backend="numpy")
    assert np.allclose(found, [[4.0, 4.0], one, two], rtol=1e-6)


@pytest.mark.parametrize(
    ("choices", "variance"),
    [
        ({}, 1.0),  # percepts of samplers: the prior itself
        ({"tracked": "produced"}, 1.25),  # what they produce: the prior predictive
        ({"rule": "mean"}, 0.64 * 0.25 / 0.36),  # lam^2 noise^2 / (1 - lam^2)
        ({"rule": "map"}, 0.64 * 0.25 / 0.36),
        ({"rule": "mean", "tracked": "produced"}, 0.25 / 0.36),
    ],
)
def test_a_gaussian_chain_has_the_closed_form_moments(choices: dict[str, Any], variance: float) -> None:
    n, lam, keep = 200_000, 0.8, [1, 2, 5, 10, 60]
    found = gaussian_chains(np.full(n, 5.0), keep=keep, seed=1, **xu_griffiths(**choices)).astype(np.float64)
    for generation, x in zip(keep, found, strict=True):
        expected = variance * (1 - lam ** (2 * generation))
        # Standard errors of a mean and of a normal variance; 4 of them.
        assert abs(x.mean() - 5.0 * lam**generation) < 4 * np.sqrt(expected / n)
        assert abs(x.var() - expected) < 4 * expected * np.sqrt(2 / n)
    lagged = np.corrcoef(found[3], found[2])[0, 1]
    assert 0 < lagged < 1


def test_tempering_lies_between_sampling_and_the_mean() -> None:
    sds = [float(xu_griffiths(temper=temper)["sd"]) for temper in (1.0, 4.0, 1e9)]
    assert sds == sorted(sds, reverse=True)
    assert sds[-1] == pytest.approx(float(xu_griffiths(rule="mean")["sd"]))


@pytest.mark.parametrize("backend", FAST)
@settings(max_examples=12)
@given(
    n=st.integers(0, 5),
    keep=st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True).map(sorted),
    seed=st.integers(0, 2**64 - 1),
    slope=st.floats(-1.0, 1.0, width=32),
    own=st.booleans(),
)
def test_gaussian_chains_agree(backend: str, n: int, keep: list[int], seed: int, slope: float, own: bool) -> None:
    start = np.linspace(-3, 3, n)
    sd = np.linspace(0.1, 2, n) if own else 0.7
    both = [
        gaussian_chains(start, slope=slope, shift=0.3, sd=sd, keep=keep, seed=seed, backend=each)
        for each in ("numpy", backend)
    ]
    assert both[0].shape == (len(keep), n)
    assert np.array_equal(*both) if backend == "numba" else np.allclose(*both, atol=1e-4)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("backend", FAST)
@settings(max_examples=6)
@given(n=st.integers(0, 4), keep=st.sampled_from([[0], [3], [0, 1, 4]]), components=st.integers(1, 3))
def test_mixture_chains_agree(rule: str, backend: str, n: int, keep: list[int], components: int) -> None:
    prior = {name: value[:components] if isinstance(value, list) else value for name, value in PRIOR.items()}
    start = np.linspace(-3, 3, n)
    both = [mixture_chains(start, keep=keep, seed=7, rule=rule, backend=each, **prior) for each in ("numpy", backend)]
    assert np.array_equal(*both) if backend == "numba" else np.allclose(*both, atol=1e-4)


@pytest.mark.parametrize("n", [511, 512, 513, 1300])
def test_tiles_and_threads_make_no_difference(n: int) -> None:
    start, keep = np.linspace(-3, 3, n), [1, 4, 6, 13]
    for call in (
        lambda backend: gaussian_chains(start, keep=keep, seed=5, backend=backend, **xu_griffiths()),
        lambda backend: mixture_chains(start, keep=keep, seed=5, backend=backend, **PRIOR),
    ):
        meaning = call("numpy")
        for threads in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(threads)
            assert np.array_equal(call("numba"), meaning)


def test_a_prior_of_one_component_is_the_gaussian_chain_in_law() -> None:
    n = 100_000
    one = mixture_chains(np.full(n, 5.0), means=[0.0], sds=[1.0], weights=[3.0], noise_sd=0.5, keep=[2], seed=1)[0]
    expected = 1 - 0.8**4
    assert abs(one.mean(dtype=float) - 3.2) < 4 * np.sqrt(expected / n)
    assert abs(one.var(dtype=float) - expected) < 4 * expected * np.sqrt(2 / n)


def test_samplers_settle_on_their_prior_and_others_do_not() -> None:
    n = 100_000
    rng = np.random.default_rng(1)
    component = rng.choice(3, size=n, p=[0.25, 0.5, 0.25])
    prior = np.array(PRIOR["means"])[component] + np.array(PRIOR["sds"])[component] * rng.standard_normal(n)
    edges = np.linspace(-4, 6, 21)
    expected = np.histogram(prior, edges)[0]
    sampled = mixture_chains(prior, keep=[20], seed=2, **PRIOR)[0]
    # Two multinomial samples of one law: the statistic has 19 degrees of freedom, and 60 is beyond p = 1e-5.
    observed = np.histogram(sampled, edges)[0]
    assert (((observed - expected) ** 2) / (observed + expected + 1e-9)).sum() < 60
    averaged = mixture_chains(prior, keep=[20], seed=2, rule="mean", **PRIOR)[0]
    observed = np.histogram(averaged, edges)[0]
    assert (((observed - expected) ** 2) / (observed + expected + 1e-9)).sum() > 1000


def test_map_answers_are_modes_of_the_posterior() -> None:
    answers = mixture_chains(np.linspace(-4, 5, 50), keep=[1], seed=3, rule="map", **PRIOR)[0].astype(np.float64)
    z = random.normals(50, 2, seed=3)
    y = np.linspace(-4, 5, 50) + 0.7 * np.array(
        [random.normals(k + 1, 2, seed=3, backend="numpy")[k, 0] for k in range(50)]
    )
    assert np.allclose(z[:, 0], (y - np.linspace(-4, 5, 50)) / 0.7, atol=1e-5)
    means, sds, weights = (np.array(PRIOR[name]) for name in ("means", "sds", "weights"))
    grid = np.linspace(-5, 6, 11_001)

    def posterior(x: Any, percept: float) -> Any:
        density = (weights / sds * np.exp(-0.5 * ((x[..., None] - means) / sds) ** 2)).sum(axis=-1)
        return density * np.exp(-0.5 * ((percept - x) / 0.7) ** 2)

    for answer, percept in zip(answers, y, strict=True):
        # A mode: nowhere near is the posterior denser, and nowhere at all by much (mean shift starts from one place).
        here = posterior(np.array([answer]), percept)[0]
        assert here >= 0.999 * posterior(np.array([answer - 0.05, answer + 0.05]), percept).max()
        assert here > 0.6 * posterior(grid, percept).max()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"start": [[1.0]]}, "start of shape (any,); got (1, 1)"),
        ({"start": ["a"]}, "start as an array of float32; got <U1"),
        ({"keep": []}, "keep, ascending numbers of generations from 0 on; got []"),
        ({"keep": [3, 1]}, "got [3, 1]"),
        ({"keep": [1.5]}, "keep as an array of int64; got float64"),
        ({"slope": [0.1, 0.2]}, "slope of shape (1,); got (2,)"),
        ({"seed": -1}, "got -1"),
    ],
)
def test_bad_input_to_gaussian_chains(change: dict[str, Any], said: str) -> None:
    good = {"start": [1.0], "slope": 0.5, "shift": 0.0, "sd": 1.0, "keep": [1], "seed": 1}
    with pytest.raises(UserError) as problem:
        gaussian_chains(**(good | change))
    assert said in str(problem.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rule": "mode"}, "no rule 'mode'"),
        ({"sds": [1.0, 1.0]}, "sds of shape (3,); got (2,)"),
        ({"sds": [1.0, 0.0, 1.0]}, "sds above 0 and finite; got 0.0"),
        ({"weights": [1.0, np.nan, 1.0]}, "weights above 0 and finite"),
        ({"noise_sd": 0.0}, "noise_sd above 0 and finite"),
        ({"means": [], "sds": [], "weights": []}, "at least one component"),
    ],
)
def test_bad_input_to_mixture_chains(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as problem:
        mixture_chains([1.0], keep=[1], seed=1, **(PRIOR | change))
    assert said in str(problem.value)


def test_a_degenerate_prior_is_named() -> None:
    with pytest.raises(UserError, match="prior_sd above 0 and finite; got 0"):
        gaussian_coefficients(prior_mean=0, prior_sd=0, noise_sd=1)
    with pytest.raises(UserError, match="tracked, 'percept' or 'produced'"):
        gaussian_coefficients(prior_mean=0, prior_sd=1, noise_sd=1, tracked="both")
