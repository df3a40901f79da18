"""Which noisy score is the highest: known chances, one answer on every backend, grouped columns, and bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

import cogmem.kernels.strongest as module
from cogmem.errors import UserError
from cogmem.kernels.kernel import usable
from cogmem.kernels.strongest import strongest

FAST = tuple(backend for backend in usable() if backend != "numpy")
NO_CRITERION = -np.inf


def test_chances_by_hand() -> None:
    # Scores are looked for within five standard deviations: 3e-7 is beyond them.
    # One score: it passes with its own tail. Two: the difference of two normals, mean 1 and variance 1 + 4.
    one = strongest([[0.5]], [[2.0]], [[1.0]], [1.0], backend="numpy")
    assert one[0] == pytest.approx([norm.sf(0.25), norm.cdf(0.25)], abs=1e-6)
    two = strongest([[1.0, 0.0]], [[1.0, 2.0]], [[1.0, 1.0]], [NO_CRITERION], backend="numpy")
    assert two[0] == pytest.approx([norm.cdf(1 / np.sqrt(5)), norm.sf(1 / np.sqrt(5)), 0.0], abs=1e-6)
    # Alike scores share what there is: four chances of a fifth in one column, one in the other.
    alike = strongest([[0.0, 0.0]], [[1.0, 1.0]], [[4.0, 1.0]], [NO_CRITERION], backend="numpy")
    assert alike[0] == pytest.approx([0.8, 0.2, 0.0], abs=1e-5)
    # A criterion far above all, and a column that is not there.
    assert strongest([[0.0, 9.0]], [[1.0, 1.0]], [[1.0, 0.0]], [20.0], backend="numpy")[0].tolist() == [0.0, 0.0, 1.0]


def test_chances_are_those_of_drawn_scores() -> None:
    rng = np.random.default_rng(1)
    mean, sd, count, criterion = [1.0, 0.2, 0.0], [0.3, 0.5, 0.25], [1, 5, 40], 0.9
    columns = np.repeat(np.arange(3), count)
    drawn = np.asarray(mean)[columns] + np.asarray(sd)[columns] * rng.standard_normal((200_000, len(columns)))
    chosen = np.where(drawn.max(axis=1) > criterion, columns[drawn.argmax(axis=1)], 3)
    shares = np.bincount(chosen, minlength=4) / len(drawn)
    # Four standard errors of a share of one half.
    assert strongest([mean], [sd], [count], [criterion])[0] == pytest.approx(shares, abs=4 * 0.5 / np.sqrt(len(drawn)))


@pytest.mark.parametrize("backend", FAST)
@settings(max_examples=15)
@given(rows=st.integers(0, 5), columns=st.integers(1, 4), seed=st.integers(0, 99))
def test_every_backend_gives_the_same_chances(backend: str, rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mean, sd = rng.normal(0.3, 1.0, (rows, columns)), rng.uniform(0.05, 2.0, (rows, columns))
    count, criterion = rng.integers(0, 4, (rows, columns)).astype(float), rng.normal(0.5, 1.0, rows)
    made = [strongest(mean, sd, count, criterion, backend=each) for each in ("numpy", backend)]
    # Sums of products in another order, and another library's error function.
    assert np.allclose(*made, rtol=0, atol=1e-9)
    assert (made[0] >= 0).all()
    assert np.allclose(made[0].sum(axis=1), 1.0, atol=1e-4)


def test_more_nodes_change_little(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    mean, sd = rng.normal(0.3, 0.6, (300, 12)), rng.uniform(0.05, 1.0, (300, 12))
    count, criterion = rng.integers(1, 7, (300, 12)).astype(float), rng.normal(0.8, 0.4, 300)
    few = strongest(mean, sd, count, criterion)
    monkeypatch.setattr(module, "NODES", 16)
    assert np.abs(strongest(mean, sd, count, criterion) - few).max() < 5e-5


def test_bad_input_is_a_sentence() -> None:
    with pytest.raises(UserError, match="of one shape"):
        strongest([[0.0]], [[1.0, 1.0]], [[1.0]], [0.0])
    with pytest.raises(UserError, match="every sd above 0"):
        strongest([[0.0]], [[0.0]], [[1.0]], [0.0])
    with pytest.raises(UserError, match="array of float64"):
        strongest([["a"]], [[1.0]], [[1.0]], [0.0])
