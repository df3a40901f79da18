"""Counter-based random numbers: the published answers, the same on every backend, and what they are draws of."""

from __future__ import annotations

import subprocess
import sys

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cogmem.errors import UserError
from cogmem.kernels import random
from cogmem.kernels.kernel import Kernel, choose, usable

FAST = tuple(backend for backend in usable() if backend != "numpy")
ALL_ONES = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        # Random123's known-answer vectors for philox4x32-10 (Salmon et al., 2011).
        ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((ALL_ONES,) * 4, (ALL_ONES,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_gives_the_published_words(counter: tuple[int, ...], key: tuple[int, int], answer: str) -> None:
    words = random.philox(*(np.uint64(word) for word in (*counter, *key)))
    assert " ".join(f"{int(word):08x}" for word in words) == answer


def test_a_block_is_counted_by_step_stream_and_individual() -> None:
    key, who = (5, 6), 2**40 + 9
    counter = (7, 3, who & ALL_ONES, who >> 32)
    expected = random.philox(*(np.uint64(word) for word in (*counter, *key)))
    assert np.array_equal(random.block(key, who, 7, 3), expected)


def test_cuda_is_tried_in_the_simulator_or_on_a_gpu() -> None:
    # Without this, a machine whose numba.cuda is broken would pass by testing nothing.
    assert set(usable()) == {"numpy", "numba", "cuda"}


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("draw", [random.words, random.uniforms, random.normals, random.exponentials])
@settings(max_examples=15)
@given(n=st.integers(0, 9), draws=st.integers(0, 9), seed=st.integers(0, 2**64 - 1), stream=st.integers(0, 2**32 - 1))
def test_every_backend_draws_the_same(draw, backend: str, n: int, draws: int, seed: int, stream: int) -> None:
    meaning = draw(n, draws, seed=seed, stream=stream, backend="numpy")
    found = draw(n, draws, seed=seed, stream=stream, backend=backend)
    assert found.dtype == meaning.dtype
    assert found.shape == (n, draws)
    if backend == "numba" or draw in (random.words, random.uniforms):
        assert np.array_equal(found, meaning)
    else:
        assert np.allclose(found, meaning, rtol=0.0, atol=2e-6)


@pytest.mark.parametrize("draw", [random.words, random.normals, random.exponentials])
def test_any_number_of_threads_draws_the_same(draw) -> None:
    made = {}
    for threads in (1, numba.config.NUMBA_NUM_THREADS):
        numba.set_num_threads(threads)
        made[threads] = draw(1003, 7, seed=3, backend="numba")
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    assert all(np.array_equal(each, made[1]) for each in made.values())
    assert np.array_equal(made[1], draw(1003, 7, seed=3, backend="numpy"))


def test_a_part_can_be_drawn_alone() -> None:
    whole = random.normals(20, 30, seed=1, backend="numpy")
    assert np.array_equal(random.normals(5, 9, seed=1, backend="numpy"), whole[:5, :9])
    assert not np.array_equal(random.normals(20, 30, seed=2, backend="numpy"), whole)
    assert not np.array_equal(random.normals(20, 30, seed=1, stream=1, backend="numpy"), whole)


@pytest.mark.parametrize(
    ("draw", "law"),
    [(random.uniforms, stats.uniform()), (random.normals, stats.norm()), (random.exponentials, stats.expon())],
)
def test_the_draws_follow_their_law(draw, law) -> None:
    x = draw(4000, 100, seed=11, backend="numba").astype(np.float64)
    # One sample of 400 000 and a fixed seed: p is uniform under the law, so .001 is no accident.
    assert stats.kstest(x.ravel(), law.cdf).pvalue > 0.001
    for other in (x[:, 1:].ravel(), x[1:, :].ravel()):
        assert abs(np.corrcoef(x.ravel()[: len(other)], other)[0, 1]) < 4 / np.sqrt(len(other))


def test_single_precision_functions_are_as_exact_as_stated() -> None:
    u = np.concatenate([np.logspace(-9.9, 0, 5000), [1.0, 2.0**-33]]).astype(np.float32)
    assert np.allclose(random.minus_log(u), -np.log(u.astype(np.float64)), rtol=2e-7, atol=2e-7)
    x = -np.linspace(0.0, 87.0, 5000).astype(np.float32)
    assert np.allclose(random.exp(x), np.exp(x.astype(np.float64)), rtol=2e-7, atol=0.0)
    words = np.array([0, 1, 2**29 - 1, 2**29, 2**30, 2**31, 3 * 2**30, 2**32 - 1], dtype=np.uint64)
    sure = np.full_like(words, 2**31)
    z0, z1 = random.normals_of(sure, words)
    radius, turn = np.sqrt(-2 * np.log(0.5)), 2 * np.pi * words.astype(float) / 2**32
    assert np.allclose([z0, z1], [radius * np.cos(turn), radius * np.sin(turn)], atol=3e-7)


def test_bernoulli_and_categorical_draws() -> None:
    p = np.array([0.0, 1.0, 0.25])
    hits = random.bernoullis(p, 40_000, seed=2)
    assert not hits[0].any()
    assert hits[1].all()
    # Binomial standard error .0022; 4 of them.
    assert abs(hits[2].mean() - 0.25) < 0.009
    options = random.categoricals([[0.2, 0.0, 0.8], [0.0, 1.0, 0.0]], 40_000, seed=2)
    assert set(np.unique(options[0])) == {0, 2}
    assert abs((options[0] == 0).mean() - 0.2) < 0.009
    assert (options[1] == 1).all()
    # By hand: word 6627e8d5 is a uniform of .399, e169c58d of .881.
    assert random.categoricals([[0.4, 0.5, 0.1]], 2, seed=0).tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: random.words(3, 3, seed=-1), "seed that is a whole number from 0 to 2^64 - 1; got -1"),
        (lambda: random.words(3, 3, seed=1.0), "got 1.0"),
        (lambda: random.words(3.5, 3, seed=1), "individuals, a whole number from 0"),
        (lambda: random.words(3, 3, seed=1, backend="cuba"), "no backend 'cuba'; did you mean 'cuda'"),
        (lambda: random.bernoullis([0.5, 1.5], 3, seed=1), "between 0 and 1; got 1.5"),
        (lambda: random.bernoullis(["a"], 3, seed=1), "p as an array of float64; got <U1"),
        (lambda: random.categoricals([[0.5, 0.6]], 3, seed=1), "rows of p that sum to 1"),
        (lambda: random.categoricals([0.5, 0.5], 3, seed=1), "p of shape (any, any); got (2,)"),
    ],
)
def test_bad_input_is_named(call, said: str) -> None:
    with pytest.raises(UserError) as problem:
        call()
    assert said in str(problem.value)


def test_a_backend_that_cannot_run_says_why_and_nothing_else_is_taken() -> None:
    code = (
        "import os; os.environ.pop('NUMBA_ENABLE_CUDASIM', None); os.environ['CUDA_VISIBLE_DEVICES'] = ''\n"
        "from cogmem.kernels import kernel, random\n"
        "print(kernel.choose())\n"
        "try:\n    random.words(1, 1, seed=1, backend='cuda')\nexcept ValueError as problem:\n    print(problem)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    chosen, said = done.stdout.splitlines()
    assert chosen == "numba"
    assert "The backend 'cuda' cannot run here: no NVIDIA GPU" in said
    assert "NUMBA_ENABLE_CUDASIM=1" in said


def test_auto_takes_no_simulator() -> None:
    assert choose("numpy") == "numpy"
    assert choose() in ("numba", "cuda")
    called = Kernel("k", len, "builtins:len", "builtins:len").on("numba")
    assert called([1, 2]) == 2


def test_the_gpu_draws_the_same(gpu: None) -> None:
    assert np.array_equal(
        random.words(3000, 17, seed=9, backend="cuda"), random.words(3000, 17, seed=9, backend="numpy")
    )
