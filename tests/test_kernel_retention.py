"""Counts of simulated recall: certain cases, the binomial law, one answer on every backend, and bad input."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import cogmem as cm
from cogmem.errors import UserError
from cogmem.kernels import random
from cogmem.kernels.kernel import usable
from cogmem.kernels.retention import retention_counts, simulate_retention

FAST = tuple(backend for backend in usable() if backend != "numpy")


def test_counts_by_hand() -> None:
    # The uniforms of individual 0 in stream 0 under seed 0: .399, .881, .736, .605 (the words of the known answer).
    assert random.uniforms(1, 4, seed=0, backend="numpy")[0].round(3).tolist() == [0.399, 0.881, 0.736, 0.605]
    for p, expected in ((0.0, 0), (0.39, 0), (0.41, 1), (0.7, 2), (0.8, 3), (1.0, 4)):
        assert retention_counts([[p]], n_items=4, seed=0, backend="numpy").tolist() == [[expected]]


@pytest.mark.parametrize("backend", FAST)
@settings(max_examples=15)
@given(people=st.integers(0, 9), delays=st.integers(1, 3), items=st.integers(0, 9), first=st.sampled_from([0, 2**33]))
def test_every_backend_counts_the_same(backend: str, people: int, delays: int, items: int, first: int) -> None:
    p = np.linspace(0, 1, people * delays).reshape(people, delays)
    made = [retention_counts(p, n_items=items, seed=4, first=first, backend=each) for each in ("numpy", backend)]
    assert np.array_equal(*made)
    assert made[0].shape == (people, delays)
    assert (made[0] <= items).all()


@pytest.mark.parametrize("people", [255, 256, 600])
def test_tiles_threads_and_cuts_make_no_difference(people: int) -> None:
    p = np.random.default_rng(1).random((people, 3))
    whole = retention_counts(p, n_items=11, seed=2, backend="numpy")
    for threads in (1, numba.config.NUMBA_NUM_THREADS):
        numba.set_num_threads(threads)
        assert np.array_equal(retention_counts(p, n_items=11, seed=2, backend="numba"), whole)
    parts = [
        retention_counts(p[k : k + 100], n_items=11, seed=2, first=k, backend="numba") for k in range(0, people, 100)
    ]
    assert np.array_equal(np.concatenate(parts), whole)


def test_more_items_leave_the_answers_to_the_others() -> None:
    p = np.full((200, 2), 0.5)
    fewer, more = (retention_counts(p, n_items=n, seed=3) for n in (6, 7))
    assert set(np.unique(more - fewer)) == {0, 1}


def test_counts_are_binomial() -> None:
    found = retention_counts(np.full((40_000, 2), 0.3), n_items=10, seed=5)
    for counts in found.T:
        observed = np.bincount(counts, minlength=11)
        expected = stats.binom.pmf(np.arange(11), 10, 0.3) * len(counts)
        kept = expected > 5
        assert (
            stats.chisquare(observed[kept], expected[kept] * observed[kept].sum() / expected[kept].sum()).pvalue > 1e-3
        )
    # Delays have streams of their own: no correlation beyond 4 standard errors.
    assert abs(np.corrcoef(found.T)[0, 1]) < 4 / np.sqrt(len(found))


@pytest.mark.parametrize(
    "model", [cm.models.power, cm.models.memory_chain, cm.models.pavlik_anderson], ids=lambda m: m.name
)
def test_any_equation_is_simulated_from_its_parameters(model: cm.Equation) -> None:
    people, delays = 20_000, np.array([60.0, 3600.0, 86_400.0])
    values = {"a": 1.1, "b": 0.15, "mu1": 1.0, "a1": 1e-3, "mu2": 1e-3, "a2": 1e-5}
    values |= {"c": 0.2, "alpha": 0.18, "tau": -3.0, "s": 0.5}
    theta = {each.name: np.full(people, values[each.name]) for each in model.parameters}
    columns = {"retention_interval": delays, "study_age": np.stack([delays + 600, delays], axis=1)}
    needed = {name: columns[name] for name in model.needs}
    counts = simulate_retention(model.predict, theta, needed, n_items=20, seed=1)
    p = np.clip(model.predict(np, {name: value[:1, None] for name, value in theta.items()}, needed), 0, 1)[0]
    assert np.allclose(counts.mean(axis=0) / 20, p, atol=4 * np.sqrt(0.25 / (people * 20)))
    alone = retention_counts(np.tile(p, (people, 1)), n_items=20, seed=1)
    assert np.array_equal(alone, counts)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"p": [0.5]}, "p of shape (any, any); got (1,)"),
        ({"p": [[1.5]]}, "between 0 and 1; got 1.5"),
        ({"p": [[np.nan]]}, "between 0 and 1; got nan"),
        ({"p": [["a"]]}, "p as an array of float64; got <U1"),
        ({"n_items": -1}, "n_items, a whole number from 0"),
        ({"backend": "gpu"}, "no backend 'gpu'"),
    ],
)
def test_bad_input_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as problem:
        retention_counts(**({"p": [[0.5]], "n_items": 3, "seed": 1} | change))
    assert said in str(problem.value)


def test_parameters_of_different_people_are_named() -> None:
    with pytest.raises(UserError, match=r"one value of each parameter a person; got lengths \{'a': 2, 'b': 1\}"):
        simulate_retention(
            cm.models.power.predict, {"a": [1.0, 1.0], "b": [0.1]}, {"retention_interval": [60.0]}, n_items=2, seed=1
        )
