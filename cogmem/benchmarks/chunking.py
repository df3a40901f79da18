"""Speed of chunk learning: the recall experiment for 108 people at once, and a million symbols of text in slices."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.benchmarks.timing import Speed, Workload, against, compiled
from cogmem.kernels.chunks import compress, learn
from cogmem.paradigms.chunkings import ChunkingSettings, template_sequences

FIXED: Final = 53
VARIABLE: Final = 55
"""People of the two groups of Wu et al. (2025)."""
SLICE: Final = 1000
LETTERS: Final = 27


def people(seed: int) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return the sequences of 108 people, (108, 64, 12), and who is trained with slots."""
    settings, varied = ChunkingSettings(), np.arange(FIXED + VARIABLE) >= FIXED
    made = [template_sequences(settings, "variable" if slots else "fixed", np.random.default_rng([seed, k]))
            for k, slots in enumerate(varied)]  # fmt: skip
    return np.stack(made), varied


def text(n: int, seed: int) -> NDArray[np.int64]:
    """Return n slices of words, (n, 1000): 2,000 words of letters by Zipf's law, a space after each."""
    rng = np.random.default_rng(seed)
    letters = rng.dirichlet(np.full(LETTERS - 1, 0.5))
    words = [[*rng.choice(LETTERS - 1, int(rng.integers(1, 9)), p=letters).tolist(), LETTERS - 1] for _ in range(2000)]
    often = 1 / np.arange(1.0, len(words) + 1)
    found = list[int]()
    while len(found) < n * SLICE:
        for word in rng.choice(len(words), 1000, p=often / often.sum()):
            found += words[word]
    return np.array(found[: n * SLICE]).reshape(n, SLICE)


def workloads(*, quick: bool = False, seed: int = 1) -> list[Workload]:
    """Return what all 108 people read, and slices of text that are read up to 25 times with variables."""
    sequences, varied = people(seed)
    order = np.random.default_rng(seed).permutation(len(sequences))
    n = 8 if quick else len(sequences)
    slices = text(4 if quick else 1000, seed)

    def learned(backend: str, size: int) -> Any:
        own = order[:size]
        return learn(sequences[own], n_symbols=6, abstraction=varied[own], backend=backend).nats

    def compressed(backend: str, size: int) -> Any:
        return compress(slices[:size], n_symbols=LETTERS, times=25, backend=backend).nats

    return [Workload("learn 64 sequences of 12 keys", "symbol", n, n, 64 * 12, learned),
            Workload("compress slices of 1,000 letters", "symbol", len(slices), 2, SLICE, compressed)]  # fmt: skip


def bench(*, quick: bool = False, seed: int = 1) -> list[Speed]:
    """Return the speed of every backend against the lexicon in plain Python."""
    rows: list[Speed] = []
    for work in workloads(quick=quick, seed=seed):
        meaning = work.speed("numpy")
        rows += [meaning, *(against(work.speed(backend), numpy=meaning) for backend in compiled())]
    return rows
