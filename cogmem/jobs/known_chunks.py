"""Known chunks in lists: do people hold so many chunks, or so many words? (Chen & Cowan, 2009, serial recall.)

Pairs of words that were learned before count as one chunk or as two words. A person who holds k chunks recalls
min(n, k) of n; one who holds k words min(words, k) words. k is fitted to all of a person's lists but one, and scored on
that one.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.human_data.loading import load
from cogmem.trials import Trials, from_rows

Array = NDArray[np.float64]

DATA: Final = "chen_cowan_2009"
HELD: Final = ("chunks", "words")
GRID: Final = np.linspace(0.25, 12.0, 48)
"""Of k; what people hold is told no finer by ten lists."""
SURE: Final = 0.98
"""No chunk is recalled or lost more surely than that."""


def expected(n_chunks: Array, list_length: Array, k: Array, held: str) -> Array:
    """Return the share of chunks recalled, (..., lists), by somebody who holds k (..., 1) chunks or words."""
    capacity = k / n_chunks if held == "chunks" else k / list_length
    return np.clip(np.minimum(capacity, 1.0), 1 - SURE, SURE)


def left_out(correct: Array, n_chunks: Array, list_length: Array, held: str) -> tuple[Array, float]:
    """Return the log density of each list when k is told by the others, in nats a chunk, and k of all lists.

    Posterior mean over GRID, all k equally likely before; binomial without its coefficient.
    """
    p = expected(n_chunks, list_length, GRID[:, None], held)
    logs = correct * np.log(p) + (n_chunks - correct) * np.log1p(-p)
    others = logs.sum(axis=1, keepdims=True) - logs
    weight = np.exp(others - others.max(axis=0))
    weight /= weight.sum(axis=0)
    density = np.log((weight * np.exp(logs)).sum(axis=0))
    whole = np.exp(logs.sum(axis=1) - logs.sum(axis=1).max())
    return density, float((GRID * whole).sum() / whole.sum())


def capacity() -> Trials:
    """Return a row a group and kind of thing held: mean log density a chunk when lists are left out, k, people.

    `behind`: how far behind the better one it is, person by person, with its standard error.
    """
    table, found = load(DATA).rows, []
    for condition in dict.fromkeys(table["condition"].tolist()):
        own = table.where(table["condition"] == condition)
        logs: dict[str, list[float]] = {held: [] for held in HELD}
        most: dict[str, list[float]] = {held: [] for held in HELD}
        for who in dict.fromkeys(own["participant"].tolist()):
            mine = own.where(own["participant"] == who)
            columns = (np.asarray(mine[name], dtype=np.float64) for name in ("correct", "n_chunks", "list_length"))
            correct, n_chunks, length = columns
            for held in HELD:
                density, k = left_out(correct, n_chunks, length, held)
                logs[held].append(float(density.sum() / n_chunks.sum()))
                most[held].append(k)
        best = max(HELD, key=lambda held: float(np.mean(logs[held])))
        for held in HELD:
            apart = np.array(logs[best]) - np.array(logs[held])
            n = len(apart)
            found.append({"condition": condition, "held": held, "elpd_per_chunk": float(np.mean(logs[held])),
                          "k": float(np.mean(most[held])), "k_sd": float(np.std(most[held])), "people": float(n),
                          "behind": float(apart.mean()), "behind_se": float(apart.std() / np.sqrt(n))})  # fmt: skip
    return from_rows(found)
