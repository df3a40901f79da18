"""Packed codes and their overlap: exact counts on every backend, ties in the order of places."""

from __future__ import annotations

import doctest
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cogmem.kernels.overlap
from cogmem.errors import UserError
from cogmem.kernels.kernel import simulated, usable
from cogmem.kernels.overlap import best, overlap, pack, top, unpack

FAST = [backend for backend in usable() if backend != "numpy"]
ONES = np.uint64(2**64 - 1)


def codes(n: int, words: int, seed: int, *, few: bool = False) -> Any:
    """Return random codes; `few`: with so few ones that many counts are equal."""
    rng = np.random.default_rng(seed)
    made = rng.integers(0, 2**64, (n, words), dtype=np.uint64)
    for _ in range(5 if few else 0):
        made &= rng.integers(0, 2**64, (n, words), dtype=np.uint64)
    return made


def size(backend: str, n: int) -> int:
    """Return a small number for numba's simulator, which starts a thread of Python for each code."""
    return n % 10 if backend == "cuda" and simulated() else n


def test_bits_by_hand() -> None:
    assert pack([[1, 0, 1, 1], [0, 0, 0, 0]]).tolist() == [[0b1101], [0]]
    long = np.zeros(70, bool)
    long[[0, 63, 64, 69]] = True
    assert pack(long).tolist() == [1 + 2**63, 1 + 2**5]


@given(st.integers(0, 200), st.integers(0, 5), st.integers(0, 99))
def test_what_is_packed_is_unpacked(n_bits: int, n: int, seed: int) -> None:
    bits = np.random.default_rng(seed).random((n, n_bits)) < 0.3
    assert pack(bits).shape == (n, -(-n_bits // 64))
    assert np.array_equal(unpack(pack(bits), n_bits), bits)


@pytest.mark.parametrize("backend", usable())
def test_counts_by_hand(backend: str) -> None:
    stored = pack([[1, 1, 0, 0], [0, 1, 1, 0], [1, 1, 0, 1], [0, 0, 0, 1]])
    assert overlap(pack([1, 1, 0, 0]), stored, backend=backend).tolist() == [2, 1, 2, 0]
    assert best(pack([1, 1, 0, 0]), stored, backend=backend) == (0, 2)  # codes 0 and 2 share two: the first of them
    places, counts = top(pack([[1, 1, 0, 0], [0, 0, 1, 0]]), stored, k=3, backend=backend)
    assert places.tolist() == [[0, 2, 1], [1, 0, 2]]
    assert counts.tolist() == [[2, 2, 1], [1, 0, 0]]


@pytest.mark.parametrize("backend", usable())
def test_full_words_count_all_their_ones(backend: str) -> None:
    assert overlap(np.full(33, ONES), np.full((3, 33), ONES), backend=backend).tolist() == [33 * 64] * 3
    assert overlap(np.full((2, 33), ONES), np.full((3, 33), ONES), backend=backend).tolist() == [[33 * 64] * 3] * 2


@pytest.mark.parametrize("backend", FAST)
@settings(max_examples=25)
@given(st.integers(1, 700), st.integers(0, 9), st.integers(1, 18), st.integers(0, 999))
def test_counts_are_those_of_numpy(backend: str, n: int, words: int, asked: int, seed: int) -> None:
    n = size(backend, n) or 1
    stored, queries = codes(n, words, seed), codes(asked, words, seed + 1)
    expected = overlap(queries, stored, backend="numpy")
    assert np.array_equal(overlap(queries, stored, backend=backend), expected)
    assert np.array_equal(overlap(queries[0], stored, backend=backend), expected[0])
    assert expected.dtype == np.int32


@pytest.mark.parametrize("backend", FAST)
@settings(max_examples=25)
@given(st.integers(1, 900), st.integers(0, 4), st.integers(1, 17), st.integers(1, 40), st.integers(0, 999))
def test_the_best_are_those_of_numpy_with_equals_in_order(
    backend: str, n: int, words: int, asked: int, k: int, seed: int
) -> None:
    n, asked, k = (size(backend, each) or 1 for each in (n, asked, k))
    k = min(k, n)
    stored, queries = codes(n, words, seed, few=True), codes(asked, words, seed + 1, few=True)
    for each in (queries, queries[0]):
        for found, expected in zip(
            top(each, stored, k=k, backend=backend), top(each, stored, k=k, backend="numpy"), strict=True
        ):
            assert np.array_equal(found, expected)
        assert np.array_equal(best(each, stored, backend=backend)[0], best(each, stored, backend="numpy")[0])


@pytest.mark.parametrize("backend", usable())
def test_nothing_stored_and_nothing_asked(backend: str) -> None:
    assert overlap(codes(3, 2, 1), codes(0, 2, 1), backend=backend).shape == (3, 0)
    assert overlap(codes(0, 2, 1), codes(3, 2, 1), backend=backend).shape == (0, 3)
    assert top(codes(0, 2, 1), codes(3, 2, 1), k=2, backend=backend)[0].shape == (0, 2)


def test_the_number_of_threads_changes_nothing() -> None:
    stored, queries = codes(5000, 3, 1, few=True), codes(9, 3, 2, few=True)
    before = numba.get_num_threads()
    found = []
    for threads in (1, before):
        numba.set_num_threads(threads)
        found.append((overlap(queries, stored, backend="numba"), *top(queries, stored, k=7, backend="numba")))
    numba.set_num_threads(before)
    assert all(np.array_equal(one, two) for one, two in zip(*found, strict=True))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: overlap(np.zeros((2, 3), np.int64), codes(4, 3, 1)), "queries as packed codes, an array of uint64"),
        (lambda: overlap(codes(2, 3, 1), codes(4, 5, 1)), r"queries of shape \(any, 5\); got \(2, 3\)"),
        (lambda: overlap(codes(2, 3, 1), codes(4, 3, 1)[0]), r"codes of shape \(any, any\); got \(3,\)"),
        (lambda: top(codes(2, 3, 1), codes(4, 3, 1), k=5), "k, a whole number from 1 to 4; got 5"),
        (lambda: best(codes(2, 3, 1), codes(0, 3, 1)), "at least one code to choose from; got none"),
        (lambda: overlap(codes(2, 3, 1), codes(4, 3, 1), backend="numbo"), "did you mean 'numba'"),
        (lambda: pack([[1, 2]]), "true or false"),
        (lambda: pack(["a"]), "true or false"),
        (lambda: unpack(pack([1, 0]), 65), "n_bits, a whole number from 0 to 64; got 65"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input(call: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        call()


def test_examples_of_the_docstrings() -> None:
    assert doctest.testmod(cogmem.kernels.overlap).failed == 0


@pytest.mark.usefixtures("gpu")
def test_on_a_gpu_with_codes_that_lie_there() -> None:
    from numba import cuda

    from cogmem.kernels.cuda import overlap as gpu

    stored, queries = codes(20_000, 32, 1), codes(13, 32, 2)
    there = cuda.to_device(stored)
    assert np.array_equal(gpu.overlap(queries, there), overlap(queries, stored, backend="numpy"))
    assert np.array_equal(gpu.top(queries, there, 5)[0], top(queries, stored, k=5, backend="numpy")[0])
