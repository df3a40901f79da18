"""What the rival memories of superposed items share: frames as items, products in exact integers, a word when full."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.subjects.superposed import Read, Saturated, checked

Array = NDArray[Any]
"""Whole numbers kept as floats, for the sake of fast matrix products (see `exact`), or real ones."""
Bits = NDArray[np.uint8]

PART: Final = 1 << 22
"""Cells of a table of probes by what is held that are made at a time: bounds the memory, never the result."""
FULL: Final = 0.5
"""Share of cells that are on from which a store of one-bit cells is called saturated. A cell tells most when on and off
are as likely (Willshaw, Buneman & Longuet-Higgins, 1969; of unions: Bloom, 1970): beyond, an item more adds less than
it hides. Half is also the share of its features that a random probe has in a union by chance."""


def exact(largest: int) -> np.dtype[Any]:
    """Return the float type in which sums of whole numbers up to `largest` are exact, in whatever order they are taken.

    >>> exact(1000), exact(1 << 24)
    (dtype('float32'), dtype('float64'))
    """
    return np.dtype(np.float32 if largest < 1 << 24 else np.float64)


def signs(bits: Bits, kind: Any = np.float64) -> Array:
    """Return 0 and 1 as -1 and +1."""
    return np.asarray(2 * bits.astype(kind) - 1)


def blocks(rows: int, width: int) -> Iterator[slice]:
    """Yield slices of `rows` rows, together all of them, each with about PART cells of `width` a row."""
    step = max(1, PART // max(1, width))
    for first in range(0, rows, step):
        yield slice(first, first + step)


def settled(change: Callable[[Array], Array], states: Array, most: int) -> Array:
    """Return where states (rows, units) come to by `change`, at most `most` times: each until it stays or is back.

    With symmetric weights and all units changed at a time a state ends as it is or in a pair that goes to and fro, of
    which the later is returned.
    """
    now, before, rows = states.copy(), states.copy(), np.arange(len(states))
    for _ in range(most):
        if not len(rows):
            break
        made = change(now[rows])
        done = (made == now[rows]).all(axis=1) | (made == before[rows]).all(axis=1)
        before[rows], now[rows] = now[rows], made
        rows = rows[~done]
    return now


def winners(scores: Array, k: int) -> Bits:
    """Return the k largest of each row of scores (rows, features) as ones; of equals the first."""
    made = np.zeros(scores.shape, np.uint8)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    np.put_along_axis(made, order, 1, axis=1)
    return made


def mean_weight(frames: Bits, weights: Array) -> tuple[Array, Array]:
    """Return the inputs (frames, features), frames @ weights, and the mean weight among a frame's features (frames,).

    The mean is over pairs of different features; where a frame has but one, it is that one's weight with itself.
    """
    cues = frames.astype(weights.dtype)
    inputs, own = cues @ weights, cues @ weights.diagonal()
    active = cues.sum(axis=1, dtype=np.float64)
    among = (inputs * cues).sum(axis=1, dtype=np.float64) - own
    pairs = active * (active - 1)
    return inputs, np.where(pairs > 0, among / np.maximum(pairs, 1), own)


def frames_of(name: str, items: Bits) -> Bits:
    """Return items (n, features), or the frames of sequences (n, frames, features), one after another, as rows."""
    given = checked(name, items)
    return given.reshape(-1, given.shape[-1])


def by_frames(name: str, features: int, probes: Bits, read: Callable[[Bits], Read]) -> Read:
    """Return what `read` says of rows (n, features), of sequences (n, frames, features) each frame as an item.

    A sequence is as familiar as its frames are on average; its completed frames have the probe's shape, and its code is
    those of the frames one after another: (n, frames x units).
    """
    given = checked(name, probes, features)
    found = read(given.reshape(-1, features))
    if given.ndim == 2:
        return found
    n, frames = given.shape[:2]
    units = found.code.shape[1]
    return Read(
        found.familiarity.reshape(n, frames).mean(axis=1),
        found.completed.reshape(given.shape),
        found.code.reshape(n, frames * units),
    )


def warn_if_full(name: str, cells: str, density: float) -> None:
    """Warn where more than FULL of a store's one-bit cells are on."""
    if density > FULL:
        warnings.warn(
            f"{name} is saturated: {density:.0%} of its {cells} are on. It goes on, but an item more hides more than "
            "it adds; take more features, or fewer or sparser items.",
            Saturated,
            stacklevel=3,
        )
