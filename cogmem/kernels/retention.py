"""Simulated recall of many people straight into counts: Bernoulli answers to items, added up where they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cogmem.errors import UserError
from cogmem.kernels import random
from cogmem.kernels.arguments import array, count, seed_key
from cogmem.kernels.kernel import Kernel

Predict = Callable[[Any, Mapping[str, Any], Mapping[str, Any]], Any]
PEOPLE_AT_ONCE: Final = 1 << 14
"""People whose predictions are computed in one call: bounds the memory, never the result."""


def _counts(edges: NDArray[np.uint64], n_items: int, first: int, key: tuple[int, int]) -> NDArray[np.int32]:
    people, delays = edges.shape
    counts = np.zeros((people, delays), np.int32)
    who = first + np.arange(people)[:, None]
    for block in range(-(-n_items // 4)):
        # The stream is the delay, so a design with more items or delays draws the same answers to the old ones.
        words = [
            np.concatenate(each, axis=1)
            for each in zip(*(random.block(key, who, block, delay) for delay in range(delays)), strict=True)
        ]
        for word in words[: n_items - 4 * block]:
            counts += word < edges
    return counts


COUNTS: Final[Kernel[Callable[..., Any]]] = Kernel(
    "retention_counts", _counts, "cogmem.kernels.cpu.retention:counts", "cogmem.kernels.cuda.retention:counts"
)


def retention_counts(
    p: ArrayLike, *, n_items: int, seed: int, first: int = 0, backend: str = "auto"
) -> NDArray[np.int32]:
    """Return how many of `n_items` each person recalls after each delay: `p` (people, delays) -> (people, delays).

    Item j of person i at delay d is recalled where word j % 4 of block j // 4 of individual first + i in stream d is
    below 2^32 p: the same answers on every backend, and for every way of cutting people into calls.
    """
    who = COUNTS.name
    edges = random.thresholds(array(who, "p", p, np.float64, (None, None)))
    items, start = count(who, "n_items", n_items, least=0), count(who, "first", first, least=0, most=2**62)
    return np.asarray(COUNTS.on(backend)(edges, items, start, seed_key(who, seed)))


def simulate_retention(
    predict: Predict,
    theta: Mapping[str, ArrayLike],
    columns: Mapping[str, ArrayLike],
    *,
    n_items: int,
    seed: int,
    backend: str = "auto",
) -> NDArray[np.int32]:
    """Return the counts of people who retain by an equation, (people, delays).

    `predict(xp, theta, columns)` is that of an `Equation`, `theta` its parameters (people,) and `columns` what it needs
    of each delay (delays, ...). Predictions are clipped to [0, 1].
    """
    values = {name: array(COUNTS.name, name, value, np.float64, (None,)) for name, value in theta.items()}
    sizes = {name: len(value) for name, value in values.items()}
    if len(set(sizes.values())) != 1:
        raise UserError(f"{COUNTS.name} needs one value of each parameter a person; got lengths {sizes}.")
    people, needed = next(iter(sizes.values())), {name: np.asarray(value) for name, value in columns.items()}
    delays = len(next(iter(needed.values())))
    made = np.empty((people, delays), np.int32)
    for first in range(0, people, PEOPLE_AT_ONCE):
        own = slice(first, first + PEOPLE_AT_ONCE)
        with np.errstate(all="ignore"):
            p = predict(np, {name: value[own, None] for name, value in values.items()}, needed)
        clipped = np.clip(np.broadcast_to(p, made[own].shape), 0.0, 1.0)
        made[own] = retention_counts(clipped, n_items=n_items, seed=seed, first=first, backend=backend)
    return made
